"""
What stood when an entry was written: the consent it rested on, and to whom the referral was assigned.

Told from what is recorded alone: the consent's events, and the ledger's own entries of each assignment. What they don't
say is told as unknown. It asks three statements for a page, however long the page is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from api_schema.headers import uuid_or_none
from audit import trails
from audit.models import Entry
from consent import coverage, grounds
from consent.telling import UNKNOWN
from referrals.models import Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """
    What stood at an entry's time. `consent` is the state of the consent it rested on, or None where it rested on none;
    `assigned_to_actor` is None where the assignment does not say to whom, or nobody is named as acting.
    """

    consent: str | None
    assigned: bool
    assigned_to_actor: bool | None


@dataclass(frozen=True, slots=True)
class _Assignment:
    """One assignment: its entry, and the accounts it names; None where it was written before they were named."""

    entry: UUID
    accounts: frozenset[str] | None


def as_of(entries: Sequence[Entry], *, within: Q) -> Mapping[UUID, AsOf]:
    """
    Return what stood, by entry, for each that is about a referral within the reader's own.

    An entry about another's referral, or about one that isn't there, is left out: they look the same (rule 13).
    """
    about = {entry.id: uuid_or_none(entry.subject_id) for entry in entries if entry.subject_kind == "referral"}
    asked = {each for each in about.values() if each is not None}
    known = set(Referral.objects.filter(within, pk__in=asked).values_list("pk", flat=True))
    of_theirs = [entry for entry in entries if about.get(entry.id) in known]
    consents = grounds.events({entry.consent for entry in of_theirs if entry.consent is not None})
    assigned: dict[str, list[_Assignment]] = {}
    for made in trails.assignments({entry.subject_id for entry in of_theirs}):
        assigned.setdefault(made.subject_id, []).append(_Assignment(made.id, _accounts(made)))
    return {entry.id: _as_of(entry, consents, assigned.get(entry.subject_id, ())) for entry in of_theirs}


def _accounts(made: Entry) -> frozenset[str] | None:
    named = made.detail.get(trails.ASSIGNEES)
    return None if named is None else frozenset(named.split(","))


def _as_of(entry: Entry, consents: Mapping[UUID, Sequence[coverage.Event]], assigned: Sequence[_Assignment]) -> AsOf:
    last = next((each for each in reversed(assigned) if each.entry < entry.id), None)
    return AsOf(
        consent=None if entry.consent is None else _state(entry, consents.get(entry.consent, ())),
        assigned=last is not None,
        assigned_to_actor=_to_actor(entry, last),
    )


def _state(entry: Entry, events: Sequence[coverage.Event]) -> str:
    registered = any(event.registered_at <= entry.at for event in events)
    return coverage.state(events, at=entry.at) if registered else UNKNOWN


def _to_actor(entry: Entry, last: _Assignment | None) -> bool | None:
    if not entry.actor_user:
        return None
    if last is None:
        return False
    return None if last.accounts is None else entry.actor_user in last.accounts
