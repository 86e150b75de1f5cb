"""
How strongly an entry must stand before anything is shown on its strength: committed, or covered by a signed checkpoint.

The database holds the choice and enforces it in every release (migrations/0006); its owner alone can change it. Here is
how a request waits for the checkpoint, and how the choice is read and made.
"""

import time
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

COMMITTED, SEALED = "committed", "sealed"
WAIT_SECONDS = 2.0
LOOK_SECONDS = 0.01
COVERED = """
    SELECT s.name = 'committed' OR EXISTS (SELECT 1 FROM audit_leaf l WHERE l.entry_id = %s
        AND l.index < (SELECT max(c.size) FROM audit_checkpoint c)) FROM audit_strength s
"""


def asked(using: str = DEFAULT_DB_ALIAS) -> str:
    """Return the strength that releases demand: `committed` or `sealed`."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT name FROM audit_strength")
        return str(cursor.fetchone()[0])


def choose(name: str, *, using: str = "owner") -> None:
    """Make a strength the one that every release demands, from the next one on. Raises ValueError for another word."""
    if name not in {COMMITTED, SEALED}:
        raise ValueError(f"{name!r} is no strength: {COMMITTED} or {SEALED}")
    with connections[using].cursor() as cursor:
        cursor.execute("UPDATE audit_strength SET name = %s, since = now() WHERE name <> %s", [name, name])


def awaited(entry: UUID) -> bool:
    """Wait until an entry stands as strongly as is demanded, for two seconds at most; return whether it does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not _covered(entry):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _covered(entry: UUID) -> bool:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(COVERED, [entry])
        return bool(cursor.fetchone()[0])
