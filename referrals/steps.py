"""
What each move does to a referral, inside the act that `actions` opened, under the row's lock.

Nothing here opens a transaction or decides who may move; it decides whether what the move says can be carried out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.models import Kind
from agencies.principals import Principal
from api_schema.validation import FieldError, refuse
from api_schema.words import Words
from audit.log import Act
from audit.trails import ASSIGNEES
from consent import records
from consent.categories import Category
from consent.coverage import Coverage
from referrals import deadlines, drafts, grants, infohus, news, persons
from referrals.coverage import coverage_of, outcome_coverage_of
from referrals.deadlines import Deadline
from referrals.errors import (
    CONSENT_DOES_NOT_STAND,
    COVERAGE_WORDS,
    SECTION_NOT_COVERED,
    NotComplete,
    NotCovered,
    ReasonNotValid,
    UnknownHere,
)
from referrals.lifecycle import Move, Side, Status, Step, destination
from referrals.models import Referral
from referrals.statements import BasisStated

NO_RECIPIENT = Words("Angiv modtageren (recipient).", "Name the recipient.")
NO_REASON = Words("Sektionen reason skal være udfyldt.", "The section reason must be filled in.")
NO_SUCH_REASON = Words("Skal være en af: {allowed}.", "Must be one of: {allowed}.")
NO_REASON_HERE = Words("Dette skridt har ingen begrundelse.", "This step has no reason.")
NEEDS_COMMENT = Words("Denne begrundelse kræver en kommentar.", "This reason needs a comment.")
NO_COUNSELLOR = Words("Ikke en aktiv medarbejder i din myndighed.", "Not an active member of your agency's staff.")
CPR_NEEDS_GROUND = Words(
    "En privat modtager må kun få CPR-nummeret med samtykke eller hjemmel i lov: angiv basis.cpr_ground.",
    "A private recipient is given the CPR number only on consent or by statute: state basis.cpr_ground.",
)
REASONED = frozenset(
    {
        *(Move.REJECT, Move.REDIRECT, Move.WITHDRAW, Move.HOLD, Move.COMPLETE, Move.CLOSE, Move.TAKE_OVER),
        *(Move.MARK_IN_ERROR, Move.REQUEST_INFO, Move.DECLINE_INFO, Move.AMEND),
    }
)
"""The moves that are made for a coded reason, and are refused without one."""


JOINT = frozenset({Status.ACCEPTED, Status.IN_PROGRESS, Status.ON_HOLD})
"""Joint handling: a case that comes under § 115 while it is stopped goes back before it, to be screened (rule 15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveBody:
    """What a caller says with a move. Each move uses its own part of it, as its wire body is typed."""

    reason: str = ""
    comment: str = ""
    outcome: str = ""
    review_by: datetime | None = None
    assignees: tuple[str, ...] = ()
    basis: BasisStated | None = None
    redirect_to: UUID | None = None
    about: tuple[Category, ...] = ()
    screening: str = ""
    sections: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, str] = field(default_factory=dict)


def carry_out(
    act: Act, referral: Referral, move: Move, step: Step, body: MoveBody, *, by: Principal, purpose: str
) -> UUID | None:
    """
    Do what a move does, and return the linked child's id where it makes one.

    Raises `NotComplete`, `NotCovered` and `UnknownHere` where what it says can't be carried out.
    """
    now = timezone.now()
    child = None
    stopped = referral.status == Status.CONSENT_WITHDRAWN
    before = referral.status_when_stopped if stopped else referral.status_before
    to = destination(step, now=Status(referral.status), before=before)
    match move:
        case Move.SUBMIT:
            submit(act, referral, purpose=purpose)
        case Move.ACCEPT:
            referral.responsible_id, referral.responsible_since = by.agency, now
        case Move.ASSIGN:
            _assign(act, referral, body, by=by)
        case Move.SCREEN | Move.TAKE_OVER:
            referral.screening = body.screening or referral.screening
        case Move.HOLD:
            referral.review_by = body.review_by or deadlines.within(Deadline.HOLD, at=now)
        case Move.REQUEST_INFO:
            referral.status_before, referral.clock_paused_at = referral.status, now
            referral.review_by = deadlines.within(Deadline.ANSWER, at=now)
        case Move.ANSWER_INFO | Move.DECLINE_INFO:
            _resume_clock(referral, now)
            _widen(referral, body, by=by, purpose=purpose)
        case Move.RESUME if stopped:
            _rest_on_another_basis(referral, body, by=by, purpose=purpose)
        case Move.REDIRECT:
            child = _redirect(referral, body, by=by)
            act.result_ids = (child,)
        case Move.COMPLETE | Move.CLOSE if body.basis is not None:
            _report_back_on(referral, body.basis, by=by, purpose=purpose)
        case Move.MARK_IN_ERROR:
            persons.forget_number(referral)
        case Move.AMEND:
            _amend(act, referral, body, by=by, purpose=purpose, at=now)
    _add_what_was_said(act, referral, move, body, by=by, purpose=purpose, at=now)
    referral.reason_code = referral.reason_code if move is Move.AMEND else body.reason or referral.reason_code
    unscreened = move is Move.RESUME and to in JOINT and referral.awaits_screening()
    referral.status = Status.RECEIVED if unscreened else to
    return child


def submit(act: Act, referral: Referral, *, purpose: str) -> None:
    """Send a draft to its recipient. Raises `NotComplete` and `NotCovered`."""
    now = timezone.now()
    written = drafts.written_categories(referral)
    missing = [refuse("/recipient", "required", NO_RECIPIENT)] if referral.recipient is None else []
    if referral.recipient is not None and not referral.recipient.active:
        missing = [refuse("/recipient", "inactive_agency", drafts.NO_AGENCY)]
    if not drafts.has_section(referral, Category.REASON):
        missing.append(refuse("/sections/reason", "required", NO_REASON))
    if missing:
        raise NotComplete(errors=missing)
    coverage = check_covered(referral, written, purpose=purpose)
    infohus.check_home(referral, on=now.date())
    referral.status, referral.submitted_at, referral.purpose = Status.SUBMITTED, now, purpose
    referral.acknowledge_by, referral.decide_by = deadlines.after_submission(referral.urgency, at=now)
    assert referral.recipient_id is not None and referral.basis is not None  # noqa: S101, PT018 - checked just above
    grants.grant_to_agency(referral, referral.recipient_id, side=Side.RECIPIENT, at=now)
    _share_consent(referral)
    rest_on(act, referral, coverage.consent_version)
    act.categories = tuple(sorted(map(str, written)))


def _share_consent(referral: Referral) -> None:
    """Let the recipient see the consent that what it is shown rests on; before, it is to them as if there were none."""
    if referral.consent_id is not None and referral.recipient_id is not None:
        records.share(referral.consent_id, referral.recipient_id)


def check_covered(referral: Referral, written: frozenset[Category], *, purpose: str) -> Coverage:
    """Return the coverage of a disclosure; refuse one that it does not carry, naming each reason (rules 1 and 2)."""
    if referral.consent_id is not None:
        records.hold(referral.consent_id)  # a withdrawal under way is waited for, and one to come finds the referral
    coverage = coverage_of(referral, purpose=purpose, at=timezone.now())
    errors = _objections(coverage)
    if not errors:
        beyond = sorted(written - coverage.categories - {Category.OUTCOME})
        errors = [refuse(f"/sections/{category}", "section_not_covered", SECTION_NOT_COVERED) for category in beyond]
    if not errors and _private(referral) and drafts.has_number(referral) and not drafts.number_has_ground(referral):
        errors = [refuse("/sections/identity/cpr", "cpr_needs_ground", CPR_NEEDS_GROUND)]
    if errors:
        raise NotCovered(errors=errors)
    return coverage


def rest_on(act: Act, referral: Referral, consent_version: int | None = None) -> None:
    """Write into an act on which basis and consent the referral rests."""
    if referral.basis is not None:
        act.basis, act.basis_version = referral.basis.code, referral.basis.version
        act.consent, act.consent_version = referral.consent_id, consent_version


def check_reason(move: Move, body: MoveBody) -> None:
    """Refuse a move without its coded reason, with a code that is none, or with one it doesn't have."""
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


def _objections(coverage: Coverage) -> list[FieldError]:
    return [refuse("/basis", code, COVERAGE_WORDS.get(code, CONSENT_DOES_NOT_STAND)) for code in coverage.because]


def _private(referral: Referral) -> bool:
    """Say whether the recipient is no public authority: then DBL § 11(2) asks for a ground to hold a CPR number."""
    return referral.recipient is not None and referral.recipient.kind == Kind.EXIT_CENTRE


def _add_what_was_said(
    act: Act,
    referral: Referral,
    move: Move,
    body: MoveBody,
    *,
    by: Principal,
    purpose: str,
    at: datetime,
) -> None:
    if move is Move.AMEND:
        return
    if body.about and body.comment:
        _say(referral, move, body, by=by, purpose=purpose, at=at)
        act.categories = tuple(map(str, body.about)) if move is Move.ANSWER_INFO else ()
    elif body.comment or body.outcome:
        said = {"move": str(move), "reason": body.reason, "comment": body.comment, "outcome": body.outcome}
        drafts.add_outcome(referral, {name: value for name, value in said.items() if value}, by=by, at=at)


def _say(referral: Referral, move: Move, body: MoveBody, *, by: Principal, purpose: str, at: datetime) -> None:
    """Add what is said. An answer is a disclosure, and needs its ground (rules 1 and 2); declining tells nothing."""
    persons.check_not_asked_for(referral.subject, body.about)
    if move is Move.ANSWER_INFO:
        covered = coverage_of(referral, purpose=purpose, at=at).categories
        beyond = [place for place, category in enumerate(body.about) if category not in covered]
        errors = [refuse(f"/categories/{place}", "section_not_covered", SECTION_NOT_COVERED) for place in beyond]
        if errors:
            raise NotCovered(errors=errors)
    about = body.about[0] if len(body.about) == 1 else Category.REASON
    said = {"kind": str(move), "reason": body.reason, "text": body.comment, "from": str(by.agency)}
    drafts.add_message(referral, about, {name: value for name, value in said.items() if value}, by=by, at=at)


def _amend(act: Act, referral: Referral, body: MoveBody, *, by: Principal, purpose: str, at: datetime) -> None:
    """Put new content in the place of sections. To the recipient it is a disclosure like the first (rules 1 and 2)."""
    told = frozenset(map(Category, body.sections))
    drafts.amend(referral, body.sections, reason=body.reason, comment=body.comment, by=by, at=at)
    coverage = check_covered(referral, told, purpose=purpose)
    act.categories = tuple(sorted(map(str, told)))
    rest_on(act, referral, coverage.consent_version)


def _assign(act: Act, referral: Referral, body: MoveBody, *, by: Principal) -> None:
    members = directory.counsellors(by.agency, body.assignees)
    known = {member.staff_id for member in members}
    unknown = [index for index, staff_id in enumerate(body.assignees) if staff_id not in known]
    if unknown:
        raise UnknownHere(errors=[refuse(f"/assignees/{index}", "unknown_staff", NO_COUNSELLOR) for index in unknown])
    grants.assign(referral, members)
    act.detail[ASSIGNEES] = ",".join(sorted({str(member.user_id) for member in members}, key=int))


def _resume_clock(referral: Referral, now: datetime) -> None:
    """Move the deadlines that stood still while an answer was awaited."""
    if referral.clock_paused_at is not None:
        moved = partial(
            deadlines.resumed,
            urgency=referral.urgency,
            submitted_at=referral.submitted_at or now,
            paused_at=referral.clock_paused_at,
            now=now,
        )
        referral.acknowledge_by, referral.decide_by = moved(referral.acknowledge_by), moved(referral.decide_by)
        referral.clock_paused_at = None


def _widen(referral: Referral, body: MoveBody, *, by: Principal, purpose: str) -> None:
    """Let an answer that tells more than the basis carries rest on a new one, for all that was told before as well."""
    if body.basis is not None:
        drafts.restate_basis(referral, body.basis, by=by)
        _carry_all(referral, purpose=purpose)


def _rest_on_another_basis(referral: Referral, body: MoveBody, *, by: Principal, purpose: str) -> None:
    ended = referral.consent_id
    if body.basis is not None:
        drafts.restate_basis(referral, body.basis, by=by)
    if body.basis is None or (referral.consent_id is not None and referral.consent_id == ended):
        raise NotCovered(errors=[refuse("/basis", "another_basis_required", COVERAGE_WORDS["no_basis"])])
    _carry_all(referral, purpose=purpose)


def _carry_all(referral: Referral, *, purpose: str) -> None:
    """Hold a basis that was stated anew to what the first one was held to, for all that was told."""
    check_covered(referral, drafts.written_categories(referral), purpose=purpose)
    infohus.check_home(referral, on=timezone.now().date())
    referral.purpose = purpose
    _share_consent(referral)


def _report_back_on(referral: Referral, stated: BasisStated, *, by: Principal, purpose: str) -> None:
    """Let the outcome go back to the sender on a basis of its own. Raises `NotCovered` where it does not carry it."""
    drafts.set_outcome_basis(referral, stated, by=by)
    if referral.outcome_consent_id is not None:
        records.hold(referral.outcome_consent_id)
    coverage = outcome_coverage_of(referral, purpose=purpose, at=timezone.now())
    errors = [
        refuse("/report_back", error.code, COVERAGE_WORDS.get(error.code, CONSENT_DOES_NOT_STAND))
        for error in _objections(coverage)
    ]
    if not errors and Category.OUTCOME not in coverage.categories:
        errors = [refuse("/report_back", "section_not_covered", SECTION_NOT_COVERED)]
    if errors:
        raise NotCovered(errors=errors)
    if referral.outcome_consent_id is not None:
        records.share(referral.outcome_consent_id, referral.sender_id)


def _redirect(referral: Referral, body: MoveBody, *, by: Principal) -> UUID:
    child = drafts.write_child(referral, recipient=body.redirect_to, by=by)
    grants.grant_to_agency(child, by.agency, side=Side.SENDER, at=child.updated_at)
    news.changed(child)
    return child.id
