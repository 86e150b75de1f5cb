"""When a referral has to be acknowledged, decided and reviewed. Urgency decides; the hours are reference data."""

from datetime import datetime, timedelta

from agencies import directory

HOLD_REVIEW = timedelta(days=30)
"""How long a referral may rest before it is looked at again, unless the hold says sooner."""

ANSWER_WITHIN = timedelta(days=30)
"""How long a request for information may stay open."""

NOTIFICATION = timedelta(hours=24)
"""How soon the home municipality deals with a notification about an endangered minor."""

GRACE = timedelta(days=7)
"""How long after its escalation a referral that nobody decided still waits before it expires."""


def after_submission(urgency: str, *, at: datetime) -> tuple[datetime, datetime]:
    """
    Return acknowledge-by and decide-by for a referral submitted at an instant, in calendar hours of its urgency.

    Raises LookupError where the urgency is not in the code list that day.
    """
    items = directory.valid_items("urgencies", on=at.date(), code=urgency)
    if not items:
        raise LookupError(urgency)
    hours = items[0].attributes
    acknowledge = at + timedelta(hours=int(hours["acknowledge_within_hours"]))
    return acknowledge, at + timedelta(hours=int(hours["decide_within_hours"]))


def resumed(deadline: datetime | None, *, paused_at: datetime, now: datetime) -> datetime | None:
    """Return a deadline moved by as long as the clock stood still."""
    return None if deadline is None else deadline + (now - paused_at)
