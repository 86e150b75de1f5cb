"""Rule 10 beneath HTTP: whoever writes, and however, an agency is self-governing by two approvers or not at all."""

from dataclasses import dataclass
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings

from config import embedded_postgres
from tests.exchange import EVIDENCE, Exchange
from tests.invariants.attempts import APP, APPEND_ONLY, CHECKED, DENIED, OWNER, SUPERUSER, refused, session

WHOEVER = [
    pytest.param(APP, False, id="the application"),
    pytest.param(OWNER, False, id="the owner"),
    pytest.param(OWNER, True, id="the owner in replica mode"),
    pytest.param(SUPERUSER, True, id="a superuser in replica mode"),
]
CLAIM = (
    "INSERT INTO agencies_selfgoverningclaim (id, agency_id, evidence_hash, evidence_reference, claimed_by_id, "
    "staff_id, registered_by_id, claimed_at, withdrawn_at, withdrawn_reason, idempotency_key, body_hash) "
    "VALUES (%(new)s, %(centre)s, repeat('a', 64), 'x', %(nobody)s, 's', %(centre)s, '2020-01-01', NULL, '', "
    "gen_random_uuid()::text, '')"
)
APPROVAL = (
    "INSERT INTO agencies_selfgoverningapproval (id, claim_id, approved_by_id, approved_at) "
    "VALUES (gen_random_uuid(), %(claim)s, %({0})s, '2020-01-01')"
)
ANOTHERS_APPROVAL = APPROVAL.replace("%(claim)s", "%(new)s")
IS_SET = "SELECT self_governing_approved FROM agencies_agency WHERE id = %(centre)s"


@dataclass(frozen=True)
class Case:
    """An exchange in which one claim waits and one approval is given; and the accounts that might approve."""

    exchange: Exchange
    values: dict[str, Any]


@pytest.fixture(scope="module")
def case(django_db_setup: None) -> Case:
    """Every attack is rolled back, so that none spoils the next."""
    exchange = Exchange()
    path = f"agencies/{exchange.centre.id}/self-governing-claims"
    made = exchange.centre.as_("administrator").create(EVIDENCE, path=path)
    one = exchange.oversight.as_("administrator", 1)
    assert one.post(f"{path}/{made.body['id']}/approve", {}).status == 200
    members = {
        "claimant": exchange.centre.as_("administrator"),
        "one": one,
        "two": exchange.oversight.as_("administrator", 2),
        "three": exchange.oversight.as_("administrator", 3),
        "auditor": exchange.oversight.as_("auditor"),
        "stranger": exchange.stranger.as_("administrator"),
        "nobody": exchange.centre.as_("caseworker"),
    }
    values: dict[str, Any] = {"centre": exchange.centre.id, "claim": made.body["id"], "new": str(uuid4())}
    values["elsewhere"] = exchange.stranger.id
    with session(OWNER) as cursor:
        for name, caller in members.items():
            cursor.execute("SELECT user_id FROM agencies_membership WHERE staff_id = %s", [caller.staff_id])
            values[name] = cursor.fetchone()[0]  # type: ignore[index]
    return Case(exchange, values)


def is_set(cursor: Any, case: Case) -> bool:
    cursor.execute(IS_SET, case.values)
    return bool(cursor.fetchone()[0])


SETTING = {
    "update": "UPDATE agencies_agency SET self_governing_approved = true WHERE id = %(centre)s",
    "update with others": "UPDATE agencies_agency SET name_en = 'x', self_governing_approved = NOT "
    "self_governing_approved WHERE id = %(centre)s",
    "insert": "INSERT INTO agencies_agency (kind, code, name_da, name_en, offers, capacity, capacity_updated_at, "
    "active, self_governing_approved) VALUES ('exit_centre', 'new', 'x', 'x', '{}', 'full', now(), true, true)",
    "upsert": "INSERT INTO agencies_agency SELECT * FROM agencies_agency WHERE id = %(centre)s "
    "ON CONFLICT (id) DO UPDATE SET self_governing_approved = true",
    "merge": "MERGE INTO agencies_agency a USING (SELECT 1) x ON a.id = %(centre)s "
    "WHEN MATCHED THEN UPDATE SET self_governing_approved = true",
}


@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_nobody_sets_it_directly(case: Case, role: str, replica: bool) -> None:
    for name, statement in SETTING.items():
        with session(role, replica=replica) as cursor:
            assert refused(cursor, statement, case.values) == (DENIED if role == APP else APPEND_ONLY), name


def test_rule_10_the_application_makes_an_agency_that_is_not(case: Case) -> None:
    """Even false is not the application's to write; left out, it is false."""
    for value in ("false", "DEFAULT", "NULL"):
        with session(APP) as cursor:
            assert refused(cursor, SETTING["insert"].replace("true, true)", f"true, {value})"), case.values) == DENIED
    with session(APP) as cursor:
        left_out = SETTING["insert"].replace(", self_governing_approved", "").replace("true, true)", "true)")
        cursor.execute(f"{left_out} RETURNING self_governing_approved")
        assert cursor.fetchone() == (False,)


@pytest.mark.parametrize("who", ["claimant", "auditor", "stranger", "nobody"])
@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_an_approval_by_anybody_else_is_refused(case: Case, role: str, replica: bool, who: str) -> None:
    with session(role, replica=replica) as cursor:
        assert refused(cursor, APPROVAL.format(who), case.values) == APPEND_ONLY


@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_nor_is_one_by_the_claimant_who_may_approve_others(case: Case, role: str, replica: bool) -> None:
    with session(role, replica=replica) as cursor:
        by_an_approver = CLAIM.replace("%(nobody)s", "%(one)s").replace("%(centre)s, repeat", "%(elsewhere)s, repeat")
        cursor.execute(by_an_approver, case.values)
        cursor.execute(ANOTHERS_APPROVAL.format("two"), case.values)
        assert refused(cursor, ANOTHERS_APPROVAL.format("one"), case.values) == APPEND_ONLY


@pytest.mark.parametrize("who", ["agencies_membership", "agencies_user", "agencies_agency"])
def test_rule_10_nor_does_one_approve_who_is_no_longer_there(case: Case, who: str) -> None:
    gone = {
        "agencies_membership": "UPDATE agencies_membership SET active = false WHERE user_id = %(two)s",
        "agencies_user": "UPDATE agencies_user SET is_active = false WHERE id = %(two)s",
        "agencies_agency": "UPDATE agencies_agency SET active = false WHERE id IN "
        "(SELECT agency_id FROM agencies_membership WHERE user_id = %(two)s)",
    }[who]
    with session(OWNER) as cursor:
        cursor.execute(gone, case.values)
        assert refused(cursor, APPROVAL.format("two"), case.values) == APPEND_ONLY


@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_an_approval_forged_by_one_person_sets_nothing(case: Case, role: str, replica: bool) -> None:
    """On a claim of the forger's own making, too: whatever one account approves, it is one."""
    with session(role, replica=replica) as cursor:
        cursor.execute(
            "UPDATE agencies_selfgoverningclaim SET withdrawn_at = now(), withdrawn_reason = 'claimed_in_error' "
            "WHERE id = %(claim)s",
            case.values,
        )
        cursor.execute(CLAIM, case.values)
        cursor.execute(ANOTHERS_APPROVAL.format("one"), case.values)
        assert is_set(cursor, case) is False
        assert refused(cursor, ANOTHERS_APPROVAL.format("one"), case.values) == "23505"


@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_the_database_sets_it_with_the_second_person_and_unsets_it_with_the_withdrawal(
    case: Case, role: str, replica: bool
) -> None:
    with session(role, replica=replica) as cursor:
        cursor.execute(f"{APPROVAL.format('two')} RETURNING approved_at > now() - interval '1 minute'", case.values)
        assert (cursor.fetchone(), is_set(cursor, case)) == ((True,), True)
        cursor.execute(
            "UPDATE agencies_selfgoverningclaim SET withdrawn_at = '2020-01-01', withdrawn_reason = 'claimed_in_error' "
            "WHERE id = %(claim)s RETURNING withdrawn_at > now() - interval '1 minute'",
            case.values,
        )
        assert (cursor.fetchone(), is_set(cursor, case)) == ((True,), False)
        assert refused(cursor, APPROVAL.format("three"), case.values) == APPEND_ONLY


@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_once_set_it_is_not_unset_directly_either(case: Case, role: str, replica: bool) -> None:
    with session(role, replica=replica) as cursor:
        cursor.execute(APPROVAL.format("two"), case.values)
        unset = "UPDATE agencies_agency SET self_governing_approved = false WHERE id = %(centre)s"
        assert refused(cursor, unset, case.values) == (DENIED if role == APP else APPEND_ONLY)


CLAIMS_CHANGES = {
    "another agency": "agency_id = registered_by_id, evidence_reference = 'y'",
    "another claimant": "claimed_by_id = %(two)s",
    "another document": "evidence_hash = repeat('b', 64)",
    "another time": "claimed_at = '2020-01-01'",
    "nothing": "id = id",
    "withdrawn with something else": "withdrawn_at = now(), withdrawn_reason = 'claimed_in_error', staff_id = 'x'",
}


@pytest.mark.parametrize("change", CLAIMS_CHANGES)
@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_a_claim_is_never_edited(case: Case, role: str, replica: bool, change: str) -> None:
    with session(role, replica=replica) as cursor:
        statement = f"UPDATE agencies_selfgoverningclaim SET {CLAIMS_CHANGES[change]} WHERE id = %(claim)s"
        assert refused(cursor, statement, case.values) == (DENIED if role == APP else APPEND_ONLY)


@pytest.mark.parametrize(
    "again",
    [
        "withdrawn_at = NULL, withdrawn_reason = ''",
        "withdrawn_at = now()",
        "withdrawn_reason = 'evidence_replaced'",
    ],
)
@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_a_claim_is_withdrawn_once(case: Case, role: str, replica: bool, again: str) -> None:
    change = "UPDATE agencies_selfgoverningclaim SET {0} WHERE id = %(claim)s"
    with session(role, replica=replica) as cursor:
        cursor.execute(change.format("withdrawn_at = now(), withdrawn_reason = 'claimed_in_error'"), case.values)
        assert refused(cursor, change.format(again), case.values) == APPEND_ONLY


def test_rule_10_a_claim_is_made_as_one_that_stands_and_now(case: Case) -> None:
    born_withdrawn = CLAIM.replace("NULL, ''", "'2020-01-01', 'claimed_in_error'").replace(
        "%(centre)s, repeat", "%(elsewhere)s, repeat"
    )
    with session(OWNER) as cursor:
        cursor.execute(
            f"{born_withdrawn} RETURNING withdrawn_at IS NULL, withdrawn_reason, claimed_at > now() - interval '1 day'",
            case.values,
        )
        assert cursor.fetchone() == (True, "", True)


@pytest.mark.parametrize("table", ["agencies_selfgoverningclaim", "agencies_selfgoverningapproval"])
@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_claims_and_approvals_are_kept(case: Case, role: str, replica: bool, table: str) -> None:
    for statement in (
        f"DELETE FROM {table}",
        f"DELETE FROM {table} WHERE false",
        f"TRUNCATE {table} CASCADE",
        f"MERGE INTO {table} USING (SELECT 1) x ON false WHEN MATCHED THEN DELETE",
    ):
        with session(role, replica=replica) as cursor:
            assert refused(cursor, statement) == (DENIED if role == APP else APPEND_ONLY), statement


@pytest.mark.parametrize(("role", "replica"), WHOEVER)
def test_rule_10_an_approval_is_never_changed(case: Case, role: str, replica: bool) -> None:
    with session(role, replica=replica) as cursor:
        changed = "UPDATE agencies_selfgoverningapproval SET approved_by_id = %(two)s WHERE claim_id = %(claim)s"
        assert refused(cursor, changed, case.values) == (DENIED if role == APP else APPEND_ONLY)


def test_rule_10_a_withdrawal_without_a_reason_is_refused(case: Case) -> None:
    with session(APP) as cursor:
        bare = "UPDATE agencies_selfgoverningclaim SET withdrawn_at = now() WHERE id = %(claim)s"
        assert refused(cursor, bare, case.values) == CHECKED


def test_rule_10_two_approvals_at_the_same_time_are_counted_together(case: Case) -> None:
    """Each would see only itself; the later one waits for the earlier, and counts both."""
    url = embedded_postgres.locate(settings.CLUSTER).url(APP, "test")
    exchange = Exchange()
    path = f"agencies/{exchange.centre.id}/self-governing-claims"
    claim = exchange.centre.as_("administrator").create(EVIDENCE, path=path).body["id"]
    values = {**case.values, "claim": claim, "centre": exchange.centre.id}
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        first.execute(APPROVAL.format("one"), values)
        later = Thread(target=lambda: second.execute(APPROVAL.format("two"), values))
        later.start()
        later.join(timeout=0.5)
        assert later.is_alive()
        first.commit()
        later.join(timeout=10)
        second.commit()
        assert first.execute(IS_SET, values).fetchone() == (True,)
