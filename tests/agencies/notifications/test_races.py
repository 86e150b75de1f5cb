"""What happens at the same time, or in between: nothing of it loses a call, nor holds up anybody's act."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app
from pytest_django import Settings

from agencies.notifications import calling, delivering, events, lag, signing
from agencies.notifications.calling import Called
from agencies.notifications.models import Attempt, Delivery, DeliveryState, Endpoint
from tests.agencies.notifications.receiving import Subscriber, pass_time, subscriber, work_off
from tests.agencies.notifications.test_feed import another_connection
from tests.agencies.notifications.test_webhooks import ENDPOINTS, administrator, delivery_of, register
from tests.exchange import Exchange

FAILED = Called(status=500, failure="", milliseconds=1)


@pytest.fixture
def hook(settings: Settings) -> Iterator[Subscriber]:
    settings.WEBHOOKS_INSIDE = True
    with subscriber() as made:
        yield made


def state_of(endpoint: Any) -> str:
    return Endpoint.objects.get(pk=endpoint["id"]).state


def test_what_a_worker_puts_in_line_belongs_to_its_act(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen before the act commits, a job would find nothing to deliver, and be gone."""
    with subscriber() as other:
        gone, well = register(exchange.centre, hook), register(exchange.centre, other)
        hook.answers = [410]
        real, seen = events.tell, []

        def tell(*args: Any, **more: Any) -> None:
            real(*args, **more)
            with another_connection() as outside:
                notices = [f"{well['id']}:{gone['id']}"]
                jobs = outside.execute("SELECT count(*) FROM procrastinate_jobs WHERE lock = %s", notices)
                seen.append(jobs.fetchone())

        exchange.municipality.as_("caseworker").submit(exchange.centre)
        monkeypatch.setattr(events, "tell", tell)
        before = app.connector
        work_off()
        assert app.connector is before
        assert set(seen) == {(0,)}
        told = Delivery.objects.get(endpoint=well["id"], event__type="endpoint.disabled")
        assert told.state == "delivered"


def test_two_endpoints_of_an_agency_are_disabled_at_once(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subscriber() as other:
        both = register(exchange.centre, hook), register(exchange.centre, other)
        hook.answers = other.answers = [410]
        barrier, real = threading.Barrier(2, timeout=5), delivering.cancel_waiting

        def cancel(endpoint: Any) -> None:
            with suppress(threading.BrokenBarrierError):
                barrier.wait()
            real(endpoint)

        monkeypatch.setattr(delivering, "cancel_waiting", cancel)
        exchange.municipality.as_("caseworker").submit(exchange.centre)
        work_off()
        assert [state_of(each) for each in both] == ["disabled", "disabled"]
        ended = Delivery.objects.filter(endpoint__in=[each["id"] for each in both], event__type="referral.arrived")
        assert [each.state for each in ended] == ["failed", "failed"], "neither undid the other"


def test_a_referral_is_submitted_while_an_administrators_name_server_takes_its_time(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = register(exchange.centre, hook)
    caseworker = exchange.municipality.as_("caseworker")
    assert caseworker.party.token
    asked, go_on, real = threading.Event(), threading.Event(), socket.getaddrinfo

    def slow(*args: Any, **more: Any) -> Any:
        if threading.current_thread().name.startswith("resolver"):
            asked.set()
            go_on.wait(10)
        return real(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    def enable() -> None:
        try:
            administrator(exchange.centre).call("POST", f"{ENDPOINTS}/{endpoint['id']}/enable", {})
        finally:
            connection.close()

    enabling = threading.Thread(target=enable)
    enabling.start()
    assert asked.wait(10)
    caseworker.submit(exchange.centre)
    still_asking = enabling.is_alive()
    go_on.set()
    enabling.join()
    assert still_asking


def test_a_crash_between_the_last_attempt_and_the_disabling_is_made_good(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = register(exchange.centre, hook)
    hook.answers = [410]
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    real = delivering.disable
    crashed: list[int] = []

    def disable(*args: Any, **more: Any) -> None:
        if not crashed:
            crashed.append(1)
            raise RuntimeError("the ledger is away")
        real(*args, **more)

    monkeypatch.setattr(delivering, "disable", disable)
    work_off()
    pass_time()
    work_off()
    assert state_of(endpoint) == "disabled"
    numbers = Attempt.objects.filter(delivery__endpoint=endpoint["id"]).values_list("number", flat=True)
    assert list(numbers) == [1, 2], "each call that was made is in the log"


def test_a_fault_of_ours_is_logged_and_raises_the_alarm(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, owner: Any
) -> None:
    register(exchange.centre, hook)
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)

    def fault(*_: Any, **__: Any) -> None:
        raise RuntimeError("no key")

    monkeypatch.setattr(signing, "signatures", fault)
    work_off()
    said = [each for each in caplog.records if each.levelno >= logging.ERROR and "webhook_fault" in each.getMessage()]
    assert said
    assert "no key" not in said[0].getMessage()
    owner.execute(
        "UPDATE agencies_delivery SET made_at = now() - interval '3 minutes' WHERE id = %s", [delivery_of(referral).id]
    )
    assert lag.alarms() == [lag.WEBHOOKS_LAG]


def test_a_success_in_another_line_counts_though_this_call_began_before_it(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = register(exchange.centre, hook)
    Endpoint.objects.filter(pk=endpoint["id"]).update(failing_since=timezone.now() - timedelta(days=6))
    exchange.municipality.as_("caseworker").submit(exchange.centre)

    def call(to: Endpoint, *_: Any, **__: Any) -> Called:
        Endpoint.objects.filter(pk=to.pk).update(failing_since=None)
        return FAILED

    monkeypatch.setattr(calling, "call", call)
    work_off()
    assert state_of(endpoint) == "active"


@pytest.mark.parametrize(
    ("called", "state"), [(FAILED, "cancelled"), (Called(status=204, failure="", milliseconds=1), "delivered")]
)
def test_a_call_under_way_when_its_endpoint_is_disabled_is_told_as_it_ended(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch, called: Called, state: str
) -> None:
    register(exchange.centre, hook)
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)

    def call(to: Endpoint, *_: Any, **__: Any) -> Called:
        delivering.disable(to.pk, because="failing")
        return called

    monkeypatch.setattr(calling, "call", call)
    work_off()
    delivery = delivery_of(referral)
    assert (delivery.state, delivery.next_at) == (state, None)


def test_a_slow_subscriber_takes_no_more_than_its_turns(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = register(exchange.centre, hook)
    caseworker = exchange.municipality.as_("caseworker")
    for _ in range(5):
        caseworker.submit(exchange.centre)
    under_way, most = [0], [0]
    counting = threading.Lock()

    def call(to: Endpoint, *_: Any, **__: Any) -> Called:
        if str(to.pk) != endpoint["id"]:  # what other tests left in line
            return FAILED
        with counting:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.3)
        with counting:
            under_way[0] -= 1
        return Called(status=204, failure="", milliseconds=300)

    monkeypatch.setattr(calling, "call", call)
    for _ in range(6):
        work_off()
        pass_time()
    assert most[0] == delivering.AT_ONCE_MOST
    waiting = Delivery.objects.filter(endpoint__agency=exchange.centre.agency, state="waiting")
    assert not waiting.exists()


def test_one_that_stood_in_line_behind_another_raises_no_alarm_when_its_turn_comes(
    exchange: Exchange, hook: Subscriber, owner: Any
) -> None:
    register(exchange.centre, hook)
    hook.answers = [503, 204]
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    exchange.centre.as_("coordinator").step(referral, "receive")
    work_off()
    owner.execute("UPDATE agencies_delivery SET made_at = made_at - interval '3 hours'")
    before = lag.lag()
    first = Delivery.objects.filter(event__about=referral, endpoint__agency=exchange.centre.agency).order_by("id")[0]
    delivering._end(first, DeliveryState.DELIVERED)
    assert (before.jobs, lag.lag().seconds < 60) == (0, True)
