"""What a list shows, to whom, page by page, and what the ledger says of it."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from audit.models import Entry
from tests.exchange import Answer, Caller, Exchange, Party, referral_body
from tests.referrals.walks import walk, withdraw_consent

SUMMARY = {
    *("id", "version", "status", "sender", "recipient", "responsible", "urgency", "deadlines", "created_at"),
    *("updated_at", "submitted_at", "allowed_actions", "not_for_investigation", "escalated"),
}


@pytest.fixture(scope="module")
def shared(django_db_setup: None) -> Exchange:
    """Agencies that ask for lists, and have nothing in them."""
    return Exchange()


@pytest.fixture(scope="module")
def somebody(shared: Exchange) -> Caller:
    return shared.municipality.as_("caseworker")


def submit_some(by: Caller, to: Party, number: int, **changes: Any) -> list[str]:
    """Submit referrals in one batch; return their ids, oldest first."""
    items = [referral_body(to, **changes) for _ in range(number)]
    made = by.post("referrals/batch", {"items": items}, Idempotency_Key=str(uuid4()))
    return [result["referral"]["id"] for result in made.body["results"]]


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [row["id"] for row in answer.body["results"]]


def after(answer: Answer) -> str:
    return quote(answer.body["next"], safe="")


def test_each_side_finds_the_referral_in_its_own_list_and_a_stranger_in_none(exchange: Exchange) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("counsellor")
    stranger = exchange.stranger.as_("caseworker")
    referral = sender.submit(exchange.centre)
    for who, role, found in [
        (sender, "sent", [referral]),
        (sender, "received", []),
        (recipient, "received", [referral]),
        (recipient, "sent", []),
        (stranger, "sent", []),
        (stranger, "received", []),
    ]:
        assert ids(who.get(f"referrals?role={role}")) == found
    assert ids(recipient.get("referrals")) == [referral]


def test_a_draft_is_in_nobodys_list_but_its_senders(exchange: Exchange) -> None:
    walked = walk(exchange, "draft")
    assert ids(walked.sender.get("referrals?role=sent")) == [walked.id]
    assert ids(walked.coordinator.get("referrals?role=received")) == []
    walked.go("withdraw")
    assert ids(walked.coordinator.get("referrals?role=received")) == []


def test_a_row_is_a_summary_without_any_section_and_the_page_has_no_total(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    sender.submit(exchange.centre, external_reference="SAG-1")
    received = exchange.centre.as_("coordinator").get("referrals?role=received")
    sent = sender.get("referrals?role=sent")
    assert set(received.body) == set(sent.body) == {"results", "next"}
    assert set(received.body["results"][0]) == SUMMARY
    assert set(sent.body["results"][0]) == {*SUMMARY, "external_reference"}
    assert not {name for name in received.headers if "total" in name.lower() or "count" in name.lower()}
    for secret in ("Testperson", "6101901234", "Ønsker hjælp", "SAG-1"):
        assert secret not in str(received.body)


def test_a_filter_finds_what_it_says_and_nothing_else(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    counsellor = exchange.centre.as_("counsellor")
    first, second, third = submit_some(sender, exchange.centre, 3)
    acute = sender.submit(exchange.centre, urgency="acute", external_reference="SAG/7")
    assert coordinator.step(first, "receive").status == 200
    assigned = coordinator.step(first, "assign", {"assignees": [counsellor.staff_id]})
    assert coordinator.step(second, "reject", {"reason": "no_capacity"}).status == 200
    since = quote(assigned.body["updated_at"])
    soonest = coordinator.read(acute).body["deadlines"]["acknowledge_by"]
    later = quote(coordinator.read(third).body["deadlines"]["acknowledge_by"])
    theirs = sender.staff_id
    for query, found in [
        ("status=received", [first]),
        ("status=received,rejected", [second, first]),
        ("status=accepted", []),
        ("assigned_to=me", []),
        (f"assigned_to={counsellor.staff_id}", [first]),
        (f"assigned_to={theirs}", []),
        ("assigned_to=nobody", []),
        (f"updated_since={since}", [second, first]),
        (f"due_before={quote(soonest)}", []),
        (f"due_before={later}&status=submitted", [acute]),
    ]:
        assert ids(coordinator.get(f"referrals?role=received&{query}")) == found, query
    assert ids(counsellor.get("referrals?assigned_to=me")) == [first]
    assert ids(sender.get("referrals?role=sent&external_reference=SAG/7")) == [acute]
    assert ids(sender.get("referrals?role=sent&external_reference=SAG/8")) == []


def test_what_is_due_is_what_runs_now_and_not_what_stands_still_or_is_done(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    asked, accepted, held = (sender.submit(exchange.centre, urgency="acute") for _ in range(3))
    coordinator.step(asked, "messages", {"kind": "information_request", "reason": "contact_unclear"})
    for referral in (accepted, held):
        for move in ("receive", "accept"):
            coordinator.step(referral, move)
    coordinator.step(held, "start")
    review = coordinator.step(held, "hold", {"reason": "agreed_pause", "review_by": "2030-01-07T09:00:00Z"})
    assert review.status == 200
    answer_by = coordinator.read(asked).body["deadlines"]["review_by"]
    for due_before, found in [
        (answer_by, []),
        ("2030-01-07T09:00:00Z", [asked]),
        ("2030-01-07T09:00:01Z", [held, asked]),
    ]:
        assert ids(coordinator.get(f"referrals?role=received&due_before={quote(due_before)}")) == found, due_before


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "Role=sent",
        "role=both",
        "role=sent&status=lost",
        "status=received,lost",
        "updated_since=yesterday",
        "updated_since=2026-11-01T00:00:00",
        "updated_since=2026-13-01T00:00:00Z",
        "due_before=2026-11-01",
        "limit=0",
        "limit=-1",
        "limit=201",
        "limit=ten",
        "limit=1e2",
        "limit=00000100000",
        "limit=%C2%B2",
        "cursor=abc",
        "cursor=%00",
        "cursor=%C3%B8:1:2",
        "assigned_to=%00",
        "role=received&external_reference=SAG-1",
        "page=2",
        "offset=10",
        "format=xml",
    ],
)
def test_a_query_that_is_not_understood_is_refused_rather_than_ignored(somebody: Caller, query: str) -> None:
    refused = somebody.get(f"referrals?{query}")
    assert (refused.status, refused.body.get("code")) == (400, "malformed")


def test_a_limit_of_many_digits_is_refused(somebody: Caller) -> None:
    refused = somebody.get("referrals?limit=000001" + "9" * 5000)
    assert (refused.status, refused.body["code"]) == (400, "malformed")


def test_page_after_page_every_row_is_shown_once_while_new_ones_arrive(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    there_before = submit_some(sender, exchange.centre, 5)
    page = coordinator.get("referrals?limit=2")
    shown = ids(page)
    while page.body["next"]:
        submit_some(sender, exchange.centre, 1)
        assert coordinator.step(shown[0], "receive").status == 200 if len(shown) == 2 else True
        page = coordinator.get(f"referrals?limit=2&cursor={after(page)}")
        shown += ids(page)
    assert shown == there_before[::-1]


def test_a_full_last_page_leads_nowhere(exchange: Exchange) -> None:
    submitted = submit_some(exchange.municipality.as_("caseworker"), exchange.centre, 2)
    page = exchange.centre.as_("coordinator").get("referrals?limit=2")
    assert (ids(page), page.body["next"]) == (submitted[::-1], None)


def test_a_cursor_is_good_only_for_whom_and_for_what_it_was_given(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    submit_some(sender, exchange.centre, 3)
    page = coordinator.get("referrals?limit=1")
    cursor = after(page)
    raw = page.body["next"]
    sent = after(sender.get("referrals?role=sent&limit=1"))
    assert len(ids(coordinator.get(f"referrals?limit=2&cursor={cursor}"))) == 2
    for who, query in [
        (exchange.stranger.as_("caseworker"), f"cursor={cursor}"),
        (sender, f"cursor={cursor}"),
        (exchange.centre.as_("counsellor"), f"cursor={cursor}"),
        (coordinator, f"role=sent&cursor={cursor}"),
        (coordinator, f"status=submitted&cursor={cursor}"),
        (coordinator, f"assigned_to=me&cursor={cursor}"),
        (coordinator, f"updated_since=2026-01-01T00:00:00Z&cursor={cursor}"),
        (coordinator, f"cursor={sent}"),
        (coordinator, f"cursor={cursor}x"),
        (coordinator, f"cursor={quote(('A' if raw[0] != 'A' else 'B') + raw[1:], safe='')}"),
        (coordinator, f"cursor={quote(raw.rpartition(':')[0], safe='')}"),
    ]:
        refused = who.get(f"referrals?{query}")
        assert (refused.status, refused.body["code"]) == (400, "malformed"), query


def test_the_ledger_names_exactly_the_referrals_that_a_page_showed(exchange: Exchange) -> None:
    coordinator = exchange.centre.as_("coordinator")
    submit_some(exchange.municipality.as_("caseworker"), exchange.centre, 3)
    first = coordinator.get("referrals?limit=2")
    second = coordinator.get(f"referrals?limit=2&cursor={after(first)}")
    none = coordinator.get("referrals?status=completed")
    for page in (first, second, none):
        entry = Entry.objects.get(request_id=page.headers["Request-Id"])
        assert (entry.action, entry.outcome) == ("referral.list", "done")
        assert [str(identifier) for identifier in entry.result_ids] == ids(page)
        assert (entry.on_behalf_of, entry.purpose) == (coordinator.staff_id, "exit_support")
        assert entry.categories in ([], ["status"])


def test_the_senders_own_reference_is_shown_to_the_sender_alone(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.submit(exchange.centre, external_reference="SAG-2026-1")
    for path in (f"referrals/{referral}", "referrals?role=sent"):
        assert "SAG-2026-1" in str(sender.get(path).body)
    for path in (f"referrals/{referral}", "referrals?role=received", f"referrals/{referral}/timeline"):
        told = coordinator.get(path)
        assert (told.status, "SAG-2026-1" in str(told.body), "external_reference" in str(told.body)) == (
            200,
            False,
            False,
        )


@pytest.mark.parametrize(
    ("agency", "role", "headers", "status"),
    [
        ("centre", "counsellor", {}, 200),
        ("centre", "caseworker", {}, 200),
        ("centre", "auditor", {}, 403),
        ("centre", "administrator", {"Purpose": "exit_support"}, 403),
        ("centre", "coordinator", {"Purpose": "investigation"}, 403),
        ("centre", "coordinator", {"Purpose": "gossip"}, 400),
        ("oversight", "auditor", {}, 403),
    ],
)
def test_a_list_is_for_those_who_work_on_referrals(
    shared: Exchange, agency: str, role: str, headers: dict[str, str], status: int
) -> None:
    assert getattr(shared, agency).as_(role).get("referrals", **headers).status == status


def test_in_a_list_the_allowed_actions_are_those_of_the_referral_itself(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    for person in (walked.coordinator, walked.assigned, walked.unassigned):
        row = person.get("referrals?role=received").body["results"][0]
        assert row["allowed_actions"] == person.read(walked.id).body["allowed_actions"]
    withdraw_consent(walked.sender, walked.id)
    row = walked.sender.get("referrals?role=sent").body["results"][0]
    assert (row["status"], row["allowed_actions"]) == ("consent_withdrawn", ["resume", "mark_in_error"])
