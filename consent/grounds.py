"""Gathers what `coverage` is told: the legal basis and the consent that a disclosure would rest on."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from consent.coverage import Choice, Event, Ground
from consent.models import Consent, ConsentEvent, LegalBasis


def ground(basis: LegalBasis) -> Ground:
    """Return a legal basis as the facts that coverage asks for."""
    return Ground(
        code=basis.code,
        version=basis.version,
        valid_from=basis.valid_from,
        valid_to=basis.valid_to,
        consent_kind=basis.consent_kind,
        sender_kinds=frozenset(basis.sender_kinds),
        recipient_kinds=frozenset(basis.recipient_kinds),
        article_9=basis.article_9,
        article_10=basis.article_10,
        age_min=basis.subject_age_min,
        age_max=basis.subject_age_max,
        purposes=frozenset(basis.purposes),
        necessity_statement=basis.necessity_statement,
        investigation=basis.investigation,
        self_governing_only=basis.self_governing_only,
        carries=basis.carries,
    )


def choice(consent_id: UUID | None) -> Choice | None:
    """Return a consent with its events as facts, in one statement, or None where there is none."""
    if consent_id is None:
        return None
    rows = list(
        Consent.objects.filter(pk=consent_id)
        .values_list(
            *("id", "version", "kind", "recipients", "purposes", "categories", "report_back"),
            *("given_by", "maturity_assessed"),
            *("events__number", "events__kind", "events__at", "events__registered_at", "events__expires_at"),
        )
        .order_by("events__number")
    )
    if not rows:
        return None
    identifier, version, kind, recipients, purposes, categories, report_back, given_by, maturity = rows[0][:9]
    return Choice(
        id=identifier,
        version=version,
        kind=kind,
        recipients=frozenset(recipients),
        purposes=frozenset(purposes),
        categories=frozenset(categories),
        report_back=report_back,
        given_by=given_by,
        maturity_assessed=maturity,
        events=tuple(
            Event(number=row[9], kind=row[10], at=row[11], registered_at=row[12], expires_at=row[13])
            for row in rows
            if row[9] is not None
        ),
    )


def events(consents: Collection[UUID]) -> dict[UUID, list[Event]]:
    """Return what happened to each of these consents, in one statement."""
    found: dict[UUID, list[Event]] = {}
    for row in ConsentEvent.objects.filter(consent__in=consents).order_by("number"):
        fact = Event(
            number=row.number, kind=row.kind, at=row.at, registered_at=row.registered_at, expires_at=row.expires_at
        )
        found.setdefault(row.consent_id, []).append(fact)
    return found


def as_of(choice: Choice | None, now: datetime) -> datetime:
    """Return now, or the last registration where that is later: the database's clock registers, and that counts."""
    return max([now, *(event.registered_at for event in choice.events)]) if choice else now


def newest_basis(code: str, *, on: date) -> LegalBasis | None:
    """Return the newest version of a legal basis that is valid on a day, or None."""
    versions = LegalBasis.objects.filter(code=code, valid_from__lte=on).order_by("-version")
    return next((basis for basis in versions if basis.valid_to is None or on <= basis.valid_to), None)
