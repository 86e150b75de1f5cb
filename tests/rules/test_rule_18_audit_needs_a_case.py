"""Rule 18, as far as it exists: an auditor's look needs a case number or a coded reason, and is itself recorded."""

import pytest

from audit.models import Entry
from tests.exchange import Exchange
from tests.invariants.attempts import APP, CHECKED, ENTRY, insert_entry, refused, session
from tests.referrals.walks import walk


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Audit_Reason": "curiosity"}, 403),
        ({"Audit_Case": "2026-0042"}, 200),
        ({"Audit_Reason": "routine_inspection"}, 200),
        ({"Audit_Reason": "complaint"}, 200),
        ({"Audit_Reason": "incident"}, 200),
        ({"Audit_Reason": "subject_access_request"}, 200),
        ({"Audit_Case": "en sag om Hans"}, 422),
        ({"Audit_Case": "x" * 65}, 422),
    ],
)
def test_rule_18_a_look_needs_a_case_number_or_a_known_reason(
    exchange: Exchange, headers: dict[str, str], status: int
) -> None:
    auditor = exchange.oversight.as_("auditor")
    answer = auditor.get("audit/entries?limit=1", **headers)
    assert answer.status == status
    if status == 422:
        return
    entry = Entry.objects.get(request_id=answer.headers["Request-Id"])
    assert (entry.action, entry.on_behalf_of, entry.purpose) == ("audit.inspect", auditor.staff_id, "audit")
    if status == 200:
        assert entry.detail["case_number"] == headers.get("Audit_Case", "")
        assert entry.detail["case_reason"] == headers.get("Audit_Reason", "")
        assert len(entry.criterion) == 64


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 403),
        ({"reason": "curiosity"}, 422),
        ({"case_number": "en sag"}, 422),
        ({"case_number": "6101901234"}, 422),
        ({"case_number": "2026-1"}, 200),
        ({"reason": "complaint"}, 200),
    ],
)
def test_rule_18_so_does_a_search(exchange: Exchange, body: dict[str, str], status: int) -> None:
    assert exchange.oversight.as_("auditor").post("audit/entries/search", {"limit": 1, **body}).status == status


@pytest.mark.parametrize(
    ("agency", "role", "status"),
    [
        ("oversight", "auditor", 200),
        ("municipality", "auditor", 200),
        ("municipality", "caseworker", 403),
        ("municipality", "coordinator", 403),
        ("centre", "counsellor", 403),
        ("oversight", "caseworker", 403),
        ("oversight", "administrator", 403),
    ],
)
def test_rule_18_only_auditors_look(exchange: Exchange, agency: str, role: str, status: int) -> None:
    who = getattr(exchange, agency).as_(role)
    purpose = {} if role == "auditor" else {"Purpose": "case_follow_up"}
    assert who.get("audit/entries?limit=1", Audit_Case="2026-1", **purpose).status == status


def test_rule_18_the_next_look_finds_the_one_before(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    auditor = exchange.oversight.as_("auditor")
    first = auditor.get(f"audit/entries?referral={walked.id}", Audit_Case="2026-1")
    second = auditor.get(f"audit/entries?referral={walked.id}", Audit_Case="2026-1")
    assert second.body["results"][0]["action"] == "audit.inspect"
    assert second.body["results"][1:] == first.body["results"]
    assert second.body["results"][0]["request_id"] == first.headers["Request-Id"]


def test_rule_18_an_agencys_auditor_sees_its_own_part_and_not_what_else_a_list_showed() -> None:
    exchange = Exchange()
    walked = walk(exchange, "received")
    walked.coordinator.get("referrals")
    exchange.stranger.as_("caseworker").submit(exchange.centre)
    walked.coordinator.get("referrals")
    auditor = exchange.municipality.as_("auditor")
    told = auditor.get("audit/entries?limit=200", Audit_Case="2026-1").body["results"]
    assert {row["actor"]["agency"] for row in told} <= {exchange.municipality.id, exchange.centre.id}
    assert all(row["result_ids"] == [] for row in told)
    assert exchange.stranger.id not in str(told)
    for row in told:
        if row["actor"]["agency"] != exchange.municipality.id:
            assert row["subject"]["id"] == walked.id
    whole = exchange.oversight.as_("auditor").get(f"audit/entries?referral={walked.id}", Audit_Case="2026-1")
    assert any(walked.id in row["result_ids"] for row in whole.body["results"])


def test_rule_18_auditors_see_metadata_and_never_content(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    auditor = exchange.oversight.as_("auditor")
    told = auditor.get(f"audit/entries?referral={walked.id}", Audit_Case="2026-1").body
    assert "Testperson" not in str(told)
    assert "Ønsker hjælp" not in str(told)
    for path in (f"referrals/{walked.id}", "referrals", f"consents/{walked.refresh().body['basis']['consent_id']}"):
        assert auditor.get(path, Audit_Case="2026-1").status == 403
    for own in (exchange.municipality.as_("auditor"), exchange.centre.as_("auditor")):
        assert own.read(walked.id).status == 403


@pytest.mark.parametrize(
    "query", ["agency=x", "referral=1", "outcome=maybe", "since=now", "limit=0", "who=me", "cursor=x", "staff=%00"]
)
def test_rule_18_a_question_that_is_not_understood_is_refused(exchange: Exchange, query: str) -> None:
    assert exchange.oversight.as_("auditor").get(f"audit/entries?{query}", Audit_Case="1").status == 400


def test_rule_18_a_cursor_of_one_auditor_is_no_good_to_another_or_for_another_question(exchange: Exchange) -> None:
    walk(exchange, "received")
    mine, theirs = exchange.municipality.as_("auditor"), exchange.centre.as_("auditor")
    page = mine.get("audit/entries?limit=2", Audit_Case="1")
    cursor = page.body["next"]
    more = mine.get(f"audit/entries?limit=2&cursor={cursor}", Audit_Case="1")
    assert not {row["id"] for row in page.body["results"]} & {row["id"] for row in more.body["results"]}
    for who, query in [(theirs, ""), (mine, "outcome=done&"), (exchange.oversight.as_("auditor"), "")]:
        assert who.get(f"audit/entries?{query}cursor={cursor}", Audit_Case="1").status == 400


@pytest.mark.parametrize("detail", ["{}", '{"case_number": ""}', '{"case_number": "", "case_reason": ""}'])
def test_rule_18_beneath_http_a_look_without_a_case_is_no_entry(database: None, detail: str) -> None:
    """So a look that names no case can't have been done, whoever wrote it."""
    look = {**ENTRY, "action": "audit.inspect", "detail": detail}
    with session(APP) as cursor:
        assert refused(cursor, insert_entry(look), look) == CHECKED
