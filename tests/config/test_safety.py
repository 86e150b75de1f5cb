"""Production does not start when it is unsafe, and says what is wrong and what would be right."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as the_settings
from django.core.checks import run_checks
from pytest_django import Settings

from agencies.models import Client
from config import embedded_postgres, local_keys, safety
from config.env import BASE_DIR, database
from tests.config.production import without_demo_clients, witnesses_policy
from tests.exchange import Exchange

SAFE = "config.settings.production"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("udvej.E101", {"PRODUCTION": False}, "These are not the production settings."),
    ("udvej.E102", {"DEBUG": True}, "DEBUG is on"),
    ("udvej.E103", {"RATE_LIMIT_PER_MINUTE": 0}, "UDVEJ_RATE_LIMIT_PER_MINUTE is 0"),
    ("udvej.E104", {"LEDGER_ORIGIN": "udvej.example/ledger"}, "a name for trials"),
    ("udvej.E105", {"ALLOWED_HOSTS": ["*"]}, "the wildcard '*'"),
    ("udvej.E105", {"ALLOWED_HOSTS": ["api.example.dk", ".example.dk"]}, "the wildcard '.example.dk'"),
    ("udvej.E106", {"ALLOWED_HOSTS": []}, "names no host"),
    ("udvej.E107", {"API_AUDIENCE": "http://api.example.dk/"}, "no https address"),
    ("udvej.E107", {"API_AUDIENCE": "api.example.dk"}, "no https address"),
    ("udvej.E117", {"METRICS_OPEN": True}, "answers to anybody"),
    ("udvej.E118", {"METRICS_TOKEN": "secret"}, "fewer than 32 characters"),
    ("udvej.E119", {"ATTACHMENTS_UNSCANNED": "keep"}, "'keep'"),
    ("udvej.W120", {"ATTACHMENTS_UNSCANNED": "serve"}, "no scanner has looked at"),
    ("udvej.W121", {"CLAMAV": "tcp:10.0.0.7:3310"}, "in the clear"),
    ("udvej.E122", {"LEDGER_POLICY": "/nowhere/policy"}, "can't be read"),
    ("udvej.W123", {"LEDGER_POLICY": ""}, "No witness watches"),
    ("udvej.E128", {"CLIENT_SECRETS": "sometimes"}, "'sometimes'"),
    ("udvej.W129", {"CLIENT_SECRETS": "accept"}, "a secret that travels"),
    ("udvej.E130", {"WEBHOOKS_INSIDE": True}, "to this machine itself"),
    ("udvej.W131", {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, "only written out"),
    ("udvej.E132", {"EMAIL_USE_TLS": False}, "in the clear"),
    ("udvej.W134", {"DUTY_SIGN_IN": "http://127.0.0.1:8000"}, "the place to sign in"),
    ("udvej.E133", {"CLIENT_CERTIFICATE_HEADER": "X-Client-Certificate"}, "no proxy is believed"),
]


@pytest.fixture(autouse=True)
def _without_demo_clients(django_db_setup: None) -> Iterator[None]:
    with without_demo_clients():
        yield


@pytest.fixture
def safe(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings in which nothing is found to be unsafe; each test spoils one thing."""
    keys, policy = tmp_path / "keys", tmp_path / "policy"
    local_keys.ensure(keys)
    policy.write_text(witnesses_policy())
    settings.PRODUCTION, settings.ALLOWED_HOSTS = True, ["api.example.dk"]
    settings.API_AUDIENCE, settings.LEDGER_ORIGIN = "https://api.example.dk/", "api.example.dk/ledger"
    settings.KEYS_DIR, settings.LEDGER_KEYS_DIR = keys, tmp_path / "elsewhere"
    settings.LEDGER_POLICY, settings.RATE_LIMIT_PER_MINUTE = str(policy), 1200
    settings.CLIENT_SECRETS, settings.EMAIL_BACKEND = "refuse", "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = "mail.example.dk", True, False
    settings.DUTY_SIGN_IN = "https://api.example.dk"
    for name in ("OWNER_DATABASE_URL", "SEALER_DATABASE_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    return settings


def found() -> dict[str, str]:
    """Return what our own checks find, by their ids."""
    return {str(each.id): f"{each.msg} {each.hint}" for each in safety.served_safely()}


def test_what_is_safe_is_left_alone(safe: Settings) -> None:
    assert found() == {}


@pytest.mark.parametrize(("number", "spoilt", "said"), REFUSED, ids=[f"{n}-{k}" for n, v, _ in REFUSED for k in v])
def test_each_unsafe_setting_is_named(safe: Settings, number: str, spoilt: dict[str, Any], said: str) -> None:
    for name, value in spoilt.items():
        setattr(safe, name, value)
    assert list(found()) == [number]
    assert said in found()[number]


def test_the_page_of_operations_names_each_of_them_and_no_other() -> None:
    source = "".join((BASE_DIR / "config" / f"{room}.py").read_text() for room in ("safety", "checks"))
    there = {*re.findall(r'id="udvej\.[EW](\d{3})"', source), *re.findall(r"_(?:error|warning)\(\s*(\d{3}),", source)}
    page = (BASE_DIR / "docs" / "operations.md").read_text()
    said = re.findall(r"\b[EW](\d{3})(?:-[EW](\d{3}))?\b", page)
    named = [f"{number:03}" for first, last in said for number in range(int(first), int(last or first) + 1)]
    assert sorted(named) == sorted(there)


@pytest.mark.parametrize("name", ["OWNER_DATABASE_URL", "SEALER_DATABASE_URL"])
def test_the_server_may_not_know_how_to_become_owner_or_sealer(
    safe: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, "postgresql://udvej_owner@/udvej")
    assert list(found()) == ["udvej.E108"]
    monkeypatch.delenv(name)
    (tmp_path / name).write_text("postgresql://udvej_owner@/udvej\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert list(found()) == ["udvej.E108"], "a credential counts as well"


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("postgresql://udvej_app@db.example.dk/udvej?sslmode=verify-full", None),
        ("postgresql://udvej_app@127.0.0.1/udvej", None),
        ("postgresql://udvej_app@db.example.dk/udvej", "udvej.E110"),
        ("postgresql://udvej_app@db.example.dk/udvej?sslmode=prefer", "udvej.E110"),
        ("postgresql://udvej_owner@127.0.0.1/udvej", "udvej.E109"),
        ("postgresql://postgres@127.0.0.1/udvej", "udvej.E109"),
    ],
)
def test_the_database_is_reached_as_the_serving_role_and_over_tls(url: str, number: str | None) -> None:
    assert [each.id for each in safety._connection(database(url))] == ([number] if number else [])


def _open_folder(keys: Path) -> None:
    keys.chmod(0o750)


def _open_key(keys: Path) -> None:
    (keys / "receipts.pem").chmod(0o644)


def _lose(keys: Path) -> None:
    (keys / "keyed-hash").unlink()


def _lose_all_keks(keys: Path) -> None:
    (keys / "vault-kek-1").unlink()


def _weaken(keys: Path) -> None:
    (keys / "django-secret").write_text("00" * 32)


def _shorten(keys: Path) -> None:
    (keys / "keyed-hash").write_text("a1b2c3")


def _remove(keys: Path) -> None:
    shutil.rmtree(keys)


@pytest.mark.parametrize(
    ("spoil", "number"),
    [
        (_remove, "udvej.E111"),
        (_open_folder, "udvej.E112"),
        (_open_key, "udvej.E113"),
        (_lose, "udvej.E114"),
        (_lose_all_keks, "udvej.E114"),
        (_weaken, "udvej.E115"),
        (_shorten, "udvej.E115"),
    ],
)
def test_keys_are_there_are_strong_and_are_nobody_elses(
    safe: Settings, spoil: Callable[[Path], None], number: str
) -> None:
    spoil(safe.KEYS_DIR)
    assert list(found()) == [number]


def test_keys_of_another_account_are_not_ours(safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert set(found()) == {"udvej.E112", "udvej.E113"}


def test_the_server_may_not_read_the_logs_key(safe: Settings, tmp_path: Path) -> None:
    safe.LEDGER_KEYS_DIR = tmp_path / "log"
    safe.LEDGER_KEYS_DIR.mkdir()
    (safe.LEDGER_KEYS_DIR / "log-1.pem").write_text("key")
    assert list(found()) == ["udvej.E116"]


def test_traces_leave_the_host_under_tls(safe: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert found() == {}
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example.dk:4318")
    assert list(found()) == ["udvej.W124"]


@pytest.mark.parametrize(
    ("role", "number"), [("udvej_app", None), ("udvej_owner", "udvej.E126"), ("postgres", "udvej.E126")]
)
def test_the_database_itself_says_as_whom_we_are_let_in(role: str, number: str | None) -> None:
    from django.db import connections

    alias = f"safety-{role}"
    url = embedded_postgres.locate(the_settings.CLUSTER).url(role, "test")
    connections.databases[alias] = connections.configure_settings(
        {"default": the_settings.DATABASES["default"], alias: database(url)}
    )[alias]
    try:
        assert [each.id for each in safety._database(alias)] == ([number] if number else [])
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]


def test_demo_clients_are_not_served_in_production(exchange: Exchange) -> None:
    assert safety.connected_safely(databases=["default"]) == []
    client = Client.objects.get(client_id=exchange.municipality.client_id)
    Client.objects.filter(pk=client.pk).update(client_id=f"demo-{client.client_id}")
    try:
        assert [each.id for each in safety.connected_safely(databases=["default"])] == ["udvej.E127"]
    finally:
        Client.objects.filter(pk=client.pk).update(client_id=client.client_id)


def test_none_of_it_is_asked_where_nobody_asks_for_deployment() -> None:
    assert not [each for each in run_checks() if str(each.id).startswith("udvej.")]


# --- With a real environment ------------------------------------------------------------------------------------------


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a production server's unit gives it, on the tests' database."""
    keys, policy = tmp_path / "keys", tmp_path / "policy"
    local_keys.ensure(keys)
    policy.write_text(witnesses_policy())
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": SAFE,
        "DATABASE_URL": embedded_postgres.locate(the_settings.CLUSTER).url("udvej_app", "test"),
        "UDVEJ_KEYS_DIR": str(keys),
        "UDVEJ_HOSTS": "api.example.dk",
        "UDVEJ_AUDIENCE": "https://api.example.dk/",
        "UDVEJ_STATIC_ROOT": str(tmp_path / "static"),
        "UDVEJ_LEDGER_ORIGIN": "api.example.dk/ledger",
        "UDVEJ_LEDGER_KEYS_DIR": str(tmp_path / "elsewhere"),
        "UDVEJ_LEDGER_POLICY": str(policy),
        "UDVEJ_METRICS_TOKEN": "f" * 64,
        "UDVEJ_EMAIL_URL": "smtp://udvej:password@mail.example.dk:587?tls=starttls",
        "UDVEJ_BASE_URL": "https://api.example.dk",
        "UDVEJ_WORKERS": "1",
    }


def manage(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        check=False,
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


CHECK = ("manage.py", "check", "--deploy", "--database", "default", "--fail-level", "WARNING")


def test_production_settings_pass_djangos_deployment_checks_and_ours(environment: dict[str, str]) -> None:
    done = manage(environment, *CHECK)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_a_secret_may_come_as_a_credential(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    for name in ("DATABASE_URL", "UDVEJ_METRICS_TOKEN"):
        (tmp_path / "credentials" / name).write_text(environment.pop(name) + "\n")
    assert manage(environment, *CHECK).returncode != 0
    assert manage(environment | {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}, *CHECK).returncode == 0


def test_what_production_needs_is_named_all_at_once(environment: dict[str, str]) -> None:
    del environment["UDVEJ_HOSTS"], environment["DATABASE_URL"], environment["UDVEJ_LEDGER_ORIGIN"]
    said = manage(environment, *CHECK).stderr
    assert "Production does not start without these:" in said
    for name in ("UDVEJ_HOSTS", "DATABASE_URL", "UDVEJ_LEDGER_ORIGIN"):
        assert f"{name} is not set. It has to be" in said
    assert "UDVEJ_AUDIENCE is not set" not in said


def gunicorn(environment: dict[str, str], *more: str) -> list[str]:
    return [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", *more, "config.wsgi"]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"UDVEJ_HOSTS": "*"}, "UDVEJ_HOSTS holds the wildcard"),
        ({"UDVEJ_AUDIENCE": "http://api.example.dk/"}, "no https address"),
        ({"OWNER_DATABASE_URL": "postgresql://udvej_owner@/udvej"}, "OWNER_DATABASE_URL is set"),
        ({"UDVEJ_RATE_LIMIT_PER_MINUTE": "0"}, "no client could send anything"),
        ({"UDVEJ_RATE_LIMIT_PER_MINUTE": "many"}, "has to be a whole number"),
        ({"DJANGO_SETTINGS_MODULE": ""}, "DJANGO_SETTINGS_MODULE is not set"),
        ({"DJANGO_SETTINGS_MODULE": "config.settings.local", "UDVEJ_BIND": "0.0.0.0"}, "These settings are for trials"),
    ],
)
def test_gunicorn_does_not_start_on_what_is_unsafe(
    environment: dict[str, str], port: int, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    refused = manage(environment | {"PORT": str(port), "TMPDIR": str(tmp_path)} | changed, *gunicorn(environment)[1:])
    assert refused.returncode != 0
    assert said in refused.stderr
    assert not list(tmp_path.glob("udvej-metrics-*")), "nothing is left behind"


def test_gunicorn_starts_on_what_is_safe_and_says_what_is_doubtful(
    environment: dict[str, str], port: int, tmp_path: Path
) -> None:
    del environment["UDVEJ_LEDGER_POLICY"]
    log = tmp_path / "said"
    with log.open("wb") as said:
        process = subprocess.Popen(
            gunicorn(environment), cwd=BASE_DIR, env=environment | {"PORT": str(port)}, stdout=said, stderr=said
        )
    try:
        for _ in range(300):
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/health/live", headers={"Host": "api.example.dk"})
                break
            except httpx.TransportError:
                time.sleep(0.1)
        assert answer.status_code == 200
        plain = httpx.get(f"http://127.0.0.1:{port}/api/v1/referrals", headers={"Host": "api.example.dk"})
        assert plain.status_code == 301, "over plain HTTP nothing is answered"
    finally:
        process.terminate()
        process.wait(30)
    assert "No witness watches the log" in log.read_text()
