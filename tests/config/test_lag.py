"""The lag of the log as operators see it: an alarm in /health/ready, and metrics that name nobody."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from audit import checkpoints
from audit import lag as lag_module
from audit.lag import lag
from audit.notes import COSIGNATURE, VerifierKey
from tests.audit.logs import Log
from tests.exchange import Exchange


def test_a_log_that_keeps_up_raises_no_alarm(exchange: Exchange, log_of_the_run: Log) -> None:
    exchange.municipality.as_("caseworker").get("referrals?role=sent")
    log_of_the_run.seal()
    assert (lag().entries, lag().seconds) == (0, 0.0)
    assert Client().get("/health/ready").json() == {"status": "ready", "missing": [], "alarms": []}


@pytest.mark.parametrize(("strength", "status"), [("committed", 200), ("sealed", 503)])
def test_one_that_lags_does_and_serves_on_unless_it_promised_to_seal_first(
    exchange: Exchange, log_of_the_run: Log, settings: Settings, strength: str, status: int
) -> None:
    log_of_the_run.seal()
    exchange.municipality.as_("caseworker").get("referrals?role=sent")
    settings.LEDGER_ALARM_SECONDS = 0
    call_command("audit_strength", strength)
    try:
        answer = Client().get("/health/ready")
        assert (answer.status_code, answer.json()["alarms"]) == (status, ["ledger-log-lags"])
    finally:
        call_command("audit_strength", "committed")


def test_what_is_sealed_but_not_signed_waits_too(log: Log) -> None:
    from audit import sealing

    log.seal(3)
    log.write(4)
    assert lag(log.using).entries == 4
    sealing.seal(sealing.edge_of(log.using), using=log.using)
    assert lag(log.using).entries == 4
    assert lag(log.using).seconds > 0
    log.seal()
    assert lag(log.using).entries == 0


def test_a_checkpoint_that_the_witnesses_leave_alone_is_an_alarm(
    log_of_the_run: Log, settings: Settings, tmp_path: Path
) -> None:
    log_of_the_run.seal()
    key = VerifierKey("witness.example/w", COSIGNATURE, b"k" * 32)
    policy = tmp_path / "policy"
    policy.write_text(f"witness w {key}\nquorum w\n")
    settings.LEDGER_POLICY, settings.LEDGER_WITNESS_ALARM_SECONDS = str(policy), 0
    checkpoints.policy.cache_clear()
    try:
        assert lag_module.unwitnessed() > 0
        answer = Client().get("/health/ready")
        assert (answer.status_code, answer.json()["alarms"]) == (200, ["ledger-log-not-final"])
    finally:
        checkpoints.policy.cache_clear()


def test_metrics_tell_how_far_the_log_is(exchange: Exchange, log_of_the_run: Log, settings: Settings) -> None:
    settings.METRICS_OPEN = True
    log_of_the_run.seal()
    size = log_of_the_run.tree.size()
    exchange.municipality.as_("caseworker").get("agencies")
    answer = Client().get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=")
    said = dict(line.rsplit(" ", 1) for line in answer.content.decode().splitlines() if not line.startswith("#"))
    assert float(said["udvej_ledger_checkpoint_size"]) == size
    gauges = ("udvej_ledger", "udvej_duty", "udvej_webhooks")
    assert {name for name in said if name.startswith(gauges)} == {
        "udvej_ledger_waiting_entries",
        "udvej_ledger_seal_lag_seconds",
        "udvej_ledger_checkpoint_size",
        "udvej_ledger_final_size",
        "udvej_duty_notices_unsent",
        "udvej_duty_notices_unreachable",
        "udvej_webhooks_due",
        "udvej_webhooks_lag_seconds",
    }


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        ("", "", 404),
        ("", "Bearer ", 404),
        ("secret", "", 404),
        ("secret", "Bearer other", 404),
        ("secret", "Bearer secret", 200),
    ],
)
def test_metrics_answer_only_to_their_token(settings: Settings, token: str, sent: str, status: int) -> None:
    settings.METRICS_TOKEN = token
    assert Client().get("/metrics", headers={"Authorization": sent}).status_code == status
