"""
What a saved query is, how it is asked, and how what it found is told: the same for every pattern.

Each is one SQL statement. It looks at no more than `MOST` things of a period, newest first by their ids, which carry
their time; then it groups what it found by agency, person and thing. Nothing here decides who may ask.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from audit.models import LOOKS
from audit.trails import CLOCK_SLACK, lowest_id

MOST = 50_000
"""At how many things a query looks at most."""

SHOWN = 20
"""How many entries of a finding's evidence are named; the rest are counted."""

READS = [f"referral.{name}" for name in ("disclose", "messages", "amendments", "attachments", "attachment")]
"""The acts by which somebody is shown what a case holds."""

TELLS = [f"referral.{move}" for move in ("submit", "amend", "answer_info")]
"""The sender's moves that put content before the recipient."""

ENDINGS = [
    f"referral.{move}"
    for move in ("complete", "close", "reject", "redirect", "withdraw", "expire", "mark_in_error", "take_over")
]
"""The moves that end a case for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """
    One saved query: named steps of SQL. The first, `looked`, is what it looks at; the last, `hit`, is what it finds.

    A hit is an entry, its time and leaf hash, the agency and member of staff it points to, the thing it is about, and
    `counted`: of what a finding counts how many different ones there are.
    """

    code: str
    steps: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From when, and until before when."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a pattern's findings a page ended: its last one's newest entry, and a digest to tell equals apart."""

    newest: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to look into, and the entries that show it: the newest by id and leaf hash, and how many there are."""

    pattern: str
    agency: UUID | None
    staff: str
    kind: str
    subject: str
    count: int
    first_at: datetime
    last_at: datetime
    evidence: Sequence[tuple[str, str]]
    total: int
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a pattern's query found, newest first, and whether there was more to look at than it looks at."""

    findings: Sequence[Finding]
    cut: bool


GROUPED = """
finding AS (
    SELECT agency, staff, kind, subject, count(DISTINCT counted) AS different, count(*) AS total, min(at) AS first_at,
        max(at) AS last_at, (array_agg(entry::text ORDER BY entry DESC))[1:%(shown)s] AS entries,
        (array_agg(encode(leaf, 'hex') ORDER BY entry DESC))[1:%(shown)s] AS leaves,
        md5(concat_ws('|', agency, staff, kind, subject)) AS digest
    FROM hit GROUP BY agency, staff, kind, subject
)
SELECT cut, agency, staff, kind, subject, different, total, first_at, last_at, entries, leaves, digest
FROM (SELECT count(*) >= %(most)s AS cut FROM looked) looked_at
LEFT JOIN (
    SELECT * FROM finding WHERE %(newest)s = '' OR (entries[1], digest) < (%(newest)s, %(digest)s)
    ORDER BY entries[1] DESC, digest DESC LIMIT %(size)s
) found ON true
ORDER BY entries[1] DESC, digest DESC
"""


def ask(
    pattern: Pattern, period: Period, *, agency: UUID | None, thresholds: Mapping[str, Any], after: Place, size: int
) -> Found:
    """Return at most `size` of a pattern's findings after a place, of one agency or of all; one statement."""
    asked: dict[str, Any] = {
        **thresholds,
        "since": period.since,
        "until": period.until,
        "low": lowest_id(period.since, slack=-CLOCK_SLACK),
        "high": lowest_id(period.until, slack=CLOCK_SLACK),
        "agency": agency,
        "most": MOST,
        "shown": SHOWN,
        "newest": after.newest,
        "digest": after.digest,
        "size": size,
        "read_acts": READS,
        "look_acts": LOOKS,
        "told_acts": TELLS,
        "ending_acts": ENDINGS,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(pattern.steps)}, {GROUPED}", asked)
        rows = cursor.fetchall()
    return Found(findings=[_finding(pattern.code, row) for row in rows if row[8] is not None], cut=bool(rows[0][0]))


def _finding(code: str, row: Sequence[Any]) -> Finding:
    _, agency, staff, kind, subject, different, total, first_at, last_at, entries, leaves, digest = row
    return Finding(
        pattern=code,
        agency=agency,
        staff=staff,
        kind=kind,
        subject=subject,
        count=different,
        first_at=first_at,
        last_at=last_at,
        evidence=list(zip(entries, leaves, strict=True)),
        total=total,
        place=Place(entries[0], digest),
    )


IN_PERIOD = "e.id >= %(low)s AND e.id < %(high)s AND e.at >= %(since)s AND e.at < %(until)s"
OF_AGENCY = "(%(agency)s::uuid IS NULL OR e.actor_agency = %(agency)s::uuid)"
REFERRAL = (
    "CASE WHEN e.subject_kind = 'referral' AND e.subject_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' "
    "THEN e.subject_id::uuid END AS referral"
)
"""The case that an entry is about; an entry may say anything, so what is no UUID is none."""


COLUMNS = ", ".join(
    f"e.{name}"
    for name in (
        *(
            "id",
            "at",
            "xid",
            "leaf_hash",
            "action",
            "actor_agency",
            "actor_user",
            "on_behalf_of",
            "role",
            "subject_kind",
        ),
        *("subject_id", "basis", "basis_version", "consent", "categories", "outcome", "refusal", "result_ids"),
        *("criterion", "correlation", "detail"),
    )
)


def looked(which: str, *, agency: str = OF_AGENCY, name: str = "looked") -> str:
    """Return the first step: the newest entries of the period, and of the agency, for which a condition holds."""
    return f"{name} AS ({_newest(which, agency)})"


def acts(names: Sequence[str], which: str = "true", *, agency: str = OF_AGENCY) -> str:
    """
    Return the first step: the newest of these acts that were done. Each is looked for apart, by the index by act and
    id, and they are merged newest first: so no more is read than is looked at, however rare or common each is.
    """
    each = " UNION ALL ".join(
        f"SELECT {COLUMNS} FROM audit_entry e WHERE e.action = '{name}' AND e.outcome = 'done' AND {IN_PERIOD} "
        f"AND {agency} AND {which}"
        for name in names
    )
    return f"looked AS (SELECT e.*, {REFERRAL} FROM ({each} ORDER BY id DESC LIMIT %(most)s) e)"


def _newest(which: str, agency: str) -> str:
    return (
        f"SELECT {COLUMNS}, {REFERRAL} FROM audit_entry e WHERE {IN_PERIOD} AND {agency} AND {which} "
        "ORDER BY e.id DESC LIMIT %(most)s"
    )


def hit(
    source: str,
    *,
    agency: str = "l.actor_agency",
    staff: str = "l.on_behalf_of",
    about: tuple[str, str] = ("'agency'", "l.actor_agency::text"),
    counted: str = "l.id::text",
) -> str:
    """Return the last step: what to tell of each entry `l` of a source; unless told, as the actor's own doing."""
    kind, subject = about
    return f"""hit AS (
    SELECT DISTINCT l.id AS entry, l.at, l.leaf_hash AS leaf, {agency} AS agency, {staff} AS staff, {kind} AS kind,
        {subject} AS subject, {counted} AS counted
    FROM {source}
)"""


CASE = ("'referral'", "l.subject_id")
"""What a finding is about where it is about one case."""

ASSIGNED = """
LATERAL (
    SELECT string_to_array(a.detail ->> 'assignees', ',') AS accounts FROM audit_entry a
    WHERE a.subject_kind = 'referral' AND a.subject_id = l.subject_id AND a.action = 'referral.assign'
        AND a.outcome = 'done' AND a.id < l.id
    ORDER BY a.id DESC LIMIT 1
) assigned
"""
"""To whom the case of an entry `l` was assigned when it was written; no row where to nobody."""


def rush(*, by: str, counted: str, window: str, at_least: str) -> str:
    """
    Return the steps that find a rush: within a window, somebody (`by`) meets so many different things (`counted`) for
    the first time in the period. `rush` holds the first meetings of everybody who rushed.
    """
    return f"""met AS (
    SELECT DISTINCT ON ({by}, {counted}) *, {counted} AS thing FROM looked ORDER BY {by}, {counted}, at
),
paced AS (
    SELECT *, count(*) OVER (PARTITION BY {by} ORDER BY at RANGE BETWEEN {window} PRECEDING AND CURRENT ROW) AS pace
    FROM met
),
fastest AS (SELECT *, max(pace) OVER (PARTITION BY {by}) AS fastest FROM paced),
rush AS (SELECT * FROM fastest WHERE fastest >= {at_least})"""
