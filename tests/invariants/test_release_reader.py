"""
Content leaves the database for a person on duty at an agency that has a task with the referral, and for nobody else.

Each forgery happens in a session that is rolled back, after an entry that was committed before it. What an agency has
no task with, and what a person is not on duty for, is refused whatever basis and consent say.
"""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.exchange import ledger_name
from tests.invariants.attempts import (
    APP,
    NOT_RELEASED,
    OWNER,
    RELEASE,
    Sent,
    entry_for,
    given,
    member,
    refused,
    released,
    session,
    version_of,
    withheld,
)
from tests.invariants.made import making, parties

ASSIGN = (
    "INSERT INTO referrals_referraluserobjectpermission (user_id, permission_id, content_object_id) "
    "SELECT %s, id, %s FROM auth_permission WHERE codename = 'counsel_referral'"
)
ROLE = "UPDATE agencies_membership SET role"
GONE = {
    "the person left the agency": "UPDATE agencies_membership SET active = false WHERE user_id = %(reader)s",
    "the person's account is closed": "UPDATE agencies_user SET is_active = false WHERE id = %(reader)s",
    "the agency takes part no more": "UPDATE agencies_agency SET active = false WHERE id = %(receiving)s",
    "the person is an auditor": f"{ROLE} = 'auditor' WHERE user_id = %(reader)s",
    "the person is an administrator": f"{ROLE} = 'administrator' WHERE user_id = %(reader)s",
    "the person is a program": f"{ROLE} = 'integration' WHERE user_id = %(reader)s",
    "the person moved to another agency": (
        "UPDATE agencies_membership SET agency_id = %(stranger)s WHERE user_id = %(reader)s"
    ),
}


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("side", ["sending", "receiving"])
def test_whoever_does_not_work_there_is_shown_nothing(sent: Sent, side: str, gone: str) -> None:
    agency = getattr(sent, side)
    entry = entry_for(sent.referral, agency, "reason")
    with session(APP) as cursor:
        assert given(cursor, RELEASE, [entry, agency, sent.referral]) == ["reason"]
        cursor.execute(GONE[gone], {**parties(sent), "reader": member(agency), "receiving": agency})
        assert cursor.rowcount == 1
        assert refused(cursor, RELEASE, [entry, agency, sent.referral]) == NOT_RELEASED


def test_the_others_staff_acts_for_the_other(sent: Sent) -> None:
    for agency, other in ((sent.sending, sent.receiving), (sent.receiving, sent.sending)):
        entry = entry_for(sent.referral, agency, "reason", actor_user=member(other))
        assert withheld(entry, agency, sent.referral) == NOT_RELEASED


def test_once_it_is_assigned_the_assigned_and_the_coordinators_are_on_duty(sent: Sent) -> None:
    people = {
        "assigned": member(sent.receiving, "counsellor", 1),
        "unassigned": member(sent.receiving, "counsellor", 2),
        "caseworker": member(sent.receiving, "caseworker"),
        "coordinator": member(sent.receiving, "coordinator"),
    }
    assert len(set(people.values())) == len(people)
    shown: dict[str, Any] = {}
    for name, person in people.items():
        entry = entry_for(sent.referral, sent.receiving, "reason", actor_user=person)
        with session(APP) as cursor:
            assert given(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == ["reason"]
            cursor.execute(ASSIGN, [people["assigned"], sent.referral])
            if name in ("assigned", "coordinator"):
                shown[name] = given(cursor, RELEASE, [entry, sent.receiving, sent.referral])
            else:
                shown[name] = refused(cursor, RELEASE, [entry, sent.receiving, sent.referral])
    assert shown == {
        "assigned": ["reason"],
        "coordinator": ["reason"],
        "unassigned": NOT_RELEASED,
        "caseworker": NOT_RELEASED,
    }


ENDED = ["rejected", "redirected", "withdrawn", "expired", "consent_withdrawn"]
HIDDEN = ["entered_in_error", "taken_over_by_police"]
TASK = ["received", "info_requested", "accepted", "in_progress", "on_hold", "completed", "closed_unsuccessful"]
SET_STATUS = "UPDATE referrals_referral SET status = %s WHERE id = %s"


@pytest.mark.parametrize("status", [*TASK, *ENDED, *HIDDEN])
def test_where_the_recipient_has_no_task_it_is_shown_its_own_words_at_most(sent: Sent, status: str) -> None:
    of_others = entry_for(sent.referral, sent.receiving, "reason")
    own = entry_for(sent.referral, sent.receiving, "outcome")
    with session(APP) as cursor:
        cursor.execute(SET_STATUS, [status, sent.referral])
        cursor.execute("SAVEPOINT there")
        if status in HIDDEN:
            assert refused(cursor, RELEASE, [own, sent.receiving, sent.referral]) == NOT_RELEASED
        else:
            assert given(cursor, RELEASE, [own, sent.receiving, sent.referral]) == []
        cursor.execute("ROLLBACK TO SAVEPOINT there")
        if status in TASK:
            assert given(cursor, RELEASE, [of_others, sent.receiving, sent.referral]) == ["reason"]
        else:
            assert refused(cursor, RELEASE, [of_others, sent.receiving, sent.referral]) == NOT_RELEASED


@pytest.mark.parametrize("status", HIDDEN)
def test_what_is_hidden_is_hidden_from_its_sender(sent: Sent, status: str) -> None:
    entry = entry_for(sent.referral, sent.sending, "reason")
    with session(APP) as cursor:
        cursor.execute(SET_STATUS, [status, sent.referral])
        assert refused(cursor, RELEASE, [entry, sent.sending, sent.referral]) == NOT_RELEASED


def test_what_the_police_took_over_is_shown_to_them_alone(sent: Sent) -> None:
    entry = entry_for(sent.referral, sent.receiving, "reason")
    with session(APP) as cursor:
        cursor.execute("UPDATE agencies_agency SET kind = 'police_prevention' WHERE id = %s", [sent.receiving])
        cursor.execute(SET_STATUS, ["taken_over_by_police", sent.referral])
        assert given(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == ["reason"]


@pytest.mark.parametrize("submitted_at", ["submitted_at", "now()"])
def test_a_draft_is_shown_to_its_sender_alone(sent: Sent, submitted_at: str) -> None:
    """Also where somebody wrote into its header that it was submitted."""
    theirs = entry_for(sent.draft, sent.receiving, "reason")
    own = entry_for(sent.draft, sent.sending, "reason")
    with session(APP) as cursor:
        cursor.execute(f"UPDATE referrals_referral SET submitted_at = {submitted_at} WHERE id = %s", [sent.draft])
        assert given(cursor, RELEASE, [own, sent.sending, sent.draft]) == ["reason"]
        assert refused(cursor, RELEASE, [theirs, sent.receiving, sent.draft]) == NOT_RELEASED


# --- Broken glass --------------------------------------------------------------------------------------------------


def in_an_emergency(sent: Sent, glass: str, *categories: str, **changes: Any) -> UUID:
    detail = json.dumps({"version": version_of(sent.referral), "break_glass": glass})
    named = {"purpose": "averting_danger", "detail": detail, **changes}
    return entry_for(sent.referral, sent.receiving, *categories, **named)


def test_at_an_exit_centre_broken_glass_lifts_the_assignment_and_nothing_else(sent: Sent) -> None:
    """Vital interests reach no exit centre as a recipient: what it opens there, the referral's own ground carries."""
    glass = str(uuid4())
    entry = in_an_emergency(sent, glass, "reason", "needs")
    with session(APP) as cursor:
        cursor.execute(making("referrals_breakglass", id=f"'{glass}'::uuid"), parties(sent))
        cursor.execute(ASSIGN, [member(sent.receiving, "counsellor", 1), sent.referral])
        assert given(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == ["needs", "reason"]
        cursor.execute("UPDATE referrals_referral SET consent_id = NULL WHERE id = %s", [sent.referral])
        assert refused(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == "UD002"


UNGUARDED = "ALTER TABLE referrals_breakglass DISABLE TRIGGER USER"
"""So that glass can be planted which the table itself would refuse: the release does not rest on that."""

GLASS: dict[str, dict[str, str]] = {
    "of a colleague": {"user_id": "%(colleague)s::bigint"},
    "of the sender's staff": {"user_id": "%(writer)s::bigint"},
    "of the other agency": {"agency_id": "%(sending)s::uuid"},
    "on another referral": {"referral_id": "%(draft)s::uuid"},
    "for other categories": {"categories": "'{needs}'::varchar[]"},
    "that has closed again": {"until": "clock_timestamp() + interval '200 milliseconds'"},
}


@pytest.mark.parametrize("glass", GLASS)
def test_other_glass_opens_nothing(sent: Sent, glass: str) -> None:
    broken = str(uuid4())
    entry = in_an_emergency(sent, broken, "reason")
    with session(OWNER) as cursor:
        cursor.execute(UNGUARDED)
        cursor.execute(making("referrals_breakglass", id=f"'{broken}'::uuid", **GLASS[glass]), parties(sent))
        cursor.execute("SELECT pg_sleep(%s)", [0.3 if "closed" in glass else 0])
        assert refused(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == NOT_RELEASED


@pytest.mark.parametrize("named", ["", "x", str(UUID(int=0))])
def test_nor_does_glass_that_is_none(sent: Sent, named: str) -> None:
    assert withheld(in_an_emergency(sent, named, "reason"), sent.receiving, sent.referral) == NOT_RELEASED


def test_broken_glass_is_for_averting_danger_alone(sent: Sent) -> None:
    """An entry that names the glass and another purpose would tell the ledger a reason that is none."""
    glass = str(uuid4())
    entry = in_an_emergency(sent, glass, "reason", purpose="exit_support")
    with session(APP) as cursor:
        cursor.execute(making("referrals_breakglass", id=f"'{glass}'::uuid"), parties(sent))
        assert refused(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == NOT_RELEASED


def test_the_sender_breaks_glass_for_the_outcome_and_needs_none_for_its_own_words(sent: Sent) -> None:
    for categories, out in (("{outcome}", []), ("{reason}", None)):
        glass = str(uuid4())
        changed = {
            "staff_id": "(SELECT staff_id FROM agencies_membership WHERE user_id = %(writer)s::bigint)",
            "agency_id": "%(sending)s::uuid",
            "user_id": "%(writer)s::bigint",
            "categories": f"'{categories}'::varchar[]",
        }
        who = {"actor_agency": sent.sending, "actor_user": member(sent.sending)}
        told = in_an_emergency(sent, glass, "outcome", **who)
        own = in_an_emergency(sent, glass, "reason", **who)
        with session(APP) as cursor:
            cursor.execute(making("referrals_breakglass", id=f"'{glass}'::uuid", **changed), parties(sent))
            assert given(cursor, RELEASE, [own, sent.sending, sent.referral]) == ["reason"]
            if out is None:
                assert refused(cursor, RELEASE, [told, sent.sending, sent.referral]) == NOT_RELEASED
            else:
                assert given(cursor, RELEASE, [told, sent.sending, sent.referral]) == out


def test_glass_opens_no_referral_of_strangers_and_none_that_was_an_error(sent: Sent) -> None:
    glass, stranger = str(uuid4()), sent.exchange.stranger.id
    entry = in_an_emergency(sent, glass, "reason", actor_agency=stranger, actor_user=member(stranger))
    changed = {"agency_id": "%(stranger)s::uuid", "user_id": f"{member(stranger)}::bigint"}
    with session(OWNER) as cursor:
        cursor.execute(UNGUARDED)
        cursor.execute(making("referrals_breakglass", id=f"'{glass}'::uuid", **changed), parties(sent))
        assert refused(cursor, RELEASE, [entry, stranger, sent.referral]) == NOT_RELEASED
    for status in HIDDEN:
        entry = in_an_emergency(sent, glass, "reason")
        with session(APP) as cursor:
            cursor.execute(making("referrals_breakglass", id=f"'{glass}'::uuid"), parties(sent))
            cursor.execute(SET_STATUS, [status, sent.referral])
            assert refused(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == NOT_RELEASED


# --- One entry about a person, for several referrals -----------------------------------------------------------------


def about_the_person(sent: Sent, agency: str, *referrals: str, **changes: Any) -> UUID:
    named = {
        "subject_kind": "subject",
        "subject_id": ledger_name(sent.subject),
        "result_ids": [UUID(name) for name in referrals],
    }
    named["purpose"] = "subject_access"
    return entry_for(sent.referral, agency, "reason", **{**named, "detail": "{}", **changes})


def test_an_entry_about_the_person_opens_the_referrals_of_theirs_that_it_names(sent: Sent) -> None:
    entry = about_the_person(sent, sent.sending, sent.referral)
    assert released(entry, sent.sending, sent.referral) == ["reason"]
    received = about_the_person(sent, sent.receiving, sent.referral)
    assert withheld(received, sent.receiving, sent.referral) == NOT_RELEASED


def test_and_none_that_it_does_not_name(sent: Sent) -> None:
    for named in ((), (sent.draft,), (str(uuid4()),)):
        assert withheld(about_the_person(sent, sent.sending, *named), sent.sending, sent.referral) == NOT_RELEASED


def test_and_none_of_another_person_though_it_names_it(sent: Sent) -> None:
    """The ledger would say that somebody else was looked at."""
    both = about_the_person(sent, sent.sending, sent.referral, sent.draft)
    assert withheld(both, sent.sending, sent.draft) == NOT_RELEASED
    nobody = about_the_person(sent, sent.sending, sent.referral, subject_id="")
    assert withheld(nobody, sent.sending, sent.referral) == NOT_RELEASED


def test_but_the_anonymous_case_that_is_linked_to_them(sent: Sent) -> None:
    linked, case, name = str(uuid4()), str(uuid4()), uuid4().hex * 2
    entry = about_the_person(sent, sent.sending, case, subject_id=name)
    stranger = about_the_person(sent, sent.sending, case)
    person = (
        "INSERT INTO consent_subject (id, mode, registered_by_id, formerly_id, wished_at, wish_method, created_at) "
        "VALUES (%s, %s, %s, %s, now(), 'oral', now()) RETURNING id"
    )
    with session(APP) as cursor:
        (before,) = given(cursor, person, [uuid4(), "anonymous", sent.sending, None])
        cursor.execute(person, [linked, "identified", sent.sending, before])
        cursor.execute("UPDATE consent_subject SET ledger_name = %s WHERE id = %s", [name, linked])
        cursor.execute(
            "INSERT INTO referrals_referral SELECT (jsonb_populate_record(r, jsonb_build_object('id', %s::uuid, "
            "'subject_id', %s::uuid, 'idempotency_key', 'anonymous'))).* FROM referrals_referral r WHERE id = %s",
            [case, before, sent.draft],
        )
        assert given(cursor, RELEASE, [entry, sent.sending, case]) == []
        assert refused(cursor, RELEASE, [stranger, sent.sending, case]) == NOT_RELEASED
