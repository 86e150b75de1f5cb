"""What whoever holds the owner's password and the sealer's account can't make of `audit_begin_again`."""

import pytest

from audit import sealing
from audit.notes import Checkpoint, Note, VerifierKey, signed
from audit.witness import WitnessHolds, WitnessRefused
from tests.audit.commands import run
from tests.audit.logs import READER, SUPERUSER, Log
from tests.audit.losing import NEW, begin, begun, cosign, take_away
from tests.audit.running import Running


def stated(log: Log) -> list[str]:
    return Note.parse((log.folder / "kept" / "statement").read_text()).text.split("\n")


def test_a_memory_that_says_too_little_does_not_make_the_loss_smaller(witnessed: tuple[Log, Running, str]) -> None:
    log, witness, policy = witnessed
    log.seal(20)
    cosign(log, witness)
    take_away(log, 300)
    log.memory.write(Checkpoint(log.origin, 301, b"x" * 32))
    said = begin(log, policy=policy)
    assert said.returncode == 0, said.stderr
    assert "20 that were signed for are gone" in said.stdout
    assert (stated(log)[4], stated(log)[6]) == ("320", "300")


def test_what_was_rewritten_does_not_pass_for_a_tail_that_was_lost(witnessed: tuple[Log, Running, str]) -> None:
    log, _, policy = witnessed
    witnessed_root = log.memory.read(log.origin).root
    take_away(log, 0)
    log.memory.file.unlink()
    log.seal(310)
    log.memory.write(Checkpoint(log.origin, 330, b"x" * 32))
    said = begin(log, policy=policy)
    assert said.returncode == 0, said.stderr
    assert "they are another tree than the one of 300 leaves that was signed" in said.stdout
    lines = stated(log)
    assert (lines[4], lines[6]) == ("300", "310"), "more is left than was signed for: nothing was lost but the truth"
    assert Checkpoint.parse("\n".join((log.origin, *lines[4:6], ""))).root == witnessed_root


def test_a_witness_that_remembers_takes_nothing_more_under_the_old_name(witnessed: tuple[Log, Running, str]) -> None:
    log, witness, policy = witnessed
    log.seal(20)
    cosign(log, witness)
    old = log.signer()
    take_away(log, 300)
    assert begin(log, policy=policy).returncode == 0
    log.write(40)
    sealing.seal(sealing.edge_of(log.using), using=log.using)
    client = witness.client()
    for size in (310, 341):
        again = signed(str(Checkpoint(log.origin, size, log.tree.root(size))), by=[old])
        with pytest.raises(WitnessHolds) as refused:
            client.ask(again, old=300, path=log.tree.consistency(300, size))
        assert refused.value.size == 320
    with pytest.raises(WitnessRefused):
        client.ask(again, old=320, path=log.tree.consistency(320, 341))
    client.close()
    assert witness.refused == ["smaller", "unproven"], "both are kept as evidence, signed by the old key"


def test_nothing_is_ended_that_leaves_no_entry(log: Log) -> None:
    log.seal(10)
    log.memory.write(Checkpoint(log.origin, 12, b"x" * 32))
    said = begin(log, role=READER)
    assert said.returncode == 1
    assert "Nothing is begun: the ledger entry could not be written" in said.stderr
    assert log.rows("SELECT count(*) FROM audit_checkpoint") == [(1,)]
    assert log.check(remembered=False).newest_size == 10


def test_nor_in_another_database_than_the_one_of_the_entry(log: Log, log_of_the_run: Log) -> None:
    log.seal(10)
    log.memory.write(Checkpoint(log.origin, 12, b"x" * 32))
    said = begin(log, DATABASE_URL=log_of_the_run.url("udvej_sealer"))
    assert "the owner's database is another one" in said.stderr
    assert log.rows("SELECT count(*) FROM audit_checkpoint") == [(1,)]


def test_no_log_takes_the_name_of_one_that_was_ended(log: Log) -> None:
    first = log.origin
    log.seal(10)
    log.memory.write(Checkpoint(first, 12, b"x" * 32))
    assert begin(log).returncode == 0
    again = begun(log, log.folder / "again")
    again.seal()
    again.memory.write(Checkpoint(NEW, 12, b"x" * 32))
    assert "a name of its own" in begin(again, origin=first).stderr
    assert again.rows("SELECT count(*) FROM audit_checkpoint") == [(1,)]
    again.close()


def test_the_key_that_signed_last_signs_the_statement_though_the_database_does_not_know_it(log: Log) -> None:
    log.seal(10)
    assert run(log, "audit_key", "--rotate").returncode == 0
    log.seal(5)
    last = log.signer().key
    take_away(log, 10)
    with log.session(SUPERUSER) as connection:
        connection.execute("ALTER TABLE audit_logkey DISABLE TRIGGER USER")
        connection.execute("DELETE FROM audit_logkey WHERE number = 2")
        connection.execute("ALTER TABLE audit_logkey ENABLE ALWAYS TRIGGER audit_logkey_append_only")
        connection.execute("ALTER TABLE audit_logkey ENABLE ALWAYS TRIGGER audit_logkey_stamp")
    assert "a key of its own" in begin(log, "--keys", str(log.folder / "keys")).stderr
    assert begin(log).returncode == 0
    statement = Note.parse((log.folder / "kept" / "statement").read_text())
    both = {last, VerifierKey.parse(stated(log)[3])}
    assert {checked.key for checked in statement.verified(list(both))} == both
