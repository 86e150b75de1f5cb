"""
What happens by itself when nobody decides: a referral past its deadline is escalated, and past the grace it expires.

Each is an act of the system with its own entry. A referral is first escalated, so that none expires unnoticed: the
receiving agency finds it in its list with `escalated`, as the sender does.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from audit import log
from audit.facts import SYSTEM, Subject
from referrals import deadlines, drafts, news
from referrals.errors import DecidedMeanwhile
from referrals.lifecycle import STEPS, Move, Status
from referrals.models import Referral

UNDECIDED = [status.value for status, move in STEPS if move is Move.EXPIRE]
AT_ONCE_MOST = 500


def act_on_deadlines(*, at: datetime | None = None) -> tuple[int, int]:
    """
    Escalate what is past its deadline at an instant (now, unless given), and expire what was escalated a grace ago.

    Returns how many were escalated and how many expired; at most 500 of each.
    """
    now = at or timezone.now()
    past = Q(clock_paused_at__isnull=True, decide_by__lt=now) | Q(clock_paused_at__isnull=False, review_by__lt=now)
    late = Q(escalated_at__isnull=True) & past
    given_up = Q(escalated_at__lt=now - deadlines.GRACE) & past
    return _each(late, "referral.escalate", _escalate, now), _each(given_up, "referral.expire", _expire, now)


def _each(wanted: Q, action: str, do: Callable[[Referral, datetime], None], now: datetime) -> int:
    found = Referral.objects.filter(wanted, status__in=UNDECIDED).values_list("pk", flat=True)
    return sum(_one(referral_id, wanted, action, do, now) for referral_id in list(found[:AT_ONCE_MOST]))


def _one(referral_id: UUID, wanted: Q, action: str, do: Callable[[Referral, datetime], None], now: datetime) -> bool:
    try:
        with log.act(action, by=SYSTEM, about=Subject("referral", referral_id)):
            _act_on(referral_id, wanted, do, now)
    except DecidedMeanwhile:
        return False
    return True


def _act_on(referral_id: UUID, wanted: Q, do: Callable[[Referral, datetime], None], now: datetime) -> None:
    locked = Referral.objects.select_for_update().filter(wanted, pk=referral_id, status__in=UNDECIDED).first()
    if locked is None:
        raise DecidedMeanwhile
    do(locked, now)
    drafts.touch(locked)
    news.changed(locked)


def _escalate(referral: Referral, now: datetime) -> None:
    referral.escalated_at = now


def _expire(referral: Referral, now: datetime) -> None:  # noqa: ARG001 - as _escalate
    referral.status_before, referral.status = referral.status, Status.EXPIRED
