"""
On what a referral's content rests for one reader: asks `consent.coverage` with the facts of the two parties.

What the sender discloses rests on the referral's basis; what comes back to the sender, the outcome, rests on a basis of
its own, or on the report-back permission of the consent that carried the referral (domain.md, Lifecycle).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from agencies.principals import Principal
from consent import grounds
from consent.categories import Category
from consent.coverage import NOTHING, Coverage, Parties, covered
from consent.models import LegalBasis, Mode
from referrals.models import Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What one reader may be shown of another agency's content, and on which basis and consent."""

    coverage: Coverage
    basis: LegalBasis | None
    consent: UUID | None


def weigh(referral: Referral, *, reader: Principal, purpose: str, at: datetime) -> Weighed:
    """Return what carries the other side's content to this reader at an instant; at most one statement."""
    if reader.agency != referral.sender_id:
        coverage = coverage_of(referral, purpose=purpose, at=at)
        return Weighed(coverage=coverage, basis=referral.basis, consent=referral.consent_id)
    if referral.outcome_basis is not None:
        coverage = outcome_coverage_of(referral, purpose=purpose, at=at)
        return Weighed(coverage=coverage, basis=referral.outcome_basis, consent=referral.outcome_consent_id)
    forward = coverage_of(referral, purpose=purpose, at=at)
    told = frozenset({Category.OUTCOME}) if forward.report_back else frozenset()
    coverage = replace(forward, categories=told)
    return Weighed(coverage=coverage, basis=referral.basis, consent=referral.consent_id)


def coverage_of(referral: Referral, *, purpose: str, at: datetime) -> Coverage:
    """Return what the referral's recipient may be shown for a purpose at an instant; at most one statement."""
    parties = _parties(referral)
    if referral.basis is None or parties is None:
        return NOTHING
    return _covered(referral.basis, referral.consent_id, parties=parties, purpose=purpose, at=at)


def outcome_coverage_of(referral: Referral, *, purpose: str, at: datetime) -> Coverage:
    """Return what the sender may be told of the outcome on the outcome's own basis; at most one statement."""
    forward = _parties(referral)
    if referral.outcome_basis is None or forward is None:
        return NOTHING
    parties = forward.reversed(recipient=referral.sender_id, necessity_stated=referral.outcome_necessity_stated)
    found = _covered(referral.outcome_basis, referral.outcome_consent_id, parties=parties, purpose=purpose, at=at)
    return replace(found, categories=found.categories & {Category.OUTCOME})


def emergency_coverage_of(
    referral: Referral, basis: LegalBasis, *, reader: Principal, purpose: str, at: datetime
) -> Coverage:
    """Return what a basis that asks for no consent carries from the other side to this reader; no statement."""
    forward = _parties(referral)
    if forward is None:
        return NOTHING
    sends = reader.agency == referral.sender_id
    parties = forward.reversed(recipient=referral.sender_id, necessity_stated=False) if sends else forward
    parties = replace(parties, disclosing="emergency")
    return covered(grounds.ground(basis), None, parties=parties, purpose=purpose, at=at)


def _covered(basis: LegalBasis, consent: UUID | None, *, parties: Parties, purpose: str, at: datetime) -> Coverage:
    choice = grounds.choice(consent) if basis.consent_kind else None
    at = grounds.as_of(choice, at)
    return covered(grounds.ground(basis), choice, parties=parties, purpose=purpose, at=at)


def _parties(referral: Referral) -> Parties | None:
    if referral.recipient is None:
        return None
    return Parties(
        sender_kind=referral.sender.kind,
        sender_self_governing=referral.sender.self_governing_approved,
        recipient=referral.recipient.id,
        recipient_kind=referral.recipient.kind,
        recipient_self_governing=referral.recipient.self_governing_approved,
        birth_year=referral.subject.birth_year,
        necessity_stated=referral.necessity_stated,
        article_9_ground=referral.article_9_ground,
        article_10_ground=referral.article_10_ground,
        anonymous=referral.subject.mode == Mode.ANONYMOUS,
    )
