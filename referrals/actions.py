"""
The acts on a referral: create, edit, move, assign. One function, one act, one transaction, one entry.

Each decides under the row's lock, by the step table and policy, and writes through `drafts` and `grants`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.principals import Principal
from api_schema.validation import FieldError, refuse
from api_schema.words import Words
from audit import log
from audit.facts import Subject
from audit.log import Act
from consent import records
from consent.categories import Category
from consent.coverage import Coverage
from consent.errors import KeyReused
from referrals import deadlines, drafts, grants, policy
from referrals.disclosure import coverage_of
from referrals.drafts import Draft
from referrals.errors import (
    CONSENT_DOES_NOT_STAND,
    COVERAGE_WORDS,
    SECTION_NOT_COVERED,
    MoveNotAllowed,
    NotComplete,
    NotCovered,
    OnlyDraftsChange,
    ReasonNotValid,
    ReferenceTaken,
    ReferralNotFound,
    StaleVersion,
    UnknownHere,
)
from referrals.lifecycle import STEPS, Move, Side, Status, Step, destination
from referrals.models import Referral

NO_RECIPIENT = Words("Angiv modtageren (recipient).", "Name the recipient.")
NO_REASON = Words("Sektionen reason skal være udfyldt.", "The section reason must be filled in.")
NO_SUCH_REASON = Words("Skal være en af: {allowed}.", "Must be one of: {allowed}.")
NO_REASON_HERE = Words("Dette skridt har ingen begrundelse.", "This step has no reason.")
NEEDS_COMMENT = Words("Denne begrundelse kræver en kommentar.", "This reason needs a comment.")
NO_COUNSELLOR = Words("Ikke en aktiv medarbejder i din myndighed.", "Not an active member of your agency's staff.")
MADE_ONCE = (
    "referrals_referral_is_created_once_per_key",
    "referrals_external_reference_is_unique_per_sender",
    "consent_consent_is_created_once_per_key",
)
STOPPABLE = [status.value for status, move in STEPS if move is Move.STOP_ON_CONSENT]
REASONED = frozenset(
    {
        *(Move.REJECT, Move.REDIRECT, Move.WITHDRAW, Move.HOLD, Move.COMPLETE, Move.CLOSE, Move.TAKE_OVER),
        *(Move.MARK_IN_ERROR, Move.REQUEST_INFO, Move.DECLINE_INFO),
    }
)
"""The moves that are made for a coded reason, and are refused without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveBody:
    """What a caller says with a move. Each move uses its own part of it, as its wire body is typed."""

    reason: str = ""
    comment: str = ""
    outcome: str = ""
    review_by: datetime | None = None
    assignees: tuple[str, ...] = ()
    basis: drafts.BasisStated | None = None
    redirect_to: UUID | None = None
    about: tuple[Category, ...] = ()
    detail: Mapping[str, str] = field(default_factory=dict)


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

    Raises `KeyReused`, `ReferenceTaken`, `UnknownHere`, and on submission `NotComplete` and `NotCovered`; all recorded,
    and nothing of the referral remains.
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
        grants.grant_to_agency(referral, by.agency, side=Side.SENDER, at=referral.updated_at)
        if submit:
            _submit(act, referral, purpose=purpose)
            drafts.touch(referral)
        return Created(id=referral.id, status=Status(referral.status), version=referral.version, replayed=False)


def edit(referral_id: UUID, draft: Draft, *, by: Principal, purpose: str, seen: int) -> None:
    """
    Edit a draft. Raises `ReferralNotFound`, `StaleVersion`, `OnlyDraftsChange`, `ReferenceTaken` and `UnknownHere`;
    all recorded.
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
        act.detail = {"changed": ",".join(sorted(draft.sections))}


def take_step(referral_id: UUID, move: Move, body: MoveBody, *, by: Principal, purpose: str, seen: int) -> UUID | None:
    """
    Move a referral one step along its life; return the linked child's id where the step makes one.

    Raises `ReferralNotFound`, `StaleVersion`, `MoveNotAllowed` with the moves that are allowed, `PurposeNotAllowed`,
    `ReasonNotValid`, `UnknownHere`, and where the step discloses `NotComplete` and `NotCovered`; all recorded.
    """
    with acting(f"referral.{move}", by=by, about=Subject("referral", referral_id), purpose=purpose) as act:
        referral = _locked(referral_id, by=by, seen=seen)
        step = policy.step_for(by, referral.facts(), move)
        if step is None:
            raise MoveNotAllowed(_allowed(by, referral))
        _check_purpose(referral, by=by, purpose=purpose)
        _check_reason(move, body)
        child = _carry_out(act, referral, move, step, body, by=by, purpose=purpose)
        drafts.touch(referral)
        act.detail = {"move": str(move), **({"reason": body.reason} if body.reason else {}), **body.detail}
        if move is not Move.SUBMIT:
            _rest_on(act, referral)
        return child


def stop_on_ended_consent(consent_id: UUID, by: Principal, act: Act) -> None:  # noqa: ARG001 - the hook's shape
    """Set every referral that rests on an ended consent to `consent_withdrawn`, inside the withdrawal's own act."""
    stopped = list(Referral.objects.select_for_update().filter(consent=consent_id, status__in=STOPPABLE))
    for referral in stopped:
        referral.status_when_stopped, referral.status = referral.status, Status.CONSENT_WITHDRAWN
        drafts.touch(referral)
    act.result_ids = tuple(referral.id for referral in stopped)


def _carry_out(
    act: Act, referral: Referral, move: Move, step: Step, body: MoveBody, *, by: Principal, purpose: str
) -> UUID | None:
    now = timezone.now()
    child = None
    stopped = referral.status == Status.CONSENT_WITHDRAWN
    before = referral.status_when_stopped if stopped else referral.status_before
    to = destination(step, now=Status(referral.status), before=before)
    match move:
        case Move.SUBMIT:
            _submit(act, referral, purpose=purpose)
        case Move.ACCEPT:
            referral.responsible_id, referral.responsible_since = by.agency, now
        case Move.ASSIGN:
            _assign(referral, body, by=by)
        case Move.HOLD:
            referral.review_by = body.review_by or now + deadlines.HOLD_REVIEW
        case Move.REQUEST_INFO:
            referral.status_before, referral.clock_paused_at = referral.status, now
            referral.review_by = now + deadlines.ANSWER_WITHIN
        case Move.ANSWER_INFO | Move.DECLINE_INFO:
            _resume_clock(referral, now)
        case Move.RESUME if stopped:
            _rest_on_another_basis(referral, body, by=by, purpose=purpose)
        case Move.REDIRECT:
            child = _redirect(referral, body, by=by)
            act.result_ids = (child,)
    if body.about and body.comment:
        _say(referral, move, step, body, by=by, purpose=purpose, at=now)
        act.categories = tuple(map(str, body.about)) if step.side is Side.SENDER else ()
    elif body.comment or body.outcome:
        said = {"move": str(move), "reason": body.reason, "comment": body.comment, "outcome": body.outcome}
        drafts.add_outcome(referral, {name: value for name, value in said.items() if value}, by=by, at=now)
    referral.reason_code = body.reason or referral.reason_code
    referral.status = to
    return child


def _say(
    referral: Referral, move: Move, step: Step, body: MoveBody, *, by: Principal, purpose: str, at: datetime
) -> None:
    """Add a question or an answer. What the sender tells is a disclosure, and needs its ground (rules 1 and 2)."""
    covered = coverage_of(referral, purpose=purpose, at=at).categories
    beyond = [place for place, category in enumerate(body.about) if category not in covered]
    if step.side is Side.SENDER and beyond:
        raise NotCovered(
            errors=[refuse(f"/categories/{place}", "section_not_covered", SECTION_NOT_COVERED) for place in beyond]
        )
    about = body.about[0] if len(body.about) == 1 else Category.REASON
    said = {"kind": str(move), "reason": body.reason, "text": body.comment, "from": str(by.agency)}
    drafts.add_message(referral, about, {name: value for name, value in said.items() if value}, by=by, at=at)


def _submit(act: Act, referral: Referral, *, purpose: str) -> None:
    now = timezone.now()
    written = drafts.written_categories(referral)
    missing = [refuse("/recipient", "required", NO_RECIPIENT)] if referral.recipient is None else []
    if referral.recipient is not None and not referral.recipient.active:
        missing = [refuse("/recipient", "inactive_agency", drafts.NO_AGENCY)]
    if not drafts.has_section(referral, Category.REASON):
        missing.append(refuse("/sections/reason", "required", NO_REASON))
    if missing:
        raise NotComplete(errors=missing)
    coverage = _check_covered(referral, written, purpose=purpose)
    referral.status, referral.submitted_at, referral.purpose = Status.SUBMITTED, now, purpose
    referral.acknowledge_by, referral.decide_by = deadlines.after_submission(referral.urgency, at=now)
    assert referral.recipient_id is not None and referral.basis is not None  # noqa: S101, PT018 - checked just above
    grants.grant_to_agency(referral, referral.recipient_id, side=Side.RECIPIENT, at=now)
    _rest_on(act, referral, coverage.consent_version)
    act.categories = tuple(sorted(map(str, written)))


def _check_covered(referral: Referral, written: frozenset[Category], *, purpose: str) -> Coverage:
    """Return the coverage of a disclosure; refuse one that it does not carry, naming each reason (rules 1 and 2)."""
    if referral.consent_id is not None:
        records.hold(referral.consent_id)  # a withdrawal under way is waited for, and one to come finds the referral
    coverage = coverage_of(referral, purpose=purpose, at=timezone.now())
    errors: list[FieldError] = [
        refuse("/basis", code, COVERAGE_WORDS.get(code, CONSENT_DOES_NOT_STAND)) for code in coverage.because
    ]
    if not errors:
        beyond = sorted(written - coverage.categories - {Category.OUTCOME})
        errors = [refuse(f"/sections/{category}", "section_not_covered", SECTION_NOT_COVERED) for category in beyond]
    if errors:
        raise NotCovered(errors=errors)
    return coverage


def _rest_on(act: Act, referral: Referral, consent_version: int | None = None) -> None:
    if referral.basis is not None:
        act.basis, act.basis_version = referral.basis.code, referral.basis.version
        act.consent, act.consent_version = referral.consent_id, consent_version


def _assign(referral: Referral, body: MoveBody, *, by: Principal) -> None:
    members = directory.counsellors(by.agency, body.assignees)
    known = {member.staff_id for member in members}
    unknown = [index for index, staff_id in enumerate(body.assignees) if staff_id not in known]
    if unknown:
        raise UnknownHere(errors=[refuse(f"/assignees/{index}", "unknown_staff", NO_COUNSELLOR) for index in unknown])
    grants.assign(referral, members)


def _resume_clock(referral: Referral, now: datetime) -> None:
    if referral.clock_paused_at is not None:
        paused = referral.clock_paused_at
        referral.acknowledge_by = deadlines.resumed(referral.acknowledge_by, paused_at=paused, now=now)
        referral.decide_by = deadlines.resumed(referral.decide_by, paused_at=paused, now=now)
        referral.clock_paused_at = None


def _rest_on_another_basis(referral: Referral, body: MoveBody, *, by: Principal, purpose: str) -> None:
    ended = referral.consent_id
    if body.basis is not None:
        drafts.restate_basis(referral, body.basis, by=by)
    if body.basis is None or (referral.consent_id is not None and referral.consent_id == ended):
        raise NotCovered(errors=[refuse("/basis", "another_basis_required", COVERAGE_WORDS["no_basis"])])
    _check_covered(referral, drafts.written_categories(referral), purpose=purpose)


def _redirect(referral: Referral, body: MoveBody, *, by: Principal) -> UUID:
    child = drafts.write_child(referral, recipient=body.redirect_to, by=by)
    grants.grant_to_agency(child, by.agency, side=Side.SENDER, at=child.updated_at)
    return child.id


def _locked(referral_id: UUID, *, by: Principal, seen: int) -> Referral:
    """
    Return the referral as its locked row is, for this principal.

    The row is locked by its key alone: re-checking the permissions of a row that another transaction just changed, as
    one statement would, may find none.
    """
    found = Referral.objects.viewable_by(by).with_parties().filter(pk=referral_id)
    referral = found.first()
    if referral is None:
        raise ReferralNotFound
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


def _check_reason(move: Move, body: MoveBody) -> None:
    if move not in REASONED:
        if body.reason:
            raise ReasonNotValid(errors=[refuse("/reason", "no_reason_here", NO_REASON_HERE)])
        return
    items = directory.valid_items("reasons", on=timezone.now().date(), scope=str(move))
    found = next((item for item in items if item.code == body.reason), None)
    if found is None:
        allowed = ", ".join(item.code for item in items)
        raise ReasonNotValid(errors=[refuse("/reason", "unknown_reason", NO_SUCH_REASON, allowed=allowed)])
    if found.attributes.get("comment_required") and not body.comment:
        raise ReasonNotValid(errors=[refuse("/comment", "required", NEEDS_COMMENT)])


def _check_reference(draft: Draft, by: Principal) -> None:
    taken = Referral.objects.filter(sender=by.agency, external_reference=draft.external_reference or "-")
    if draft.external_reference and taken.exists():
        raise ReferenceTaken
