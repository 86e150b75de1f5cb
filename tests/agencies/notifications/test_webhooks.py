"""Webhooks: signed, at least once, in order for each thing; tried again, given up with a notice, and replayed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import WebhookVerificationError

from agencies.notifications import calling, deliveries, delivering
from agencies.notifications.models import Attempt, Delivery, Endpoint, Event
from audit import log
from audit.models import Entry
from tests.agencies.notifications.receiving import Subscriber, pass_time, subscriber, work_off
from tests.exchange import Caller, Exchange, Party, referral_body

ENDPOINTS = "notifications/endpoints"
DELIVERIES = "notifications/deliveries"


@pytest.fixture(autouse=True)
def _inside(settings: Settings) -> None:
    settings.WEBHOOKS_INSIDE = True


@pytest.fixture
def hook() -> Iterator[Subscriber]:
    with subscriber() as made:
        yield made


def administrator(party: Party) -> Caller:
    return party.as_("administrator")


def register(party: Party, hook: Subscriber, **body: Any) -> Any:
    made = administrator(party).call("POST", ENDPOINTS, {"url": hook.url, **body}, Idempotency_Key=str(uuid4()))
    assert made.status == 201, made
    return made.body


def test_an_event_is_posted_signed_and_says_nothing_but_that_something_changed(
    exchange: Exchange, hook: Subscriber
) -> None:
    endpoint = register(exchange.centre, hook)
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    (received,) = hook.of(referral)
    assert received.verified(endpoint["secret"]) == {
        "type": "referral.arrived",
        "timestamp": received.verified(endpoint["secret"])["timestamp"],
        "data": {"id": referral, "version": 2},
    }
    assert received.headers["Content-Type"] == "application/json"
    assert Event.objects.filter(id=received.headers["webhook-id"], about=referral).exists()


def test_a_forged_call_does_not_verify(exchange: Exchange, hook: Subscriber) -> None:
    endpoint = register(exchange.centre, hook)
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    received = hook.received[0]
    assert received.verified(endpoint["secret"])
    received.content = received.content.replace(b'"version":2', b'"version":3')
    with pytest.raises(WebhookVerificationError):
        received.verified(endpoint["secret"])


def test_events_about_one_referral_arrive_in_order_however_often_they_fail(
    exchange: Exchange, hook: Subscriber
) -> None:
    register(exchange.centre, hook)
    hook.answers = [503, 500, 204]
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    coordinator = exchange.centre.as_("coordinator")
    coordinator.step(referral, "receive")
    coordinator.step(referral, "accept")
    for _ in range(6):
        work_off()
        pass_time()
    versions = [each.content.split(b'"version":')[1].split(b"}")[0] for each in hook.of(referral)]
    assert versions == [b"2", b"2", b"2", b"3", b"4"]
    assert {each.headers["webhook-id"] for each in hook.of(referral)[:3]} == {hook.received[0].headers["webhook-id"]}


def test_another_referrals_events_do_not_wait_for_one_that_fails(exchange: Exchange, hook: Subscriber) -> None:
    register(exchange.centre, hook)
    caseworker = exchange.municipality.as_("caseworker")
    hook.answers = [503, 204]
    first, second = caseworker.submit(exchange.centre), caseworker.submit(exchange.centre)
    work_off()
    assert len(hook.of(first)) == 1
    assert len(hook.of(second)) == 1
    assert sorted(delivery_of(each).state for each in (first, second)) == ["delivered", "waiting"]


def delivery_of(about: str) -> Delivery:
    return Delivery.objects.get(event__about=about, replay=False, event__type="referral.arrived")


def test_what_was_undone_is_told_to_nobody(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The act is undone after it has told: its ledger entry can't be written."""
    register(exchange.centre, hook)
    caseworker = exchange.municipality.as_("caseworker")
    assert caseworker.party.token
    monkeypatch.setattr(log, "INSERT", "INSERT INTO no_such_ledger VALUES (%s)" + ", %s" * 21)
    assert caseworker.create(referral_body(exchange.centre)).status == 503
    monkeypatch.undo()
    work_off()
    assert hook.received == []
    assert not Event.objects.filter(agency=exchange.centre.agency).exists()


def test_a_stranger_is_told_nothing(exchange: Exchange, hook: Subscriber) -> None:
    register(exchange.stranger, hook)
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    assert hook.received == []


def test_a_draft_is_told_to_its_writer_alone(exchange: Exchange, hook: Subscriber) -> None:
    register(exchange.centre, hook)
    draft = exchange.municipality.as_("caseworker").submit(exchange.centre, submit=False)
    work_off()
    assert hook.received == []
    assert set(Event.objects.filter(about=draft).values_list("agency", flat=True)) == {exchange.municipality.agency.id}


def test_only_the_types_asked_for_are_posted(exchange: Exchange, hook: Subscriber) -> None:
    register(exchange.centre, hook, types=["referral.changed"])
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    exchange.centre.as_("coordinator").step(referral, "receive")
    work_off()
    assert [b"referral.changed" in each.content for each in hook.received] == [True]


def test_a_redirect_is_not_followed(exchange: Exchange, hook: Subscriber) -> None:
    register(exchange.centre, hook)
    hook.answers = [307, 204]
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    assert [each.path for each in hook.received] == ["/hook"]
    assert Attempt.objects.get(delivery=delivery_of(referral)).status == 307
    assert delivery_of(referral).state == "waiting"


def test_a_subscriber_that_drips_its_answer_is_cut_off(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "SECONDS", 0.5)
    hook.dripping = True
    register(exchange.centre, hook)
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    attempt = Attempt.objects.get(delivery=delivery_of(referral))
    assert (attempt.status, attempt.failure) == (None, "timed_out")


def test_an_endpoint_that_gives_no_answer_is_left_alone_for_a_while(
    exchange: Exchange, hook: Subscriber, owner: Any
) -> None:
    endpoint = register(exchange.centre, hook)
    owner.execute("UPDATE agencies_endpoint SET url = 'http://127.0.0.1:1/nobody' WHERE id = %s", [endpoint["id"]])
    caseworker = exchange.municipality.as_("caseworker")
    first = caseworker.submit(exchange.centre)
    work_off()
    second = caseworker.submit(exchange.centre)
    work_off()
    assert delivery_of(first).attempts == 1
    assert delivery_of(second).attempts == 0
    assert Endpoint.objects.get(pk=endpoint["id"]).resting_until is not None


def test_after_ten_attempts_the_endpoint_is_disabled_and_the_feed_gives_notice(
    exchange: Exchange, hook: Subscriber
) -> None:
    endpoint = register(exchange.centre, hook)
    hook.answers = [500]
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    exchange.centre.as_("coordinator").step(referral, "receive")
    for _ in range(len(delivering.WAITS) + 3):
        work_off()
        pass_time()
    assert len(hook.received) == 10
    shown = administrator(exchange.centre).call("GET", f"{ENDPOINTS}/{endpoint['id']}")
    assert (shown.body["state"], shown.body["disabled_because"]) == ("disabled", "failing")
    states = Delivery.objects.filter(endpoint=endpoint["id"]).order_by("id").values_list("state", flat=True)
    assert list(states) == ["failed", "cancelled"]
    feed = administrator(exchange.centre).call("GET", "events")
    assert [row["data"]["id"] for row in feed.body["results"] if row["type"] == "endpoint.disabled"] == [endpoint["id"]]
    entry = Entry.objects.get(action="endpoint.disable", subject_id=endpoint["id"])
    assert (entry.role, entry.detail) == ("system", {"because": "failing"})


def test_a_gone_endpoint_is_disabled_at_once(exchange: Exchange, hook: Subscriber) -> None:
    endpoint = register(exchange.centre, hook)
    hook.answers = [410]
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    assert Endpoint.objects.get(pk=endpoint["id"]).disabled_because == "gone"


def test_an_endpoint_that_failed_for_five_days_is_disabled(exchange: Exchange, hook: Subscriber) -> None:
    endpoint = register(exchange.centre, hook)
    Endpoint.objects.filter(pk=endpoint["id"]).update(failing_since=timezone.now() - timedelta(days=6))
    hook.answers = [500]
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    assert Endpoint.objects.get(pk=endpoint["id"]).disabled_because == "failing"


def test_a_success_ends_the_count_of_failing(exchange: Exchange, hook: Subscriber) -> None:
    endpoint = register(exchange.centre, hook)
    Endpoint.objects.filter(pk=endpoint["id"]).update(failing_since=timezone.now() - timedelta(days=6))
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    assert Endpoint.objects.get(pk=endpoint["id"]).failing_since is None


def test_what_a_disabled_endpoint_missed_is_replayed_in_order_once_it_is_enabled(
    exchange: Exchange, hook: Subscriber
) -> None:
    endpoint = register(exchange.centre, hook)
    hook.answers = [410]
    since = timezone.now().isoformat()
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    exchange.centre.as_("coordinator").step(referral, "receive")
    hook.answers = [204]
    work_off()
    caller = administrator(exchange.centre)
    asked = caller.call("POST", f"{ENDPOINTS}/{endpoint['id']}/replay", {"since": since})
    assert (asked.status, asked.body["code"]) == (409, "endpoint-is-disabled")
    assert caller.call("POST", f"{ENDPOINTS}/{endpoint['id']}/enable", {}).body["state"] == "active"
    asked = caller.call("POST", f"{ENDPOINTS}/{endpoint['id']}/replay", {"since": since})
    assert (asked.status, asked.body) == (202, {"deliveries": 3, "until": None})
    work_off()
    kinds = [each.verified(endpoint["secret"])["type"] for each in hook.received[1:]]
    assert sorted(kinds) == ["endpoint.disabled", "referral.arrived", "referral.changed"]
    assert kinds.index("referral.arrived") < kinds.index("referral.changed")


def test_what_is_replayed_in_parts_leaves_out_none_that_was_told_in_another_order_than_numbered(
    exchange: Exchange, hook: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acts that tell at the same time get their numbers in any order."""
    monkeypatch.setattr(deliveries, "REPLAYED_MOST", 2)
    endpoint, began = register(exchange.centre, hook), timezone.now()
    told = [
        Event.objects.create(
            agency=exchange.centre.agency, type="referral.changed", about=uuid4(), at=began + timedelta(seconds=second)
        )
        for second in (0, 2, 1, 3)
    ]
    counts, since = [], began.isoformat()
    while since:
        asked = administrator(exchange.centre).post(f"{ENDPOINTS}/{endpoint['id']}/replay", {"since": since})
        counts.append(asked.body["deliveries"])
        since = asked.body["until"]
    assert counts == [2, 2, 1]
    work_off()
    assert {each.headers["webhook-id"] for each in hook.received} == {str(event.id) for event in told}


def test_one_delivery_is_replayed_with_the_same_id(exchange: Exchange, hook: Subscriber) -> None:
    register(exchange.centre, hook)
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    caller = administrator(exchange.centre)
    (waiting,) = caller.call("GET", f"{DELIVERIES}?state=waiting").body["results"]
    early = caller.call("POST", f"{DELIVERIES}/{waiting['id']}/replay", {})
    assert (early.status, early.body["code"]) == (409, "delivery-waits")
    work_off()
    assert caller.call("POST", f"{DELIVERIES}/{waiting['id']}/replay", {}).status == 202
    work_off()
    first, second = hook.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    log = caller.call("GET", DELIVERIES).body["results"]
    assert [(row["state"], row["replay"], len(row["attempts"])) for row in log] == [
        ("delivered", True, 1),
        ("delivered", False, 1),
    ]


def test_the_delivery_log_says_what_came_of_each_call_and_not_what_was_answered(
    exchange: Exchange, hook: Subscriber
) -> None:
    endpoint = register(exchange.centre, hook)
    hook.answers = [503, 204]
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    pass_time()
    work_off()
    caller = administrator(exchange.centre)
    (row,) = caller.call("GET", f"{DELIVERIES}?endpoint={endpoint['id']}&state=delivered").body["results"]
    assert [attempt["status"] for attempt in row["attempts"]] == [503, 204]
    assert str(Event.objects.get(about=referral, type="referral.arrived").id) == row["event"]


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(exchange: Exchange, hook: Subscriber) -> None:
    old = register(exchange.centre, hook)
    new = administrator(exchange.centre).call("POST", f"{ENDPOINTS}/{old['id']}/rotate-secret", {}).body
    assert new["secret"] != old["secret"]
    caseworker = exchange.municipality.as_("caseworker")
    caseworker.submit(exchange.centre)
    work_off()
    assert hook.received[0].verified(old["secret"]) == hook.received[0].verified(new["secret"])
    Endpoint.objects.filter(pk=old["id"]).update(rotated_at=timezone.now() - timedelta(hours=25))
    caseworker.submit(exchange.centre)
    work_off()
    assert hook.received[1].verified(new["secret"])
    with pytest.raises(WebhookVerificationError):
        hook.received[1].verified(old["secret"])


def test_a_secret_is_shown_when_it_is_new_and_stands_nowhere(exchange: Exchange, hook: Subscriber, owner: Any) -> None:
    endpoint = register(exchange.centre, hook)
    caller = administrator(exchange.centre)
    assert "secret" not in caller.call("GET", f"{ENDPOINTS}/{endpoint['id']}").body
    assert "secret" not in caller.call("GET", ENDPOINTS).body["results"][0]
    owner.execute("SELECT to_jsonb(e)::text FROM agencies_endpoint e WHERE id = %s", [endpoint["id"]])
    assert endpoint["secret"].removeprefix("whsec_")[:20] not in owner.fetchone()[0]


def test_the_same_key_registers_once_and_another_body_is_refused(exchange: Exchange, hook: Subscriber) -> None:
    caller, key = administrator(exchange.centre), str(uuid4())
    made = [caller.call("POST", ENDPOINTS, {"url": hook.url}, Idempotency_Key=key) for _ in range(2)]
    assert made[0].body == made[1].body
    assert made[1].headers["Idempotency-Replayed"] == "true"
    other = caller.call("POST", ENDPOINTS, {"url": f"{hook.url}/x"}, Idempotency_Key=key)
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")
    caller.call("DELETE", f"{ENDPOINTS}/{made[0].body['id']}")
    removed = caller.call("POST", ENDPOINTS, {"url": hook.url}, Idempotency_Key=key)
    assert (removed.status, removed.body["code"]) == (422, "idempotency-key-reused")


def test_a_rotation_that_is_asked_for_again_is_the_same_and_the_first_answer_tells_no_later_secret(
    exchange: Exchange, hook: Subscriber
) -> None:
    caller, key = administrator(exchange.centre), str(uuid4())
    made = caller.call("POST", ENDPOINTS, {"url": hook.url}, Idempotency_Key=key).body
    rotated = [caller.call("POST", f"{ENDPOINTS}/{made['id']}/rotate-secret", {}).body["secret"] for _ in range(2)]
    assert rotated[0] == rotated[1] != made["secret"]
    assert "secret" not in caller.call("POST", ENDPOINTS, {"url": hook.url}, Idempotency_Key=key).body


def test_an_agency_has_ten_endpoints_at_most(exchange: Exchange, hook: Subscriber) -> None:
    for _ in range(10):
        endpoint = register(exchange.centre, hook)
    caller = administrator(exchange.centre)
    eleventh = caller.call("POST", ENDPOINTS, {"url": hook.url}, Idempotency_Key=str(uuid4()))
    assert (eleventh.status, eleventh.body["code"]) == (409, "too-many-endpoints")
    assert caller.call("DELETE", f"{ENDPOINTS}/{endpoint['id']}").status == 204
    register(exchange.centre, hook)


def test_a_removed_endpoint_is_called_no_more_and_is_not_there(exchange: Exchange, hook: Subscriber) -> None:
    endpoint = register(exchange.centre, hook)
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    caller = administrator(exchange.centre)
    assert caller.call("DELETE", f"{ENDPOINTS}/{endpoint['id']}").status == 204
    work_off()
    assert hook.received == []
    assert caller.call("GET", f"{ENDPOINTS}/{endpoint['id']}").status == 404
    assert caller.call("GET", DELIVERIES).body["results"] == []


def test_a_test_call_says_that_it_is_one_and_goes_to_that_endpoint_alone(exchange: Exchange, hook: Subscriber) -> None:
    endpoint = register(exchange.centre, hook, types=["referral.changed"])
    register(exchange.centre, hook)
    caller = administrator(exchange.centre)
    assert caller.call("POST", f"{ENDPOINTS}/{endpoint['id']}/test", {}).status == 202
    work_off()
    assert len(hook.received) == 1
    assert hook.received[0].verified(endpoint["secret"])["data"] == {"id": endpoint["id"]}
    assert hook.received[0].verified(endpoint["secret"])["type"] == "endpoint.test"


@pytest.mark.parametrize("role", ["caseworker", "coordinator", "counsellor", "auditor", "integration"])
def test_endpoints_are_for_administrators(exchange: Exchange, hook: Subscriber, role: str) -> None:
    asked: dict[str, str] = {"Idempotency_Key": str(uuid4()), "Purpose": "administration"}
    refused = exchange.centre.as_(role).call("POST", ENDPOINTS, {"url": hook.url}, **asked)
    assert (refused.status, refused.body["code"]) == (403, "role-may-not")


def test_to_another_agency_an_endpoint_and_its_deliveries_do_not_exist(exchange: Exchange, hook: Subscriber) -> None:
    endpoint = register(exchange.centre, hook)
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    work_off()
    delivery = Delivery.objects.get(endpoint=endpoint["id"])
    stranger = administrator(exchange.municipality)
    asked = [
        ("GET", f"{ENDPOINTS}/{endpoint['id']}", None),
        ("DELETE", f"{ENDPOINTS}/{endpoint['id']}", None),
        ("POST", f"{ENDPOINTS}/{endpoint['id']}/rotate-secret", {}),
        ("POST", f"{ENDPOINTS}/{endpoint['id']}/enable", {}),
        ("POST", f"{ENDPOINTS}/{endpoint['id']}/test", {}),
        ("POST", f"{ENDPOINTS}/{endpoint['id']}/replay", {"since": "2026-01-01T00:00:00Z"}),
        ("GET", f"{DELIVERIES}?endpoint={endpoint['id']}", None),
        ("POST", f"{DELIVERIES}/{delivery.id}/replay", {}),
    ]
    for method, path, body in asked:
        answer = stranger.call(method, path, body)
        assert (answer.status, answer.body["code"]) == (404, "not-found"), path
    assert stranger.call("GET", ENDPOINTS).body["results"] == []
    assert stranger.call("GET", DELIVERIES).body["results"] == []


def test_an_agency_that_takes_no_part_any_more_is_not_called(exchange: Exchange, hook: Subscriber) -> None:
    register(exchange.centre, hook)
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    exchange.centre.agency.active = False
    exchange.centre.agency.save(update_fields=["active"])
    work_off()
    assert hook.received == []
    assert delivery_of(referral).state == "cancelled"


def test_a_job_whose_worker_died_is_taken_up_again(exchange: Exchange, hook: Subscriber, owner: Any) -> None:
    register(exchange.centre, hook)
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    owner.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id")
    worker = owner.fetchone()[0]
    job = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE lock LIKE '%%:' || %s"
    owner.execute(job, [worker, referral])
    owner.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args) "
        """VALUES ('webhooks', 'take-up-what-was-dropped', '{"timestamp": 0}')"""
    )
    work_off()
    work_off()
    assert len(hook.of(referral)) == 1
