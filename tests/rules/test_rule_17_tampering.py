"""
Rule 17: altered, removed, reordered or rolled-back entries are detected; no role has an unnoticed path.

Each attack is mounted for real on a ledger of its own: by the application, the owner, a superuser in replica mode, from
an older copy, and with the log's own key in the wrong hands.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections
from django.utils import timezone

from audit import checking, history, sealing
from audit.canonical import COLUMNS
from audit.notes import Checkpoint, Note, Signer, signed
from audit.pruning import Told, digest_over, text_of
from audit.publishing import Memory, RolledBack
from audit.signing import FileSigners, handed_over
from audit.verification import Diverged
from audit.witness import NotCosigned
from config import guards
from tests.audit.forgers import entry_at, newest, rewrite, triggers_off
from tests.audit.logs import APP, OWNER, READER, SEALER, SUPERUSER, Log, copied
from tests.audit.running import witness_running

WHO = {"the application": APP, "the sealer": SEALER, "the owner": OWNER, "a superuser in replica mode": SUPERUSER}
MANY, PLACE = 600, 17
OTHER = "'something else'"


@pytest.fixture
def sealed(log: Log) -> Log:
    """A ledger of 600 entries under three checkpoints, verified."""
    for _ in range(3):
        log.seal(MANY // 3)
    assert log.check().entries == MANY
    return log


def first_divergence(log: Log, *, remembered: bool = True) -> str:
    with pytest.raises(Diverged) as found:
        log.check(remembered=remembered)
    return str(found.value.divergence)


CHANGES = {
    "altered": "UPDATE audit_entry SET on_behalf_of = 'somebody else'",
    "deleted": "DELETE FROM audit_entry",
    "truncated": "TRUNCATE audit_entry",
    "its leaf altered": "UPDATE audit_leaf SET leaf_hash = sha256('x')",
    "its leaf deleted": "DELETE FROM audit_leaf",
    "leaves truncated": "TRUNCATE audit_leaf",
    "reordered": "UPDATE audit_leaf SET index = -index",
    "a tile altered": "UPDATE audit_tile SET root = sha256('x')",
    "a checkpoint altered": "UPDATE audit_checkpoint SET root = sha256('x')",
    "a checkpoint deleted": "DELETE FROM audit_checkpoint",
    "a cosignature deleted": "DELETE FROM audit_cosignature",
    "a key replaced": "UPDATE audit_logkey SET vkey = 'another'",
    "field history deleted": "DELETE FROM auditlog_logentry",
}


@pytest.mark.parametrize("who", WHO)
def test_rule_17_whoever_asks_to_change_the_past_is_refused(sealed: Log, who: str) -> None:
    answers = {}
    with sealed.session(WHO[who], replica=WHO[who] == SUPERUSER) as connection:
        for name, change in CHANGES.items():
            try:
                connection.execute(change)
                answers[name] = "done"
            except psycopg.Error as error:
                answers[name] = "refused" if error.sqlstate in {"23001", "42501"} else str(error)
    assert answers == dict.fromkeys(CHANGES, "refused")
    assert sealed.check().entries == MANY


@pytest.mark.parametrize("who", ["the application", "the sealer"])
def test_rule_17_nor_do_they_switch_a_guard_off(sealed: Log, who: str) -> None:
    for statement in (
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_entry_append_only ON audit_entry",
        "SET session_replication_role = replica",
        "SET ROLE udvej_owner",
        "CREATE OR REPLACE FUNCTION audit_canonical(e audit_entry) RETURNS bytea LANGUAGE sql AS 'SELECT ''x''::bytea'",
        "UPDATE audit_strength SET name = 'committed'",
    ):
        with sealed.session(WHO[who]) as connection, pytest.raises(psycopg.Error) as refused:
            connection.execute(statement)
        assert refused.value.sqlstate == "42501"


def test_rule_17_a_guard_that_the_owner_switches_off_is_missed_while_it_is_off(sealed: Log) -> None:
    connection = connections[sealed.alias(OWNER)]
    assert guards.missing(connection) == []
    with triggers_off(sealed):
        assert "audit_entry_append_only" in guards.missing(connection)
    assert guards.missing(connection) == []


DEPTHS = {
    "the column alone": (1, f"entry {PLACE} (id {{}}): its columns do not say what its bytes say"),
    "and its bytes": (2, f"entry {PLACE} (id {{}}): its bytes do not give its hash"),
    "and its hash": (3, f"entry {PLACE} (id {{}}): its hash is not the one that was sealed"),
    "and its leaf": (4, "entry 255 (id not known): tile 0/0 is not what its leaves give"),
    "and the tiles": (5, "checkpoint 1 of size 200: the leaves give another root than the one that was signed"),
}


@pytest.mark.parametrize("covered", DEPTHS)
def test_rule_17_an_owner_who_rewrites_an_entry_and_covers_it_up_is_found_out(sealed: Log, covered: str) -> None:
    depth, found = DEPTHS[covered]
    rewrite(sealed, PLACE, depth=depth)
    with sealed.session(OWNER) as connection:
        assert first_divergence(sealed) == found.format(entry_at(connection, PLACE))


def test_rule_17_with_a_key_of_their_own_the_signatures_are_nobodys(sealed: Log, tmp_path: Path) -> None:
    rewrite(sealed, PLACE, depth=6, signer=FileSigners(sealed.origin, tmp_path / "forger").make())
    assert "checkpoint 1 of size 200" in first_divergence(sealed)


def test_rule_17_with_the_stolen_key_the_memory_outside_the_database_contradicts_them(sealed: Log) -> None:
    rewrite(sealed, PLACE, depth=6, signer=sealed.signer())
    assert "that was signed last: it was rolled back or changed" in first_divergence(sealed)
    with pytest.raises(RolledBack, match="another tree of 600 leaves"):
        sealed.sealer()


def test_rule_17_with_key_and_memory_the_witness_and_every_checkpoint_that_was_kept_contradict_them(
    sealed: Log, tmp_path: Path
) -> None:
    with witness_running(tmp_path / "witness", logs=[sealed.signer().key]) as witness:
        client = witness.client()
        kept = Note.parse(newest(sealed).note)
        assert client.ask(kept, old=0, path=[])

        rewrite(sealed, PLACE, depth=6, signer=sealed.signer())
        sealed.memory.write(Checkpoint.parse(Note.parse(newest(sealed).note).text))
        assert sealed.check().entries == MANY  # nothing inside tells any more

        forged = Note.parse(newest(sealed).note)
        with pytest.raises(NotCosigned):
            client.ask(forged, old=MANY, path=[])
        sealed.seal(1)
        grown = Note.parse(newest(sealed).note)
        with pytest.raises(NotCosigned):
            client.ask(grown, old=MANY, path=sealed.tree.consistency(MANY, MANY + 1))
        assert witness.refused
        client.close()
    two = {str(Checkpoint.parse(note.text)) for note in (kept, forged)}
    assert len(two) == 2  # one size, two roots, one signature each: proof of a fork, for anyone
    assert all(note.verified([sealed.signer().key]) for note in (kept, forged))


REMOVED: dict[str, tuple[str, str]] = {
    "an entry": (
        "DELETE FROM audit_entry WHERE id = %(entry)s",
        f"entry {PLACE} (id {{entry}}): it is gone, and no tombstone says by which rule",
    ),
    "an entry and its leaf": (
        "DELETE FROM audit_entry WHERE id = %(entry)s; DELETE FROM audit_leaf WHERE entry_id = %(entry)s",
        f"entry {PLACE} (id not known): leaves are missing before this one",
    ),
    "an entry, and the later ones moved up": (
        (
            "DELETE FROM audit_entry WHERE id = %(entry)s; DELETE FROM audit_leaf WHERE entry_id = %(entry)s; "
            f"UPDATE audit_leaf SET index = -index WHERE index > {PLACE}; "
            "UPDATE audit_leaf SET index = -index - 1 WHERE index < 0"
        ),
        "entry 255 (id not known): tile 0/0 is not what its leaves give",
    ),
    "the newest entries": (
        (
            "DELETE FROM audit_entry USING audit_leaf l WHERE id = l.entry_id AND l.index >= 520; "
            "DELETE FROM audit_leaf WHERE index >= 520"
        ),
        "checkpoint 3 of size 600: the database holds only 520 leaves: it was rolled back",
    ),
    "the newest entries and the checkpoint over them": (
        (
            "DELETE FROM audit_entry USING audit_leaf l WHERE id = l.entry_id AND l.index >= 400; "
            "DELETE FROM audit_leaf WHERE index >= 400; DELETE FROM audit_checkpoint WHERE size > 400; "
            "DELETE FROM audit_tile WHERE level = 0 AND index > 0"
        ),
        "the database does not hold the tree of 600 leaves that was signed last: it was rolled back or changed",
    ),
    "everything": (
        "DELETE FROM audit_entry; DELETE FROM audit_leaf; DELETE FROM audit_tile; DELETE FROM audit_checkpoint",
        "the database does not hold the tree of 600 leaves that was signed last: it was rolled back or changed",
    ),
    "the order of two": (
        (
            "UPDATE audit_leaf SET index = -1 WHERE index = 3; UPDATE audit_leaf SET index = 3 WHERE index = 4; "
            "UPDATE audit_leaf SET index = 4 WHERE index = -1"
        ),
        "entry 255 (id not known): tile 0/0 is not what its leaves give",
    ),
    "a tile": ("DELETE FROM audit_tile WHERE index = 0", "tile 0/0 is not what its leaves give"),
    "a leaf of an entry": (
        "UPDATE audit_leaf SET entry_id = gen_random_uuid() WHERE index = 17",
        "it is gone, and no tombstone says by which rule",
    ),
}


@pytest.mark.parametrize("what", REMOVED)
def test_rule_17_what_an_owner_removes_or_reorders_is_missed(sealed: Log, what: str) -> None:
    statements, found = REMOVED[what]
    with triggers_off(sealed) as connection:
        entry = entry_at(connection, PLACE)
        for statement in statements.split("; "):
            connection.execute(statement, {"entry": entry})
    assert found.format(entry=entry) in first_divergence(sealed)


def test_rule_17_an_entry_kept_from_the_queue_or_taken_out_of_it_is_missed(sealed: Log) -> None:
    sealed.write(1)
    with triggers_off(sealed) as connection:
        connection.execute("DELETE FROM audit_pending")
    assert "it is committed, and neither sealed nor waiting to be" in first_divergence(sealed)


def test_rule_17_an_entry_that_is_removed_while_it_waits_is_missed(sealed: Log) -> None:
    sealed.write(1)
    with triggers_off(sealed) as connection:
        connection.execute("DELETE FROM audit_entry e USING audit_pending p WHERE p.entry_id = e.id")
    assert "it waits to be sealed, and is gone" in first_divergence(sealed)


def test_rule_17_an_entry_that_is_altered_while_it_waits_is_found(sealed: Log) -> None:
    sealed.write(1)
    with triggers_off(sealed) as connection:
        connection.execute("UPDATE audit_entry e SET role = 'x' FROM audit_pending p WHERE p.entry_id = e.id")
    assert "its columns do not say what its bytes say" in first_divergence(sealed)


def test_rule_17_an_entry_slipped_into_the_past_is_found(sealed: Log) -> None:
    """It can only be sealed behind the others, and says a time before theirs."""
    sealed.write(1)
    with triggers_off(sealed) as connection:
        connection.execute(
            "UPDATE audit_entry e SET at = at - interval '3 days' FROM audit_pending p WHERE p.entry_id = e.id"
        )
        connection.execute(
            "UPDATE audit_entry e SET canonical = audit_canonical(e) FROM audit_pending p WHERE p.entry_id = e.id"
        )
        connection.execute(
            "UPDATE audit_entry e SET leaf_hash = sha256('\\x00'::bytea || canonical) FROM audit_pending p "
            "WHERE p.entry_id = e.id"
        )
        connection.execute(
            "UPDATE audit_pending p SET leaf_hash = e.leaf_hash FROM audit_entry e WHERE e.id = p.entry_id"
        )
    sealed.seal()
    assert "lies before that of earlier entries" in first_divergence(sealed)


def test_rule_17_a_clock_that_is_set_back_is_found(sealed: Log) -> None:
    with sealed.session(OWNER) as connection:
        connection.execute(
            "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
            "$$ SELECT pg_catalog.clock_timestamp() - interval '1 hour' $$"
        )
        connection.execute("ALTER FUNCTION audit_stamp() SET search_path = public, pg_catalog")
    sealed.seal(1)
    assert "lies before that of earlier entries" in first_divergence(sealed)


def test_rule_17_a_restored_older_backup_is_not_signed_for(sealed: Log) -> None:
    with copied(sealed) as restored:
        sealed.seal(5)
        assert "it was rolled back" in first_divergence(restored)
        restored.write(5)
        with pytest.raises(RolledBack, match="605 leaves was signed, and the database holds 600"):
            restored.sealer()
        assert restored.rows("SELECT count(*) FROM audit_pending") == [(5,)]  # nothing of it is sealed meanwhile


def test_rule_17_a_restored_backup_that_has_grown_again_is_not_signed_for_either(sealed: Log) -> None:
    """Even if somebody sealed it without asking: another tree of the size that was signed."""
    with copied(sealed) as restored:
        sealed.seal(5)
        restored.write(9)
        sealing.seal(sealing.edge_of(restored.using), using=restored.using)
        with pytest.raises(RolledBack, match="another tree of 605 leaves"):
            restored.sealer()


def test_rule_17_a_split_view_gets_no_second_cosignature(sealed: Log, tmp_path: Path) -> None:
    """One log shown as two: the witness signs for the one it saw first, and keeps the other as evidence."""
    with (
        witness_running(tmp_path / "witness", logs=[sealed.signer().key]) as witness,
        copied(sealed, folder=tmp_path.with_name("other")) as other,
    ):
        client = witness.client()
        for log in (sealed, other):
            log.seal(3)
        first, second = (Note.parse(newest(log).note) for log in (sealed, other))
        assert client.ask(first, old=0, path=[])
        with pytest.raises(NotCosigned):
            client.ask(second, old=MANY + 3, path=[])
        assert witness.refused
        client.close()


@pytest.mark.parametrize("by", ["a stranger", "the stolen key alone"])
def test_rule_17_a_key_that_is_swapped_is_seen(sealed: Log, tmp_path: Path, by: str) -> None:
    stranger = FileSigners(sealed.origin, tmp_path / "forger").make()
    old = sealed.signer() if by == "the stolen key alone" else stranger
    note = handed_over(old, old, origin=sealed.origin, size=MANY, root=b"x" * 32, at=timezone.now())
    with triggers_off(sealed) as connection:
        connection.execute(
            "INSERT INTO audit_logkey (vkey, number, size, handover, at) VALUES (%s, 2, %s, %s, now())",
            [str(stranger.key), MANY, str(note)],
        )
    assert "the log's key 2" in first_divergence(sealed)


def test_rule_17_an_act_whose_field_history_is_changed_is_found(sealed: Log) -> None:
    """The entry binds the digest of its rows: what was old and new can't be told differently afterwards."""
    correlation = "5d0f6b1e-8c47-4a3b-9e62-1f7a0c9d3b54"
    with sealed.session(APP) as connection:
        connection.execute(
            "INSERT INTO auditlog_logentry (content_type_id, object_pk, object_repr, action, timestamp, cid, changes, "
            "changes_text) SELECT min(id), '1', 'x', 1, now(), %s, '{\"name\": [\"a\", \"b\"]}', '' "
            "FROM django_content_type",
            [correlation],
        )
    digest = history.digests([UUID(correlation)], using=sealed.alias(APP))[UUID(correlation)]
    with sealed.session(APP) as connection:
        connection.execute(
            "INSERT INTO audit_entry (action, actor_client, actor_user, on_behalf_of, role, subject_kind, subject_id, "
            "purpose, basis, categories, outcome, refusal, result_ids, criterion, correlation, request_id, changes, "
            "detail) VALUES ('agency.change', '', '', '', '', '', '', '', '', '{}', 'done', '', '{}', '', %s, '', %s, "
            "'{}')",
            [correlation, digest],
        )
    sealed.seal()
    assert sealed.check().entries == MANY + 1
    with triggers_off(sealed) as connection:
        connection.execute("UPDATE auditlog_logentry SET changes = '{}'")
    assert "the field history of this act is not the one it was recorded with" in first_divergence(sealed)


def test_rule_17_a_tombstone_that_the_log_did_not_sign_excuses_nothing(sealed: Log, tmp_path: Path) -> None:
    stranger = FileSigners(sealed.origin, tmp_path / "forger").make()
    with triggers_off(sealed) as connection:
        entry = entry_at(connection, PLACE)
        leaf = connection.execute("SELECT leaf_hash FROM audit_leaf WHERE index = %s", [PLACE]).fetchone()
        assert leaf
        told = Told(rule="use-entries", before=timezone.now(), count=1, digest=digest_over([(PLACE, leaf[0])]))
        note = str(signed(text_of(told, origin=sealed.origin, at=timezone.now()), by=[stranger]))
        connection.execute("DELETE FROM audit_entry WHERE id = %s", [entry])
        connection.execute("ALTER TABLE audit_tombstone DROP CONSTRAINT audit_tombstone_waits_six_months_at_least")
        connection.execute(
            "INSERT INTO audit_tombstone (rule, before, count, note, at, xid) VALUES (%s, %s, 1, %s, now(), 1)",
            [told.rule, told.before, note],
        )
        connection.execute("INSERT INTO audit_removed SELECT %s, max(number) FROM audit_tombstone", [PLACE])
    assert "tombstone 1: no signature is by a key of the log" in first_divergence(sealed)


def bury(log: Log, place: int, *, before: datetime, at: datetime) -> None:
    """Delete an entry under a tombstone that the log's own key signs: the owner with the stolen key."""
    with triggers_off(log) as connection:
        entry = entry_at(connection, place)
        leaf = connection.execute("SELECT leaf_hash FROM audit_leaf WHERE index = %s", [place]).fetchone()
        assert leaf
        told = Told(rule="use-entries", before=before, count=1, digest=digest_over([(place, leaf[0])]))
        note = str(signed(text_of(told, origin=log.origin, at=at), by=[log.signer()]))
        connection.execute("DELETE FROM audit_entry WHERE id = %s", [entry])
        connection.execute("ALTER TABLE audit_tombstone DROP CONSTRAINT audit_tombstone_waits_six_months_at_least")
        connection.execute(
            "INSERT INTO audit_tombstone (rule, before, count, note, at, xid) VALUES (%s, %s, 1, %s, %s, 1)",
            [told.rule, told.before, note, at],
        )
        connection.execute("INSERT INTO audit_removed SELECT %s, max(number) FROM audit_tombstone", [place])


BURIED = {
    "as of today": (timedelta(), timedelta(), "it lets go what no rule does: entries that are less than six months"),
    "as of a day to come": (timedelta(days=1), timedelta(days=200), "it is of a time that has not come"),
    "as if it were old": (timedelta(days=-200), timedelta(), "it is gone, and younger than its tombstone says"),
}


@pytest.mark.parametrize("how", BURIED)
def test_rule_17_with_the_stolen_key_nothing_new_is_buried_under_a_tombstone(sealed: Log, how: str) -> None:
    older, at, found = BURIED[how]
    bury(sealed, PLACE, before=timezone.now() + older, at=timezone.now() + at)
    assert found in first_divergence(sealed)


def test_rule_17_an_entry_that_a_tombstone_says_is_gone_is_gone(sealed: Log) -> None:
    with triggers_off(sealed) as connection:
        connection.execute("INSERT INTO audit_removed VALUES (%s, 1)", [PLACE])
    assert "a tombstone says that it is gone, and it is there" in first_divergence(sealed)


def test_rule_17_an_entry_that_hides_from_the_log_as_one_still_to_be_settled_is_missed(sealed: Log) -> None:
    """Its transaction is one that has not begun yet; its bytes and its hash say so, too."""
    sealed.write(1)
    with triggers_off(sealed) as connection:
        connection.execute("UPDATE audit_entry e SET xid = xid + 1000000 FROM audit_pending p WHERE p.entry_id = e.id")
        connection.execute(
            "UPDATE audit_entry e SET canonical = audit_canonical(e) FROM audit_pending p WHERE p.entry_id = e.id"
        )
        connection.execute(
            "UPDATE audit_entry e SET leaf_hash = sha256('\\x00'::bytea || canonical) FROM audit_pending p "
            "WHERE p.entry_id = e.id"
        )
        connection.execute("DELETE FROM audit_pending")
    assert "it is committed, and neither sealed nor waiting to be" in first_divergence(sealed)


def test_rule_17_an_entry_is_sealed_once(sealed: Log) -> None:
    """A second leaf for one entry would fill the place of another that was never sealed."""
    with triggers_off(sealed) as connection:
        connection.execute("ALTER TABLE audit_leaf DROP CONSTRAINT audit_leaf_entry_id_key")
        connection.execute(
            "INSERT INTO audit_leaf SELECT %s, entry_id, leaf_hash FROM audit_leaf WHERE index = 3", [MANY]
        )
        entry = entry_at(connection, 3)
    assert first_divergence(sealed) == f"entry (id {entry}): it is sealed twice"


def test_rule_17_a_log_whose_checkpoints_and_keys_are_gone_is_not_called_verified(sealed: Log) -> None:
    with triggers_off(sealed) as connection:
        connection.execute("DELETE FROM audit_checkpoint; DELETE FROM audit_logkey")
    assert first_divergence(sealed, remembered=False) == (
        "the tree has 600 leaves, and no checkpoint signs any of them"
    )


def handed(log: Log, **said: Any) -> Signer:
    """Hand the log's key over beside the exchange's own code; return the key that was the log's before."""
    old, new = log.signer(), log.signers.make()
    last = log.memory.read(log.origin)
    told: dict[str, Any] = {"origin": log.origin, "size": last.size, "root": last.root, "at": timezone.now()} | said
    note = handed_over(old, new, **told)
    with log.session(SEALER) as connection:
        connection.execute(
            "INSERT INTO audit_logkey (vkey, number, size, handover) VALUES (%s, 2, %s, %s)",
            [str(new.key), last.size, str(note)],
        )
    return old


HANDOVERS: dict[str, dict[str, Any]] = {
    "of another tree": {"root": b"x" * 32},
    "at another size than the key's": {"size": MANY - 1},
    "of another log": {"origin": "other.example/log"},
}


@pytest.mark.parametrize("what", HANDOVERS)
def test_rule_17_a_hand_over_that_says_something_else_is_found(sealed: Log, what: str) -> None:
    handed(sealed, **HANDOVERS[what])
    assert "the log's key 2: " in first_divergence(sealed)


def test_rule_17_a_key_that_was_handed_over_signs_nothing_more(sealed: Log) -> None:
    retired = handed(sealed)
    assert sealed.check().newest_size == MANY
    sealed.write(1)
    sealing.seal(sealing.edge_of(sealed.using), using=sealed.using)
    edge = sealing.edge_of(sealed.using)
    with sealed.session(SEALER) as connection:
        connection.execute(
            "INSERT INTO audit_checkpoint (size, root, note) VALUES (%s, %s, %s)",
            [edge.size, edge.root(), str(signed(str(Checkpoint(sealed.origin, edge.size, edge.root())), by=[retired]))],
        )
    assert "that was not the log's at size 601" in first_divergence(sealed)


class SignedMeanwhile(Memory):
    """A memory that is read while the sealer is at work."""

    def read(self, origin: str) -> Checkpoint:
        LIVE[self.file].seal(5)
        return super().read(origin)


LIVE: dict[Path, Log] = {}


def test_rule_17_a_log_that_is_sealed_while_it_is_checked_is_not_called_rolled_back(sealed: Log) -> None:
    LIVE[sealed.memory.file] = sealed
    found = checking.check(memory=SignedMeanwhile(sealed.memory.file), using=sealed.alias(READER))
    assert found.newest_size in {MANY, MANY + 5}


def test_rule_17_every_byte_of_an_entry_is_held(sealed: Log) -> None:
    """Whichever column is altered, the ledger no longer verifies, and the entry is named."""
    others: dict[str, str] = {
        "at": "now() + interval '1 s'",
        "xid": "xid + 1",
        "outcome": "'refused'",
        "detail": '\'{"a": "b"}\'',
    }
    others |= dict.fromkeys(("id", "actor_agency", "consent", "correlation"), "gen_random_uuid()")
    others |= dict.fromkeys(("changes", "criterion"), "repeat('0', 64)")
    others |= {"basis_version": "7", "consent_version": "7", "categories": "'{health}'"}
    others |= {"result_ids": "ARRAY[gen_random_uuid()]"}
    found = {}
    for column in sorted(COLUMNS - {"id"}):
        along = {"outcome": ", refusal = 'x'", "refusal": ", outcome = 'refused'"}.get(column, "")
        with triggers_off(sealed) as connection:
            entry = entry_at(connection, PLACE)
            connection.execute("CREATE TABLE kept AS SELECT * FROM audit_entry WHERE id = %s", [entry])
            changed = f"UPDATE audit_entry SET {column} = {others.get(column, OTHER)}{along} WHERE id = %s"
            connection.execute(changed, [entry])
        try:
            sealed.check()
        except Diverged as error:
            found[column] = error.divergence.index
        with triggers_off(sealed) as connection:
            connection.execute("DELETE FROM audit_entry WHERE id = %s", [entry])
            connection.execute("INSERT INTO audit_entry SELECT * FROM kept")
            connection.execute("DROP TABLE kept")
    assert found == dict.fromkeys(COLUMNS - {"id"}, PLACE)
    assert sealed.check().entries == MANY
