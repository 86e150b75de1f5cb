"""One client's runaway loop is answered 429, over all workers, and takes nothing from the others."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection
from django.test import Client as Browser
from pytest_django import Settings
from rest_framework.test import APIClient

from agencies import counting
from agencies.counting import Counts
from agencies.credentials import RequestCount
from tests.agencies.administering import administrator
from tests.agencies.signing import Signer, post_form
from tests.exchange import Answer, Exchange, Party, referral_body
from tests.rules.scan import tables_holding

MINUTE = 30_000_000


@pytest.fixture(autouse=True)
def minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute that does not end while the test counts, and counts of the test's own."""
    monkeypatch.setattr("agencies.throttling.seconds", lambda: 1_800_000_001.0)
    monkeypatch.setattr("agencies.counting.requests", Counts())
    monkeypatch.setattr("agencies.counting.failures", Counts())


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
    only = kk.submit(exchange.centre)
    with_no_end, settings.RATE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_MINUTE, 1
    assert kk.create(referral_body(exchange.centre)).status == 429
    settings.RATE_LIMIT_PER_MINUTE = with_no_end
    assert [sent["id"] for sent in kk.get("referrals?role=sent").body["results"]] == [only]


# --- Over several workers ----------------------------------------------------------------------------------------


@pytest.fixture
def workers() -> Iterator[tuple[Counts, Counts]]:
    """Two workers, each with what it knows; and a table without what earlier tests counted."""
    RequestCount.objects.all().delete()
    first, second = Counts(), Counts()
    yield first, second
    first.stop()
    second.stop()


def test_workers_learn_what_the_others_counted(workers: tuple[Counts, Counts]) -> None:
    first, second = workers
    assert [first.count("a", minute=MINUTE) for _ in range(3)] == [1, 2, 3]
    assert [second.count("a", minute=MINUTE) for _ in range(2)] == [1, 2]
    first.share()
    second.share()
    assert second.count("a", minute=MINUTE) == 6
    second.share()
    assert first.count("a", minute=MINUTE) == 4
    first.share()
    assert (first.count("a", minute=MINUTE, more=0), second.count("b", minute=MINUTE)) == (7, 1)
    assert RequestCount.objects.get(who="a").used == 7


def test_nothing_is_told_twice_and_what_could_not_be_told_is_told_later(
    workers: tuple[Counts, Counts], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = workers
    first.count("a", minute=MINUTE, more=5)
    with monkeypatch.context() as broken:
        broken.setattr(counting, "TELL", "SELECT %s, %s, %s FROM nowhere")
        with pytest.raises(ProgrammingError, match="nowhere"):
            first.share()
    assert first.count("a", minute=MINUTE) == 6
    for _ in range(3):
        first.share()
    assert (RequestCount.objects.get().used, first.count("a", minute=MINUTE, more=0)) == (6, 6)


def test_a_new_minute_begins_at_nothing(workers: tuple[Counts, Counts]) -> None:
    first, second = workers
    first.count("a", minute=MINUTE, more=9)
    first.share()
    assert second.count("a", minute=MINUTE + 1) == 1
    assert first.count("a", minute=MINUTE + 1) == 1


def test_threads_of_two_workers_share_by_themselves_and_forget_old_minutes(
    workers: tuple[Counts, Counts], settings: Settings
) -> None:
    settings.RATE_LIMIT_SHARED_SECONDS = 0.02
    RequestCount.objects.create(who="old", minute=1, used=1)
    now, own, end = int(time.time() // 60), 0, time.monotonic() + 10
    seen = [0, 0]
    while time.monotonic() < end and min(seen) < own + 20:
        own += 1
        seen = [worker.count("a", minute=now) for worker in workers]
        time.sleep(0.005)
    assert min(seen) >= own + 20, "a worker counts on without what the other counted"
    assert max(seen) <= 2 * own
    while time.monotonic() < end and RequestCount.objects.filter(who="old").exists():
        time.sleep(0.01)
    assert not RequestCount.objects.filter(who="old").exists()


def test_more_askers_than_there_is_room_for_are_forgotten_and_not_kept(
    workers: tuple[Counts, Counts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "ASKERS_MOST", 5)
    for number in range(50):
        workers[0].count(f"asker {number}", minute=MINUTE)
    assert len(workers[0]._untold) <= 6


def test_the_count_is_in_no_backup_and_survives_no_crash() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'agencies_requestcount'")
        assert cursor.fetchone() == ("u",)


# --- Tokens -------------------------------------------------------------------------------------------------------


def test_a_client_gets_so_many_tokens_a_minute_and_another_its_own(exchange: Exchange, settings: Settings) -> None:
    settings.TOKENS_PER_MINUTE = 2
    answers = [exchange.municipality.fetch_token() for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["RateLimit"] for answer in answers[:2]] == ['"client";r=1;t=60', '"client";r=0;t=60']
    assert (answers[2].headers["Retry-After"], answers[2].body["error"]) == ("60", "slow_down")
    assert "access_token" not in answers[2].body
    assert exchange.stranger.fetch_token().status == 200


def guess(party: Party, *, address: str = "198.51.100.7") -> Answer:
    """Guess a client's secret, from an address."""
    form = {"grant_type": "client_credentials", "client_id": party.client_id, "client_secret": "guessed"}
    return post_form(form, **{"X-Real-IP": address})


def test_whoever_guesses_is_told_to_wait_and_the_rightful_client_is_not(exchange: Exchange, settings: Settings) -> None:
    """Not even from the same address, and not by its secret or its key."""
    settings.FAILURES_PER_MINUTE, settings.TRUSTED_PROXIES = 3, ["127.0.0.1"]
    party, signer = exchange.municipality, Signer(exchange.municipality)
    guesses = [guess(party) for _ in range(6)]
    assert [answer.status for answer in guesses] == [401] * 3 + [429] * 3
    assert (guesses[5].body["error"], guesses[5].headers["Retry-After"]) == ("slow_down", "60")
    assert guess(party, address="198.51.100.8").status == 401
    form = {"grant_type": "client_credentials", "client_id": party.client_id, "client_secret": party.client_secret}
    assert post_form(form, **{"X-Real-IP": "198.51.100.7"}).status == 200
    assert signer.ask().status == 200
    assert party.as_("caseworker").get("agencies").status == 200


def test_a_clients_failures_use_up_none_of_its_tokens(exchange: Exchange, settings: Settings) -> None:
    settings.TOKENS_PER_MINUTE = 1
    for _ in range(5):
        assert guess(exchange.municipality).status == 401
    assert exchange.municipality.fetch_token().status == 200


def test_an_address_is_believed_of_the_proxy_alone(exchange: Exchange, settings: Settings) -> None:
    """Otherwise whoever guesses would say another address each time."""
    settings.FAILURES_PER_MINUTE, settings.TRUSTED_PROXIES = 1, []
    statuses = [guess(exchange.municipality, address=f"198.51.100.{number}").status for number in range(3)]
    assert statuses == [401, 429, 429]


def test_no_address_is_kept(exchange: Exchange, settings: Settings, tmp_path: Path) -> None:
    settings.FAILURES_PER_MINUTE, settings.TRUSTED_PROXIES = 1, ["127.0.0.1"]
    guess(exchange.municipality, address="198.51.100.77")
    counting.failures.share()
    assert RequestCount.objects.exists()
    assert tables_holding("198.51.100.77") == []
    now, next_minute = (counting.failures_from("198.51.100.77", minute=minute) for minute in (MINUTE, MINUTE + 1))
    assert now != next_minute


def test_the_api_answers_without_a_token_as_often_as_it_is_asked(exchange: Exchange, settings: Settings) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert [APIClient().get("/api/v1/agencies").status_code for _ in range(3)] == [401] * 3
    assert exchange.municipality.as_("caseworker").get("agencies").status == 200


# --- Passwords ----------------------------------------------------------------------------------------------------


def test_guessing_an_administrators_password_locks_them_out_nowhere_else(
    exchange: Exchange, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    right = uuid4().hex
    name = administrator(password=right).username

    def sign_in(password: str, *, address: str, account: str = name) -> int:
        form = {"username": account, "password": password}
        return Browser().post("/admin/login/", form, headers={"X-Real-IP": address}).status_code

    guesses = [sign_in("guessed", address="198.51.100.7", account=name) for _ in range(12)]
    assert guesses == [200] * 10 + [429] * 2
    assert sign_in(right, address="198.51.100.7") == 429
    assert sign_in("guessed", address="198.51.100.7", account="another") == 200
    assert sign_in(right, address="198.51.100.8") == 302


def test_a_right_password_is_no_failure(exchange: Exchange) -> None:
    right = uuid4().hex
    name = administrator(password=right).username
    form = {"username": name, "password": right}
    assert [Browser().post("/admin/login/", form).status_code for _ in range(12)] == [302] * 12
