"""
An agency's events in an order that never changes, for those who come and ask instead of being called.

An event gets its place when the feed is looked at after its act committed. Numbers given inside transactions that end
in any order would let a reader pass by an event that is committed late; places given to what is already there don't.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q

from agencies.acting import acting_for_nobody
from agencies.models import Kind
from agencies.notifications import told
from agencies.notifications.models import Event
from agencies.principals import Principal
from api_schema.problems import Malformed
from api_schema.words import Words
from audit import checkpoints
from audit.facts import Receipt, Subject

SCOPE = "events"
LOOK_SECONDS = 0.5
UNKNOWN = Words(
    "cursor kendes ikke her. Begynd forfra uden cursor; samme hændelse har altid samme id.",
    "cursor is not known here. Start again without it; the same event always has the same id.",
)
PLACE = """
    WITH last AS (
        SELECT coalesce(max(position), 0) AS position FROM agencies_event WHERE agency_id = %(agency)s
    ), waiting AS (
        SELECT number, row_number() OVER (ORDER BY number) AS place FROM agencies_event
        WHERE agency_id = %(agency)s AND position IS NULL ORDER BY number LIMIT 10000
    )
    UPDATE agencies_event event SET position = last.position + waiting.place
    FROM last, waiting WHERE event.number = waiting.number
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the feed, the cursor that goes on after it, the newest checkpoint, and the receipt if any was shown."""

    events: tuple[dict[str, Any], ...]
    next: str | None
    checkpoint: str | None
    receipt: Receipt | None


def read(*, by: Principal, cursor: str, size: int, wait: int) -> Page:
    """
    Show an agency's events after a cursor, oldest first; where there is none yet, wait that many seconds for one.

    A page that shows an event is recorded, naming what the events are about; an empty one shows nothing, and is not.
    Raises `Malformed` for a cursor that is not of this feed, and what `acting_for_nobody` does, recorded.
    """
    about = Subject("agency", by.agency)
    if not by.lacks(SCOPE) and by.kind != Kind.POLICE and not _is_more_within(wait, by, _position(cursor, by)):
        return Page(events=(), next=cursor or None, checkpoint=_checkpoint(), receipt=None)
    with acting_for_nobody("event.list", by=by, about=about, scope=SCOPE) as act:
        _place(by.agency)
        after = _position(cursor, by)
        found = list(Event.objects.filter(agency=by.agency, position__gt=after).order_by("position")[:size])
        act.result_ids = tuple(dict.fromkeys(event.about for event in found))
        act.detail = {"events": str(len(found))}
    return Page(
        events=tuple(told.listed(event) for event in found),
        next=str(found[-1].id) if found else cursor or None,
        checkpoint=_checkpoint(),
        receipt=act.committed,
    )


def _position(cursor: str, by: Principal) -> int:
    """
    Return the place that a cursor, the id of the last event seen, stands for; 0 for none.

    An event that a webhook told of may have no place yet: then there is something to show, and all has a place after.
    """
    if not cursor:
        return 0
    try:
        found = Event.objects.filter(id=UUID(cursor), agency=by.agency).values_list("position", flat=True)[:1]
    except ValueError:
        raise Malformed(UNKNOWN) from None
    if not found:
        raise Malformed(UNKNOWN)
    return found[0] or 0


def _place(agency: UUID) -> None:
    """Give places to the events that have none yet; one reader of an agency at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('agencies_event ' || %s, 0))", [str(agency)])
        cursor.execute(PLACE, {"agency": agency})


def _is_more_within(seconds: int, by: Principal, after: int) -> bool:
    more = Event.objects.filter(Q(position=None) | Q(position__gt=after), agency=by.agency)
    if more.exists():
        return True
    ends = time.monotonic() + seconds
    with _a_seat(by.client) as seated:
        while seated and time.monotonic() < ends:
            time.sleep(LOOK_SECONDS)
            if more.exists():
                return True
    return False


_seats: set[str] = set()
_seating = Lock()


@contextmanager
def _a_seat(client: str) -> Iterator[bool]:
    """
    Say whether the client may wait here: one seat a client, and half of a worker's threads at most are seats.

    Whoever gets none is answered at once, and comes again; the other threads serve those who don't wait.
    """
    with _seating:
        seated = client not in _seats and len(_seats) < settings.EVENTS_SEATS
        if seated:
            _seats.add(client)
    try:
        yield seated
    finally:
        if seated:
            with _seating:
                _seats.discard(client)


def _checkpoint() -> str | None:
    """The newest signed head of the ledger, so that every agency's own system remembers it; None before the first."""
    newest = checkpoints.newest()
    return None if newest is None else str(newest.note)
