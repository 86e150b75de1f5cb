"""
Telling agencies that something became of a thing: one row for each agency, in the transaction of the act that did it.

Thin on purpose. An event says which sort of thing, its id, its version and when; what became of it is read with a
token, by somebody who may, and that is recorded. Nothing here calls anybody: `delivering` does, after the act
committed.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from procrastinate import App
from procrastinate.contrib.django.django_connector import DjangoConnector

from agencies.notifications.models import Endpoint, Event, Type

TASK, QUEUE = "deliver", "webhooks"
line = App(connector=DjangoConnector())
"""The queue over Django's own connection, in a worker as well: a job belongs to the transaction that is under way."""

TELL = """
    WITH told AS (
        INSERT INTO agencies_event (agency_id, type, about, version)
        SELECT * FROM unnest(%(agencies)s::uuid[], %(types)s::text[], %(abouts)s::uuid[], %(versions)s::int[])
        RETURNING id, number, agency_id, type, about
    ), made AS (
        INSERT INTO agencies_delivery (endpoint_id, event_id)
        SELECT endpoint.id, told.number FROM told JOIN agencies_endpoint endpoint ON endpoint.agency_id = told.agency_id
        WHERE endpoint.state = 'active' AND (endpoint.types = '{}' OR told.type = ANY (endpoint.types))
        ORDER BY told.number
        RETURNING id, endpoint_id, event_id
    )
    SELECT made.id, made.endpoint_id, told.about FROM made JOIN told ON told.number = made.event_id ORDER BY told.number
"""

TELL_AGAIN = """
    WITH told AS (SELECT number, about FROM agencies_event WHERE number = ANY (%(events)s)), made AS (
        INSERT INTO agencies_delivery (endpoint_id, event_id, replay)
        SELECT %(endpoint)s, number, %(replay)s FROM told ORDER BY number
        RETURNING id, endpoint_id, event_id
    )
    SELECT made.id, made.endpoint_id, told.about FROM made JOIN told ON told.number = made.event_id ORDER BY told.number
"""


def tell(kind: Type, about: UUID, *, version: int | None = None, to: Iterable[UUID | None]) -> None:
    """
    Tell these agencies, each once, that something became of a thing; inside the act that did it.

    Raises RuntimeError outside a transaction: an event must not outlive, nor miss, what it tells of.
    """
    tell_all([(agency, kind, about, version) for agency in dict.fromkeys(to) if agency is not None])


def tell_all(told: Collection[tuple[UUID, Type, UUID, int | None]]) -> None:
    """Tell several events at once: (agency, type, id of the thing, its version). Raises as `tell`."""
    if not connection.in_atomic_block:
        raise RuntimeError("an event is told inside the act that it tells of")
    if not told:
        return
    agencies, types, abouts, versions = (list(column) for column in zip(*told, strict=True))
    _put_in_line(TELL, {"agencies": agencies, "types": types, "abouts": abouts, "versions": versions})


def tell_one(endpoint: Endpoint, kind: Type) -> None:
    """Tell an event about an endpoint itself, and have that endpoint called, whatever types it asked for."""
    told = Event.objects.create(agency_id=endpoint.agency_id, type=kind, about=endpoint.id)
    _put_in_line(TELL_AGAIN, {"endpoint": endpoint.id, "events": [told.number], "replay": False})


def tell_again(endpoint: UUID, numbers: Collection[int]) -> None:
    """Put these events in line for an endpoint once more, in the order in which they were told."""
    _put_in_line(TELL_AGAIN, {"endpoint": endpoint, "events": list(numbers), "replay": True})


def _put_in_line(statement: str, values: Mapping[str, Any]) -> None:
    """
    Write deliveries and put each in line, in the transaction under way.

    What an endpoint has yet to hear of one thing is one line, worked off in order.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        due = cursor.fetchall()
    for delivery, endpoint, about in due:
        job = line.configure_task(TASK, queue=QUEUE, lock=f"{endpoint}:{about}")
        job.defer(delivery=str(delivery))
