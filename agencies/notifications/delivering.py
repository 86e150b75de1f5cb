"""
The work of delivering: one job a delivery, in line behind what the same endpoint has yet to hear of the same thing.

The line is procrastinate's, in PostgreSQL: a job is put there in the act's own transaction, so nothing is called for an
act that was undone, and no act is done without its calls. A job that is to be tried again keeps its place; the later
ones of its line wait. At least once: a worker that dies after the call and before it is written down makes it again.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from agencies.notifications import calling, events
from agencies.notifications.calling import Called
from agencies.notifications.models import Attempt, Delivery, DeliveryState, Endpoint, EndpointState, Type
from audit import log
from audit.facts import SYSTEM, Subject

logger = structlog.get_logger("udvej.webhooks")
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""How long after each failed attempt the next is made: the schedule that Standard Webhooks recommends, ten attempts."""

REST = timedelta(seconds=30)
"""How long an endpoint that gave no answer at all is left alone, whatever else is in line for it."""

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
        raise Later(endpoint.resting_until)
    called = calling.call(endpoint, found.event, at=now)
    number = found.attempts + 1
    Attempt.objects.get_or_create(
        delivery=found,
        number=number,
        defaults={"status": called.status, "failure": called.failure, "milliseconds": called.milliseconds},
    )
    logger.info("webhook", status=called.status, failure=called.failure, ms=called.milliseconds, attempt=number)
    if called.arrived:
        Endpoint.objects.filter(pk=endpoint.pk).exclude(failing_since=None).update(failing_since=None)
        _end(found, DeliveryState.DELIVERED, attempts=number)
        return
    _failed(found, called, number)


def _failed(delivery: Delivery, called: Called, number: int) -> None:
    now, endpoint = timezone.now(), delivery.endpoint
    since = endpoint.failing_since or now
    resting = now + REST if called.status is None else None
    Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=since, resting_until=resting)
    last = number > len(WAITS)
    if called.gone or last or now - since > PATIENCE:
        _end(delivery, DeliveryState.FAILED, attempts=number)
        disable(endpoint.pk, because="gone" if called.gone else "failing")
        return
    again = now + WAITS[number - 1]
    Delivery.objects.filter(pk=delivery.pk).update(attempts=number, next_at=again)
    raise Later(again)


def _end(delivery: Delivery, state: DeliveryState, **changed: Any) -> None:
    waiting = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.WAITING)
    waiting.update(state=state, ended_at=timezone.now(), next_at=None, **changed)


def disable(endpoint_id: UUID, *, because: str) -> None:
    """
    Call an endpoint no more, and give its agency notice of it in the feed: an act of the system, recorded.

    What was in line for it is cancelled; once it is enabled again, its agency has it replayed from where it failed.
    """
    with log.act("endpoint.disable", by=SYSTEM, about=Subject("endpoint", endpoint_id), changes=False) as act:
        endpoint = Endpoint.objects.select_for_update().get(pk=endpoint_id)
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
