"""Working time in Denmark: what a working day is, and that the arithmetic on it neither loses nor invents any."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agencies import workdays
from agencies.workdays import DENMARK, Length

pytestmark = pytest.mark.no_database

INSTANTS = st.integers(min_value=0, max_value=16 * 365 * 86_400_000).map(
    lambda ms: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
WORKED = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40))


def local(text: str) -> datetime:
    """Wall-clock time in Denmark."""
    return datetime.fromisoformat(text).replace(tzinfo=DENMARK)


CLOSED = [
    *("2026-01-01", "2026-04-02", "2026-04-03", "2026-04-06", "2026-05-14", "2026-05-25", "2026-06-05"),
    *("2026-12-24", "2026-12-25", "2026-12-31", "2026-11-28", "2026-11-29", "2023-05-05"),
]
OPEN = ["2026-05-01", "2026-05-15", "2024-04-26", "2026-04-01", "2026-12-23", "2026-12-28", "2026-12-30", "2027-01-04"]


@pytest.mark.parametrize("day", CLOSED)
def test_public_offices_are_closed(day: str) -> None:
    assert not workdays.is_working(date.fromisoformat(day))


@pytest.mark.parametrize("day", OPEN)
def test_public_offices_work_also_on_the_abolished_prayer_day_and_on_the_first_of_may(day: str) -> None:
    assert workdays.is_working(date.fromisoformat(day))


AFTER = [
    ("2026-11-27T14:00", 1, "2026-11-30T14:00"),  # over a weekend
    ("2026-11-27T00:00", 1, "2026-11-30T00:00"),  # a whole Friday ends where Monday begins
    ("2026-11-28T14:00", 1, "2026-12-01T00:00"),  # what begins on a Saturday begins on Monday
    ("2026-12-23T10:00", 1, "2026-12-28T10:00"),  # 24, 25 and the weekend with 26 December
    ("2026-12-30T10:00", 1, "2027-01-04T10:00"),  # 31 December, 1 January and a weekend
    ("2026-04-01T09:00", 1, "2026-04-07T09:00"),  # Easter
    ("2026-03-27T15:30", 1, "2026-03-30T15:30"),  # the clocks go forward in between
    ("2026-10-23T15:30", 1, "2026-10-26T15:30"),  # and back
    ("2026-11-23T08:15", 10, "2026-12-07T08:15"),
    ("2026-11-23T08:15", 0, "2026-11-23T08:15"),
]


@pytest.mark.parametrize(("start", "days", "end"), AFTER)
def test_so_many_working_days_later_it_is_the_same_time_of_day(start: str, days: int, end: str) -> None:
    assert workdays.later(local(start), timedelta(days=days)) == local(end)


@given(INSTANTS, WORKED)
def test_it_never_lands_on_a_day_that_is_no_working_day(start: datetime, worked: timedelta) -> None:
    assert workdays.is_working(workdays.later(start, worked).astimezone(DENMARK).date())


@given(INSTANTS, WORKED)
def test_what_is_added_is_what_lies_between(start: datetime, worked: timedelta) -> None:
    assert workdays.between(start, workdays.later(start, worked)) == worked


@given(INSTANTS, INSTANTS, WORKED, WORKED)
def test_who_begins_later_or_takes_longer_does_not_end_sooner(
    one: datetime, other: datetime, short: timedelta, long: timedelta
) -> None:
    first, second = sorted((one, other))
    least, most = sorted((short, long))
    assert workdays.later(first, least) <= workdays.later(second, least)
    assert workdays.later(first, least) <= workdays.later(first, most)


@given(INSTANTS, WORKED, WORKED)
def test_it_makes_no_difference_whether_time_is_added_at_once_or_in_two_parts(
    start: datetime, one: timedelta, other: timedelta
) -> None:
    assert workdays.later(workdays.later(start, one), other) == workdays.later(start, one + other)


@given(INSTANTS, WORKED, WORKED, st.booleans())
def test_a_pause_adds_exactly_the_time_that_it_lasted(
    start: datetime, length: timedelta, paused: timedelta, working: bool
) -> None:
    """Whoever was given so much time has had just that when the moved deadline comes, the pause left out."""
    whole = Length(time=length, working=working)
    due = whole.after(start)
    resumed = start + paused
    added = whole.passed(start, resumed)
    moved = Length(time=added, working=working).after(due)
    assert whole.passed(start, moved) == length + added
    assert moved >= due


@given(st.dates(min_value=date(2020, 1, 1), max_value=date(2035, 12, 1)))
def test_a_working_day_has_24_hours_whatever_the_clocks_do(day: date) -> None:
    start = datetime.combine(day, time(), tzinfo=DENMARK)
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=DENMARK)
    assert workdays.between(start, end) == (timedelta(days=1) if workdays.is_working(day) else timedelta(0))
    if workdays.is_working(day):
        assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(days=1)


def test_working_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="forward"):
        workdays.later(local("2026-11-23T08:15"), -timedelta(hours=1))
    assert workdays.between(local("2026-11-24T08:00"), local("2026-11-23T08:00")) == timedelta(0)
