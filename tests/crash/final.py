"""
What is in the database when all is quiet, read as its superuser: the rows that the checker holds a history against.

Reading is all that happens here. Whatever the exchange itself says afterwards is part of the history.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

REFERRALS = """
    SELECT id::text, sender_id::text AS sender, idempotency_key AS key, version, status, consent_id::text AS consent
    FROM referrals_referral
"""
CONSENTS = """
    SELECT c.id::text, c.registered_by_id::text AS registered_by, c.idempotency_key AS key, c.version,
        array_agg(e.kind::text ORDER BY e.number) AS events
    FROM consent_consent c JOIN consent_consentevent e ON e.consent_id = c.id GROUP BY c.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """The state after a run: rows by id, the ledger's entries with every column, and the keys that sign receipts."""

    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pending: Mapping[str, bytes] = field(default_factory=dict)
    referrals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    consents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)


def read_final(url: str, *, keys: Mapping[str, Any]) -> Final:
    """Return what the database at a URL holds; `keys` is the JWK set that the exchange published."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        entries = connection.execute("SELECT * FROM audit_entry").fetchall()
        pending = connection.execute("SELECT entry_id::text, leaf_hash FROM audit_pending").fetchall()
        referrals = connection.execute(REFERRALS).fetchall()
        consents = connection.execute(CONSENTS).fetchall()
    return Final(
        entries={str(row["id"]): row for row in entries},
        pending={row["entry_id"]: bytes(row["leaf_hash"]) for row in pending},
        referrals={row["id"]: row for row in referrals},
        consents={row["id"]: row for row in consents},
        keys=keys,
    )
