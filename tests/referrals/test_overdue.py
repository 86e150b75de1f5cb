"""Deadlines act: what nobody decides is escalated, and after a grace it expires; each is an entry of the system."""

from datetime import datetime, timedelta

import pytest
from django.utils.dateparse import parse_datetime

from audit.models import Entry
from referrals import overdue
from referrals.deadlines import GRACE
from tests.exchange import Exchange


def deadline(exchange: Exchange, referral: str) -> datetime:
    shown = exchange.municipality.as_("caseworker").read(referral).body["deadlines"]["decide_by"]
    found = parse_datetime(shown)
    assert found is not None
    return found


@pytest.fixture
def referral(exchange: Exchange) -> str:
    return exchange.municipality.as_("caseworker").submit(exchange.centre, urgency="acute")


def test_before_its_deadline_a_referral_is_left_alone(exchange: Exchange, referral: str) -> None:
    overdue.act_on_deadlines(at=deadline(exchange, referral) - timedelta(seconds=1))
    shown = exchange.centre.as_("coordinator").read(referral).body
    assert (shown["escalated"], shown["status"]) == (False, "submitted")


def test_past_its_deadline_it_is_escalated_and_after_the_grace_it_expires(exchange: Exchange, referral: str) -> None:
    late = deadline(exchange, referral) + timedelta(seconds=1)
    overdue.act_on_deadlines(at=late)
    shown = exchange.centre.as_("coordinator").read(referral).body
    assert (shown["escalated"], shown["status"]) == (True, "submitted")

    overdue.act_on_deadlines(at=late + GRACE)
    assert exchange.centre.as_("coordinator").read(referral).body["status"] == "submitted"
    overdue.act_on_deadlines(at=late + GRACE + timedelta(seconds=1))
    sender = exchange.municipality.as_("caseworker").read(referral).body
    assert (sender["status"], sender["allowed_actions"]) == ("expired", ["mark_in_error"])
    told = Entry.objects.filter(subject_id=referral, role="system").order_by("id").values_list("action", flat=True)
    assert list(told) == ["referral.escalate", "referral.expire"]


def test_while_an_answer_is_awaited_the_clock_stands_still(exchange: Exchange, referral: str) -> None:
    late = deadline(exchange, referral) + timedelta(seconds=1)
    ko = exchange.centre.as_("coordinator")
    asked = ko.step(referral, "messages", {"kind": "information_request", "reason": "contact_unclear"})
    assert asked.body["status"] == "info_requested"
    overdue.act_on_deadlines(at=late)
    assert ko.read(referral).body["escalated"] is False


def test_an_accepted_referral_has_no_deadline_left_to_miss(exchange: Exchange, referral: str) -> None:
    late = deadline(exchange, referral) + timedelta(days=300)
    ko = exchange.centre.as_("coordinator")
    ko.step(referral, "receive")
    ko.step(referral, "accept")
    overdue.act_on_deadlines(at=late)
    assert (ko.read(referral).body["status"], ko.read(referral).body["escalated"]) == ("accepted", False)
