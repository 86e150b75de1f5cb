"""
Evidence bundles for auditors: what a question to the ledger finds, to be checked by somebody who does not trust us.

A bundle holds canonical bytes, which say everything of an entry. So the oversight body gets all that it may ask about,
and an agency's own auditor its own agency's acts: of the others' it may see metadata, and not the bytes. Only the
question is kept; the bundle is made anew each time it is fetched, and each time that is recorded.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery
from django.utils.dateparse import parse_datetime

from agencies.acting import acting
from agencies.models import Kind
from agencies.principals import Principal
from api_schema import pagination
from audit import bundles, checkpoints, log, trails
from audit.bundles import Sealed
from audit.checkpoints import Signed
from audit.facts import Receipt, Subject
from audit.log import Act
from audit.models import Leaf
from audit.trails import Question
from consent.errors import KeyReused
from consent.models import Subject as Person
from referrals.errors import CheckpointUnknown, ExportNotFound, ExportTooLarge
from referrals.inspection import AUDITORS, Case, criterion, looking, narrowed, parts
from referrals.models import Export

__all__ = ["ENTRIES_MAX", "Export", "Made", "Page", "export", "fetch", "list_exports", "read"]

ENTRIES_MAX = 5_000
"""How many entries one bundle proves one by one; more is asked for in parts, or as the whole log."""

NOBODY = UUID(int=0)
MADE_ONCE = ("referrals_export_is_made_once_per_key",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An export and the receipt of the act that made or showed it."""

    export: Export
    receipt: Receipt
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of an agency's exports, newest first."""

    exports: Sequence[Export]
    next: str | None
    receipt: Receipt


def export(
    question: Question,
    case: Case,
    *,
    remembered: int | None,
    by: Principal,
    purpose: str,
    key: str,
    body_hash: str,
) -> Made:
    """
    Record that an auditor takes evidence out of the ledger, and return what it will be; the same key and body again
    return the same.

    Raises `CaseNeeded`, `KeyReused`, `ExportTooLarge` where the question finds more than a bundle proves, and
    `CheckpointUnknown` before the log's first checkpoint and where there is none of the remembered size; recorded.
    """

    def once() -> Made:
        with looking("audit.export", question, case, by=by, purpose=purpose) as (act, asked):
            made = Export.objects.filter(agency=by.agency, idempotency_key=key).first()
            replayed = made is not None
            if made is None:
                head = _head(remembered)
                count = len(_sealed(asked, by=by, size=head.size))
                if count > ENTRIES_MAX:
                    raise ExportTooLarge(most=ENTRIES_MAX)
                made = Export.objects.create(
                    agency_id=by.agency,
                    staff_id=by.staff_id,
                    case_number=case.number,
                    case_reason=case.reason,
                    question=_written(question),
                    size=head.size,
                    remembered=remembered,
                    entries=count,
                    idempotency_key=key,
                    body_hash=body_hash,
                )
                made.refresh_from_db()
            elif made.body_hash != body_hash:
                raise KeyReused
            act.detail |= {"export": str(made.id), "entries": str(made.entries), "size": str(made.size)}
        return Made(export=made, receipt=act.committed, replayed=replayed)

    return log.once_more(once, on=MADE_ONCE)


def read(export_id: UUID, *, by: Principal, purpose: str) -> Made:
    """Show one of the agency's exports: what was asked, when and by whom. Raises `ExportNotFound`, recorded."""
    with _acting("audit.exports", Subject("export", export_id), by=by, purpose=purpose) as act:
        found = _own(export_id, by)
    return Made(export=found, receipt=act.committed)


def list_exports(*, by: Principal, purpose: str, size: int, cursor: str) -> Page:
    """Return a page of the agency's exports, newest first. Raises `Malformed` for another's cursor."""
    bound_to = f"exports:{by.agency}:{by.membership}"
    with _acting("audit.exports", Subject("exports"), by=by, purpose=purpose) as act:
        found = Export.objects.filter(agency=by.agency).order_by("-id")
        if cursor:
            found = found.filter(id__lt=UUID(pagination.decode(cursor, bound_to=bound_to)[0]))
        rows, more = pagination.page(
            list(found[: size + 1]), size=size, position=lambda row: (str(row.id),), bound_to=bound_to
        )
        act.result_ids = tuple(row.id for row in rows)
    return Page(exports=rows, next=more, receipt=act.committed)


def fetch(export_id: UUID, *, by: Principal, purpose: str) -> tuple[bytes, Receipt]:
    """
    Return an export's bundle, made anew, and the receipt of the act. Raises `ExportNotFound`, recorded.

    What was pruned since is not in it any more; everything else is as it was, under the same checkpoint.
    """
    with _acting("audit.download", Subject("export", export_id), by=by, purpose=purpose) as act:
        found = _own(export_id, by)
        question = _read(found.question)
        head = _head(found.remembered, of=found.size)
        sealed = _sealed(narrowed(question, by=by), by=by, size=found.size)
        act.criterion = criterion(question)
        act.detail = {"case_number": found.case_number, "case_reason": found.case_reason, "entries": str(len(sealed))}
    file = BytesIO()
    bundles.write_selection(file, sealed, head=head, made_at=found.created_at, remembered=found.remembered)
    return file.getvalue(), act.committed


def _acting(action: str, about: Subject, *, by: Principal, purpose: str) -> AbstractContextManager[Act]:
    return acting(action, by=by, about=about, purpose=purpose, scope="audit", roles=AUDITORS, changes=False)


def _head(remembered: int | None, *, of: int | None = None) -> Signed:
    """Return the newest final checkpoint, else the newest, or that of a size; and see that the remembered is one."""
    head = checkpoints.newest(size=of) if of is not None else checkpoints.newest(final=True) or checkpoints.newest()
    if head is None or (remembered and (remembered > head.size or checkpoints.newest(size=remembered) is None)):
        raise CheckpointUnknown
    return head


def _own(export_id: UUID, by: Principal) -> Export:
    found = Export.objects.filter(pk=export_id, agency=by.agency).first()
    if found is None:
        raise ExportNotFound
    return found


def _sealed(asked: Question, *, by: Principal, size: int) -> list[Sealed]:
    """
    Return what a question finds under a checkpoint, in the order of the tree; one more than a bundle may hold.

    The newest are taken, as the indexes have them: to put all in the tree's order first would read the whole ledger.
    """
    part = Q() if by.kind == Kind.OVERSIGHT else Q(actor_agency=by.agency)
    entries = trails.entries(replace(asked, visible=part))
    place = Leaf.objects.filter(entry_id=OuterRef("pk"), index__lt=size).values("index")
    placed = entries.annotate(index=Subquery(place)).filter(index__isnull=False)
    rows = placed.values_list("index", "canonical")[: ENTRIES_MAX + 1]
    return [Sealed(index, bytes(canonical)) for index, canonical in sorted(rows, key=lambda row: int(row[0]))]


def _written(question: Question) -> dict[str, Any]:
    return {name: _plain(value) for name, value in parts(question).items() if value}


def _plain(value: object) -> str | list[str]:
    if isinstance(value, tuple):
        return [str(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(written: dict[str, Any]) -> Question:
    said: dict[str, Any] = {**written, "entries": tuple(UUID(each) for each in written.get("entries", ()))}
    said |= {name: UUID(written[name]) for name in ("referral", "agency") if name in written}
    if "subject" in written:
        person = Person.objects.filter(ledger_name=written["subject"]).first()
        said["subject"] = person.pk if person else NOBODY  # who was erased since is found by nothing
    said |= {name: parse_datetime(written[name]) for name in ("since", "until") if name in written}
    return Question(**said)
