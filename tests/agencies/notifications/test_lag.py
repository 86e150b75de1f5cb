"""An operator learns that nobody delivers, and from nothing that says to whom."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from agencies.notifications.lag import WEBHOOKS_LAG, lag
from tests.agencies.notifications.receiving import Subscriber, subscriber, work_off
from tests.agencies.notifications.test_webhooks import register
from tests.exchange import Exchange


@pytest.fixture
def hook(settings: Settings) -> Iterator[Subscriber]:
    settings.WEBHOOKS_INSIDE = True
    work_off()  # what other tests left in line
    with subscriber() as made:
        yield made


def alarms() -> list[str]:
    found: list[str] = APIClient().get("/health/ready").json()["alarms"]
    return found


def age(owner: Any, seconds: int) -> None:
    """Let every delivery have been made so many seconds earlier."""
    owner.execute("UPDATE agencies_delivery SET made_at = made_at - make_interval(secs => %s)", [seconds])


def test_a_call_that_no_worker_makes_raises_an_alarm(exchange: Exchange, hook: Subscriber, owner: Any) -> None:
    register(exchange.centre, hook)
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    assert WEBHOOKS_LAG not in alarms()
    age(owner, 121)
    assert WEBHOOKS_LAG in alarms()
    work_off()
    assert WEBHOOKS_LAG not in alarms()


def test_a_call_that_waits_for_its_time_or_for_the_one_before_raises_none(
    exchange: Exchange, hook: Subscriber, owner: Any
) -> None:
    register(exchange.centre, hook)
    hook.answers = [503]
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    exchange.centre.as_("coordinator").step(referral, "receive")
    age(owner, 3600)
    assert lag().jobs == 0
    assert WEBHOOKS_LAG not in alarms()
