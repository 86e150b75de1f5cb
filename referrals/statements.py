"""What a sender states, between the wire and the rows: a draft, its legal basis, a wish. Facts alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.models import Mode
from consent.records import Given


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisStated:
    """The legal basis as the sender states it: a code, and a consent recorded before or told with it."""

    code: str
    consent_id: UUID | None = None
    consent: Given | None = None
    necessity_statement: str = ""
    article_9_ground: str = ""
    article_10_ground: str = ""
    cpr_ground: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A person's own wish that an anonymous case of theirs be linked to this one, and how it was told (rule 11)."""

    formerly: UUID
    wished_at: datetime
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a sender writes. Left out of a change, a member stays; a section set to None is taken out."""

    recipient: UUID | None = None
    subject_id: UUID | None = None
    mode: Mode | None = None
    linked: Wish | None = None
    external_reference: str | None = None
    channel: str | None = None
    urgency: str | None = None
    basis: BasisStated | None = None
    sections: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    body_hash: str = ""
