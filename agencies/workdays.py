"""
How much working time lies between two instants, and where so much of it ends. Pure: local days in Denmark, no clock.

A working day is a whole local day of 24 hours: Danish clocks change on Sundays, which are none. Which days are none is
decided on docs/decisions/0036-working-days.md; the dates are the library `holidays`'.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

DENMARK = ZoneInfo("Europe/Copenhagen")
SATURDAY = 5
DAY = timedelta(days=1)
LABOUR_DAY = (5, 1)
"""Closed by agreement in many workplaces, and a working day by law: it stops no deadline (forældelsesloven § 27(2))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long something takes: so many hours by the clock, or so much working time, 24 hours to a working day."""

    time: timedelta
    working: bool

    def after(self, start: datetime) -> datetime:
        """Return the instant at which this much has gone by since another."""
        return later(start, self.time) if self.working else start + self.time

    def passed(self, start: datetime, end: datetime) -> timedelta:
        """Return how much of such time lies between two instants, the earlier first."""
        return between(start, end) if self.working else end - start


def is_working(day: date) -> bool:
    """Say whether public offices work on a day: not at weekends, on holidays, 5 June, 24 and 31 December."""
    return day.weekday() < SATURDAY and day not in _closed(day.year)


def later(start: datetime, worked: timedelta) -> datetime:
    """
    Return the instant at which so much working time has gone by: on a working day, at UTC.

    Time that begins on no working day begins with the next one. Raises ValueError for less than no time.
    """
    if worked < timedelta(0):
        raise ValueError("working time goes forward")
    day, left = _begun(start)
    left += worked
    while left >= DAY:
        day, left = _working_from(day + DAY), left - DAY
    return _at(day, left)


def between(start: datetime, end: datetime) -> timedelta:
    """Return the working time between two instants; none where the second is not the later one."""
    (first, before), (last, after) = _begun(start), _begun(end)
    if end <= start:
        return timedelta(0)
    days = sum(is_working(first + DAY * n) for n in range((last - first).days))
    return days * DAY + after - before


@cache
def _closed(year: int) -> frozenset[date]:
    found = holidays.country_holidays("DK", years=year, categories=("public", "optional"))
    return frozenset(day for day in found if (day.month, day.day) != LABOUR_DAY)


def _begun(instant: datetime) -> tuple[date, timedelta]:
    """Return the working day that an instant lies on, and how far into it; or the start of the next working day."""
    local = instant.astimezone(DENMARK)
    if not is_working(local.date()):
        return _working_from(local.date()), timedelta(0)
    return local.date(), local.replace(tzinfo=None) - datetime.combine(local.date(), time())


def _working_from(day: date) -> date:
    while not is_working(day):
        day += DAY
    return day


def _at(day: date, into: timedelta) -> datetime:
    midnight = datetime.combine(day, time(), tzinfo=DENMARK)
    return (midnight + into).astimezone(UTC)
