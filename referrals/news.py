"""
Whom to tell that something became of a referral, a task or a broken glass; inside the act that did it.

Told are the agencies that see the thing anyway. What became of it is not told (`agencies.notifications.events`).
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from agencies.notifications import events
from agencies.notifications.models import Type
from referrals.models import BreakGlass, Referral, Task


def changed(*referrals: Referral, arrived: bool = False) -> None:
    """Tell that these referrals have a new version; or, to the recipient of one just submitted, that it arrived."""
    recipients_type = Type.REFERRAL_ARRIVED if arrived else Type.REFERRAL_CHANGED
    events.tell_all(
        [
            (agency, kind, referral.id, referral.version)
            for referral in referrals
            for agency, kind in _parties(referral, recipients_type)
        ]
    )


def attached(referral: Referral) -> None:
    """Tell that a file was attached: it raises no version, so none is told."""
    events.tell_all([(agency, kind, referral.id, None) for agency, kind in _parties(referral, Type.REFERRAL_CHANGED)])


def _parties(referral: Referral, to_recipient: Type) -> Sequence[tuple[UUID, Type]]:
    """The sender always; the recipient from the submission on: a draft is its writer's alone."""
    parties = [(referral.sender_id, Type.REFERRAL_CHANGED)]
    if referral.submitted_at is not None and referral.recipient_id is not None:
        parties.append((referral.recipient_id, to_recipient))
    return parties


def task_opened(task: Task) -> None:
    """Tell an agency that a task is its to do."""
    events.tell(Type.TASK_CHANGED, task.id, version=1, to=[task.agency_id])


def tasks_done(tasks: Iterable[Task]) -> None:
    """Tell, of tasks as they were until now, that they are done: who was to do each, and who opened it."""
    told = [(agency, task) for task in tasks for agency in dict.fromkeys((task.agency_id, task.opened_by_id))]
    events.tell_all([(agency, Type.TASK_CHANGED, task.id, task.version + 1) for agency, task in told])


def glass_changed(glass: BreakGlass, *, version: int) -> None:
    """Tell at once who answers for the referral, and the opener's agency, that the glass was broken, or reviewed."""
    events.tell(Type.BREAK_GLASS_CHANGED, glass.id, version=version, to=[glass.owner_id, glass.agency_id])
