"""
Writes what happens to subjects and consents: rows and events, inside whatever act is under way.

Nothing here opens a transaction. `consent.actions` are the acts of this room; `referrals.actions` may register a
subject and a consent as part of theirs.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.notifications import events
from agencies.notifications.models import Type
from agencies.principals import Principal
from api_schema.validation import FieldError, refuse
from api_schema.words import Words
from consent import coverage, law, notices, vault
from consent.errors import ConsentNotValid, KeyDestroyed
from consent.models import Consent, ConsentEvent, Entity, EventKind, Mode, Shared, Subject

KIND_UNKNOWN = Words(
    "Slagsen findes ikke: se /code-lists/consent-kinds.", "No such kind: see /code-lists/consent-kinds."
)
RECIPIENT_UNKNOWN = Words("Modtageren findes ikke i /agencies.", "The recipient is not in /agencies.")
TOO_LONG = Words("Højst {days} dage fra samtykket blev givet.", "At most {days} days from when it was given.")
NOT_YET = Words("Kan ikke ligge i fremtiden.", "Can't be in the future.")
BEFORE = Words("Kan ikke ligge før, der blev spurgt.", "Can't be before it was asked for.")
NO_END = Words("Kun et givet samtykke har en udløbsdato.", "Only a consent that was given has an end.")
NOT_WRITTEN = Words(
    "Samtykket skal være skriftligt eller digitalt (sundhedsloven § 44).",
    "The consent must be written or digital (Sundhedsloven § 44).",
)
ASSESSED_LATER = Words(
    "Modenheden vurderes, før samtykket gives.", "The maturity is assessed before the consent is given."
)
STAFF_UNKNOWN = Words("Medarbejderen findes ikke hos dig.", "There is no such member of staff at your agency.")
BOTH_USES = Words("Kan ikke være både tilladt og forbudt.", "Can't be both permitted and forbidden.")
NEVER_PERMITTED = Words("Intet samtykke tillader efterforskning.", "No consent permits investigation.")
OTHER_NOTICE = Words(
    "Teksten er ikke vores: send notice_hash, SHA-256 af den tekst, personen fik.",
    "The text is not ours: send notice_hash, the SHA-256 of the text that the person got.",
)
WRONG_HASH = Words(
    "Passer ikke til vores tekst i den version: se /consent-notices.",
    "Is not the hash of our text in that version: see /consent-notices.",
)
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
    "custody_holder_not_for_adults": (
        "/given_by",
        Words(
            "Personen er fyldt 18 år: kun personen selv kan samtykke.",
            "The person is 18 or older: only they can consent.",
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an agency tells of a consent: what the person was asked, and what they decided."""

    kind: str
    recipients: tuple[UUID, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    given_at: datetime
    method: str
    decision: str = "given"
    given_by: str = "subject"
    maturity_assessed: bool = False
    maturity_assessed_by: str = ""
    maturity_assessed_at: datetime | None = None
    report_back: bool = False
    permitted_uses: tuple[str, ...] = ()
    forbidden_uses: tuple[str, ...] = ()
    expires_at: datetime | None = None
    notice_version: str = ""
    notice_language: str = "da"
    notice_hash: str = ""
    evidence_hash: str = ""
    witness: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened to a consent, as it will be its event."""

    kind: EventKind
    at: datetime
    entity: str
    method: str = ""
    witness: str = ""
    evidence_hash: str = ""
    reason: str = ""
    expires_at: datetime | None = None


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
    subject.ledger_name = vault.commitment(subject.id)
    subject.save(update_fields=["ledger_name"])
    return subject


def own_subject(subject_id: UUID, *, by: Principal) -> Subject | None:
    """Return a subject that the agency registered itself, or None: nobody learns of another agency's."""
    return Subject.objects.filter(pk=subject_id, registered_by=by.agency).first()


def check_not_erased(subject: Subject) -> None:
    """Refuse to write anything more about an erased person. Raises `KeyDestroyed`."""
    if subject.erased_at is not None:
        raise KeyDestroyed


def register_consent(given: Given, *, subject: Subject, by: Principal, key: str, body_hash: str) -> Consent:
    """
    Record a consent with its first event, and return it.

    Raises `ConsentNotValid`, pointing at each member that is wrong: rules 4 (it ends), 5 (not in the future) and
    6 (age), the notice's hash, the uses, and whoever is named.
    """
    now = timezone.now()
    expires_at = _checked(given, subject, now, by=by)
    assessed = given.maturity_assessed
    consent = Consent.objects.create(
        subject=subject,
        registered_by_id=by.agency,
        kind=given.kind,
        recipients=sorted(set(given.recipients)),
        purposes=sorted(set(given.purposes)),
        categories=sorted(set(given.categories)),
        report_back=given.report_back,
        given_by=given.given_by,
        maturity_assessed=assessed,
        maturity_assessed_by=(given.maturity_assessed_by or by.staff_id) if assessed else "",
        maturity_assessed_at=(given.maturity_assessed_at or given.given_at) if assessed else None,
        permitted_uses=sorted(set(given.permitted_uses)),
        forbidden_uses=sorted({*given.forbidden_uses, law.FORBIDDEN_ALWAYS}),
        controllers=[by.agency, *sorted(set(given.recipients) - {by.agency})],
        rights=law.rights(given.kind),
        lawful_basis=law.lawful_basis(given.kind, given.categories),
        notice_version=given.notice_version,
        notice_language=given.notice_language,
        notice_hash=_notice_hash(given),
        idempotency_key=key,
        body_hash=body_hash,
    )
    event = Happening(
        kind=EventKind(given.decision),
        at=given.given_at,
        entity=Entity.AGENCY if given.decision == EventKind.REQUESTED else given.given_by,
        method=given.method,
        witness=given.witness,
        evidence_hash=given.evidence_hash,
        expires_at=expires_at,
    )
    _write(consent, event, now=now, by=by)
    return consent


def hold(consent_id: UUID) -> None:
    """Lock a consent until the act ends: it is not withdrawn, nor renewed, in the meantime."""
    Consent.objects.select_for_update().values_list("version").get(pk=consent_id)


def hold_if_free(consent_id: UUID) -> bool:
    """Lock a consent until the act ends, as `hold` does, and say so; not where somebody else holds it."""
    free = Consent.objects.select_for_update(skip_locked=True).filter(pk=consent_id)
    return free.values_list("version").first() is not None


def share(consent_id: UUID, agency_id: UUID) -> None:
    """Let an agency see a consent from now on, as something between the two rests on it. Twice is the same as once."""
    Shared.objects.bulk_create([Shared(consent_id=consent_id, agency_id=agency_id)], ignore_conflicts=True)


def follow(consent: Consent, event: Happening, *, by: Principal) -> None:
    """Add an event to a locked consent and count its version up; the record itself is never edited."""
    consent.version += 1
    _write(consent, event, now=timezone.now(), by=by)
    consent.save(update_fields=["version"])


def longest(kind: str, *, on: datetime) -> tuple[timedelta, timedelta] | None:
    """Return the default and the greatest period of a kind of consent, or None where the kind is unknown that day."""
    found = directory.valid_items("consent-kinds", on=on.date(), code=kind)
    if not found:
        return None
    days = found[0].attributes["default_days"]
    return timedelta(days=days), timedelta(days=found[0].attributes["max_days"] or days)


def checked_period(consent: Consent, expires_at: datetime | None, *, at: datetime, method: str) -> datetime:
    """
    Return when a consent that is given or renewed at an instant ends. Raises `ConsentNotValid`.

    Too long a period, an end that is past, a form that the law does not take, and a person too young are refused.
    """
    default, most = longest(consent.kind, on=timezone.now()) or (None, None)
    errors = [*_form_errors(consent.kind, method), *_age_errors(consent, at, consent.subject)]
    until = expires_at or (at + default if default else None)
    if until is None or most is None or not at < until <= at + most:
        errors.append(refuse("/expires_at", "period_too_long", TOO_LONG, days=most.days if most else 0))
    if errors or until is None:
        raise ConsentNotValid(errors=errors)
    return until


def check_staff(staff_id: str, pointer: str, *, by: Principal) -> None:
    """Raise `ConsentNotValid` unless the staff id is empty or one of the agency's own."""
    if staff_id and directory.member(by.agency, staff_id) is None:
        raise ConsentNotValid(errors=[refuse(pointer, "unknown_staff", STAFF_UNKNOWN)])


def _checked(given: Given, subject: Subject, now: datetime, *, by: Principal) -> datetime | None:
    period = longest(given.kind, on=now)
    if period is None:
        raise ConsentNotValid(errors=[refuse("/kind", "unknown_kind", KIND_UNKNOWN)])
    if given.given_at > now:
        raise ConsentNotValid(errors=[refuse("/given_at", "in_the_future", NOT_YET)])
    errors = [*_use_errors(given), *_maturity_errors(given)]
    expires_at, default, most = given.expires_at, *period
    if given.decision == EventKind.GIVEN:
        expires_at = expires_at or given.given_at + default
        if expires_at - given.given_at > most or expires_at <= given.given_at:
            errors.append(refuse("/expires_at", "period_too_long", TOO_LONG, days=most.days))
        errors += _form_errors(given.kind, given.method)
    elif expires_at is not None:
        errors.append(refuse("/expires_at", "not_given", NO_END))
    for index, recipient in enumerate(given.recipients):
        if directory.active_agency(recipient) is None:
            errors.append(refuse(f"/recipients/{index}", "unknown_agency", RECIPIENT_UNKNOWN))
    if given.decision != EventKind.REFUSED:
        errors += _age_errors(given, given.given_at, subject)
    if errors:
        raise ConsentNotValid(errors=errors)
    check_staff(given.witness, "/witness", by=by)
    check_staff(given.maturity_assessed_by, "/maturity_assessment/assessed_by", by=by)
    return expires_at


def _form_errors(kind: str, method: str) -> list[FieldError]:
    wrong = kind in law.WRITTEN_KINDS and method not in law.WRITTEN
    return [refuse("/method", "not_written", NOT_WRITTEN)] if wrong else []


def _use_errors(given: Given) -> list[FieldError]:
    errors = []
    if law.FORBIDDEN_ALWAYS in given.permitted_uses:
        errors.append(refuse("/permitted_uses", "never_permitted", NEVER_PERMITTED))
    if set(given.permitted_uses) & set(given.forbidden_uses):
        errors.append(refuse("/forbidden_uses", "permitted_and_forbidden", BOTH_USES))
    return errors


def _maturity_errors(given: Given) -> list[FieldError]:
    at = given.maturity_assessed_at
    if at is None or at <= given.given_at:
        return []
    return [refuse("/maturity_assessment/assessed_at", "assessed_later", ASSESSED_LATER)]


def _notice_hash(given: Given) -> str:
    """The hash of the text that the person got: ours where the text is ours, and theirs where it is theirs."""
    ours = notices.ours(given.notice_version, given.notice_language)
    if ours is None and not given.notice_hash:
        raise ConsentNotValid(errors=[refuse("/notice_hash", "other_notice", OTHER_NOTICE)])
    if ours is not None and given.notice_hash not in {"", ours.hash}:
        raise ConsentNotValid(errors=[refuse("/notice_hash", "wrong_hash", WRONG_HASH)])
    return given.notice_hash if ours is None else ours.hash


def _age_errors(given: Given | Consent, at: datetime, subject: Subject) -> list[FieldError]:
    year = at.astimezone(UTC).year  # as the database counts it
    assessed = given.maturity_assessed
    found = coverage.age_objections(given.given_by, subject.birth_year, year, maturity_assessed=assessed)
    return [refuse(AGE_WORDS[code][0], code, AGE_WORDS[code][1]) for code in found]


def _write(consent: Consent, event: Happening, *, now: datetime, by: Principal) -> None:
    ConsentEvent.objects.create(
        consent=consent,
        number=consent.version,
        kind=event.kind,
        at=min(event.at, now),
        registered_at=now,
        expires_at=event.expires_at,
        method=event.method,
        evidence_hash=event.evidence_hash,
        entity=event.entity,
        witness=event.witness,
        reason=event.reason,
        registered_by_id=by.agency,
    )
    shared = Shared.objects.filter(consent=consent).values_list("agency_id", flat=True) if consent.version > 1 else ()
    to = (consent.registered_by_id, *shared)
    events.tell(Type.CONSENT_CHANGED, consent.id, version=consent.version, to=to)
