"""The strength `sealed`: nothing is shown before a signed checkpoint covers its entry; the database sees to that."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from audit import strength
from audit.models import Entry
from audit.sealer import Sealer, run
from tests.audit.logs import Log
from tests.exchange import SECTIONS, Exchange
from tests.invariants.attempts import refused


@pytest.fixture
def demanded(log_of_the_run: Log) -> Iterator[Log]:
    """The exchange as one that shows nothing before it is sealed."""
    call_command("audit_strength", "sealed")
    yield log_of_the_run
    call_command("audit_strength", "committed")


@contextmanager
def sealer_at_work(log: Log) -> Iterator[None]:
    """Let a sealer run beside the test, as it runs beside a server."""
    stop = threading.Event()

    def work() -> None:
        run(
            lambda: Sealer(origin=log.origin, signer=log.signer(), memory=log.memory, using=log.using),
            stop=stop,
            every=0.02,
        )
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_with_a_sealer_at_work_everything_is_shown_as_before(exchange: Exchange, demanded: Log) -> None:
    with sealer_at_work(demanded):
        referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
        read = exchange.centre.as_("coordinator").read(referral)
        assert (read.status, read.body["sections"]) == (200, SECTIONS)
    entry = Entry.objects.get(request_id=read.headers["Request-Id"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.index < (SELECT max(size) FROM audit_checkpoint) FROM audit_leaf l WHERE l.entry_id = %s",
            [entry.id],
        )
        assert cursor.fetchone() == (True,)


def test_without_one_nothing_is_shown_and_the_answer_says_to_come_again(
    exchange: Exchange, demanded: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strength, "WAIT_SECONDS", 0.1)
    with sealer_at_work(demanded):
        referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    answer = exchange.centre.as_("coordinator").read(referral)
    assert (answer.status, answer.body["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert Entry.objects.get(request_id=answer.headers["Request-Id"]).outcome == "done"  # the attempt is recorded


def test_the_database_releases_nothing_for_an_entry_that_is_only_committed(exchange: Exchange, demanded: Log) -> None:
    with sealer_at_work(demanded):
        referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    exchange.municipality.as_("caseworker").get("referrals?role=sent")
    entry = Entry.objects.order_by("-id")[0]
    for release in (
        "referrals_release",
        "referrals_release_files",
        "referrals_release_task",
        "referrals_release_explanation",
    ):
        with connection.cursor() as cursor:
            asked = f"SELECT * FROM {release}(%s, %s, %s)"
            assert refused(cursor, asked, [entry.id, exchange.municipality.id, referral]) == "UD003"


def test_the_strength_is_said_recorded_and_the_owners_to_choose(
    demanded: Log, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capsys.readouterr()
    call_command("audit_strength")
    assert capsys.readouterr().out == "Releases demand that their entry is sealed.\n"
    said = Entry.objects.filter(action="audit.strength").order_by("-id")[0]
    assert said.detail == {"strength": "sealed"}
    with pytest.raises(CommandError):
        call_command("audit_strength", "whatever")
    with connection.cursor() as cursor:
        assert refused(cursor, "UPDATE audit_strength SET name = 'committed'", []) == "42501"
