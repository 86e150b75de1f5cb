"""An attacker who owns the database, step by step deeper: each step mends what the step before left to be found."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from audit.merkle import Edge
from audit.models import Checkpoint as Row
from audit.notes import Checkpoint, Signer, signed
from tests.audit.logs import OWNER, SUPERUSER, Log

TABLES = (
    *("audit_entry", "audit_pending", "audit_leaf", "audit_tile", "audit_checkpoint", "audit_cosignature"),
    *("audit_logkey", "audit_tombstone", "audit_removed", "auditlog_logentry"),
)


@contextmanager
def triggers_off(log: Log, *, role: str = OWNER) -> Iterator[psycopg.Connection[Any]]:
    """Switch every trigger off, as the owner can, and on again afterwards."""
    with log.session(role) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        try:
            yield connection
        finally:
            for table in TABLES:
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
                for (name,) in connection.execute(
                    "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table]
                ).fetchall():
                    connection.execute(f'ALTER TABLE {table} ENABLE ALWAYS TRIGGER "{name}"')


def entry_at(connection: psycopg.Connection[Any], index: int) -> Any:
    """Return the id of the entry at a place of the tree."""
    row = connection.execute("SELECT entry_id FROM audit_leaf WHERE index = %s", [index]).fetchone()
    assert row is not None
    return row[0]


def rewrite(log: Log, index: int, *, depth: int, signer: Signer | None = None) -> None:
    """
    Write into an entry that somebody else looked, and cover it up to a depth: 1 the column alone, 2 its bytes, 3 its
    hash, 4 its leaf, 5 its tiles, 6 the checkpoints, signed by `signer`.
    """
    with triggers_off(log) as connection:
        entry = entry_at(connection, index)
        connection.execute("UPDATE audit_entry SET on_behalf_of = 'somebody else' WHERE id = %s", [entry])
        if depth > 1:
            connection.execute("UPDATE audit_entry e SET canonical = audit_canonical(e) WHERE id = %s", [entry])
        if depth > 2:
            connection.execute(
                "UPDATE audit_entry SET leaf_hash = sha256('\\x00'::bytea || canonical) WHERE id = %s", [entry]
            )
        if depth > 3:
            connection.execute(
                "UPDATE audit_leaf l SET leaf_hash = e.leaf_hash FROM audit_entry e WHERE e.id = l.entry_id"
            )
        if depth > 4:
            regrow(connection)
        if depth > 5:
            assert signer is not None
            sign_anew(connection, log, signer)


def regrow(connection: psycopg.Connection[Any]) -> None:
    """Make the tiles what the leaves now give."""
    leaves = connection.execute("SELECT leaf_hash FROM audit_leaf ORDER BY index").fetchall()
    for tile in Edge().append(leaf for (leaf,) in leaves):
        connection.execute(
            "UPDATE audit_tile SET hashes = %s, root = %s WHERE level = %s AND index = %s",
            [tile.hashes, tile.root, tile.level, tile.index],
        )


def sign_anew(connection: psycopg.Connection[Any], log: Log, signer: Signer) -> None:
    """Replace every checkpoint by one over the leaves as they now are."""
    leaves = [leaf for (leaf,) in connection.execute("SELECT leaf_hash FROM audit_leaf ORDER BY index").fetchall()]
    for number, size in connection.execute("SELECT number, size FROM audit_checkpoint").fetchall():
        edge = Edge()
        edge.append(leaves[:size])
        head = Checkpoint(log.origin, size, edge.root())
        connection.execute(
            "UPDATE audit_checkpoint SET root = %s, note = %s WHERE number = %s",
            [head.root, str(signed(str(head), by=[signer])), number],
        )


def newest(log: Log) -> Row:
    """Return the newest checkpoint as it is stored."""
    row = Row.objects.using(log.alias(SUPERUSER)).order_by("-number").first()
    assert row is not None
    return row
