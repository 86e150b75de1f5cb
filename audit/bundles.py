"""
Writes evidence bundles: entries as their canonical bytes, with all that a stranger needs to check them without us.

docs/verify.md says what each member is, and `verification` checks it. Who may have which entries is for the caller.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from audit import verification
from audit.checkpoints import LogKeys, Signed, log_keys
from audit.models import Leaf, Tombstone
from audit.receipts import public_keys
from audit.tree import Tree

FORMAT = "udvej-evidence-1"
SELECTION, WHOLE = "selection", "whole"
BATCH = 5_000
LEAVES = """
    SELECT l.index, l.leaf_hash, e.canonical, r.tombstone FROM audit_leaf l
    LEFT JOIN audit_entry e ON e.id = l.entry_id LEFT JOIN audit_removed r ON r.index = l.index
    WHERE l.index >= %s AND l.index < %s ORDER BY l.index
"""
README = """\
Evidence from the ledger of Udvej, the referral exchange.

{count} entries of the log {origin!r}, as of its checkpoint of size {size}, made {made_at}.
{what}

To check it you need Python 3.11 or later and the package `cryptography`, and nobody's word:

    python verify.py BUNDLE.zip --log 'THE LOG KEY THAT YOU GOT ELSEWHERE'

`verify.py` in here is a copy for convenience; take it from somewhere you trust, and compare the keys in `policy` with
those at /api/v1/audit/keys and with those that you or others wrote down earlier. Checkpoints that you kept yourself are
compared with `--remembered FILE`, and receipts that you kept with `--receipt FILE`.

Members: `manifest.json` what this is; `checkpoint` what the log signed, with cosignatures of witnesses; `policy` the
keys; `handovers.jsonl` how one log key followed another; `receipts.jwks.json` the keys of receipts; `entries.jsonl` one
entry a line, byte for byte as it was hashed; {members}.
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry as the tree has it: its place, and the bytes that were hashed."""

    index: int
    canonical: bytes


def write_selection(
    file: BinaryIO,
    entries: Sequence[Sealed],
    *,
    head: Signed,
    made_at: datetime,
    remembered: int | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """
    Write a bundle of some entries, in order of index, each with its proof of inclusion under one checkpoint.

    `remembered` is the size of an older checkpoint that the asker kept, to which a proof of consistency is added.
    """
    tree = Tree(using)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        _common(bundle, SELECTION, len(entries), head=head, made_at=made_at, keys=log_keys(using))
        bundle.writestr("entries.jsonl", b"".join(entry.canonical + b"\n" for entry in entries))
        proofs = ({"index": each.index, "path": _hex(tree.inclusion(each.index, head.size))} for each in entries)
        bundle.writestr("proofs.jsonl", _lines(proofs))
        if remembered:
            path = _hex(tree.consistency(remembered, head.size))
            bundle.writestr("consistency.json", json.dumps({"old": remembered, "path": path}))


def write_whole(file: BinaryIO, *, head: Signed, made_at: datetime, using: str = DEFAULT_DB_ALIAS) -> int:
    """
    Write a bundle of the whole log under one checkpoint, as of one instant, and return how many entries it holds.

    It is stored and not deflated: to unpack it would take longer than to check it.
    """
    with transaction.atomic(using=using, durable=True):  # so that a pruning meanwhile is in it whole, or not at all
        with connections[using].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        return _write_whole(file, head=head, made_at=made_at, using=using)


def _write_whole(file: BinaryIO, *, head: Signed, made_at: datetime, using: str) -> int:
    removed: list[dict[str, Any]] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as bundle:
        count = 0
        with bundle.open("entries.jsonl", "w", force_zip64=True) as member:
            for rows in _batches(head.size, using):
                present = [bytes(canonical) + b"\n" for _, _, canonical, _ in rows if canonical is not None]
                count += len(present)
                member.write(b"".join(present))
                removed += [
                    {"index": index, "leaf": bytes(leaf).hex(), "tombstone": tombstone}
                    for index, leaf, canonical, tombstone in rows
                    if canonical is None
                ]
        with bundle.open("leaves.bin", "w", force_zip64=True) as member:
            for start in range(0, head.size, BATCH):
                leaves = Leaf.objects.using(using).filter(index__gte=start, index__lt=min(start + BATCH, head.size))
                member.write(
                    b"".join(bytes(leaf) for leaf in leaves.order_by("index").values_list("leaf_hash", flat=True))
                )
        bundle.writestr("removed.jsonl", _lines(removed))
        tombstones = Tombstone.objects.using(using).filter(pk__in={each["tombstone"] for each in removed})
        notes = ({"tombstone": each.number, "note": each.note} for each in tombstones.order_by("number"))
        bundle.writestr("tombstones.jsonl", _lines(notes))
        _common(bundle, WHOLE, count, head=head, made_at=made_at, keys=log_keys(using))
    return count


def _common(bundle: zipfile.ZipFile, kind: str, count: int, *, head: Signed, made_at: datetime, keys: LogKeys) -> None:
    at = made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    manifest = {
        "bundle": FORMAT,
        "origin": keys.origin,
        "size": head.size,
        "kind": kind,
        "entries": count,
        "made_at": at,
    }
    whole = kind == WHOLE
    readme = README.format(
        count=count,
        origin=keys.origin,
        size=head.size,
        made_at=at,
        what="It is the whole log." if whole else "It is what was asked for, each entry with a proof of its own.",
        members="`removed.jsonl` and `tombstones.jsonl` what was pruned by which rule; `leaves.bin` all leaf hashes"
        if whole
        else "`proofs.jsonl` line for line their proofs; `consistency.json`, if asked for, from an older checkpoint",
    )
    bundle.writestr("README.md", readme)
    bundle.writestr("manifest.json", json.dumps(manifest))
    bundle.writestr("checkpoint", str(head.note))
    bundle.writestr("policy", keys.policy)
    bundle.writestr("handovers.jsonl", _lines({"note": key.handover} for key in keys.keys if key.handover))
    bundle.writestr("receipts.jwks.json", json.dumps(public_keys()))
    bundle.writestr("verify.py", Path(verification.__file__).read_bytes())


def _batches(size: int, using: str) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, size, BATCH):
        with connections[using].cursor() as cursor:
            cursor.execute(LEAVES, [start, min(start + BATCH, size)])
            yield cursor.fetchall()


def _lines(objects: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(each, separators=(",", ":")).encode() + b"\n" for each in objects)


def _hex(path: Sequence[bytes]) -> list[str]:
    return [step.hex() for step in path]
