"""Duty contacts: who says which mailbox it is, and what is told there: that something waits, and of nobody."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from agencies import duty, duty_mail
from agencies.duty_models import DutyContact, DutyNotice
from audit import log
from audit.models import Entry
from config.metrics import DutyContacts
from referrals import overdue
from tests.agencies.duty import reached_at, set_to
from tests.exchange import Exchange, Party
from tests.invariants.attempts import APP, DENIED, OWNER, TAKEN, refused, session

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """What other tests left untold is told, so that this test's mails are its own; and none of them stays."""

    def told() -> None:
        DutyNotice.objects.filter(told_at=None).update(told_at=timezone.now())

    told()
    mail.outbox = []
    yield
    told()


def queued(party: Party, *steps: str) -> None:
    for step in steps:
        duty.queue([party.agency.pk], step=step)


def untold(party: Party) -> list[str]:
    return list(
        DutyNotice.objects.filter(agency=party.agency, told_at=None).order_by("id").values_list("step", flat=True)
    )


# --- the mailbox ----------------------------------------------------------------------------------------------------


def test_an_administrator_says_which_mailbox_and_the_history_keeps_it(exchange: Exchange) -> None:
    ad, path = exchange.centre.as_("administrator"), f"agencies/{exchange.centre.id}/duty-contact"
    unset = ad.get(path)
    assert (unset.body, unset.etag) == ({"agency": exchange.centre.id, "email": ""}, '"0"')
    answer = set_to(exchange.centre, "vagt@centret.example", unset.etag)
    assert (answer.status, answer.body["email"], answer.etag) == (200, "vagt@centret.example", '"1"')
    assert ad.get(path).body["email"] == "vagt@centret.example"
    assert set_to(exchange.centre, "anden@centret.example", unset.etag).status == 412
    assert set_to(exchange.centre, "", answer.etag).body["email"] == ""
    entries = Entry.objects.filter(subject_id=exchange.centre.id, action="duty.set").order_by("id")
    assert [(entry.outcome, entry.refusal, entry.detail) for entry in entries] == [
        ("done", "", {"mailbox": "set"}),
        ("refused", "stale-version", {}),
        ("done", "", {"mailbox": "none"}),
    ]
    assert all(entry.changes for entry in entries if entry.outcome == "done")
    kept = LogEntry.objects.filter(object_pk=exchange.centre.id, content_type__model="dutycontact")
    assert "vagt@centret.example" in str([entry.changes for entry in kept])


@pytest.mark.parametrize("email", ["karen.hansen@gmail.com", "vagt@HOTMAIL.com", "ikke en adresse", "a@b", 7, None])
def test_a_private_persons_mailbox_and_what_is_none_are_refused(exchange: Exchange, email: Any) -> None:
    answer = set_to(exchange.centre, email, '"0"')
    assert (answer.status, answer.body["code"]) == (422, "invalid")
    assert [error["pointer"] for error in answer.body["errors"]] == ["/email"]
    assert str(email) not in str(answer.body)


def test_without_if_match_nothing_is_set(exchange: Exchange) -> None:
    path = f"agencies/{exchange.centre.id}/duty-contact"
    assert exchange.centre.as_("administrator").call("PUT", path, {"email": "a@b.example"}).status == 428


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_only_the_agencys_own_administrators_reach_it(exchange: Exchange, method: str) -> None:
    path, body = f"agencies/{exchange.centre.id}/duty-contact", {"email": "a@b.example"} if method == "PUT" else None
    headers = {"If_Match": '"0"'} if method == "PUT" else {}

    def asked(party: Party, role: str, path: str = path) -> tuple[int, str]:
        answer = party.as_(role).call(method, path, body, **headers)
        return answer.status, answer.body.get("code", "")

    assert asked(exchange.municipality, "administrator") == (404, "not-found")
    assert asked(exchange.oversight, "administrator") == (404, "not-found")
    assert asked(
        exchange.centre, "administrator", path.replace(exchange.centre.id, str(exchange.centre.agency.pk)[:-4] + "0000")
    ) == (404, "not-found")
    for role in ("caseworker", "coordinator", "counsellor"):
        assert asked(exchange.centre, role) == (403, "role-may-not")


# --- the mail -------------------------------------------------------------------------------------------------------


def test_a_mail_says_that_something_waits_and_where_and_nothing_else(exchange: Exchange, settings: Settings) -> None:
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre, urgency="acute", external_reference="SAG-4711")
    mailbox = reached_at(exchange.centre)
    late = timezone.now() + timedelta(hours=25)
    overdue.act_on_deadlines(at=late, sender=exchange.municipality.agency.pk)
    assert duty_mail.tell_duty_contacts(at=late) == {"sent": 1}
    (sent,) = mail.outbox
    assert sent.to == [mailbox]
    shown = f"{sent.subject} {sent.body} {sent.message()}"
    municipality = (exchange.municipality.id, exchange.municipality.agency.name_da)
    for secret in (referral, "SAG-4711", "Testperson", "6101901234", *municipality):
        assert secret not in shown
    said = str(sent.body)
    assert said.count(settings.DUTY_SIGN_IN) == 2
    assert said.startswith("Der er sket noget i Udvej, som venter på jer.\n")
    assert not re.search(r"\d", sent.subject + said.replace(settings.DUTY_SIGN_IN, "")), "not a count"
    entry = Entry.objects.filter(subject_id=exchange.centre.id, action="duty.tell").get()
    assert (entry.role, entry.detail) == ("system", {"escalate": "2"})
    assert duty_mail.tell_duty_contacts(at=late + HOUR) == {}
    assert len(mail.outbox) == 1


def test_all_that_waits_is_told_in_one_mail_to_each_agency(exchange: Exchange) -> None:
    mailboxes = {reached_at(exchange.centre), reached_at(exchange.municipality)}
    queued(exchange.centre, "remind", "escalate", "remind")
    queued(exchange.municipality, "expire")
    assert duty_mail.tell_duty_contacts() == {"sent": 2}
    assert {sent.to[0] for sent in mail.outbox} == mailboxes
    assert len({(sent.subject, str(sent.body)) for sent in mail.outbox}) == 1, "one of much reads like one of little"
    counted = Entry.objects.get(subject_id=exchange.centre.id, action="duty.tell").detail
    assert counted == {"remind": "2", "escalate": "1"}, "the ledger knows how much it was"


class Refusing(EmailBackend):
    """A mail server that is away."""

    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError("vagthavende@hemmelig.example")


def test_a_mail_that_cannot_be_sent_undoes_nothing_and_is_tried_again_later_each_time(
    exchange: Exchange, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reached_at(exchange.centre)
    queued(exchange.centre, "escalate")
    now, works = timezone.now() + timedelta(seconds=1), settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    pauses = [1, 2, 4, 8, 16, 32, 60, 60]
    for minutes in pauses:
        assert duty_mail.tell_duty_contacts(at=now) == {"failed": 1}
        assert duty_mail.tell_duty_contacts(at=now + timedelta(minutes=minutes, seconds=-1)) == {}
        now += timedelta(minutes=minutes)
    assert untold(exchange.centre) == ["escalate"]
    assert "hemmelig" not in caplog.text
    assert not Entry.objects.filter(subject_id=exchange.centre.id, action="duty.tell").exists()
    settings.EMAIL_BACKEND = works
    assert duty_mail.tell_duty_contacts(at=now) == {"sent": 1}
    assert untold(exchange.centre) == []


def test_what_is_not_told_for_an_hour_is_an_alarm_and_a_number(exchange: Exchange) -> None:
    assert alarms() == []
    queued(exchange.centre, "escalate")
    assert alarms() == []
    DutyNotice.objects.filter(agency=exchange.centre.agency).update(next_try_at=timezone.now())
    with session(OWNER) as cursor:
        cursor.execute("UPDATE agencies_dutynotice SET made_at = now() - interval '2 h' WHERE told_at IS NULL")
        cursor.connection.commit()
    assert alarms() == ["duty-contact-missing"]
    assert "udvej_duty_notices_unreachable 1" in metrics()
    reached_at(exchange.centre)
    assert alarms() == ["duty-mail-not-sent"]
    assert "udvej_duty_notices_unsent 1" in metrics()
    assert duty_mail.tell_duty_contacts() == {"sent": 1}, "what waited for a contact is told once there is one"
    assert alarms() == []


def alarms() -> list[str]:
    answer = Client().get("/health/ready")
    assert answer.status_code == 200
    return [alarm for alarm in answer.json()["alarms"] if alarm.startswith("duty-")]


def metrics() -> str:
    return "\n".join(f"{metric.name} {each.value}" for metric in DutyContacts().collect() for each in metric.samples)


def test_who_sends_at_the_same_time_sends_nothing_twice(exchange: Exchange) -> None:
    reached_at(exchange.centre)
    queued(exchange.centre, "escalate", "remind")
    start, at = Barrier(4), timezone.now() + timedelta(seconds=1)

    def at_once() -> int:
        try:
            start.wait(timeout=10)
            return duty_mail.tell_duty_contacts(at=at)["sent"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: at_once(), range(4))) == 1
    assert len(mail.outbox) == 1
    assert Entry.objects.filter(subject_id=exchange.centre.id, action="duty.tell").count() == 1


def test_what_one_sender_took_the_next_finds_gone_until_the_pause_is_over(exchange: Exchange) -> None:
    """As it is where two senders have both found that something waits, before either takes it."""
    reached_at(exchange.centre)
    queued(exchange.centre, "escalate")
    agency, now = exchange.centre.agency.pk, timezone.now() + timedelta(seconds=1)
    assert duty_mail._take(agency, now).count() == 1
    assert duty_mail._take(agency, now).count() == 0
    assert duty_mail._take(agency, now + timedelta(minutes=1)).count() == 1


def test_a_mailbox_that_is_taken_away_meanwhile_loses_nothing(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached_at(exchange.centre)
    queued(exchange.centre, "escalate")
    now, real = timezone.now() + timedelta(seconds=1), duty_mail._take

    def take(*args: Any) -> Any:
        taken = real(*args)
        DutyContact.objects.filter(agency=exchange.centre.agency).update(email="")
        return taken

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(duty_mail, "_take", take)
        assert duty_mail.tell_duty_contacts(at=now) == {}
    assert (mail.outbox, untold(exchange.centre)) == ([], ["escalate"])
    reached_at(exchange.centre)
    assert duty_mail.tell_duty_contacts(at=now + HOUR) == {"sent": 1}


def test_after_a_crash_behind_the_mail_it_is_sent_again_later_and_not_at_once(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached_at(exchange.centre)
    queued(exchange.centre, "escalate")
    now = timezone.now() + timedelta(seconds=1)

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(log, "act", killed)
        with pytest.raises(SystemExit):
            duty_mail.tell_duty_contacts(at=now)
    assert len(mail.outbox) == 1
    assert duty_mail.tell_duty_contacts(at=now + timedelta(seconds=59)) == {}
    assert duty_mail.tell_duty_contacts(at=now + timedelta(seconds=60)) == {"sent": 1}
    assert len(mail.outbox) == 2


def test_a_crash_before_the_mail_is_told_again_and_loses_nothing(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached_at(exchange.centre)
    queued(exchange.centre, "escalate")
    now = timezone.now() + timedelta(seconds=1)

    def killed(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(mail.EmailMessage, "send", killed)
        with pytest.raises(SystemExit):
            duty_mail.tell_duty_contacts(at=now)
    assert untold(exchange.centre) == ["escalate"]
    assert duty_mail.tell_duty_contacts(at=now + HOUR) == {"sent": 1}


# --- what the database refuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM agencies_dutycontact",
        "DELETE FROM agencies_dutynotice",
        "UPDATE agencies_dutynotice SET agency_id = agency_id",
        "UPDATE agencies_dutynotice SET made_at = now()",
        "UPDATE agencies_dutycontact SET agency_id = agency_id",
        "TRUNCATE agencies_dutynotice",
    ],
)
def test_beneath_it_the_application_neither_removes_nor_turns_a_notice_elsewhere(attack: str) -> None:
    with session(APP) as cursor:
        assert refused(cursor, attack) == DENIED


def test_the_mailbox_of_an_agency_is_one(exchange: Exchange) -> None:
    reached_at(exchange.centre)
    reached_at(exchange.centre, "anden@centret.example")
    assert DutyContact.objects.get(agency=exchange.centre.agency).email == "anden@centret.example"
    second = "INSERT INTO agencies_dutycontact SELECT * FROM agencies_dutycontact WHERE agency_id = %s"
    with session(APP) as cursor:
        assert refused(cursor, second, [exchange.centre.agency.pk]) == TAKEN
