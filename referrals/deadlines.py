"""
When something has to have happened, and how long before and after that somebody is told: lengths from the code lists.

`urgencies` says how soon a referral is acknowledged and decided, `deadlines` the rest. A length is in hours, day and
night, or in working days (`agencies.workdays`).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from agencies import directory
from agencies.workdays import Length


class Deadline(StrEnum):
    """What is to have happened by then (code list `deadlines`)."""

    ACKNOWLEDGE = "acknowledge_by"
    DECIDE = "decide_by"
    ANSWER = "answer_by"
    HOLD = "hold_review"
    CONSENT = "consent_expiry"
    NOTIFICATION = "notification"
    GLASS = "glass_review"


class Step(StrEnum):
    """What the exchange does by itself: before a deadline, when it has passed, and after its grace."""

    REMIND = "remind"
    ESCALATE = "escalate"
    EXPIRE = "expire"


def after_submission(urgency: str, *, at: datetime) -> tuple[datetime, datetime]:
    """
    Return acknowledge-by and decide-by for a referral submitted at an instant.

    Raises LookupError where the urgency is not in the code list that day.
    """
    says = _said("urgencies", urgency, at=at)
    acknowledge, decide = _length(says, "acknowledge_within"), _length(says, "decide_within")
    if acknowledge is None or decide is None:
        raise LookupError(urgency)
    return acknowledge.after(at), decide.after(at)


def within(deadline: Deadline, *, at: datetime) -> datetime:
    """Return by when something that begins at an instant is due. Raises LookupError where no length is in the list."""
    length = _length(_said("deadlines", deadline, at=at), "within")
    if length is None:
        raise LookupError(deadline)
    return length.after(at)


def reminding(deadline: Deadline, *, urgency: str = "", at: datetime) -> Length | None:
    """Return how long before a deadline a reminder goes, by the urgency where there is one; None where none does."""
    says = _said("urgencies", urgency, at=at) if urgency else _said("deadlines", deadline, at=at)
    return _length(says, "remind_before")


def grace(deadline: Deadline, *, at: datetime) -> Length | None:
    """Return how long after its escalation something still waits before it expires; None where it never does."""
    return _length(_said("deadlines", deadline, at=at), "expire_after")


def urgencies(*, at: datetime) -> tuple[str, ...]:
    """Return the urgencies that hold on a day."""
    return tuple(item.code for item in directory.valid_items("urgencies", on=at.date()))


def resumed(
    deadline: datetime | None, *, urgency: str, submitted_at: datetime, paused_at: datetime, now: datetime
) -> datetime | None:
    """Return a deadline moved by as much of its own time, working or by the clock, as it stood still."""
    if deadline is None:
        return None
    says = _said("urgencies", urgency, at=submitted_at)
    length = _length(says, "decide_within") or Length(time=timedelta(0), working=False)
    return replace(length, time=length.passed(paused_at, now)).after(deadline)


def _said(list_name: str, code: str, *, at: datetime) -> Mapping[str, Any]:
    items = directory.valid_items(list_name, on=at.date(), code=code)
    if not items:
        raise LookupError(code)
    attributes: Mapping[str, Any] = items[0].attributes
    return attributes


def _length(says: Mapping[str, Any], name: str) -> Length | None:
    days, hours = says.get(f"{name}_working_days"), says.get(f"{name}_hours")
    if days is not None:
        return Length(time=timedelta(days=days), working=True)
    return None if hours is None else Length(time=timedelta(hours=hours), working=False)
