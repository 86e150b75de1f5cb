"""Copies that can be restored, by whom they were made for, into nothing but an empty place."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from config import backup, embedded_postgres, guards, local_keys, postgres_host
from config.backup import BackupError
from config.env import BASE_DIR
from consent import vault
from consent.models import Subject
from tests.audit.logs import Log
from tests.exchange import Exchange


@pytest.fixture
def programs() -> str:
    cluster = embedded_postgres.locate(settings.CLUSTER)
    return f"{postgres_host.find_host(cluster.data).programs}/"


@pytest.fixture
def empty() -> Iterator[str]:
    """An empty database, prepared by config/roles.sql alone."""
    cluster, name = embedded_postgres.locate(settings.CLUSTER), f"restored_{uuid4().hex[:8]}"
    embedded_postgres.create_database(cluster, name)
    yield name
    embedded_postgres.drop_database(cluster, name)


def url(name: str, role: str = "udvej_owner") -> str:
    return embedded_postgres.locate(settings.CLUSTER).url(role, name)


def test_a_restored_ledger_verifies_and_is_guarded_as_committed(
    log: Log, empty: str, programs: str, tmp_path: Path
) -> None:
    log.seal(300)
    log.write(7)
    made = backup.database(tmp_path / "copy", url=url(log.name), programs=programs)
    assert (made.size, made.sealed) == (300, 300)
    assert oct((tmp_path / "copy").stat().st_mode)[-3:] == "600"
    log.seal(20)
    backup.restore(tmp_path / "copy", url=url(empty), programs=programs)
    restored = Log(name=empty, folder=log.folder)
    found = restored.check(remembered=False)
    assert (found.entries, found.unsealed, found.newest_size) == (300, 7, 300)
    assert guards.missing(connections[restored.alias("udvej_app")]) == []
    with restored.session("udvej_app") as connection, pytest.raises(psycopg.Error, match="permission denied"):
        connection.execute("DELETE FROM audit_entry")
    with restored.session("udvej_owner") as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute("DELETE FROM audit_entry")
    restored.close()


def test_a_list_with_another_member_is_not_the_same_constraint() -> None:
    dumped = "(ARRAY[('a'::character varying)::text, ('it''s, [b]'::character varying)::text])"
    assert guards.as_migrated(dumped) == "((ARRAY['a'::character varying, 'it''s, [b]'::character varying])::text[])"
    assert guards.as_migrated(dumped.replace("'a'", "'c'")) != guards.as_migrated(dumped)
    for other in ("(ARRAY[(lower('a'))::text])", "(ARRAY['a'::text, 'b'::text])", "CHECK ((a > 0))"):
        assert guards.as_migrated(other) == other


def test_nothing_is_restored_over_what_is_there_or_from_what_was_changed(
    log: Log, empty: str, programs: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    backup.database(copy, url=url(log.name), programs=programs)
    with pytest.raises(BackupError, match="not empty"):
        backup.restore(copy, url=url(log.name), programs=programs)
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    with pytest.raises(BackupError, match="not the file that was made"):
        backup.restore(copy, url=url(empty), programs=programs)
    with psycopg.connect(url(empty)) as connection:
        assert connection.execute(backup.TABLES).fetchone() == (0,)


def test_the_password_stands_in_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        seen.update(command=command, env=options["env"])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    backup._run(["pg_dump"], "postgresql://udvej_owner:secret@db.example.dk/udvej?sslmode=verify-full")
    assert "secret" not in str(seen["command"])
    said = seen["env"]
    assert isinstance(said, dict)
    assert (said["PGPASSWORD"], said["PGHOST"], said["PGSSLMODE"]) == ("secret", "db.example.dk", "verify-full")


def test_the_keys_are_copied_without_the_logs_and_put_back_where_nothing_is(tmp_path: Path) -> None:
    keys, back = tmp_path / "keys", tmp_path / "back"
    local_keys.ensure(keys)
    (keys / "log").mkdir()
    (keys / "log" / "log-1.pem").write_text("the log's")
    (keys / "subjects" / "ab").mkdir(parents=True)
    (keys / "subjects" / "ab" / str(uuid4())).write_text("{}")
    assert backup.keys(tmp_path / "copy", folder=keys) == 5
    assert oct((tmp_path / "copy").stat().st_mode)[-3:] == "600"
    assert backup.put_back(tmp_path / "copy", folder=back) == 5
    assert not (back / "log").exists()
    for file in (each for each in back.rglob("*") if each.is_file()):
        assert file.read_bytes() == (keys / file.relative_to(back)).read_bytes()
        assert oct(file.stat().st_mode)[-3:] == "600"
    with pytest.raises(BackupError, match="is there already"):
        backup.put_back(tmp_path / "copy", folder=back)


def test_the_command_says_what_it_needs(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "config.backup", "database", str(tmp_path / "copy")],
        cwd=BASE_DIR,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Set OWNER_DATABASE_URL" in done.stderr) == (1, True)


# --- What a restore has to be held against ----------------------------------------------------------------------------


def test_a_key_that_came_back_from_an_older_copy_is_destroyed_again(exchange: Exchange, capsys) -> None:
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    person = Subject.objects.filter(registered_by=exchange.municipality.agency).get()
    file = settings.KEYS.folder / "subjects" / person.pk.hex[-2:] / str(person.pk)
    older = file.read_bytes()
    exchange.municipality.agency.memberships.update(active=True)
    staff = exchange.municipality.as_("coordinator").staff_id
    call_command("erase_subject", str(person.pk), rule="MUNICIPAL_DISPOSAL", approved_by=staff)
    file.write_bytes(older)
    call_command("reconcile_keys")
    assert f"  {person.pk}\n" in capsys.readouterr().out
    assert file.exists()
    call_command("reconcile_keys", destroy=True)
    assert not file.exists()


def test_a_person_without_a_key_is_named(exchange: Exchange, capsys) -> None:
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    person = Subject.objects.filter(registered_by=exchange.municipality.agency).get()
    vault.destroy_key(person.pk)
    call_command("reconcile_keys")
    assert f"  {person.pk}\n" in capsys.readouterr().out


def test_receipts_of_what_is_lost_are_named_and_others_are_not(exchange: Exchange, tmp_path: Path, capsys) -> None:
    from django.utils import timezone

    from audit import receipts
    from audit.facts import Receipt

    held = exchange.municipality.as_("caseworker").get("referrals?role=sent").headers["Receipt"]
    lost = Receipt(entry=uuid4(), at=timezone.now(), leaf_hash=b"l" * 32)
    file = tmp_path / "receipts"
    file.write_text(f"{held}\n")
    call_command("check_receipts", str(file))
    assert "1 receipts: 0 of entries" in capsys.readouterr().out
    file.write_text(f"{held}\n{receipts.signed(lost)}\n\nnot.a.receipt\n{held[:-6]}AAAAAA\n")
    with pytest.raises(CommandError, match="is lost"):
        call_command("check_receipts", str(file))
    said = capsys.readouterr().out
    assert f"{lost.entry}\n" in said
    assert "2 receipts: 1 of entries that the ledger does not have; 2 lines are no receipts of ours" in said
