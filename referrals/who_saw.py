"""
Turns ledger entries into what a person is told: who saw what of theirs, to whom it was disclosed, and what is withheld.

It asks nobody and decides nothing but what is left out: staff are masked unless their own agency asks, and of an agency
whose looks are withheld neither name, time nor number is told.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from audit.models import Entry
from consent.categories import NAMES

NOT_TOLD = frozenset({"subject.withhold", "subject.withholdings"})
"""The work on withholding itself: what came of it is told as what is withheld."""

TOLD_TO_THE_RECIPIENT = frozenset({"referral.submit", "referral.amend", "referral.answer_info"})
"""The sender's moves that put content before the recipient, whether or not the recipient ever looked."""


@dataclass(frozen=True, slots=True)
class BasisNamed:
    """A legal basis as a disclosure names it."""

    code: str
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One act on what is about the person. `staff` is empty unless the own agency asked for its own."""

    at: datetime
    agency: UUID | None
    purpose: str
    action: str
    categories: tuple[str, ...]
    basis: BasisNamed | None
    referrals: tuple[UUID, ...]
    staff: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Looks or disclosures of one agency for one purpose, on one basis where that is asked: how many, what, when."""

    agency: UUID | None
    purpose: str
    basis: BasisNamed | None
    times: int
    categories: tuple[str, ...]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that was put before an agency: by which act or task, on which basis, for which purpose."""

    agency: UUID | None
    purpose: str
    basis: BasisNamed | None
    categories: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Withheld:
    """That an agency's looks are left out: why, and when that is looked at again."""

    ground: str
    review_by: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Who saw what, to whom it was disclosed, and what is withheld of both: `hidden` says of which agencies."""

    looks: tuple[Look, ...]
    by_agency: tuple[Group, ...]
    recipients: tuple[Group, ...]
    withheld: tuple[Withheld, ...]
    hidden: Mapping[UUID, Withheld]


def seen(
    entries: Iterable[Entry],
    *,
    sent_to: Mapping[UUID, UUID | None],
    named: Collection[UUID],
    tasks: Sequence[Told],
    own: UUID,
    own_staff: bool,
    withheld: Mapping[UUID, Withheld],
) -> Seen:
    """
    Return what these entries come to. `sent_to` maps each referral to its recipient; `own` is the agency that reports,
    and `named` are those that its consents name.

    Nothing of an agency in `withheld` is among the looks, the groups or the recipients.
    """
    told = [(entry, _look(entry, sent_to, staff=own_staff and entry.actor_agency == own)) for entry in entries]
    told = [(entry, look) for entry, look in told if look.action not in NOT_TOLD]
    disclosed = [*(_disclosed(look, sent_to, own) for _, look in told), *tasks]
    outward = [each for each in disclosed if each is not None and each.agency != own]
    left_out = {look.agency for _, look in told} | {each.agency for each in outward}
    left_out |= {*sent_to.values(), *named}
    return Seen(
        looks=tuple(look for _, look in told if look.agency not in withheld),
        by_agency=_groups([_as_told(look) for _, look in told if look.agency not in withheld], by_basis=False),
        recipients=_groups([each for each in outward if each.agency not in withheld], by_basis=True),
        withheld=tuple(sorted({why for agency, why in withheld.items() if agency in left_out}, key=_order)),
        hidden={agency: why for agency, why in withheld.items() if agency != own},
    )


def _look(entry: Entry, referrals: Collection[UUID], *, staff: bool) -> Look:
    about = {str(referral): referral for referral in referrals}
    named = {referral for referral in entry.result_ids if referral in referrals}
    if entry.subject_kind == "referral" and entry.subject_id in about:
        named.add(about[entry.subject_id])
    return Look(
        at=entry.at,
        agency=entry.actor_agency,
        purpose=entry.purpose,
        action=entry.action,
        categories=tuple(entry.categories),
        basis=BasisNamed(entry.basis, entry.basis_version) if entry.basis else None,
        referrals=tuple(sorted(named)),
        staff=entry.on_behalf_of if staff else "",
    )


def _as_told(look: Look) -> Told:
    return Told(agency=look.agency, purpose=look.purpose, basis=None, categories=look.categories, at=look.at)


def _disclosed(look: Look, sent_to: Mapping[UUID, UUID | None], own: UUID) -> Told | None:
    """Return what an act put before an agency: its own reader, or the recipient of what the sender told."""
    agency = look.agency
    if agency == own:
        to = {sent_to[referral] for referral in look.referrals} if look.action in TOLD_TO_THE_RECIPIENT else set()
        agency = to.pop() if len(to) == 1 else None
    if agency is None or not look.categories:
        return None
    return Told(agency=agency, purpose=look.purpose, basis=look.basis, categories=look.categories, at=look.at)


def _groups(told: Sequence[Told], *, by_basis: bool) -> tuple[Group, ...]:
    rows: dict[tuple[UUID | None, str, BasisNamed | None], list[Told]] = {}
    for each in told:
        rows.setdefault((each.agency, each.purpose, each.basis if by_basis else None), []).append(each)
    groups = [
        Group(
            agency=agency,
            purpose=purpose,
            basis=basis,
            times=len(found),
            categories=_in_order({category for each in found for category in each.categories}),
            first_at=min(each.at for each in found),
            last_at=max(each.at for each in found),
        )
        for (agency, purpose, basis), found in rows.items()
    ]
    return tuple(sorted(groups, key=lambda group: (group.first_at, group.purpose)))


def _in_order(categories: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in NAMES if name in categories)


def _order(withheld: Withheld) -> tuple[date, str]:
    return withheld.review_by, withheld.ground
