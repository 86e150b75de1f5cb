"""Who may ask for findings, of whom they are told, and that asking is itself recorded (rule 18)."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agencies.models import CodeListItem
from audit.models import Entry
from referrals.patterns.catalogue import CODES, PATTERNS
from tests.exchange import Exchange
from tests.invariants.attempts import APP, CHECKED, ENTRY, insert_entry, refused, session
from tests.referrals.glass import between_municipalities, broken, neighbour
from tests.referrals.misuse import CASE, MISUSES, look, threshold
from tests.referrals.walks import walk


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Audit_Reason": "curiosity"}, 403),
        ({"Audit_Case": "2026-0042"}, 200),
        ({"Audit_Reason": "routine_inspection"}, 200),
        ({"Audit_Case": "en sag om Hans"}, 422),
    ],
)
def test_asking_needs_a_case_number_or_a_known_reason_and_is_recorded(
    exchange: Exchange, headers: dict[str, str], status: int
) -> None:
    auditor = exchange.oversight.as_("auditor")
    answer = auditor.get("audit/findings?pattern=A01", **headers)
    assert answer.status == status
    if status == 422:
        return
    entry = Entry.objects.get(request_id=answer.headers["Request-Id"])
    assert (entry.action, entry.on_behalf_of, entry.purpose) == ("audit.findings", auditor.staff_id, "audit")
    assert (entry.outcome, entry.refusal) == (("done", "") if status == 200 else ("refused", "audit-case-needed"))
    if status == 200:
        told = {"case_number": headers.get("Audit_Case", ""), "case_reason": headers.get("Audit_Reason", "")}
        assert (entry.detail, len(entry.criterion)) == (told, 64)
        assert "Receipt" in answer.headers


@pytest.mark.parametrize(
    ("agency", "role", "status"),
    [
        ("oversight", "auditor", 200),
        ("municipality", "auditor", 200),
        ("municipality", "caseworker", 403),
        ("centre", "coordinator", 403),
        ("oversight", "administrator", 403),
        ("investigators", "auditor", 404),
    ],
)
def test_only_auditors_ask(exchange: Exchange, agency: str, role: str, status: int) -> None:
    who = getattr(exchange, agency).as_(role)
    purpose = {} if role == "auditor" else {"Purpose": "case_follow_up"}
    assert who.get("audit/findings", **CASE, **purpose).status == status


def test_an_agencys_auditor_is_told_of_its_own_agency_and_another_of_nothing(exchange: Exchange) -> None:
    MISUSES["A01"].does(exchange)
    own = look(exchange.centre.as_("auditor"), pattern="A01").body["results"]
    assert [(each["agency"], each["staff"]) for each in own] == [
        (exchange.centre.id, exchange.centre.staff["counsellor-2"])
    ]
    assert look(exchange.centre.as_("auditor"), agency=exchange.municipality.id).body["results"] == []
    for party in (exchange.municipality, exchange.stranger):
        auditor = party.as_("auditor")
        assert look(auditor).body["results"] == []
        asked = look(auditor, agency=exchange.centre.id).body
        nobody = look(auditor, agency=str(uuid4())).body
        assert asked["results"] == nobody["results"] == []


def test_who_answered_for_a_case_is_told_of_broken_glass_and_not_who_broke_it(exchange: Exchange) -> None:
    referral, officer = between_municipalities(exchange), neighbour(exchange).as_("caseworker")
    glass = broken(officer, referral)
    with threshold("A10", hours=0):
        (owners,) = look(exchange.municipality.as_("auditor"), pattern="A10").body["results"]
        (openers,) = look(neighbour(exchange).as_("auditor"), pattern="A10").body["results"]
        assert look(exchange.stranger.as_("auditor"), pattern="A10").body["results"] == []
    assert (owners["subject"]["id"], owners["agency"], owners["staff"]) == (glass, neighbour(exchange).id, "")
    assert openers["staff"] == officer.staff_id


def test_the_same_question_in_a_body_finds_the_same(exchange: Exchange) -> None:
    MISUSES["A01"].does(exchange)
    auditor = exchange.oversight.as_("auditor")
    asked = {"pattern": "A01", "agency": exchange.centre.id}
    answer = auditor.post("audit/findings/search", {"case_number": "2026-0042", **asked})
    assert (answer.status, answer.body["results"]) == (200, look(auditor, **asked).body["results"])
    for body, status in [
        (asked, 403),
        ({**asked, "reason": "curiosity"}, 422),
        ({"case_number": "2026-1", "pattern": "A19"}, 422),
        ({"case_number": "2026-1", "who": "me"}, 422),
        ({"case_number": "2026-1", "since": "2026-11-01"}, 422),
    ]:
        assert auditor.post("audit/findings/search", body).status == status


@pytest.mark.parametrize(
    "query", ["pattern=A00", "pattern=a01", "agency=x", "since=now", "limit=0", "who=me", "cursor=x", "agency=%00"]
)
def test_a_question_that_is_not_understood_is_refused(exchange: Exchange, query: str) -> None:
    assert exchange.oversight.as_("auditor").get(f"audit/findings?{query}", **CASE).status == 400


@pytest.mark.parametrize(
    "period", ["since=0001-01-01T00:00:00Z", "until=0001-01-01T00:00:01Z", "until=9999-12-31T23:59:59Z"]
)
def test_a_period_may_reach_as_far_as_the_calendar_does(exchange: Exchange, period: str) -> None:
    assert exchange.oversight.as_("auditor").get(f"audit/findings?{period}", **CASE).status == 200


def test_what_happened_outside_the_period_is_not_found(exchange: Exchange) -> None:
    MISUSES["A01"].does(exchange)
    auditor = exchange.oversight.as_("auditor")
    asked = {"pattern": "A01", "agency": exchange.centre.id}
    (finding,) = look(auditor, **asked).body["results"]
    assert look(auditor, since=finding["last_at"], **asked).body["results"] != []
    assert look(auditor, until=finding["first_at"], **asked).body["results"] == []


def test_pages_go_on_through_the_patterns_and_the_period_stays(exchange: Exchange) -> None:
    for code in ("A01", "A08", "A17"):
        MISUSES[code].does(exchange)
    auditor = exchange.centre.as_("auditor")
    whole = look(auditor).body
    assert [each["pattern"] for each in whole["results"]] == ["A01", "A01", "A08", "A17"]
    pages: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = look(auditor, limit="1", **cursor).body
        pages.append(page)
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [each for page in pages for each in page["results"]] == whole["results"]
    assert len({str(page["period"]) for page in pages}) == 1
    for who, query in [(exchange.municipality.as_("auditor"), ""), (auditor, "pattern=A01&")]:
        assert who.get(f"audit/findings?{query}cursor={pages[0]['next']}", **CASE).status == 400


def test_a_page_costs_one_statement_for_each_pattern_however_much_there_is(exchange: Exchange) -> None:
    auditor, agency = exchange.oversight.as_("auditor"), exchange.centre.id
    assert auditor.party.token
    counted = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            auditor.get(f"audit/findings?agency={agency}", **CASE)
        counted.append(len([query for query in captured if "SELECT" in query["sql"]]))
        for code in ("A01", "A08", "A17"):
            MISUSES[code].does(exchange)
    assert counted == [2 + len(PATTERNS)] * 2


def test_no_finding_says_what_a_case_holds_or_whom_it_is_about(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    walked.unassigned.read(walked.id)
    told = str(look(exchange.oversight.as_("auditor"), agency=exchange.centre.id).body)
    assert walked.id in told
    for hidden in ("Testperson", "Ønsker hjælp", walked.refresh().body["subject"]["id"]):
        assert hidden not in told


def test_the_code_list_names_all_18_patterns_and_why_some_cannot_be_shown(exchange: Exchange) -> None:
    items = exchange.centre.as_("auditor").get("code-lists/abuse-patterns").body["results"]
    assert [item["code"] for item in items] == list(CODES)
    shown = {item["code"] for item in items if item["attributes"]["detectable"] != "no"}
    assert shown == set(PATTERNS) == set(MISUSES)
    for item in items:
        why = item["attributes"]["not_shown"]
        assert (why is None) == (item["attributes"]["detectable"] == "yes")
        assert item["attributes"]["severity"] in ("critical", "high", "medium")


def test_a_pattern_that_is_no_longer_valid_is_not_asked(exchange: Exchange) -> None:
    MISUSES["A01"].does(exchange)
    item = CodeListItem.objects.filter(list_name="abuse-patterns", code="A01")
    item.update(valid_to="2026-01-02")
    try:
        assert look(exchange.oversight.as_("auditor"), pattern="A01", agency=exchange.centre.id).body["results"] == []
    finally:
        item.update(valid_to=None)


@pytest.mark.parametrize("detail", ["{}", '{"case_number": "", "case_reason": ""}'])
def test_beneath_http_a_look_for_findings_without_a_case_is_no_entry(database: None, detail: str) -> None:
    asked = {**ENTRY, "action": "audit.findings", "detail": detail}
    with session(APP) as cursor:
        assert refused(cursor, insert_entry(asked), asked) == CHECKED
