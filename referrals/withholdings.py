"""
What is left out of a person's access report: a coordinator's decision about one agency's looks, with its ground and the
date on which it is looked at again. Each is an act of its own; a newer one takes the place of an older.

It withholds who looked, never that something is withheld.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.models import Role
from agencies.principals import Principal
from api_schema import pagination
from api_schema.validation import refuse
from api_schema.words import Words
from audit import log
from audit.facts import Receipt
from consent import naming, records
from consent.errors import KeyReused
from referrals.errors import SubjectNotFound, UnknownHere
from referrals.models import Withholding

PURPOSE = "subject_access"
"""The one purpose for which a person's access report, and what is withheld from it, is for."""

MADE_ONCE = ("referrals_withholding_is_stated_once_per_key",)
MONTHS_MOST = 6
NO_AGENCY = Words("Myndigheden findes ikke i /agencies.", "The agency is not in /agencies.")
TOO_LATE = Words(
    "Skal ligge efter i dag og højst seks måneder frem.", "Must be after today, and at most six months ahead."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A withholding that was stated, or had been under the same key."""

    withholding: Withholding
    receipt: Receipt
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Withholdings about a person, newest first, the cursor to the next, and the receipt of the look."""

    withholdings: Sequence[Withholding]
    next: str | None
    receipt: Receipt
    today: date


def withhold(
    subject_id: UUID,
    *,
    agency: UUID,
    ground: str,
    review_by: date,
    by: Principal,
    purpose: str,
    key: str,
    body_hash: str,
) -> Stated:
    """
    State that an agency's looks are left out of a person's access report until a date; the same key and body return
    the one already stated.

    Raises `SubjectNotFound`, `PurposeNotAllowed`, `KeyReused`, and `UnknownHere` for an agency that is none or a date
    that is not after today and within six months; all recorded.
    """

    def once() -> Stated:
        with acting(
            "subject.withhold",
            by=by,
            about=naming.in_the_ledger(subject_id),
            purpose=purpose,
            roles=(Role.COORDINATOR,),
        ) as act:
            _check(subject_id, by=by, purpose=purpose)
            stated = Withholding.objects.filter(stated_by=by.agency, idempotency_key=key).first()
            replayed = stated is not None
            if stated is None:
                _check_statement(agency, review_by)
                stated = Withholding.objects.create(
                    subject_id=subject_id,
                    agency_id=agency,
                    ground=ground,
                    review_by=review_by,
                    stated_by_id=by.agency,
                    staff_id=by.staff_id,
                    idempotency_key=key,
                    body_hash=body_hash,
                )
                stated.refresh_from_db()  # the database says when it was stated
            elif stated.body_hash != body_hash:
                raise KeyReused
            act.detail = {"agency": str(agency), "ground": ground, "review_by": review_by.isoformat()}
        return Stated(withholding=stated, receipt=act.committed, replayed=replayed)

    return log.once_more(once, on=MADE_ONCE)


def list_withholdings(subject_id: UUID, *, by: Principal, purpose: str, size: int, cursor: str) -> Page:
    """Return what was ever withheld from a person's access report. Raises as `withhold`, and `Malformed`."""
    with acting(
        "subject.withholdings",
        by=by,
        about=naming.in_the_ledger(subject_id),
        purpose=purpose,
        roles=(Role.COORDINATOR,),
        changes=False,
    ) as act:
        _check(subject_id, by=by, purpose=purpose)
        bound_to = f"withholdings:{subject_id}:{by.agency}:{by.membership}"
        found = Withholding.objects.filter(subject=subject_id).order_by("-id")
        if cursor:
            found = found.filter(id__lt=UUID(pagination.decode(cursor, bound_to=bound_to)[0]))
        rows, more = pagination.page(
            list(found[: size + 1]), size=size, position=lambda row: (str(row.id),), bound_to=bound_to
        )
    return Page(withholdings=rows, next=more, receipt=act.committed, today=timezone.now().date())


def standing(subjects: Collection[UUID], *, on: date) -> dict[UUID, Withholding]:
    """Return what stands on a day, by the agency whose looks are withheld: the newest statement, until its review."""
    newest: dict[UUID, Withholding] = {}
    for row in Withholding.objects.filter(subject__in=subjects).order_by("stated_at", "id"):
        newest[row.agency_id] = row
    return {agency: row for agency, row in newest.items() if on <= row.review_by}


def _check(subject_id: UUID, *, by: Principal, purpose: str) -> None:
    if purpose != PURPOSE:
        raise PurposeNotAllowed
    if records.own_subject(subject_id, by=by) is None:
        raise SubjectNotFound


def _check_statement(agency: UUID, review_by: date) -> None:
    errors = [] if directory.named([agency]) else [refuse("/agency", "unknown_agency", NO_AGENCY)]
    today = timezone.now().date()
    if not today < review_by <= _months_after(today, MONTHS_MOST):
        errors.append(refuse("/review_by", "review_too_late", TOO_LATE))
    if errors:
        raise UnknownHere(errors=errors)


def _months_after(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of that month where it is shorter; as PostgreSQL adds."""
    year, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        if last <= day.day:
            try:
                return date(day.year + year, month + 1, last)
            except ValueError:
                continue
    raise AssertionError(day)
