"""
The acts that make an agency a self-governing institution (retsplejeloven § 115, stk. 3): claim, approve, withdraw.

One administrator brings evidence; two others, of the oversight body, approve it (rule 10). Nothing here sets the
attribute: the database does, from these rows (migrations/0003).
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.errors import ClaimStands, ClaimWithdrawn, KeyReused, NotAnApprover, NotThere
from agencies.models import Agency, Kind, Role, SelfGoverningApproval, SelfGoverningClaim
from agencies.principals import Principal
from api_schema import pagination
from audit import log
from audit.facts import Receipt, Subject

SCOPE = "administration"
STATES = ("waiting", "approved", "withdrawn")
MADE_ONCE = ("agencies_one_standing_claim_per_agency", "agencies_claim_is_made_once_per_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a claim rests on: the hash of a document, and where the document is kept."""

    evidence_hash: str
    evidence_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim as it is told to one reader. The claimant is named to their own agency and to the oversight body."""

    id: UUID
    agency: UUID
    state: str
    evidence_hash: str
    evidence_reference: str
    claimed_at: datetime
    claimed_by: str | None
    approved_at: Sequence[datetime]
    withdrawn_at: datetime | None
    withdrawn_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A claim after an act, with the act's receipt."""

    claim: Claim
    receipt: Receipt
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of an agency's claims, newest first, the cursor to the next, and the receipt."""

    claims: Sequence[Claim]
    next: str | None
    receipt: Receipt


def claims_of(agency_id: UUID, *, by: Principal, purpose: str, size: int, cursor: str) -> Page:
    """
    Return a page of an agency's claims to its own administrators and those of the oversight body.

    Raises `NotThere`, recorded, to any other; and `Malformed` for another list's cursor.
    """
    bound_to = f"self-governing:{agency_id}:{by.agency}:{by.membership}"
    with _administering("self_governing.list", agency_id, by=by, purpose=purpose, changes=False) as act:
        agency = _agency(agency_id, by=by)
        found = SelfGoverningClaim.objects.filter(agency=agency).order_by("-id")
        if cursor:
            found = found.filter(id__lt=UUID(pagination.decode(cursor, bound_to=bound_to)[0]))
        rows, more = pagination.page(
            list(found.prefetch_related("approvals")[: size + 1]),
            size=size,
            position=lambda claim: (str(claim.id),),
            bound_to=bound_to,
        )
        act.result_ids = tuple(row.id for row in rows)
        claims = [_told(row, agency, by=by) for row in rows]
    return Page(claims=claims, next=more, receipt=act.committed)


def claim(agency_id: UUID, evidence: Evidence, *, by: Principal, purpose: str, key: str, body_hash: str) -> Told:
    """
    Claim, with evidence, that an agency is self-governing; the same key and body return the claim already made.

    Raises `NotThere` to administrators of another agency, `ClaimStands` and `KeyReused`; all recorded.
    """
    return log.once_more(
        lambda: _claim(agency_id, evidence, by=by, purpose=purpose, key=key, body_hash=body_hash), on=MADE_ONCE
    )


def _claim(agency_id: UUID, evidence: Evidence, *, by: Principal, purpose: str, key: str, body_hash: str) -> Told:
    with _administering("self_governing.claim", agency_id, by=by, purpose=purpose) as act:
        agency = _agency(agency_id, by=by)
        made = SelfGoverningClaim.objects.filter(registered_by=by.agency, idempotency_key=key).first()
        replayed = made is not None
        if made is None:
            if SelfGoverningClaim.objects.filter(agency=agency, withdrawn_at=None).exists():
                raise ClaimStands
            made = SelfGoverningClaim.objects.create(
                agency=agency,
                evidence_hash=evidence.evidence_hash,
                evidence_reference=evidence.evidence_reference,
                claimed_by_id=_account(by),
                staff_id=by.staff_id,
                registered_by_id=by.agency,
                idempotency_key=key,
                body_hash=body_hash,
            )
            made.refresh_from_db(fields=["claimed_at"])
        elif (made.body_hash, made.agency_id) != (body_hash, agency.id):
            raise KeyReused
        else:
            act.action = "self_governing.replay"
        act.detail = {"claim": str(made.id)}
        shown = _told(made, agency, by=by)
    return Told(claim=shown, receipt=act.committed, replayed=replayed)


def approve(agency_id: UUID, claim_id: UUID, *, by: Principal, purpose: str) -> Told:
    """
    Approve a claim for the oversight body. With the second person's approval the agency is self-governing.

    Raises `NotThere`, `NotAnApprover` to the claimant and to whoever is not of the oversight body, and
    `ClaimWithdrawn`; all recorded. Approving twice is the same as once.
    """
    with _administering("self_governing.approve", agency_id, by=by, purpose=purpose) as act:
        agency = _agency(agency_id, by=by)
        found = _locked(claim_id, agency)
        if by.kind != Kind.OVERSIGHT or found.claimed_by_id == by.user:
            raise NotAnApprover
        if found.withdrawn_at is not None:
            raise ClaimWithdrawn
        if not found.approvals.filter(approved_by=by.user).exists():
            SelfGoverningApproval.objects.create(claim=found, approved_by_id=_account(by))
        agency.refresh_from_db(fields=["self_governing_approved"])
        act.detail = {"claim": str(found.id), "approved": "yes" if agency.self_governing_approved else "no"}
        shown = _told(found, agency, by=by)
    return Told(claim=shown, receipt=act.committed)


def withdraw(agency_id: UUID, claim_id: UUID, *, by: Principal, purpose: str, reason: str) -> Told:
    """
    Withdraw a claim, whether or not it was approved: from then on the agency is not self-governing.

    Raises `NotThere`, recorded. Withdrawing twice is the same as once, and the first reason stays.
    """
    with _administering("self_governing.withdraw", agency_id, by=by, purpose=purpose) as act:
        agency = _agency(agency_id, by=by)
        found = _locked(claim_id, agency)
        if found.withdrawn_at is None:
            found.withdrawn_at, found.withdrawn_reason = timezone.now(), reason
            found.save(update_fields=["withdrawn_at", "withdrawn_reason"])
            found.refresh_from_db(fields=["withdrawn_at"])
        act.detail = {"claim": str(found.id), "reason": found.withdrawn_reason}
        shown = _told(found, agency, by=by)
    return Told(claim=shown, receipt=act.committed)


def _administering(
    action: str, agency_id: UUID, *, by: Principal, purpose: str, changes: bool = True
) -> AbstractContextManager[log.Act]:
    about, roles = Subject("agency", agency_id), (Role.ADMINISTRATOR,)
    return acting(action, by=by, about=about, purpose=purpose, scope=SCOPE, roles=roles, changes=changes)


def _account(by: Principal) -> int:
    return cast(int, by.user)  # `acting` has refused whoever acts for nobody


def _agency(agency_id: UUID, *, by: Principal) -> Agency:
    agency = directory.active_agency(agency_id)
    if agency is None or (by.kind != Kind.OVERSIGHT and by.agency != agency.id):
        raise NotThere
    return agency


def _locked(claim_id: UUID, agency: Agency) -> SelfGoverningClaim:
    """Return the claim, locked as the database locks it for an approval. Raises `NotThere`."""
    found = SelfGoverningClaim.objects.select_for_update().filter(pk=claim_id, agency=agency).first()
    if found is None:
        raise NotThere
    return found


def _told(claim: SelfGoverningClaim, agency: Agency, *, by: Principal) -> Claim:
    state = "approved" if agency.self_governing_approved else "waiting"
    named = by.kind == Kind.OVERSIGHT or by.agency == claim.registered_by_id
    return Claim(
        id=claim.id,
        agency=agency.id,
        state="withdrawn" if claim.withdrawn_at else state,
        evidence_hash=claim.evidence_hash,
        evidence_reference=claim.evidence_reference,
        claimed_at=claim.claimed_at,
        claimed_by=claim.staff_id if named else None,
        approved_at=sorted(approval.approved_at for approval in claim.approvals.all()),
        withdrawn_at=claim.withdrawn_at,
        withdrawn_reason=claim.withdrawn_reason,
    )
