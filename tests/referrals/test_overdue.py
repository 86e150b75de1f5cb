"""Deadlines act: a reminder, an escalation, an end; each once, each an entry, and paused while a question is open."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from agencies import duty
from agencies.duty_models import DutyNotice
from agencies.workdays import later
from audit.models import Entry
from consent.models import ConsentEvent
from referrals import deadline_notices, deadlines, drafts, overdue
from referrals.deadlines import Step
from referrals.models import DeadlineNotice, Referral, Task
from tests.exchange import Exchange
from tests.invariants.attempts import APP, APPEND_ONLY, DENIED, OWNER, TAKEN, refused, session
from tests.referrals.glass import broken
from tests.referrals.walks import walk

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
Told = list[tuple[str, str]]


def due(exchange: Exchange, referral: str, name: str = "decide_by") -> datetime:
    found = parse_datetime(exchange.municipality.as_("caseworker").read(referral).body["deadlines"][name])
    assert found is not None
    return found


def told(referral: str) -> Told:
    """What the system did with a referral, as its entries say: the action, and which deadline."""
    rows = Entry.objects.filter(subject_id=referral, role="system").order_by("id").values_list("action", "detail")
    return [(action.removeprefix("referral."), detail["deadline"]) for action, detail in rows]


def watch(referral: str, *, at: datetime) -> Told:
    """Let the watch look at an instant; return what it did with this referral."""
    before = len(told(referral))
    assert look(referral, at=at)["failed"] == 0
    return told(referral)[before:]


def look(referral: str, *, at: datetime) -> Counter[str]:
    """Let the watch look at an instant at what this referral's sender has sent, and at nobody else's."""
    sender = Referral.objects.values_list("sender", flat=True).get(pk=referral)
    return overdue.act_on_deadlines(at=at, sender=sender)


def for_whom(referral: str) -> dict[str, set[str]]:
    """Whose duty contacts are told, by the step."""
    rows = Entry.objects.filter(subject_id=referral, role="system").values_list("action", "detail")
    return {action.removeprefix("referral."): set(detail["told"].split(",")) for action, detail in rows}


@pytest.fixture
def referral(exchange: Exchange) -> str:
    """An acute referral: acknowledged within 4 hours and decided within 24, a reminder an hour before each."""
    return exchange.municipality.as_("caseworker").submit(exchange.centre, urgency="acute")


def test_before_anything_is_near_nothing_happens(exchange: Exchange, referral: str) -> None:
    assert watch(referral, at=due(exchange, referral, "acknowledge_by") - timedelta(hours=1, seconds=1)) == []


def test_each_deadline_is_reminded_of_and_escalated_once_and_the_decision_expires(
    exchange: Exchange, referral: str
) -> None:
    acknowledge, decide = due(exchange, referral, "acknowledge_by"), due(exchange, referral)
    hour = timedelta(hours=1)
    assert watch(referral, at=acknowledge - hour) == [("remind", "acknowledge_by")]
    assert watch(referral, at=acknowledge) == []
    assert watch(referral, at=acknowledge + SECOND) == [("escalate", "acknowledge_by")]
    shown = exchange.centre.as_("coordinator").read(referral).body
    assert (shown["escalated"], shown["version"]) == (False, 2), "nobody's version is stale for a reminder"
    assert watch(referral, at=decide - hour) == [("remind", "decide_by")]
    assert watch(referral, at=decide) == []
    assert watch(referral, at=decide + SECOND) == [("escalate", "decide_by")]
    assert watch(referral, at=decide + SECOND) == []
    shown = exchange.centre.as_("coordinator").read(referral).body
    assert (shown["escalated"], shown["status"]) == (True, "submitted")

    end = later(decide, 5 * DAY)
    assert watch(referral, at=end) == []
    assert watch(referral, at=end + SECOND) == [("expire", "decide_by")]
    assert watch(referral, at=end + 300 * DAY) == []
    sender = exchange.municipality.as_("caseworker").read(referral).body
    assert (sender["status"], sender["allowed_actions"]) == ("expired", ["mark_in_error"])


def test_the_recipient_is_told_what_it_has_to_do_and_both_of_the_end(exchange: Exchange, referral: str) -> None:
    decide = due(exchange, referral)
    watch(referral, at=decide - SECOND)
    watch(referral, at=decide + SECOND)
    watch(referral, at=later(decide, 5 * DAY) + SECOND)
    centre, both = {exchange.centre.id}, {exchange.centre.id, exchange.municipality.id}
    assert for_whom(referral) == {"remind": centre, "escalate": centre, "expire": both}
    waiting = DutyNotice.objects.filter(agency=exchange.centre.agency).order_by("id").values_list("step", flat=True)
    assert sorted(waiting) == ["escalate", "escalate", "expire", "remind"]


def test_nothing_expires_before_it_was_escalated_and_had_its_grace(exchange: Exchange, referral: str) -> None:
    """A watch that was away for months does not end everything on its return."""
    months_later = due(exchange, referral) + 90 * DAY
    long_ago = timezone.now() - 90 * DAY
    Referral.objects.filter(pk=referral).update(decide_by=long_ago, acknowledge_by=long_ago)
    assert ("escalate", "decide_by") in watch(referral, at=timezone.now())
    assert watch(referral, at=timezone.now() + DAY) == []
    assert watch(referral, at=months_later) == [("expire", "decide_by")]


def test_while_an_answer_is_awaited_only_the_answer_has_a_deadline(exchange: Exchange, referral: str) -> None:
    late = due(exchange, referral) + SECOND
    ko = exchange.centre.as_("coordinator")
    asked = ko.step(referral, "messages", {"kind": "information_request", "reason": "contact_unclear"})
    assert asked.body["status"] == "info_requested"
    assert asked.body["deadlines"]["paused_since"] is not None
    assert watch(referral, at=late) == []
    answer_by = due(exchange, referral, "review_by")
    assert watch(referral, at=answer_by - SECOND) == [("remind", "answer_by")]
    assert watch(referral, at=answer_by + SECOND) == [("escalate", "answer_by")]
    assert for_whom(referral)["escalate"] == {exchange.municipality.id}
    assert watch(referral, at=later(answer_by, 5 * DAY) + SECOND) == [("expire", "answer_by")]


def test_a_deadline_that_stood_still_is_a_new_one_and_is_told_anew(exchange: Exchange, referral: str) -> None:
    decide = due(exchange, referral)
    assert ("escalate", "decide_by") in watch(referral, at=decide + SECOND)
    ko = exchange.centre.as_("coordinator")
    ko.step(referral, "messages", {"kind": "information_request", "reason": "contact_unclear"})
    Referral.objects.filter(pk=referral).update(clock_paused_at=timezone.now() - 10 * DAY)
    answered = exchange.municipality.as_("caseworker").step(
        referral, "messages", {"kind": "information_declined", "reason": "not_held"}
    )
    assert answered.body["deadlines"]["paused_since"] is None
    moved = due(exchange, referral)
    assert timedelta(0) <= moved - decide - 10 * DAY < timedelta(minutes=1)
    assert watch(referral, at=later(decide, 5 * DAY) + SECOND) == []
    assert ("escalate", "decide_by") in watch(referral, at=moved + SECOND)


def test_a_paused_routine_clock_moves_by_working_time_alone(exchange: Exchange) -> None:
    walked = walk(exchange, "info_requested")
    friday, monday = datetime.fromisoformat("2026-11-27T09:00Z"), datetime.fromisoformat("2026-11-30T09:00Z")
    Referral.objects.filter(pk=walked.id).update(decide_by=monday, clock_paused_at=friday)
    paused = Referral.objects.get(pk=walked.id)
    assert paused.submitted_at is not None
    moved = deadlines.resumed(
        paused.decide_by, urgency="routine", submitted_at=paused.submitted_at, paused_at=friday, now=monday
    )
    assert moved == datetime.fromisoformat("2026-12-01T09:00Z"), "one working day, and not three"


def test_an_accepted_referral_has_no_decision_left_to_miss(exchange: Exchange, referral: str) -> None:
    late = due(exchange, referral) + 30 * DAY
    ko = exchange.centre.as_("coordinator")
    ko.step(referral, "receive")
    ko.step(referral, "accept")
    assert watch(referral, at=late) == []
    assert (ko.read(referral).body["status"], ko.read(referral).body["escalated"]) == ("accepted", False)


def test_work_on_hold_is_looked_at_again_and_never_expires(exchange: Exchange) -> None:
    walked = walk(exchange, "on_hold")
    review = due(exchange, walked.id, "review_by")
    assert review == later(review, timedelta(0)), "on a working day"
    assert watch(walked.id, at=later(review, timedelta(0)) - SECOND) == [("remind", "hold_review")]
    assert watch(walked.id, at=review + SECOND) == [("escalate", "hold_review")]
    assert watch(walked.id, at=review + 60 * DAY) == []
    assert for_whom(walked.id)["remind"] == {exchange.centre.id}
    walked.go("resume")


# --- the consent that a referral rests on ---------------------------------------------------------------------------


def ends(referral: str) -> datetime:
    """When the consent that a referral rests on ends."""
    consent = Referral.objects.values_list("consent", flat=True).get(pk=referral)
    found = ConsentEvent.objects.filter(consent=consent).order_by("-number").values_list("expires_at", flat=True)[0]
    assert found is not None
    return found


def renewed(exchange: Exchange, referral: str) -> None:
    by = exchange.municipality.as_("caseworker")
    consent = by.read(referral).body["basis"]["consent_id"]
    seen = by.get(f"consents/{consent}")
    answer = by.post(f"consents/{consent}/renew", {"method": "written"}, If_Match=seen.etag)
    assert answer.status == 200, answer


def test_the_sender_is_reminded_to_renew_and_after_the_grace_the_referral_is_stopped(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    end = ends(walked.id)
    assert watch(walked.id, at=end - 40 * DAY) == []
    assert watch(walked.id, at=end - DAY) == [("remind", "consent_expiry")]
    assert watch(walked.id, at=end + SECOND) == [("escalate", "consent_expiry")]
    assert watch(walked.id, at=later(end, 10 * DAY)) == []
    assert walked.refresh().body["status"] == "in_progress", "it may still be renewed"
    assert watch(walked.id, at=later(end, 10 * DAY) + SECOND) == [("stop_on_consent", "consent_expiry")]
    assert walked.refresh().body["status"] == "consent_withdrawn"
    told_whom = for_whom(walked.id)
    assert told_whom["remind"] == {exchange.municipality.id}
    assert told_whom["escalate"] == told_whom["stop_on_consent"] == {exchange.municipality.id, exchange.centre.id}
    steps = walked.sender.get(f"referrals/{walked.id}/timeline").body["results"]
    assert "stop_on_consent" in {step["move"] for step in steps}


def test_a_consent_that_was_renewed_in_time_stops_nothing(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    end = ends(walked.id)
    watch(walked.id, at=end - DAY)
    renewed(exchange, walked.id)
    assert ends(walked.id) > end
    assert watch(walked.id, at=end + SECOND) == []


def test_a_consent_that_ends_while_the_referral_is_being_accepted_waits_for_the_acceptance(exchange: Exchange) -> None:
    """The acceptance holds the row: the watch leaves it, and finds it accepted and lapsed at its next look."""
    walked = walk(exchange, "received")
    end = ends(walked.id)
    with session(APP) as cursor:
        cursor.execute("SELECT 1 FROM referrals_referral WHERE id = %s FOR UPDATE", [walked.id])
        assert watch(walked.id, at=end + SECOND) == []
    walked.go("accept")
    done = watch(walked.id, at=end + SECOND)
    assert done == [("escalate", "consent_expiry")]
    assert walked.refresh().body["status"] == "accepted"


def test_while_somebody_holds_the_consent_nothing_is_decided_about_its_end(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    end = ends(walked.id)
    with session(APP) as cursor:
        cursor.execute(
            "SELECT 1 FROM consent_consent c JOIN referrals_referral r ON r.consent_id = c.id WHERE r.id = %s "
            "FOR UPDATE OF c",
            [walked.id],
        )
        assert watch(walked.id, at=end + SECOND) == []
    assert watch(walked.id, at=end + SECOND) == [("escalate", "consent_expiry")]


# --- tasks ----------------------------------------------------------------------------------------------------------


def test_emergency_access_that_nobody_reviews_is_escalated_to_each_agency_that_has_to(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    broken(walked.unassigned, walked.id)
    tasks = list(Task.objects.filter(referral__pk=walked.id, kind="review_break_glass").defer("sealed"))
    assert {task.agency_id for task in tasks} == {exchange.centre.agency.pk}

    def told_of_tasks(*, at: datetime) -> set[tuple[str, str, str]]:
        look(walked.id, at=at)
        rows = Entry.objects.filter(subject_id__in=[str(task.pk) for task in tasks], role="system")
        return {(entry.action, entry.detail["deadline"], entry.detail["told"]) for entry in rows}

    due_by = max(task.due_by for task in tasks)
    each = {exchange.centre.id}
    assert told_of_tasks(at=due_by - timedelta(hours=25)) == set()
    reminded = {("task.remind", "glass_review", agency) for agency in each}
    assert told_of_tasks(at=due_by - timedelta(hours=1)) == reminded
    escalated = {("task.escalate", "glass_review", agency) for agency in each}
    assert told_of_tasks(at=due_by + SECOND) == reminded | escalated
    assert told_of_tasks(at=due_by + 300 * DAY) == reminded | escalated, "a task outlives every grace"


# --- once, whatever happens -----------------------------------------------------------------------------------------


def test_two_watches_at_once_do_each_thing_once(exchange: Exchange, referral: str) -> None:
    late = due(exchange, referral) + SECOND
    start = Barrier(3)

    def at_once() -> int:
        try:
            start.wait(timeout=10)
            return look(referral, at=late)["failed"]
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(lambda _: at_once(), range(3))) == 0
    assert sorted(told(referral)) == [("escalate", "acknowledge_by"), ("escalate", "decide_by")]
    assert DutyNotice.objects.filter(agency=exchange.centre.agency).count() == 2


def test_what_another_watch_told_meanwhile_is_not_told_again(
    exchange: Exchange, referral: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock and the look, the database still refuses; and nothing of the second act remains."""
    late = due(exchange, referral) + SECOND
    watch(referral, at=late)
    version = Referral.objects.values_list("version", flat=True).get(pk=referral)
    real: Any = overdue._due

    def blind(watched: overdue.Watched, step: Step, now: datetime) -> Any:
        return watched.rows().filter(due__lt=now) if step is Step.ESCALATE else real(watched, step, now)

    monkeypatch.setattr(overdue, "_due", blind)
    assert watch(referral, at=late) == []
    assert Referral.objects.values_list("version", flat=True).get(pk=referral) == version
    assert DutyNotice.objects.filter(agency=exchange.centre.agency).count() == 2


def test_one_referral_that_fails_stops_no_other(
    exchange: Exchange, referral: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = exchange.municipality.as_("caseworker").submit(exchange.centre, urgency="acute")
    late = due(exchange, other) + SECOND
    real: Callable[..., None] = deadline_notices.noticed

    def broken_for_one(act: Any, found: Referral, **said: Any) -> None:
        if str(found.pk) == referral:
            raise ZeroDivisionError(referral)
        real(act, found, **said)

    monkeypatch.setattr(overdue, "noticed", broken_for_one)
    assert look(referral, at=late)["failed"] == 2
    assert told(referral) == []
    assert ("escalate", "decide_by") in told(other)
    assert not DeadlineNotice.objects.filter(referral__pk=referral).exists()
    monkeypatch.undo()
    assert ("escalate", "decide_by") in watch(referral, at=late), "it is done at the next look"
    logged = [record.getMessage() for record in caplog.records if record.name == "referrals.overdue"]
    assert ["ZeroDivisionError" in line for line in logged] == [True, True]
    assert referral not in "".join(logged)


def test_a_deadline_whose_length_is_in_no_list_stops_no_other(exchange: Exchange, referral: str, owner: Any) -> None:
    late = due(exchange, referral) + SECOND
    change = "UPDATE agencies_codelistitem SET code = %s WHERE list_name = 'deadlines' AND code = %s"
    owner.execute(change, ["lost", "acknowledge_by"])
    try:
        done = look(referral, at=late)
    finally:
        owner.execute(change, ["acknowledge_by", "lost"])
    assert done["failed"] == 1
    assert ("escalate", "decide_by") in told(referral)


@pytest.mark.parametrize("dies_in", ["queue", "touch"])
def test_a_watch_that_is_killed_in_the_middle_leaves_nothing_half_done(
    exchange: Exchange, referral: str, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    late = due(exchange, referral) + SECOND
    look(referral, at=due(exchange, referral, "acknowledge_by") + SECOND)
    before = (told(referral), DutyNotice.objects.filter(agency=exchange.centre.agency).count())
    room: Any = {"queue": duty, "touch": drafts}[dies_in]
    real = getattr(room, dies_in)

    def killed(*args: Any, **named: Any) -> None:
        real(*args, **named)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(room, dies_in, killed)
        with pytest.raises(SystemExit):
            look(referral, at=late)
    assert (told(referral), DutyNotice.objects.filter(agency=exchange.centre.agency).count()) == before
    assert DeadlineNotice.objects.filter(referral__pk=referral, deadline="decide_by").count() == 0
    assert watch(referral, at=late) == [("escalate", "decide_by")]


def test_a_machines_clock_that_leaps_ends_nothing(
    exchange: Exchange, referral: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's clock decides, by which entries and notices are stamped."""
    month_later = timezone.now() + 30 * DAY
    monkeypatch.setattr(timezone, "now", lambda: month_later)
    overdue.act_on_deadlines(sender=exchange.municipality.agency.pk)
    assert told(referral) == []


def test_auditors_see_what_the_watch_did(exchange: Exchange, referral: str) -> None:
    watch(referral, at=due(exchange, referral) + SECOND)
    asked = {"case_number": "2026-0042", "referral": referral, "action": "referral.escalate"}
    for party in (exchange.oversight, exchange.centre, exchange.municipality):
        seen = party.as_("auditor").post("audit/entries/search", asked)
        assert seen.status == 200, seen
        assert [entry["deadline"] for entry in seen.body["results"]] == ["decide_by", "acknowledge_by"]
    stranger = exchange.stranger.as_("auditor").post("audit/entries/search", asked)
    assert (stranger.status, stranger.body["results"]) == (200, [])


def test_more_than_a_batch_is_done_in_one_look(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overdue, "AT_ONCE_MOST", 2)
    sender = exchange.municipality.as_("caseworker")
    sent = [sender.submit(exchange.centre, urgency="acute") for _ in range(5)]
    late = max(due(exchange, each) for each in sent) + SECOND
    look(sent[0], at=late)
    assert [("escalate", "decide_by") in told(each) for each in sent] == [True] * 5


def test_the_referral_of_an_erased_person_still_comes_to_its_end(exchange: Exchange, referral: str) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject, decide = sender.read(referral).body["subject"]["id"], due(exchange, referral)
    by = exchange.municipality.as_("administrator").staff_id
    call_command("erase_subject", subject, rule="RIGHT_TO_ERASURE", approved_by=by, verbosity=0)
    assert watch(referral, at=decide + SECOND) == [("escalate", "acknowledge_by"), ("escalate", "decide_by")]
    assert watch(referral, at=later(decide, 5 * DAY) + SECOND) == [("expire", "decide_by")]


def test_an_entry_of_the_watch_names_agencies_and_deadlines_and_nobody(exchange: Exchange, referral: str) -> None:
    watch(referral, at=due(exchange, referral) + SECOND)
    entry = Entry.objects.filter(subject_id=referral, action="referral.escalate").latest("id")
    assert set(entry.detail) == {"deadline", "due_at", "told"}
    assert (entry.actor_agency, entry.purpose, list(entry.categories)) == (None, "", [])


# --- what the database refuses --------------------------------------------------------------------------------------

INSERT = (
    "INSERT INTO referrals_deadlinenotice (referral_id, deadline, step, due_at, given_at) "
    "VALUES (%s, %s, %s, '2026-11-23T09:00Z', '2020-01-01')"
)


@pytest.mark.parametrize("role", [APP, OWNER])
def test_beneath_it_nothing_expires_that_was_not_escalated_and_the_database_says_when(referral: str, role: str) -> None:
    with session(role) as cursor:
        assert refused(cursor, INSERT, [referral, "decide_by", "expire"]) == APPEND_ONLY
    with session(role) as cursor:
        cursor.execute(INSERT, [referral, "decide_by", "escalate"])
        cursor.execute(INSERT, [referral, "decide_by", "expire"])
        cursor.execute(
            "SELECT min(given_at) > now() - interval '1 h' FROM referrals_deadlinenotice WHERE referral_id = %s",
            [referral],
        )
        assert cursor.fetchone() == (True,)
        assert refused(cursor, INSERT, [referral, "decide_by", "escalate"]) == TAKEN


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE referrals_deadlinenotice SET due_at = now()",
        "DELETE FROM referrals_deadlinenotice",
    ],
)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_beneath_it_what_was_told_is_neither_edited_nor_removed(referral: str, role: str, attack: str) -> None:
    with session(role) as cursor:
        cursor.execute(INSERT, [referral, "decide_by", "remind"])
        assert refused(cursor, attack) == (DENIED if role == APP else APPEND_ONLY)
