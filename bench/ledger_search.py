"""
What auditors ask of a large ledger: the product's own questions, each filter alone and as they are combined in use.

Asked for the oversight body, which sees all, and for agencies' own auditors, who see their part; of things there are
many of, few of and none of, since an index that serves the first may fail the last.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from agencies import directory
from agencies.models import Kind, Role
from agencies.principals import Principal
from api_schema import pagination
from audit import trails
from audit.models import Entry
from audit.trails import Question
from bench.ledger_plans import Timed, timed
from referrals import inspection
from referrals.as_of import as_of
from referrals.findings import LIST, UNLESS_TOLD
from referrals.patterns.catalogue import PATTERNS
from referrals.patterns.saved import Period, Place, ask

SEED = 20261122
PAGE = 50
BOUND_TO = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """What is asked about: of each, some that there is much of, some that there is little of, and one of nothing."""

    referrals: list[UUID]
    persons: list[UUID]
    centre: UUID
    large: UUID
    middle: UUID
    small: UUID
    idle: UUID
    staff: list[str]
    since: datetime
    until: datetime
    halfway: UUID
    """The entry in the middle of the ledger."""


def country() -> Country:
    """Return what to ask about, drawn with a fixed seed."""
    drawn = random.Random(SEED)  # noqa: S311 - a measurement's draws, and repeatable
    things = _rows("SELECT referral, person FROM bench.thing ORDER BY n")
    some = drawn.sample(things, 60)
    agencies = dict(_rows("SELECT kind || rank, id FROM bench.agency"))
    times = Entry.objects.values_list("at", flat=True)
    first, last = times.order_by("id")[0], times.order_by("-id")[0]
    middle = trails.lowest_id(first + (last - first) / 2)
    halfway = Entry.objects.filter(id__gte=middle).order_by("id").values_list("id", flat=True)[0]
    return Country(
        referrals=[referral for referral, _ in some],
        persons=[person for _, person in some],
        centre=agencies["exit_centre1"],
        large=agencies["municipality1"],
        middle=agencies["municipality80"],
        small=agencies["municipality97"],
        idle=agencies["municipality98"],
        staff=drawn.sample([name for (name,) in _rows("SELECT staff_id FROM bench.staff ORDER BY n")], 40),
        since=first,
        until=last,
        halfway=halfway,
    )


def searches(known: Country) -> Iterator[Timed]:
    """Yield how long each kind of look into the ledger takes: its first page, and where it makes sense a later one."""
    for name, by, questions, deep in [*_whole(known), *_own(known)]:
        yield timed(name, [partial(_look, question, by, "") for question in questions])
        if deep:
            cursor = pagination.encode((str(known.halfway),), bound_to=BOUND_TO)
            yield timed(f"{name}, deep", [partial(_look, question, by, cursor) for question in questions])
    shown = [partial(_shown, referral) for referral in known.referrals]
    yield timed("who was shown a referral", shown)
    yield timed("a page with what stood at each read", [partial(_as_of, known)])


def findings(known: Country) -> Iterator[Timed]:
    """Yield how long each saved query takes over the last 30 days: of everybody, and of one small agency."""
    items = {item.code: item for item in directory.valid_items(LIST, on=timezone.now().date())}
    until = timezone.now()
    period = Period(since=until - UNLESS_TOLD, until=until)
    for code, pattern in PATTERNS.items():
        for name, agency in (("all", None), ("a small agency", known.small)):
            thresholds = items[code].attributes["thresholds"]
            asked: Callable[[], object] = partial(
                ask, pattern, period, agency=agency, thresholds=thresholds, after=Place(), size=PAGE + 1
            )
            yield timed(f"{code}, {name}", [asked])


Asked = tuple[str, Principal, list[Question], bool]


def _whole(known: Country) -> Iterator[Asked]:
    """What the oversight body asks."""
    q, all_of_it = Question, auditor(known.idle, Kind.OVERSIGHT)
    broad = {"since": known.since, "until": known.since + (known.until - known.since) / 2}
    moment = known.since + (known.until - known.since) / 3
    narrow = {"since": moment, "until": moment + max((known.until - known.since) / 1000, timedelta(seconds=1))}
    yield "nothing but the newest", all_of_it, [q()], True
    yield "referral", all_of_it, [q(referral=each) for each in known.referrals], True
    yield "subject", all_of_it, [q(subject=each) for each in known.persons], True
    yield "agency, large", all_of_it, [q(agency=known.large)], True
    yield "agency, small", all_of_it, [q(agency=known.small)], True
    yield "agency, of nothing", all_of_it, [q(agency=known.idle)], False
    yield "staff", all_of_it, [q(staff=each) for each in known.staff], True
    yield "staff, unknown", all_of_it, [q(staff="nobody")], False
    yield "action, common", all_of_it, [q(action="referral.disclose")], True
    yield "action, rare", all_of_it, [q(action="administration.change"), q(action="break-glass.open")], True
    yield "basis, common", all_of_it, [q(basis="SAMTYKKE-TAVSHED")], True
    yield "basis, rare", all_of_it, [q(basis="VITAL")], True
    yield "basis, never used", all_of_it, [q(basis="ARKIV")], False
    yield "outcome refused", all_of_it, [q(outcome="refused")], True
    yield "since/until, narrow", all_of_it, [q(**narrow)], False  # type: ignore[arg-type]
    yield "since/until, broad", all_of_it, [q(**broad)], True  # type: ignore[arg-type]
    for name, base in (("narrow", narrow), ("broad", broad)):
        yield f"agency, small + {name}", all_of_it, [replace(q(agency=known.small), **base)], False  # type: ignore[arg-type]
        yield f"basis, rare + {name}", all_of_it, [replace(q(basis="VITAL"), **base)], False  # type: ignore[arg-type]
        yield f"referral + {name}", all_of_it, [replace(q(referral=r), **base) for r in known.referrals], False  # type: ignore[arg-type]
    yield "agency, large + action, rare", all_of_it, [q(agency=known.large, action="consent.withdraw")], True
    yield "agency, small + action, common", all_of_it, [q(agency=known.small, action="referral.disclose")], True
    yield "agency, small + action, rare", all_of_it, [q(agency=known.small, action="break-glass.open")], False
    yield "agency, small + refused", all_of_it, [q(agency=known.small, outcome="refused")], False
    yield "agency, small + basis, rare", all_of_it, [q(agency=known.small, basis="VITAL")], False
    yield "agency, large + basis, never used", all_of_it, [q(agency=known.large, basis="ARKIV")], False
    yield "agency + action, never together", all_of_it, [q(agency=known.centre, action="referral.submit")], False
    yield "agency + staff", all_of_it, [q(agency=known.large, staff=each) for each in known.staff], False
    yield "staff + action", all_of_it, [q(staff=each, action="referral.search") for each in known.staff], False
    yield "staff + refused", all_of_it, [q(staff=each, outcome="refused") for each in known.staff], False
    yield "action, common + refused", all_of_it, [q(action="referral.disclose", outcome="refused")], True
    yield "action, never refused + refused", all_of_it, [q(action="referral.list", outcome="refused")], False
    yield "action + basis, never together", all_of_it, [q(action="referral.list", basis="VITAL")], False
    both = q(action="referral.list", basis="SAMTYKKE-TAVSHED")
    yield "action + basis, both common, never together", all_of_it, [both], False
    yield "referral + action", all_of_it, [q(referral=r, action="referral.disclose") for r in known.referrals], False
    yield "referral + agency, small", all_of_it, [q(referral=r, agency=known.small) for r in known.referrals], False
    yield "subject + action", all_of_it, [q(subject=p, action="referral.disclose") for p in known.persons], False


def _own(known: Country) -> Iterator[Asked]:
    """What agencies' own auditors ask: one of most cases, of many, of some, of few, and of none."""
    q = Question
    of = {
        "centre": known.centre,
        "large": known.large,
        "middle": known.middle,
        "small": known.small,
        "nothing": known.idle,
    }
    broad = {"since": known.since, "until": known.since + (known.until - known.since) / 2}
    for name, agency in of.items():
        by = auditor(agency, Kind.MUNICIPALITY)
        yield f"own part ({name})", by, [q()], True
        yield f"own part ({name}) + broad", by, [q(**broad)], False  # type: ignore[arg-type]
        yield f"own part ({name}) + action, common", by, [q(action="referral.disclose")], False
        yield f"own part ({name}) + action, rare", by, [q(action="break-glass.open")], False
        yield f"own part ({name}) + refused", by, [q(outcome="refused")], False
        yield f"own part ({name}) + searches", by, [q(action="referral.search")], False
        yield f"own part ({name}) + basis, rare", by, [q(basis="VITAL")], False
        yield f"own part ({name}) + agency", by, [q(agency=known.centre)], False
        yield f"own part ({name}) + staff", by, [q(staff=each) for each in known.staff], False
        yield f"own part ({name}) + referral", by, [q(referral=each) for each in known.referrals], False
        yield f"own part ({name}) + subject", by, [q(subject=each) for each in known.persons], False


def auditor(agency: UUID, kind: str) -> Principal:
    """Return an auditor of an agency, as a request would make one."""
    return Principal(
        agency=agency, kind=kind, client="bench", scopes=frozenset({"audit"}), role=Role.AUDITOR, membership=uuid4()
    )


def _look(question: Question, by: Principal, cursor: str) -> object:
    asked = inspection.narrowed(question, by=by)
    found = [trails.entries(replace(asked, visible=part)) for part in inspection.parts_seen_by(by)]
    return inspection._page(found, size=PAGE, cursor=cursor, bound_to=BOUND_TO)


def _shown(referral: UUID) -> object:
    return inspection._page([trails.disclosures("referral", referral)], size=PAGE, cursor="", bound_to=BOUND_TO)


def _as_of(known: Country) -> object:
    entries = list(trails.entries(Question(action="referral.disclose", outcome="done"))[:PAGE])
    return as_of(entries, within=inspection._party(auditor(known.centre, Kind.EXIT_CENTRE)))


def _rows(question: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return list(cursor.fetchall())
