"""After a restore or a lost disk: the memory comes back on the witnesses' word; a loss is stated before going on."""

import json
from pathlib import Path

import psycopg
import pytest
from django.db import connections
from pytest_django import Settings

from audit import sealing
from audit.notes import Checkpoint, Note
from audit.publishing import RolledBack
from config.guards import found as guards_found
from tests.audit.commands import run
from tests.audit.logs import OWNER, SEALER, SUPERUSER, Log
from tests.audit.losing import NEW, begin, begun, cosign, take_away
from tests.audit.running import Running
from tests.audit.test_operating_the_log import grow_old


def remember(log: Log, policy: str, *more: str):
    return run(log, "audit_remember", *more, role=SEALER, policy=policy)


# --- The memory ------------------------------------------------------------------------------------------------------


def test_a_lost_memory_comes_back_on_the_witness_word(witnessed: tuple[Log, Running, str]) -> None:
    log, _, policy = witnessed
    log.memory.file.unlink()
    with pytest.raises(RolledBack, match="the file is lost"):
        log.seal(1)
    said = remember(log, policy)
    assert said.returncode == 0, said.stderr
    assert "Remembered a tree of 300 leaves" in said.stdout
    log.seal(1)
    assert log.check().newest_size == 302, "the one that was refused a signature, and one more"


def test_and_so_does_one_that_is_too_old(witnessed: tuple[Log, Running, str]) -> None:
    log, witness, policy = witnessed
    old = log.memory.file.read_bytes()
    log.seal(20)
    cosign(log, witness)
    log.memory.file.write_bytes(old)
    assert remember(log, policy).returncode == 0
    assert log.memory.read(log.origin).size == 320


def test_without_a_witness_nobody_can_say_that_nothing_is_lost(log: Log) -> None:
    log.seal(5)
    log.memory.file.unlink()
    said = remember(log, "quorum none\n")
    assert said.returncode == 1
    assert "too few of the policy's witnesses answered" in said.stderr
    assert not log.memory.file.exists()


def test_nor_while_the_witness_is_away_unless_its_checkpoint_is_brought(
    witnessed: tuple[Log, Running, str], tmp_path: Path
) -> None:
    log, witness, policy = witnessed
    log.memory.file.unlink()
    away = policy.replace(witness.url, "http://127.0.0.1:9")
    assert remember(log, away).returncode == 1
    brought = tmp_path / "checkpoint"
    note = log.rows("SELECT note FROM audit_checkpoint ORDER BY number DESC LIMIT 1")[0][0]
    brought.write_text(note)
    refused = remember(log, away, "--checkpoint", str(brought))
    assert refused.returncode == 1, "the log's own word is not a witness's"
    line = log.rows("SELECT line FROM audit_cosignature ORDER BY number DESC LIMIT 1")[0][0]
    brought.write_text(f"{note}{line}\n")
    assert remember(log, away, "--checkpoint", str(brought)).returncode == 0


def test_a_database_that_was_put_back_is_betrayed_by_the_witness(witnessed: tuple[Log, Running, str]) -> None:
    log, witness, policy = witnessed
    log.seal(20)
    cosign(log, witness)
    take_away(log, 300)
    log.memory.file.unlink()
    said = remember(log, policy)
    assert said.returncode == 1
    assert "a tree of 320 leaves was signed, and the database holds 300" in said.stderr
    assert not log.memory.file.exists()


def test_and_a_rewritten_one_as_well(witnessed: tuple[Log, Running, str]) -> None:
    log, witness, policy = witnessed
    log.seal(20)
    cosign(log, witness)
    take_away(log, 300)
    log.write(40)
    sealing.seal(sealing.edge_of(log.using), using=log.using)
    log.memory.file.unlink()
    assert "another tree of 320 leaves" in remember(log, policy).stderr


# --- Beginning again -------------------------------------------------------------------------------------------------


def test_a_log_that_lost_leaves_is_ended_and_another_begun_over_what_is_left(
    log: Log, tmp_path: Path, settings: Settings
) -> None:
    log.seal(300)
    old, head = log.signer().key, log.memory.read(log.origin)
    log.seal(20)
    after = log.memory.read(log.origin)
    take_away(log, 300)
    assert "it was rolled back" in run(log, "audit_seal").stderr
    said = begin(log)
    assert said.returncode == 0, said.stderr
    assert "20 that were signed for are gone" in said.stdout

    kept = log.folder / "kept"
    statement = Note.parse((kept / "statement").read_text())
    again = begun(log, tmp_path / "again")
    new = again.signer().key
    assert {checked.key for checked in statement.verified([old, new])} == {old, new}, "both have signed it"
    lines = statement.text.split("\n")
    assert lines[:4] == ["udvej log begun again v1", log.origin, NEW, str(new)]
    assert (lines[4], lines[6]) == ("320", "300")
    assert Checkpoint.parse("\n".join((log.origin, *lines[4:6], ""))).root == after.root
    assert Checkpoint.parse("\n".join((log.origin, *lines[6:8], ""))).root == head.root
    assert [json.loads(line)["size"] for line in (kept / "checkpoints.jsonl").read_text().splitlines()] == [300]

    settings.LEDGER_ORIGIN = NEW
    again.seal(7)
    found = again.check()
    assert found.entries == found.newest_size == 308, "300 that were left, the act itself, and 7 since"
    (detail,) = again.rows("SELECT detail FROM audit_entry WHERE action = 'audit.begin_again'")[0]
    assert (detail["former"], detail["origin"], detail["signed"], detail["left"]) == (log.origin, NEW, "320", "300")
    again.close()


def test_the_database_guards_what_it_guarded_before(log: Log) -> None:
    log.seal(5)
    before = guards_found(connections[log.alias(OWNER)])
    log.seal(5)
    take_away(log, 5)
    assert begin(log).returncode == 0
    assert guards_found(connections[log.alias(OWNER)]) == before
    for table in ("audit_checkpoint", "audit_logkey", "audit_tombstone", "audit_cosignature"):
        with log.session(OWNER) as connection, pytest.raises(psycopg.Error, match="append-only"):
            connection.execute(f"DELETE FROM {table}")


def test_what_was_pruned_stays_accounted_for_under_the_new_name(log: Log, tmp_path: Path, settings: Settings) -> None:
    log.write(10, outcome="refused", refusal="not-found")
    grow_old(log, months=25)
    log.seal(10)
    assert "Pruned 10 entries" in run(log, "audit_prune").stdout
    log.seal()
    size = log.tree.size()
    log.seal(3)
    take_away(log, size)
    assert begin(log).returncode == 0
    again = begun(log, tmp_path / "again")
    settings.LEDGER_ORIGIN = NEW
    again.seal()
    assert dict(again.check().pruned) == {"use-entries": 10}
    again.close()


@pytest.mark.parametrize("lost", [False, True])
def test_nothing_is_ended_that_has_lost_nothing(log: Log, lost: bool) -> None:
    log.seal(10)
    if lost:
        log.memory.file.unlink()
    said = begin(log)
    assert said.returncode == 1
    assert ("too few of the policy's witnesses" if lost else "nothing is known to be lost") in said.stderr
    assert log.check(remembered=not lost).newest_size == 10


def test_nor_under_the_same_name_or_key_or_by_another_than_the_owner(log: Log) -> None:
    log.seal(10)
    log.memory.write(Checkpoint(log.origin, 12, b"x" * 32))
    assert "a name of its own" in begin(log, origin=log.origin).stderr
    assert "a key of its own" in begin(log, "--keys", str(log.folder / "keys")).stderr
    not_owner = run(log, "audit_begin_again", "--origin", NEW, "--keys", str(log.folder / "n"), "--kept", "kept")
    assert "Only the database's owner" in not_owner.stderr
    assert log.rows("SELECT count(*) FROM audit_checkpoint") == [(1,)]


def test_nor_over_what_does_not_verify(log: Log) -> None:
    log.seal(10)
    log.memory.write(Checkpoint(log.origin, 12, b"x" * 32))
    with log.session(SUPERUSER) as connection:
        connection.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        connection.execute("UPDATE audit_entry SET purpose = 'audit'")
    said = begin(log)
    assert said.returncode == 1
    assert "its columns do not say what its bytes say" in said.stderr
    assert log.rows("SELECT count(*) FROM audit_checkpoint") == [(1,)]
