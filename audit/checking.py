"""
Checks the ledger of a live database, whole: rows, bytes, leaves, tiles, signatures, tombstones, queue and memory.

It stops at the first divergence and names it. It recomputes with `verification` and `canonical`, and with nothing that
the sealer uses but the pure Merkle arithmetic and the file that remembers. It changes nothing, and any role that may
read will do.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from audit import history
from audit.canonical import COLUMNS, entry_bytes
from audit.merkle import Edge, Tile
from audit.models import Checkpoint, Cosignature, LogKey, Tombstone
from audit.notes import Checkpoint as Remembered
from audit.publishing import Memory, RolledBack
from audit.verification import LOG, WITNESS, Diverged, Divergence, Handover, Key, Keys, Note, Policy, Unproven, terms_of
from audit.verification import Checkpoint as Head
from audit.verification import Tombstone as SignedTombstone

BATCH = 2_000
CLOCK_SLACK = timedelta(minutes=2)
"""How far behind an earlier entry's time one may lie: longer than any transaction that writes one may last."""

NAMES = sorted(COLUMNS)
LEAVES = f"""
    SELECT l.index, l.entry_id, l.leaf_hash, r.tombstone, e.canonical, e.leaf_hash, {", ".join(f"e.{n}" for n in NAMES)}
    FROM audit_leaf l LEFT JOIN audit_entry e ON e.id = l.entry_id LEFT JOIN audit_removed r ON r.index = l.index
    ORDER BY l.index
"""  # noqa: S608 - the names are a literal of audit/canonical.py
UNSEALED = f"""
    SELECT e.id, p.leaf_hash, e.canonical, e.leaf_hash, {", ".join(f"e.{n}" for n in NAMES)}
    FROM audit_entry e LEFT JOIN audit_pending p ON p.entry_id = e.id
    WHERE NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = e.id) ORDER BY e.id
"""  # noqa: S608
GONE = """
    SELECT p.entry_id FROM audit_pending p WHERE NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = p.entry_id)
    ORDER BY 1 LIMIT 1
"""
TWICE = "SELECT entry_id FROM audit_leaf GROUP BY entry_id HAVING count(*) > 1 ORDER BY entry_id LIMIT 1"
NO_WITNESSES = Policy.parse("quorum none\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a whole check found in order: how many of each, and how many entries each rule has pruned."""

    entries: int
    unsealed: int
    checkpoints: int
    cosignatures: int
    newest_size: int
    pruned: Mapping[str, int]


def check(*, memory: Memory | None = None, using: str = DEFAULT_DB_ALIAS) -> Checked:
    """Check a database's ledger as of one instant. Raises `Diverged` with the first divergence."""
    remembered = _remembered(memory)  # before that instant: what is signed after it would be missed
    with transaction.atomic(using=using, durable=True):
        with connections[using].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        return _Check(using, remembered).run()


@dataclass(slots=True)
class _Grave:
    tombstone: Tombstone
    count: int = 0
    hashed: Any = field(default_factory=hashlib.sha256)


class _Check:
    def __init__(self, using: str, remembered: Remembered | None) -> None:
        self.using, self.remembered = using, remembered
        self.keys = self._keys()
        self.edge, self.roots = Edge(), {0: Edge().root()}
        self.latest: datetime | None = None
        self.graves = {each.number: _Grave(each) for each in Tombstone.objects.using(using).order_by("number")}

    def run(self) -> Checked:
        signed = list(Checkpoint.objects.using(self.using).order_by("number"))
        remembered = self.remembered
        watched = {row.size for row in signed} | {each.size for each in self.keys.handovers}
        entries = self._leaves(watched | ({remembered.size} if remembered else set()))
        self._tiles_beyond()
        self._handovers()
        self._checkpoints(signed)
        cosignatures = self._cosignatures({row.number: row for row in signed})
        self._graves_account()
        if remembered and self.roots.get(remembered.size) != remembered.root:
            raise _diverged(
                f"the database does not hold the tree of {remembered.size} leaves that was signed last: "
                "it was rolled back or changed"
            )
        return Checked(
            entries=entries,
            unsealed=self._unsealed(),
            checkpoints=len(signed),
            cosignatures=cosignatures,
            newest_size=signed[-1].size if signed else 0,
            pruned=self._pruned(),
        )

    # --- leaves and entries -----------------------------------------------------------------------------------------
    def _leaves(self, watched: set[int]) -> int:
        present = 0
        for rows in self._stream(LEAVES):
            changed: list[tuple[int, UUID, str, UUID]] = []
            for index, entry_id, leaf, tombstone, canonical, own_leaf, *columns in rows:
                if index != self.edge.size:
                    raise _diverged("leaves are missing before this one", self.edge.size)
                if canonical is None:
                    self._removed(index, entry_id, bytes(leaf), tombstone)
                elif tombstone is not None:
                    raise _diverged("a tombstone says that it is gone, and it is there", index, entry_id)
                else:
                    present += 1
                    said = dict(zip(NAMES, columns, strict=True))
                    _entry(index, entry_id, bytes(canonical), said, (bytes(leaf), bytes(own_leaf)))
                    self._clock(index, said)
                    if said["changes"]:
                        changed.append((index, entry_id, str(said["changes"]), _uuid(said["correlation"])))
                for tile in self.edge.append([bytes(leaf)]):
                    self._tile(tile)
                if self.edge.size in watched:
                    self.roots[self.edge.size] = self.edge.root()
            self._history(changed)
        if twice := self._first(TWICE):
            raise _diverged("it is sealed twice", None, twice)
        return present

    def _removed(self, index: int, entry_id: UUID, leaf: bytes, tombstone: int | None) -> None:
        grave = self.graves.get(tombstone) if tombstone is not None else None
        if grave is None:
            raise _diverged("it is gone, and no tombstone says by which rule", index, entry_id)
        if self.latest and grave.tombstone.before < self.latest - CLOCK_SLACK:
            raise _diverged("it is gone, and younger than its tombstone says", index, entry_id)
        grave.count += 1
        grave.hashed.update(index.to_bytes(8, "big") + leaf)

    def _clock(self, index: int, said: Mapping[str, Any]) -> None:
        at: datetime = said["at"]
        if self.latest and at < self.latest - CLOCK_SLACK:
            raise _diverged(f"its time, {at.isoformat()}, lies before that of earlier entries", index, said["id"])
        self.latest = max(self.latest or at, at)

    def _tile(self, tile: Tile) -> None:
        with connections[self.using].cursor() as cursor:
            cursor.execute(
                "SELECT hashes, root FROM audit_tile WHERE level = %s AND index = %s", [tile.level, tile.index]
            )
            found = cursor.fetchone()
        if found is None or (bytes(found[0]), bytes(found[1])) != (tile.hashes, tile.root):
            raise _diverged(f"tile {tile.level}/{tile.index} is not what its leaves give", self.edge.size - 1)

    def _tiles_beyond(self) -> None:
        with connections[self.using].cursor() as cursor:
            cursor.execute("SELECT level, index FROM audit_tile ORDER BY level, index")
            for level, index in cursor.fetchall():
                if (index + 1) << 8 * (level + 1) > self.edge.size:
                    raise _diverged(f"tile {level}/{index} lies beyond the tree")

    def _history(self, changed: Sequence[tuple[int, UUID, str, UUID]]) -> None:
        digests = history.digests([correlation for *_, correlation in changed], using=self.using)
        for index, entry_id, digest, correlation in changed:
            if digests.get(correlation, "") != digest:
                raise _diverged("the field history of this act is not the one it was recorded with", index, entry_id)

    def _unsealed(self) -> int:
        found = 0
        for rows in self._stream(UNSEALED):
            for entry_id, queued, canonical, own_leaf, *columns in rows:
                found += 1
                if queued is None:  # it came with its entry, and goes as its leaf comes: in one instant one is there
                    raise _diverged("it is committed, and neither sealed nor waiting to be", None, entry_id)
                said = dict(zip(NAMES, columns, strict=True))
                _entry(None, entry_id, bytes(canonical), said, (bytes(queued), bytes(own_leaf)))
        if gone := self._first(GONE):
            raise _diverged("it waits to be sealed, and is gone", None, gone)
        return found

    # --- what was signed --------------------------------------------------------------------------------------------
    def _keys(self) -> Keys:
        keys: list[Key] = []
        handovers: list[Handover] = []
        for row in LogKey.objects.using(self.using).order_by("number"):
            with _unproven(f"the log's key {row.number}"):
                key = Key.parse(row.vkey, LOG)
                if row.number != len(keys) + 1:
                    raise Unproven("keys follow each other by number")
                if keys:
                    said = Handover.parse(row.handover, settings.LEDGER_ORIGIN)
                    if (said.old, said.new, said.size) != (keys[-1], key, row.size):
                        raise Unproven("the hand-over is not the one to it")
                    handovers.append(said)
            keys.append(key)
        return Keys(terms_of(keys[:1], handovers), tuple(handovers), NO_WITNESSES, {}, ())

    def _handovers(self) -> None:
        for number, each in enumerate(self.keys.handovers, 2):
            if self.roots.get(each.size) != each.root:
                raise _diverged(f"the log's key {number}: the leaves give another root than the hand-over to it says")

    def _checkpoints(self, signed: Sequence[Checkpoint]) -> None:
        if self.edge.size and not signed:
            raise _diverged(f"the tree has {self.edge.size} leaves, and no checkpoint signs any of them")
        before = 0
        for row in signed:
            what = f"checkpoint {row.number} of size {row.size}"
            with _unproven(what):
                head, _ = self.keys.head(row.note)
                if head != Head(settings.LEDGER_ORIGIN, row.size, bytes(row.root)):
                    raise Unproven("its columns do not say what its note says")
            if row.size < before:
                raise _diverged(f"{what}: the tree has shrunk since the one before")
            if row.size not in self.roots:
                raise _diverged(f"{what}: the database holds only {self.edge.size} leaves: it was rolled back")
            if self.roots[row.size] != bytes(row.root):
                raise _diverged(f"{what}: the leaves give another root than the one that was signed")
            before = row.size

    def _cosignatures(self, signed: Mapping[int, Checkpoint]) -> int:
        count = 0
        for row in Cosignature.objects.using(self.using).order_by("number").iterator():
            count += 1
            if row.checkpoint not in signed:
                raise _diverged(f"cosignature {row.number} is of a checkpoint that is gone")
            with _unproven(f"cosignature {row.number}"):
                text = Note.parse(signed[row.checkpoint].note).text.decode()
                if not Note.parse(f"{text}\n{row.line}\n").signers([Key.parse(row.witness, WITNESS)]):
                    raise Unproven("it is not by the witness that it names")
        return count

    def _graves_account(self) -> None:
        for grave in self.graves.values():
            row = grave.tombstone
            with _unproven(f"tombstone {row.number}"):
                said = SignedTombstone.parse(row.note, self.keys, settings.LEDGER_ORIGIN)
                if (said.rule, said.entries, said.before) != (row.rule, row.count, row.before):
                    raise Unproven("its columns do not say what its note says")
                if said.at > timezone.now() + CLOCK_SLACK:
                    raise Unproven("it is of a time that has not come")
                if (said.entries, said.digest) != (grave.count, grave.hashed.digest()):
                    raise Unproven("what is gone is not what it accounts for")

    def _pruned(self) -> dict[str, int]:
        pruned: dict[str, int] = defaultdict(int)
        for grave in self.graves.values():
            pruned[grave.tombstone.rule] += grave.count
        return dict(pruned)

    def _first(self, question: str) -> UUID | None:
        with connections[self.using].cursor() as cursor:
            cursor.execute(question)
            found = cursor.fetchone()
        return found[0] if found else None

    def _stream(self, question: str) -> Iterator[list[tuple[Any, ...]]]:
        with connections[self.using].chunked_cursor() as cursor:
            cursor.execute(question)
            while rows := cursor.fetchmany(BATCH):
                yield rows


def _remembered(memory: Memory | None) -> Remembered | None:
    try:
        return memory.read(settings.LEDGER_ORIGIN) if memory else None
    except RolledBack as error:
        raise _diverged(str(error)) from error


def _entry(
    index: int | None, entry_id: UUID, canonical: bytes, said: Mapping[str, Any], hashes: tuple[bytes, bytes]
) -> None:
    """Hold an entry's columns against its bytes, its bytes against its hash, and its hash against the leaf's."""
    leaf, own_leaf = hashes
    if _written(said) != canonical:
        raise _diverged("its columns do not say what its bytes say", index, entry_id)
    if hashlib.sha256(b"\x00" + canonical).digest() != own_leaf:
        raise _diverged("its bytes do not give its hash", index, entry_id)
    if leaf != own_leaf:
        raise _diverged("its hash is not the one that was sealed", index, entry_id)


def _written(said: Mapping[str, Any]) -> bytes:
    detail = said["detail"]
    return entry_bytes({**said, "detail": json.loads(detail) if isinstance(detail, str) else detail})


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _diverged(what: str, index: int | None = None, entry: UUID | str | None = None) -> Diverged:
    return Diverged(Divergence(index, str(entry) if entry else None, what))


@contextmanager
def _unproven(where: str) -> Iterator[None]:
    """Turn what is unproven inside, or is no note at all, into the divergence at this place."""
    try:
        yield
    except (Unproven, ValueError) as error:
        raise _diverged(f"{where}: {error}") from error
