"""
A consent as it is told to one reader at one instant: plain facts, fetched by `telling`, worded by the wire files.

Pure, so that a receipt can be made of it anywhere and tested without a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from consent.coverage import Event

Words = Mapping[str, str]
"""A text in the exchange's languages: `da` and `en`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent(Event):
    """An event with who did it, how, and what shows it. `witness` is told to the agency whose staff it names."""

    entity: str
    method: str
    evidence_hash: str
    registered_by: UUID
    witness: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody a consent concerns. A person is known by an opaque id or by the role alone, never by name."""

    role: str
    id: UUID | None = None
    name: Words | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maturity:
    """Who found a person of 15-17 mature enough to decide, by the agency's own staff id, and when."""

    assessed_by: str
    assessed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A consent record after ISO/IEC TS 27560, with the exchange's own members, in its state as of an instant."""

    id: UUID
    version: int
    subject: UUID
    kind: str
    state: str
    as_of: datetime
    expires_at: datetime | None
    recipients: tuple[UUID, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    special_category: bool
    report_back: bool
    given_by: str
    maturity_assessed: bool
    maturity: Maturity | None
    permitted_uses: tuple[str, ...]
    forbidden_uses: tuple[str, ...]
    schema_version: str
    controllers: tuple[UUID, ...]
    storage_location: str
    retention: str
    jurisdiction: str
    withdrawal_method: str
    rights: tuple[str, ...]
    lawful_basis: tuple[str, ...]
    notice_version: str
    notice_language: str
    notice_hash: str
    registered_by: UUID
    registered_at: datetime
    parties: tuple[Party, ...]
    events: tuple[ToldEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words of the codes in one record, and which DPV terms its categories are."""

    categories: Mapping[str, Words]
    purposes: Mapping[str, Words]
    uses: Mapping[str, Words]
    kind: Words
    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
