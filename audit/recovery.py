"""
What there is to do where the database and the memory of what was signed disagree: after a restore, or a lost disk.

Two ways on, and each needs to be shown that it is the right one. `remember` writes the memory anew where the database
has lost nothing, on the word of witnesses. `begin_again` ends a log that has truly lost leaves, and begins another over
what is left: under another name and key, with a statement of what is missing. Nothing here signs a second tree under
the name of the first.
"""

import json
import os
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from django.db import connections, transaction
from django.utils import timezone

from audit import checking, log, publishing, sealing
from audit.facts import SYSTEM, Subject
from audit.models import Checkpoint as CheckpointRow
from audit.models import Cosignature, Entry, LogKey, Tombstone
from audit.notes import Checkpoint, Note, NoteError, Signer, VerifierKey, signed
from audit.publishing import Memory, RolledBack
from audit.tree import Tree

STATEMENT = "udvej log begun again v1"
FORMER = ("audit_checkpoint", "audit_cosignature", "audit_logkey")
RESIGNED = "audit_tombstone"
"""What belongs to the name of a log, and so can't stay under another; leaves, tiles and entries say no name."""


class NotShown(RuntimeError):  # noqa: N818 - says what is missing
    """What would have to be shown before this may be done is not. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What is known of a log that lost leaves: a tree known to have been signed, and what is left of it."""

    signed: Checkpoint
    left: Checkpoint
    statement: Note

    @property
    def leaves(self) -> int:
        """How many leaves were signed for and are gone."""
        return max(0, self.signed.size - self.left.size)


def seen_outside(
    note: Note, *, origin: str, witnesses: Sequence[VerifierKey], own: Sequence[VerifierKey] = (), using: str
) -> Checkpoint:
    """
    Return the head that a checkpoint from outside the database tells of, whoever handed it over.

    Raises `NotShown` unless one of the log's keys signed it, and where witnesses are named, one of them cosigned it.
    `own` is the key that the sealer has: the database may be older than the hand-over to it.
    """
    stored = LogKey.objects.using(using).values_list("vkey", flat=True)
    keys = [*(VerifierKey.parse(each) for each in stored), *own]
    try:
        note.verified(keys)
        if witnesses:
            note.verified(witnesses)
        head = Checkpoint.parse(note.text)
    except NoteError as error:
        raise NotShown(f"the checkpoint is not this log's, or no witness of the policy cosigned it: {error}") from error
    if head.origin != origin:
        raise NotShown(f"the checkpoint is of the log {head.origin!r}, and this one is {origin!r}")
    return head


def remember(memory: Memory, *, outside: Sequence[Checkpoint], origin: str, using: str) -> Checkpoint:
    """
    Write the memory of what was signed last anew, from the database and what is known outside it; return it.

    To be done while nobody seals. Every signature is stored before it leaves the sealer, so a database that has lost
    nothing holds the newest. That it has lost nothing, only others can say: raises `NotShown` where no head from
    outside is given, and `RolledBack` where the database does not hold one of them, or what an older memory says.
    """
    if not outside:
        raise NotShown("nobody outside says what was signed last: ask the witnesses")
    tree = Tree(using)
    stored = publishing.newest(using)
    known = [*outside, *([Checkpoint(origin, stored.size, bytes(stored.root))] if stored else [])]
    if memory.file.exists():
        known.append(memory.read(origin))
    size = tree.size()
    for head in known:
        if head.size > size:
            raise RolledBack(
                f"a tree of {head.size} leaves was signed, and the database holds {size}: it was restored from an "
                "older copy. Restore what is missing, or begin again"
            )
        if tree.root(head.size) != head.root:
            raise RolledBack(f"the database holds another tree of {head.size} leaves than the one that was signed")
    last = max(known, key=lambda head: head.size)
    memory.write(last)
    return last


def begin_again(
    *,
    origin: str,
    old: Signer | None,
    new: Signer,
    outside: Sequence[Checkpoint],
    memory: Memory,
    kept: Path,
    using: str,
) -> Lost:
    """
    End a log that lost leaves and begin another, over what is left; return what was lost, with the signed statement.

    `old` signs the statement too, where its key is still there. The old log's checkpoints, cosignatures, keys and
    tombstones are written below `kept`; the act is recorded; and only then they leave the database, by its owner:
    leaves, tiles and entries stay as they are. Raises `NotShown` where nothing is lost, or name or key were a log's
    here before, `Diverged` where what is left does not verify, `LedgerUnavailable` and `AnotherSeals`.
    """
    _of_its_own(new, origin=origin, old=old, using=using)
    with sealing.alone(using):
        checking.check(using=using)
        tree = Tree(using)
        size = tree.size()
        left = Checkpoint(origin, size, tree.root(size))
        known = [*outside, *([memory.read(origin)] if memory.file.exists() else [])]
        lost = _missing_of(known, left, tree)
        statement = _statement(lost, left, old=old, new=new, at=timezone.now())
        found = Lost(signed=lost, left=left, statement=statement)
        _keep(kept, found, using)
        with log.act("audit.begin_again", by=SYSTEM, about=Subject("ledger"), changes=False) as act:
            act.detail = {
                "former": origin,
                "origin": new.key.name,
                "signed": str(lost.size),
                "left": str(size),
                "statement": sha256(str(statement).encode()).hexdigest(),
            }
        if not Entry.objects.using(using).filter(pk=act.committed.entry).exists():
            raise NotShown("the owner's database is another one than the one that holds the entry of this act")
        _part(new, using)
    return found


def _of_its_own(new: Signer, *, origin: str, old: Signer | None, using: str) -> None:
    """Raise `NotShown` unless a name and a key have never been a log's here: one name, one tree."""
    former = Entry.objects.using(using).filter(action="audit.begin_again", detail__former=new.key.name)
    if new.key.name == origin or former.exists():
        raise NotShown("the new log needs a name of its own: one name, one tree")
    used = {VerifierKey.parse(each).public for each in LogKey.objects.using(using).values_list("vkey", flat=True)}
    if new.key.public in used | ({old.key.public} if old else set()):
        raise NotShown("the new log needs a key of its own: name a new folder")


def _missing_of(known: Sequence[Checkpoint], left: Checkpoint, tree: Tree) -> Checkpoint:
    """
    Return the largest tree known to have been signed that what is left does not hold. Raises `NotShown` for none.

    One that it has reached and does not give comes before any that is larger: what was rewritten must not pass for a
    tail that was lost.
    """
    rewritten = [head for head in known if head.size <= left.size and tree.root(head.size) != head.root]
    larger = [head for head in known if head.size > left.size]
    if not rewritten and not larger:
        last = max((head.size for head in known), default=left.size)
        raise NotShown(
            f"nothing is known to be lost: the largest tree known to have been signed has {last} leaves, and "
            f"the database holds {left.size}. Go on with the log that there is"
        )
    return max(rewritten or larger, key=lambda head: head.size)


def _statement(last: Checkpoint, left: Checkpoint, *, old: Signer | None, new: Signer, at: datetime) -> Note:
    lines = (
        *(STATEMENT, left.origin, new.key.name, str(new.key)),
        *(str(last.size), b64encode(last.root).decode(), str(left.size), b64encode(left.root).decode()),
        at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    )
    return signed("".join(f"{line}\n" for line in lines), by=[*([old] if old else []), new])


def _keep(folder: Path, lost: Lost, using: str) -> None:
    """Write down all that is about to leave the database, as it was signed; it is on the disk before this returns."""
    folder.mkdir(parents=True, mode=0o700)
    rows = {
        "checkpoints.jsonl": CheckpointRow.objects.using(using).order_by("number").values("number", "size", "note"),
        "cosignatures.jsonl": Cosignature.objects.using(using)
        .order_by("number")
        .values("checkpoint", "witness", "line"),
        "keys.jsonl": LogKey.objects.using(using).order_by("number").values("number", "vkey", "size", "handover"),
        "tombstones.jsonl": Tombstone.objects.using(using).order_by("number").values("number", "note"),
    }
    _write(folder / "statement", [str(lost.statement)])
    for name, found in rows.items():
        _write(folder / name, (json.dumps(row, separators=(",", ":")) + "\n" for row in found.iterator()))
    for place in (folder, folder.parent):
        opened = os.open(place, os.O_RDONLY)
        os.fsync(opened)
        os.close(opened)


def _write(made: Path, lines: Iterable[str]) -> None:
    with made.open("x", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _part(new: Signer, using: str) -> None:
    """Take the old name out of the database, and sign its tombstones anew: the one thing only an owner can do."""
    with transaction.atomic(using=using, durable=True), connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # a log of years has millions of checkpoints
        for table in (*FORMER, RESIGNED):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
        for table in FORMER:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - a literal of this file
        for tombstone in Tombstone.objects.using(using).order_by("number"):
            lines = Note.parse(tombstone.note).text.split("\n")
            note = signed("\n".join((lines[0], new.key.name, *lines[2:])), by=[new])
            cursor.execute("UPDATE audit_tombstone SET note = %s WHERE number = %s", [str(note), tombstone.number])
        cursor.execute("INSERT INTO audit_logkey (vkey, number, size, handover) VALUES (%s, 1, 0, '')", [str(new.key)])
        for table in (*FORMER, RESIGNED):
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")
