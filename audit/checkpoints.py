"""
Reads the log's checkpoints and keys back: the newest, the newest that is final, and what a stranger checks them with.

Final is a checkpoint that the quorum of witnesses has cosigned (c2sp.org/tlog-policy). Where the exchange names no
witnesses, none is asked for, and whoever checks is told so by the policy.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain, groupby, takewhile
from operator import itemgetter
from pathlib import Path

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from audit.models import Checkpoint, Cosignature, LogKey
from audit.notes import Note, NoteError, VerifierKey, signature_lines
from audit.quorum import Policy

LOOKED_BACK, PAGE = 50_000, 500
"""How many cosignatures the search for a final checkpoint looks at, newest first: a week and more of a quiet log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A checkpoint as it is handed out: with every cosignature that it has by now."""

    size: int
    root: bytes
    at: datetime
    note: Note
    final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeys:
    """What a log's checkpoints are checked with: its keys, oldest first with their hand-overs, and its witnesses."""

    origin: str
    keys: tuple[LogKey, ...]
    policy: str


@cache
def policy() -> Policy:
    """Return which witnesses there are and which quorum makes a checkpoint final. Raises what `Policy.parse` does."""
    file = settings.LEDGER_POLICY
    return Policy.parse(Path(file).read_bytes() if file else b"quorum none\n")


def newest(*, size: int | None = None, final: bool = False, using: str = DEFAULT_DB_ALIAS) -> Signed | None:
    """Return the newest checkpoint, of a size where one is named, final where asked for; None where there is none."""
    rows = Checkpoint.objects.using(using).order_by("-number")
    if size is not None:
        rows = rows.filter(size=size)
    if not final:
        row = rows.first()
        return _signed([row], using)[0] if row else None
    if policy().quorum is None:
        return newest(size=size, using=using)
    for number in _enough(using):
        found = next(iter(_signed(list(rows.filter(number=number)), using)), None)
        if found and found.final:
            return found
    return None


def log_keys(using: str = DEFAULT_DB_ALIAS) -> LogKeys:
    """Return the log's public keys, and the policy to check its checkpoints by, as C2SP tlog-policy."""
    keys = tuple(LogKey.objects.using(using).order_by("number"))
    stated = Path(settings.LEDGER_POLICY).read_text(encoding="utf-8") if settings.LEDGER_POLICY else "quorum none\n"
    words = [line.split() for line in stated.splitlines() if line.strip() and line.strip()[0] != "#"]
    others = [each[:3] if each[0] == "witness" else each for each in words if each[0] != "log"]  # no inner addresses
    lines = [*(f"log {key.vkey}" for key in keys), *(" ".join(each) for each in others)]
    return LogKeys(origin=settings.LEDGER_ORIGIN, keys=keys, policy="".join(f"{line}\n" for line in lines))


def _enough(using: str) -> Iterator[int]:
    """Return the checkpoints that a quorum is said to have cosigned, newest first, however long ago that is."""
    known = {str(witness.key): witness.key for witness in policy().witnesses}
    lines = Cosignature.objects.using(using).filter(witness__in=known).order_by("-checkpoint")
    pages = (lines.values_list("checkpoint", "witness")[at : at + PAGE] for at in range(0, LOOKED_BACK, PAGE))
    said = chain.from_iterable(takewhile(bool, pages))
    for number, some in groupby(said, key=itemgetter(0)):
        if policy().satisfied_by({known[witness] for _, witness in some}):
            yield number


def _signed(rows: list[Checkpoint], using: str) -> list[Signed]:
    numbers = [row.number for row in rows]
    lines: dict[int, list[str]] = {}
    for each in Cosignature.objects.using(using).filter(checkpoint__in=numbers).order_by("number"):
        lines.setdefault(each.checkpoint, []).append(each.line)
    return [_one(row, lines.get(row.number, [])) for row in rows]


def _one(row: Checkpoint, lines: list[str]) -> Signed:
    note = Note.parse(row.note)
    note = Note(note.text, (*note.signatures, *(signature_lines("\n".join(lines) + "\n") if lines else ())))
    witnesses: set[VerifierKey] = set()
    try:
        witnesses = {checked.key for checked in note.verified([witness.key for witness in policy().witnesses])}
    except NoteError:
        witnesses = set()
    return Signed(size=row.size, root=bytes(row.root), at=row.at, note=note, final=policy().satisfied_by(witnesses))
