"""
What happens by itself at a deadline: a reminder before it, an escalation when it has passed, an end after its grace.

Each is an act of the system with an entry of its own, done once however many watches there are: the row's lock keeps
another watch off it, and the database refuses to be told the same twice. Nothing expires that was not escalated first.
What stands still, as the clocks do while a question is open, is not in what is watched.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, TypeAlias, cast
from uuid import UUID

import structlog
from django.db import IntegrityError, connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from audit import log
from audit.facts import SYSTEM, Subject
from audit.log import Act
from consent import records
from referrals import deadlines, drafts, news
from referrals.deadline_notices import ONCE, noticed
from referrals.deadlines import Deadline, Step
from referrals.lifecycle import STEPS, Move, Status
from referrals.models import DeadlineNotice, Referral, Task, consent_until
from referrals.tasks import NOTIFY, REVIEW

AT_ONCE_MOST = 500
Rows: TypeAlias = QuerySet[Any]
"""Referrals or tasks, each with `due`: when its deadline is."""

LAST_FIRST = tuple(reversed(Step))
"""The order of a look: what it escalates, no earlier than the next one ends, so that nothing ends unnoticed."""

UNDECIDED = [Status.SUBMITTED.value, Status.RECEIVED.value]
STOPPABLE = [status.value for status, move in STEPS if move is Move.STOP_ON_CONSENT]
BY_URGENCY = frozenset({Deadline.ACKNOWLEDGE, Deadline.DECIDE})
FLAGGED = frozenset({Deadline.DECIDE, Deadline.ANSWER})
"""Whose passing marks the referral as escalated: nobody decided, or nobody answered who has to before anybody can."""

said = structlog.get_logger(__name__)


class NotNow(Exception):  # noqa: N818 - an outcome: nothing is done, and nothing recorded
    """Somebody else is at the row, or it needs nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One kind of deadline: in which rows it runs, and where they say when it is due."""

    deadline: Deadline
    rows: Callable[[], Rows]

    @property
    def of_task(self) -> bool:
        """Say whether the deadline is a task's, and not a referral's own."""
        return self.deadline in {Deadline.NOTIFICATION, Deadline.GLASS}


def act_on_deadlines(*, at: datetime | None = None, sender: UUID | None = None) -> Counter[str]:
    """
    Do all that the deadlines ask for at an instant: now, unless given; of one agency's referrals alone, where one is.

    Returns how many there were of each step, and of `failed`: what could not be done is left for the next look, and
    stops nothing else. Raises OperationalError where the database is away.
    """
    now = at or _database_clock()
    done: Counter[str] = Counter()
    for watched in WATCHED:
        for step in LAST_FIRST:
            with _on_its_own(watched, step, done):
                for row_id in _found(watched, step, now, sender):
                    with _on_its_own(watched, step, done):
                        done[str(step)] += _one(watched, step, row_id, now)
    return +done


@contextmanager
def _on_its_own(watched: Watched, step: Step, done: Counter[str]) -> Iterator[None]:
    """Let what fails inside be counted and logged, by its deadline and step alone, and stop nothing outside."""
    try:
        yield
    except Exception as error:
        if not connection.is_usable():
            raise
        said.error("deadline_failed", deadline=str(watched.deadline), step=str(step), kind=type(error).__name__)
        done["failed"] += 1


def _database_clock() -> datetime:
    """Return the time by the clock that stamps entries and notices: one machine's clock that leaps ends nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return cast(datetime, now)


def _one(watched: Watched, step: Step, row_id: UUID, now: datetime) -> bool:
    kind = "task" if watched.of_task else "referral"
    stops = watched.deadline is Deadline.CONSENT and step is Step.EXPIRE
    action = f"referral.{Move.STOP_ON_CONSENT}" if stops else f"{kind}.{step}"
    try:
        with log.act(action, by=SYSTEM, about=Subject(kind, row_id)) as act:
            if watched.of_task:
                _act_on_task(act, watched, step, row_id, now)
            else:
                _act_on_referral(act, watched, step, row_id, now)
    except NotNow:
        return False
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) != ONCE:
            raise
        return False
    return True


def _act_on_referral(act: Act, watched: Watched, step: Step, row_id: UUID, now: datetime) -> None:
    if watched.deadline is Deadline.CONSENT:
        _keep_consent(row_id)
    if not Referral.objects.select_for_update(skip_locked=True).filter(pk=row_id).values_list("pk").first():
        raise NotNow
    referral = _due(watched, step, now).filter(pk=row_id).first()
    if referral is None:
        raise NotNow
    due_at = referral.due
    if step is Step.EXPIRE and not _grace_is_over(watched.deadline, referral.pk, due_at, now):
        raise NotNow
    noticed(act, referral, deadline=watched.deadline, step=step, due_at=due_at, told=_told(watched, step, referral))
    if step is Step.ESCALATE and watched.deadline in FLAGGED:
        referral.escalated_at = now
    elif step is Step.EXPIRE and watched.deadline is Deadline.CONSENT:
        referral.status_when_stopped, referral.status = referral.status, Status.CONSENT_WITHDRAWN
    elif step is Step.EXPIRE:
        referral.status_before, referral.status = referral.status, Status.EXPIRED
    else:
        return  # who was told is noted, and the referral is as it was
    drafts.touch(referral)
    news.changed(referral)


def _keep_consent(referral_id: UUID) -> None:
    """Lock the consent before the referral, as whoever renews or withdraws it does."""
    consent = Referral.objects.filter(pk=referral_id).values_list("consent", flat=True).first()
    if consent is None or not records.hold_if_free(consent):
        raise NotNow


def _act_on_task(act: Act, watched: Watched, step: Step, row_id: UUID, now: datetime) -> None:
    if not Task.objects.select_for_update(skip_locked=True).filter(pk=row_id).values_list("pk").first():
        raise NotNow
    task = _due(watched, step, now).filter(pk=row_id).select_related("referral").first()
    if task is None:
        raise NotNow
    told = (task.agency_id,)
    act.result_ids = (task.referral_id,)
    noticed(act, task.referral, deadline=watched.deadline, step=step, due_at=task.due_by, told=told, task=task.id)


def _told(watched: Watched, step: Step, referral: Referral) -> frozenset[UUID]:
    """Return whose turn it is: who has to do something before the deadline, and both when something ends."""
    sender, recipient = referral.sender_id, referral.recipient_id or referral.sender_id
    if step is Step.EXPIRE:
        return frozenset({sender, recipient})
    whose = {
        Deadline.ANSWER: {sender},
        Deadline.CONSENT: {sender} if step is Step.REMIND else {sender, recipient},
        Deadline.HOLD: {referral.responsible_id},
    }
    return frozenset(whose.get(watched.deadline, {recipient}))


def _grace_is_over(deadline: Deadline, referral_id: UUID, due_at: datetime, now: datetime) -> bool:
    """Say whether something has waited long enough since it was due, and since it was escalated, which may be later."""
    grace = deadlines.grace(deadline, at=now)
    told = DeadlineNotice.objects.filter(
        referral=referral_id, task=None, deadline=deadline, step=Step.ESCALATE, due_at=due_at
    )
    given_at = told.values_list("given_at", flat=True).first()
    return grace is not None and given_at is not None and grace.after(max(due_at, given_at)) < now


def _found(watched: Watched, step: Step, now: datetime, sender: UUID | None) -> Iterator[UUID]:
    """Yield the ids of what a step may be due for, in batches; each row once, whatever becomes of it."""
    last: UUID | None = None
    while True:
        rows = _due(watched, step, now).order_by("pk")
        if sender is not None:
            rows = rows.filter(**{"referral__sender" if watched.of_task else "sender": sender})
        if last is not None:
            rows = rows.filter(pk__gt=last)
        batch = list(rows.values_list("pk", flat=True)[:AT_ONCE_MOST])
        yield from batch
        if len(batch) < AT_ONCE_MOST:
            return
        last = batch[-1]


def _due(watched: Watched, step: Step, now: datetime) -> Rows:
    """Return the rows for which a step is due and not taken, each with `due`: when its deadline is."""
    of_task = watched.of_task
    row = {"task": OuterRef("pk")} if of_task else {"referral": OuterRef("pk"), "task": None}
    told = DeadlineNotice.objects.filter(deadline=watched.deadline, due_at=OuterRef("due"), **row)
    rows: Rows = watched.rows().filter(~Exists(told.filter(step=step)))
    if step is Step.REMIND:
        return rows.filter(_soon(watched.deadline, now), due__gt=now)
    if step is Step.EXPIRE:
        grace = deadlines.grace(watched.deadline, at=now)
        return rows.filter(Exists(told.filter(step=Step.ESCALATE)), due__lt=now) if grace else rows.none()
    return rows.filter(due__lt=now)


def _soon(deadline: Deadline, now: datetime) -> Q:
    """Return the condition that a deadline is so near that a reminder goes."""
    if deadline not in BY_URGENCY:
        lead = deadlines.reminding(deadline, at=now)
        return Q(due__lte=lead.after(now)) if lead else Q(pk=None)
    leads = {code: deadlines.reminding(deadline, urgency=code, at=now) for code in deadlines.urgencies(at=now)}
    near = (Q(urgency=code, due__lte=lead.after(now)) for code, lead in leads.items() if lead)
    return reduce(or_, near, Q(pk=None))


def _referrals(due: str, **running: object) -> Callable[[], Rows]:
    return lambda: Referral.objects.annotate(due=F(due)).filter(**running)


def _tasks(kind: str) -> Callable[[], Rows]:
    return lambda: Task.objects.defer("sealed").annotate(due=F("due_by")).filter(kind=kind, done_at=None)


def _on_consent() -> Rows:
    resting = Referral.objects.filter(status__in=STOPPABLE).exclude(basis__consent_kind="")
    return resting.annotate(due=consent_until("consent"))


WATCHED = (
    Watched(
        deadline=Deadline.ACKNOWLEDGE,
        rows=_referrals("acknowledge_by", status=Status.SUBMITTED, clock_paused_at=None),
    ),
    Watched(deadline=Deadline.DECIDE, rows=_referrals("decide_by", status__in=UNDECIDED, clock_paused_at=None)),
    Watched(deadline=Deadline.ANSWER, rows=_referrals("review_by", status=Status.INFO_REQUESTED)),
    Watched(deadline=Deadline.HOLD, rows=_referrals("review_by", status=Status.ON_HOLD)),
    Watched(deadline=Deadline.CONSENT, rows=_on_consent),
    Watched(deadline=Deadline.NOTIFICATION, rows=_tasks(NOTIFY)),
    Watched(deadline=Deadline.GLASS, rows=_tasks(REVIEW)),
)
"""Every deadline there is, and where it runs."""
