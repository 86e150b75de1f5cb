"""
The one way to write an entry as bytes, and the leaf hash over them. Pure: no database, no clock, no settings.

The format is RFC 8785 (JSON Canonicalization Scheme) restricted to what an entry holds: objects, arrays, strings,
null, and integers below 2**53. The database writes the same bytes itself when it stamps an entry (migrations/0002);
verification recomputes them here from the columns and compares both. docs/ledger.md gives an example first.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

VERSION = 1
COLUMNS = frozenset(
    {
        *("id", "xid", "at", "db_user", "action", "actor_agency", "actor_client", "actor_user", "on_behalf_of", "role"),
        *("subject_kind", "subject_id", "purpose", "basis", "basis_version", "consent", "consent_version"),
        *(
            "categories",
            "outcome",
            "refusal",
            "result_ids",
            "criterion",
            "correlation",
            "request_id",
            "changes",
            "detail",
        ),
    }
)
"""Every column that is in the bytes."""

STORED_APART = frozenset({"canonical", "leaf_hash"})
"""The columns that are not in the bytes: the bytes themselves, and the hash over them."""


def jcs(value: object) -> bytes:
    """Return the RFC 8785 bytes of a value made of dict, list, str, int and None; keys must be ASCII."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def entry_bytes(columns: Mapping[str, object]) -> bytes:
    """
    Return the canonical bytes of an entry, given every column by name.

    Raises KeyError where a column is missing or unknown: the bytes cover every column, or they prove nothing.
    """
    if strange := COLUMNS.symmetric_difference(columns.keys() - STORED_APART):
        raise KeyError(*sorted(strange))
    written = {name: _plain(value) for name, value in columns.items() if name not in STORED_APART}
    return jcs({**written, "xid": str(columns["xid"]), "v": VERSION})


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry), the leaf hash of RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
