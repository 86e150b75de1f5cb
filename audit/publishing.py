"""
Signs the tree: a checkpoint after each commit that grew it, and never one that contradicts an earlier one.

What was signed last is remembered in a small file outside the database. A database that was rolled back, restored from
an older copy or changed beneath the tree does not fit that memory, and nothing more is signed (`RolledBack`). Witnesses
catch whoever holds the file and the key as well.
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from audit.merkle import EMPTY_ROOT, Edge
from audit.models import Checkpoint as CheckpointRow
from audit.models import LogKey
from audit.notes import Checkpoint, Note, Signer, signed
from audit.signing import handed_over
from audit.tree import Tree

KEY_LOCK = 0x5564_7665_6A02
"""The advisory lock's number: whoever holds it signs with the log's key, or hands it over."""


class RolledBack(RuntimeError):  # noqa: N818 - says what happened
    """The database does not hold the tree that was signed last. Nothing is signed until people have found out why."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The last tree that was signed, in a file outside the database: written before a signature leaves the process."""

    file: Path

    def read(self, origin: str) -> Checkpoint:
        """Return the tree that was signed last; the empty one where none was. Raises `RolledBack` for another log's."""
        try:
            said = json.loads(self.file.read_text())
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY_ROOT)
        if said["origin"] != origin:
            raise RolledBack(f"{self.file.name} remembers the log {said['origin']!r}, and this one is {origin!r}")
        return Checkpoint(origin, said["size"], b64decode(said["root"]))

    def write(self, signed_last: Checkpoint) -> None:
        """Remember a tree, on the disk before this returns."""
        self.file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        said = {
            "origin": signed_last.origin,
            "size": signed_last.size,
            "root": b64encode(signed_last.root).decode(),
        }
        made = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        with made.open("w") as opened:
            json.dump(said, opened)
            opened.flush()
            os.fsync(opened.fileno())
        made.replace(self.file)
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def check_memory(memory: Memory, *, origin: str, tree: Tree, using: str = DEFAULT_DB_ALIAS) -> Checkpoint:
    """
    Return the tree that was signed last, having found it in the database. Raises `RolledBack`.

    It is written before any checkpoint is stored. So a file that is lost or older than the newest one says nothing of
    what was signed last, and nobody signs on the strength of it.
    """
    last = memory.read(origin)
    stored = newest(using)
    if stored and stored.size > last.size:
        raise RolledBack(
            f"{memory.file.name} remembers a tree of {last.size} leaves, and a checkpoint of {stored.size} was signed "
            "since: the file is lost, or an older one"
        )
    size = tree.size()
    if size < last.size:
        raise RolledBack(f"a tree of {last.size} leaves was signed, and the database holds {size}: it was rolled back")
    if tree.root(last.size) != last.root:
        raise RolledBack(f"the database holds another tree of {last.size} leaves than the one that was signed")
    return last


def check_key(signer: Signer, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Write down the log's first key, or see that this one is the newest. Raises `RolledBack` for a stranger."""
    keys = list(LogKey.objects.using(using).order_by("number").values_list("vkey", flat=True))
    vkey = str(signer.key)
    if not keys:
        _write("INSERT INTO audit_logkey (vkey, number, size, handover) VALUES (%s, 1, 0, '')", [vkey], using)
    elif keys[-1] != vkey:
        raise RolledBack("the log's newest key is another one: no hand-over names the key that would sign")


def hold_key(signer: Signer, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """
    See that this key is the log's newest, and let nobody hand it over before the transaction ends.

    Whoever signs what is dated signs with the key of that time. Raises `RolledBack` for another key.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEY_LOCK])
    check_key(signer, using=using)


def hand_over(old: Signer, new: Signer, *, origin: str, memory: Memory, using: str = DEFAULT_DB_ALIAS) -> Note:
    """
    Go over from the log's newest key to another: both sign so, at the size and root that were signed last.

    To be done while nobody seals. Raises `RolledBack` where the database does not hold what was signed.
    """
    last = check_memory(memory, origin=origin, tree=Tree(using), using=using)
    with transaction.atomic(using=using, durable=True):
        hold_key(old, using=using)
        note = handed_over(old, new, origin=origin, size=last.size, root=last.root, at=timezone.now())
        number = LogKey.objects.using(using).count() + 1
        row: list[str | int | bytes] = [str(new.key), number, last.size, str(note)]
        _write("INSERT INTO audit_logkey (vkey, number, size, handover) VALUES (%s, %s, %s, %s)", row, using)
    return note


def publish(edge: Edge, *, origin: str, signer: Signer, memory: Memory, using: str = DEFAULT_DB_ALIAS) -> Checkpoint:
    """
    Sign the tree as it was committed, remember it, and store the note.

    Raises `RolledBack` where a larger one was signed before, or another one of this size.
    """
    head, last = Checkpoint(origin, edge.size, edge.root()), memory.read(origin)
    if head.size < last.size:
        raise RolledBack("a larger tree was signed before")
    if head.size == last.size and head.root != last.root:
        raise RolledBack(f"another tree of {last.size} leaves was signed before")
    note = signed(str(head), by=[signer])
    memory.write(head)
    row: list[str | int | bytes] = [head.size, head.root, str(note)]
    _write("INSERT INTO audit_checkpoint (size, root, note) VALUES (%s, %s, %s)", row, using)
    return head


def newest(using: str = DEFAULT_DB_ALIAS) -> CheckpointRow | None:
    """Return the newest signed checkpoint, or None before the first."""
    return CheckpointRow.objects.using(using).order_by("-number").first()


def note_of(row: CheckpointRow) -> Note:
    """Return a stored checkpoint as the note that was signed."""
    return Note.parse(row.note)


def _write(statement: str, values: Sequence[str | int | bytes], using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, values)
