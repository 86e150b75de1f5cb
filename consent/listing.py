"""
The list of consents that concern an agency: summaries in keyset order, and one entry that names each id shown.

A list never counts and never tells what it left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import DateTimeField, F, OuterRef, Q, Subquery
from django.utils import timezone

from agencies.acting import acting
from agencies.principals import Principal
from api_schema import pagination
from audit.facts import Receipt, Subject
from consent import telling
from consent.actions import SCOPE
from consent.coverage import ENDS, GIVES
from consent.models import Consent, ConsentEvent

STATES = ("requested", *sorted(GIVES), *sorted(ENDS), "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the list is narrowed to, and where it goes on."""

    subject: UUID | None = None
    state: str = ""
    kind: str = ""
    size: int = pagination.SIZE
    cursor: str = ""

    def bound_to(self, reader: Principal) -> str:
        """Return what a cursor of this list is bound to: the reader and every filter but the page size."""
        return repr(("consents", *map(str, (reader.agency, reader.membership, self.subject, self.state, self.kind))))

    def filters(self) -> dict[str, str]:
        """Return the filters that were given, by name."""
        given = {"subject": str(self.subject or ""), "state": self.state, "kind": self.kind}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One consent in short."""

    id: UUID
    version: int
    subject: UUID
    kind: str
    state: str
    expires_at: datetime | None
    recipients: tuple[UUID, ...]
    registered_by: UUID
    registered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that was shown, the cursor to the next, and the receipt of its entry."""

    rows: tuple[Row, ...]
    next: str | None
    receipt: Receipt


def list_consents(wanted: Wanted, *, to: Principal, purpose: str) -> Page:
    """
    Show a page of the consents that the reader's agency recorded or was shared with; newest first.

    Raises `Malformed` for a cursor of another list or reader, and the refusals of `agencies.acting`, recorded.
    """
    with acting("consent.list", by=to, about=Subject("consents"), purpose=purpose, scope=SCOPE, changes=False) as act:
        rows, cursor = pagination.page(
            _rows(wanted, to),
            size=wanted.size,
            position=lambda row: (str(row.id),),
            bound_to=wanted.bound_to(to),
        )
        act.result_ids = tuple(row.id for row in rows)
        act.detail = {"filters": ",".join(sorted(wanted.filters()))}
    return Page(rows=tuple(rows), next=cursor, receipt=act.committed)


def _rows(wanted: Wanted, reader: Principal) -> Sequence[Row]:
    now = timezone.now()
    last = ConsentEvent.objects.filter(consent=OuterRef("pk")).order_by("-number")
    found = (
        Consent.objects.filter(telling.concerns(reader))
        .annotate(
            last_kind=Subquery(last.values("kind")[:1]),
            last_end=Subquery(last.values("expires_at")[:1], output_field=DateTimeField()),
        )
        .order_by("-id")
    )
    if wanted.subject:
        found = found.filter(subject=wanted.subject)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.state:
        found = found.filter(_in_state(wanted.state, now))
    if wanted.cursor:
        found = found.filter(id__lt=UUID(pagination.decode(wanted.cursor, bound_to=wanted.bound_to(reader))[0]))
    shown = found.values_list(
        *("id", "version", "subject_id", "kind", "recipients", "registered_by_id", "registered_at"),
        *(F("last_kind"), F("last_end")),
    )
    return [
        Row(
            id=row[0],
            version=row[1],
            subject=row[2],
            kind=row[3],
            state="expired" if row[7] in GIVES and row[8] <= now else row[7],
            expires_at=row[8] if row[7] in GIVES and row[8] > now else None,
            recipients=tuple(row[4]),
            registered_by=row[5],
            registered_at=row[6],
        )
        for row in shown[: wanted.size + 1]
    ]


def _in_state(state: str, now: datetime) -> Q:
    """Return the condition that a consent is in a state now; expiry needs no event."""
    if state == "expired":
        return Q(last_kind__in=GIVES, last_end__lte=now)
    return Q(last_kind=state, last_end__gt=now) if state in GIVES else Q(last_kind=state)
