"""
Writes what happens to subjects and consents: rows and events, inside whatever act is under way.

Nothing here opens a transaction. `consent.actions` are the acts of this room; `referrals.actions` may register a
subject and a consent as part of theirs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.principals import Principal
from api_schema.validation import FieldError, refuse
from api_schema.words import Words
from consent import coverage, vault
from consent.errors import ConsentNotValid
from consent.models import Consent, ConsentEvent, EventKind, Mode, Subject

LATE_AFTER = timedelta(hours=24)
"""Registered more than this after it was given, a consent is flagged (rule 5)."""

KIND_UNKNOWN = Words(
    "Slagsen findes ikke: se /code-lists/consent-kinds.", "No such kind: see /code-lists/consent-kinds."
)
RECIPIENT_UNKNOWN = Words("Modtageren findes ikke i /agencies.", "The recipient is not in /agencies.")
TOO_LONG = Words("Højst {days} dage fra samtykket blev givet.", "At most {days} days from when it was given.")
NOT_YET = Words("Kan ikke ligge i fremtiden.", "Can't be in the future.")
AGE_WORDS = {
    "maturity_assessment_needed": (
        "/maturity_assessed",
        Words(
            "Personen er 15-17 år: eget samtykke kræver en modenhedsvurdering.",
            "The person is 15-17: their own consent needs a maturity assessment.",
        ),
    ),
    "custody_holder_needed": (
        "/given_by",
        Words(
            "Personen er under 15: forældremyndighedens indehaver samtykker.",
            "The person is under 15: a custody holder consents.",
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an agency tells of a consent that a person gave."""

    kind: str
    recipients: tuple[UUID, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    given_at: datetime
    method: str
    given_by: str = "subject"
    maturity_assessed: bool = False
    report_back: bool = False
    expires_at: datetime | None = None
    notice_version: str = ""
    notice_language: str = "da"
    notice_hash: str = ""
    evidence_hash: str = ""


def register_subject(
    mode: Mode,
    *,
    by: Principal,
    birth_year: int | None,
    formerly: Subject | None = None,
    wished_at: datetime | None = None,
    wish_method: str = "",
) -> Subject:
    """
    Register a person as the agency knows them, with a key of their own, and return the opaque subject.

    `formerly` is the anonymous case that is linked to them on their own wish (rule 11).
    """
    subject = Subject.objects.create(
        mode=mode,
        registered_by_id=by.agency,
        birth_year=birth_year,
        formerly=formerly,
        wished_at=wished_at,
        wish_method=wish_method,
    )
    vault.make_key(subject.id)
    return subject


def own_subject(subject_id: UUID, *, by: Principal) -> Subject | None:
    """Return a subject that the agency registered itself, or None: nobody learns of another agency's."""
    return Subject.objects.filter(pk=subject_id, registered_by=by.agency).first()


def register_consent(given: Given, *, subject: Subject, by: Principal, key: str, body_hash: str) -> Consent:
    """
    Record a consent with its first event, and return it.

    Raises `ConsentNotValid`, pointing at each member that is wrong: rules 4 (it ends), 5 (not in the future) and
    6 (age).
    """
    now = timezone.now()
    expires_at = _checked(given, subject, now)
    consent = Consent.objects.create(
        subject=subject,
        registered_by_id=by.agency,
        kind=given.kind,
        recipients=sorted(set(given.recipients)),
        purposes=sorted(set(given.purposes)),
        categories=sorted(set(given.categories)),
        report_back=given.report_back,
        given_by=given.given_by,
        maturity_assessed=given.maturity_assessed,
        notice_version=given.notice_version,
        notice_language=given.notice_language,
        notice_hash=given.notice_hash,
        idempotency_key=key,
        body_hash=body_hash,
    )
    _event(
        consent,
        EventKind.GIVEN,
        at=given.given_at,
        now=now,
        expires_at=expires_at,
        method=given.method,
        evidence_hash=given.evidence_hash,
        by=by,
    )
    return consent


def hold(consent_id: UUID) -> None:
    """Lock a consent until the act ends: it is not withdrawn, nor renewed, in the meantime."""
    Consent.objects.select_for_update().values_list("version").get(pk=consent_id)


def follow(
    consent: Consent, kind: EventKind, *, at: datetime, method: str, by: Principal, expires_at: datetime | None = None
) -> None:
    """Add an event to a locked consent and count its version up; the record itself is never edited."""
    consent.version += 1
    now = timezone.now()
    _event(consent, kind, at=min(at, now), now=now, expires_at=expires_at, method=method, by=by)
    consent.save(update_fields=["version"])


def longest(kind: str, *, on: datetime) -> tuple[timedelta, timedelta] | None:
    """Return the default and the greatest period of a kind of consent, or None where the kind is unknown that day."""
    found = directory.valid_items("consent-kinds", on=on.date(), code=kind)
    if not found:
        return None
    days = found[0].attributes["default_days"]
    return timedelta(days=days), timedelta(days=found[0].attributes["max_days"] or days)


def _checked(given: Given, subject: Subject, now: datetime) -> datetime:
    period = longest(given.kind, on=now)
    errors: list[FieldError] = []
    if period is None:
        raise ConsentNotValid(errors=[refuse("/kind", "unknown_kind", KIND_UNKNOWN)])
    default, most = period
    if given.given_at > now:
        raise ConsentNotValid(errors=[refuse("/given_at", "in_the_future", NOT_YET)])
    expires_at = given.expires_at or given.given_at + default
    if expires_at - given.given_at > most or expires_at <= given.given_at:
        errors.append(refuse("/expires_at", "period_too_long", TOO_LONG, days=most.days))
    for index, recipient in enumerate(given.recipients):
        if directory.active_agency(recipient) is None:
            errors.append(refuse(f"/recipients/{index}", "unknown_agency", RECIPIENT_UNKNOWN))
    errors += _age_errors(given, subject)
    if errors:
        raise ConsentNotValid(errors=errors)
    return expires_at


def _age_errors(given: Given, subject: Subject) -> list[FieldError]:
    found = coverage.age_objections(
        given.given_by, subject.birth_year, given.given_at.year, maturity_assessed=given.maturity_assessed
    )
    return [refuse(AGE_WORDS[code][0], code, AGE_WORDS[code][1]) for code in found]


def _event(
    consent: Consent,
    kind: EventKind,
    *,
    at: datetime,
    now: datetime,
    expires_at: datetime | None,
    method: str,
    evidence_hash: str = "",
    by: Principal,
) -> None:
    ConsentEvent.objects.create(
        consent=consent,
        number=consent.version,
        kind=kind,
        at=at,
        registered_at=now,
        expires_at=expires_at,
        method=method,
        evidence_hash=evidence_hash,
        registered_by_id=by.agency,
    )
