"""
The verifier that trusts nobody: checks an evidence bundle of the ledger, and names the first thing that is wrong.

One file. It needs Python 3.11 or later and `cryptography`, and nothing else: no network, no database, no other file
of the exchange, so that its arithmetic is a second implementation and not the sealer's own. Take a copy along:

    python verification.py --log VKEY --policy POLICY BUNDLE.zip

What a bundle is, what each sentence means and what a verification does not show: docs/verify.md. Read from the top:
what comes out, what is checked in which order, and only then how. Specifications: RFC 6962 and RFC 9162 (the tree),
c2sp.org/signed-note, /tlog-checkpoint, /tlog-cosignature, /tlog-policy, RFC 8785 (an entry), RFC 7515 (receipts).
"""

from __future__ import annotations

import argparse
import binascii
import json
import re
import struct
import sys
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from itertools import chain
from operator import add
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HASH_BYTES, KEY_BYTES, KEY_ID_BYTES, TIME_BYTES, SIGNATURE_BYTES = 32, 32, 4, 8, 64
SIZE_MAX = 2**63 - 1

# What a hostile bundle may cost: a piece of it in memory, and the time to read what it unpacks to.
CHUNK_BYTES = LINE_BYTES_MAX = SMALL_BYTES_MAX = 1 << 20
NOTE_BYTES_MAX, SIGNATURES_MAX = 128 * 1024, 128
UNPACKED_BYTES_MAX = 64 << 30
UNPACKED_RATIO_MAX = 100
"""Entries deflate to about an eighth. What would unpack to a hundred times its size is a bomb."""

# --- 1. What comes out -----------------------------------------------------------------------------------------------


class NotABundle(Exception):  # noqa: N818 - it is named for what the file is
    """The file is damaged, or something else; nothing can be said of a log."""


class Unproven(ValueError):  # noqa: N818 - not an error of the program either
    """A part does not show what it should; the sentence says why, and whoever asked for it says where it stood."""


class ProofError(Unproven):
    """A Merkle proof does not show what it was brought for."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first thing that is not as was signed: at which leaf, about which entry, and what, as a sentence."""

    index: int | None
    entry: str | None
    what: str

    def __str__(self) -> str:
        """Return, for instance, "entry 17 (id 01a1…): the proof leads to another root"."""
        if self.index is None:
            return f"entry (id {self.entry}): {self.what}" if self.entry else self.what
        return f"entry {self.index} ({f'id {self.entry}' if self.entry else 'id not known'}): {self.what}"


class Diverged(Exception):  # noqa: N818 - a finding about the log, not an error of the program
    """The bundle is not what its log signed; `divergence` is the first difference."""

    def __init__(self, divergence: Divergence) -> None:
        """Take the first divergence."""
        super().__init__(str(divergence))
        self.divergence = divergence


@dataclass(frozen=True, slots=True)
class Report:
    """What was shown. `caveats` are what it rests on, to be compared with what one got elsewhere."""

    kind: str
    origin: str
    size: int
    root: str
    made_at: str
    entries: int
    pruned: dict[str, int]
    strict: bool
    log_keys: tuple[str, ...]
    handovers: int
    cosigned: dict[str, str]
    quorum: str
    final: bool
    remembered: tuple[int, ...]
    receipts: dict[str, str]
    caveats: tuple[str, ...]


@contextmanager
def _at(where: str, index: int | None = None, entry: str | None = None) -> Iterator[None]:
    """Turn what is unproven inside into the divergence at this place."""
    try:
        yield
    except Unproven as error:
        raise Diverged(Divergence(index, entry, f"{where}: {error}" if where else str(error))) from error


# --- 2. What is checked, in which order ------------------------------------------------------------------------------


def verify_bundle(
    path: str | Path | BinaryIO,
    trust: Trust | None = None,
    remembered: str | bytes | Sequence[str | bytes] | None = None,
    receipts: Sequence[str | bytes] = (),
    *,
    strict: bool | None = None,
    limit: int = UNPACKED_BYTES_MAX,
) -> Report:
    """
    Return what a bundle shows.

    `remembered` is one or several older checkpoints that one kept; `receipts` are compact JWS. `strict` says whether
    each entry's form is checked too: by default in a selection, and not in a whole log. `limit` bounds what the bundle
    unpacks to, in bytes. Raises `Diverged` with the first divergence, and `NotABundle` where the file is none.
    """
    with Bundle.opened(path, limit) as bundle:
        strict = bundle.kind == "selection" if strict is None else strict
        keys = _keys(bundle, trust or Trust(), receipts=bool(receipts))
        with _at("checkpoint"):
            head, cosigned = keys.head(bundle.small("checkpoint"))
            if (head.origin, head.size) != (bundle.origin, bundle.size):
                raise Unproven("the manifest speaks of another log, or of another size")
        notes = [remembered] if isinstance(remembered, str | bytes) else list(remembered or ())
        kept = [_kept(f"kept checkpoint {number}", note, keys, head) for number, note in enumerate(notes, 1)]
        promised = _Promised.read(receipts, keys.receipts)
        roots = [_Root(each.size, each.root, f"hand-over {number}") for number, each in enumerate(keys.handovers, 1)]
        if bundle.kind == "whole":
            pruned = _whole(bundle, keys, head, [*roots, *kept], promised, strict=strict)
        else:
            pruned = {}
            for each in roots:
                if each.size == head.size:
                    each.check(head.root)
            _selection(bundle, head, promised, strict=strict)
            _extends(bundle, head, kept)
        promised.check_all_met(bundle)
        return Report(
            kind=bundle.kind, origin=head.origin, size=head.size, root=b64encode(head.root).decode(),
            made_at=bundle.made_at, entries=bundle.entries, pruned=pruned, strict=strict,
            log_keys=tuple(map(str, keys.terms)), handovers=len(keys.handovers),
            cosigned={keys.policy.called(name): _posix(time) for name, time in cosigned.items()},
            quorum=keys.policy.quorum, final=keys.policy.met(cosigned),
            remembered=tuple(each.size for each in kept), receipts=promised.in_words(), caveats=keys.caveats,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Root:
    """A root that somebody signed for a size of this log, and where that stands."""

    size: int
    root: bytes
    where: str

    def check(self, root: bytes | None) -> None:
        """Raise `Diverged` where the leaves have another root."""
        if root != self.root:
            what = f"{self.where}: the log's first {self.size} leaves have another root there than here: {FORK}"
            raise Diverged(Divergence(None, None, what))


FORK = "two pasts of one log, both signed. Keep both, they prove it"


def _kept(where: str, note: str | bytes, keys: Keys, head: Checkpoint) -> _Root:
    """Return a checkpoint that one kept: of this log, of its key, and of no greater size."""
    with _at(where):
        old, _ = keys.head(note)
        if old.origin != head.origin:
            raise Unproven(f"it is of another log ({old.origin})")
        if old.size > head.size:
            raise Unproven(
                f"it has {old.size} leaves, and the bundle's has {head.size}: the log was rolled back, or the bundle "
                "was made before what you kept"
            )
    kept = _Root(old.size, old.root, where)
    if old.size in {0, head.size}:
        kept.check(head.root if old.size else EMPTY_ROOT)
    return kept


def _selection(bundle: Bundle, head: Checkpoint, promised: _Promised, *, strict: bool) -> None:
    """Check each entry of a selection by its own proof."""
    proofs = bundle.objects("proofs.jsonl", index=int, path=list)
    before, number = -1, 0
    for line in chain.from_iterable(bundle.blocks("entries.jsonl")):
        number += 1
        proof = next(proofs, None)
        if proof is None:
            raise Diverged(Divergence(None, entry_id(line), f"entries.jsonl: line {number} has no proof"))
        index, leaf = proof["index"], leaf_hash(line)
        with _at("", index, entry_id(line)):
            path = [_hex(step) for step in proof["path"]]
            check_inclusion(leaf, index=index, size=head.size, path=path, root=head.root)
            if index <= before:
                raise Unproven("it does not stand in the order of the log, or twice")
            if strict:
                check_entry(line)
        promised.look([line], [leaf], [index])
        before = index
    with _at("proofs.jsonl"):
        if next(proofs, None) is not None:
            raise Unproven("it goes on after the last entry")
    bundle.check_count(number)


def _extends(bundle: Bundle, head: Checkpoint, kept: Iterable[_Root]) -> None:
    """Check by consistency.json that a selection's log extends what one kept. Both ends were compared before."""
    old, path = None, []
    if "consistency.json" in bundle.names:
        with _at("consistency.json"):
            said = _object(bundle.small("consistency.json"), old=int, path=list)
            old, path = said["old"], [_hex(step) for step in said["path"]]
    for each in kept:
        with _at(each.where):
            if each.size in {0, head.size}:
                continue
            if each.size != old:
                raise Unproven(f"the bundle has no consistency proof from size {each.size}; ask for one that has")
            check_consistency(old=each.size, new=head.size, path=path, old_root=each.root, new_root=head.root)


def _whole(
    bundle: Bundle, keys: Keys, head: Checkpoint, roots: Collection[_Root], promised: _Promised, *, strict: bool
) -> dict[str, int]:
    """Check all leaves of a log in one pass, removed ones in their places; return how many each rule removed."""
    graves = _Graves(bundle, keys, head.size, promised)
    published = bundle.reader("leaves.bin") if "leaves.bin" in bundle.names else None
    tree = Tree({each.size for each in roots} | {head.size})
    number, other = 0, None
    for lines in chain(bundle.blocks("entries.jsonl"), [[]]):
        leaves = _hashed(_LEAF, lines)
        number += len(lines)
        merged, places = graves.merge(leaves, tree.size)
        if published and not other:
            stands = dict(zip(places, lines, strict=True))
            other = _first_other(merged, published(HASH_BYTES * len(merged)), tree.size, stands)
        tree.extend(merged)
        if tree.size > head.size:
            raise Diverged(Divergence(head.size, None, f"the tree has {head.size} leaves, and the bundle has more"))
        if strict and not other:
            for place, line in zip(places, lines, strict=True):
                with _at("", place, entry_id(line)):
                    check_entry(line)
        promised.look(lines, leaves, places)
    if tree.roots.get(head.size) != head.root:
        if other and _root_of_published(bundle) == (head.size, head.root):
            raise Diverged(other)
        if not strict:  # it costs a second pass, and may name the entry
            _whole(bundle, keys, head, roots, promised, strict=True)
        raise Diverged(_somewhere(tree, head, roots, graves))
    if other:
        raise Diverged(Divergence(other.index, other.entry, "leaves.bin has another hash than the one that was signed"))
    if published and published(1):
        raise Diverged(Divergence(None, None, "leaves.bin goes on after the last leaf"))
    for each in roots:
        if each.size <= head.size:
            each.check(tree.roots.get(each.size))
    bundle.check_count(number)
    return graves.checked()


def _first_other(leaves: list[bytes], published: bytes, start: int, lines: dict[int, bytes]) -> Divergence | None:
    """Return where these leaves, which begin at an index, first differ from published ones."""
    if b"".join(leaves) == published:
        return None
    for place, leaf in enumerate(leaves):
        log = published[place * HASH_BYTES : (place + 1) * HASH_BYTES]
        if leaf != log:
            index = start + place
            line = lines.get(index)
            what = f"its leaf hash is {leaf.hex()}, and the log signed {log.hex() or 'none'} there"
            return Divergence(index, entry_id(line) if line else None, what)
    return None


def _root_of_published(bundle: Bundle) -> tuple[int, bytes]:
    tree, read = Tree(), bundle.reader("leaves.bin")
    while joined := read(CHUNK_BYTES):
        tree.extend([joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)])
    return tree.size, tree.root()


def _somewhere(tree: Tree, head: Checkpoint, roots: Iterable[_Root], graves: _Graves) -> Divergence:
    """Return a divergence as near as the signed roots allow, where nothing in the bundle names the entry."""
    missing = head.size - tree.size - graves.left
    if missing > 0:
        what = f"the tree has {head.size} leaves: {missing} of them are missing, and no tombstone accounts for them"
        return Divergence(None, None, what)
    signed = sorted((each.size, each.root) for each in roots if each.size < head.size)
    right = [size for size, root in signed if tree.roots.get(size) == root]
    start = max(right, default=0)
    end = min((size for size, root in signed if size > start and tree.roots.get(size) != root), default=head.size)
    what = (
        f"the leaves do not give the root that was signed for size {end}: one of entries {start} to {end - 1} differs"
    )
    return Divergence(None, None, what)


class _Graves:
    """What was removed from a whole log: leaf hashes in their places, and the tombstones that account for them."""

    def __init__(self, bundle: Bundle, keys: Keys, size: int, promised: _Promised) -> None:
        self._tombstones: dict[int, Tombstone] = {}
        for number, said in enumerate(bundle.objects("tombstones.jsonl", tombstone=int, note=str), 1):
            with _at(f"tombstone {said['tombstone']}"):
                if said["tombstone"] in self._tombstones:
                    raise Unproven(f"it is there twice (line {number})")
                self._tombstones[said["tombstone"]] = Tombstone.parse(said["note"], keys, bundle.origin)
        self._lines = bundle.objects("removed.jsonl", index=int, leaf=str, tombstone=int)
        self._size, self._promised, self._before = size, promised, -1
        self._next = self._read()

    def merge(self, leaves: list[bytes], start: int) -> tuple[list[bytes], Sequence[int]]:
        """Return leaves with the removed ones in between, and the indices of those that were given."""
        if self._next is None or self._next[0] > start + len(leaves):
            return leaves, range(start, start + len(leaves))
        merged: list[bytes] = []
        places: list[int] = []
        for leaf in chain(leaves, [None]):
            while self._next is not None and self._next[0] == start + len(merged):
                merged.append(self._next[1])
                self._next = self._read()
            if leaf is not None:
                places.append(start + len(merged))
                merged.append(leaf)
        return merged, places

    @property
    def left(self) -> int:
        """How many removed leaves found no place, because others before them are missing."""
        return 0 if self._next is None else 1 + sum(1 for _ in self._lines)

    def checked(self) -> dict[str, int]:
        """Return how many entries each rule removed. Raises `Diverged` where a tombstone accounts for other ones."""
        pruned: dict[str, int] = {}
        for number, each in self._tombstones.items():
            with _at(f"tombstone {number} (rule {each.rule})"):
                if each.seen != each.entries:
                    raise Unproven(f"it was signed for {each.entries} entries, and {each.seen} are removed by it")
                if each.hashed.digest() != each.digest:
                    raise Unproven("it was signed for other entries than those that are removed by it")
            pruned[each.rule] = pruned.get(each.rule, 0) + each.entries
        return pruned

    def _read(self) -> tuple[int, bytes] | None:
        said = next(self._lines, None)
        if said is None:
            return None
        index = said["index"]
        with _at("", index):
            leaf = _hex(said["leaf"])
            if not self._before < index < self._size:
                raise Unproven("removed.jsonl: it does not stand in the order of the log, or twice")
            tombstone = self._tombstones.get(said["tombstone"])
            if tombstone is None:
                raise Unproven(f"it was removed, and there is no tombstone {said['tombstone']}")
        tombstone.seen += 1
        tombstone.hashed.update(index.to_bytes(8, "big") + leaf)
        self._promised.pruned(leaf, index, tombstone.rule)
        self._before = index
        return index, leaf


SHORTEST_PERIOD = timedelta(days=183)
"""No rule lets an entry go before six months are over."""


@dataclass(slots=True)
class Tombstone:
    """A signed word that entries were removed under a rule: how many and which; and those met so far."""

    rule: str
    entries: int
    digest: bytes
    before: datetime
    at: datetime
    seen: int = 0
    hashed: Any = field(default_factory=sha256)

    @classmethod
    def parse(cls, raw: str, keys: Keys, origin: str) -> Tombstone:
        """Return what a note by the log's key of that time says. Raises `Unproven`."""
        note = Note.parse(raw)
        signers = note.signers(keys.terms)
        if not signers:
            raise Unproven("no signature is by a key of the log that is trusted")
        match note.lines:
            case ("udvej tombstone v1", said, rule, older, entries, digest, time) if said == origin and rule:
                before, at = _time(older), _time(time)
                if not any(keys.terms[key].covers_time(at) for key in signers):
                    raise Unproven("it is signed by a key that was not the log's at that time")
                if before > at - SHORTEST_PERIOD:
                    raise Unproven("it lets go what no rule does: entries that are less than six months old")
                return cls(rule, _decimal(entries), _hash(digest), before, at)
        raise Unproven("this is no tombstone of this log")


# --- 3. The tree (RFC 6962 section 2.1) ------------------------------------------------------------------------------

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


_LEAF, _NODE = sha256(b"\x00"), sha256(b"\x01")


def _hashed(begun: Any, inputs: Iterable[bytes]) -> list[bytes]:
    """Return many hashes that begin alike. To copy one that has begun is quicker than to begin each anew."""
    digests = []
    for each in inputs:
        copy = begun.copy()
        copy.update(each)
        digests.append(copy.digest())
    return digests


class Tree:
    """A tree that grows by leaf hashes and keeps one hash a level at most: its `size`, `root()`, and chosen `roots`."""

    def __init__(self, watch: Iterable[int] = ()) -> None:
        """Watch for sizes: once the tree has grown past one of them, `roots` has the root that it had there."""
        self.size = 0
        self.roots: dict[int, bytes] = {}
        self._watched = sorted(set(watch), reverse=True)
        self._edge: list[bytes | None] = []
        self.extend(())

    def append(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        self.extend((leaf,))

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Append leaf hashes in order. Hand over some thousands at a time: they are hashed level by level."""
        done = 0
        while self._watched and self._watched[-1] <= self.size + len(leaves) - done:
            end = done + self._watched.pop() - self.size
            self._grow(leaves[done:end])
            self.roots[self.size] = self.root()
            done = end
        self._grow(leaves[done:] if done else leaves)

    def root(self) -> bytes:
        """Return the root of the tree as it is now."""
        peaks = [peak for peak in self._edge if peak is not None]
        return _left_of(peaks[0], peaks[1:]) if peaks else EMPTY_ROOT

    def _grow(self, level: Sequence[bytes]) -> None:
        self.size += len(level)
        height = 0
        while level:
            if height == len(self._edge):
                self._edge.append(None)
            waiting = self._edge[height]
            if waiting is not None:
                level = [waiting, *level]
            self._edge[height] = level[-1] if len(level) % 2 else None
            pairs = iter(level)  # an odd last one falls out below: it waits in the edge
            level = _hashed(_NODE, map(add, pairs, pairs))
            height += 1


def check_inclusion(leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """
    Raise `ProofError` unless the path shows the leaf at that index of the tree of that size.

    The path climbs to where leaf and last leaf meet (`inner` steps), and from there on meets left siblings only. How
    many steps each part has follows from index and size.
    """
    if not 0 <= index < size:
        raise ProofError(f"the proof is for leaf {index}, and the tree has {size}")
    inner = (index ^ (size - 1)).bit_length()
    _check_hashes(path, (leaf, root), steps=inner + (index >> inner).bit_count())
    if _left_of(_climbed(leaf, path[:inner], index), path[inner:]) != root:
        raise ProofError("the proof leads to another root")


def check_consistency(*, old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise `ProofError` unless the path shows that the tree of size `new` extends that of size `old`, not empty."""
    if not 0 < old <= new:
        raise ProofError(f"no proof shows that a tree of {new} leaves extends one of {old}")
    if old == new:
        _check_hashes(path, (), steps=0)
        if old_root != new_root:
            raise ProofError("two trees of one size have different roots, and no proof joins them")
        return
    height = (old & -old).bit_length() - 1  # of the complete subtree at the old tree's right edge
    last = old - 1 >> height
    inner = (last ^ (new - 1 >> height)).bit_length()
    complete = last == 0  # that subtree is the whole old tree: the proof leaves its root out
    _check_hashes(path, (old_root, new_root), steps=inner + (last >> inner).bit_count() + (not complete))
    seed, *steps = [old_root, *path] if complete else path
    both, border = steps[:inner], steps[inner:]
    in_old = [step for level, step in enumerate(both) if last >> level & 1]
    if _left_of(seed, in_old + border) != old_root:
        raise ProofError("the proof leads to another root of the old tree")
    if _left_of(_climbed(seed, both, last), border) != new_root:
        raise ProofError("the proof leads to another root of the new tree")


def _check_hashes(path: Sequence[bytes], others: Iterable[bytes], *, steps: int) -> None:
    if len(path) != steps:
        raise ProofError(f"the proof has {len(path)} hashes, and {steps} are needed")
    if any(len(each) != HASH_BYTES for each in (*others, *path)):
        raise ProofError(f"the proof, its leaf or its root has a hash that is not {HASH_BYTES} bytes long")


def _climbed(value: bytes, path: Sequence[bytes], index: int) -> bytes:
    """Return the hash above a node: level by level its index says whether the sibling is to the left (1) or right."""
    for level, step in enumerate(path):
        value = _node(step, value) if index >> level & 1 else _node(value, step)
    return value


def _left_of(value: bytes, siblings: Iterable[bytes]) -> bytes:
    """Return the hash above a node whose siblings are all to the left."""
    for each in siblings:
        value = _node(each, value)
    return value


# --- 4. Signed notes and checkpoints (C2SP) --------------------------------------------------------------------------

LOG, WITNESS = 0x01, 0x04
"""Types of key: a log's Ed25519, and a witness's Ed25519 with a timestamp (`cosignature/v1`)."""

RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, the name it signs under, and its type."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Return the four bytes by which a signature names its key."""
        name = self.name.encode("utf-8", "surrogateescape")
        return sha256(name + b"\n" + bytes([self.kind]) + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the vkey."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str, kind: int) -> Key:
        """Return the key of that type which a vkey writes. Raises `Unproven`."""
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        material = _base64(encoded)
        if not name or any(each.isspace() or each < " " for each in name):
            raise Unproven("a verifier key is <name>+<id>+<key>, and its name has no spaces")
        if len(material) != 1 + KEY_BYTES or material[0] != kind:
            raise Unproven(f"the key of {name} is not an Ed25519 key of type {kind:#04x}")
        key = cls(name, kind, material[1:])
        if key.id.hex() != key_id:
            raise Unproven(f"the key id of {name} is not that of its name and key")
        return key

    def verify(self, text: bytes, signature: bytes) -> int:
        """Return when a witness signed (POSIX seconds; 0 for a log). Raises `Unproven` where this key did not sign."""
        time = 0
        if self.kind == WITNESS:
            time, signature = int.from_bytes(signature[:TIME_BYTES], "big"), signature[TIME_BYTES:]
            text = b"cosignature/v1\ntime %d\n%s" % (time, text)
        if time > SIZE_MAX or not _fits(self.public, signature, text):
            raise Unproven(f"the signature of {self.name} does not fit")
        return time


@dataclass(frozen=True, slots=True)
class Note:
    """A note: its text, the text's lines, and who is said to have signed it (name, key id, signature)."""

    text: bytes
    lines: tuple[str, ...]
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def parse(cls, raw: str | bytes) -> Note:
        """Return a note whose signatures are still to be checked. Raises `Unproven`."""
        if len(raw) > NOTE_BYTES_MAX:
            raise Unproven(f"a note has at most {NOTE_BYTES_MAX} bytes")
        whole = raw if isinstance(raw, str) else _utf8(raw)
        text, blank, tail = whole.rpartition("\n\n")
        signatures = tail.split("\n")
        if not blank or not text or signatures.pop() or not 0 < len(signatures) <= SIGNATURES_MAX:
            raise Unproven("a note is a text, an empty line, and lines of signatures")
        if any(each < " " and each != "\n" for each in whole):
            raise Unproven("a note has no control characters")
        return cls(_bytes(text + "\n"), tuple(text.split("\n")), tuple(map(_signature, signatures)))

    def signers(self, known: Iterable[Key]) -> dict[Key, int]:
        """Return who of the known signed, and when; others are passed over. Raises `Unproven` where one is forged."""
        by_name = {(key.name, key.id): key for key in known}
        signed = [(by_name.get((name, key_id)), signature) for name, key_id, signature in self.signatures]
        return {key: key.verify(self.text, signature) for key, signature in signed if key}


def _signature(line: str) -> tuple[str, bytes, bytes]:
    match line.split(" "):
        case ["—", name, encoded] if name and "+" not in name and not any(map(str.isspace, name)):
            if len(raw := _base64(encoded)) > KEY_ID_BYTES:
                return name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:]
    raise Unproven("a line of signature is a dash, a name, and a key id with a signature in base64")


def _fits(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which log, how many leaves, and which root."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def of(cls, note: Note) -> Checkpoint:
        """Return what a note says of a tree; extension lines are passed over. Raises `Unproven`."""
        match note.lines:
            case (origin, size, root, *_) if all(note.lines):
                return cls(origin, _decimal(size), _hash(root))
        raise Unproven("a checkpoint has an origin, a size and a root, and no empty line")


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unproven("it is not UTF-8") from error


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Unproven("it is not UTF-8") from error


def _base64(text: str, *, url: bool = False) -> bytes:
    """Return bytes from the only way to write them: RFC 4648 section 4, or section 5 without padding for URLs."""
    altchars, padding = (b"-_", "=" * (-len(text) % 4)) if url else (b"+/", "")
    try:
        raw = b64decode(text + padding, altchars, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unproven("what should be base64 is not") from error
    if b64encode(raw, altchars).decode() != text + padding:
        raise Unproven("base64 has one way to write these bytes, and this is another")
    return raw


def _hash(text: str) -> bytes:
    raw = _base64(text)
    if len(raw) != HASH_BYTES:
        raise Unproven(f"a hash has {HASH_BYTES} bytes")
    return raw


def _hex(text: object) -> bytes:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-f]{64}", text):
        raise Unproven("a hash in the proof or list is not 64 hexadecimal digits in lower case")
    return bytes.fromhex(text)


def _decimal(text: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) > SIZE_MAX:
        raise Unproven("a number is not written as it should be, or too great")
    return int(text)


def _time(text: str) -> datetime:
    try:
        if RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unproven("there is no such time") from error
    raise Unproven("a time is not written as in RFC 3339")


def _posix(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} seconds after 1970"


# --- 5. The policy: which logs, which witnesses, how many (C2SP tlog-policy) -----------------------------------------


@dataclass(frozen=True, slots=True)
class Policy:
    """The keys of the log, the witnesses by their names in the policy, and what makes a quorum."""

    logs: tuple[Key, ...]
    witnesses: dict[str, Key]
    groups: dict[str, tuple[int, tuple[str, ...]]]
    quorum: str

    def called(self, witness: str) -> str:
        """Return a witness's name in the policy and the name it signs under."""
        return f"{witness} ({self.witnesses[witness].name})"

    def met(self, cosigned: Iterable[str]) -> bool:
        """Return whether these witnesses are enough."""
        reached = {"none", *cosigned}
        for name, (needed, members) in self.groups.items():  # a group speaks only of what stands above it
            if sum(each in reached for each in members) >= needed:
                reached.add(name)
        return self.quorum in reached

    @classmethod
    def parse(cls, raw: str | bytes) -> Policy:
        """Return what a policy says. Raises `Unproven`, which names the line."""
        text = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogateescape")
        if len(raw) > NOTE_BYTES_MAX or re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
            raise Unproven("a policy is lines of text, and not long")
        reading = cls((), {}, {}, "")
        for number, line in enumerate(text.split("\n"), 1):
            words = [word for word in re.split(r"[ \t]+", line) if word]
            try:
                if words and not words[0].startswith("#"):
                    reading = reading._with(words)
            except Unproven as error:
                raise Unproven(f"line {number} of the policy: {error}") from error
        if not reading.quorum:
            raise Unproven("the policy has no quorum line")
        return reading

    def _with(self, words: list[str]) -> Policy:
        """Return the policy with one more line."""
        logs, witnesses, groups, quorum = self.logs, dict(self.witnesses), dict(self.groups), self.quorum
        named = {*witnesses, *groups}
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                logs = (*logs, _new(Key.parse(vkey, LOG), logs))
            case ["witness", name, vkey] | ["witness", name, vkey, _] if name not in {"none", *named}:
                witnesses[name] = _new(Key.parse(vkey, WITNESS), witnesses.values())
            case ["group", name, needed, *members] if name not in {"none", *named}:
                free = named.difference(*(above for _, above in groups.values()))
                if len(free.intersection(members)) != len(members):
                    raise Unproven("a group's members stand above it, and each belongs to one group and once")
                least = {"all": len(members), "any": 1}.get(needed)
                least = _decimal(needed) if least is None else least
                if not 1 <= least <= len(members):
                    raise Unproven("a group needs one of its members at least, and all at most")
                groups[name] = (least, tuple(members))
            case ["quorum", name] if not quorum and name in {"none", *named}:
                quorum = name
            case _:
                raise Unproven("this is no line of a policy, or names again or too early what it names")
        return Policy(logs, witnesses, groups, quorum)


def _new(key: Key, known: Iterable[Key]) -> Key:
    if any(key.public == each.public for each in known):
        raise Unproven("this key stands there already")
    return key


# --- 6. Trust, and how it passes from key to key ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trust:
    """
    What whoever verifies got elsewhere than from the bundle. What is not given here is taken from the bundle.

    `logs` are vkeys of the log: one is enough, hand-overs lead to the others. `policy` is a policy's text; its `log`
    lines count like `logs`. `receipts` is a JWK set's text. Raises ValueError where one of them can't be read.
    """

    logs: tuple[str, ...] = ()
    policy: str | None = None
    receipts: str | None = None

    def __post_init__(self) -> None:
        """Read it once, so that a slip of whoever verifies is never reported as the log's."""
        for vkey in self.logs:
            Key.parse(vkey, LOG)
        if self.policy is not None:
            Policy.parse(self.policy)
        if self.receipts is not None:
            _receipt_keys(self.receipts)


@dataclass(frozen=True, slots=True)
class Handover:
    """That the log passed from one key to the next: at which size and root, and when. Both keys signed it."""

    old: Key
    new: Key
    size: int
    root: bytes
    time: datetime

    @classmethod
    def parse(cls, raw: str, origin: str) -> Handover:
        """Return a hand-over of this log, once both signatures fit. Raises `Unproven`."""
        note = Note.parse(raw)
        match note.lines:
            case ("udvej log key hand-over v1", said, old_key, new_key, size, root, time) if said == origin:
                old, new = Key.parse(old_key, LOG), Key.parse(new_key, LOG)
                if old == new or {old.name, new.name} != {origin} or len(note.signers({old, new})) != len({old, new}):
                    raise Unproven("it has to be signed by both keys, the old and the new, under the log's name")
                return cls(old, new, _decimal(size), _hash(root), _time(time))
        raise Unproven("this is no hand-over between keys of this log")


@dataclass(frozen=True, slots=True)
class Term:
    """From which hand-over and to which a key was the log's."""

    since: Handover | None = None
    until: Handover | None = None

    def covers(self, size: int) -> bool:
        """Return whether the key was the log's at a size of the tree."""
        return (self.since is None or self.since.size <= size) and (self.until is None or size <= self.until.size)

    def covers_time(self, time: datetime) -> bool:
        """Return whether the key was the log's at a time."""
        return (self.since is None or self.since.time <= time) and (self.until is None or time <= self.until.time)


@dataclass(frozen=True, slots=True)
class Keys:
    """Every key that is trusted for this bundle, and what that trust rests on."""

    terms: dict[Key, Term]
    handovers: tuple[Handover, ...]
    policy: Policy
    receipts: dict[str, bytes]
    caveats: tuple[str, ...]

    def head(self, raw: str | bytes) -> tuple[Checkpoint, dict[str, int]]:
        """Return a checkpoint signed by the key that was then the log's, and who cosigned when. Raises `Unproven`."""
        note = Note.parse(raw)
        head = Checkpoint.of(note)
        signers = note.signers([*self.terms, *self.policy.witnesses.values()])
        by = [key for key in self.terms if key in signers]
        if not by:
            raise Unproven("no signature is by a key of the log that is trusted")
        if any(key.name != head.origin for key in by):
            raise Unproven(f"it speaks of the log {head.origin}, and the key that signed it belongs to {by[0].name}")
        if not any(self.terms[key].covers(head.size) for key in by):
            raise Unproven(f"it is signed by a key (id {by[0].id.hex()}) that was not the log's at size {head.size}")
        return head, {name: signers[key] for name, key in self.policy.witnesses.items() if key in signers}


def _keys(bundle: Bundle, trust: Trust, *, receipts: bool) -> Keys:
    """Return keys and policy as whoever verifies gave them, and from the bundle only what they did not give."""
    with _at("policy"):
        inside = Policy.parse(bundle.small("policy"))
    policy = inside if trust.policy is None else Policy.parse(trust.policy)
    given = [Key.parse(vkey, LOG) for vkey in trust.logs] + list(policy.logs if trust.policy is not None else ())
    caveats = []
    if from_bundle := not given:
        with _at("policy"):
            if not inside.logs:
                raise Unproven("it names no key of the log, and none was given")
        given = [inside.logs[0]]
        caveats.append(_compare("THE LOG'S KEYS", map(str, inside.logs)))
    handovers = []
    for number, said in enumerate(bundle.objects("handovers.jsonl", note=str), 1):
        with _at(f"hand-over {number}"):
            handovers.append(Handover.parse(said["note"], bundle.origin))
    terms = terms_of(given, handovers)
    if from_bundle and (strangers := [key for key in inside.logs if key not in terms]):
        raise Diverged(Divergence(None, None, f"policy: no hand-over leads to the log's key {strangers[0]}"))
    if trust.policy is None:
        lines = [f"{name} {key}" for name, key in inside.witnesses.items()]
        caveats.append(_compare("THE WITNESSES AND THE QUORUM", [*lines, f"quorum {inside.quorum}"]))
    with _at("receipts.jwks.json"):
        receipt_keys = _receipt_keys(bundle.small("receipts.jwks.json"))
    if trust.receipts is not None:
        receipt_keys = _receipt_keys(trust.receipts)
    elif receipts:
        caveats.append(_compare("THE KEYS OF THE RECEIPTS", receipt_keys))
    return Keys(terms, tuple(handovers), policy, receipt_keys, tuple(caveats))


def terms_of(given: Iterable[Key], handovers: Sequence[Handover]) -> dict[Key, Term]:
    """Return each trusted key's term. Raises `Diverged` where the hand-overs make no chain that a trusted key is in."""
    if not handovers:
        return {key: Term() for key in given}
    line = [handovers[0].old]
    for number, each in enumerate(handovers, 1):
        before = handovers[max(0, number - 2)]
        with _at(f"hand-over {number}"):
            if each.old != line[-1] or each.new in line or each.size < before.size or each.time < before.time:
                raise Unproven("it does not go on where the one before it ended")
        line.append(each.new)
    if not set(given) & set(line):
        raise Diverged(Divergence(None, None, "the hand-overs are between keys of which none is trusted"))
    ends = [None, *handovers, None]
    return {key: Term() for key in given} | {key: Term(ends[at], ends[at + 1]) for at, key in enumerate(line)}


def _compare(what: str, keys: Iterable[str]) -> str:
    return (
        f"{what} WERE TAKEN FROM THE BUNDLE ITSELF, AND WHO FORGES A BUNDLE FORGES THEM TOO: COMPARE THEM WITH KEYS "
        f"THAT YOU GOT ELSEWHERE (/api/v1/audit/keys, YOUR OWN RECORDS): {'; '.join(keys)}"
    )


# --- 7. An entry's form (docs/ledger.md, sections 2 and 3) -----------------------------------------------------------

ID_IN_BYTES = re.compile(rb'[,{]"id":"([0-9a-f-]{36})"')


def _written(form: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(form, value) is not None


def _text(value: object) -> bool:
    return isinstance(value, str)


def _or_null(right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or right(value)


def _list_of(right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(right, value))


def _integer(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _detail(value: object) -> bool:
    name = _written("[a-z_]{1,40}")
    return isinstance(value, dict) and all(name(each) and _text(said) for each, said in value.items())


_uuid = _written("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

FORM: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("action", "actor_client", "actor_user", "basis", "db_user", "on_behalf_of", "purpose"), _text),
    **dict.fromkeys(("refusal", "request_id", "role", "subject_id", "subject_kind"), _text),
    **dict.fromkeys(("id", "correlation"), _uuid),
    **dict.fromkeys(("actor_agency", "consent"), _or_null(_uuid)),
    **dict.fromkeys(("basis_version", "consent_version"), _or_null(_integer)),
    **dict.fromkeys(("changes", "criterion"), _written("([0-9a-f]{64})?")),
    "at": _written(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"),
    "categories": _list_of(_text),
    "detail": _detail,
    "outcome": _written("done|refused"),
    "result_ids": _list_of(_uuid),
    "v": lambda value: type(value) is int and value == 1,
    "xid": _written("0|[1-9][0-9]{0,19}"),
}
"""The 27 fields of version 1, and what each may hold."""


def check_entry(line: bytes) -> None:
    """Raise `Unproven` unless these are the canonical bytes (RFC 8785) of an entry of version 1, all fields there."""
    fields = _json(line)
    if not isinstance(fields, dict) or fields.keys() != FORM.keys():
        raise Unproven(f"its bytes are not an entry with the {len(FORM)} fields of version 1")
    for name, right in FORM.items():
        if not right(fields[name]):
            raise Unproven(f"its field {name} does not hold what the format allows")
    if (fields["refusal"] == "") != (fields["outcome"] == "done"):
        raise Unproven("its outcome and its refusal contradict each other")
    if _bytes(json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))) != line:
        raise Unproven("its bytes are not the canonical ones (RFC 8785) of what they say")


def entry_id(line: bytes) -> str | None:
    """Return the id that an entry's bytes give, if they give one."""
    found = ID_IN_BYTES.search(line)
    return found[1].decode() if found else None


# --- 8. Receipts (docs/ledger.md, section 5) -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Promise:
    """What a receipt promised: that this entry, of this time and with this leaf hash, is in the ledger."""

    entry: str
    at: str
    leaf: bytes

    @classmethod
    def parse(cls, raw: str | bytes, keys: Mapping[str, bytes]) -> Promise:
        """Return the promise, once its signature fits. Raises `Unproven`."""
        match (raw if isinstance(raw, str) else _utf8(raw)).strip().split("."):
            case [header, payload, signature] if len(raw) <= NOTE_BYTES_MAX:
                said = _object(_base64(header, url=True), alg=str, typ=str, kid=str)
                promised = _base64(payload, url=True)
            case _:
                raise Unproven("it is not a compact JWS")
        if (said["alg"], said["typ"]) != ("Ed25519", "udvej-receipt+jws"):
            raise Unproven("it is not a receipt of the ledger")
        if said["kid"] not in keys:
            raise Unproven("it is signed by a key that is not known")
        if not _fits(keys[said["kid"]], _base64(signature, url=True), f"{header}.{payload}".encode()):
            raise Unproven("its signature does not fit")
        claims = _object(promised, at=str, entry=str, leaf=str)
        return cls(claims["entry"], claims["at"], _hex(claims["leaf"]))


def _receipt_keys(raw: str | bytes) -> dict[str, bytes]:
    """Return the Ed25519 keys of a JWK set by their RFC 7638 thumbprints. Raises `Unproven`."""
    said = _json(raw if isinstance(raw, bytes) else _bytes(raw))
    if not isinstance(said, dict) or not isinstance(said.get("keys"), list):
        raise Unproven("it is not a JWK set")
    keys = {}
    for each in said["keys"]:
        match each:
            case {"kty": "OKP", "crv": "Ed25519", "x": str(x)}:
                public = _base64(x, url=True)
                thumbprint = sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
                keys[b64encode(thumbprint, b"-_").decode().rstrip("=")] = public
    return keys


@dataclass(frozen=True, slots=True)
class _Promised:
    """The promises that one holds, and in words how they were met; both by leaf hash."""

    by_leaf: dict[bytes, Promise]
    met: dict[bytes, str] = field(default_factory=dict)

    @classmethod
    def read(cls, receipts: Iterable[str | bytes], keys: Mapping[str, bytes]) -> _Promised:
        promises = []
        for number, receipt in enumerate(receipts, 1):
            with _at(f"receipt {number}"):
                promises.append(Promise.parse(receipt, keys))
        return cls({each.leaf: each for each in promises})

    def look(self, lines: Sequence[bytes], leaves: Sequence[bytes], places: Sequence[int]) -> None:
        """Note which promises these entries meet. Raises `Diverged` where one has another id or time than promised."""
        for leaf in self.by_leaf.keys() & set(leaves) if self.by_leaf else ():
            at = leaves.index(leaf)
            promise = self.by_leaf[leaf]
            with _at("", places[at], entry_id(lines[at])):
                said = _json(lines[at])
                if not isinstance(said, dict) or (said.get("id"), said.get("at")) != (promise.entry, promise.at):
                    raise Unproven(f"a receipt gives its leaf hash another id or time ({promise.entry}, {promise.at})")
            self.met[leaf] = f"the entry is there, at index {places[at]}"

    def pruned(self, leaf: bytes, index: int, rule: str) -> None:
        """Note a promise whose entry was removed."""
        if leaf in self.by_leaf:
            self.met[leaf] = f"the entry was there, at index {index}; pruned by rule {rule}"

    def in_words(self) -> dict[str, str]:
        """Return how each promise was met, by entry id."""
        return {self.by_leaf[leaf].entry: how for leaf, how in self.met.items()}

    def check_all_met(self, bundle: Bundle) -> None:
        """Raise `Diverged` for the first promise that was not met, and say whether another entry bears its id."""
        for promise in self.by_leaf.values():
            if promise.leaf in self.met:
                continue
            with _at("", None, promise.entry):
                for line in chain.from_iterable(bundle.blocks("entries.jsonl")):
                    if entry_id(line) == promise.entry:
                        raise Unproven(f"a receipt promised the leaf hash {promise.leaf.hex()}, and the bundle's entry "
                                       f"has {leaf_hash(line).hex()}")  # fmt: skip
                raise Unproven(
                    "a receipt promised it, and it is not in this selection: ask for a bundle that holds it"
                    if bundle.kind == "selection"
                    else "a receipt promised it, and it is not in the log; is the receipt newer than the checkpoint?"
                )


# --- 9. The container: a ZIP file that may be hostile -----------------------------------------------------------------

FORMAT = "udvej-evidence-1"
ALWAYS = {
    "README.md",
    "manifest.json",
    "checkpoint",
    "policy",
    "handovers.jsonl",
    "receipts.jwks.json",
    "entries.jsonl",
}
BY_KIND = {"selection": {"proofs.jsonl"}, "whole": {"removed.jsonl", "tombstones.jsonl"}}
OPTIONAL = {"selection": {"consistency.json", "verify.py"}, "whole": {"consistency.json", "leaves.bin", "verify.py"}}
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, RuntimeError, LookupError)
"""What the standard library raises over damaged ZIP files."""


class Bundle:
    """An opened bundle: bounded and strict reading of its members, and no word about what they say."""

    def __init__(self, members: zipfile.ZipFile, limit: int) -> None:
        """Check the list of members, and read the manifest. Raises `NotABundle`."""
        self._zip = members
        listed = members.infolist()
        self.names = {each.filename for each in listed}
        if len(self.names) != len(listed):
            raise NotABundle("a member is there twice")
        if sum(each.file_size for each in listed) > limit:
            raise NotABundle(f"it would unpack to more than {limit} bytes")
        for each in listed:
            if each.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or each.flag_bits & 1:  # encrypted
                raise NotABundle(f"{each.filename}: it is packed in a way that is not used here")
            if each.file_size > max(SMALL_BYTES_MAX, UNPACKED_RATIO_MAX * each.compress_size):
                raise NotABundle(f"{each.filename}: it would unpack to more than {UNPACKED_RATIO_MAX} times its size")
        shape = {"bundle": str, "origin": str, "size": int, "kind": str, "entries": int, "made_at": str}
        try:
            said = _object(self.small("manifest.json"), **shape)
        except Unproven as error:
            raise NotABundle(f"manifest.json: {error}") from error
        self.origin, self.size, self.kind = said["origin"], said["size"], said["kind"]
        self.entries, self.made_at = said["entries"], said["made_at"]
        if said["bundle"] != FORMAT or self.kind not in BY_KIND:
            raise NotABundle(f"manifest.json: this is no bundle of the form {FORMAT}")
        needed = ALWAYS | BY_KIND[self.kind]
        if wrong := sorted(needed - self.names) + sorted(self.names - needed - OPTIONAL[self.kind]):
            raise NotABundle(f"a member is missing or does not belong there: {wrong[0]}")

    @classmethod
    @contextmanager
    def opened(cls, path: str | Path | BinaryIO, limit: int) -> Iterator[Bundle]:
        """Open a bundle for as long as it is read."""
        with _intact("the file"):
            members = zipfile.ZipFile(path)
        with members:
            yield cls(members, limit)

    def reader(self, name: str) -> Callable[[int], bytes]:
        """Return what reads on in a member, so many bytes at a time and fewer only at its end."""
        with _intact(name):
            member = self._zip.open(name)

        def read(size: int) -> bytes:
            with _intact(name):
                return member.read(size)

        return read

    def small(self, name: str) -> bytes:
        """Return a member that is never large. Raises `Unproven` where it is."""
        read = self.reader(name)
        raw = read(SMALL_BYTES_MAX)
        if read(1):  # reading to the very end is also what compares the checksum
            raise Unproven("it is too large")
        return raw

    def blocks(self, name: str) -> Iterator[list[bytes]]:
        """Yield a member's lines without their line feeds, some thousands at a time. Raises `Diverged`."""
        read, rest = self.reader(name), b""
        with _at(name):
            while chunk := read(CHUNK_BYTES):
                lines = BytesIO(rest + chunk).readlines()  # far quicker than to split
                rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
                if len(rest) > LINE_BYTES_MAX or b"\n" in lines:
                    raise Unproven("a line is empty, or far too long")
                yield [line[:-1] for line in lines]
            if rest:
                raise Unproven("the last line is not ended by a line feed")

    def objects(self, name: str, **shape: type) -> Iterator[dict[str, Any]]:
        """Yield the JSON object of each line. Raises `Diverged`, which names the line."""
        for number, line in enumerate(chain.from_iterable(self.blocks(name)), 1):
            with _at(f"{name}, line {number}"):
                said = _object(line, **shape)
            yield said

    def check_count(self, entries: int) -> None:
        """Raise `Diverged` unless there are as many entries as the manifest says."""
        with _at("entries.jsonl"):
            if entries != self.entries:
                raise Unproven(f"it has {entries} entries, and the manifest says {self.entries}")


@contextmanager
def _intact(name: str) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise NotABundle(f"{name}: it cannot be read as part of a ZIP file ({error})") from error


def _json(raw: bytes) -> Any:
    """Return what JSON says, if it says nothing twice and its numbers are whole and of sane length."""
    if re.search(rb"[\x00-\x09\x0b-\x1f]", raw):
        raise Unproven("it has control characters")
    try:
        return json.loads(
            _utf8(raw), object_pairs_hook=_once, parse_int=_decimal, parse_float=_decimal, parse_constant=_decimal
        )
    except RecursionError as error:
        raise Unproven("it is nested far too deep") from error
    except json.JSONDecodeError as error:
        raise Unproven("it is not JSON") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        raise Unproven("it names a member twice")
    return said


def _object(raw: bytes, **shape: type) -> dict[str, Any]:
    """Return a JSON object with exactly these members, each of its type."""
    said = _json(raw)
    if not isinstance(said, dict) or {name: type(each) for name, each in said.items()} != shape:
        raise Unproven(f"it is not an object with the members {', '.join(shape)}, each of its type")
    return said


# --- 10. In words, and on the command line ---------------------------------------------------------------------------


def words(report: Report) -> list[str]:
    """Return a report as lines for people."""
    whole = report.kind == "whole"
    lines = [
        "VERIFIED" if report.final else "VERIFIED, BUT NOT FINAL",
        *report.caveats,  # first: what follows rests on them
        f"log {report.origin}: {report.size} leaves, root {report.root}",
        f"signed by a key that is trusted; {report.handovers} hand-overs between keys of the log",
        f"whole log: all {report.size} leaves give that root; {report.entries} entries are here"
        if whole
        else f"selection: each of {report.entries} entries is proved to be in that tree; others may be left out",
        *(f"{count} entries were pruned by rule {rule}" for rule, count in sorted(report.pruned.items())),
        "each entry's form was checked" if report.strict else "each entry's form was not checked (--strict)",
        *(f"cosigned by {witness} at {time}" for witness, time in report.cosigned.items()),
    ]
    if report.quorum == "none":
        lines.append("the policy asks for no witness: a stolen log key would not be noticed by this checkpoint alone")
    else:
        met = "is met: the checkpoint is final" if report.final else "IS NOT MET: the checkpoint is not final"
        lines.append(f"the quorum {report.quorum} {met}")
    lines += [f"the checkpoint you kept of size {size}: this log extends it" for size in report.remembered]
    return lines + [f"receipt of {entry}: {what}" for entry, what in report.receipts.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify bundles, print what was found, and return 0 (verified), 1 (diverged), or 2 (no bundle, or wrong usage)."""
    asked = argparse.ArgumentParser(description="Verify evidence bundles of the ledger; trusts nobody but you.")
    asked.add_argument("bundles", nargs="+", metavar="BUNDLE.zip")
    asked.add_argument("--log", action="append", default=[], metavar="VKEY", help="a key of the log that you trust")
    asked.add_argument("--policy", metavar="FILE", help="your own policy (c2sp.org/tlog-policy)")
    asked.add_argument("--receipt-keys", metavar="FILE", help="your own copy of the JWK set by which receipts verify")
    asked.add_argument("--remembered", action="append", default=[], metavar="FILE", help="a checkpoint that you kept")
    asked.add_argument("--receipt", action="append", default=[], metavar="FILE", help="a receipt that you hold")
    asked.add_argument("--strict", action=argparse.BooleanOptionalAction, help="check each entry's form")
    asked.add_argument("--limit", type=int, default=UNPACKED_BYTES_MAX, metavar="BYTES", help="unpacked, at most")
    asked.add_argument("--json", action="store_true", help="one JSON object a line for each bundle")
    options = asked.parse_args(arguments)
    try:
        policy, keys = (_file(each) for each in (options.policy, options.receipt_keys))
        trust = Trust(tuple(options.log), policy, keys)
        remembered = [Path(each).read_bytes() for each in options.remembered]
        receipts = [Path(each).read_bytes() for each in options.receipt]
    except (OSError, ValueError) as error:
        asked.error(str(error))
    codes = set()
    for path in options.bundles:
        try:
            report = verify_bundle(path, trust, remembered, receipts, strict=options.strict, limit=options.limit)
            code, lines, said = 0, words(report), {"outcome": "verified", **asdict(report)}
        except Diverged as error:
            code, lines, said = 1, [f"DIVERGED: {error}"], {"outcome": "diverged", **asdict(error.divergence)}
        except NotABundle as error:
            code, lines, said = 2, [f"NOT A BUNDLE: {error}"], {"outcome": "not a bundle", "what": str(error)}
        codes.add(code)
        shown = [json.dumps({"bundle": path, **said})] if options.json else [f"{path}: {lines[0]}", *lines[1:]]
        sys.stdout.write("".join(f"{_harmless(line)}\n" for line in shown))
    return 1 if 1 in codes else max(codes)


def _file(path: str | None) -> str | None:
    return None if path is None else Path(path).read_bytes().decode("utf-8", "surrogateescape")


def _harmless(line: str) -> str:
    """Return a line in ASCII: what a hostile bundle says can't steer a terminal, and prints on any."""
    return "".join(each if each.isascii() and each.isprintable() else f"\\u{{{ord(each):x}}}" for each in line)


if __name__ == "__main__":
    sys.exit(main())
