"""What a person is told, as facts: a report, and the referrals and consents in it as their agency holds them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from agencies.models import Agency
from api_schema.words import Words
from audit.facts import Receipt
from consent.models import Consent, ConsentEvent
from consent.models import Subject as Person
from referrals.content import Content
from referrals.lifecycle import Status
from referrals.models import Attachment, Referral
from referrals.who_saw import BasisNamed, Seen, Withheld


class Shown(StrEnum):
    """Whether a referral's content is in the report, or why it is not."""

    SHOWN = "shown"
    ERASED = "erased"
    IN_ERROR = "entered_in_error"
    TAKEN_OVER = "taken_over_by_police"
    NOT_TOLD = "not_told_now"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralTold:
    """One referral as the agency holds it: its header, its content, and which categories of it are not shown."""

    referral: Referral
    content: Content
    files: tuple[Attachment, ...]
    shown: Shown
    withheld: tuple[str, ...]
    reason: str
    recipient_withheld: Withheld | None

    @property
    def status(self) -> str | None:
        """Its status; None where that would tell a recipient that is withheld."""
        tells = self.referral.status == Status.TAKEN_OVER_BY_POLICE
        return None if tells and self.recipient_withheld is not None else self.referral.status


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentTold:
    """One consent of the person, what happened to it, and what that comes to now."""

    consent: Consent
    events: tuple[ConsentEvent, ...]
    state: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectTold:
    """A person as their agency registered them, without any content."""

    subject: Person
    referrals: tuple[Referral, ...]
    consents: tuple[ConsentTold, ...]
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that is told to a person, as of one instant."""

    subject: Person
    controller: Agency
    basis: BasisNamed
    made_at: datetime
    referrals: tuple[ReferralTold, ...]
    consents: tuple[ConsentTold, ...]
    seen: Seen
    own_staff: bool
    agencies: dict[UUID, Agency]
    words: dict[tuple[str, str], Words]
    municipalities: dict[str, str]
    receipt: Receipt
