"""What a row may become, whoever writes it: headers, people, links, identifiers, broken glass and tasks."""

from typing import Any
from uuid import uuid4

import pytest

from tests.invariants.attempts import (
    APP,
    APPEND_ONLY,
    DENIED,
    OWNER,
    Sent,
    another_basis,
    given,
    refused,
    session,
)
from tests.invariants.made import making, parties

BOTH = [APP, OWNER]
HEADER = "UPDATE referrals_referral SET {0} WHERE id = %(referral)s"

# --- Nobody joins in before the police have screened ----------------------------------------------------------------

JOINED = ["accepted", "in_progress", "on_hold", "completed"]


def at_home(cursor: Any, values: dict[str, Any]) -> None:
    """Let the parties be those of the person's home, so that what is asked about is the screening alone."""
    cursor.execute(
        HEADER.format(
            "home_municipality = coalesce((SELECT code FROM agencies_agency WHERE id IN (%(sending)s, %(receiving)s) "
            "AND kind = 'municipality'), '0000')"
        ),
        values,
    )
    cursor.execute(
        "INSERT INTO agencies_areawithin (municipality_code, kind, within_code, valid_from, source) "
        "SELECT r.home_municipality, 'police_district', a.code, '2008-01-01', '' FROM agencies_agency a, "
        "referrals_referral r WHERE a.kind = 'police_prevention' AND a.id IN (%(sending)s, %(receiving)s) "
        "AND r.id = %(referral)s",
        values,
    )


def of_the_police(cursor: Any, sent: Sent, *, party: str = "receiving", code: str = "RPL115-SSP") -> dict[str, Any]:
    """Make one party the police, and let the referral rest on § 115."""
    values = {**parties(sent), "basis": another_basis(cursor, code)}
    cursor.execute("UPDATE agencies_agency SET kind = 'police_prevention' WHERE id = %s", [getattr(sent, party)])
    at_home(cursor, values)
    cursor.execute(HEADER.format("basis_id = %(basis)s"), values)
    return values


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("party", ["sending", "receiving"])
@pytest.mark.parametrize("status", JOINED)
@pytest.mark.parametrize("screening", ["", "withheld", "taken_over"])
def test_what_the_police_have_not_cleared_is_not_joined_in(
    sent: Sent, role: str, party: str, status: str, screening: str
) -> None:
    with session(role) as cursor:
        values = of_the_police(cursor, sent, party=party)
        change = HEADER.format(f"status = '{status}', screening = '{screening}'")
        assert refused(cursor, change, values) == APPEND_ONLY


def test_what_they_have_cleared_is_and_so_is_what_is_not_theirs_to_screen(sent: Sent) -> None:
    for party, code, screening in [
        ("receiving", "RPL115-SSP", "cleared"),
        ("receiving", "SAMTYKKE-TAVSHED", ""),
    ]:
        with session(APP) as cursor:
            values = of_the_police(cursor, sent, party=party, code=code)
            cursor.execute(HEADER.format(f"status = 'accepted', screening = '{screening}'"), values)
            assert cursor.rowcount == 1
    with session(APP) as cursor:
        values = {**parties(sent), "basis": another_basis(cursor, "RPL115-SSP")}
        at_home(cursor, values)
        cursor.execute(HEADER.format("basis_id = %(basis)s, status = 'accepted'"), values)
        assert cursor.rowcount == 1


@pytest.mark.parametrize(("stopped", "goes_on"), [("received", False), ("", False), ("accepted", True)])
def test_the_way_around_by_a_withdrawn_consent_leads_back_to_where_it_stood(
    sent: Sent, stopped: str, goes_on: bool
) -> None:
    """What stood before the screening when its consent ended, and goes on under § 115, waits for the screening."""
    with session(APP) as cursor:
        values = of_the_police(cursor, sent)
        cursor.execute(HEADER.format(f"status = 'consent_withdrawn', status_when_stopped = '{stopped}'"), values)
        if goes_on:
            cursor.execute(HEADER.format("status = 'accepted'"), values)
            assert cursor.rowcount == 1
        else:
            assert refused(cursor, HEADER.format("status = 'accepted'"), values) == APPEND_ONLY


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("later", ["NULL", "endangered_at + interval '1 second'", "now() - interval '1 year'"])
def test_that_a_minor_was_marked_as_endangered_stays(sent: Sent, role: str, later: str) -> None:
    with session(role) as cursor:
        cursor.execute(HEADER.format("endangered_at = now()"), parties(sent))
        cursor.execute(HEADER.format("endangered_at = endangered_at, urgency = 'acute'"), parties(sent))
        assert refused(cursor, HEADER.format(f"endangered_at = {later}"), parties(sent)) == APPEND_ONLY


# --- A person stays who they are -----------------------------------------------------------------------------------

SUBJECT = "UPDATE consent_subject SET {0} WHERE id = %(subject)s"
KEPT = {
    "id": "gen_random_uuid()",
    "mode": "'anonymous'",
    "registered_by_id": "%(stranger)s",
    "formerly_id": "id",
    "wished_at": "now()",
    "wish_method": "'oral'",
    "created_at": "now()",
}


@pytest.mark.parametrize("column", KEPT)
def test_a_person_stays_who_they_are(sent: Sent, column: str) -> None:
    for role, with_ in ((APP, DENIED), (OWNER, APPEND_ONLY)):
        with session(role) as cursor:
            assert refused(cursor, SUBJECT.format(f"{column} = {KEPT[column]}"), parties(sent)) == with_


def test_of_a_person_the_birth_year_is_corrected_and_the_erasure_noted(sent: Sent) -> None:
    with session(APP) as cursor:
        cursor.execute(SUBJECT.format("birth_year = 1990, erased_at = now()"), parties(sent))
        assert cursor.rowcount == 1


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("later", ["NULL", "now() + interval '1 day'"])
def test_whoever_is_erased_stays_erased(sent: Sent, role: str, later: str) -> None:
    with session(role) as cursor:
        cursor.execute(SUBJECT.format("erased_at = now()"), parties(sent))
        assert refused(cursor, SUBJECT.format(f"erased_at = {later}"), parties(sent)) == APPEND_ONLY


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("name", ["repeat('0', 64)", "''"])
def test_the_ledger_calls_a_person_by_one_name_until_they_are_erased(sent: Sent, role: str, name: str) -> None:
    with session(role) as cursor:
        assert refused(cursor, SUBJECT.format(f"ledger_name = {name}"), parties(sent)) == APPEND_ONLY
    with session(role) as cursor:
        cursor.execute(SUBJECT.format("ledger_name = '', erased_at = now()"), parties(sent))
        assert refused(cursor, SUBJECT.format("ledger_name = repeat('0', 64)"), parties(sent)) == APPEND_ONLY


@pytest.mark.parametrize("replica", [False, True])
def test_nobody_deletes_a_person(sent: Sent, replica: bool) -> None:
    for role, with_ in ((APP, DENIED), (OWNER, APPEND_ONLY)):
        with session(role, replica=replica) as cursor:
            assert refused(cursor, "DELETE FROM consent_subject WHERE id = %(subject)s", parties(sent)) == with_


PERSON = (
    "INSERT INTO consent_subject (id, mode, registered_by_id, formerly_id, wished_at, wish_method, created_at) "
    "VALUES (%s, %s, %s, %s, now(), 'oral', now()) RETURNING id"
)


@pytest.mark.parametrize("role", BOTH)
def test_a_person_is_linked_to_an_anonymous_case_of_the_same_agency_alone(sent: Sent, role: str) -> None:
    stranger = sent.exchange.stranger.id
    for mode, agency, linked in [
        ("anonymous", sent.sending, True),
        ("anonymous", stranger, False),
        ("identified", sent.sending, False),
        ("pseudonymous", sent.sending, False),
    ]:
        with session(role) as cursor:
            (before,) = given(cursor, PERSON, [uuid4(), mode, agency, None])
            if linked:
                assert given(cursor, PERSON, [uuid4(), "identified", sent.sending, before])
            else:
                values = [uuid4(), "identified", sent.sending, before]
                assert refused(cursor, PERSON, values) == APPEND_ONLY, (mode, agency)


@pytest.mark.parametrize("role", BOTH)
def test_nobody_is_linked_to_themselves_or_to_nobody(sent: Sent, role: str) -> None:
    itself = uuid4()
    for before in (itself, uuid4()):
        with session(role) as cursor:
            assert refused(cursor, PERSON, [itself, "anonymous", sent.sending, before]) == APPEND_ONLY


@pytest.mark.parametrize("role", BOTH)
def test_an_anonymous_case_has_no_identifier(sent: Sent, role: str) -> None:
    with session(role) as cursor:
        (nobody,) = given(cursor, PERSON, [uuid4(), "anonymous", sent.sending, None])
        found = making("consent_identifier", subject_id=f"'{nobody}'::uuid")
        assert refused(cursor, found, parties(sent)) == APPEND_ONLY
    with session(role) as cursor:
        cursor.execute(making("consent_identifier"), parties(sent))
        (nobody,) = given(cursor, PERSON, [uuid4(), "anonymous", sent.sending, None])
        moved = "UPDATE consent_identifier SET subject_id = %s WHERE subject_id = %s"
        assert refused(cursor, moved, [nobody, sent.subject]) == (DENIED if role == APP else APPEND_ONLY)


# --- Broken glass and tasks ----------------------------------------------------------------------------------------

GLASS = "UPDATE referrals_breakglass SET {0} WHERE referral_id = %(referral)s"
REVIEWED = (
    "reviewed_by_id = %(writer)s, verdict = 'justified', reviewed_at = now(), "
    "reviewer_staff_id = (SELECT staff_id FROM agencies_membership WHERE user_id = %(writer)s::bigint)"
)


@pytest.mark.parametrize("role", BOTH)
def test_glass_is_broken_now_for_an_hour_at_most_and_reviewed_later(sent: Sent, role: str) -> None:
    with session(role) as cursor:
        later = {"opened_at": "now() + interval '1 year'"}
        (stamped,) = given(
            cursor,
            making("referrals_breakglass", **later) + " RETURNING opened_at < clock_timestamp()",
            parties(sent),
        )
        assert stamped is True
    for changed in (
        {"until": "now() + interval '61 minutes'"},
        {"opened_at": "now() + interval '1 day'", "until": "now() + interval '1 day 30 minutes'"},
        {"until": "'infinity'::timestamptz"},
        {"reviewed_at": "now()", "reviewed_by_id": "%(colleague)s::bigint", "verdict": "'justified'"},
    ):
        with session(role) as cursor:
            assert refused(cursor, making("referrals_breakglass", **changed), parties(sent)) == APPEND_ONLY


@pytest.mark.parametrize("role", BOTH)
def test_broken_glass_is_reviewed_once_by_another_and_nothing_else_of_it_changes(sent: Sent, role: str) -> None:
    with session(role) as cursor:
        cursor.execute(making("referrals_breakglass"), parties(sent))
        cursor.execute("SAVEPOINT broken")
        by_themselves = GLASS.format("reviewed_by_id = %(reader)s, verdict = 'justified', reviewed_at = now()")
        assert refused(cursor, by_themselves, parties(sent)) in (APPEND_ONLY, "23514")
        cursor.execute("ROLLBACK TO SAVEPOINT broken")
        backdated = REVIEWED.replace("now()", "now() - interval '1 day'")
        cursor.execute(GLASS.format(backdated) + " RETURNING reviewed_at >= opened_at", parties(sent))
        assert [stamped for (stamped,) in cursor] == [True]
        assert refused(cursor, GLASS.format("verdict = 'not_justified'"), parties(sent)) == APPEND_ONLY


GLASS_KEPT = {
    "referral_id": "%(draft)s",
    "agency_id": "%(stranger)s",
    "owner_id": "%(stranger)s",
    "user_id": "%(colleague)s",
    "staff_id": "'other'",
    "reason_code": "'other'",
    "explanation": "'other'",
    "categories": "'{reason,needs,health}'",
    "opened_at": "now() - interval '1 day'",
    "until": "now() + interval '59 minutes'",
    "idempotency_key": "'other'",
    "body_hash": "'other'",
}


@pytest.mark.parametrize("column", GLASS_KEPT)
@pytest.mark.parametrize("with_", ["", f"{REVIEWED}, "])
def test_what_was_said_when_glass_was_broken_stays(sent: Sent, column: str, with_: str) -> None:
    for role, refusal in ((APP, DENIED), (OWNER, APPEND_ONLY)):
        with session(role) as cursor:
            cursor.execute(making("referrals_breakglass"), parties(sent))
            change = GLASS.format(f"{with_}{column} = {GLASS_KEPT[column]}")
            assert refused(cursor, change, parties(sent)) == refusal


TASK = "UPDATE referrals_task SET {0} WHERE referral_id = %(referral)s"
DONE = "done_at = now(), done_by_staff = 'staff', done_reason = 'contacted', version = 2"
TASK_KEPT = {
    "kind": "'review_break_glass'",
    "referral_id": "%(draft)s",
    "agency_id": "%(stranger)s",
    "opened_by_id": "%(stranger)s",
    "opened_at": "now() - interval '1 day'",
    "due_by": "now() + interval '1 year'",
    "basis_id": "basis_id + 1",
    "categories": "'{reason}'",
    "sealed": "'other'",
    "idempotency_key": "'other'",
    "body_hash": "'other'",
}


@pytest.mark.parametrize("role", BOTH)
def test_a_task_is_done_once(sent: Sent, role: str) -> None:
    with session(role) as cursor:
        cursor.execute(making("referrals_task"), parties(sent))
        cursor.execute(TASK.format(DONE), parties(sent))
        assert cursor.rowcount == 1
        for again in ("done_at = NULL", "done_reason = 'other'", DONE, "version = version"):
            cursor.execute("SAVEPOINT done")
            assert refused(cursor, TASK.format(again), parties(sent)) == APPEND_ONLY
            cursor.execute("ROLLBACK TO SAVEPOINT done")


@pytest.mark.parametrize("column", TASK_KEPT)
@pytest.mark.parametrize("with_", ["", f"{DONE}, "])
def test_what_a_task_is_stays(sent: Sent, column: str, with_: str) -> None:
    for role, refusal in ((APP, DENIED), (OWNER, APPEND_ONLY)):
        with session(role) as cursor:
            cursor.execute(making("referrals_task"), parties(sent))
            change = TASK.format(f"{with_}{column} = {TASK_KEPT[column]}")
            assert refused(cursor, change, parties(sent)) == refusal


@pytest.mark.parametrize("table", ["referrals_breakglass", "referrals_task"])
@pytest.mark.parametrize("replica", [False, True])
def test_neither_is_deleted(sent: Sent, table: str, replica: bool) -> None:
    for role, refusal in ((APP, DENIED), (OWNER, APPEND_ONLY)):
        with session(role, replica=replica) as cursor:
            cursor.execute(making(table), parties(sent))
            assert refused(cursor, f"DELETE FROM {table} WHERE referral_id = %(referral)s", parties(sent)) == refusal
