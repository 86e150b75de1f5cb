"""
Reads the ledger back: which entries exist about a thing, or by an agency. Metadata only; no section content is here.

It answers questions; who may ask them is decided by the app that owns the thing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, Q, QuerySet, UUIDField

from audit.models import Entry

REPORT = "subject.access-report"
"""The act that shows a person all that is held about them."""

ASSIGN = "referral.assign"
ASSIGNEES = "assignees"
"""The act that assigns a referral, and the member of its detail that says to which accounts."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SLACK = timedelta(seconds=5)
"""How far an entry's id may lie from its time: one trigger reads the clock for both, the id first."""

Named = Mapping[str, Collection[UUID | str]]
"""Things by kind, each as the ledger names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    What to look for. Every part that is given must hold.

    `things` is what there is of the person `subject`, as whoever asks knows it: nothing, and nothing is found.
    """

    referral: UUID | None = None
    subject: UUID | None = None
    agency: UUID | None = None
    staff: str = ""
    action: str = ""
    basis: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    entries: tuple[UUID, ...] = ()
    things: Named = field(default_factory=dict)
    visible: Q = field(default_factory=Q)


def lowest_id(at: datetime, *, slack: timedelta = timedelta()) -> UUID:
    """Return the lowest UUIDv7 of an instant's millisecond (RFC 9562, section 5.7); `slack` moves the instant."""
    milliseconds = min(max((at - EPOCH + slack) // timedelta(milliseconds=1), 0), 2**48 - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)


def about(kind: str, identifier: UUID | str) -> Q:
    """Return the condition that an entry is about this thing, or showed it among others."""
    return _each_by_its_index(Q(subject_kind=kind, subject_id=str(identifier)), Q(result_ids__contains=[identifier]))


def entries(question: Question) -> QuerySet[Entry]:
    """Return the entries that answer the question, newest first."""
    conditions: dict[str, object] = {
        "actor_agency": question.agency,
        "on_behalf_of": question.staff,
        "action": question.action,
        "basis": question.basis,
        "outcome": question.outcome,
        "id__in": question.entries,
        "at__gte": question.since,
        "at__lt": question.until,
        "id__gte": question.since and lowest_id(question.since, slack=-CLOCK_SLACK),
        "id__lt": question.until and lowest_id(question.until, slack=CLOCK_SLACK),
    }
    found = Entry.objects.filter(question.visible, **{name: value for name, value in conditions.items() if value})
    if question.referral is not None:
        found = found.filter(about("referral", question.referral))
    if question.subject is not None:
        found = found.filter(_each_by_its_index(*_on_any(question.things)))
    return found.order_by("-id")


def steps(kind: str, identifier: UUID, *, actions: Sequence[str], stops: Sequence[str]) -> QuerySet[Entry]:
    """Return the acts that moved this thing, newest first: its own `actions`, and the `stops` that name it."""
    own = Q(subject_kind=kind, subject_id=str(identifier), action__in=actions)
    stopped = Q(action__in=stops, result_ids__contains=[identifier])
    return Entry.objects.filter(_each_by_its_index(own, stopped), outcome="done").defer("canonical").order_by("-id")


def disclosures(kind: str, identifier: UUID) -> QuerySet[Entry]:
    """
    Return the acts in which sections of this thing were shown or its summary was listed or found, newest first.

    A person's access report is one of them: its entry is about the person, and names each thing it shows.
    """
    own = Q(subject_kind=kind, subject_id=str(identifier)) & ~Q(categories=[])
    listed = Q(action__in=[f"{kind}.list", f"{kind}.search"], result_ids__contains=[identifier])
    reported = Q(action=REPORT, result_ids__contains=[identifier])
    shown = _each_by_its_index(own, listed, reported)
    return Entry.objects.filter(shown, outcome="done").defer("canonical", "detail").order_by("-id")


def assignments(referrals: Collection[UUID | str]) -> QuerySet[Entry]:
    """Return the acts that assigned these referrals, oldest first."""
    about_them = Entry.objects.filter(subject_kind="referral", subject_id__in=[str(each) for each in referrals])
    return about_them.filter(action=ASSIGN, outcome="done").only("id", "subject_id", "detail").order_by("id")


def _on_any(named: Named) -> list[Q]:
    """Return the conditions that an act was on any of these things, or named one among others; without one, on none."""
    own = [Q(subject_kind=kind, subject_id__in=[str(each) for each in ids]) for kind, ids in named.items() if ids]
    among = Q(result_ids__overlap=[each for ids in named.values() for each in ids if isinstance(each, UUID)])
    return [*own, among]


def _each_by_its_index(*conditions: Q) -> Q:
    """
    Return the condition that any of these holds, each asked by an index of its own before anything else is.

    As a plain OR the planner takes what is rare for frequent, and reads the whole ledger backwards for one page.
    """
    ids = [ArraySubquery(Entry.objects.filter(each).values("pk")) for each in conditions]
    all_ids = Func(*ids, template="ANY(%(expressions)s)", arg_joiner=" || ", output_field=UUIDField())
    return Q(Func(F("id"), all_ids, template="%(expressions)s", arg_joiner=" = ", output_field=BooleanField()))


def touching(named: Named) -> QuerySet[Entry]:
    """Return the acts that were done on any of these things, by kind, or that named one among others; oldest first."""
    return (
        Entry.objects.filter(reduce(or_, _on_any(named)), outcome="done").defer("canonical", "leaf_hash").order_by("id")
    )
