"""
The work of delivering: one job a delivery, in line behind what the same endpoint has yet to hear of the same thing.

The line is procrastinate's, in PostgreSQL: a job is put there in the act's own transaction, so nothing is called for an
act that was undone, and no act is done without its calls. A job that is to be tried again keeps its place; the later
ones of its line wait. At least once: a worker that dies after the call and before it is written down makes it again.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from uuid import UUID

import structlog
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from agencies.notifications import addresses, calling, events
from agencies.notifications.calling import Called
from agencies.notifications.models import Attempt, Delivery, DeliveryState, Endpoint, EndpointState, Type
from audit import log
from audit.facts import SYSTEM, Subject

logger = structlog.get_logger("udvej.webhooks")
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""How long after each failed attempt the next is made: the schedule that Standard Webhooks recommends, ten attempts."""

REST = timedelta(seconds=30)
"""How long an endpoint that gave no answer at all is left alone, whatever else is in line for it."""

REST_SPREAD = 30
"""Over how many seconds what waited for it comes back, so that it does not come all at once."""

AT_ONCE_MOST = 2
"""How many calls to one endpoint a worker makes at once."""

PATIENCE = timedelta(days=5)
"""How long an endpoint may fail without one success before it is disabled."""


class Later(Exception):  # noqa: N818 - nothing is wrong: it is not time yet
    """The delivery is tried again at a time of its own."""

    def __init__(self, at: datetime) -> None:
        super().__init__("later")
        self.at = at


class AtItsTime(BaseRetryStrategy):
    """procrastinate's question whether a job is tried again: when `Later` says so, and a fault of ours in a minute."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, Later):
            return RetryDecision(retry_at=exception.at)
        logger.error("webhook_fault", kind=type(exception).__name__, job=job.id)  # no stack, which holds values
        return RetryDecision(retry_in={"seconds": 60})


@app.task(name=events.TASK, queue=events.QUEUE, retry=AtItsTime())
def deliver(delivery: str) -> None:
    """Make one attempt, and write down what came of it. Raises `Later` where there is to be another."""
    found = Delivery.objects.select_related("endpoint__agency", "event").filter(pk=delivery).first()
    if found is None or found.state != DeliveryState.WAITING:
        return
    now, endpoint = timezone.now(), found.endpoint
    if endpoint.state != EndpointState.ACTIVE or not endpoint.agency.active:
        _end(found, DeliveryState.CANCELLED)
        return
    if endpoint.resting_until is not None and endpoint.resting_until > now:
        raise Later(endpoint.resting_until + timedelta(seconds=found.id.int % REST_SPREAD))
    with _a_turn(endpoint.pk) as ours:
        if not ours:
            raise Later(now + timedelta(seconds=1 + found.id.int % 3))
        called = calling.call(endpoint, found.event, at=now)
    number = Attempt.objects.filter(delivery=found).count() + 1
    Attempt.objects.create(
        delivery=found, number=number, status=called.status, failure=called.failure, milliseconds=called.milliseconds
    )
    said = {"status": called.status, "failure": called.failure, "ms": called.milliseconds, "attempt": number}
    logger.info("webhook", endpoint=str(endpoint.pk), **said)
    if called.arrived:
        Endpoint.objects.filter(pk=endpoint.pk).exclude(failing_since=None).update(failing_since=None)
        _end(found, DeliveryState.DELIVERED, attempts=number)
        return
    _failed(found, called, number)


_turns: Counter[UUID] = Counter()
_taking_turns = Lock()


@contextmanager
def _a_turn(endpoint: UUID) -> Iterator[bool]:
    """Say whether another call to the endpoint may be made now: so that a slow one does not hold up all the others."""
    with _taking_turns:
        ours = _turns[endpoint] < AT_ONCE_MOST
        _turns[endpoint] += ours
    try:
        yield ours
    finally:
        with _taking_turns:
            _turns[endpoint] -= ours
            if not _turns[endpoint]:
                del _turns[endpoint]


def _failed(delivery: Delivery, called: Called, number: int) -> None:
    now, row = timezone.now(), Endpoint.objects.filter(pk=delivery.endpoint_id)
    if called.failure == addresses.NOT_PUBLIC and number <= len(WAITS):  # it may be our own resolver's fault
        _again(delivery, number, at=now + WAITS[number - 1])
        return
    row.update(failing_since=Coalesce(F("failing_since"), now))
    if called.status is None:
        row.update(resting_until=now + REST)
    since = row.values_list("failing_since", flat=True).get() or now
    last = number > len(WAITS)
    if called.gone or last or now - since > PATIENCE:
        disable(delivery.endpoint_id, because="gone" if called.gone else "failing", failed=delivery, attempts=number)
        return
    _again(delivery, number, at=now + WAITS[number - 1])


def _again(delivery: Delivery, number: int, *, at: datetime) -> None:
    """Write down when the next attempt is made, and raise `Later`; nothing where it was cancelled meanwhile."""
    waiting = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING)
    if waiting.update(attempts=number, next_at=at):
        raise Later(at)


def _end(delivery: Delivery, state: DeliveryState, **changed: Any) -> None:
    """Write down how a delivery ended. One that arrived did so, though it was cancelled while it was under way."""
    open_to = [DeliveryState.WAITING, *([DeliveryState.CANCELLED] if state == DeliveryState.DELIVERED else [])]
    rows = Delivery.objects.filter(pk=delivery.pk, state__in=open_to)
    rows.update(state=state, ended_at=timezone.now(), next_at=None, **changed)


def disable(endpoint_id: UUID, *, because: str, failed: Delivery | None = None, attempts: int = 0) -> None:
    """
    Call an endpoint no more, and give its agency notice of it in the feed: an act of the system, recorded.

    The delivery that failed ends with it, and what was in line is cancelled; once the endpoint is enabled again, its
    agency has that replayed from where it failed.
    """
    with log.act("endpoint.disable", by=SYSTEM, about=Subject("endpoint", endpoint_id), changes=False) as act:
        endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
        if failed is not None:
            _end(failed, DeliveryState.FAILED, attempts=attempts)
        if endpoint.state != EndpointState.ACTIVE:
            act.action = "endpoint.left-disabled"
            return
        endpoint.state, endpoint.disabled_because = EndpointState.DISABLED, because
        endpoint.save(update_fields=["state", "disabled_because"])
        cancel_waiting(endpoint_id)
        act.detail = {"because": because}
        events.tell(Type.ENDPOINT_DISABLED, endpoint_id, to=[endpoint.agency_id])


def cancel_waiting(endpoint_id: UUID) -> None:
    """Cancel what is in line for an endpoint; its jobs find that out when it is their turn."""
    waiting = Delivery.objects.filter(endpoint=endpoint_id, state=DeliveryState.WAITING)
    waiting.update(state=DeliveryState.CANCELLED, ended_at=timezone.now(), next_at=None)


@app.periodic(cron="* * * * *")
@app.task(name="take-up-what-was-dropped", queue=events.QUEUE, queueing_lock="take-up", pass_context=True)
async def take_up(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
    """Put back in line the jobs of workers that died with them in hand."""
    jobs = context.app.job_manager
    for job in await jobs.get_stalled_jobs():
        await jobs.retry_job(job)
