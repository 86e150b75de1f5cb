"""
Record first, then release: sealed content leaves the database for a committed, fresh, fitting entry and for no other.

The entries here are written by raw SQL, as SQL injected into the application would write them: the database alone
decides what they release. What it asks about the ground is in test_release_ground, about the reader in
test_release_reader.
"""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from referrals import disclosure
from tests.exchange import Exchange
from tests.invariants.attempts import (
    APP,
    CHECKED,
    CONSENT_ENDED,
    DENIED,
    NOT_RELEASED,
    OWNER,
    READER,
    RELEASE,
    SEALER,
    Sent,
    entry_for,
    given,
    insert_entry,
    naming,
    refused,
    released,
    rows,
    send,
    session,
    version_of,
    withheld,
    write_entry,
)
from tests.invariants.made import making, parties
from tests.referrals.glass import ALERT

NOTHING_NOW = (NOT_RELEASED, CONSENT_ENDED)
"""After a withdrawal over HTTP the referral has stopped as well as the consent; either is reason enough."""


@pytest.mark.parametrize(
    ("named", "out"),
    [
        (["status"], []),
        (["status", "reason"], ["reason"]),
        (["identity"], ["identity", "identity.cpr"]),
        (["reason", "needs"], ["needs", "reason"]),
        ([], []),
    ],
)
def test_a_fresh_entry_releases_what_it_names_and_no_more(sent: Sent, named: list[str], out: list[str]) -> None:
    for agency in (sent.sending, sent.receiving):
        assert released(entry_for(sent.referral, agency, *named), agency, sent.referral) == out


@pytest.mark.parametrize("named", ["identity.cpr", "reason.message", "outcome%", "%", "REASON", "reason ", ""])
def test_a_category_that_is_none_names_nothing(sent: Sent, named: str) -> None:
    assert released(entry_for(sent.referral, sent.sending, named), sent.sending, sent.referral) == []
    assert withheld(entry_for(sent.referral, sent.receiving, named), sent.receiving, sent.referral) == CONSENT_ENDED


def test_an_entry_that_says_whose_content_it_shows_says_so_truly(sent: Sent) -> None:
    """What is said to be one's own is pruned one day; what was another's is kept."""
    own = json.dumps({"version": version_of(sent.referral), "side": "sender"})
    assert released(entry_for(sent.referral, sent.sending, "reason", detail=own), sent.sending, sent.referral)
    lying = entry_for(sent.referral, sent.receiving, "reason", detail=own)
    assert withheld(lying, sent.receiving, sent.referral) == NOT_RELEASED


def test_nor_is_there_an_entry_of_a_category_that_is_null(sent: Sent) -> None:
    for named in ([None], ["reason", None]):
        entry = naming(sent.referral, sent.receiving, categories=named)
        with session(APP) as cursor:
            assert refused(cursor, insert_entry(entry), entry) == CHECKED


Forger = Callable[[Sent], tuple[UUID | None, str | None]]
FORGERIES: dict[str, Forger] = {
    "no entry at all": lambda sent: (uuid4(), sent.receiving),
    "no entry": lambda sent: (None, sent.receiving),
    "another party's entry": lambda sent: (entry_for(sent.referral, sent.sending, "reason"), sent.receiving),
    "a stranger's entry": lambda sent: (
        entry_for(sent.referral, sent.exchange.stranger.id, "reason"),
        sent.exchange.stranger.id,
    ),
    "an agency that is none": lambda sent: (entry_for(sent.referral, str(UUID(int=0)), "reason"), str(UUID(int=0))),
    "an entry that names no agency": lambda sent: (entry_for(sent.referral, None, "reason"), sent.receiving),
    "asked for by nobody": lambda sent: (entry_for(sent.referral, sent.receiving, "reason"), None),
    "by nobody and for nobody": lambda sent: (entry_for(sent.referral, None, "reason"), None),
    "a refused entry": lambda sent: (
        entry_for(sent.referral, sent.receiving, "reason", outcome="refused", refusal="not-found"),
        sent.receiving,
    ),
    "an entry about a consent": lambda sent: (
        entry_for(sent.referral, sent.receiving, "reason", subject_kind="consent"),
        sent.receiving,
    ),
    "an entry about another referral": lambda sent: (
        entry_for(sent.draft, sent.receiving, "reason", result_ids=[UUID(sent.referral)]),
        sent.receiving,
    ),
    "an entry that shows it in a list": lambda sent: (
        entry_for(sent.referral, sent.receiving, "reason", subject_kind="inbox", result_ids=[UUID(sent.referral)]),
        sent.receiving,
    ),
    "an entry about another version": lambda sent: (
        entry_for(sent.referral, sent.receiving, "reason", detail='{"version": "1"}'),
        sent.receiving,
    ),
    "an entry that names no version": lambda sent: (
        entry_for(sent.referral, sent.receiving, "reason", detail="{}"),
        sent.receiving,
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_entry_that_does_not_fit_releases_nothing(sent: Sent, forgery: str) -> None:
    assert withheld(*FORGERIES[forgery](sent), sent.referral) == NOT_RELEASED


def test_a_referral_that_is_not_there_releases_nothing(sent: Sent) -> None:
    """Whatever the entry says about it, and whatever it says of its version."""
    nowhere = str(uuid4())
    for named in (["reason"], ["outcome"]):
        for detail in ("{}", '{"version": "1"}'):
            entry = entry_for(nowhere, sent.receiving, *named, detail=detail)
            assert withheld(entry, sent.receiving, nowhere) == NOT_RELEASED
    assert withheld(entry_for(sent.referral, sent.receiving, "reason"), sent.receiving, None) == NOT_RELEASED


# --- When ---------------------------------------------------------------------------------------------------------

OTHER_DOORS: dict[str, tuple[str, str, str]] = {
    "sections": ("referral", "referral", "referrals_release(%(entry)s, %(receiving)s, %(referral)s)"),
    "files": ("referral", "referral", "referrals_release_files(%(entry)s, %(receiving)s, %(referral)s)"),
    "file": ("referral", "referral", "referrals_release_file(%(entry)s, %(receiving)s, %(referral)s, %(file)s)"),
    "task": ("task", "task", "referrals_release_task(%(entry)s, %(receiving)s, %(task)s)"),
    "explanation": ("break-glass", "glass", "referrals_release_explanation(%(entry)s, %(receiving)s, %(glass)s)"),
}
"""Door → the kind of subject its entry has, which of the made rows that is, and the call."""


@pytest.fixture(scope="module")
def known(sent: Sent) -> dict[str, Any]:
    """What the doors are bound to: a referral with a file, a task and broken glass."""
    values = parties(sent)
    with transaction.atomic(), connection.cursor() as cursor:
        for name, table in (("file", "attachment"), ("task", "task"), ("glass", "breakglass")):
            values[name] = given(cursor, making(f"referrals_{table}") + " RETURNING id::text", values)[0]
        cursor.execute(ALERT, values)  # glass comes with the tasks of those who answer for it
    return values


def entry_of(door: str, sent: Sent, known: dict[str, Any]) -> dict[str, Any]:
    """Return the entry with which this door opens."""
    kind, subject, _ = OTHER_DOORS[door]
    return naming(sent.referral, sent.receiving, "reason", "identity", subject_kind=kind, subject_id=known[subject])


@pytest.mark.parametrize("door", OTHER_DOORS)
def test_each_door_opens_for_its_entry(sent: Sent, known: dict[str, Any], door: str) -> None:
    entry = write_entry(**entry_of(door, sent, known))
    assert rows(f"SELECT * FROM {OTHER_DOORS[door][2]}", {**known, "entry": entry})


@pytest.mark.parametrize("door", OTHER_DOORS)
def test_no_door_opens_in_the_entrys_own_transaction(sent: Sent, known: dict[str, Any], door: str) -> None:
    """So nothing can be shown and then rolled back."""
    columns, call = entry_of(door, sent, known), f"SELECT * FROM {OTHER_DOORS[door][2]}"
    with session(APP) as cursor:
        entry = given(cursor, insert_entry(columns), columns)[0]
        assert refused(cursor, call, {**known, "entry": entry}) == NOT_RELEASED
    with session(APP) as cursor:
        cursor.execute("SAVEPOINT before")
        entry = given(cursor, insert_entry(columns), columns)[0]
        cursor.execute("RELEASE SAVEPOINT before")
        assert refused(cursor, call, {**known, "entry": entry}) == NOT_RELEASED


@pytest.mark.parametrize("door", OTHER_DOORS)
def test_nor_in_another_while_its_own_is_still_open(sent: Sent, known: dict[str, Any], door: str) -> None:
    columns, call = entry_of(door, sent, known), f"SELECT * FROM {OTHER_DOORS[door][2]}"
    with session(APP) as cursor, session(APP) as another:
        entry = given(cursor, insert_entry(columns), columns)[0]
        assert refused(another, call, {**known, "entry": entry}) == NOT_RELEASED


def test_an_entry_older_than_five_seconds_releases_nothing(sent: Sent, known: dict[str, Any]) -> None:
    """Through no door, and not even to a transaction that began while it was young."""
    entries = {door: write_entry(**entry_of(door, sent, known)) for door in OTHER_DOORS}
    with session(APP) as cursor:
        assert given(cursor, RELEASE, [entries["sections"], sent.receiving, sent.referral])
        time.sleep(5.2)
        assert refused(cursor, RELEASE, [entries["sections"], sent.receiving, sent.referral]) == NOT_RELEASED
    for door, entry in entries.items():
        with session(APP) as cursor:
            assert refused(cursor, f"SELECT * FROM {OTHER_DOORS[door][2]}", {**known, "entry": entry}) == NOT_RELEASED


MISFITS: dict[str, dict[str, Any]] = {
    "a refused entry": {"outcome": "refused", "refusal": "not-found"},
    "an entry of nobody": {"actor_user": ""},
    "an entry of somebody unknown": {"actor_user": "0"},
    "an entry of no agency": {"actor_agency": None},
    "an entry of another agency": {"actor_agency": str(uuid4())},
    "an entry about something else": {"subject_kind": "consent"},
    "an entry about another": {"subject_id": str(uuid4())},
}


@pytest.mark.parametrize("misfit", MISFITS)
@pytest.mark.parametrize("door", OTHER_DOORS)
def test_no_door_opens_for_an_entry_that_does_not_fit(
    sent: Sent, known: dict[str, Any], door: str, misfit: str
) -> None:
    entry = write_entry(**{**entry_of(door, sent, known), **MISFITS[misfit]})
    with session(APP) as cursor:
        assert refused(cursor, f"SELECT * FROM {OTHER_DOORS[door][2]}", {**known, "entry": entry}) == NOT_RELEASED


@pytest.mark.parametrize("role", [READER, SEALER])
@pytest.mark.parametrize("door", OTHER_DOORS)
def test_nobody_but_the_application_opens_a_door(sent: Sent, known: dict[str, Any], door: str, role: str) -> None:
    entry = write_entry(**entry_of(door, sent, known))
    with session(role) as cursor:
        assert refused(cursor, f"SELECT * FROM {OTHER_DOORS[door][2]}", {**known, "entry": entry}) == DENIED


@pytest.mark.parametrize(
    "call",
    [
        "referrals_admit(%(entry)s, %(receiving)s, %(referral)s)",
        "referrals_admits('{any}', 'municipality', true)",
        "referrals_consent_stands(%(consent)s)",
        "referrals_require_ground(1, %(consent)s, %(subject)s, %(sending)s, %(receiving)s, '', '{}', true, '', '')",
    ],
)
def test_what_the_doors_ask_is_not_the_applications_to_ask(sent: Sent, known: dict[str, Any], call: str) -> None:
    """Else it would tell whether a consent stands, and whom a basis lets in, without an entry."""
    for role in (APP, READER, SEALER):
        with session(role) as cursor:
            assert refused(cursor, f"SELECT {call}", {**known, "entry": uuid4()}) == DENIED


# --- Between record and release ------------------------------------------------------------------------------------


def test_what_was_entered_in_error_is_released_to_nobody(exchange: Exchange) -> None:
    sent = send(exchange)
    assert sent.sender.step(sent.referral, "mark-in-error", {"reason": "wrong_person"}).status == 200
    for agency in (sent.sending, sent.receiving):
        assert withheld(entry_for(sent.referral, agency, "reason"), agency, sent.referral) == NOT_RELEASED
        assert released(entry_for(sent.referral, agency, "status"), agency, sent.referral) == []


def withdraw(sent: Sent) -> Any:
    """Withdraw the referral's consent over HTTP, as the sender."""
    return sent.sender.post(f"consents/{sent.consent}/withdraw", {"method": "oral"}, If_Match='"1"')


def test_after_a_withdrawal_an_entry_made_before_it_releases_nothing(exchange: Exchange) -> None:
    sent = send(exchange)
    before = entry_for(sent.referral, sent.receiving, "reason")
    assert released(before, sent.receiving, sent.referral) == ["reason"]
    assert withdraw(sent).status == 200
    for entry in (before, entry_for(sent.referral, sent.receiving, "reason", "status")):
        assert withheld(entry, sent.receiving, sent.referral) in NOTHING_NOW
    own = entry_for(sent.referral, sent.sending, "reason")
    assert released(own, sent.sending, sent.referral) == ["reason"]  # its own words


def test_an_entry_made_before_a_move_releases_nothing_after_it(exchange: Exchange) -> None:
    """The reader is shown the referral as it was recorded, or nothing."""
    sent = send(exchange)
    before = entry_for(sent.referral, sent.receiving, "reason")
    assert exchange.centre.as_("coordinator").step(sent.referral, "receive").status == 200
    assert withheld(before, sent.receiving, sent.referral) == NOT_RELEASED
    after = entry_for(sent.referral, sent.receiving, "reason")
    assert released(after, sent.receiving, sent.referral) == ["reason"]


MEANWHILE: dict[str, Callable[[Sent], Any]] = {
    "the consent is withdrawn": withdraw,
    "the referral is withdrawn": lambda sent: sent.sender.step(
        sent.referral, "withdraw", {"reason": "subject_changed_mind"}
    ),
    "the referral is marked as an error": lambda sent: sent.sender.step(
        sent.referral, "mark-in-error", {"reason": "wrong_person"}
    ),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_what_ends_between_record_and_release_is_not_shown(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """The reader is answered as if it had ended before, and the second, lesser disclosure has an entry of its own."""
    sent = send(exchange)
    counsellor = exchange.centre.as_("counsellor")
    record, ended = disclosure.record, list[Any]()

    def record_then_end(referral_id: UUID, **options: Any) -> Any:
        recorded = record(referral_id, **options)
        if not ended and options["to"].staff_id == counsellor.staff_id:
            ended.append(None)
            ended[0] = MEANWHILE[meanwhile](sent)
        return recorded

    monkeypatch.setattr(disclosure, "record", record_then_end)
    shown = counsellor.read(sent.referral)
    assert ended[0].status == 200
    assert (shown.status, shown.body.get("sections")) == (200, {}), shown
    said = rows(
        "SELECT categories FROM audit_entry WHERE subject_id = %s AND action = 'referral.disclose' "
        "AND on_behalf_of = %s ORDER BY id",
        [sent.referral, counsellor.staff_id],
    )
    assert [("reason" in categories) for (categories,) in said] == [True, False]


def test_the_owner_is_asked_for_an_entry_as_well(sent: Sent) -> None:
    """Through the door, that is: what the owner can do beside it is what the ledger of its acts is for."""
    with session(OWNER) as cursor:
        assert refused(cursor, RELEASE, [uuid4(), sent.receiving, sent.referral]) == NOT_RELEASED
