"""
The duty contact of an agency: who reads its mailbox is told that something waits, and nothing of what.

Here the mailbox is read and set, and what has to be told is queued. Sending is `duty_mail`'s, after the commit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.duty_models import DutyContact, DutyNotice
from agencies.errors import ContactChanged, NotThere, PersonalMailbox
from agencies.models import Agency, Role
from agencies.principals import Principal
from api_schema.validation import refuse
from api_schema.words import Words
from audit.facts import Receipt, Subject

SCOPE = "administration"
PERSONAL = frozenset(
    {
        *("gmail.com", "googlemail.com", "hotmail.com", "hotmail.dk", "outlook.com", "outlook.dk", "live.com"),
        *("live.dk", "msn.com", "yahoo.com", "yahoo.dk", "icloud.com", "me.com", "mac.com", "proton.me", "mail.dk"),
        *("protonmail.com", "jubii.dk", "ofir.dk", "stofanet.dk", "webspeed.dk", "youmail.dk", "mail.com", "gmx.com"),
    }
)
"""Where people have mailboxes of their own, and authorities none."""

NOT_A_FUNCTION = Words("Brug en funktionspostkasse i myndigheden.", "Use a function mailbox of the agency.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """An agency's duty contact as it was told; without a mailbox, nobody is."""

    agency: UUID
    email: str
    version: int
    receipt: Receipt


def read_contact(agency_id: UUID, *, by: Principal, purpose: str) -> Contact:
    """Return the duty contact of the administrator's own agency. Raises `NotThere` for any other's; recorded."""
    about, roles = Subject("agency", agency_id), (Role.ADMINISTRATOR,)
    with acting("duty.read", by=by, about=about, purpose=purpose, scope=SCOPE, roles=roles, changes=False) as act:
        own = _own(agency_id, by=by)
        found = DutyContact.objects.filter(agency=own).first() or DutyContact(agency=own)
    return Contact(agency=own.id, email=found.email, version=found.version, receipt=act.committed)


def set_contact(agency_id: UUID, email: str, *, by: Principal, purpose: str, seen: int) -> Contact:
    """
    Say which mailbox the duty contact of the administrator's own agency reads; empty, nobody does from now on.

    Raises `NotThere` for another agency, `ContactChanged` unless it is as it was seen, and `PersonalMailbox`; recorded.
    """
    about, roles = Subject("agency", agency_id), (Role.ADMINISTRATOR,)
    with acting("duty.set", by=by, about=about, purpose=purpose, scope=SCOPE, roles=roles) as act:
        own = _own(agency_id, by=by)
        DutyContact.objects.bulk_create([DutyContact(agency=own)], ignore_conflicts=True)
        found = DutyContact.objects.select_for_update().get(agency=own)
        if found.version != seen:
            raise ContactChanged
        if personal(email):
            raise PersonalMailbox(errors=[refuse("/email", "personal_mailbox", NOT_A_FUNCTION)])
        found.email, found.version = email, found.version + 1
        found.save()
        act.detail = {"mailbox": "set" if email else "none"}
    return Contact(agency=own.id, email=found.email, version=found.version, receipt=act.committed)


def personal(email: str) -> bool:
    """Say whether a mailbox is where private people have theirs."""
    return email.rpartition("@")[2].lower() in PERSONAL


def queue(agencies: Collection[UUID], *, step: str) -> None:
    """Let these agencies' duty contacts be told that something waits; inside the act by which it came to wait."""
    now = timezone.now()
    DutyNotice.objects.bulk_create(
        DutyNotice(agency_id=agency, step=step, made_at=now, next_try_at=now) for agency in sorted(agencies)
    )


def _own(agency_id: UUID, *, by: Principal) -> Agency:
    agency = directory.active_agency(agency_id)
    if agency is None or agency.id != by.agency:
        raise NotThere
    return agency
