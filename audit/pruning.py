"""
Prunes entries that a rule lets go, and leaves a signed tombstone: which rule, how many, and a digest over them.

The tree keeps every leaf hash, so the log verifies as before, and whoever checks is told "pruned by rule R", never
"missing". The database weighs each entry again, and its shortest period can't be set below (migrations/0006).
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from django.db import connection
from django.utils import timezone

from audit import log, publishing
from audit.facts import SYSTEM, Receipt, Subject
from audit.notes import Signer, signed

TOMBSTONE = "udvej tombstone v1"
USE_ENTRIES = "use-entries"
RULES = {USE_ENTRIES: 24}
"""How many months each rule keeps what it lets go, unless told otherwise; never under six."""

MONTHS_LEAST = 6
AT_ONCE = 100_000
EXPIRED = """
    SELECT l.index, l.leaf_hash FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry_id
    WHERE l.index < (SELECT max(size) FROM audit_checkpoint) AND e.at < %s AND audit_prunable(%s, e)
    ORDER BY l.index LIMIT %s
"""
DELETE = "DELETE FROM audit_entry e USING audit_leaf l JOIN audit_removed r ON r.index = l.index "
DELETE += "WHERE e.id = l.entry_id AND r.tombstone = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a tombstone says: the rule, up to when, how many, and a digest over their places and hashes."""

    rule: str
    before: datetime
    count: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was pruned, and the receipt of the act; no receipt where there was nothing to prune."""

    count: int
    receipt: Receipt | None


def prune(rule: str, *, before: datetime, origin: str, signer: Signer) -> Pruned:
    """
    Prune up to 100,000 entries that a rule lets go and that are older than a time, in one recorded act.

    Raises ValueError for a rule that is none, `RolledBack` where the signer is not the log's, and DatabaseError where
    the database does not let an entry go.
    """
    if rule not in RULES:
        raise ValueError(f"{rule!r} is no rule: {', '.join(RULES)}")
    with (
        log.act("audit.prune", by=SYSTEM, about=Subject("ledger"), changes=False) as act,
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL statement_timeout = 0")  # it may have to look through years of what is kept
        publishing.hold_key(signer)  # a tombstone that the log has not signed excuses nothing, for ever
        cursor.execute(EXPIRED, [before, rule, AT_ONCE])
        gone = [(index, bytes(leaf)) for index, leaf in cursor.fetchall()]
        told = Told(rule=rule, before=before, count=len(gone), digest=digest_over(gone))
        note = signed(text_of(told, origin=origin, at=timezone.now()), by=[signer])
        act.detail = {"rule": rule, "before": _time(before), "count": str(len(gone)), "digest": told.digest.hex()}
        if gone:
            cursor.execute(
                "INSERT INTO audit_tombstone (rule, before, count, note) VALUES (%s, %s, %s, %s) RETURNING number",
                [rule, before, len(gone), str(note)],
            )
            (number,) = cursor.fetchone()
            places = [index for index, _ in gone]
            cursor.execute(
                "INSERT INTO audit_removed (index, tombstone) SELECT i, %s FROM unnest(%s::bigint[]) i",
                [number, places],
            )
            cursor.execute(DELETE, [number])
    return Pruned(count=len(gone), receipt=act.receipt)


def digest_over(removed: list[tuple[int, bytes]]) -> bytes:
    """Return SHA-256 over each removed leaf in order of index: its index in 8 bytes, big-endian, and its hash."""
    return sha256(b"".join(index.to_bytes(8, "big") + leaf for index, leaf in removed)).digest()


def text_of(told: Told, *, origin: str, at: datetime) -> str:
    """Return the text of a tombstone: the seven lines that docs/ledger.md describes."""
    lines = (TOMBSTONE, origin, told.rule, _time(told.before), str(told.count), b64encode(told.digest).decode())
    return "".join(f"{line}\n" for line in (*lines, _time(at)))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
