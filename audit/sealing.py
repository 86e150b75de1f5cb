"""
Seals the ledger: takes committed entries out of the queue, gives each its place, and grows the tree over them.

One sealer at a time, by an advisory lock. A row of the queue is visible only once its entry is committed, so nothing
committed is missed and nothing is sealed that rolled back; leaf, tile and queue change in one transaction, so a sealer
killed at any point loses or doubles nothing. Nothing here signs; `publishing` does, after the commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from audit.merkle import Edge
from audit.tree import Tree

LOCK = 0x5564_7665_6A01
"""The advisory lock's number: whoever holds it is the sealer of that database."""

BATCH = 10_000
TAKE = """
    INSERT INTO audit_leaf (index, entry_id, leaf_hash)
    SELECT %s + row_number() OVER (ORDER BY p.entry_id) - 1, p.entry_id, p.leaf_hash
    FROM (SELECT entry_id, leaf_hash FROM audit_pending ORDER BY entry_id LIMIT %s) p
    RETURNING index, leaf_hash
"""
LEAVE = "DELETE FROM audit_pending p USING audit_leaf l WHERE l.entry_id = p.entry_id AND l.index >= %s"
KEEP = "INSERT INTO audit_tile (level, index, hashes, root) VALUES (%s, %s, %s, %s)"


class AnotherSeals(RuntimeError):  # noqa: N818 - says who does
    """Another process is this database's sealer."""


@contextmanager
def alone(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Be the only sealer of a database while its session lasts. Raises `AnotherSeals`."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise AnotherSeals("another process seals this database's ledger")
    try:
        yield
    finally:
        connections[using].close()  # and with the session goes the lock, whatever state it was in


def seal(edge: Edge, *, using: str = DEFAULT_DB_ALIAS, limit: int = BATCH) -> Edge:
    """
    Seal up to `limit` waiting entries in one transaction, and return the edge of the tree as it then is.

    Raises DatabaseError where anything of it can't be written; then nothing was, and the edge given still holds.
    """
    with transaction.atomic(using=using, durable=True), connections[using].cursor() as cursor:
        cursor.execute(TAKE, [edge.size, limit])
        leaves = [bytes(leaf) for _, leaf in sorted(cursor.fetchall(), key=lambda row: row[0])]
        if not leaves:
            return edge
        grown = Edge(edge.size, [list(hashes) for hashes in edge.partial])
        tiles = grown.append(leaves)
        cursor.executemany(KEEP, [(tile.level, tile.index, tile.hashes, tile.root) for tile in tiles])
        cursor.execute(LEAVE, [edge.size])
    return grown


def edge_of(using: str = DEFAULT_DB_ALIAS) -> Edge:
    """Return the edge from which the tree of a database grows, read anew."""
    return Tree(using).edge()
