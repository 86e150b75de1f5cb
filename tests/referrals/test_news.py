"""Whom the events about a referral, its consent, its tasks and its broken glass reach: who sees the thing anyway."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from agencies.notifications.models import Event
from agencies.workdays import later
from referrals.models import Referral, Task
from tests.exchange import Exchange
from tests.referrals.files import attached
from tests.referrals.glass import between_municipalities, broken, neighbour, review
from tests.referrals.homes import CHILDS, municipality, notified
from tests.referrals.test_overdue import DAY, SECOND, due, ends, look, watch
from tests.referrals.walks import walk

HOUR = timedelta(hours=1)
Told = tuple[str, str, int | None]


def heard(about: Any, *, among: Collection[str] | None = None) -> list[Told]:
    """What was told about a thing, in order: to which agency, of which type, with which version."""
    rows = Event.objects.filter(about=about).order_by("number").values_list("agency", "type", "version")
    return [(str(agency), kind, version) for agency, kind, version in rows if among is None or kind in among]


def test_a_file_is_told_of_without_a_version_and_a_drafts_to_its_writer_alone(exchange: Exchange) -> None:
    sender, centre = exchange.municipality.id, exchange.centre.id
    for status, told in (("draft", {sender}), ("submitted", {sender, centre})):
        walked = walk(exchange, status)
        before = len(heard(walked.id))
        attached(walked.sender, walked.id)
        assert set(heard(walked.id)[before:]) == {(agency, "referral.changed", None) for agency in told}, status


def test_a_deadline_is_told_to_whose_turn_it_is_and_its_end_to_both(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre, urgency="acute")
    centre, both = exchange.centre.id, {exchange.centre.id, exchange.municipality.id}
    acknowledge, decide = due(exchange, referral, "acknowledge_by"), due(exchange, referral)
    expected: list[Told] = []
    for at in (acknowledge - HOUR, acknowledge + SECOND, decide - HOUR, decide + SECOND):
        look(referral, at=at)
        expected.append((centre, "referral.deadline", None))
        assert heard(referral, among=["referral.deadline"]) == expected
    look(referral, at=later(decide, 5 * DAY) + SECOND)
    ended = [(agency, "referral.deadline", None) for agency in both]
    assert sorted(heard(referral, among=["referral.deadline"])) == sorted([*expected, *ended])
    version = Referral.objects.values_list("version", flat=True).get(pk=referral)
    assert {(agency, "referral.changed", version) for agency in both} <= set(heard(referral))


def test_a_consents_deadline_is_told_of_the_consent_to_its_sender_and_to_both_once_it_has_ended(
    exchange: Exchange,
) -> None:
    walked = walk(exchange, "in_progress")
    consent, end = Referral.objects.values_list("consent", flat=True).get(pk=walked.id), ends(walked.id)
    sender, centre = exchange.municipality.id, exchange.centre.id
    watch(walked.id, at=end - DAY)
    assert heard(consent, among=["consent.deadline"]) == [(sender, "consent.deadline", None)]
    watch(walked.id, at=end + SECOND)
    told = sorted(heard(consent, among=["consent.deadline"]))
    assert told == sorted((agency, "consent.deadline", None) for agency in (sender, sender, centre))
    assert heard(walked.id, among=["referral.deadline"]) == []


def test_a_notification_is_told_to_the_home_municipality_which_hears_nothing_of_the_referral(
    exchange: Exchange,
) -> None:
    walked, home = walk(exchange, "received"), municipality()
    task, opener = notified(walked.coordinator, walked.id), exchange.centre.id
    assert heard(task) == [(home.id, "task.changed", 1)]
    due_by = Task.objects.values_list("due_by", flat=True).get(pk=task)
    look(walked.id, at=due_by - HOUR)
    done = home.as_("coordinator").post(
        f"tasks/{task}/done", {"reason": "received_and_assessed"}, If_Match='"1"', **CHILDS
    )
    assert done.status == 200, done
    assert heard(task)[1:] == [
        (home.id, "task.deadline", None),
        (home.id, "task.changed", 2),
        (opener, "task.changed", 2),
    ]
    assert home.id not in {agency for agency, *_ in heard(walked.id)}


def test_broken_glass_and_its_reviews_are_told_to_the_owner_and_to_the_openers_agency(exchange: Exchange) -> None:
    referral, opener = between_municipalities(exchange, withdrawn=True), neighbour(exchange)
    glass = broken(opener.as_("caseworker"), referral)
    both = {exchange.municipality.id, opener.id}
    assert sorted(heard(glass)) == sorted((agency, "break-glass.changed", 1) for agency in both)
    tasks = {str(task.pk): str(task.agency_id) for task in Task.objects.filter(break_glass__pk=glass).defer("sealed")}
    assert set(tasks.values()) == both
    assert [heard(task) for task in tasks] == [[(agency, "task.changed", 1)] for agency in tasks.values()]
    reviewed = review(exchange.municipality.as_("coordinator"), glass)
    assert reviewed.status == 200, reviewed
    assert sorted(heard(glass)[2:]) == sorted((agency, "break-glass.changed", 2) for agency in both)
    for task, agency in tasks.items():
        assert set(heard(task)[1:]) == {(agency, "task.changed", 2), (opener.id, "task.changed", 2)}
