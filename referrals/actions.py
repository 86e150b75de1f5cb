"""
The acts on a referral: create, edit, move, assign. One function, one act, one transaction, one entry.

Each decides under the row's lock, by the step table and policy, and writes through `drafts` and `grants`.
"""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.principals import Principal
from audit import log
from audit.facts import Subject
from audit.log import Act
from consent import records
from consent.errors import KeyReused
from referrals import drafts, grants, news, policy, steps
from referrals.coverage import coverage_of
from referrals.errors import MoveNotAllowed, OnlyDraftsChange, ReferenceTaken, ReferralNotFound, StaleVersion
from referrals.lifecycle import STEPS, Move, Side, Status
from referrals.models import Referral
from referrals.statements import Draft
from referrals.steps import MoveBody

MADE_ONCE = (
    "referrals_referral_is_created_once_per_key",
    "referrals_external_reference_is_unique_per_sender",
    "consent_consent_is_created_once_per_key",
)
WEIGHING = frozenset({Move.SUBMIT, Move.AMEND, Move.ANSWER_INFO, Move.DECLINE_INFO, Move.RESUME})
"""The moves that weigh the consent anew; they lock it before the referral, as a withdrawal and a release do."""

STOPPABLE = [status.value for status, move in STEPS if move is Move.STOP_ON_CONSENT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What came of creating a referral: its id, and whether an earlier request with the same key had made it."""

    id: UUID
    status: Status
    version: int
    replayed: bool


def create(draft: Draft, *, submit: bool, by: Principal, purpose: str) -> Created:
    """
    Create a referral as a draft, or create and submit it at once; the same key and body return the one already made.

    Raises `KeyReused`, `ReferenceTaken`, `UnknownHere`, `KeyDestroyed` of an erased person, `NotCovered`, and on
    submission `NotComplete`; all recorded, and nothing of the referral remains.
    """
    return log.once_more(lambda: _create(draft, submit=submit, by=by, purpose=purpose), on=MADE_ONCE)


def _create(draft: Draft, *, submit: bool, by: Principal, purpose: str) -> Created:
    action = "referral.submit" if submit else "referral.create"
    with acting(action, by=by, about=Subject("referral"), purpose=purpose) as act:
        made = Referral.objects.filter(sender=by.agency, idempotency_key=draft.key).first()
        if made is not None:
            if made.body_hash != draft.body_hash:
                raise KeyReused
            act.action, act.about = "referral.replay", Subject("referral", made.id)
            return Created(id=made.id, status=Status(made.status), version=made.version, replayed=True)
        _check_reference(draft, by)
        referral = drafts.write_new(draft, by=by)
        act.about = Subject("referral", referral.id)
        act.detail = {"linked": "yes"} if draft.linked is not None else {}
        grants.grant_to_agency(referral, by.agency, side=Side.SENDER, at=referral.updated_at)
        if submit:
            steps.submit(act, referral, purpose=purpose)
            drafts.touch(referral)
        news.changed(referral, arrived=submit)
        return Created(id=referral.id, status=Status(referral.status), version=referral.version, replayed=False)


def edit(referral_id: UUID, draft: Draft, *, by: Principal, purpose: str, seen: int) -> None:
    """
    Edit a draft. Raises `ReferralNotFound`, `StaleVersion`, `OnlyDraftsChange`, `ReferenceTaken`, `UnknownHere`,
    `NotCovered` and `KeyDestroyed`; all recorded.
    """
    log.once_more(lambda: _edit(referral_id, draft, by=by, purpose=purpose, seen=seen), on=MADE_ONCE)


def _edit(referral_id: UUID, draft: Draft, *, by: Principal, purpose: str, seen: int) -> None:
    with acting("referral.edit", by=by, about=Subject("referral", referral_id), purpose=purpose) as act:
        referral = _locked(referral_id, by=by, seen=seen)
        if not drafts.is_draft(referral) or not referral.may_work:
            raise OnlyDraftsChange(_allowed(by, referral))
        if draft.external_reference and draft.external_reference != referral.external_reference:
            _check_reference(draft, by)
        drafts.rewrite(referral, draft, by=by)
        news.changed(referral)
        act.detail = {"changed": ",".join(sorted(draft.sections))}


def take_step(referral_id: UUID, move: Move, body: MoveBody, *, by: Principal, purpose: str, seen: int) -> UUID | None:
    """
    Move a referral one step along its life; return the linked child's id where the step makes one.

    Raises `ReferralNotFound`, `StaleVersion`, `MoveNotAllowed` with the moves that are allowed, `PurposeNotAllowed`,
    `ReasonNotValid`, `UnknownHere`, `KeyDestroyed` where it says something of an erased person, and where the step
    discloses `NotComplete` and `NotCovered`; all recorded.
    """
    with acting(f"referral.{move}", by=by, about=Subject("referral", referral_id), purpose=purpose) as act:
        referral = _locked(referral_id, by=by, seen=seen, weighing=move in WEIGHING)
        step = policy.step_for(by, referral.facts(), move)
        if step is None:
            raise MoveNotAllowed(_allowed(by, referral))
        _check_purpose(referral, by=by, purpose=purpose)
        steps.check_reason(move, body)
        child = steps.carry_out(act, referral, move, step, body, by=by, purpose=purpose)
        drafts.touch(referral)
        news.changed(referral, arrived=move is Move.SUBMIT)
        act.detail |= {"move": str(move), **({"reason": body.reason} if body.reason else {}), **body.detail}
        if move not in {Move.SUBMIT, Move.AMEND}:
            steps.rest_on(act, referral)
        return child


def stop_on_ended_consent(consent_id: UUID, by: Principal, act: Act) -> None:  # noqa: ARG001 - the hook's shape
    """Set every referral that rests on an ended consent to `consent_withdrawn`, inside the withdrawal's own act."""
    resting = Referral.objects.select_for_update().filter(consent=consent_id, status__in=STOPPABLE)
    stopped = list(resting.order_by("id"))  # in the order in which an access report locks them
    for referral in stopped:
        referral.status_when_stopped, referral.status = referral.status, Status.CONSENT_WITHDRAWN
        drafts.touch(referral)
    news.changed(*stopped)
    act.result_ids = tuple(referral.id for referral in stopped)


def _locked(referral_id: UUID, *, by: Principal, seen: int, weighing: bool = False) -> Referral:
    """
    Return the referral as its locked row is, for this principal.

    The row is locked by its key alone: re-checking the permissions of a row that another transaction just changed, as
    one statement would, may find none.
    """
    found = Referral.objects.viewable_by(by).with_parties().filter(pk=referral_id)
    referral = found.first()
    if referral is None:
        raise ReferralNotFound
    if weighing and referral.consent_id is not None:
        records.hold(referral.consent_id)
    version = Referral.objects.select_for_update().values_list("version", flat=True).get(pk=referral_id)
    if version != seen:
        raise StaleVersion
    return referral if referral.version == version else found.get()


def _allowed(by: Principal, referral: Referral) -> tuple[Move, ...]:
    return policy.allowed_actions(by, referral.facts())


def _check_purpose(referral: Referral, *, by: Principal, purpose: str) -> None:
    if by.agency != referral.recipient_id:
        return
    if policy.OTHER_PURPOSE & set(coverage_of(referral, purpose=purpose, at=timezone.now()).because):
        raise PurposeNotAllowed


def _check_reference(draft: Draft, by: Principal) -> None:
    taken = Referral.objects.filter(sender=by.agency, external_reference=draft.external_reference or "-")
    if draft.external_reference and taken.exists():
        raise ReferenceTaken
