"""The sandbox answers with the local settings alone: not in production, whatever the environment asks for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from config import local_keys
from config.checks import sandbox_is_here_alone
from config.embedded_postgres import CHECKOUT

pytestmark = pytest.mark.no_database

LOOK = """
import django
django.setup()
from django.core.checks import run_checks
from django.urls import Resolver404, get_resolver, resolve
from django.conf import settings
found = []
for path in ("/sandbox/answers", "/sandbox/referrals", "/sandbox/plays/0198c1de-0000-7000-8000-000000000001"):
    try:
        resolve(path)
        found.append(path)
    except Resolver404:
        pass
print(settings.ROOT_URLCONF, len(found), hasattr(settings, "SANDBOX"))
print([error.id for error in run_checks(tags=["urls"])])
"""

WISHES = {
    "ROOT_URLCONF": "config.demo.urls",
    "UDVEJ_ROOT_URLCONF": "config.demo.urls",
    "DJANGO_ROOT_URLCONF": "config.demo.urls",
    "SANDBOX": "1",
    "UDVEJ_SANDBOX": "1",
    "UDVEJ_DEMO_FILE": "demo.json",
    "UDVEJ_BASE_URL": "http://127.0.0.1:8000",
    "DEBUG": "1",
}


def looked(settings: str, keys: Path, **more: str) -> list[str]:
    production = {
        "DJANGO_SETTINGS_MODULE": settings,
        "UDVEJ_KEYS_DIR": str(keys),
        "UDVEJ_HOSTS": "api.udvej.example",
        "UDVEJ_AUDIENCE": "https://api.udvej.example/",
        "UDVEJ_STATIC_ROOT": str(keys),
        "UDVEJ_LEDGER_ORIGIN": "api.udvej.example/ledger",
        "DATABASE_URL": "postgresql://udvej_app@db.udvej.example/udvej",
    }
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=CHECKOUT,
        env={**os.environ, **production, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    local_keys.ensure(tmp_path)
    return tmp_path


def test_with_production_settings_there_is_no_sandbox(keys: Path) -> None:
    assert looked("config.settings.production", keys) == ["config.urls 0 False", "[]"]


def test_nor_where_the_environment_asks_for_one(keys: Path) -> None:
    assert looked("config.settings.production", keys, **WISHES) == ["config.urls 0 False", "[]"]


def test_with_the_local_settings_there_is(keys: Path) -> None:
    assert looked("config.settings.local", keys) == ["config.demo.urls 3 True", "[]"]


def test_settings_that_would_bring_it_elsewhere_do_not_pass_the_check(keys: Path, tmp_path: Path) -> None:
    """Someone's own settings module, on top of production's or of the local ones."""
    for based_on, line in (("production", 'ROOT_URLCONF = "config.demo.urls"'), ("local", "DEBUG = False")):
        (tmp_path / f"own_{based_on}.py").write_text(f"from config.settings.{based_on} import *\n{line}\n")
        seen = looked(f"own_{based_on}", keys, PYTHONPATH=str(tmp_path))
        assert seen[1] == "['udvej.E002']", based_on


@pytest.mark.parametrize(
    ("hosts", "errors"), [(["127.0.0.1", "localhost"], []), (["api.udvej.example"], ["udvej.E002"])]
)
def test_nor_do_the_local_settings_where_they_answer_to_the_world(hosts: list[str], errors: list[str]) -> None:
    local = {"SETTINGS_MODULE": "config.settings.local", "ROOT_URLCONF": "config.demo.urls", "ALLOWED_HOSTS": hosts}
    with override_settings(**local):
        assert [error.id for error in sandbox_is_here_alone()] == errors


@override_settings(ROOT_URLCONF="config.demo.urls")
def test_and_where_nobody_checks_it_asks_for_a_token_first_and_is_not_what_the_tests_serve() -> None:
    assert [error.id for error in sandbox_is_here_alone()] == ["udvej.E002"]
    assert APIClient().post("/sandbox/answers", {}, format="json").status_code == 401


def test_the_real_exchange_knows_no_such_address() -> None:
    assert APIClient().post("/sandbox/answers", {}, format="json").status_code == 404
