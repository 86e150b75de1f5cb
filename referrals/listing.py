"""
Lists: summaries without a personal section, in keyset order, and one ledger entry that names each id shown.

A list never counts and never tells what it left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime

from agencies.acting import acting
from agencies.principals import Principal
from api_schema import pagination
from api_schema.problems import Malformed
from api_schema.words import Words
from audit.facts import Receipt, Subject
from audit.hashing import keyed
from referrals import policy
from referrals.lifecycle import Move, Status
from referrals.models import (
    PARTIES,
    Access,
    Referral,
    ReferralGroupObjectPermission,
    ReferralUserObjectPermission,
    consent_until,
)

SIDES = {"sent": "sender", "received": "recipient"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list is asked for. `role` is `sent` or `received`; the rest narrow it."""

    role: str
    status: tuple[str, ...] = ()
    assigned_to: str = ""
    updated_since: datetime | None = None
    due_before: datetime | None = None
    external_reference: str = ""
    size: int = pagination.SIZE
    cursor: str = ""

    def bound_to(self, reader: Principal) -> str:
        """Return what a cursor of this list is bound to: the reader and every filter but the page size."""
        parts = (reader.agency, reader.membership, self.role, self.status, self.assigned_to)
        return repr((*map(str, parts), self.updated_since, self.due_before, self.external_reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One summary, as one reader may see it."""

    referral: Referral
    allowed_actions: tuple[Move, ...]
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that was shown, the cursor to the next, and the receipt of its entry."""

    rows: tuple[Row, ...]
    next: str | None
    receipt: Receipt


def list_referrals(wanted: Wanted, *, to: Principal, purpose: str) -> Page:
    """
    Show a page of the reader's inbox or of what its agency sent; newest first.

    Raises `Malformed` for a cursor of another list or reader, and the refusals of `agencies.acting`, recorded.
    """
    with acting("referral.list", by=to, about=Subject("inbox", wanted.role), purpose=purpose, changes=False) as act:
        found = _rows(wanted, to)
        access, cursor = pagination.page(found, size=wanted.size, position=position, bound_to=wanted.bound_to(to))
        act.result_ids = tuple(row.referral_id for row in access)
        if wanted.external_reference:
            act.criterion = keyed("search-criterion", wanted.external_reference.encode())
        named = [*_filters(wanted), *(["due_before"] if wanted.due_before else [])]
        act.detail = {"role": wanted.role, "filters": ",".join(sorted(named))}
    rows = tuple(row_of(row, to) for row in access)
    return Page(rows=rows, next=cursor, receipt=act.committed)


def listed_for(reader: Principal) -> QuerySet[Access]:
    """Return the list rows of the reader's role group, newest first, with what `facts` asks about the reader."""
    grants = ReferralGroupObjectPermission.objects.filter(content_object=OuterRef("referral"), group=reader.group)
    return (
        Access.objects.filter(role_group__group=reader.group)
        .select_related(*(f"referral__{name}" for name in PARTIES))
        .annotate(
            may_work=Exists(grants.filter(permission__codename="work_referral")),
            assigned=Exists(_assigned()),
            assigned_to_reader=Exists(_assigned().filter(user=reader.user)),
            consent_until=consent_until("referral__consent"),
        )
        .order_by("-listed_at", "-referral")
    )


def going_on(rows: QuerySet[Access], cursor: str, *, bound_to: str) -> QuerySet[Access]:
    """Return the rows after a cursor, or all of them without one. Raises `Malformed` for another list's or reader's."""
    if not cursor:
        return rows
    at, last = pagination.decode(cursor, bound_to=bound_to)
    listed_at, referral_id = parse_datetime(at), UUID(last)
    return rows.filter(Q(listed_at__lt=listed_at) | Q(listed_at=listed_at, referral_id__lt=referral_id))


def position(row: Access) -> tuple[str, str]:
    """Return a row's place in list order."""
    return row.listed_at.isoformat(), str(row.referral_id)


def row_of(access: Access, reader: Principal) -> Row:
    """Return a list row as the reader may see it."""
    referral = told_of(access)
    facts = referral.facts()
    return Row(
        referral=referral,
        allowed_actions=policy.allowed_actions(reader, facts),
        own=reader.agency == facts.sender,
    )


def told_of(access: Access) -> Referral:
    """Return the referral of a list row, with what `facts` asks about the reader."""
    referral = access.referral
    referral.may_work, referral.assigned = access.may_work, access.assigned  # type: ignore[attr-defined]
    referral.assigned_to_reader = access.assigned_to_reader  # type: ignore[attr-defined]
    referral.consent_until = access.consent_until  # type: ignore[attr-defined]
    return referral


def _rows(wanted: Wanted, reader: Principal) -> Sequence[Access]:
    rows = listed_for(reader).filter(side=SIDES[wanted.role], **_filters(wanted))
    if wanted.due_before:
        rows = rows.filter(_due_before(wanted.due_before))
    if wanted.assigned_to:
        member = reader.staff_id if wanted.assigned_to == "me" else wanted.assigned_to
        of_agency = Q(user__memberships__agency=reader.agency, user__memberships__staff_id=member)
        rows = rows.filter(Exists(_assigned().filter(of_agency)))
    rows = going_on(rows, wanted.cursor, bound_to=wanted.bound_to(reader))
    return list(rows[: wanted.size + 1])


def _due_before(at: datetime) -> Q:
    """Return the condition that a deadline which runs now is before a time; one that stands still does not run."""
    to_acknowledge = Q(referral__status=Status.SUBMITTED, referral__acknowledge_by__lt=at)
    to_decide = Q(referral__status__in=[Status.SUBMITTED, Status.RECEIVED], referral__decide_by__lt=at)
    to_look_at = Q(referral__status__in=[Status.INFO_REQUESTED, Status.ON_HOLD], referral__review_by__lt=at)
    return to_acknowledge | to_decide | to_look_at


def _assigned() -> QuerySet[Any]:
    rows: QuerySet[Any] = ReferralUserObjectPermission.objects.filter(content_object=OuterRef("referral"))
    return rows


def _filters(wanted: Wanted) -> dict[str, object]:
    filters: dict[str, object] = {
        "referral__status__in": wanted.status,
        "referral__updated_at__gte": wanted.updated_since,
    }
    if wanted.external_reference and wanted.role == "sent":
        filters["referral__external_reference"] = wanted.external_reference
    elif wanted.external_reference:
        raise Malformed(
            Words(
                "external_reference er afsenderens egen: brug den med role=sent.",
                "external_reference is the sender's own: use it with role=sent.",
            )
        )
    return {name: value for name, value in filters.items() if value}
