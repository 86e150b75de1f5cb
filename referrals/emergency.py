"""
Emergency access while the glass is broken: which open one a reader has, and what it carries (rule 18).

`break_glass` breaks it and has it reviewed; here it is only looked up, for the one purpose it serves.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from agencies.principals import Principal
from consent import grounds
from consent.categories import Category
from consent.coverage import Coverage
from consent.models import LegalBasis
from referrals.coverage import Weighed
from referrals.models import BreakGlass, Referral

VITAL = "VITAL"
"""The legal basis of every emergency access: vital interests (GDPR art. 6(1)(d) and 9(2)(c))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """One reader's open glass on one referral, and what it carries."""

    id: UUID
    weighed: Weighed


def emergency_access(referral: Referral, *, by: Principal, at: datetime) -> Emergency | None:
    """Return the reader's own glass on this referral that is open at an instant, or None."""
    opened = BreakGlass.objects.filter(referral=referral, agency=by.agency, user=by.user, until__gt=at)
    found = opened.order_by("-until").values_list("id", "categories").first()
    basis = vital_basis(at) if found is not None else None
    if found is None or basis is None:
        return None
    identifier, categories = found
    coverage = Coverage(categories=frozenset(map(Category, categories)) | {Category.STATUS}, because=())
    return Emergency(id=identifier, weighed=Weighed(coverage=coverage, basis=basis, consent=None))


def vital_basis(at: datetime) -> LegalBasis | None:
    """Return the newest version of the basis of emergency access that is valid at an instant."""
    return grounds.newest_basis(VITAL, on=at.date())
