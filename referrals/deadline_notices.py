"""
The one place through which the exchange tells that a deadline made it do something: a reminder, an escalation, an end.

Inside the act that does it, so that both commit or neither does. Whoever else is to learn of it, learns of it here.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from agencies import duty
from agencies.notifications import events
from agencies.notifications.models import Type
from audit.log import Act
from referrals.deadlines import Deadline, Step
from referrals.models import DeadlineNotice, Referral

ONCE = "referrals_deadline_is_told_once"


def noticed(
    act: Act,
    referral: Referral,
    *,
    deadline: Deadline,
    step: Step,
    due_at: datetime,
    told: Collection[UUID],
    task: UUID | None = None,
) -> None:
    """
    Note what a deadline brought about, once and for all, and let the duty contacts of these agencies be told.

    Raises IntegrityError on the constraint `ONCE` where another watch did the same; then nothing of the act remains.
    """
    DeadlineNotice.objects.create(referral=referral, task_id=task, deadline=deadline, step=step, due_at=due_at)
    act.detail |= {"deadline": str(deadline), "due_at": due_at.isoformat(), "told": ",".join(sorted(map(str, told)))}
    duty.queue(told, step=str(step))
    _tell(referral, deadline=deadline, told=told, task=task)


def _tell(referral: Referral, *, deadline: Deadline, told: Collection[UUID], task: UUID | None) -> None:
    if task is not None:
        events.tell(Type.TASK_DEADLINE, task, to=told)
    elif deadline is Deadline.CONSENT and referral.consent_id is not None:
        events.tell(Type.CONSENT_DEADLINE, referral.consent_id, to=told)
    else:
        events.tell(Type.REFERRAL_DEADLINE, referral.id, to=told)
