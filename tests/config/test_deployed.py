"""What deploy/ says, put together: its environment, its unit's command, its nginx, on the socket between them."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import httpx
import pytest
from django.conf import settings as the_settings
from pytest_django import DjangoDbBlocker

from config import embedded_postgres
from config.env import BASE_DIR
from tests.agencies.proxy import NGINX, Certificate, Proxy, certificate, free_port, nginx
from tests.agencies.signing import ASSERTION_TYPE, Signer
from tests.config.production import without_demo_clients, witnesses_policy
from tests.exchange import Answer, Exchange, referral_body

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")
DEPLOY = BASE_DIR / "deploy"
UNIT = (DEPLOY / "systemd" / "udvej.service").read_text()
API, WWW = "api.example.dk", "www.example.dk"
TOKEN = "f" * 64
PLACES = {"/var/lib/udvej-sealer": "sealer", "/var/lib/udvej": "state", "/run/udvej": "run", "/etc/udvej": "etc"}


@dataclass(frozen=True)
class Deployed:
    """The exchange as the unit starts it: behind nginx, and at its own port on this host."""

    proxy: Proxy
    port: int
    socket: Path
    refused: Path

    def here(self, path: str, **headers: str) -> httpx.Response:
        """Ask it past the proxy, as an account of this host can."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers={"Host": API, **headers})


def environment(folder: Path, port: int) -> dict[str, str]:
    """Return what environment.example says of every process, with its folders in this one, and the unit's secrets."""
    first = (DEPLOY / "environment.example").read_text().partition("# /etc/udvej/sealer.environment")[0]
    said = dict(re.findall(r"^([A-Z_]+)=(.*)$", first, re.MULTILINE))
    for place, here in PLACES.items():
        (folder / here).mkdir(mode=0o700, exist_ok=True)
        said = {name: re.sub(rf"{place}(?![\w-])", str(folder / here), value) for name, value in said.items()}
    (folder / "etc" / "policy").write_text(witnesses_policy())
    return {
        **said,
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "UDVEJ_KEYS_DIR": str(the_settings.KEYS_DIR),  # those that the tests' database is sealed with
        "DATABASE_URL": embedded_postgres.locate(the_settings.CLUSTER).url("udvej_app", "test"),
        "UDVEJ_METRICS_TOKEN": TOKEN,
        "UDVEJ_EMAIL_URL": "smtp://udvej:password@mail.example.dk:587?tls=starttls",
    }


def command() -> list[str]:
    """Return what the unit starts, with this environment's programs."""
    (start,) = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    program, *arguments = shlex.split(start)
    assert program == "/opt/udvej/.venv/bin/gunicorn"
    return [sys.executable, "-m", "gunicorn", *arguments]


def calls(group: str) -> set[str]:
    """Return the system calls of one of systemd's groups, and of the groups in it."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    named = [line.strip() for line in done.stdout.splitlines()[1:]]
    named = [name for name in named if name and not name.startswith("#")]
    return {call for name in named for call in (calls(name) if name.startswith("@") else {name})}


def forbidden() -> set[str]:
    """Return the system calls that the unit's filter refuses: its lines, one after the other."""
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.MULTILINE):
        named = {call for group in line.removeprefix("~").split() for call in calls(group)}
        allowed = allowed - named if line.startswith("~") else allowed | named
    return calls("@known") - allowed


def as_the_unit_allows(log: Path) -> list[str]:
    """Return how to start a program so that what the unit forbids is refused and noted; nothing where it can't be."""
    if not (shutil.which("strace") and shutil.which("systemd-analyze")):
        return []
    names = ",".join(f"?{name}" for name in sorted(forbidden()))
    refusing = ["strace", "-D", "-f", "-qqq", "-e", "signal=none", "-e", f"trace={names}"]
    refusing += ["-e", f"inject={names}:error=EPERM", "-o", str(log)]
    return refusing if subprocess.run([*refusing, "true"], check=False, capture_output=True).returncode == 0 else []


@pytest.fixture(scope="module")
def deployed(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    with django_db_blocker.unblock(), without_demo_clients(), served(folder) as running:
        yield running


@contextmanager
def served(folder: Path) -> Iterator[Deployed]:
    """Start the exchange as its unit does, and nginx before it."""
    port, socket, refused = free_port(), folder / "run" / "gunicorn.sock", folder / "refused"
    starting, settings = [*as_the_unit_allows(refused), *command()], environment(folder, port)
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(starting, cwd=BASE_DIR, env=settings, stdout=said, stderr=said)
    (folder / "nginx").mkdir()
    try:
        with nginx(folder / "nginx", upstream=f"unix:{socket}", hosts=(API, WWW)) as proxy:
            for _ in range(300):
                assert process.poll() is None, (folder / "said").read_text()
                if proxy.ask("GET", "/health/live").status == 200:
                    break
                time.sleep(0.1)
            yield Deployed(proxy, port, socket, refused)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def own(tmp_path: Path) -> Certificate:
    return certificate(tmp_path, "client.example")


def token(deployed: Deployed, signer: Signer, holding: Certificate | None, **headers: str) -> Answer:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signer.assertion(aud=f"https://{API}/oauth/token"),
    }
    sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return deployed.proxy.ask("POST", "/oauth/token", holding=holding, body=urlencode(form).encode(), headers=sent)


def asked(
    deployed: Deployed, got: Answer, staff: str, method: str, path: str, *, holding: Certificate | None, **more: Any
) -> Answer:
    sent = {"Authorization": f"Bearer {got.body['access_token']}", "On-Behalf-Of": staff, **more.pop("headers", {})}
    return deployed.proxy.ask(method, f"/api/v1/{path}", holding=holding, headers=sent, **more)


def test_a_referral_goes_from_a_signing_client_with_a_certificate_to_the_centre(
    deployed: Deployed, exchange: Exchange, own: Certificate
) -> None:
    sender, centre = Signer(exchange.municipality), Signer(exchange.centre)
    bound = token(deployed, sender, own)
    assert bound.status == 200, bound
    body = json.dumps(referral_body(exchange.centre)).encode()
    sent = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    caseworker = exchange.municipality.staff["caseworker-1"]
    made = asked(deployed, bound, caseworker, "POST", "referrals", holding=own, body=body, headers=sent)
    assert made.status == 201, made
    assert made.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    got = token(deployed, centre, None)
    coordinator = exchange.centre.staff["coordinator-1"]
    purpose = {"Purpose": "exit_support"}
    read = asked(deployed, got, coordinator, "GET", f"referrals/{made.body['id']}", holding=None, headers=purpose)
    assert (read.status, read.body["sections"]["identity"]["name"]) == (200, "Testperson Prøvesen")


def test_a_stolen_token_is_worth_nothing_without_the_certificates_key(
    deployed: Deployed, exchange: Exchange, own: Certificate
) -> None:
    """The thief has the token and the certificate, which is public: at the proxy, and on the exchange's own host."""
    bound = token(deployed, Signer(exchange.municipality), own)
    staff, said = exchange.municipality.staff["caseworker-1"], quote(own.pem.decode(), safe="")
    claimed = {"X-Client-Certificate": said}
    assert asked(deployed, bound, staff, "GET", "referrals", holding=own).status == 200
    assert asked(deployed, bound, staff, "GET", "referrals", holding=None).status == 401
    assert asked(deployed, bound, staff, "GET", "referrals", holding=None, headers=claimed).status == 401
    past = {
        "Authorization": f"Bearer {bound.body['access_token']}",
        "On-Behalf-Of": staff,
        "X-Forwarded-Proto": "https",
    }
    for more in ({}, claimed):
        assert deployed.here("/api/v1/referrals", **past, **more).status_code == 401


def test_the_socket_is_for_the_exchanges_account_and_its_group(deployed: Deployed) -> None:
    assert stat.S_IMODE(deployed.socket.stat().st_mode) == 0o770


def test_operators_ask_on_the_host_itself_and_nobody_through_the_proxy(deployed: Deployed) -> None:
    assert deployed.here("/health/ready").status_code == 200
    told = deployed.here("/metrics", **{"Authorization": f"Bearer {TOKEN}", "X-Forwarded-Proto": "https"})
    assert told.status_code == 200
    assert "udvej_requests_total" in told.text
    assert deployed.here("/metrics", **{"X-Forwarded-Proto": "https"}).status_code == 404
    held = {"Authorization": f"Bearer {TOKEN}"}
    for host in (API, WWW):
        for path in ("/metrics", "/health/ready"):
            assert deployed.proxy.ask("GET", path, host=host, headers=held).status == 404


def test_people_sign_in_over_the_proxy(deployed: Deployed) -> None:
    page = deployed.proxy.ask("GET", "/admin/login/", host=WWW)
    assert page.status == 200
    assert "Secure" in page.headers["Set-Cookie"]


def test_no_system_call_is_made_that_the_unit_forbids(deployed: Deployed) -> None:
    if not deployed.refused.exists():
        pytest.skip("strace and systemd-analyze, allowed to trace, are needed: apt-get install strace systemd")
    assert "chown" not in forbidden()
    assert {"setuid", "mount", "ptrace"} <= forbidden()
    assert deployed.refused.read_text() == ""
