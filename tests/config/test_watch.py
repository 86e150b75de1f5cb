"""The watch over deadlines, as its command runs it: what is due is done, and then the duty contact is told."""

import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from referrals.models import Referral
from tests.agencies.duty import reached_at
from tests.exchange import Exchange


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command takes the signals that end it; they are given back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_one_look_escalates_and_tells_the_duty_contact(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    mailbox = reached_at(exchange.centre)
    yesterday = timezone.now() - timedelta(days=1)
    Referral.objects.filter(pk=referral).update(decide_by=yesterday, acknowledge_by=yesterday)
    mail.outbox = []
    call_command("watch_deadlines", once=True)
    assert sender.read(referral).body["escalated"] is True
    assert [sent.to for sent in mail.outbox if mailbox in sent.to] == [[mailbox]]
    call_command("watch_deadlines", once=True)
    assert len([sent for sent in mail.outbox if mailbox in sent.to]) == 1
