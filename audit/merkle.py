"""
The Merkle tree's arithmetic: hashes, tiles, proofs and their checks (RFC 6962 section 2.1, RFC 9162 section 2.1).

Pure: no database, no clock, no settings. It knows hashes and numbers, and not what a leaf says.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
"""C2SP tlog-tiles: a tile is a complete subtree of height 8, written as its 256 lowest hashes."""

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""Given a height h and a position p, the hash over the leaves from p * 2**h up to (p + 1) * 2**h."""


class ProofError(ValueError):
    """A proof does not show what it was brought for; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A full tile: its level, its index within the level, and its 256 hashes one after the other."""

    level: int
    index: int
    hashes: bytes

    @property
    def root(self) -> bytes:
        """The hash over the tile's whole subtree: one of the hashes of the tile above."""
        return complete_root(split_hashes(self.hashes))


@dataclass(slots=True)
class Edge:
    """The right edge of a growing tree: its size, and at each level the hashes of the tile that is not full yet."""

    size: int = 0
    partial: list[list[bytes]] = field(default_factory=list)

    def append(self, leaves: Iterable[bytes]) -> list[Tile]:
        """Append leaf hashes, and return the tiles that this filled, lower levels before those above them."""
        full: list[Tile] = []
        for leaf in leaves:
            self._put(0, leaf, full)
            self.size += 1
        return full

    def root(self) -> bytes:
        """Return the root of the tree."""
        peaks = [peak for hashes in reversed(self.partial) for peak in _peaks(hashes)]
        return folded(peaks)

    def _put(self, level: int, value: bytes, full: list[Tile]) -> None:
        if level == len(self.partial):
            self.partial.append([])
        hashes = self.partial[level]
        hashes.append(value)
        if len(hashes) == TILE_WIDTH:
            tile = Tile(level, (self.size >> TILE_HEIGHT * (level + 1)), b"".join(hashes))
            self.partial[level] = []
            full.append(tile)
            self._put(level + 1, complete_root(hashes), full)


def node(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def split_hashes(joined: bytes) -> list[bytes]:
    """Return the hashes of a tile one by one."""
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a number of hashes that is a power of two."""
    while len(hashes) > 1:
        hashes = [sha256(b"\x01" + hashes[at] + hashes[at + 1]).digest() for at in range(0, len(hashes), 2)]
    return hashes[0]


def folded(peaks: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees, given from the largest, leftmost, to the smallest."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node(peak, root)
    return root


def range_root(start: int, end: int, subtree: Subtree) -> bytes:
    """Return the hash over the leaves [start, end), where start is a multiple of the largest power of two within."""
    peaks = []
    while start < end:
        height = (end - start).bit_length() - 1
        peaks.append(subtree(height, start >> height))
        start += 1 << height
    return folded(peaks)


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return the audit path of a leaf in the tree of a size, from the leaf upwards. Raises ValueError outside it."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none at {index}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _left(end - start)
        if index < middle:
            path.append(range_root(middle, end, subtree))
            end = middle
        else:
            path.append(range_root(start, middle, subtree))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Return the proof that the tree of size `new` extends the one of size `old`; empty for 0 and for the same size."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not extend one of {old}")
    path, start, end = [], 0, new
    while old not in {0, end}:
        middle = start + _left(end - start)
        if old <= middle:
            path.append(range_root(middle, end, subtree))
            end = middle
        else:
            path.append(range_root(start, middle, subtree))
            start = middle
    if start:
        path.append(range_root(start, end, subtree))
    return path[::-1]


def check_inclusion(leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise `ProofError` unless the path shows the leaf at that index of the tree (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofError("the index lies outside the tree")
    _check_hashes(leaf, root, *path)
    first, last, computed = index, size - 1, leaf
    for step in path:
        if last == 0:
            raise ProofError("the proof is too long")
        if first & 1 or first == last:
            computed = node(step, computed)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            computed = node(computed, step)
        first, last = first >> 1, last >> 1
    if last != 0:
        raise ProofError("the proof is too short")
    if computed != root:
        raise ProofError("the proof leads to another root")


def check_consistency(*, old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise `ProofError` unless the path shows that the new tree extends the old one (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= new:
        raise ProofError("a tree is shown to extend an earlier one that is not empty")
    if old == new:
        if path or old_root != new_root:
            raise ProofError("trees of one size have one root, and need no proof")
        return
    _check_hashes(old_root, new_root, *path)
    if not path:
        raise ProofError("the proof is too short")
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    steps = [old_root, *path] if first == 0 else list(path)
    old_computed, new_computed = _climbed(first, last, steps)
    if old_computed != old_root:
        raise ProofError("the proof leads to another root of the old tree")
    if new_computed != new_root:
        raise ProofError("the proof leads to another root of the new tree")


def _climbed(first: int, last: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return both roots that a consistency proof leads to, from the node that the two trees share."""
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if first & 1 or first == last:
            old, new = node(step, old), node(step, new)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new = node(new, step)
        first, last = first >> 1, last >> 1
    if last != 0:
        raise ProofError("the proof is too short")
    return old, new


def _check_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofError("a hash has 32 bytes")


def _left(leaves: int) -> int:
    """Return the largest power of two below a number of leaves: how many lie left of the root."""
    return 1 << (leaves - 1).bit_length() - 1


def _peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the roots of the complete subtrees that a tile's hashes make, the largest first."""
    peaks, start = [], 0
    while start < len(hashes):
        width = 1 << (len(hashes) - start).bit_length() - 1
        peaks.append(complete_root(hashes[start : start + width]))
        start += width
    return peaks
