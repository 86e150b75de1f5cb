"""What is left when a process is killed between its commit and its answer: an entry, and no lost referral."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from django.conf import settings

from audit.models import Entry
from config import embedded_postgres
from tests.exchange import Exchange, referral_body

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server(exchange: Exchange) -> Iterator[str]:
    """The product behind gunicorn, on the tests' database, able to die on demand."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = embedded_postgres.locate(settings.CLUSTER).url("udvej_app", "test")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": url,
        "UDVEJ_KEYS_DIR": str(settings.KEYS_DIR),
        "UDVEJ_WORKERS": "1",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "tests.journeys.dying:application"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        base = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                if httpx.get(f"{base}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        else:
            pytest.fail("the server did not get ready")
        yield base
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_process_killed_between_commit_and_answer_leaves_an_entry_and_no_lost_referral(
    exchange: Exchange, server: str
) -> None:
    kk = exchange.municipality.as_("caseworker")
    key = str(uuid4())
    headers = {
        "Authorization": f"Bearer {exchange.municipality.token}",
        "On-Behalf-Of": kk.staff_id,
        "Idempotency-Key": key,
    }
    body = referral_body(exchange.centre)
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{server}/api/v1/referrals", json=body, headers={**headers, "Die-Before-Answer": "1"}, timeout=30)

    entry = Entry.objects.get(actor_agency=exchange.municipality.agency.id, action="referral.submit")
    assert entry.outcome == "done"
    sent = [row["id"] for row in kk.get("referrals?role=sent").body["results"]]
    assert sent == [entry.subject_id]

    again = httpx.post(f"{server}/api/v1/referrals", json=body, headers=headers, timeout=30)
    assert (again.status_code, again.json()["id"]) == (201, entry.subject_id)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [row["id"] for row in kk.get("referrals?role=sent").body["results"]] == sent


def test_a_read_whose_process_is_killed_before_its_answer_is_in_the_ledger(exchange: Exchange, server: str) -> None:
    ko = exchange.centre.as_("coordinator")
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    headers = {
        "Authorization": f"Bearer {exchange.centre.token}",
        "On-Behalf-Of": ko.staff_id,
        "Die-Before-Answer": "1",
    }
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server}/api/v1/referrals/{referral}", headers=headers, timeout=30)
    assert Entry.objects.filter(subject_id=referral, action="referral.disclose", on_behalf_of=ko.staff_id).count() == 1
