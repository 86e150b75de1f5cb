"""What auditors find in the ledger: by person, by time, and with what stood when each entry was written."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from audit.models import Entry
from audit.trails import Question, entries, lowest_id
from tests.exchange import Caller, Exchange
from tests.invariants.attempts import write_entry
from tests.referrals.walks import Walk, walk, withdraw_consent

CASE = {"Audit_Case": "2026-0042"}


def look(by: Caller, **asked: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in {"limit": "200", **asked}.items())
    answer = by.get(f"audit/entries?{query}", **CASE)
    assert answer.status == 200, answer
    return list(answer.body["results"])


def subject_of(walked: Walk) -> str:
    return str(walked.refresh().body["subject"]["id"])


# --- By person ----------------------------------------------------------------------------------------------------


def test_by_a_person_the_oversight_body_finds_what_was_done_with_them_their_referrals_and_their_consents(
    exchange: Exchange,
) -> None:
    walked = walk(exchange, "received")
    subject = subject_of(walked)
    consent = walked.refresh().body["basis"]["consent_id"]
    walked.coordinator.get("referrals?role=received")
    walked.sender.get(f"consents/{consent}")
    walked.sender.get(f"subjects/{subject}")
    walk(exchange, "submitted")  # somebody else's
    found = look(exchange.oversight.as_("auditor"), subject=subject)
    actions = {row["action"] for row in found}
    assert {"referral.submit", "referral.disclose", "referral.list", "consent.read", "subject.read"} <= actions
    for row in found:
        own = row["subject"]["id"] in (walked.id, subject, consent)
        assert own or {walked.id, consent} & set(row["result_ids"]), row


def test_the_same_question_in_a_body_finds_the_same(exchange: Exchange) -> None:
    subject = subject_of(walk(exchange, "submitted"))
    auditor = exchange.oversight.as_("auditor")
    found = look(auditor, subject=subject)
    body = {"case_number": "2026-0042", "subject": subject, "limit": 200}
    again = auditor.post("audit/entries/search", body).body["results"]
    assert [row["id"] for row in again[1:]] == [row["id"] for row in found]
    assert again[0]["action"] == "audit.inspect"
    assert again[0]["subject"]["kind"] == "subject"


def test_an_agencys_auditor_finds_the_persons_that_the_agency_registered_and_of_others_nothing(
    exchange: Exchange,
) -> None:
    subject = subject_of(walk(exchange, "received"))
    own = look(exchange.municipality.as_("auditor"), subject=subject)
    assert {row["action"] for row in own} >= {"referral.submit", "referral.disclose"}
    for party in (exchange.centre, exchange.stranger):
        auditor = party.as_("auditor")
        theirs = auditor.get(f"audit/entries?subject={subject}", **CASE)
        nobodys = auditor.get(f"audit/entries?subject={uuid4()}", **CASE)
        assert theirs.body == nobodys.body == {"results": [], "next": None}
        kinds = Entry.objects.filter(request_id__in=[theirs.headers["Request-Id"], nobodys.headers["Request-Id"]])
        assert set(kinds.values_list("subject_kind", "subject_id")) == {("ledger", "")}


def test_a_person_and_another_condition_must_both_hold(exchange: Exchange) -> None:
    subject = subject_of(walk(exchange, "received"))
    found = look(exchange.oversight.as_("auditor"), subject=subject, action="referral.receive")
    assert [row["action"] for row in found] == ["referral.receive"]


# --- By time ------------------------------------------------------------------------------------------------------


@pytest.mark.no_database
def test_the_lowest_id_of_an_instant_is_a_uuid_v7_of_its_millisecond_with_nothing_else_set() -> None:
    """RFC 9562, appendix A.6: 2022-02-22T14:22:22-05:00 is 017F22E2-79B0-7CC3-98C4-DC0C0C07398F."""
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert lowest_id(at) == UUID("017f22e2-79b0-7000-8000-000000000000")
    assert lowest_id(at, slack=timedelta(milliseconds=-1)) == UUID("017f22e2-79af-7000-8000-000000000000")
    assert lowest_id(at + timedelta(microseconds=999)) == lowest_id(at)
    assert lowest_id(datetime(1, 1, 1, tzinfo=UTC)) == UUID("00000000-0000-7000-8000-000000000000")
    assert lowest_id(datetime.max.replace(tzinfo=UTC), slack=timedelta(days=999)).version == 7


def test_since_and_until_are_exact_to_the_microsecond_and_bounded_by_the_primary_key(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    auditor = exchange.oversight.as_("auditor")
    found = look(auditor, referral=walked.id)
    middle = found[len(found) // 2]
    since = look(auditor, referral=walked.id, since=middle["at"])
    until = look(auditor, referral=walked.id, until=middle["at"])
    place = len(found) // 2
    looks = [row for row in since if row["action"] == "audit.inspect"]
    assert [row["id"] for row in since[len(looks) :]] == [row["id"] for row in found[: place + 1]]
    assert [row["id"] for row in until] == [row["id"] for row in found[place + 1 :]]
    at = parse_datetime(middle["at"])
    plan = entries(Question(since=at, until=timezone.now())).explain()
    assert "Index Cond: ((id >= " in plan, plan


# --- As of the read -----------------------------------------------------------------------------------------------


def test_each_entry_about_a_referral_says_what_stood_when_it_was_written(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    walked.unassigned.read(walked.id)
    walked.go("receive", "assign")
    walked.unassigned.read(walked.id)
    walked.assigned.read(walked.id)
    assert withdraw_consent(walked.sender, walked.id).status == 200
    walked.assigned.read(walked.id)
    found = look(exchange.oversight.as_("auditor"), referral=walked.id, action="referral.disclose")
    counsellors = {walked.assigned.staff_id: "assigned", walked.unassigned.staff_id: "unassigned"}
    told = [
        (counsellors[row["on_behalf_of"]], *row["as_of"].values())
        for row in reversed(found)
        if row["on_behalf_of"] in counsellors
    ]
    assert told == [
        ("unassigned", "given", False, False),
        ("unassigned", "given", True, False),
        ("assigned", "given", True, True),
        ("assigned", "withdrawn", True, True),
    ]


def test_what_came_later_changes_nothing_of_what_stood(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    auditor = exchange.municipality.as_("auditor")
    before = {row["id"]: row["as_of"] for row in look(auditor, referral=walked.id)}
    walked.take("assign", body={"assignees": [walked.unassigned.staff_id]})
    withdraw_consent(walked.sender, walked.id)
    after = {row["id"]: row["as_of"] for row in look(auditor, referral=walked.id)}
    assert before.items() <= after.items()
    assert {str(stood) for stood in before.values()} != {str(stood) for stood in after.values()}


def test_an_assignment_that_names_nobody_says_that_it_is_not_known_to_whom(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    write_entry(action="referral.assign", subject_kind="referral", subject_id=walked.id, detail='{"move": "assign"}')
    walked.assigned.read(walked.id)
    last = look(exchange.oversight.as_("auditor"), referral=walked.id)[0]
    assert last["as_of"] == {"consent": "given", "assigned": True, "assigned_to_actor": None}


def test_an_assignment_names_the_accounts_and_no_person(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    (made,) = Entry.objects.filter(subject_id=walked.id, action="referral.assign")
    assert made.detail["assignees"].isdigit()
    assert walked.assigned.staff_id not in str(made.detail)


def test_an_attempt_at_anothers_referral_tells_no_more_than_one_at_nothing(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    stranger, nothing = exchange.stranger.as_("caseworker"), str(uuid4())
    stranger.read(walked.id)
    stranger.read(nothing)
    first, second = look(exchange.stranger.as_("auditor"), action="referral.disclose", outcome="refused")
    assert (first["subject"]["id"], second["subject"]["id"]) == (nothing, walked.id)
    assert first["as_of"] is second["as_of"] is None


def test_of_what_is_about_no_referral_nothing_stood(exchange: Exchange) -> None:
    exchange.oversight.as_("auditor").get("audit/entries?limit=1", **CASE)
    looks = look(exchange.oversight.as_("auditor"), action="audit.inspect", agency=exchange.oversight.id)
    assert [row["as_of"] for row in looks] == [None]


def test_a_page_costs_as_many_statements_however_long_it_is(exchange: Exchange) -> None:
    for _ in range(3):
        walk(exchange, "received")
    auditor = exchange.oversight.as_("auditor")
    assert auditor.party.token
    counted = set()
    for limit in (2, 40):
        with CaptureQueriesContext(connection) as captured:
            auditor.get(f"audit/entries?agency={exchange.centre.id}&limit={limit}", **CASE)
        counted.add(len([query for query in captured if "SELECT" in query["sql"]]))
    assert counted == {5}
