"""
Emergency access while the glass is broken: what it would carry to whom, and which open glass a reader has (rule 18).

The basis is vital interests. To an agency that the basis admits as a recipient it carries what the glass was broken
for. The exit centre it does not admit: there the glass lifts the assignment alone, and what is shown still rests on the
referral's own basis and consent at that instant. `break_glass` breaks it and has it reviewed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from agencies.principals import Principal
from consent import grounds
from consent.categories import CONTENT, Category
from consent.coverage import NOTHING, Coverage
from consent.models import LegalBasis
from referrals import policy
from referrals.coverage import Weighed, emergency_coverage_of, weigh
from referrals.lifecycle import Status
from referrals.models import BreakGlass, Referral
from referrals.policy import EMERGENCY, NO_LONGER_THE_RECIPIENTS, GlassState, glass_state

VITAL = "VITAL"
"""The legal basis of every emergency access: vital interests (GDPR art. 6(1)(d) and 9(2)(c))."""

JUSTIFIED, NOT_JUSTIFIED = "justified", "not_justified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """One reader's open glass on one referral, and what it carries."""

    id: UUID
    weighed: Weighed


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A glass on a referral that nobody has reviewed yet, as the agency that answers for the referral sees it."""

    id: UUID
    agency: UUID
    opened_at: datetime
    until: datetime
    state: GlassState


def emergency_access(referral: Referral, *, by: Principal, at: datetime) -> Emergency | None:
    """Return the reader's own glass on this referral that is open at an instant, or None; at most four statements."""
    opened = BreakGlass.objects.filter(referral=referral, agency=by.agency, user=by.user, until__gt=at)
    found = opened.exclude(verdict=NOT_JUSTIFIED).order_by("-until").values_list("id", "categories").first()
    weighed = _carried(referral, by=by, at=at) if found is not None else None
    if found is None or weighed is None:
        return None
    identifier, categories = found
    narrowed = weighed.coverage.categories & {*map(Category, categories), Category.STATUS}
    return Emergency(id=identifier, weighed=replace(weighed, coverage=replace(weighed.coverage, categories=narrowed)))


def opened_by_glass(referral: Referral, *, by: Principal, at: datetime) -> Collection[Category]:
    """Return the categories of the other side, or beyond the assignment, that broken glass would open to a reader."""
    weighed = _carried(referral, by=by, at=at)
    if weighed is None:
        return frozenset()
    shown = policy.readable(by, referral.facts(), weighed.coverage, emergency=True)
    return set(shown) & (set(weighed.coverage.categories) & set(CONTENT))


def flags(referral: Referral, *, at: datetime) -> Sequence[Flag]:
    """Return what of a referral fetched for a reader (`viewable_by`) still awaits review, where it answers for it."""
    found = []
    for row in referral.unreviewed:
        opened, until = datetime.fromisoformat(row["opened_at"]), datetime.fromisoformat(row["until"])
        state = glass_state(opened, until, None, at=at)
        flag = Flag(id=UUID(row["id"]), agency=UUID(row["agency"]), opened_at=opened, until=until, state=state)
        found.append(flag)
    return found


def vital_basis(at: datetime) -> LegalBasis | None:
    """Return the newest version of the basis of emergency access that is valid at an instant."""
    return grounds.newest_basis(VITAL, on=at.date())


def _carried(referral: Referral, *, by: Principal, at: datetime) -> Weighed | None:
    """Return what an emergency carries to a reader, or None where it carries nothing."""
    basis = vital_basis(at)
    if basis is None or referral.submitted_at is None:
        return None
    coverage = emergency_coverage_of(referral, basis, reader=by, purpose=EMERGENCY, at=at)
    if coverage.categories:
        return Weighed(coverage=_others(coverage, referral, by), basis=basis, consent=None)
    return _beyond_the_assignment(referral, by=by, at=at)


def _others(coverage: Coverage, referral: Referral, by: Principal) -> Coverage:
    """Narrow a coverage to what the other side wrote: the sender needs no emergency for its own words."""
    if by.agency != referral.sender_id:
        return coverage
    return replace(coverage, categories=coverage.categories & {Category.OUTCOME, Category.STATUS})


def _beyond_the_assignment(referral: Referral, *, by: Principal, at: datetime) -> Weighed | None:
    """Return what the referral's own basis carries to its recipient now, whoever there it is assigned to."""
    ended = NO_LONGER_THE_RECIPIENTS | {Status.CONSENT_WITHDRAWN}
    if by.agency != referral.recipient_id or referral.status in ended or policy.on_duty(by, referral.facts()):
        return None
    weighed = weigh(referral, reader=by, purpose=referral.purpose, at=at)
    return None if weighed.coverage.because or weighed.coverage == NOTHING else weighed
