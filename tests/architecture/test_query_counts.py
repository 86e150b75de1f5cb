"""How many SQL statements a request costs is committed beside this file; a change of it is seen in review."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.exchange import Caller, Exchange, referral_body

COUNTS = json.loads(Path(__file__).with_name("query_counts.json").read_text())
DETAIL_MOST = 6
TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")


def statements(do: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        do()
    return [query["sql"] for query in captured if not query["sql"].startswith(TRANSACTION)]


def requests(exchange: Exchange) -> dict[str, Callable[[], object]]:
    """Each request as it is on a busy day: the caches of types and permissions are warm."""
    kk: Caller = exchange.municipality.as_("caseworker")
    ko: Caller = exchange.centre.as_("coordinator")
    referral = kk.submit(exchange.centre)
    draft = kk.create(referral_body(exchange.centre, submit=False)).body["id"]
    body = referral_body(exchange.centre)
    kk.create(body)
    return {
        "GET /referrals/{id} as its recipient": lambda: ko.read(referral),
        "GET /referrals/{id} as its sender": lambda: kk.read(referral),
        "GET /referrals/{id} of a stranger": lambda: exchange.stranger.as_("caseworker").read(referral),
        "GET /referrals?role=received": lambda: ko.get("referrals?role=received"),
        "POST /referrals, submitted": lambda: kk.create(body),
        "POST /referrals/{id}/receive": lambda: ko.post(f"referrals/{referral}/receive", {}, If_Match='"2"'),
        "PATCH /referrals/{id}": lambda: kk.call("PATCH", f"referrals/{draft}", {"urgency": "soon"}, If_Match='"1"'),
        "GET /agencies": lambda: kk.get("agencies"),
    }


def test_each_request_costs_the_statements_that_are_committed(exchange: Exchange) -> None:
    tokens = [party.token for party in (exchange.municipality, exchange.centre, exchange.stranger)]
    assert all(tokens)
    counted = {name: len(statements(do)) for name, do in requests(exchange).items()}
    assert counted == COUNTS, json.dumps(counted, indent=2)


@pytest.mark.parametrize("reader", ["recipient", "sender"])
def test_a_detail_read_costs_at_most_six_statements(reader: str) -> None:
    assert COUNTS[f"GET /referrals/{{id}} as its {reader}"] <= DETAIL_MOST


def test_a_detail_read_records_before_it_releases(exchange: Exchange) -> None:
    ko = exchange.centre.as_("coordinator")
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    with CaptureQueriesContext(connection) as captured:
        ko.read(referral)
    said = [query["sql"] for query in captured]
    entry = next(place for place, sql in enumerate(said) if "INSERT INTO audit_entry" in sql)
    commit = next(place for place, sql in enumerate(said) if place > entry and sql.startswith("COMMIT"))
    release = next(place for place, sql in enumerate(said) if "referrals_release" in sql)
    assert entry < commit < release
