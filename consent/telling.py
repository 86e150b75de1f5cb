"""
Finds a consent for who may see it, and tells it as facts. Inside whatever act is under way; nothing here decides.

A consent is seen by the agency that recorded it, and by those it was shared with when something came to rest on it. To
anybody else, a recipient that it names included, there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from agencies.models import Agency
from agencies.principals import Principal
from audit.facts import Receipt, Subject
from audit.log import Act
from consent import coverage, law
from consent.errors import ConsentNotFound, StaleConsent
from consent.models import Consent, ConsentEvent, Shared
from consent.told import Maturity, Party, Record, ToldEvent

UNKNOWN = "unknown"
"""The state before anything was registered (DPV's ConsentUnknown)."""

DATATILSYNET = Party(
    role="authority",
    name={"da": "Datatilsynet", "en": "The Danish Data Protection Agency"},
    contact="https://www.datatilsynet.dk",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A record as it was shown, and the receipt of the act that showed it."""

    record: Record
    receipt: Receipt
    replayed: bool = False


def concerns(by: Principal) -> Q:
    """Return the condition that a consent is the agency's own or was shared with it; to be named is not enough."""
    shared = Shared.objects.filter(consent=OuterRef("pk"), agency=by.agency)
    return Q(registered_by=by.agency) | Q(Exists(shared))


def found(consent_id: UUID, *, by: Principal) -> Consent:
    """Return the consent. Raises `ConsentNotFound` where it is not there or not theirs."""
    consent = Consent.objects.filter(concerns(by), pk=consent_id).first()
    if consent is None:
        raise ConsentNotFound
    return consent


def locked(consent_id: UUID, *, by: Principal, seen: int, own: bool = True) -> Consent:
    """
    Return the consent, locked until the act ends; `own` asks for one that the agency recorded itself.

    Raises `ConsentNotFound`, and `StaleConsent` unless it is the version that was seen.
    """
    yours = Q(registered_by=by.agency) if own else concerns(by)
    consent = Consent.objects.select_for_update().filter(yours, pk=consent_id).first()
    if consent is None:
        raise ConsentNotFound
    if consent.version != seen:
        raise StaleConsent
    return consent


def state(consent: Consent) -> str:
    """Return the state that a locked consent is in now."""
    events = _events(consent, None)
    return coverage.state(events, at=_now(events))


def last_at(consent: Consent) -> datetime:
    """Return when the last thing happened to a consent: when the person was asked, gave it or renewed it."""
    return _events(consent, None)[-1].at


def describe(act: Act, consent: Consent) -> None:
    """Write into the act which consent it is about, and in which version."""
    act.about = Subject("consent", consent.id)
    act.consent, act.consent_version = consent.id, consent.version


def tell(consent: Consent, *, to: Principal, at: datetime | None = None) -> Record:
    """Return the record as it is now, or as it was known at an instant: what was registered later is left out."""
    events = _events(consent, to)
    if at is None:
        at = _now(events)
    else:
        events = tuple(event for event in events if event.registered_at <= at)
    stands = coverage.standing(events, at=at)
    own = to.agency == consent.registered_by_id
    return Record(
        id=consent.id,
        version=consent.version,
        subject=consent.subject_id,
        kind=consent.kind,
        state=coverage.state(events, at=at) if events else UNKNOWN,
        as_of=at,
        expires_at=stands.expires_at if stands else None,
        recipients=tuple(consent.recipients),
        purposes=tuple(consent.purposes),
        categories=tuple(consent.categories),
        special_category=law.special_category(consent.categories),
        report_back=consent.report_back,
        given_by=consent.given_by,
        maturity_assessed=consent.maturity_assessed,
        maturity=_maturity(consent) if own else None,
        permitted_uses=tuple(consent.permitted_uses),
        forbidden_uses=tuple(consent.forbidden_uses),
        schema_version=consent.schema_version,
        controllers=tuple(consent.controllers),
        storage_location=consent.storage_location,
        retention=consent.retention,
        jurisdiction=consent.jurisdiction,
        withdrawal_method=consent.withdrawal_method,
        rights=tuple(consent.rights),
        lawful_basis=tuple(consent.lawful_basis),
        notice_version=consent.notice_version,
        notice_language=consent.notice_language,
        notice_hash=consent.notice_hash,
        registered_by=consent.registered_by_id,
        registered_at=consent.registered_at,
        parties=_parties(consent),
        events=events,
    )


def _maturity(consent: Consent) -> Maturity | None:
    if not consent.maturity_assessed:
        return None
    return Maturity(assessed_by=consent.maturity_assessed_by, assessed_at=consent.maturity_assessed_at)


def _now(events: Sequence[ToldEvent]) -> datetime:
    """Now, or the last registration where that is later: the database's clock registers, and that counts."""
    return max([timezone.now(), *(event.registered_at for event in events)])


def _events(consent: Consent, to: Principal | None) -> tuple[ToldEvent, ...]:
    return tuple(
        ToldEvent(
            number=event.number,
            kind=event.kind,
            at=event.at,
            registered_at=event.registered_at,
            expires_at=event.expires_at,
            entity=event.entity or consent.given_by,
            method=event.method,
            evidence_hash=event.evidence_hash,
            registered_by=event.registered_by_id,
            witness=event.witness if to is not None and to.agency == event.registered_by_id else "",
            reason=event.reason,
        )
        for event in ConsentEvent.objects.filter(consent=consent).order_by("number")
    )


def _parties(consent: Consent) -> tuple[Party, ...]:
    agencies = Agency.objects.in_bulk({consent.registered_by_id, *consent.recipients, *consent.controllers})

    def party(agency: UUID, role: str) -> Party:
        known = agencies.get(agency)
        return Party(role=role, id=agency, name={"da": known.name_da, "en": known.name_en} if known else None)

    return (
        Party(role="subject", id=consent.subject_id),
        *([Party(role="custody_holder")] if consent.given_by == "custody_holder" else []),
        *(party(agency, "controller") for agency in consent.controllers or [consent.registered_by_id]),
        *(party(agency, "recipient") for agency in consent.recipients),
        DATATILSYNET,
    )
