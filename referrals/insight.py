"""
A person's insight: what the agency that registered them holds about them, to whom it went, and who saw what (rule 19;
GDPR art. 15; CJEU C-579/21; Datatilsynet 2024-32-0283).

One call, one entry that names what is shown of every referral; then each is released through the one door, for that
entry. What the agency itself may not read now, the report does not show either, and says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.principals import Principal
from audit import log, trails
from audit.facts import Receipt
from consent import coverage, grounds, naming, records
from consent.categories import NAMES, Category
from consent.models import Consent, ConsentEvent, LegalBasis
from consent.models import Subject as Person
from referrals import policy, withholdings
from referrals.content import Content
from referrals.coverage import Weighed, weigh
from referrals.disclosure import Recorded, patiently, release
from referrals.errors import SubjectNotFound
from referrals.insight_told import ConsentTold, ReferralTold, Report, Shown, SubjectTold
from referrals.lifecycle import Status
from referrals.models import BreakGlass, Referral, Task
from referrals.who_saw import BasisNamed, Seen, Told, Withheld, seen

BASIS = "ART15"
"""The legal basis of every access report."""

LISTS = (
    *("statuses", "categories", "purposes", "legal-bases", "consent-kinds", "reasons", "channels", "urgencies"),
    *("milieus", "outcomes"),
)
"""The code lists whose words a report needs."""

NOTHING = Content(sections={}, amendments=[], messages=[])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the entry says is shown of one referral."""

    referral: Referral
    facts: policy.Facts
    weighed: Weighed
    readable: tuple[Category, ...]
    shown: Shown

    @property
    def held(self) -> frozenset[str]:
        """The categories that hold anything."""
        return frozenset(name.partition(".")[0] for name in self.referral.written)

    @property
    def told(self) -> frozenset[str]:
        """The categories whose content goes into the report."""
        return self.held & set(map(str, self.readable)) if self.shown is Shown.SHOWN else frozenset()

    @property
    def withheld(self) -> tuple[str, ...]:
        """The categories whose content is not shown; the outcome whether or not it holds anything."""
        own = self.held - self.told - {Category.OUTCOME.value}
        return _in_order(own | ({Category.OUTCOME.value} - set(map(str, self.readable))))


def read_subject(subject_id: UUID, *, by: Principal, purpose: str) -> SubjectTold:
    """Show an agency a person it registered: mode, referrals and consents. Raises `SubjectNotFound`, recorded."""
    with acting("subject.read", by=by, about=naming.in_the_ledger(subject_id), purpose=purpose, changes=False) as act:
        subject = _own(subject_id, by)
        referrals = tuple(_referrals([subject], by))
        consents = _consents([subject], timezone.now())
        act.categories = ("status", *(["background"] if subject.birth_year else []))
        act.result_ids = tuple(referral.id for referral in referrals)
    return SubjectTold(subject=subject, referrals=referrals, consents=consents, receipt=act.committed)


def access_report(subject_id: UUID, *, to: Principal, purpose: str, own_staff: bool, form: str) -> Report:
    """
    Return a person's access report, to the agency that registered them. `form` is `json` or `pdf`; `own_staff` names
    the agency's own staff among those who looked, where the person needs that to use their rights.

    Raises `PurposeNotAllowed` for another purpose than access, and `SubjectNotFound`; both recorded.
    """
    return patiently(lambda: _report(subject_id, to=to, purpose=purpose, own_staff=own_staff, form=form))


def _report(subject_id: UUID, *, to: Principal, purpose: str, own_staff: bool, form: str) -> Report:
    about = naming.in_the_ledger(subject_id)
    with acting("subject.access-report", by=to, about=about, purpose=purpose, changes=False) as act:
        now = timezone.now()
        basis = grounds.newest_basis(BASIS, on=now.date())
        if purpose != withholdings.PURPOSE or basis is None:
            raise PurposeNotAllowed
        subject = _own(subject_id, to)
        persons = [subject, *([subject.formerly] if subject.formerly else [])]
        asked = [_asked(referral, to, now) for referral in _referrals(persons, to)]
        consents = _consents(persons, now)
        told = _seen(persons, asked, consents, to=to, own_staff=own_staff, now=now)
        act.basis, act.basis_version = basis.code, basis.version
        act.result_ids = tuple(each.referral.id for each in asked)
        act.categories = _in_order({"status"}.union(*(each.told for each in asked)))
        outcome_of = ",".join(str(each.referral.id) for each in asked if Category.OUTCOME in each.told)
        act.detail = {"form": form, "staff": "own" if own_staff else "masked"}
        act.detail |= {"outcome_of": outcome_of} if outcome_of else {}
        act.detail |= {"withheld": ",".join(why.ground for why in told.withheld)} if told.withheld else {}
    with log.held():  # all or none: what one release finds changed lets go of the others, and it is recorded anew
        referrals = tuple(_told(each, act.committed, to, told.hidden) for each in asked)
    agencies = directory.named(_agencies(referrals, consents, told, to))
    return Report(
        subject=subject,
        controller=agencies[to.agency],
        basis=BasisNamed(basis.code, basis.version),
        made_at=now,
        referrals=referrals,
        consents=consents,
        seen=told,
        own_staff=own_staff,
        agencies=agencies,
        words=directory.labels(LISTS),
        municipalities=_municipalities(referrals),
        receipt=act.committed,
    )


def _own(subject_id: UUID, by: Principal) -> Person:
    subject = records.own_subject(subject_id, by=by)
    if subject is None:
        raise SubjectNotFound
    return subject


def _referrals(persons: Sequence[Person], by: Principal) -> list[Referral]:
    """Return what the agency sent about the person, in the order of the locks that the release takes."""
    own = Referral.objects.viewable_by(by).with_parties().filter(subject__in=persons, sender=by.agency)
    return list(own.order_by("id"))


def _asked(referral: Referral, by: Principal, now: datetime) -> _Asked:
    """
    Decide what of a referral is shown. The outcome goes on to the person where it may come back to the agency: weighed
    for the purpose that the referral was sent for, since access is no purpose of whoever told it.
    """
    facts = referral.facts()
    weighed = weigh(referral, reader=by, purpose=referral.purpose, at=now)
    readable = policy.readable(by, facts, weighed.coverage)
    shown = Shown.SHOWN
    if facts.erased:
        shown = Shown.ERASED
    elif readable == (Category.STATUS,):
        shown = Shown.IN_ERROR if facts.status is Status.ENTERED_IN_ERROR else Shown.TAKEN_OVER
    return _Asked(referral=referral, facts=facts, weighed=weighed, readable=readable, shown=shown)


def _told(asked: _Asked, receipt: Receipt, to: Principal, hidden: Mapping[UUID, Withheld]) -> ReferralTold:
    referral = asked.referral
    content = NOTHING
    if asked.shown is Shown.SHOWN:
        recorded = Recorded(
            referral=referral,
            facts=asked.facts,
            weighed=asked.weighed,
            readable=asked.readable,
            receipt=receipt,
            reader=to,
        )
        content = release(recorded)
    withheld = hidden.get(referral.recipient_id) if referral.recipient_id else None
    taken_over = asked.shown is Shown.TAKEN_OVER and withheld is not None
    return ReferralTold(
        referral=referral,
        content=content,
        files=tuple(referral.attachments.filter(category__in=asked.told).defer("about", "sealed").order_by("id")),
        shown=Shown.NOT_TOLD if taken_over else asked.shown,
        withheld=asked.withheld,
        recipient_withheld=withheld,
        reason=referral.reason_code if policy.reason_readable(to, asked.facts, asked.readable) else "",
    )


def _consents(persons: Sequence[Person], now: datetime) -> tuple[ConsentTold, ...]:
    rows = Consent.objects.filter(subject__in=persons).prefetch_related("events").order_by("registered_at", "id")
    return tuple(_consent(consent, tuple(consent.events.all()), now) for consent in rows)


def _consent(consent: Consent, events: tuple[ConsentEvent, ...], now: datetime) -> ConsentTold:
    facts = [
        coverage.Event(
            number=event.number,
            kind=event.kind,
            at=event.at,
            registered_at=event.registered_at,
            expires_at=event.expires_at,
        )
        for event in events
    ]
    at = max([now, *(event.registered_at for event in events)])
    stands = coverage.standing(facts, at=at)
    return ConsentTold(
        consent=consent,
        events=events,
        state=coverage.state(facts, at=at),
        expires_at=stands.expires_at if stands else None,
    )


def _seen(
    persons: Sequence[Person],
    asked: Sequence[_Asked],
    consents: Sequence[ConsentTold],
    *,
    to: Principal,
    own_staff: bool,
    now: datetime,
) -> Seen:
    referrals = [each.referral.id for each in asked]
    tasks = list(Task.objects.filter(referral__in=referrals).defer("sealed").select_related("basis"))
    glass = BreakGlass.objects.filter(referral__in=referrals).values_list("id", flat=True)
    entries = trails.touching(
        {
            "subject": [str(naming.in_the_ledger(person.id).id) for person in persons],
            "referral": referrals,
            "consent": [each.consent.id for each in consents],
            "task": [task.id for task in tasks],
            "break-glass": list(glass),
        }
    )
    standing = withholdings.standing([person.id for person in persons], on=now.date())
    return seen(
        entries,
        sent_to={each.referral.id: each.referral.recipient_id for each in asked},
        named={agency for each in consents for agency in (*each.consent.recipients, each.consent.registered_by_id)},
        tasks=[_notified(task, task.basis) for task in tasks if task.basis is not None],
        own=to.agency,
        own_staff=own_staff,
        withheld={agency: Withheld(row.ground, row.review_by) for agency, row in standing.items()},
    )


def _notified(task: Task, basis: LegalBasis) -> Told:
    """Return what a notification put before the agency whose task it is."""
    return Told(
        agency=task.agency_id,
        purpose="child_protection",
        basis=BasisNamed(basis.code, basis.version),
        categories=tuple(task.categories),
        at=task.opened_at,
    )


def _agencies(
    referrals: Sequence[ReferralTold], consents: Sequence[ConsentTold], told: Seen, to: Principal
) -> set[UUID]:
    found: set[Any] = {to.agency}
    for each in referrals:
        found |= {each.referral.sender_id, each.referral.recipient_id, each.referral.responsible_id}
        found |= {UUID(said["from"]) for said in (*each.content.messages, *each.content.amendments) if "from" in said}
    for consent in consents:
        found |= {*consent.consent.recipients, consent.consent.registered_by_id}
    found |= {look.agency for look in told.looks}
    found |= {group.agency for group in (*told.by_agency, *told.recipients)}
    return found - {None}


def _municipalities(referrals: Sequence[ReferralTold]) -> dict[str, str]:
    """Return the names of the municipalities that the sections name by their codes."""
    background = [each.content.sections.get(Category.BACKGROUND.value, {}) for each in referrals]
    codes = {told["municipality_of_residence"] for told in background if "municipality_of_residence" in told}
    found = {code: directory.municipality_agency(code) for code in codes}
    return {code: agency.name_da for code, agency in found.items() if agency is not None}


def _in_order(categories: set[str] | frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in NAMES if name in categories)
