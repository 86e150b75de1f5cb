"""One client's runaway loop is answered 429, and takes nothing from the others."""

import pytest
from pytest_django import Settings

from tests.exchange import Exchange


@pytest.fixture(autouse=True)
def minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute that does not end while the test counts."""
    monkeypatch.setattr("agencies.throttling.seconds", lambda: 1_800_000_001.0)


def test_past_its_limit_a_client_is_told_to_wait_and_the_others_are_not(exchange: Exchange, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    kk = exchange.municipality.as_("caseworker")
    first, second, third = (kk.get("agencies?limit=1") for _ in range(3))
    assert [first.status, second.status, third.status] == [200, 200, 429]
    assert [first.headers["RateLimit"], second.headers["RateLimit"]] == ['"client";r=1;t=60', '"client";r=0;t=60']
    assert (third.headers["Retry-After"], third.body["code"]) == ("60", "too-many-requests")
    assert third.headers["RateLimit-Policy"] == '"client";q=2;w=60'
    assert exchange.stranger.as_("caseworker").get("agencies?limit=1").status == 200


def test_what_is_refused_for_haste_does_nothing(exchange: Exchange, settings: Settings) -> None:
    kk = exchange.municipality.as_("caseworker")
    kk.submit(exchange.centre)
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert kk.create({}).status == 429
