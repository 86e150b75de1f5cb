"""
What looks like misuse: the saved queries of `patterns`, asked by auditors. Each finding names the entries that show it.

A finding is a reason to look, and no verdict. Asking is a look like any other: recorded, and in a case (rule 18).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from agencies import directory
from agencies.acting import acting
from agencies.models import CodeListItem, Kind
from agencies.principals import Principal
from api_schema import pagination
from audit.facts import Receipt, Subject
from audit.hashing import keyed
from referrals.inspection import AUDITORS, Case, check_case
from referrals.patterns.catalogue import PATTERNS
from referrals.patterns.saved import Finding, Period, Place, ask

LIST = "abuse-patterns"
"""The code list of the patterns, with their words, severities and thresholds: a correction is a data change."""

UNLESS_TOLD = timedelta(days=30)
"""How far back a question reaches that does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What to look for: one pattern or all, by one agency or all, from when and until before when."""

    pattern: str = ""
    agency: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """
    A page of findings by pattern, newest first in each; the period they are of, the patterns of this page that had more
    to look at than is looked at, the severities, the cursor to the next page, and the receipt of the look.
    """

    findings: Sequence[Finding]
    period: Period
    incomplete: Sequence[str]
    severities: Mapping[str, str]
    next: str | None
    receipt: Receipt
    whole: bool
    reader: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where a page begins: in which pattern, after which place, of which period."""

    code: str
    place: Place
    period: Period


def find(sought: Sought, case: Case, *, by: Principal, purpose: str, size: int, cursor: str) -> Findings:
    """
    Return a page of findings to an auditor: of everybody to the oversight body, of its own agency to another.

    Raises `CaseNeeded` without a case number or reason, and `Malformed` for another's cursor; the former recorded.
    """
    whole = by.kind == Kind.OVERSIGHT
    criterion = keyed("findings-criterion", repr(sought).encode())
    bound_to = f"findings:{by.agency}:{by.membership}:{criterion}"
    with acting(
        "audit.findings", by=by, about=Subject("ledger"), purpose=purpose, scope="audit", roles=AUDITORS, changes=False
    ) as act:
        check_case(case)
        act.criterion = criterion
        act.detail = {"case_number": case.number, "case_reason": case.reason}
        start = _start(sought, cursor, bound_to)
        known = {item.code: item for item in directory.valid_items(LIST, on=timezone.now().date())}
        theirs = whole or sought.agency in (None, by.agency)
        asked = _as_allowed(sought, by, whole=whole)
        found, incomplete = _ask_each(asked, start, known, size=size + 1) if theirs else ([], [])
        shown, more = pagination.page(
            found, size=size, position=lambda finding: _position(finding, start.period), bound_to=bound_to
        )
    return Findings(
        findings=shown,
        period=start.period,
        incomplete=incomplete,
        severities={code: item.attributes["severity"] for code, item in known.items()},
        next=more,
        receipt=act.committed,
        whole=whole,
        reader=by.agency,
    )


def _as_allowed(sought: Sought, by: Principal, *, whole: bool) -> Sought:
    """Return the question as it may be asked: an agency's own auditor asks about its own agency alone."""
    return sought if whole else Sought(pattern=sought.pattern, agency=by.agency)


def _start(sought: Sought, cursor: str, bound_to: str) -> _Start:
    """Return where the page begins. Without a cursor the period ends now, and stays the same on the pages after."""
    if cursor:
        code, newest, digest, since, until = pagination.decode(cursor, bound_to=bound_to)
        return _Start(code=code, place=Place(newest, digest), period=Period(since=_time(since), until=_time(until)))
    until_then = sought.until or timezone.now()
    return _Start(code="", place=Place(), period=Period(since=sought.since or _before(until_then), until=until_then))


def _before(until: datetime) -> datetime:
    try:
        return until - UNLESS_TOLD
    except OverflowError:  # the first days there are
        return until


def _ask_each(
    sought: Sought, start: _Start, known: Mapping[str, CodeListItem], *, size: int
) -> tuple[list[Finding], list[str]]:
    found: list[Finding] = []
    incomplete: list[str] = []
    codes = [code for code in PATTERNS if code >= start.code and code in known and sought.pattern in ("", code)]
    for code in codes:
        answer = ask(
            PATTERNS[code],
            start.period,
            agency=sought.agency,
            thresholds=known[code].attributes["thresholds"],
            after=start.place if code == start.code else Place(),
            size=size - len(found),
        )
        found += answer.findings
        incomplete += [code] if answer.cut else []
        if len(found) == size:
            break
    return found, incomplete


def _position(finding: Finding, period: Period) -> tuple[str, ...]:
    place = finding.place
    return (finding.pattern, place.newest, place.digest, period.since.isoformat(), period.until.isoformat())


def _time(text: str) -> datetime:
    found = parse_datetime(text)
    assert found is not None  # noqa: S101 - the cursor is signed, and written by `_position`
    return found
