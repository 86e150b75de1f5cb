"""
What happens to a consent after it was recorded: it is given, refused, renewed, withdrawn or invalidated.

Each is one act, one event and one entry; the record itself is never edited. Consent knows no referral: whoever rests on
consents is named in settings.CONSENT_ENDED and told inside the act of every end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from agencies.acting import acting
from agencies.principals import Principal
from api_schema.validation import refuse
from api_schema.words import Words
from audit.facts import Subject
from audit.log import Act
from consent import coverage, law, records, telling
from consent.actions import SCOPE
from consent.errors import ConsentEnded, ConsentMoveNotAllowed, ConsentNotValid
from consent.models import Consent, Entity, EventKind
from consent.telling import Told

BEFORE_THE_LAST = Words(
    "Kan ikke ligge før det, der sidst skete med samtykket.", "Can't be before what last happened to the consent."
)
Followed = Callable[[UUID, Principal, Act], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person answered: when (now, unless told), how, who was there, and what shows it."""

    method: str
    answered_at: datetime | None = None
    expires_at: datetime | None = None
    witness: str = ""
    evidence_hash: str = ""


def give_consent(consent_id: UUID, answer: Answer, *, by: Principal, purpose: str, seen: int) -> Told:
    """
    Record that the person gave what they were asked for.

    Raises `ConsentNotFound`, `StaleConsent`, `ConsentMoveNotAllowed` unless it was requested, and `ConsentNotValid`;
    all recorded.
    """
    with acting("consent.give", by=by, about=Subject("consent", consent_id), purpose=purpose, scope=SCOPE) as act:
        consent = telling.locked(consent_id, by=by, seen=seen)
        _only_from(consent, "requested", by=by)
        _given(consent, EventKind.GIVEN, answer, by=by)
        telling.describe(act, consent)
        record = telling.tell(consent, to=by)
    return Told(record=record, receipt=act.committed)


def refuse_consent(consent_id: UUID, answer: Answer, *, by: Principal, purpose: str, seen: int) -> Told:
    """
    Record that the person refused what they were asked for. Refusing twice is the same as once.

    Raises `ConsentNotFound`, `StaleConsent`, `ConsentMoveNotAllowed` unless it was requested, and `ConsentNotValid`
    for an answer from the future; all recorded.
    """
    with acting("consent.refuse", by=by, about=Subject("consent", consent_id), purpose=purpose, scope=SCOPE) as act:
        consent = telling.locked(consent_id, by=by, seen=seen)
        if telling.state(consent) != "refused":
            _only_from(consent, "requested", by=by)
            _follow(consent, EventKind.REFUSED, answer, entity=consent.given_by, by=by)
        _end(consent, act, by=by)
        record = telling.tell(consent, to=by)
    return Told(record=record, receipt=act.committed)


def withdraw_consent(consent_id: UUID, answer: Answer, *, who: str, by: Principal, purpose: str, seen: int) -> Told:
    """
    Record that the person withdrew, or that a custody holder or an agency revoked, through either agency.

    What rests on the consent stops in the same transaction. Raises `ConsentNotFound` and `StaleConsent`, recorded.
    Withdrawing twice is the same as once.
    """
    with acting("consent.withdraw", by=by, about=Subject("consent", consent_id), purpose=purpose, scope=SCOPE) as act:
        consent = telling.locked(consent_id, by=by, seen=seen, own=False)
        if telling.state(consent) not in coverage.ENDS:
            kind = EventKind.WITHDRAWN if who == Entity.SUBJECT else EventKind.REVOKED
            _follow(consent, kind, answer, entity=who, by=by)
        act.detail = {"by": who}
        _end(consent, act, by=by)
        record = telling.tell(consent, to=by)
    return Told(record=record, receipt=act.committed)


def renew_consent(consent_id: UUID, answer: Answer, *, by: Principal, purpose: str, seen: int) -> Told:
    """
    Record that the person renewed: a new event with a period of its own, never an edit (rule 4).

    Raises `ConsentNotFound`, `StaleConsent`, `ConsentEnded` after an end, `ConsentMoveNotAllowed` where it was never
    given, and `ConsentNotValid` for too long a period or a time that can't be; all recorded.
    """
    with acting("consent.renew", by=by, about=Subject("consent", consent_id), purpose=purpose, scope=SCOPE) as act:
        consent = telling.locked(consent_id, by=by, seen=seen)
        state = telling.state(consent)
        if state in coverage.ENDS:
            raise ConsentEnded(extra={"allowed_actions": law.allowed_actions(state, own=True)})
        if state == "requested":
            raise ConsentMoveNotAllowed(extra={"allowed_actions": law.allowed_actions(state, own=True)})
        _given(consent, EventKind.RENEWED, answer, by=by)
        telling.describe(act, consent)
        record = telling.tell(consent, to=by)
    return Told(record=record, receipt=act.committed)


def invalidate_consent(consent_id: UUID, *, reason: str, by: Principal, purpose: str, seen: int) -> Told:
    """
    Record that the consent never counted or counts no more, by the agency that recorded it, with a coded reason.

    It ends like any other; what was disclosed on it stays in the ledger as it was. Invalidating twice is the same as
    once. Raises `ConsentNotFound` and `StaleConsent`, recorded.
    """
    with acting("consent.invalidate", by=by, about=Subject("consent", consent_id), purpose=purpose, scope=SCOPE) as act:
        consent = telling.locked(consent_id, by=by, seen=seen)
        if telling.state(consent) != EventKind.INVALIDATED:
            event = records.Happening(
                kind=EventKind.INVALIDATED, at=timezone.now(), entity=Entity.AGENCY, reason=reason
            )
            records.follow(consent, event, by=by)
        act.detail = {"reason": reason}
        _end(consent, act, by=by)
        record = telling.tell(consent, to=by)
    return Told(record=record, receipt=act.committed)


def _only_from(consent: Consent, state: str, *, by: Principal) -> None:
    now = telling.state(consent)
    if now != state:
        own = consent.registered_by_id == by.agency
        raise ConsentMoveNotAllowed(extra={"allowed_actions": law.allowed_actions(now, own=own)})


def _given(consent: Consent, kind: EventKind, answer: Answer, *, by: Principal) -> None:
    at = _when(consent, kind, answer)
    expires_at = records.checked_period(consent, answer.expires_at, at=at, method=answer.method)
    _follow(consent, kind, answer, entity=consent.given_by, by=by, at=at, expires_at=expires_at)


def _when(consent: Consent, kind: EventKind, answer: Answer) -> datetime:
    """Return when the person answered. Raises `ConsentNotValid` for the future, or before what happened last."""
    now = timezone.now()
    at = answer.answered_at or now
    renewed = kind == EventKind.RENEWED
    pointer = "/renewed_at" if renewed else "/answered_at"
    if at > now:
        raise ConsentNotValid(errors=[refuse(pointer, "in_the_future", records.NOT_YET)])
    if answer.answered_at and at < telling.last_at(consent):
        code, words = ("before_the_last_event", BEFORE_THE_LAST) if renewed else ("before_it_was_asked", records.BEFORE)
        raise ConsentNotValid(errors=[refuse(pointer, code, words)])
    return at


def _follow(
    consent: Consent,
    kind: EventKind,
    answer: Answer,
    *,
    entity: str,
    by: Principal,
    at: datetime | None = None,
    expires_at: datetime | None = None,
) -> None:
    at = at or _when(consent, kind, answer)
    records.check_staff(answer.witness, "/witness", by=by)
    event = records.Happening(
        kind=kind,
        at=at,
        entity=entity,
        method=answer.method,
        witness=answer.witness,
        evidence_hash=answer.evidence_hash,
        expires_at=expires_at,
    )
    records.follow(consent, event, by=by)


def _end(consent: Consent, act: Act, *, by: Principal) -> None:
    telling.describe(act, consent)
    for path in settings.CONSENT_ENDED:
        followed: Followed = import_string(path)
        followed(consent.id, by, act)
