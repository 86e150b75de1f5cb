"""Sealing: every committed entry gets one leaf, in one order, whatever dies in between, and the tree is signed."""

import threading
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise

import psycopg
import pytest
from django.db import DatabaseError, connections
from pytest_django import Settings

from audit import publishing, sealing
from audit.merkle import Edge, check_consistency, check_inclusion
from audit.notes import Checkpoint, Note
from audit.publishing import RolledBack
from audit.sealer import Sealer, configured, run
from tests.audit.key_service import KeyService
from tests.audit.logs import APP, INSERT, OWNER, SEALER, SUPERUSER, Log

LEAVES = "SELECT index, entry_id, leaf_hash FROM audit_leaf ORDER BY index"


def test_every_committed_entry_gets_one_leaf_with_its_hash_and_leaves_the_queue(log: Log) -> None:
    log.seal(600)
    leaves = log.rows(LEAVES)
    assert [index for index, *_ in leaves] == list(range(600))
    assert {(entry, leaf) for _, entry, leaf in leaves} == set(log.rows("SELECT id, leaf_hash FROM audit_entry"))
    assert log.rows("SELECT count(*) FROM audit_pending") == [(0,)]
    assert log.rows("SELECT level, index FROM audit_tile ORDER BY 1, 2") == [(0, 0), (0, 1)]


def test_what_is_signed_is_the_tree_over_the_entries(log: Log) -> None:
    log.seal(300)
    (note,) = log.rows("SELECT note FROM audit_checkpoint ORDER BY number DESC LIMIT 1")[0]
    parsed = Note.parse(note)
    assert [each.key for each in parsed.verified([log.signer().key])] == [log.signer().key]
    edge = Edge()
    edge.append(
        sha256(b"\x00" + bytes(entry)).digest()
        for (entry,) in log.rows("SELECT canonical FROM audit_entry ORDER BY id")
    )
    assert Checkpoint.parse(parsed.text) == Checkpoint(log.origin, 300, edge.root())


def test_the_empty_tree_is_signed_too(log: Log) -> None:
    log.seal()
    (note,) = log.rows("SELECT note FROM audit_checkpoint")[0]
    assert Checkpoint.parse(Note.parse(note).text) == Checkpoint(log.origin, 0, sha256(b"").digest())


def test_each_leaf_is_proved_in_each_checkpoint_that_covers_it(log: Log) -> None:
    heads = []
    for many in (1, 2, 254, 3, 260):
        log.seal(many)
        heads += log.rows("SELECT size, root FROM audit_checkpoint ORDER BY number DESC LIMIT 1")
    leaves = [leaf for *_, leaf in log.rows(LEAVES)]
    tree = log.tree
    for size, root in heads:
        for index in {0, 1, 255, 256, size // 2, size - 1} & set(range(size)):
            check_inclusion(leaves[index], index=index, size=size, path=tree.inclusion(index, size), root=root)
    for (old, old_root), (new, new_root) in pairwise(heads):
        path = tree.consistency(old, new)
        check_consistency(old=old, new=new, path=path, old_root=old_root, new_root=new_root)


def test_a_transaction_that_ends_late_is_sealed_late_and_one_that_rolls_back_never(log: Log) -> None:
    with psycopg.connect(log.url(APP)) as late, psycopg.connect(log.url(APP)) as never:
        values = {"action": "late", "categories": [], "outcome": "done", "refusal": "", "detail": "{}", "many": 1}
        late.execute(INSERT, values)
        never.execute(INSERT, values | {"action": "never"})
        log.seal(3)
        assert log.rows("SELECT count(*) FROM audit_leaf") == [(3,)]
        late.commit()
        never.rollback()
    log.seal()
    assert log.rows("SELECT e.action FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry_id WHERE index = 3") == [
        ("late",)
    ]
    assert log.rows("SELECT count(*) FROM audit_leaf") == [(4,)]
    assert log.check().entries == 4


@pytest.mark.parametrize("statement", ["TAKE", "KEEP", "LEAVE"])
def test_a_sealer_whose_transaction_breaks_off_loses_and_doubles_nothing(
    log: Log, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    log.seal(100)
    log.write(400)
    sealer = log.sealer()
    with monkeypatch.context() as broken:
        broken.setattr(sealing, statement, getattr(sealing, statement) + " AND no_such_column")
        with pytest.raises(DatabaseError):
            sealer.round()
    assert log.rows("SELECT count(*) FROM audit_leaf") == [(100,)]
    while sealer.round():
        pass
    assert log.rows("SELECT count(*) FROM audit_leaf") == [(500,)]
    assert log.check().entries == 500


def test_a_sealer_that_dies_between_remembering_and_storing_signs_the_same_tree_again(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.seal(5)
    log.write(5)
    sealer = log.sealer()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(publishing, "_write", dies)
        with pytest.raises(KeyboardInterrupt):
            sealer.round()
    assert log.memory.read(log.origin).size == 10
    assert log.rows("SELECT max(size) FROM audit_checkpoint") == [(5,)]
    log.seal()
    assert log.rows("SELECT max(size) FROM audit_checkpoint") == [(10,)]
    assert log.check().newest_size == 10


def test_a_sealer_that_dies_before_it_signs_is_followed_by_one_that_does(log: Log) -> None:
    log.seal(5)
    log.write(5)
    sealing.seal(sealing.edge_of(log.using), using=log.using)  # committed, and then nothing
    assert log.rows("SELECT max(size) FROM audit_checkpoint") == [(5,)]
    log.seal()
    assert log.rows("SELECT max(size) FROM audit_checkpoint") == [(10,)]
    assert log.check().entries == 10


def test_one_seals_at_a_time_and_the_next_takes_over_when_it_is_gone(log: Log) -> None:
    other = log.alias("postgres")
    with sealing.alone(log.using), pytest.raises(sealing.AnotherSeals), sealing.alone(other):
        pass

    def free() -> bool:  # the session of the one before may take a moment to end
        try:
            with sealing.alone(other):
                return True
        except sealing.AnotherSeals:
            return False

    _until(free)


def test_two_sealers_at_once_lose_and_double_nothing(log: Log) -> None:
    """Even where the lock were lost: the second one's leaves collide with the first one's, and it reads anew."""
    log.write(50)
    first, second = log.sealer(), log.sealer()
    first.round()
    log.write(50)
    with pytest.raises(DatabaseError):
        second.round()
    second.begin()
    while second.round():
        pass
    assert log.rows("SELECT count(*), count(DISTINCT entry_id) FROM audit_leaf") == [(100, 100)]
    assert log.check().entries == 100


def test_the_sealer_at_work_goes_on_when_its_session_is_ended(log: Log) -> None:
    stop, failures = threading.Event(), []

    def make() -> Sealer:
        return Sealer(origin=log.origin, signer=log.signer(), memory=log.memory, using=log.using)

    def work() -> None:
        try:
            run(make, stop=stop, every=0.01)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)
        finally:
            connections[log.using].close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(3):
            log.write(20)
            with log.session("postgres") as superuser:
                superuser.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE usename = 'udvej_sealer' AND datname = current_database()"
                )
        log.write(20)
        _until(lambda: log.rows("SELECT max(size) FROM audit_checkpoint") == [(80,)])
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert log.check().entries == 80


def test_nothing_is_signed_by_a_key_that_no_hand_over_names(log: Log) -> None:
    log.seal(3)
    log.signers.make()
    with pytest.raises(RolledBack, match="key"):
        log.sealer()


@pytest.mark.parametrize("how", ["lost", "an older one"])
def test_nor_with_a_memory_that_does_not_know_what_was_signed_last(log: Log, how: str) -> None:
    """Whoever brings an older backup and takes the file away would have another past signed."""
    log.seal(3)
    older = log.memory.file.read_bytes()
    log.seal(3)
    if how == "lost":
        log.memory.file.unlink()
    else:
        log.memory.file.write_bytes(older)
    with pytest.raises(RolledBack, match="a checkpoint of 6 was signed since"):
        log.sealer()
    old, new = log.signer(), log.signers.make()
    with pytest.raises(RolledBack, match="a checkpoint of 6 was signed since"):
        publishing.hand_over(old, new, origin=log.origin, memory=log.memory, using=log.using)


def test_a_tree_of_the_size_that_was_signed_and_another_root_is_not_signed(log: Log) -> None:
    sealer = log.seal(3)
    other = Edge()
    other.append([b"x" * 32] * 3)
    with pytest.raises(RolledBack, match="another tree of 3 leaves"):
        publishing.publish(other, origin=log.origin, signer=sealer.signer, memory=log.memory, using=log.using)


def test_nor_with_the_memory_of_another_log(log: Log) -> None:
    log.seal(3)
    with pytest.raises(RolledBack, match=r"other\.example"):
        publishing.check_memory(log.memory, origin="other.example/log", tree=log.tree)


ATTEMPTS = {
    "a gap": "INSERT INTO audit_leaf SELECT 7, entry_id, leaf_hash FROM audit_pending LIMIT 1",
    "a place that is taken": "INSERT INTO audit_leaf SELECT 2, entry_id, leaf_hash FROM audit_pending LIMIT 1",
    "a place before the first": "INSERT INTO audit_leaf SELECT -1, entry_id, leaf_hash FROM audit_pending LIMIT 1",
    "another hash": "INSERT INTO audit_leaf SELECT 3, entry_id, sha256('x') FROM audit_pending LIMIT 1",
    "no entry": "INSERT INTO audit_leaf VALUES (3, gen_random_uuid(), sha256('x'))",
    "twice": "INSERT INTO audit_leaf SELECT 3, entry_id, leaf_hash FROM audit_leaf LIMIT 1",
    "an entry dropped from the queue": "DELETE FROM audit_pending",
    "a queue emptied": "TRUNCATE audit_pending",
    "a queued hash changed": "UPDATE audit_pending SET leaf_hash = sha256('x')",
    "a tile of nothing": "INSERT INTO audit_tile VALUES (0, 0, decode(repeat('00', 8192), 'hex'), sha256('x'))",
    "a tile that is short": "INSERT INTO audit_tile VALUES (0, 0, '', sha256('x'))",
    "a checkpoint over nothing": "INSERT INTO audit_checkpoint (size, root, note) VALUES (99, sha256('x'), '')",
    "a checkpoint that shrinks": "INSERT INTO audit_checkpoint (size, root, note) VALUES (2, sha256('x'), '')",
    "a leaf changed": "UPDATE audit_leaf SET leaf_hash = sha256('x')",
    "a leaf removed": "DELETE FROM audit_leaf",
    "a checkpoint removed": "DELETE FROM audit_checkpoint",
    "an entry removed": "DELETE FROM audit_entry",
    "a removal without a tombstone": "INSERT INTO audit_removed VALUES (0, 1)",
    "a tombstone before its time": (
        "INSERT INTO audit_tombstone (rule, before, count, note) VALUES ('use-entries', now(), 1, '')"
    ),
}


REFUSED = {"23001", "23505", "23514", "42501"}
"""By a trigger, a unique key, a check, or for want of the right."""


@pytest.mark.parametrize("role", [SEALER, OWNER, SUPERUSER])
def test_the_database_refuses_a_sealer_that_lies(log: Log, role: str) -> None:
    log.seal(3)
    log.write(1)
    answers = {}
    with log.session(role, replica=role == SUPERUSER) as connection:
        for name, attempt in ATTEMPTS.items():
            try:
                connection.execute(attempt)
                answers[name] = "let through"
            except psycopg.Error as refusal:
                answers[name] = "refused" if refusal.sqlstate in REFUSED else str(refusal)
    assert answers == dict.fromkeys(ATTEMPTS, "refused")
    log.seal()
    assert log.check().entries == 4


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not come about")


def test_a_key_service_signs_in_the_files_place(log: Log, settings: Settings) -> None:
    settings.LEDGER_SIGNER = "tests.audit.key_service.KeyService"
    settings.LEDGER_ORIGIN, settings.LEDGER_MEMORY = "service.example/ledger", log.memory.file
    sealer = configured(log.using)
    sealer.begin()
    log.write(3)
    sealer.round()
    key = KeyService.keys["service.example/ledger"]
    note = Note.parse(log.rows("SELECT note FROM audit_checkpoint ORDER BY number DESC")[0][0])
    assert [each.key for each in note.verified([key.key])] == [key.key]
    assert key.signed[-1] == note.text.encode()
    assert not (log.folder / "keys").exists()
    assert log.check().newest_size == 3
