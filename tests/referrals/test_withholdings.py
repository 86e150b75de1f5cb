"""How what is withheld from a person's insight is stated, listed and refused, over HTTP."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.models import Entry
from referrals.withholdings import _months_after
from tests.exchange import Caller, Exchange, ledger_name
from tests.referrals.walks import walk
from tests.rules.test_rule_19_insight import asking, entry_of, review_by, subject_of


@pytest.fixture
def person(exchange: Exchange) -> str:
    return subject_of(walk(exchange, "received"))


@pytest.fixture
def coordinator(exchange: Exchange) -> Caller:
    return asking(exchange.municipality, "coordinator")


def statement(exchange: Exchange, **changes: Any) -> dict[str, Any]:
    return {"agency": exchange.centre.id, "ground": "dbl_22_1", "review_by": review_by(60), **changes}


def test_a_statement_is_answered_with_what_it_says(exchange: Exchange, person: str, coordinator: Caller) -> None:
    made = coordinator.create(statement(exchange), path=f"subjects/{person}/withholdings")
    assert made.status == 201
    assert (made.body["agency"], made.body["review_by"]) == (exchange.centre.id, review_by(60))
    assert (made.body["stated_by"], made.body["lapsed"]) == (coordinator.staff_id, False)
    entry = entry_of(made)
    assert (entry.action, entry.subject_id) == ("subject.withhold", ledger_name(person))
    assert entry.detail == {"agency": exchange.centre.id, "ground": "dbl_22_1", "review_by": review_by(60)}


def test_the_same_key_and_body_state_one_withholding(exchange: Exchange, person: str, coordinator: Caller) -> None:
    path, key = f"subjects/{person}/withholdings", str(uuid4())
    first = coordinator.create(statement(exchange), path=path, Idempotency_Key=key)
    again = coordinator.create(statement(exchange), path=path, Idempotency_Key=key)
    assert (again.status, again.body, again.headers["Idempotency-Replayed"]) == (201, first.body, "true")
    other = coordinator.create(statement(exchange, ground="rhl_16"), path=path, Idempotency_Key=key)
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")
    another = subject_of(walk(exchange, "received"))
    elsewhere = coordinator.create(statement(exchange), path=f"subjects/{another}/withholdings", Idempotency_Key=key)
    assert (elsewhere.status, elsewhere.body["code"]) == (422, "idempotency-key-reused")
    assert len(coordinator.get(path).body["results"]) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ground": "because"}, "/ground"),
        ({"review_by": review_by(0)}, "/review_by"),
        ({"review_by": review_by(-1)}, "/review_by"),
        ({"review_by": review_by(200)}, "/review_by"),
        ({"review_by": "soon"}, "/review_by"),
        ({"agency": str(uuid4())}, "/agency"),
        ({"staff": "x"}, "/staff"),
    ],
)
def test_what_is_wrong_with_a_statement_is_said(
    exchange: Exchange, person: str, coordinator: Caller, changes: dict[str, Any], pointer: str
) -> None:
    refused = coordinator.create(statement(exchange, **changes), path=f"subjects/{person}/withholdings")
    assert (refused.status, [error["pointer"] for error in refused.body["errors"]]) == (422, [pointer])


def test_a_statement_has_a_key(exchange: Exchange, person: str, coordinator: Caller) -> None:
    assert coordinator.post(f"subjects/{person}/withholdings", statement(exchange)).status == 400


@pytest.mark.parametrize("role", ["caseworker", "counsellor"])
def test_a_coordinator_decides(exchange: Exchange, person: str, role: str) -> None:
    path = f"subjects/{person}/withholdings"
    assert asking(exchange.municipality, role).create(statement(exchange), path=path).status == 403


@pytest.mark.parametrize("purpose", ["exit_support", "investigation"])
def test_for_access_and_nothing_else(exchange: Exchange, person: str, coordinator: Caller, purpose: str) -> None:
    path = f"subjects/{person}/withholdings"
    for answer in (
        coordinator.create(statement(exchange), path=path, Purpose=purpose),
        coordinator.get(path, Purpose=purpose),
    ):
        assert answer.status == 403
        assert Entry.objects.get(request_id=answer.headers["Request-Id"]).outcome == "refused"


def test_they_are_listed_newest_first_page_by_page(exchange: Exchange, person: str, coordinator: Caller) -> None:
    path = f"subjects/{person}/withholdings"
    made = [coordinator.create(statement(exchange, review_by=review_by(day)), path=path) for day in (9, 8, 7)]
    newest = [answer.body["id"] for answer in reversed(made)]
    first = coordinator.get(f"{path}?limit=2")
    rest = coordinator.get(f"{path}?limit=2&cursor={first.body['next']}")
    assert [row["id"] for row in first.body["results"] + rest.body["results"]] == newest
    assert rest.body["next"] is None
    other = subject_of(walk(exchange, "received"))
    assert coordinator.get(f"subjects/{other}/withholdings?cursor={first.body['next']}").status == 400


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("day", "after"),
    [
        (date(2026, 1, 31), date(2026, 7, 31)),
        (date(2026, 3, 31), date(2026, 9, 30)),
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 30), date(2028, 2, 29)),
        (date(2026, 12, 15), date(2027, 6, 15)),
    ],
)
def test_six_months_are_counted_as_the_database_counts_them(day: date, after: date) -> None:
    assert _months_after(day, 6) == after


def test_six_months_to_the_day_are_let_through(exchange: Exchange, person: str, coordinator: Caller) -> None:
    latest = _months_after(timezone.now().date(), 6)
    path = f"subjects/{person}/withholdings"
    for day, status in [(latest, 201), (latest + timedelta(days=1), 422)]:
        assert coordinator.create(statement(exchange, review_by=day.isoformat()), path=path).status == status
