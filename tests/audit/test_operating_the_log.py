"""What operators do with the log: seal, verify, prune, hand over the key, have it witnessed; each by its command."""

import threading
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.utils import timezone
from pytest_django import Settings

from audit import bundles, checkpoints, cosigning, publishing, verification
from audit.models import Cosignature
from audit.notes import Checkpoint, Note
from audit.verification import Diverged, Trust
from tests.audit.commands import run, sealing
from tests.audit.forgers import triggers_off
from tests.audit.logs import OWNER, SEALER, SUPERUSER, Log
from tests.audit.running import witness_running

ROWS = "SELECT count(*) FROM audit_entry"


def until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not come about")


# --- Sealing, by its own process -------------------------------------------------------------------------------------


def test_the_sealer_seals_by_itself_and_goes_on_after_being_killed(log: Log) -> None:
    with sealing(log) as first:
        log.write(10)
        until(lambda: log.rows("SELECT max(size) FROM audit_checkpoint") == [(10,)])
        first.kill()
        first.wait()
    log.write(10)
    with sealing(log):
        until(lambda: log.rows("SELECT max(size) FROM audit_checkpoint") == [(20,)])
    assert log.check().entries == 20


def test_a_second_sealer_waits_until_the_first_is_gone(log: Log) -> None:
    with sealing(log), sealing(log) as second:
        log.write(5)
        until(lambda: log.rows("SELECT max(size) FROM audit_checkpoint") == [(5,)])
        assert second.poll() is None
    assert log.rows("SELECT count(*) FROM audit_leaf") == [(5,)]


def test_a_sealer_that_finds_another_tree_than_it_signed_ends_and_says_so(log: Log) -> None:
    log.seal(5)
    log.memory.write(Checkpoint(log.origin, 9, b"x" * 32))
    ended = run(log, "audit_seal")
    assert ended.returncode == 1
    assert "a tree of 9 leaves was signed, and the database holds 5: it was rolled back" in ended.stderr


# --- Verifying ------------------------------------------------------------------------------------------------------


def test_the_command_verifies_the_live_log_and_says_what_it_found(log: Log) -> None:
    log.seal(300)
    log.write(2)
    said = run(log, "audit_verify", role="udvej_reader")
    assert (said.returncode, said.stdout) == (
        0,
        "Verified: 300 entries, 2 of them not sealed yet, 1 checkpoints up to size 300, 0 cosignatures.\n",
    )


def test_and_names_the_first_divergence(log: Log) -> None:
    log.seal(30)
    with triggers_off(log) as connection:
        connection.execute("UPDATE audit_entry SET role = 'x' FROM audit_leaf l WHERE id = l.entry_id AND l.index > 7")
    said = run(log, "audit_verify", role="udvej_reader")
    assert said.returncode == 1
    assert "DIVERGED. The first divergence: entry 8 (id " in said.stderr


# --- Pruning --------------------------------------------------------------------------------------------------------


def grow_old(log: Log, *, months: int) -> None:
    """Let what is written so far be some months old: as if the log had been kept that long."""
    with triggers_off(log) as connection:
        connection.execute(f"UPDATE audit_entry SET at = at - interval '{months} months'")
        connection.execute("UPDATE audit_entry e SET canonical = audit_canonical(e)")
        connection.execute("UPDATE audit_entry SET leaf_hash = sha256('\\x00'::bytea || canonical)")
        connection.execute(
            "UPDATE audit_pending p SET leaf_hash = e.leaf_hash FROM audit_entry e WHERE e.id = p.entry_id"
        )


@pytest.fixture
def aged(log: Log) -> Log:
    """A log of which 40 entries are older than two years, 20 of them use entries, and 10 are new."""
    log.write(10, outcome="refused", refusal="not-found")
    log.write(10, detail={"version": "1", "side": "recipient"})
    log.write(10, detail={"version": "1", "side": "sender"})
    log.write(10, action="referral.submit")
    grow_old(log, months=25)
    log.seal()
    log.seal(10)
    return log


def test_what_a_rule_lets_go_is_pruned_under_a_signed_tombstone_and_the_log_still_verifies(aged: Log) -> None:
    said = run(aged, "audit_prune")
    assert (said.returncode, said.stdout.split(",")[0]) == (0, "Pruned 20 entries by rule use-entries")
    aged.seal()
    found = aged.check()
    assert found.pruned == {"use-entries": 20}
    assert aged.rows(ROWS + " WHERE outcome = 'refused' OR detail ->> 'side' = 'sender'") == [(0,)]
    assert aged.rows("SELECT count(*) FROM audit_leaf WHERE index < 50") == [(50,)]
    (note,) = aged.rows("SELECT note FROM audit_tombstone")[0]
    assert Note.parse(note).verified([aged.signer().key])
    assert Note.parse(note).text.split("\n")[2:5:2] == ["use-entries", "20"]


def test_the_pruning_is_itself_an_entry(aged: Log) -> None:
    run(aged, "audit_prune")
    said = aged.rows("SELECT detail, db_user FROM audit_entry WHERE action = 'audit.prune' ORDER BY id")
    assert [(detail["rule"], detail["count"], user) for detail, user in said] == [
        ("use-entries", "20", SEALER),
        ("use-entries", "0", SEALER),
    ]


def test_a_whole_bundle_says_pruned_by_rule_and_never_missing(aged: Log) -> None:
    run(aged, "audit_prune")
    aged.seal()
    head = checkpoints.newest(using=aged.using)
    assert head
    file = BytesIO()
    bundles.write_whole(file, head=head, made_at=head.at, using=aged.using)
    report = verification.verify_bundle(file, Trust(logs=(str(aged.signer().key),)))
    assert report.pruned == {"use-entries": 20}
    assert "20 entries were pruned by rule use-entries" in verification.words(report)


class PruningBeside(BytesIO):
    """A file for a bundle during whose writing a pruning goes on."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log: Log | None = log

    def write(self, written: Any) -> int:
        if self.log and b'"action"' in bytes(written):  # the first entries are read, and others still to be
            log, self.log = self.log, None
            assert run(log, "audit_prune").returncode == 0
        return super().write(written)


def test_a_whole_bundle_is_of_one_instant_whatever_is_pruned_meanwhile(
    aged: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "BATCH", 5)
    head = checkpoints.newest(using=aged.using)
    assert head
    file = PruningBeside(aged)
    bundles.write_whole(file, head=head, made_at=head.at, using=aged.using)
    assert aged.rows("SELECT count(*) FROM audit_tombstone") == [(1,)]
    report = verification.verify_bundle(file, Trust(logs=(str(aged.signer().key),)))
    assert (report.entries, report.pruned) == (50, {})


@pytest.mark.parametrize("what", ["messages", "break_glass"])
def test_a_look_of_the_sender_at_more_than_its_own_content_is_kept(log: Log, what: str) -> None:
    log.write(3, detail={"version": "1", "side": "sender", what: "yes"})
    grow_old(log, months=25)
    log.seal()
    assert "Pruned 0 entries" in run(log, "audit_prune").stdout


def test_nothing_is_pruned_before_its_time(log: Log) -> None:
    log.write(10, outcome="refused", refusal="not-found")
    grow_old(log, months=23)
    log.seal()
    assert "Pruned 0 entries" in run(log, "audit_prune").stdout
    assert "Pruned 10 entries" in run(log, "audit_prune", "--months", "22").stdout


def test_nor_ever_before_six_months(log: Log) -> None:
    log.write(1, outcome="refused", refusal="not-found")
    grow_old(log, months=4)
    log.seal()
    said = run(log, "audit_prune", "--months", "3")
    assert said.returncode == 1
    assert "Nothing is pruned before 6 months are over." in said.stderr


def test_nothing_is_pruned_under_a_key_that_is_not_the_logs(aged: Log) -> None:
    """Such a tombstone would excuse nothing, and what is gone can't be pruned again under a better one."""
    before = aged.rows(ROWS)
    aged.signers.make()  # and not handed over to
    said = run(aged, "audit_prune")
    assert (said.returncode, aged.rows(ROWS), aged.rows("SELECT count(*) FROM audit_tombstone")) == (1, before, [(0,)])
    assert "no hand-over names the key that would sign" in said.stderr


def test_a_key_is_not_handed_over_while_something_is_signed_with_it(aged: Log) -> None:
    ended: list[int] = []
    rotating = threading.Thread(target=lambda: ended.append(run(aged, "audit_key", "--rotate").returncode))
    with psycopg.connect(aged.url(SEALER)) as pruning:
        pruning.execute("SELECT pg_advisory_xact_lock(%s)", [publishing.KEY_LOCK])
        rotating.start()
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        until(lambda: aged.rows(waits) != [(0,)])
        assert aged.rows("SELECT count(*) FROM audit_logkey") == [(1,)]
    rotating.join()
    assert (ended, aged.rows("SELECT count(*) FROM audit_logkey")) == ([0], [(2,)])


TOMBSTONE = "INSERT INTO audit_tombstone (rule, before, count, note) VALUES (%s, %s, 1, '')"
GRAVE = (
    "INSERT INTO audit_removed SELECT l.index, (SELECT max(number) FROM audit_tombstone) FROM audit_leaf l "
    "JOIN audit_entry e ON e.id = l.entry_id WHERE {} LIMIT 1"
)

BEYOND_THE_RULE = {
    "a disclosure": ("use-entries", "e.detail ->> 'side' = 'recipient'"),
    "an act": ("use-entries", "e.action = 'referral.submit'"),
    "a use entry by a rule that is none": ("whatever", "e.outcome = 'refused'"),
    "a use entry that is new": ("use-entries", "l.index >= 40"),
}


@pytest.mark.parametrize("what", BEYOND_THE_RULE)
@pytest.mark.parametrize("role", [SEALER, OWNER, SUPERUSER])
def test_the_database_lets_nothing_go_beyond_the_rule(aged: Log, role: str, what: str) -> None:
    rule, which = BEYOND_THE_RULE[what]
    with psycopg.connect(aged.url(role)) as connection:
        connection.execute(TOMBSTONE, [rule, timezone.now() - timedelta(days=200)])
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(GRAVE.format(which))
        connection.rollback()
    assert refused.value.sqlstate == "23001"


def test_nor_does_an_old_tombstone_let_more_go(aged: Log) -> None:
    run(aged, "audit_prune")
    with aged.session(SEALER) as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute("DELETE FROM audit_entry WHERE outcome = 'refused'")


def test_a_tombstone_says_seven_lines(aged: Log) -> None:
    run(aged, "audit_prune")
    (note,) = aged.rows("SELECT note FROM audit_tombstone")[0]
    text = Note.parse(note).text
    lines = text.split("\n")
    assert (lines[0], lines[1], lines[2], lines[4], len(lines)) == (
        "udvej tombstone v1",
        aged.origin,
        "use-entries",
        "20",
        8,
    )
    before, at = datetime.fromisoformat(lines[3]), datetime.fromisoformat(lines[6])
    assert timedelta(days=732) < at - before < timedelta(days=735)
    gone = aged.rows("SELECT l.index, l.leaf_hash FROM audit_leaf l JOIN audit_removed r USING (index) ORDER BY 1")
    over = sha256(b"".join(index.to_bytes(8, "big") + bytes(leaf) for index, leaf in gone)).digest()
    assert (len(gone), b64decode(lines[5])) == (20, over)


# --- Handing over the key --------------------------------------------------------------------------------------------


def test_the_key_is_handed_over_and_the_old_one_destroyed(log: Log) -> None:
    log.seal(10)
    old = log.signer().key
    said = run(log, "audit_key", "--rotate")
    new = log.signer().key
    assert (said.returncode, said.stdout.strip()) == (0, str(new))
    assert new != old
    assert [file.name for file in (log.folder / "keys").iterdir()] == ["log-2.pem"]
    log.seal(10)
    assert log.check().newest_size == 20

    head = checkpoints.newest(using=log.using)
    assert head
    file = BytesIO()
    bundles.write_whole(file, head=head, made_at=head.at, using=log.using)
    for trusted in (old, new):  # who trusts the first key is led to the second
        assert verification.verify_bundle(file, Trust(logs=(str(trusted),))).handovers == 1


def test_not_while_somebody_seals(log: Log) -> None:
    with sealing(log):
        log.write(1)
        until(lambda: log.rows("SELECT max(size) FROM audit_checkpoint") == [(1,)])
        said = run(log, "audit_key", "--rotate")
    assert said.returncode == 1
    assert "Stop the sealer first" in said.stderr
    assert log.rows("SELECT count(*) FROM audit_logkey") == [(1,)]


def test_a_hand_over_that_was_cut_off_is_completed_by_doing_it_again(log: Log) -> None:
    log.seal(3)
    made = log.signers.make()  # and then nothing
    said = run(log, "audit_key", "--rotate")
    assert said.stdout.strip() == str(made.key)
    log.seal(1)
    assert log.check().newest_size == 4


# --- Witnesses -------------------------------------------------------------------------------------------------------


COSIGNED = "SELECT 1 FROM audit_cosignature c JOIN audit_checkpoint p ON p.number = c.checkpoint WHERE p.size = %s"


def policy_of(log: Log, *witnesses: str, quorum: str) -> str:
    return f"log {log.signer().key}\n" + "".join(witnesses) + quorum


def test_the_sealer_has_each_checkpoint_cosigned_and_says_which_is_final(
    log: Log, tmp_path: Path, settings: Settings
) -> None:
    with witness_running(tmp_path / "witness", logs=[log.signer().key]) as witness:
        named = f"witness oversight {witness.key} {witness.url}\n"
        policy = policy_of(log, named, quorum="quorum oversight\n")
        with sealing(log, policy=policy):
            log.write(5)
            until(lambda: log.rows("SELECT count(*) FROM audit_cosignature") != [(0,)])
            log.write(5)
            until(lambda: bool(log.rows(COSIGNED, 10)))
        assert log.check().cosignatures >= 2
        settings.LEDGER_POLICY = str(log.folder / "policy")
        checkpoints.policy.cache_clear()
        try:
            final = checkpoints.newest(final=True, using=log.using)
            assert final
            assert (final.size, final.final) == (10, True)
            assert final.note.verified([witness.key])
            log.seal(1)
            newest = checkpoints.newest(using=log.using)
            assert newest
            assert (newest.size, newest.final) == (11, False)
            again = checkpoints.newest(final=True, using=log.using)
            assert again
            assert again.size == 10
        finally:
            checkpoints.policy.cache_clear()


def test_a_fault_of_ours_does_not_end_the_asking(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    rounds: list[int] = []

    def faulty(*_: Any, **__: Any) -> bool:
        rounds.append(len(rounds))
        if len(rounds) > 1:
            stop.set()
        raise ValueError("a fault")

    monkeypatch.setattr(cosigning, "cosign", faulty)
    monkeypatch.setattr(cosigning, "PATIENCE_SECONDS", 0.01)
    cosigning.run([], stop=stop, every=0.01, using=log.using)
    assert rounds == [0, 1]


def test_the_newest_final_checkpoint_is_found_however_many_came_since(
    log: Log, tmp_path: Path, settings: Settings
) -> None:
    """A witness that is away for some minutes leaves hundreds of checkpoints without it; what was final stays so."""
    log.seal(1)
    with witness_running(tmp_path / "witness", logs=[log.signer().key]) as witness:
        client = witness.client()
        assert cosigning.cosign([client], tree=log.tree, using=log.using)
        client.close()
    sealer = log.sealer()
    edge = log.tree.edge()
    for _ in range(600):
        publishing.publish(edge, origin=log.origin, signer=sealer.signer, memory=log.memory, using=log.using)
    named = f"witness oversight {witness.key} {witness.url}\n"
    (log.folder / "policy").write_text(policy_of(log, named, quorum="quorum oversight\n"))
    settings.LEDGER_POLICY = str(log.folder / "policy")
    checkpoints.policy.cache_clear()
    try:
        final = checkpoints.newest(final=True, using=log.using)
        assert final
        assert (final.size, final.final) == (1, True)
    finally:
        checkpoints.policy.cache_clear()


def test_a_witness_that_is_away_delays_nothing_and_catches_up_when_it_is_back(log: Log, tmp_path: Path) -> None:
    log.seal(3)
    with witness_running(tmp_path / "witness", logs=[log.signer().key]) as witness:
        client, folder = witness.client(), witness.folder
        assert cosigning.cosign([client], tree=log.tree, using=log.using)
    log.seal(4)
    assert not cosigning.cosign([client], tree=log.tree, using=log.using)
    client.close()
    with witness_running(folder, logs=[log.signer().key]) as witness:
        client = witness.client()
        assert cosigning.cosign([client], tree=log.tree, using=log.using)
        assert cosigning.cosign([client], tree=log.tree, using=log.using)  # and is not asked twice
        client.close()
    assert Cosignature.objects.using(log.using).count() == 2


def test_a_witness_that_knows_another_size_is_proved_to_from_there(log: Log, tmp_path: Path) -> None:
    """A cosignature may be lost between the witness and the database; the witness then says how far it is."""
    log.seal(3)
    with witness_running(tmp_path / "witness", logs=[log.signer().key]) as witness:
        client = witness.client()
        client.ask(Note.parse(log.rows("SELECT note FROM audit_checkpoint")[0][0]), old=0, path=[])
        log.seal(4)
        assert cosigning.cosign([client], tree=log.tree, using=log.using)
        client.close()


def test_a_cosignature_that_is_forged_is_found(log: Log) -> None:
    log.seal(3)
    with log.session(SEALER) as connection:
        connection.execute(
            "INSERT INTO audit_cosignature (checkpoint, witness, line) "
            "SELECT max(number), %s, %s FROM audit_checkpoint",
            ["witness.example/w+00000000+BA==", "— witness.example/w AAAAAAAA"],
        )
    with pytest.raises(Diverged, match="cosignature 1"):
        log.check()
