"""
Reads the sealed tree: its leaves, tiles, roots and proofs. It signs nothing, writes nothing, and asks nobody who asks.

Full tiles are stored and never change, so they are remembered. Partial ones follow from the leaves, and from the roots
of the tiles below (c2sp.org/tlog-tiles).
"""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from audit.merkle import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Edge,
    Subtree,
    complete_root,
    consistency_path,
    inclusion_path,
    range_root,
    split_hashes,
)

TILES_REMEMBERED = 2048
"""Of 8 KiB each: the right edge and whatever was asked for of late."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a leaf is in the tree."""

    index: int
    entry: UUID
    leaf_hash: bytes


class Tree:
    """The tree of one database, read through one connection alias."""

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self._using = using
        self._full: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def size(self) -> int:
        """Return how many leaves are sealed, signed for or not."""
        return int(self._rows("SELECT coalesce(max(index) + 1, 0) FROM audit_leaf")[0][0])

    def place_of(self, leaf_hash: bytes) -> Place | None:
        """Return where the leaf of this hash is, or None where no such one is sealed."""
        rows = self._rows("SELECT index, entry_id FROM audit_leaf WHERE leaf_hash = %s LIMIT 1", leaf_hash)
        return Place(rows[0][0], rows[0][1], leaf_hash) if rows else None

    def root(self, size: int) -> bytes:
        """Return the root of the tree of a size that it has reached."""
        return range_root(0, size, self._subtrees())

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of a leaf in the tree of a size (RFC 6962 section 2.1.1). Raises ValueError."""
        return inclusion_path(index, size, self._subtrees())

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that one tree extends another (RFC 6962 section 2.1.2). Raises ValueError."""
        return consistency_path(old, new, self._subtrees())

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return the first `width` hashes of a tile, or None where the tree has not reached so far."""
        hashes = self._hashes(level, index)
        return b"".join(hashes[:width]) if len(hashes) >= width else None

    def edge(self) -> Edge:
        """Return the right edge, from which the tree grows."""
        size = self.size()
        edge = Edge(size)
        for level in range((size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT + 1):
            reached = size >> TILE_HEIGHT * level
            if not reached:
                break
            hashes = self._hashes(level, reached >> TILE_HEIGHT) if reached % TILE_WIDTH else []
            edge.partial.append(hashes[: reached % TILE_WIDTH])
        return edge

    def _subtrees(self) -> Subtree:
        """Return what reads subtrees for one proof: a partial tile is read once for it, and forgotten."""
        read: dict[tuple[int, int], list[bytes]] = {}

        def subtree(height: int, position: int) -> bytes:
            level, within = divmod(height, TILE_HEIGHT)
            start = position << within
            tile = (level, start >> TILE_HEIGHT)
            if tile not in read:
                read[tile] = self._hashes(*tile)
            first = start % TILE_WIDTH
            return complete_root(read[tile][first : first + (1 << within)])

        return subtree

    def _hashes(self, level: int, index: int) -> list[bytes]:
        """Return the hashes of a tile, as many as there are."""
        if remembered := self._full.get((level, index)):
            with suppress(KeyError):  # another thread has just let go of it
                self._full.move_to_end((level, index))
            return remembered
        stored = self._rows("SELECT hashes FROM audit_tile WHERE level = %s AND index = %s", level, index)
        if stored:
            self._full[(level, index)] = hashes = split_hashes(bytes(stored[0][0]))
            if len(self._full) > TILES_REMEMBERED:
                self._full.popitem(last=False)
            return hashes
        start, end = index << TILE_HEIGHT, index + 1 << TILE_HEIGHT
        if level == 0:
            below = self._rows(
                "SELECT leaf_hash FROM audit_leaf WHERE index >= %s AND index < %s ORDER BY index", start, end
            )
        else:
            below = self._rows(
                "SELECT root FROM audit_tile WHERE level = %s AND index >= %s AND index < %s ORDER BY index",
                *(level - 1, start, end),
            )
        return [bytes(each) for (each,) in below]

    def _rows(self, question: str, *values: int | bytes) -> list[tuple[Any, ...]]:
        with connections[self._using].cursor() as cursor:
            cursor.execute(question, values)
            return list(cursor.fetchall())
