"""What a search finds, for whom and until when, and what the ledger says of it; never what was searched for."""

import logging
import threading
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections

from audit.hashing import keyed
from audit.models import Entry
from consent.models import Identifier
from referrals import listing, search, search_views
from referrals.models import Referral
from referrals.serializers import summary_body
from tests.exchange import SECTIONS, Answer, Caller, Exchange, Party
from tests.referrals.walks import Walk, walk, withdraw_consent
from tests.rules.scan import tables_holding

NUMBERS = count(1000)


def number() -> str:
    """Return a CPR number that nobody else here has: a replacement number (day + 60), whatever modulus 11 says."""
    return f"610190{next(NUMBERS):04}"


def about(cpr: str) -> dict[str, Any]:
    """Return the sections of a referral of somebody with this number."""
    return {**SECTIONS, "identity": {"name": "Testperson Prøvesen", "cpr": cpr}}


def find(by: Caller, *, limit: int | None = None, cursor: str | None = None, **sought: Any) -> Answer:
    page = {"limit": limit, "cursor": cursor}
    return by.post("referrals/search", {**sought, **{name: said for name, said in page.items() if said}})


def found(by: Caller, **sought: Any) -> list[str]:
    answer = find(by, **sought)
    assert answer.status == 200, answer
    assert set(answer.body) == {"results", "next"}
    return [row["id"] for row in answer.body["results"]]


def known_as(by: Caller, cpr: str) -> list[str]:
    return found(by, identifier={"cpr": cpr})


def test_each_side_finds_a_referral_by_its_id_and_a_stranger_finds_nothing(exchange: Exchange) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("counsellor")
    referral = sender.submit(exchange.centre)
    assert found(sender, reference=referral) == found(recipient, reference=referral) == [referral]
    assert found(exchange.stranger.as_("caseworker"), reference=referral) == []
    assert found(sender, reference=str(uuid4())) == []


def test_an_external_reference_is_found_by_the_one_who_gave_it(exchange: Exchange) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.submit(exchange.centre, external_reference="SAG/2026/1")
    assert found(sender, external_reference="SAG/2026/1") == [referral]
    assert found(sender, external_reference="SAG/2026/2") == []
    assert found(recipient, external_reference="SAG/2026/1") == []
    assert found(exchange.stranger.as_("caseworker"), external_reference="SAG/2026/1") == []
    listed = sender.get("referrals?role=sent&external_reference=SAG/2026/1")
    assert [row["id"] for row in listed.body["results"]] == [referral]


def test_a_found_row_is_the_row_of_the_list(exchange: Exchange) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    cpr = number()
    referral = sender.submit(exchange.centre, sections=about(cpr), external_reference="SAG-2")
    for who, role in ((sender, "sent"), (recipient, "received")):
        listed = who.get(f"referrals?role={role}").body["results"]
        assert find(who, reference=referral).body["results"] == listed
        assert find(who, identifier={"cpr": cpr}).body["results"] == listed


@pytest.mark.parametrize("spelling", ["{0}{1}", "{0}-{1}", "{0} {1}", " {0}-{1} "])
def test_a_number_is_found_however_it_is_spelled(exchange: Exchange, spelling: str) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    cpr = number()
    referral = sender.submit(exchange.centre, sections=about(f"{cpr[:6]}-{cpr[6:]}"))
    spelled = spelling.format(cpr[:6], cpr[6:])
    assert known_as(sender, spelled) == known_as(recipient, spelled) == [referral]


def test_a_draft_is_found_by_its_sender_alone(exchange: Exchange) -> None:
    sender, cpr = exchange.municipality.as_("caseworker"), number()
    draft = sender.submit(exchange.centre, sections=about(cpr), submit=False)
    assert known_as(sender, cpr) == [draft]
    assert known_as(exchange.centre.as_("coordinator"), cpr) == []


def test_one_recipient_finds_what_several_senders_told_it(exchange: Exchange) -> None:
    cpr = number()
    first = exchange.municipality.as_("caseworker").submit(exchange.centre, sections=about(cpr))
    second = exchange.stranger.as_("caseworker").submit(exchange.centre, sections=about(cpr))
    assert known_as(exchange.centre.as_("coordinator"), cpr) == [second, first]
    assert known_as(exchange.municipality.as_("caseworker"), cpr) == [first]
    assert known_as(exchange.stranger.as_("caseworker"), cpr) == [second]


def _nothing(walked: Walk) -> None:
    pass


def _withdrawn(walked: Walk) -> None:
    assert withdraw_consent(walked.sender, walked.id).status == 200


def _expired(walked: Walk) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE consent_consentevent DISABLE TRIGGER consent_event_append_only")
        consent = Referral.objects.values_list("consent", flat=True).get(pk=walked.id)
        cursor.execute(
            "UPDATE consent_consentevent SET expires_at = now() - interval '1 hour' WHERE consent_id = %s", [consent]
        )
        cursor.execute("ALTER TABLE consent_consentevent ENABLE ALWAYS TRIGGER consent_event_append_only")


@pytest.mark.parametrize(
    ("status", "then", "finds"),
    [
        ("received", _nothing, True),
        ("in_progress", _nothing, True),
        ("completed", _nothing, True),
        ("in_progress", _withdrawn, False),
        ("in_progress", _expired, False),
        ("rejected", _nothing, False),
        ("withdrawn", _nothing, False),
        ("expired", _nothing, False),
    ],
)
def test_the_recipient_finds_a_number_while_it_may_read_it(
    exchange: Exchange, status: str, then: Any, finds: bool
) -> None:
    cpr = number()
    walked = walk(exchange, status, sections=about(cpr))
    then(walked)
    read = walked.coordinator.read(walked.id).body["sections"].get("identity", {}).get("cpr")
    assert (read == cpr) is finds
    assert known_as(walked.coordinator, cpr) == ([walked.id] if finds else [])
    assert known_as(walked.sender, cpr) == [walked.id]
    assert found(walked.coordinator, reference=walked.id) == [walked.id]


def test_once_assigned_only_those_on_duty_find_a_number(exchange: Exchange) -> None:
    cpr = number()
    walked = walk(exchange, "received", sections=about(cpr))
    assert known_as(walked.coordinator, cpr) == known_as(walked.assigned, cpr) == [walked.id]
    assert known_as(walked.unassigned, cpr) == []


def test_for_a_purpose_that_the_basis_does_not_allow_nothing_is_found(exchange: Exchange) -> None:
    cpr = number()
    exchange.municipality.as_("caseworker").submit(exchange.centre, sections=about(cpr))
    coordinator = exchange.centre.as_("coordinator")
    coordinator.headers["Purpose"] = "child_protection"
    assert known_as(coordinator, cpr) == []


def test_what_was_marked_as_made_in_error_is_found_by_nobody(exchange: Exchange) -> None:
    cpr = number()
    walked = walk(exchange, "entered_in_error", sections=about(cpr))
    assert known_as(walked.sender, cpr) == known_as(walked.coordinator, cpr) == []
    assert not Identifier.objects.filter(told_in=walked.id).exists()


# --- Which number a referral stands on ---------------------------------------------------------------------------


def test_the_recipient_finds_a_number_only_in_the_referral_that_told_it(exchange: Exchange) -> None:
    """The sender told the number to somebody else; that the two are one person is not the recipient's to learn."""
    sender, cpr = exchange.municipality.as_("caseworker"), number()
    told = sender.create({"sections": about(cpr)}).body
    person = {"id": told["subject"]["id"]}
    nameless = {**SECTIONS, "identity": {"name": "Testperson Prøvesen"}}
    untold = sender.submit(exchange.centre, subject=person, sections=nameless)
    assert known_as(exchange.centre.as_("coordinator"), cpr) == []
    assert known_as(sender, cpr) == [untold, told["id"]]


def test_an_edit_replaces_the_number_and_taking_identity_out_takes_it_away(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    first, second = number(), number()
    draft = sender.create({"sections": about(first)})

    def edit(sections: dict[str, Any]) -> None:
        etag = sender.read(draft.body["id"]).etag
        assert (
            sender.call("PATCH", f"referrals/{draft.body['id']}", {"sections": sections}, If_Match=etag).status == 200
        )

    edit({"needs": {"codes": ["debt"]}})
    assert known_as(sender, first) == [draft.body["id"]]
    edit({"identity": {"name": "Testperson", "cpr": second}})
    assert (known_as(sender, first), known_as(sender, second)) == ([], [draft.body["id"]])
    edit({"identity": {"name": "Testperson"}})
    assert known_as(sender, second) == []
    edit({"identity": {"name": "Testperson", "cpr": first}})
    edit({"identity": None})
    assert known_as(sender, first) == []


def test_an_amendment_of_identity_moves_the_number_on_both_sides(exchange: Exchange) -> None:
    first, second = number(), number()
    walked = walk(exchange, "received", sections=about(first))
    amended = walked.sender.step(
        walked.id,
        "amendments",
        {"sections": {"identity": {"name": "Testperson", "cpr": second}}, "reason": "corrected"},
    )
    assert amended.status == 200, amended
    for who in (walked.sender, walked.coordinator):
        assert (known_as(who, first), known_as(who, second)) == ([], [walked.id])


def test_a_correction_in_one_referral_leaves_what_another_stands_on(exchange: Exchange) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    cpr, other = number(), number()
    first = sender.submit(exchange.centre, sections=about(cpr))
    person = {"id": sender.read(first).body["subject"]["id"]}
    second = sender.submit(exchange.centre, subject=person, sections=about(cpr))
    draft = sender.submit(exchange.centre, subject=person, sections=about(cpr), submit=False)
    etag = sender.read(draft).etag
    assert sender.call("PATCH", f"referrals/{draft}", {"sections": {"identity": None}}, If_Match=etag).status == 200
    assert known_as(recipient, cpr) == [second, first]
    change = {"sections": {"identity": {"name": "Testperson", "cpr": other}}, "reason": "corrected"}
    assert sender.step(second, "amendments", change).status == 200
    assert (known_as(recipient, cpr), known_as(recipient, other)) == ([first], [second])


# --- Pages -------------------------------------------------------------------------------------------------------


def pages(by: Caller, **sought: Any) -> list[list[str]]:
    shown, cursor = [], None
    while True:
        page = find(by, limit=2, cursor=cursor, **sought)
        shown.append([row["id"] for row in page.body["results"]])
        cursor = page.body["next"]
        if cursor is None:
            return shown


def test_page_after_page_every_hit_is_shown_once_and_what_may_not_be_read_leaves_no_gap(exchange: Exchange) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    cpr = number()
    sent = [sender.submit(exchange.centre, sections=about(cpr)) for _ in range(5)]
    assert pages(recipient, identifier={"cpr": cpr}) == [[sent[4], sent[3]], [sent[2], sent[1]], [sent[0]]]
    assert withdraw_consent(sender, sent[3]).status == 200
    assert pages(recipient, identifier={"cpr": cpr}) == [[sent[4], sent[2]], [sent[1], sent[0]]]


def test_a_cursor_goes_on_only_with_its_own_search(exchange: Exchange) -> None:
    sender, cpr = exchange.municipality.as_("caseworker"), number()
    for _ in range(2):
        sender.submit(exchange.centre, sections=about(cpr))
    cursor = find(sender, limit=1, identifier={"cpr": cpr}).body["next"]
    assert find(sender, cursor=cursor, identifier={"cpr": cpr}).status == 200
    elsewhere: list[tuple[Caller, dict[str, Any]]] = [
        (sender, {"identifier": {"cpr": number()}}),
        (sender, {"external_reference": "SAG-1"}),
        (exchange.municipality.as_("coordinator"), {"identifier": {"cpr": cpr}}),
        (exchange.centre.as_("coordinator"), {"identifier": {"cpr": cpr}}),
    ]
    for who, sought in elsewhere:
        refused = find(who, cursor=cursor, **sought)
        assert (refused.status, refused.body["code"]) == (400, "malformed")


# --- What the ledger and the logs say ----------------------------------------------------------------------------


def entry_of(answer: Answer) -> Entry:
    return Entry.objects.get(request_id=answer.headers["Request-Id"])


def test_a_search_is_one_entry_that_names_what_it_showed_and_keeps_the_criterion_as_a_keyed_hash(
    exchange: Exchange,
) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    cpr = number()
    referral = sender.submit(exchange.centre, sections=about(cpr), external_reference="SAG-3")
    searches: list[tuple[Caller, str, str, Any]] = [
        (sender, "reference", referral, referral),
        (sender, "external_reference", "SAG-3", "SAG-3"),
        (sender, "identifier", cpr, {"cpr": cpr}),
        (recipient, "identifier", cpr, {"cpr": f"{cpr[:6]}-{cpr[6:]}"}),
    ]
    for who, kind, value, sought in searches:
        entry = entry_of(find(who, **{kind: sought}))
        assert (entry.action, entry.outcome, entry.detail) == ("referral.search", "done", {"kind": kind})
        assert (entry.subject_kind, entry.subject_id) == ("search", kind)
        assert entry.criterion == keyed("search-criterion", value.encode())
        assert [str(identifier) for identifier in entry.result_ids] == [referral]
        assert entry.categories == (["identity"] if kind == "identifier" else [])
        assert (entry.on_behalf_of, entry.purpose) == (who.staff_id, "exit_support")
    assert (entry.basis, entry.consent is not None) == ("SAMTYKKE-TAVSHED", True)


def test_finding_nothing_is_an_entry_too(exchange: Exchange) -> None:
    cpr = number()
    searches: list[dict[str, Any]] = [
        {"identifier": {"cpr": cpr}},
        {"reference": str(uuid4())},
        {"external_reference": "SAG-404"},
    ]
    for sought in searches:
        entry = entry_of(find(exchange.municipality.as_("caseworker"), **sought))
        assert (entry.action, entry.outcome, entry.result_ids) == ("referral.search", "done", [])
        assert (len(entry.criterion), entry.categories) == (64, [])


def test_whoever_may_ask_who_was_shown_a_referral_is_told_of_the_searches_that_found_it(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.municipality.as_("coordinator")
    cpr = number()
    referral = sender.submit(exchange.centre, sections=about(cpr))
    assert known_as(sender, cpr) == [referral]
    told = coordinator.get(f"referrals/{referral}/disclosures").body["results"]
    assert [row["action"] for row in told].count("referral.search") == 1
    assert cpr not in str(told)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "", "one_criterion"),
        ({"limit": 10}, "", "one_criterion"),
        ({"reference": "{id}", "external_reference": "SAG-1"}, "", "one_criterion"),
        ({"reference": "{id}", "identifier": {"cpr": "{cpr}"}}, "", "one_criterion"),
        ({"reference": "{cpr}"}, "/reference", "invalid"),
        ({"external_reference": "{cpr}"}, "/external_reference", "cpr_not_allowed_here"),
        ({"external_reference": "{spelled}"}, "/external_reference", "cpr_not_allowed_here"),
        ({"identifier": "{cpr}"}, "/identifier", "invalid"),
        ({"identifier": {}}, "/identifier/cpr", "required"),
        ({"identifier": {"cpr": "{cpr}0"}}, "/identifier/cpr", "invalid_cpr"),
        ({"identifier": {"cpr": "9913{cpr}"}}, "/identifier/cpr", "invalid_cpr"),
        ({"identifier": {"cpr": "{cpr}", "name": "{cpr}"}}, "/identifier/name", "unknown_member"),
        ({"identifier": {"{cpr}": "{cpr}"}}, "/identifier", "unknown_member"),
        ({"cpr": "{cpr}"}, "/cpr", "unknown_member"),
        ({"identifier": {"cpr": "{cpr}"}, "limit": 201}, "/limit", "max_value"),
    ],
)
def test_a_search_that_can_not_be_read_is_refused_and_not_repeated(
    exchange: Exchange, caplog: pytest.LogCaptureFixture, body: dict[str, Any], pointer: str, code: str
) -> None:
    caplog.set_level(logging.DEBUG)
    cpr = number()

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {filled(name): filled(inner) for name, inner in value.items()}
        if not isinstance(value, str):
            return value
        spelled = f"{cpr[:6]}-{cpr[6:]}"
        return value.replace("{cpr}", cpr).replace("{spelled}", spelled).replace("{id}", str(uuid4()))

    refused = exchange.municipality.as_("caseworker").post("referrals/search", filled(body))
    assert (refused.status, refused.body["code"]) == (422, "invalid"), refused
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in refused.body["errors"]}
    for told in (f"{refused.body}{refused.headers}", caplog.text):
        assert cpr not in told
    assert tables_holding(cpr) == []


def test_nothing_is_searched_for_in_an_address(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    assert sender.get("referrals/search?cpr=6101901234").status == 405
    refused = sender.post("referrals/search?cpr=6101901234", {"reference": str(uuid4())})
    assert (refused.status, refused.body["code"]) == (400, "malformed")
    assert "6101901234" not in str(refused.body)


@pytest.mark.parametrize(
    ("agency", "role", "headers", "status"),
    [
        ("centre", "counsellor", {}, 200),
        ("centre", "auditor", {}, 403),
        ("centre", "administrator", {"Purpose": "exit_support"}, 403),
        ("centre", "coordinator", {"Purpose": "investigation"}, 403),
        ("centre", "coordinator", {"Purpose": "gossip"}, 400),
        ("oversight", "auditor", {}, 403),
    ],
)
def test_a_search_is_for_those_who_work_on_referrals(
    exchange: Exchange, agency: str, role: str, headers: dict[str, str], status: int
) -> None:
    party: Party = getattr(exchange, agency)
    answer = party.as_(role).post("referrals/search", {"identifier": {"cpr": number()}}, **headers)
    assert answer.status == status
    if status == 403:
        assert (entry_of(answer).action, entry_of(answer).outcome) == ("referral.search", "refused")


# --- While a withdrawal is under way -----------------------------------------------------------------------------


def test_a_withdrawal_between_the_entry_and_the_answer_stops_the_hit(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    cpr = number()
    referral = sender.submit(exchange.centre, sections=about(cpr))
    held = search._hold

    def withdraw() -> None:
        withdraw_consent(sender, referral)
        connection.close()

    def after_a_withdrawal(*args: Any, **kwargs: Any) -> None:
        other = threading.Thread(target=withdraw)
        other.start()
        other.join()
        monkeypatch.setattr(search, "_hold", held)
        held(*args, **kwargs)

    monkeypatch.setattr(search, "_hold", after_a_withdrawal)
    answer = find(recipient, identifier={"cpr": cpr})
    assert (answer.status, answer.body["results"]) == (200, [])
    entries = Entry.objects.filter(request_id=answer.headers["Request-Id"]).order_by("id")
    assert [len(entry.result_ids) for entry in entries] == [1, 0]


def test_a_withdrawal_waits_until_a_hit_is_answered(exchange: Exchange) -> None:
    """What was found stays locked for the whole of the answer, so that nothing is acknowledged in between."""
    sender, recipient = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    cpr = number()
    referral = sender.submit(exchange.centre, sections=about(cpr))
    seen: list[bool] = []
    consent = Referral.objects.values_list("consent", flat=True).get(pk=referral)

    def locked() -> bool:
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT 1 FROM consent_consent WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED", [consent])
            return cursor.fetchone() is None

    def looking(row: listing.Row) -> Any:
        seen.append(locked())
        return summary_body(row)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search_views, "summary_body", looking)
        assert known_as(recipient, cpr) == [referral]
        assert (known_as(sender, cpr), locked()) == ([referral], False)
    assert seen == [True, False]
