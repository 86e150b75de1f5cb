"""
The acts of this room: record a consent, renew it, withdraw it. One function, one act, one entry.

Consent knows no referral. Whoever rests on consents is named in settings.CONSENT_ENDED and told inside the act.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string

from agencies.acting import acting
from agencies.principals import Principal
from api_schema.validation import refuse
from api_schema.words import Words
from audit import log
from audit.facts import Receipt, Subject
from audit.log import Act
from consent import coverage, grounds, records
from consent.errors import ConsentEnded, ConsentNotFound, ConsentNotValid, KeyReused, StaleConsent
from consent.models import Consent, EventKind

SCOPE = "consents"
MADE_ONCE = ("consent_consent_is_created_once_per_key",)
SUBJECT_UNKNOWN = Words(
    "Personen findes ikke hos dig. Brug subject.id fra din egen henvisning.",
    "There is no such person at your agency. Use subject.id of a referral of your own.",
)
Followed = Callable[[UUID, Principal, Act], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A consent as it was shown to one reader, with its state at that instant."""

    consent: Consent
    events: tuple[coverage.Event, ...]
    state: str
    expires_at: datetime | None
    receipt: Receipt
    replayed: bool = False


def record_consent(
    given: records.Given, *, subject_id: UUID, by: Principal, purpose: str, key: str, body_hash: str
) -> Told:
    """
    Record a consent that a person gave; the same key and body return the one already recorded.

    Raises `ConsentNotValid` and `KeyReused`, recorded.
    """
    return log.once_more(
        lambda: _record(given, subject_id=subject_id, by=by, purpose=purpose, key=key, body_hash=body_hash),
        on=MADE_ONCE,
    )


def _record(given: records.Given, *, subject_id: UUID, by: Principal, purpose: str, key: str, body_hash: str) -> Told:
    with acting("consent.record", by=by, about=Subject("consent"), purpose=purpose, scope=SCOPE) as act:
        consent = Consent.objects.filter(registered_by=by.agency, idempotency_key=key).first()
        replayed = consent is not None
        act.action = "consent.replay" if replayed else act.action
        if consent is None:
            subject = records.own_subject(subject_id, by=by)
            if subject is None:
                raise ConsentNotValid(errors=[refuse("/subject", "unknown_subject", SUBJECT_UNKNOWN)])
            consent = records.register_consent(given, subject=subject, by=by, key=key, body_hash=body_hash)
        elif consent.body_hash != body_hash:
            raise KeyReused
        _describe(act, consent)
        told = _tell(consent)
    return told(act.committed, replayed=replayed)


def read_consent(consent_id: UUID, *, by: Principal, purpose: str) -> Told:
    """Show a consent to the agency that recorded it or to a recipient it names. Raises `ConsentNotFound`, recorded."""
    with acting(
        "consent.read", by=by, about=Subject("consent", consent_id), purpose=purpose, scope=SCOPE, changes=False
    ) as act:
        consent = Consent.objects.filter(_concerns(by), pk=consent_id).first()
        if consent is None:
            raise ConsentNotFound
        _describe(act, consent)
        told = _tell(consent)
    return told(act.committed)


def withdraw_consent(consent_id: UUID, *, by: Principal, purpose: str, seen: int, method: str) -> Told:
    """
    Record that the person withdrew, through either agency. What rests on the consent stops in the same transaction.

    Raises `ConsentNotFound` and `StaleConsent`, recorded. Withdrawing twice is the same as once.
    """
    with acting("consent.withdraw", by=by, about=Subject("consent", consent_id), purpose=purpose, scope=SCOPE) as act:
        consent = _locked(consent_id, by=by, seen=seen)
        if _state(consent) not in coverage.ENDS:
            records.follow(consent, EventKind.WITHDRAWN, at=timezone.now(), method=method, by=by)
        _describe(act, consent)
        for path in settings.CONSENT_ENDED:
            followed: Followed = import_string(path)
            followed(consent.id, by, act)
        told = _tell(consent)
    return told(act.committed)


def renew_consent(
    consent_id: UUID, *, by: Principal, purpose: str, seen: int, method: str, expires_at: datetime | None
) -> Told:
    """
    Record that the person renewed: a new event with a period of its own, never an edit (rule 4).

    Raises `ConsentNotFound`, `StaleConsent`, `ConsentEnded` after a withdrawal, and `ConsentNotValid` for too long a
    period; all recorded.
    """
    with acting("consent.renew", by=by, about=Subject("consent", consent_id), purpose=purpose, scope=SCOPE) as act:
        consent = _locked(consent_id, by=by, seen=seen)
        if consent.registered_by_id != by.agency:
            raise ConsentNotFound
        if _state(consent) in coverage.ENDS:
            raise ConsentEnded
        now = timezone.now()
        default, most = records.longest(consent.kind, on=now) or (None, None)
        until = expires_at or (now + default if default else None)
        if until is None or most is None or not now < until <= now + most:
            days = most.days if most else 0
            raise ConsentNotValid(errors=[refuse("/expires_at", "period_too_long", records.TOO_LONG, days=days)])
        records.follow(consent, EventKind.RENEWED, at=now, method=method, by=by, expires_at=until)
        _describe(act, consent)
        told = _tell(consent)
    return told(act.committed)


def _concerns(by: Principal) -> Q:
    return Q(registered_by=by.agency) | Q(recipients__contains=[by.agency])


def _locked(consent_id: UUID, *, by: Principal, seen: int) -> Consent:
    consent = Consent.objects.select_for_update().filter(_concerns(by), pk=consent_id).first()
    if consent is None:
        raise ConsentNotFound
    if consent.version != seen:
        raise StaleConsent
    return consent


def _state(consent: Consent) -> str:
    choice = grounds.choice(consent.id)
    return coverage.state(choice.events if choice else (), at=grounds.as_of(choice, timezone.now()))


def _describe(act: Act, consent: Consent) -> None:
    act.about = Subject("consent", consent.id)
    act.consent, act.consent_version = consent.id, consent.version


def _tell(consent: Consent) -> Callable[..., Told]:
    choice = grounds.choice(consent.id)
    events = choice.events if choice else ()
    at = grounds.as_of(choice, timezone.now())
    stands = coverage.standing(events, at=at)

    def told(receipt: Receipt, *, replayed: bool = False) -> Told:
        return Told(
            consent=consent,
            events=events,
            state=coverage.state(events, at=at),
            expires_at=stands.expires_at if stands else None,
            receipt=receipt,
            replayed=replayed,
        )

    return told
