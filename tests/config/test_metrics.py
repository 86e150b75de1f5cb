"""What operators see of requests: sums by route and status, over all workers, and of nobody's case."""

import json
import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from django.conf import settings as the_settings
from django.test import Client
from pytest_django import Settings

from config import embedded_postgres
from config.counting import CASE
from config.env import BASE_DIR
from tests.exchange import Exchange

LINE = re.compile(r"^(\w+)\{(.*)\} ([0-9.e+]+)$")
ROUTE = "api/v1/referrals/<uuid:referral_id>"


def scraped(text: str | None = None) -> dict[tuple[str, str], float]:
    """Return each number by its name and labels."""
    if text is None:
        text = Client().get("/metrics").content.decode()
    found = (LINE.match(line) for line in text.splitlines())
    return {(each[1], each[2]): float(each[3]) for each in found if each}


def grown(before: dict, after: dict, name: str) -> dict[str, float]:
    return {
        labels: value - before.get((one, labels), 0)
        for (one, labels), value in after.items()
        if one == name and value != before.get((one, labels), 0)
    }


def test_requests_are_counted_by_route_and_status_and_by_nothing_else(exchange: Exchange, settings: Settings) -> None:
    settings.METRICS_OPEN = True
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    before = scraped()
    sender.get(f"referrals/{referral}")
    sender.get(f"referrals/{referral}")
    exchange.centre.as_("counsellor").call("BREW", "referrals")
    sender.get("nowhere")
    after = scraped()
    assert grown(before, after, "udvej_requests_total") == {
        f'method="GET",route="{ROUTE}",status="2xx"': 2,
        'method="other",route="api/v1/referrals",status="4xx"': 1,
        'method="GET",route="unknown",status="4xx"': 1,
        'method="GET",route="metrics",status="2xx"': 1,
        'method="POST",route="oauth/token",status="2xx"': 1,
    }
    assert grown(before, after, "udvej_request_seconds_count")[f'method="GET",route="{ROUTE}"'] == 2


def test_a_refusal_is_counted_by_a_code_that_speaks_of_the_request_alone(
    exchange: Exchange, settings: Settings
) -> None:
    settings.METRICS_OPEN = True
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    before = scraped()
    exchange.stranger.as_("caseworker").get(f"referrals/{referral}")
    sender.post(f"referrals/{referral}/receive", {})
    sender.step(referral, "receive")
    after = scraped()
    said = grown(before, after, "udvej_refusals_total")
    assert said.pop('code="not-found"') == 1
    assert said.pop('code="if-match-required"') == 1
    assert said == {f'code="{CASE}"': 1}, "that this move is not possible says where the case stands"


def test_no_metric_has_a_label_of_anybody(exchange: Exchange, settings: Settings) -> None:
    settings.METRICS_OPEN = True
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    sender.get(f"referrals/{referral}")
    text = Client().get("/metrics").content.decode()
    labelled = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(labelled) > 50
    agency = exchange.municipality.agency
    for never in (referral, str(agency.id), agency.code, sender.party.client_id, sender.staff_id):
        assert not [each for each in labelled if never in each]
    labels = {name for each in scraped() for name in re.findall(r'(\w+)="', each[1])}
    assert labels <= {"route", "method", "status", "code", "le", "state"}


def test_the_log_line_names_the_agency_and_its_client_and_never_the_path(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    with caplog.at_level(logging.INFO, logger="udvej.request"):
        caplog.clear()
        answer = sender.get(f"referrals/{referral}")
        Client().get(f"/api/v1/referrals/{referral}")
    known, unknown = (record.msg for record in caplog.records if record.name == "udvej.request")
    assert isinstance(known, dict)
    assert isinstance(unknown, dict)
    assert {name: known[name] for name in ("request_id", "route", "status", "agency", "client")} == {
        "request_id": answer.headers["Request-Id"],
        "route": ROUTE,
        "status": 200,
        "agency": str(exchange.municipality.agency.id),
        "client": sender.party.client_id,
    }
    assert known["ms"] > 0
    assert "agency" not in unknown
    assert unknown["status"] == 401
    for line in (known, unknown):
        assert referral not in json.dumps(line, default=str)
        assert sender.staff_id not in json.dumps(line, default=str)


def test_all_workers_are_added_up(exchange: Exchange, tmp_path: Path) -> None:
    """Two workers of the product's own gunicorn: whichever answers, the sum is the same."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if "DATABASE_URL" not in name},
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": embedded_postgres.locate(the_settings.CLUSTER).url("udvej_app", "test"),
        "UDVEJ_KEYS_DIR": str(the_settings.KEYS_DIR),
        "UDVEJ_WORKERS": "2",
        "UDVEJ_THREADS": "1",
        "PORT": str(port),
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    process = subprocess.Popen(command, cwd=BASE_DIR, env=environment, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{base}/health/ready")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        folders = list(tmp_path.glob("udvej-metrics-*"))
        assert len(folders) == 1
        sent = 0
        own = f"counter_{process.pid}.db"
        while len([each for each in folders[0].glob("counter_*.db") if each.name != own]) < 2 and sent < 500:
            httpx.get(f"{base}/health/live", headers={"Connection": "close"})
            sent += 1
        live = 'method="GET",route="health/live",status="2xx"'
        for _ in range(6):
            said = scraped(httpx.get(f"{base}/metrics", headers={"Connection": "close"}).text)
            assert said["udvej_requests_total", live] == sent
    finally:
        process.terminate()
        process.wait(30)
    assert not folders[0].exists()
