"""
What a proof from a large tree costs, and how fast the live check goes through a whole ledger, beside bare SHA-256.

A proof is *cold* where nothing of the tree is remembered, as in a process that has just started, and *warm* where the
process has made proofs before. Each is checked. *Raw* hashes as many leaves and nodes, prepared in memory.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from audit import checkpoints
from audit.checking import Checked, check
from audit.merkle import check_consistency, check_inclusion
from audit.publishing import Memory
from audit.tree import Tree
from bench.ledger_plans import at
from bench.verification import Times, hashed, timed

SEED = 20261122
PROOFS = 2_000
WARMING = 200
SAMPLE = 200_000
"""Of how many entries' bytes the raw rate is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What 2,000 proofs of one kind took, in ms each, and how many hashes the longest has."""

    name: str
    p50: float
    p99: float
    hashes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the check of the whole ledger took, and what bare hashing would have taken for as many entries."""

    checked: Checked
    took: Times
    raw: list[Times]

    def share(self, clock: str) -> float:
        """Return the check's rate as a part of the raw one, by the clock on the wall or by seconds of computing."""
        bare = sum(getattr(each, clock) for each in self.raw) / len(self.raw)
        return float(bare / getattr(self.took, clock))


def proofs() -> list[Proofs]:
    """Make proofs from random leaves, and between random sizes, of the newest checkpoint; cold and warm."""
    head = checkpoints.newest()
    if head is None:
        raise RuntimeError("nothing is signed yet")
    drawn = random.Random(SEED)  # noqa: S311 - a measurement's draws, and repeatable
    tree = Tree()

    def inclusion(of: Tree, index: int, leaf: bytes) -> tuple[float, int]:
        took, path = _timed(lambda: of.inclusion(index, head.size))
        check_inclusion(leaf, index=index, size=head.size, path=path, root=head.root)
        return took, len(path)

    def consistency(of: Tree, old: int) -> tuple[float, int]:
        took, path = _timed(lambda: of.consistency(old, head.size))
        check_consistency(old=old, new=head.size, path=path, old_root=tree.root(old), new_root=head.root)
        return took, len(path)

    def leaves(many: int) -> list[tuple[int, bytes]]:
        return [(index, _leaf(index)) for index in (drawn.randrange(head.size) for _ in range(many))]

    for index, leaf in leaves(WARMING):
        inclusion(tree, index, leaf)
    cold, warm = leaves(PROOFS), leaves(PROOFS)
    sizes = [drawn.randrange(1, head.size) for _ in range(PROOFS)]
    return [
        _proofs("inclusion, cold", [inclusion(Tree(), *each) for each in cold]),
        _proofs("inclusion, warm", [inclusion(tree, *each) for each in warm]),
        _proofs("consistency, cold", [consistency(Tree(), old) for old in sizes]),
        _proofs("consistency, warm", [consistency(tree, old) for old in sizes]),
    ]


def verified(memory: Path) -> Verified:
    """Check the whole ledger as the reading role, with bare hashing before and after."""
    found: list[Checked] = []
    before = _raw()
    took = timed(lambda: found.append(check(memory=Memory(memory), using="reader")))
    after = _raw()
    times = found[0].entries / SAMPLE
    return Verified(
        checked=found[0], took=took, raw=[Times(each.wall * times, each.cpu * times) for each in (before, after)]
    )


def _raw() -> Times:
    with connection.cursor() as cursor:
        cursor.execute("SELECT canonical FROM audit_entry ORDER BY id LIMIT %s", [SAMPLE])
        block = [b"\x00" + bytes(canonical) for (canonical,) in cursor.fetchall()]
    inputs = [*block, *(b"\x01" + each[-64:] for each in block)]
    took = timed(lambda: hashed(inputs))
    return Times(took.wall * SAMPLE / len(block), took.cpu * SAMPLE / len(block))


def _timed(make: Callable[[], list[bytes]]) -> tuple[float, list[bytes]]:
    begun = time.perf_counter()
    path = make()
    return (time.perf_counter() - begun) * 1000, path


def _proofs(name: str, made: list[tuple[float, int]]) -> Proofs:
    took = [each for each, _ in made]
    return Proofs(name=name, p50=at(took, 0.5), p99=at(took, 0.99), hashes=max(hashes for _, hashes in made))


def _leaf(index: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT leaf_hash FROM audit_leaf WHERE index = %s", [index])
        return bytes(cursor.fetchone()[0])
