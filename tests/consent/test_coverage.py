"""What is covered, as pure tables: basis, consent, parties, purpose and instant."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.categories import Category
from consent.coverage import Choice, Coverage, Event, Ground, Parties, covered, standing, state

pytestmark = pytest.mark.no_database

CENTRE, OTHER = UUID(int=1), UUID(int=2)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = 365 * DAY

BY_CONSENT = Ground(
    code="TEST-CONSENT",
    version=1,
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    consent_kind="CONFIDENTIALITY_WAIVER",
    sender_kinds=frozenset({"municipality"}),
    recipient_kinds=frozenset({"exit_centre"}),
    article_9="yes",
    article_10="yes",
    age_min=None,
    age_max=None,
    purposes=frozenset({"exit_support", "case_follow_up"}),
    necessity_statement=False,
    investigation="forbidden",
    self_governing_only=False,
)
BY_LAW = replace(BY_CONSENT, code="TEST-LAW", consent_kind="", article_9="if_necessary", article_10="if_necessary")
PARTIES = Parties(
    sender_kind="municipality",
    sender_self_governing=False,
    recipient=CENTRE,
    recipient_kind="exit_centre",
    recipient_self_governing=False,
    birth_year=1990,
    necessity_stated=False,
)


def event(
    number: int, kind: str, *, at: datetime, registered_at: datetime | None = None, lasts: timedelta = YEAR
) -> Event:
    ends = at + lasts if kind in ("given", "renewed") else None
    return Event(number=number, kind=kind, at=at, registered_at=registered_at or at, expires_at=ends)


GIVEN = Choice(
    id=UUID(int=9),
    version=1,
    kind="CONFIDENTIALITY_WAIVER",
    recipients=frozenset({CENTRE}),
    purposes=frozenset({"exit_support"}),
    categories=frozenset({"reason", "health"}),
    report_back=True,
    given_by="subject",
    maturity_assessed=False,
    events=(event(1, "given", at=START),),
)
WITHDRAWN = replace(GIVEN, events=(*GIVEN.events, event(2, "withdrawn", at=START + 10 * DAY)))
RENEWED = replace(
    GIVEN,
    events=(event(1, "given", at=START, lasts=30 * DAY), event(2, "renewed", at=START + 60 * DAY, lasts=30 * DAY)),
)


def ask(ground: Ground | None = BY_CONSENT, choice: Choice | None = GIVEN, **changes: Any) -> Coverage:
    purpose = changes.pop("purpose", "exit_support")
    at = changes.pop("at", START + DAY)
    return covered(ground, choice, parties=replace(PARTIES, **changes), purpose=purpose, at=at)


# --- The basis ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ground", "changes", "because"),
    [
        (None, {}, ["no_basis"]),
        (BY_LAW, {}, []),
        (BY_LAW, {"at": datetime(2025, 12, 31, 23, 59, tzinfo=UTC)}, ["basis_not_valid_that_day"]),
        (BY_LAW, {"at": datetime(2026, 1, 1, tzinfo=UTC)}, []),
        (BY_LAW, {"at": datetime(2026, 12, 31, 23, 59, tzinfo=UTC)}, []),
        (BY_LAW, {"at": datetime(2027, 1, 1, tzinfo=UTC)}, ["basis_not_valid_that_day"]),
        (replace(BY_LAW, valid_to=None), {"at": datetime(2050, 1, 1, tzinfo=UTC)}, []),
        (BY_LAW, {"sender_kind": "police_prevention"}, ["basis_not_for_sender"]),
        (BY_LAW, {"recipient_kind": "municipality"}, ["basis_not_for_recipient"]),
        (replace(BY_LAW, sender_kinds=frozenset({"any"})), {"sender_kind": "school"}, []),
        (replace(BY_LAW, recipient_kinds=frozenset()), {}, ["basis_not_for_recipient"]),
        (BY_LAW, {"purpose": "crime_prevention"}, ["basis_not_for_purpose"]),
        (BY_LAW, {"purpose": "case_follow_up"}, []),
        (BY_LAW, {"purpose": "investigation"}, ["basis_not_for_purpose"]),
        (replace(BY_LAW, age_max=17), {"birth_year": 2009}, []),
        (replace(BY_LAW, age_max=17), {"birth_year": 2008}, []),  # 17 or 18: a doubt is in the child's favour
        (replace(BY_LAW, age_max=17), {"birth_year": 2007}, ["basis_not_for_age"]),
        (replace(BY_LAW, age_max=17), {"birth_year": None}, ["basis_not_for_age"]),
        (replace(BY_LAW, age_min=15), {"birth_year": 2010}, []),
        (replace(BY_LAW, age_min=15), {"birth_year": 2012}, ["basis_not_for_age"]),
        (replace(BY_LAW, age_min=15), {"birth_year": None}, ["basis_not_for_age"]),
        (replace(BY_LAW, necessity_statement=True), {}, ["necessity_statement_missing"]),
        (replace(BY_LAW, necessity_statement=True), {"necessity_stated": True}, []),
        (replace(BY_LAW, self_governing_only=True), {}, ["recipient_not_self_governing"]),
        (replace(BY_LAW, self_governing_only=True), {"recipient_self_governing": True}, []),
        (
            replace(BY_LAW, self_governing_only=True, sender_kinds=frozenset({"exit_centre"})),
            {"sender_kind": "exit_centre", "recipient_self_governing": True},
            ["sender_not_self_governing"],
        ),
        (
            replace(BY_LAW, self_governing_only=True, sender_kinds=frozenset({"exit_centre"})),
            {"sender_kind": "exit_centre", "recipient_self_governing": True, "sender_self_governing": True},
            [],
        ),
        (
            replace(BY_LAW, necessity_statement=True, age_max=17),
            {"sender_kind": "exit_centre", "purpose": "audit"},
            ["basis_not_for_age", "basis_not_for_purpose", "basis_not_for_sender", "necessity_statement_missing"],
        ),
    ],
)
def test_a_basis_carries_or_says_each_reason_why_not(
    ground: Ground | None, changes: dict[str, Any], because: list[str]
) -> None:
    told = ask(ground, None, **changes)
    assert sorted(told.because) == because
    assert (told.categories == frozenset()) is bool(because)


ALL = set(Category)


@pytest.mark.parametrize(
    ("article_9", "article_10", "missing"),
    [
        ("yes", "yes", set()),
        ("if_necessary", "if_necessary", set()),
        ("no", "yes", {"concern", "health"}),
        ("yes", "no", {"criminal"}),
        ("health_only", "no", {"concern", "criminal"}),
        ("not_applicable", "not_applicable", {"concern", "health", "criminal"}),
    ],
)
def test_a_basis_leaves_out_what_it_does_not_allow_of_articles_9_and_10(
    article_9: str, article_10: str, missing: set[str]
) -> None:
    told = ask(replace(BY_LAW, article_9=article_9, article_10=article_10), None)
    assert ALL - told.categories == {Category(name) for name in missing}


# --- The consent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "changes", "because"),
    [
        (GIVEN, {}, []),
        (None, {}, ["consent_missing"]),
        (replace(GIVEN, kind="PARTICIPATION"), {}, ["consent_of_wrong_kind"]),
        (GIVEN, {"recipient": OTHER}, ["consent_not_for_recipient"]),
        (GIVEN, {"purpose": "case_follow_up"}, ["consent_not_for_purpose"]),
        (GIVEN, {"at": START - DAY}, ["consent_requested"]),
        (GIVEN, {"at": START + YEAR}, ["consent_expired"]),
        (GIVEN, {"at": START + YEAR - timedelta(microseconds=1), "valid": True}, []),
        (WITHDRAWN, {"at": START + 9 * DAY}, []),
        (WITHDRAWN, {"at": START + 10 * DAY}, ["consent_withdrawn"]),
        (RENEWED, {"at": START + 29 * DAY}, []),
        (RENEWED, {"at": START + 30 * DAY}, ["consent_expired"]),
        (RENEWED, {"at": START + 60 * DAY}, []),
        (RENEWED, {"at": START + 90 * DAY}, ["consent_expired"]),
        (replace(GIVEN, events=()), {}, ["consent_requested"]),
        (replace(GIVEN, events=(event(1, "refused", at=START),)), {}, ["consent_refused"]),
        (replace(GIVEN, events=(*GIVEN.events, event(2, "revoked", at=START))), {}, ["consent_revoked"]),
        (replace(GIVEN, events=(*GIVEN.events, event(2, "invalidated", at=START))), {}, ["consent_invalidated"]),
    ],
)
def test_a_consent_carries_or_says_each_reason_why_not(
    choice: Choice | None, changes: dict[str, Any], because: list[str]
) -> None:
    ground = replace(BY_CONSENT, valid_to=None)
    told = ask(ground, choice, **{name: value for name, value in changes.items() if name != "valid"})
    assert list(told.because) == because
    assert told.categories == (frozenset() if because else {Category.STATUS, Category.REASON, Category.HEALTH})
    assert told.report_back is not bool(because)


def test_a_consent_does_not_reach_where_its_basis_does_not() -> None:
    assert ask(replace(BY_CONSENT, article_9="no")).categories == {Category.STATUS, Category.REASON}
    for_all = replace(GIVEN, purposes=frozenset({"exit_support", "crime_prevention"}))
    assert ask(BY_CONSENT, for_all, purpose="crime_prevention").because == ("basis_not_for_purpose",)


def test_a_basis_of_law_is_not_widened_or_narrowed_by_a_consent() -> None:
    for choice in (GIVEN, WITHDRAWN, None):
        told = ask(BY_LAW, choice, at=START + 20 * DAY)
        assert (told.categories, told.report_back) == (frozenset(Category), False)


def test_what_was_registered_late_counts_from_its_registration() -> None:
    late = replace(GIVEN, events=(event(1, "given", at=START, registered_at=START + 3 * DAY),))
    assert standing(late.events, at=START + 2 * DAY) is None
    assert standing(late.events, at=START + 3 * DAY) is not None
    backdated = (*GIVEN.events, event(2, "withdrawn", at=START + DAY, registered_at=START + 5 * DAY))
    assert standing(backdated, at=START + 4 * DAY) is not None  # the past stays as it was known then
    assert standing(backdated, at=START + 5 * DAY) is None


def test_the_order_of_registration_decides_not_the_order_in_the_list() -> None:
    assert standing(WITHDRAWN.events[::-1], at=START + 20 * DAY) is None


KINDS = ["given", "renewed", "withdrawn", "revoked", "refused", "invalidated"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Event, ...]:
    """A consent's events, numbered in the order they were registered."""
    at, events = START, []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(KINDS), max_size=6)), start=1):
        at += timedelta(minutes=draw(st.integers(0, 100_000)))
        happened = at - timedelta(minutes=draw(st.integers(0, 1000)))
        events.append(
            event(number, kind, at=happened, registered_at=at, lasts=timedelta(minutes=draw(st.integers(1, 600_000))))
        )
    return tuple(events)


INSTANTS = st.integers(-1000, 2_000_000).map(lambda minutes: START + timedelta(minutes=minutes))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(events=histories(), at=INSTANTS)
def test_a_consent_stands_only_on_its_last_known_event_and_only_until_that_ends(
    events: tuple[Event, ...], at: datetime
) -> None:
    on = standing(events, at=at)
    known = [event for event in events if event.registered_at <= at]
    if on is None:
        assert state(events, at=at) not in ("given", "renewed")
        return
    assert on == known[-1]
    assert on.kind in ("given", "renewed")
    assert on.expires_at is not None
    assert on.at <= at < on.expires_at
    assert state(events, at=at) == on.kind


@settings(derandomize=True, deadline=None, max_examples=300)
@given(events=histories(), wait=st.integers(0, 1_000_000))
def test_once_withdrawn_it_never_stands_again_unless_it_is_given_anew(events: tuple[Event, ...], wait: int) -> None:
    last = events[-1].registered_at if events else START
    ended = (*events, event(len(events) + 1, "withdrawn", at=last))
    at = last + timedelta(minutes=wait)
    assert standing(ended, at=at) is None
    assert state(ended, at=at) == "withdrawn"
    assert (
        covered(
            replace(BY_CONSENT, valid_to=None),
            replace(GIVEN, events=ended),
            parties=PARTIES,
            purpose="exit_support",
            at=at,
        ).categories
        == frozenset()
    )


@settings(derandomize=True, deadline=None, max_examples=300)
@given(events=histories(), at=INSTANTS, later=histories())
def test_what_is_registered_later_does_not_change_what_held_before(
    events: tuple[Event, ...], at: datetime, later: tuple[Event, ...]
) -> None:
    after = [
        replace(event, number=len(events) + index, registered_at=max(event.registered_at, at + timedelta(minutes=1)))
        for index, event in enumerate(later, start=1)
    ]
    assert standing((*events, *after), at=at) == standing(events, at=at)
    assert state((*events, *after), at=at) == state(events, at=at)
