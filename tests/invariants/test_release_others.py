"""
Files, tasks and explanations leave the database by doors of their own, each for an entry that fits (test_release asks
every door for the entry); here is what only they ask.
"""

from typing import Any
from uuid import uuid4

import pytest

from tests.invariants.attempts import (
    APP,
    CONSENT_ENDED,
    NOT_RELEASED,
    OWNER,
    Sent,
    entry_for,
    follow,
    given,
    member,
    refused,
    session,
)
from tests.invariants.made import making, parties
from tests.invariants.test_release_reader import GONE

FILES = "SELECT id::text FROM referrals_release_files(%s, %s, %s)"
FILE = "SELECT sealed FROM referrals_release_file(%s, %s, %s, %s)"
TASK = "SELECT referrals_release_task(%s, %s, %s)"
EXPLANATION = "SELECT referrals_release_explanation(%s, %s, %s)"


def file(cursor: Any, sent: Sent, **changed: str) -> str:
    """Add a file to the referral, and return its id."""
    made = given(cursor, making("referrals_attachment", **changed) + " RETURNING id::text", parties(sent))
    return str(made[0])


def test_the_files_of_a_category_go_where_the_category_goes(sent: Sent) -> None:
    entry = entry_for(sent.referral, sent.receiving, "reason", "needs")
    with session(APP) as cursor:
        ours = [file(cursor, sent), file(cursor, sent, category="'needs'")]
        beyond = file(cursor, sent, category="'identity'")
        found = given(cursor, FILES, [entry, sent.receiving, sent.referral])
        assert set(ours) <= set(found)
        assert beyond not in found
        assert given(cursor, FILE, [entry, sent.receiving, sent.referral, ours[0]]) == [b"x" * 29]
        assert given(cursor, FILE, [entry, sent.receiving, sent.referral, beyond]) == []


def test_a_file_of_another_referral_is_not_among_them(sent: Sent) -> None:
    entry = entry_for(sent.referral, sent.sending, "reason")
    with session(APP) as cursor:
        elsewhere = file(cursor, sent, referral_id="%(draft)s::uuid")
        assert elsewhere not in given(cursor, FILES, [entry, sent.sending, sent.referral])
        assert given(cursor, FILE, [entry, sent.sending, sent.referral, elsewhere]) == []
        assert refused(cursor, FILE, [entry, sent.sending, sent.draft, elsewhere]) == NOT_RELEASED


def test_files_rest_on_the_ground_that_sections_rest_on(sent: Sent) -> None:
    beyond = entry_for(sent.referral, sent.receiving, "health")
    carried = entry_for(sent.referral, sent.receiving, "reason")
    for call, more in ((FILES, []), (FILE, [str(uuid4())])):
        with session(APP) as cursor:
            assert refused(cursor, call, [beyond, sent.receiving, sent.referral, *more]) == CONSENT_ENDED
        with session(APP) as cursor:
            follow(cursor, sent.consent, "withdrawn")
            assert refused(cursor, call, [carried, sent.receiving, sent.referral, *more]) == CONSENT_ENDED


def test_a_file_under_the_outcome_is_an_outcome(sent: Sent) -> None:
    """The recipient's goes back on a ground of its own alone, and nobody files under what is the other's."""
    own = entry_for(sent.referral, sent.receiving, "outcome")
    back = entry_for(sent.referral, sent.sending, "outcome")
    with session(APP) as cursor:
        mine = file(cursor, sent, category="'outcome'", written_by_id="%(receiving)s::uuid")
        assert given(cursor, FILES, [own, sent.receiving, sent.referral]) == [mine]
        assert refused(cursor, FILES, [back, sent.sending, sent.referral]) == CONSENT_ENDED


def test_what_the_recipient_files_elsewhere_does_not_reach_the_sender_without_a_ground(sent: Sent) -> None:
    entry = entry_for(sent.referral, sent.sending, "reason")
    with session(OWNER) as cursor:
        cursor.execute("ALTER TABLE referrals_attachment DISABLE TRIGGER USER")  # it could not be filed otherwise
        own = file(cursor, sent)
        theirs = file(cursor, sent, written_by_id="%(receiving)s::uuid")
        found = given(cursor, FILES, [entry, sent.sending, sent.referral])
        assert (own in found, theirs in found) == (True, False)
        assert given(cursor, FILE, [entry, sent.sending, sent.referral, theirs]) == []


def test_a_file_that_was_not_scanned_is_released_where_the_entry_says_so(sent: Sent) -> None:
    silent = entry_for(sent.referral, sent.receiving, "reason")
    frank = entry_for(sent.referral, sent.receiving, "reason", detail='{"version": "2", "unscanned": "served"}')
    other = entry_for(sent.referral, sent.receiving, "reason", detail='{"version": "2", "unscanned": "no"}')
    with session(APP) as cursor:
        unscanned = file(cursor, sent, scan_state="'not_scanned'")
        shown = [
            given(cursor, FILE, [entry, sent.receiving, sent.referral, unscanned]) for entry in (silent, other, frank)
        ]
        assert shown == [[], [], [b"x" * 29]]


# --- Tasks ---------------------------------------------------------------------------------------------------------


def about(kind: str, thing: str, sent: Sent, agency: str, *categories: str, **changes: Any) -> Any:
    return entry_for(sent.referral, agency, *categories, subject_kind=kind, subject_id=thing, **changes)


def test_a_task_is_told_to_whose_it_is_and_to_who_opened_it(sent: Sent) -> None:
    task, stranger = str(uuid4()), sent.exchange.stranger.id
    entries = {
        agency: about("task", task, sent, agency, "reason", "identity")
        for agency in (sent.sending, sent.receiving, stranger)
    }
    with session(APP) as cursor:
        cursor.execute(making("referrals_task", id=f"'{task}'::uuid"), parties(sent))
        for agency in (sent.sending, sent.receiving):
            assert given(cursor, TASK, [entries[agency], agency, task]) == [b"told"]
        assert refused(cursor, TASK, [entries[stranger], stranger, task]) == NOT_RELEASED


def test_a_task_is_told_whatever_becomes_of_the_consent(sent: Sent) -> None:
    """Rule 7: no consent state can block the notification about a minor."""
    task = str(uuid4())
    entry = about("task", task, sent, sent.receiving, "reason", "identity")
    with session(APP) as cursor:
        cursor.execute(making("referrals_task", id=f"'{task}'::uuid"), parties(sent))
        follow(cursor, sent.consent, "withdrawn")
        cursor.execute("UPDATE referrals_referral SET status = 'consent_withdrawn' WHERE id = %s", [sent.referral])
        assert given(cursor, TASK, [entry, sent.receiving, task]) == [b"told"]


def test_an_entry_that_names_less_than_the_task_tells_releases_nothing(sent: Sent) -> None:
    task = str(uuid4())
    entries = [about("task", task, sent, sent.receiving, *named) for named in ((), ("reason",), ("identity", "health"))]
    for entry in entries:
        with session(APP) as cursor:
            cursor.execute(making("referrals_task", id=f"'{task}'::uuid"), parties(sent))
            assert refused(cursor, TASK, [entry, sent.receiving, task]) == NOT_RELEASED


@pytest.mark.parametrize("thing", ["00000000-0000-7000-8000-000000000000", ""])
def test_what_is_not_there_is_refused_like_what_is_somebody_elses(sent: Sent, thing: str) -> None:
    for kind, call in (("task", TASK), ("break-glass", EXPLANATION)):
        entry = about(kind, thing, sent, sent.receiving, "reason")
        with session(APP) as cursor:
            assert refused(cursor, call, [entry, sent.receiving, thing or None]) == NOT_RELEASED


# --- Explanations --------------------------------------------------------------------------------------------------


def test_why_glass_was_broken_is_told_to_who_broke_it_and_to_the_owner(sent: Sent) -> None:
    glass, stranger = str(uuid4()), sent.exchange.stranger.id
    parties_to_it = (sent.sending, sent.receiving, stranger)
    one = {agency: about("break-glass", glass, sent, agency) for agency in parties_to_it}
    listed = {agency: about("break-glass", "", sent, agency, result_ids=[glass]) for agency in parties_to_it}
    with session(APP) as cursor:
        cursor.execute(making("referrals_breakglass", id=f"'{glass}'::uuid"), parties(sent))
        for entries in (one, listed):
            for agency in (sent.sending, sent.receiving):
                assert given(cursor, EXPLANATION, [entries[agency], agency, glass]) == [b"why"]
            cursor.execute("SAVEPOINT there")
            assert refused(cursor, EXPLANATION, [entries[stranger], stranger, glass]) == NOT_RELEASED
            cursor.execute("ROLLBACK TO SAVEPOINT there")


@pytest.mark.parametrize("gone", [name for name in GONE if "is a" not in name])
def test_whoever_does_not_work_there_is_told_neither(sent: Sent, gone: str) -> None:
    glass, task = str(uuid4()), str(uuid4())
    why = about("break-glass", glass, sent, sent.receiving)
    what = about("task", task, sent, sent.receiving, "reason", "identity")
    for table, thing, call, entry in (
        ("referrals_breakglass", glass, EXPLANATION, why),
        ("referrals_task", task, TASK, what),
    ):
        with session(APP) as cursor:
            cursor.execute(making(table, id=f"'{thing}'::uuid"), parties(sent))
            assert given(cursor, call, [entry, sent.receiving, thing])
            cursor.execute(GONE[gone], {**parties(sent), "reader": member(sent.receiving)})
            assert refused(cursor, call, [entry, sent.receiving, thing]) == NOT_RELEASED
