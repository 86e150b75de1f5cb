"""Rule 7: marking a minor as endangered opens a task to the home municipality that no consent state can block."""

from collections.abc import Callable

import pytest

from audit.models import Entry
from referrals.models import Referral
from tests.exchange import Exchange
from tests.invariants.attempts import APP, APPEND_ONLY, DENIED, NOT_RELEASED, OWNER, refused, rows, session, write_entry
from tests.referrals.homes import CHILDS, HOME, STATEMENT, TOLD, municipality, notified, notify
from tests.referrals.walks import ROADS, Walk, walk, withdraw_consent

STATES = sorted(set(ROADS) - {"draft", "entered_in_error"})
LATER: dict[str, Callable[[Walk], object]] = {
    "the consent is withdrawn": lambda w: withdraw_consent(w.sender, w.id),
    "the referral is rejected": lambda w: w.take("reject"),
    "the referral is withdrawn": lambda w: w.take("withdraw"),
    "the referral is closed": lambda w: [w.take(move) for move in ("assign", "accept", "close")],
    "the referral was an error": lambda w: w.take("mark_in_error"),
}


@pytest.mark.parametrize("status", STATES)
def test_rule_07_the_home_municipality_is_notified_whatever_became_of_the_referral(
    exchange: Exchange, status: str
) -> None:
    """`consent_withdrawn` is among them: a consent that ended stops the referral, and not the duty."""
    walked = walk(exchange, status)
    task = notified(exchange.centre.as_("counsellor", 2), walked.id)
    home = municipality().as_("caseworker")
    assert task in [row["id"] for row in home.get("tasks", **CHILDS).body["results"]]
    told = home.get(f"tasks/{task}", **CHILDS)
    assert (told.status, told.body["notification"]["statements"]) == (200, [STATEMENT])
    assert Referral.objects.get(pk=walked.id).endangered_at is not None


@pytest.mark.parametrize("later", LATER)
def test_rule_07_nothing_that_comes_later_takes_it_away(exchange: Exchange, later: str) -> None:
    walked = walk(exchange, "received")
    task = notified(walked.coordinator, walked.id)
    walked.refresh()
    assert LATER[later](walked)
    home = municipality()
    read = home.as_("caseworker").get(f"tasks/{task}", **CHILDS)
    assert (read.status, read.body["notification"]["statements"][0]["text"]) == (200, TOLD)
    done = home.as_("coordinator").post(
        f"tasks/{task}/done", {"reason": "received_and_assessed"}, If_Match=read.etag, **CHILDS
    )
    assert (done.status, done.body["state"]) == (200, "done")
    assert Referral.objects.get(pk=walked.id).endangered_at is not None


def test_rule_07_the_municipality_is_told_the_notification_and_nothing_of_the_referral(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    task = notified(walked.coordinator, walked.id)
    home = municipality().as_("coordinator")
    told = home.get(f"tasks/{task}", **CHILDS)
    assert walked.id not in str(told.body)
    assert "Testperson" not in str(told.body)
    assert home.read(walked.id, **CHILDS).status == 404
    listed = home.get("tasks", **CHILDS)
    assert TOLD not in str(listed.body)
    assert walked.id not in str(listed.body)


def test_rule_07_each_look_at_it_is_in_the_ledger_with_its_basis(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    task = notified(walked.coordinator, walked.id)
    municipality().as_("caseworker").get(f"tasks/{task}", **CHILDS)
    told = Entry.objects.get(subject_id=walked.id, action="referral.endangered")
    assert (told.basis, told.purpose, told.categories) == ("BL-135", "child_protection", ["concern"])
    assert [str(name) for name in told.result_ids] == [task]
    looks = Entry.objects.filter(subject_kind="task", subject_id=task, action="task.disclose").order_by("id")
    assert [(look.basis, look.categories) for look in looks] == [("BL-135", ["concern"])] * 2
    assert TOLD not in str([list(entry.canonical) for entry in (told, *looks)])
    assert TOLD.encode() not in b"".join(bytes(entry.canonical) for entry in (told, *looks))


def test_rule_07_a_public_service_notifies_under_the_heightened_duty(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    made = notify(walked.sender, walked.id)
    assert (made.status, made.body["basis"]["code"]) == (201, "BL-133")


def test_rule_07_nobody_else_is_told(exchange: Exchange) -> None:
    """Above all not the parents: what is opened is one task, for the municipality."""
    walked = walk(exchange, "received")
    task = notified(walked.coordinator, walked.id)
    assert rows("SELECT id::text, kind FROM referrals_task WHERE referral_id = %s", [walked.id]) == [
        (task, "notify_home_municipality")
    ]
    for stranger in (exchange.stranger, exchange.municipality, exchange.police):
        for role in ("caseworker", "coordinator"):
            assert stranger.as_(role).get(f"tasks/{task}", **CHILDS).status == 404


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM referrals_task WHERE id = %(task)s",
        "UPDATE referrals_task SET sealed = '' WHERE id = %(task)s",
        "UPDATE referrals_task SET agency_id = opened_by_id WHERE id = %(task)s",
        "UPDATE referrals_task SET due_by = due_by + interval '1 year' WHERE id = %(task)s",
        "UPDATE referrals_task SET version = version + 1 WHERE id = %(task)s",
        "UPDATE referrals_task SET done_at = NULL, done_reason = '', version = version + 1 WHERE id = %(done)s",
        "UPDATE referrals_task SET done_reason = 'duplicate', version = version + 1 WHERE id = %(done)s",
        "UPDATE referrals_referral SET endangered_at = NULL WHERE id = %(referral)s",
        "UPDATE referrals_referral SET endangered_at = now() WHERE id = %(referral)s",
        "TRUNCATE referrals_task CASCADE",
    ],
)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_07_beneath_http_a_task_is_neither_edited_undone_nor_deleted(
    exchange: Exchange, role: str, attack: str
) -> None:
    walked = walk(exchange, "received")
    task, done = notified(walked.coordinator, walked.id), notified(walked.coordinator, walked.id)
    finished = (
        municipality().as_("caseworker").post(f"tasks/{done}/done", {"reason": "duplicate"}, If_Match='"1"', **CHILDS)
    )
    assert finished.status == 200
    with session(role) as cursor:
        values = {"task": task, "done": done, "referral": walked.id}
        assert refused(cursor, attack, values) in ({APPEND_ONLY} if role == OWNER else {APPEND_ONLY, DENIED})


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_07_beneath_http_nobody_is_marked_without_the_municipality_being_notified(
    exchange: Exchange, role: str
) -> None:
    walked = walk(exchange, "received")
    with session(role) as cursor:
        cursor.execute("UPDATE referrals_referral SET endangered_at = now() WHERE id = %s", [walked.id])
        assert refused(cursor, "SET CONSTRAINTS ALL IMMEDIATE") == APPEND_ONLY


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_07_beneath_http_the_databases_clock_opens_and_ends_a_task(exchange: Exchange, role: str) -> None:
    walked = walk(exchange, "received")
    task = notified(walked.coordinator, walked.id)
    copied = (
        "INSERT INTO referrals_task (kind, referral_id, agency_id, opened_by_id, opened_at, due_by, categories, "
        "done_by_staff, done_reason, version, idempotency_key, body_hash{0}) SELECT 'review_break_glass', referral_id, "
        "agency_id, opened_by_id, '2020-01-01', due_by, '{{}}', '', {1}, 1, gen_random_uuid()::text, ''{2} "
        "FROM referrals_task WHERE id = %s"
    )
    with session(role) as cursor:
        cursor.execute(copied.format("", "''", "") + " RETURNING opened_at > now() - interval '1 minute'", [task])
        assert cursor.fetchall() == [(True,)]
        cursor.execute(
            "UPDATE referrals_task SET done_at = '2020-01-01', done_reason = 'forwarded', version = 2 WHERE id = %s "
            "RETURNING done_at > now() - interval '1 minute'",
            [task],
        )
        assert cursor.fetchall() == [(True,)]
        assert refused(cursor, copied.format(", done_at", "'forwarded'", ", now()"), [task]) == APPEND_ONLY


RELEASE_TASK = "SELECT referrals_release_task(%s, %s, %s)"


def test_rule_07_beneath_http_it_is_released_for_a_recorded_look_of_its_two_agencies_alone(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    task, home = notified(walked.coordinator, walked.id), municipality()

    def entry(party: str, user: str, **changes: object) -> object:
        about = {"subject_kind": "task", "subject_id": task, "categories": ["concern"], **changes}
        return write_entry(actor_agency=party, actor_user=user, **about)

    def user_of(party: object, role: str = "caseworker") -> str:
        staff, agency = party.staff[f"{role}-1"], party.id  # type: ignore[attr-defined]
        found = "SELECT user_id::text FROM agencies_membership WHERE staff_id = %s AND agency_id = %s"
        return str(rows(found, [staff, agency])[0][0])

    mine, theirs = user_of(home), user_of(exchange.stranger)
    with session(APP) as cursor:
        cursor.execute(RELEASE_TASK, [entry(home.id, mine), home.id, task])
        assert cursor.fetchone()[0]  # type: ignore[index]
    stranger = exchange.stranger.id
    for forged, agency in (
        (entry(stranger, theirs), stranger),
        (entry(home.id, theirs), home.id),
        (entry(home.id, mine, categories=[]), home.id),
        (entry(home.id, mine, subject_kind="referral", subject_id=walked.id, result_ids=[task]), home.id),
        (entry(home.id, mine, outcome="refused", refusal="not-found"), home.id),
        (entry(home.id, mine), stranger),
    ):
        with session(APP) as cursor:
            assert refused(cursor, RELEASE_TASK, [forged, agency, task]) == NOT_RELEASED
    with session(APP) as cursor:
        assert refused(cursor, "SELECT sealed FROM referrals_task WHERE id = %s", [task]) == DENIED


def test_rule_07_the_home_municipality_may_be_the_one_that_reports(exchange: Exchange) -> None:
    home = municipality(HOME)
    referral = home.as_("caseworker").submit(exchange.centre)
    task = notified(home.as_("caseworker"), referral)
    assert home.as_("coordinator").get(f"tasks/{task}").body["referral"] == referral
