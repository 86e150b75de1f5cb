"""
An agency's delivery log, and replaying from it: one delivery again, or everything since a time.

Who reads it learns which events of which type went where and what came of each call; not what an event is about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Min

from agencies.errors import NotThere
from agencies.notifications import events
from agencies.notifications.endpoints import administering, own
from agencies.notifications.errors import EndpointIsDisabled, NothingToReplay
from agencies.notifications.models import Delivery, DeliveryState, Endpoint, EndpointState, Event
from agencies.principals import Principal
from api_schema import pagination
from audit.facts import Receipt

REPLAYED_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of deliveries with their attempts, newest first; the cursor to the next, and the receipt."""

    deliveries: Sequence[Delivery]
    next: str | None
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many events were put in line again, and when the first of those that are left was told; None for none."""

    count: int
    until: datetime | None
    receipt: Receipt


def list_deliveries(*, endpoint: UUID | None, state: str, by: Principal, purpose: str, size: int, cursor: str) -> Page:
    """Show a page of the agency's deliveries. Raises `NotThere` for another's endpoint, and `Malformed`."""
    bound_to = f"deliveries:{by.agency}:{by.membership}:{endpoint}:{state}"
    with administering("delivery.list", by=by, purpose=purpose, about=endpoint or "", changes=False) as act:
        found = Delivery.objects.filter(endpoint__agency=by.agency).exclude(endpoint__state=EndpointState.REMOVED)
        if endpoint is not None:
            found = found.filter(endpoint=own(endpoint, by=by))
        if state:
            found = found.filter(state=state)
        if cursor:
            found = found.filter(id__lt=UUID(pagination.decode(cursor, bound_to=bound_to)[0]))
        rows, more = pagination.page(
            list(found.select_related("event").prefetch_related("tries").order_by("-id")[: size + 1]),
            size=size,
            position=lambda delivery: (str(delivery.id),),
            bound_to=bound_to,
        )
        act.result_ids = tuple(row.id for row in rows)
    return Page(deliveries=rows, next=more, receipt=act.committed)


def replay_one(delivery_id: UUID, *, by: Principal, purpose: str) -> Receipt:
    """
    Put a delivery that has ended in line once more. Raises `NotThere`, `NothingToReplay` and `EndpointIsDisabled`.
    """
    with administering("delivery.replay", by=by, purpose=purpose, changes=False) as act:
        found = Delivery.objects.select_related("endpoint", "event").filter(pk=delivery_id).first()
        if found is None or found.endpoint.agency_id != by.agency or found.endpoint.state == EndpointState.REMOVED:
            raise NotThere
        if found.state == DeliveryState.WAITING:
            raise NothingToReplay
        _replay(found.endpoint, [found.event])
        act.result_ids = (found.id,)
    return act.committed


def replay_since(endpoint_id: UUID, since: datetime, *, by: Principal, purpose: str) -> Replayed:
    """
    Put every event since a time in line for an endpoint once more, a thousand at most, in the order of their making.

    Raises `NotThere` and `EndpointIsDisabled`, recorded.
    """
    with administering("endpoint.replay-since", by=by, purpose=purpose, about=endpoint_id, changes=False) as act:
        endpoint = own(endpoint_id, by=by)
        wanted = Event.objects.filter(agency=by.agency, at__gte=since)
        if endpoint.types:
            wanted = wanted.filter(type__in=endpoint.types)
        found = list(wanted.order_by("number")[:REPLAYED_MOST])
        _replay(endpoint, found)
        act.detail = {"events": str(len(found))}
        left = wanted.filter(number__gt=found[-1].number) if len(found) == REPLAYED_MOST else wanted.none()
        until = left.aggregate(first=Min("at"))["first"]  # what is numbered later may have been told earlier
    return Replayed(count=len(found), until=until, receipt=act.committed)


def _replay(endpoint: Endpoint, told: Sequence[Event]) -> None:
    if endpoint.state != EndpointState.ACTIVE:
        raise EndpointIsDisabled
    events.tell_again(endpoint.id, [event.number for event in told])
