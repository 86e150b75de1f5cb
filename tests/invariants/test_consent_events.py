"""The order, form, period and giver of a consent, held by the database against whoever writes past the code."""

from typing import Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.exchange import Exchange, consent_body
from tests.invariants.attempts import APP, APPEND_ONLY, CHECKED, OWNER, refusal, refused, session

EVENT = (
    "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, evidence_hash, "
    "registered_by_id) SELECT id, %(number)s, %(kind)s::varchar, %(at)s::timestamptz, now(), "
    "CASE WHEN %(kind)s::varchar IN ('given', 'renewed') THEN %(at)s::timestamptz + %(lasts)s::interval END, "
    "%(method)s, '', registered_by_id FROM consent_consent WHERE id = %(consent)s"
)
NOW = "now"
KINDS = ("requested", "given", "refused", "renewed", "withdrawn", "revoked", "invalidated")
AFTER: dict[str, set[str]] = {
    # the events recorded so far → what may follow
    "": {"requested", "given", "refused"},
    "requested": {"given", "refused", "withdrawn", "revoked", "invalidated"},
    "given": {"renewed", "withdrawn", "revoked", "invalidated"},
    "given renewed": {"renewed", "withdrawn", "revoked", "invalidated"},
    "refused": {"invalidated"},
    "given withdrawn": {"invalidated"},
    "given revoked": {"invalidated"},
    "requested withdrawn": {"invalidated"},
    "requested given withdrawn": {"invalidated"},
    "given invalidated": set(),
    "given withdrawn invalidated": set(),
}


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    return Exchange()


@pytest.fixture(scope="module")
def health(exchange: Exchange) -> str:
    return record(exchange, kind="HEALTH_SL43", categories=["health"])


@pytest.fixture(scope="module")
def waiver(exchange: Exchange) -> str:
    return record(exchange)


def record(exchange: Exchange, birth_year: int | None = None, **changes: Any) -> str:
    sender = exchange.municipality.as_("caseworker")
    told = {"sections": {"background": {"birth_year": birth_year}}} if birth_year else {}
    subject = sender.create(told).body["subject"]["id"]
    made = sender.create({"subject": subject, **consent_body(exchange.centre), **changes}, path="consents")
    assert made.status == 201, made
    return str(made.body["id"])


def event(consent: str, kind: str, number: int, **changed: str) -> dict[str, Any]:
    told = {"at": NOW, "lasts": "30 days", "method": "written", **changed}
    return {"consent": consent, "kind": kind, "number": number, **told}


def copy_of(cursor: Any, consent: str, **changed: Any) -> str:
    """Insert the consent once more, without an event, and return its id."""
    copied = str(uuid4())
    columns = {"id": copied, "idempotency_key": copied, **changed}
    copying = "INSERT INTO consent_consent SELECT (jsonb_populate_record(c, %s)).* FROM consent_consent c WHERE id = %s"
    cursor.execute(copying, [Jsonb(columns), consent])
    return copied


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("so_far", AFTER)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_an_event_comes_only_where_it_may(waiver: str, role: str, so_far: str, kind: str) -> None:
    with session(role) as cursor:
        consent = copy_of(cursor, waiver)
        for number, earlier in enumerate(so_far.split(), 1):
            cursor.execute(EVENT, event(consent, earlier, number))
        following = event(consent, kind, len(so_far.split()) + 1)
        if kind in AFTER[so_far]:
            cursor.execute(EVENT, following)
            assert cursor.rowcount == 1
        else:
            assert refused(cursor, EVENT, following) == APPEND_ONLY


@pytest.mark.parametrize("number", [1, 3, 99])
def test_nor_out_of_turn(waiver: str, number: int) -> None:
    for role in (APP, OWNER):
        with session(role) as cursor:
            assert refused(cursor, EVENT, event(waiver, "withdrawn", number)) in (APPEND_ONLY, "23505")


@pytest.mark.parametrize("kind", ["given", "renewed"])
@pytest.mark.parametrize(
    ("lasts", "taken"), [("365 days", True), ("366 days", False), ("13 months", False), ("9 years", False)]
)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_health_information_is_shared_for_twelve_months_at_most(
    health: str, role: str, kind: str, lasts: str, taken: bool
) -> None:
    with session(role) as cursor:
        consent, number = (copy_of(cursor, health), 1) if kind == "given" else (health, 2)
        said = event(consent, kind, number, lasts=lasts)
        if taken:
            cursor.execute(EVENT, said)
        else:
            error = refusal(cursor, EVENT, said)
            assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, "consent_health_ends_within_twelve_months")


@pytest.mark.parametrize("role", [APP, OWNER])
def test_an_end_far_ahead_is_not_bought_with_a_date_far_ahead(health: str, role: str) -> None:
    """The database puts an event that is said to happen in the future at its own clock's time."""
    with session(role) as cursor:
        error = refusal(cursor, EVENT, event(health, "renewed", 2, at="2099-01-01", lasts="300 days"))
        assert error.diag.constraint_name == "consent_health_ends_within_twelve_months"


@pytest.mark.parametrize("role", [APP, OWNER])
def test_health_information_is_not_shared_on_a_spoken_word(health: str, role: str) -> None:
    with session(role) as cursor:
        error = refusal(cursor, EVENT, event(health, "renewed", 2, method="oral"))
        assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, "consent_health_is_written")


@pytest.mark.parametrize("role", [APP, OWNER])
def test_in_replica_mode_as_well(health: str, waiver: str, role: str) -> None:
    with session(role, replica=True) as cursor:
        assert refused(cursor, EVENT, event(health, "renewed", 2, lasts="13 months")) == CHECKED
    with session(role, replica=True) as cursor:
        assert refused(cursor, EVENT, event(waiver, "given", 2)) == APPEND_ONLY


@pytest.mark.parametrize(
    "assessment",
    [
        {"maturity_assessed": True},
        {"maturity_assessed": True, "maturity_assessed_by": "kk-sb-1"},
        {"maturity_assessed": True, "maturity_assessed_at": "2026-11-01T09:00:00Z"},
        {"maturity_assessed_by": "kk-sb-1", "maturity_assessed_at": "2026-11-01T09:00:00Z"},
    ],
)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_a_maturity_assessment_says_who_and_when(waiver: str, role: str, assessment: dict[str, Any]) -> None:
    with session(role) as cursor, pytest.raises(Exception, match="a maturity assessment says who") as caught:
        copy_of(cursor, waiver, **assessment)
    assert caught.value.diag.constraint_name == "consent_maturity_says_who_and_when"  # type: ignore[attr-defined]


ASSESSED = {"maturity_assessed": True, "maturity_assessed_by": "x", "maturity_assessed_at": "2026-11-01T09:00:00Z"}
HOLDER = {"given_by": "custody_holder"}


@pytest.mark.parametrize(
    ("birth_year", "terms", "taken"),
    [
        (2012, {}, False),
        (2012, ASSESSED, False),
        (2012, HOLDER, True),
        (2010, {}, False),
        (2010, ASSESSED, True),
        (2010, HOLDER, True),
        (1990, {}, True),
        (1990, HOLDER, False),
    ],
)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_who_may_not_consent_does_not_by_sql_either(
    exchange: Exchange, role: str, birth_year: int, terms: dict[str, Any], taken: bool
) -> None:
    given_at = "2026-11-01T09:00:00Z"
    who = {} if birth_year == 1990 else HOLDER
    waiver = record(exchange, birth_year=birth_year, **who)
    with session(role) as cursor:
        consent = copy_of(cursor, waiver, **{"given_by": "subject", **terms})
        said = event(consent, "given", 1, at=given_at)
        if taken:
            cursor.execute(EVENT, said)
        else:
            error = refusal(cursor, EVENT, said)
            assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, "consent_is_given_by_who_may")
