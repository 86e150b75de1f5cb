"""Every step as it is taken over HTTP: by whom, from where, on which version and for which reason."""

from typing import Any

import pytest

from tests.exchange import Answer, Exchange, consent_body, referral_body
from tests.referrals.walks import (
    MOVES,
    NECESSITY,
    Walk,
    body_of_everything,
    police_referral,
    walk,
    withdraw_consent,
)

UNDECIDED = ["request_info", "accept", "reject", "redirect"]
WORKED_ON = {
    "accepted": ["start", "close"],
    "in_progress": ["hold", "complete", "close"],
    "on_hold": ["resume", "close"],
}
ENDED: dict[str, Any] = {"sender": ["mark_in_error"], "coordinator": [], "assigned": [], "unassigned": []}
ALLOWED: dict[str, dict[str, list[str] | None]] = {
    "draft": {
        "sender": ["submit", "withdraw", "mark_in_error"],
        "coordinator": None,
        "assigned": None,
        "unassigned": None,
    },
    "submitted": {  # nobody is assigned yet, so every counsellor may begin
        "sender": ["amend", "withdraw", "mark_in_error"],
        "coordinator": ["receive", "request_info", "reject", "redirect"],
        "assigned": ["receive", "request_info", "reject", "redirect"],
        "unassigned": ["receive", "request_info", "reject", "redirect"],
    },
    "received": {
        "sender": ["amend", "withdraw", "mark_in_error"],
        "coordinator": [*UNDECIDED, "assign"],
        "assigned": UNDECIDED,
        "unassigned": [],
    },
    "info_requested": {
        "sender": ["answer_info", "decline_info", "amend", "withdraw", "mark_in_error"],
        "coordinator": [],
        "assigned": [],
        "unassigned": [],
    },
    "accepted": {
        "sender": ["amend", "mark_in_error"],
        "coordinator": ["assign", "start", "close"],
        "assigned": ["start", "close"],
        "unassigned": [],
    },
    "in_progress": {
        "sender": ["amend", "mark_in_error"],
        "coordinator": ["assign", "hold", "complete", "close"],
        "assigned": ["hold", "complete", "close"],
        "unassigned": [],
    },
    "on_hold": {
        "sender": ["amend", "mark_in_error"],
        "coordinator": ["assign", "resume", "close"],
        "assigned": ["resume", "close"],
        "unassigned": [],
    },
    "consent_withdrawn": {
        "sender": ["resume", "mark_in_error"],
        "coordinator": [],
        "assigned": [],
        "unassigned": [],
    },
    "completed": ENDED,
    "closed_unsuccessful": ENDED,
    "rejected": ENDED,
    "redirected": ENDED,
    "withdrawn": ENDED,
    "expired": ENDED,
    "entered_in_error": {"sender": [], "coordinator": [], "assigned": [], "unassigned": []},
}
"""What each person may do in each status; None is a referral that does not exist for them."""

SIDE_ROADS = [
    ("submitted", ["reject"], "rejected"),
    ("received", ["reject"], "rejected"),
    ("submitted", ["redirect"], "redirected"),
    ("received", ["redirect"], "redirected"),
    ("submitted", ["request_info", "answer_info"], "submitted"),
    ("submitted", ["request_info", "decline_info"], "submitted"),
    ("received", ["request_info", "answer_info"], "received"),
    ("received", ["request_info", "decline_info"], "received"),
    ("accepted", ["assign"], "accepted"),
    ("in_progress", ["assign"], "in_progress"),
    ("on_hold", ["assign"], "on_hold"),
    ("on_hold", ["resume"], "in_progress"),
    ("accepted", ["close"], "closed_unsuccessful"),
    ("in_progress", ["close"], "closed_unsuccessful"),
    ("on_hold", ["close"], "closed_unsuccessful"),
    ("draft", ["withdraw"], "withdrawn"),
    ("submitted", ["withdraw"], "withdrawn"),
    ("received", ["withdraw"], "withdrawn"),
    ("info_requested", ["withdraw"], "withdrawn"),
    ("draft", ["mark_in_error"], "entered_in_error"),
    ("received", ["mark_in_error"], "entered_in_error"),
]
WITH_ANOTHER_BASIS = {
    "basis": {"code": "MYNDIGHED-6E", "necessity_statement": "Nødvendigt for hjælpen.", "cpr_ground": "statute"}
}


TRIED = ("received", "info_requested", "consent_withdrawn", "completed")
"""The statuses in which every move that is not allowed is tried; the table itself is pinned by test_lifecycle."""


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    """Agencies of this file's own: its tests share them, and each has a referral that no other test knows."""
    return Exchange()


ABOUT_CONTACT = {"categories": ["contact"]}
ANSWER = {"kind": "information_answer", "comment": "Helst om formiddagen.", **ABOUT_CONTACT}


def people(walked: Walk) -> dict[str, Any]:
    return {name: getattr(walked, name) for name in ("sender", "coordinator", "assigned", "unassigned")}


@pytest.mark.parametrize("status", ALLOWED)
def test_in_a_status_each_person_may_take_exactly_these_moves(exchange: Exchange, status: str) -> None:
    walked = walk(exchange, status)
    for name, person in people(walked).items():
        told = person.read(walked.id)
        allowed = ALLOWED[status][name]
        assert (told.status, told.body.get("allowed_actions")) == ((404, None) if allowed is None else (200, allowed))
    for name in ("sender", "coordinator") if status in TRIED else ():
        allowed = ALLOWED[status][name]
        for move in MOVES:
            if allowed is not None and move in allowed:
                continue
            refused = walked.attempt(move, people(walked)[name])
            expected = (404, "not-found", None) if allowed is None else (409, "move-not-allowed", allowed)
            assert (refused.status, refused.body["code"], refused.body.get("allowed_actions")) == expected, (name, move)
    assert walked.sender.read(walked.id).etag == walked.etag


@pytest.mark.parametrize(("start", "moves", "status"), SIDE_ROADS)
def test_a_step_leads_where_the_table_says(exchange: Exchange, start: str, moves: list[str], status: str) -> None:
    walked = walk(exchange, start)
    seen = int(walked.etag.strip('"'))
    walked.go(*moves)
    assert (walked.status, walked.etag) == (status, f'"{seen + len(moves)}"')


@pytest.mark.parametrize("status", ["submitted", "received", "info_requested", "accepted", "in_progress", "on_hold"])
def test_a_withdrawn_consent_stops_a_shared_referral_and_another_basis_takes_it_back(
    exchange: Exchange, status: str
) -> None:
    walked = walk(exchange, status).go("stop_on_consent")
    assert walked.status == "consent_withdrawn"
    for body in ({}, {"basis": {"code": "SAMTYKKE-TAVSHED"}}):
        assert walked.attempt("resume", walked.sender, body).status == 422
    walked.take("resume", walked.sender, WITH_ANOTHER_BASIS)
    assert walked.status == status
    assert walked.coordinator.read(walked.id).body["basis"]["code"] == "MYNDIGHED-6E"


def test_an_ended_referral_stays_ended_when_its_consent_is_withdrawn(exchange: Exchange) -> None:
    walked = walk(exchange, "completed").go("stop_on_consent")
    assert walked.status == "completed"


WHO_MAY_ACCEPT = [
    ("municipality", "caseworker-1", {}, 409),
    ("municipality", "coordinator-1", {}, 409),
    ("municipality", "auditor-1", {}, 403),
    ("municipality", "administrator-1", {"Purpose": "exit_support"}, 403),
    ("municipality", "integration-1", {"Purpose": "exit_support"}, 403),
    ("centre", "counsellor-2", {}, 409),
    ("centre", "caseworker-1", {}, 409),
    ("centre", "auditor-1", {}, 403),
    ("centre", "administrator-1", {"Purpose": "exit_support"}, 403),
    ("centre", "coordinator-1", {"Purpose": "investigation"}, 403),
    ("centre", "coordinator-1", {"Purpose": "exit_support", "On_Behalf_Of": ""}, 400),
    ("centre", "coordinator-1", {"Purpose": "curiosity"}, 400),
    ("centre", "coordinator-1", {"Authorization": ""}, 401),
    ("stranger", "caseworker-1", {}, 404),
    ("stranger", "coordinator-1", {}, 404),
    ("stranger", "auditor-1", {}, 403),
    ("police", "caseworker-1", {}, 404),
    ("oversight", "auditor-1", {}, 403),
    ("centre", "coordinator-1", {}, 200),
    ("centre", "counsellor-1", {}, 200),
]


def test_of_all_who_try_only_those_on_duty_at_the_recipient_may_accept(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    for agency, role, headers, status in WHO_MAY_ACCEPT:
        name, number = role.rsplit("-", 1)
        tried = walked.attempt("accept", getattr(exchange, agency).as_(name, int(number)), **headers)  # type: ignore[arg-type]
        assert tried.status == status, (agency, role, headers, tried)
        if status == 200:
            assert tried.body["status"] == "accepted"
            walked = walk(exchange, "received")
    assert walked.refresh().body["status"] == "received"


IF_MATCH = [
    ("", 428, "if-match-required"),
    ('"1"', 412, "stale-version"),
    ('"999999999"', 412, "stale-version"),
    ("3", 400, "malformed"),
    ("*", 400, "malformed"),
    ('"-1"', 400, "malformed"),
    ('"1", "2"', 400, "malformed"),
    ('"1234567890"', 400, "malformed"),
    ('"²"', 400, "malformed"),
    ("null", 400, "malformed"),
]


def test_a_change_needs_the_version_that_was_seen(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    for if_match, status, code in IF_MATCH:
        refused = walked.attempt("accept", walked.coordinator, If_Match=if_match)
        assert (refused.status, refused.body["code"]) == (status, code), if_match
        assert "ETag" not in refused.headers


REASONED = [
    ("submitted", "withdraw", "sender"),
    ("submitted", "mark_in_error", "sender"),
    ("submitted", "request_info", "coordinator"),
    ("submitted", "reject", "coordinator"),
    ("submitted", "redirect", "coordinator"),
    ("info_requested", "decline_info", "sender"),
    ("in_progress", "hold", "coordinator"),
    ("in_progress", "complete", "coordinator"),
    ("in_progress", "close", "coordinator"),
]


@pytest.mark.parametrize(("status", "move", "person"), REASONED)
def test_a_move_for_a_reason_takes_a_known_one_and_some_need_a_comment(
    exchange: Exchange, status: str, move: str, person: str
) -> None:
    walked = walk(exchange, status)
    by = people(walked)[person]
    _, body = walked.body(move)
    without = {name: value for name, value in body.items() if name != "reason"}
    if "kind" in body:
        without["categories"] = ["contact"]  # what a comment of a message is about
    for said, pointer in [
        (without, "/reason"),
        ({**without, "reason": ""}, "/reason"),
        ({**without, "reason": "because"}, "/reason"),
        ({**without, "reason": "agreed_pause_over"}, "/reason"),  # a reason of another move
        ({**without, "reason": ["other"]}, "/reason"),
        ({**without, "reason": "other"}, "/comment"),
        ({**without, "reason": "other", "comment": " "}, "/comment"),
        ({**without, "reason": "other", "comment": "CPR 610190-1234"}, "/comment"),
    ]:
        refused = walked.attempt(move, by, said)
        assert refused.status == 422, said
        assert [error["pointer"] for error in refused.body["errors"]] == [pointer], said
    walked.take(move, by, {**without, "reason": "other", "comment": "Aftalt."})
    assert by.read(walked.id).body["reason"] == "other"


WRONG_BODIES = [
    ("received", "assign", {}, "/assignees"),
    ("received", "assign", {"assignees": []}, "/assignees"),
    ("received", "assign", {"assignees": ["nobody"]}, "/assignees/0"),
    ("received", "redirect", {"reason": "closer_to_home"}, "/recipient"),
    ("received", "accept", {"status": "completed"}, "/status"),
    ("received", "accept", [], ""),
    ("received", "request_info", {"kind": "gossip"}, "/kind"),
    ("received", "request_info", {"kind": "information_request", "categories": ["gossip"]}, "/categories/0"),
    ("in_progress", "complete", {"reason": "goals_reached"}, "/outcome"),
    ("in_progress", "complete", {"reason": "goals_reached", "outcome": "saved"}, "/outcome"),
    ("in_progress", "hold", {"reason": "agreed_pause", "review_by": "tomorrow"}, "/review_by"),
]


@pytest.mark.parametrize("status", ["received", "in_progress"])
def test_a_move_with_a_wrong_body_is_refused_at_its_place(exchange: Exchange, status: str) -> None:
    walked = walk(exchange, status)
    for where, move, body, pointer in WRONG_BODIES:
        if where == status:
            refused = walked.attempt(move, walked.coordinator, body)  # type: ignore[arg-type]
            told = (refused.status, [error["pointer"] for error in refused.body["errors"]])
            assert told == (422, [pointer]), (move, body)


def test_nobody_of_another_agency_can_be_assigned_and_the_answer_is_as_for_nobody_at_all(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    named = [exchange.stranger.as_("counsellor").staff_id, walked.sender.staff_id, "no-such-person"]
    answers = [walked.attempt("assign", walked.coordinator, {"assignees": [name]}) for name in named]
    assert {answer.status for answer in answers} == {422}
    assert answers[0].body == answers[1].body == answers[2].body


def test_only_a_coordinator_assigns_and_only_those_assigned_keep_the_sections(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted").go("receive")
    first, second = walked.assigned, walked.unassigned
    assert "identity" in second.read(walked.id).body["sections"]
    assert walked.attempt("assign", first, {"assignees": [first.staff_id]}).status == 409
    walked.take("assign")
    assert ("identity" in first.read(walked.id).body["sections"], second.read(walked.id).body["sections"]) == (True, {})
    walked.take("assign", body={"assignees": [second.staff_id]})
    assert (first.read(walked.id).body["sections"], "identity" in second.read(walked.id).body["sections"]) == ({}, True)
    assert "identity" in walked.coordinator.read(walked.id).body["sections"]


@pytest.mark.parametrize("answer", ["answer_info", "decline_info"])
def test_a_request_for_information_pauses_the_clock_until_it_is_answered_or_declined(
    exchange: Exchange, answer: str
) -> None:
    walked = walk(exchange, "submitted", urgency="acute")  # whose clock runs also at weekends
    before = walked.refresh().body["deadlines"]
    asked = walked.take("request_info").body["deadlines"]
    assert [asked[name] for name in ("acknowledge_by", "decide_by")] == [before["acknowledge_by"], before["decide_by"]]
    after = walked.take(answer).body["deadlines"]
    assert walked.status == "submitted"
    assert after["acknowledge_by"] > before["acknowledge_by"]
    assert after["decide_by"] > before["decide_by"]
    again = walked.go("request_info", answer).refresh().body["deadlines"]
    assert again["decide_by"] > after["decide_by"]


def test_a_consent_that_ends_while_information_is_asked_for_does_not_trap_the_referral(exchange: Exchange) -> None:
    walked = walk(exchange, "info_requested").go("stop_on_consent")
    walked.take("resume", walked.sender, WITH_ANOTHER_BASIS)
    if walked.status == "info_requested":
        walked.take("answer_info")
    assert walked.status == "received"
    walked.take("accept")


def test_the_sender_reads_what_it_is_asked(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    asked = {"kind": "information_request", "reason": "other", "comment": "Hvornår kan vi ringe?", **ABOUT_CONTACT}
    walked.take("request_info", body=asked)
    assert "Hvornår kan vi ringe?" in str(walked.sender.read(walked.id).body)


def test_the_recipient_reads_the_answer_it_is_given(exchange: Exchange) -> None:
    walked = walk(exchange, "info_requested")
    walked.take("answer_info", body=ANSWER)
    assert "Helst om formiddagen." in str(walked.coordinator.read(walked.id).body)


def test_an_answer_to_a_request_rests_on_the_same_consent_as_the_rest(exchange: Exchange) -> None:
    walked = walk(exchange, "info_requested")
    walked.take("answer_info", body=ANSWER)
    walked.go("accept", "start", "complete", "stop_on_consent")
    assert "Helst om formiddagen." not in str(walked.coordinator.read(walked.id).body)


def test_an_answer_tells_nothing_of_a_category_that_the_consent_does_not_cover(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    question = {"kind": "information_request", "reason": "other", "comment": "Hvad fejler personen?"}
    walked.take("request_info", body={**question, "categories": ["health"]})
    answer = {"kind": "information_answer", "comment": "Det er udeladt."}
    for categories in (["health"], ["health", "contact"], ["contact", "health"]):
        refused = walked.attempt("answer_info", walked.sender, {**answer, "categories": categories})
        assert refused.status == 422, categories
    assert "Det er udeladt." not in str(walked.coordinator.read(walked.id).body)


def test_one_who_is_not_on_duty_reads_neither_question_nor_answer(exchange: Exchange) -> None:
    walked = walk(exchange, "info_requested")
    walked.take("answer_info", body=ANSWER)
    assert ANSWER["comment"] in str(walked.assigned.read(walked.id).body)  # type: ignore[operator]
    assert ANSWER["comment"] not in str(walked.unassigned.read(walked.id).body)  # type: ignore[operator]
    assert ANSWER["comment"] not in str(walked.coordinator.get("referrals").body)  # type: ignore[operator]


def test_a_redirect_makes_an_empty_draft_of_the_redirecting_agency_linked_to_what_it_came_from(
    exchange: Exchange,
) -> None:
    walked = walk(exchange, "received")
    answer = walked.take("redirect")
    path = answer.headers["Link"].split(">")[0].lstrip("<")
    child = walked.coordinator.get(path)
    assert (child.status, child.body["status"], child.body["parent"]) == (200, "draft", walked.id)
    assert child.body["sender"]["id"] == exchange.centre.id
    assert child.body["recipient"]["id"] == exchange.stranger.id
    assert (child.body["sections"], child.body["basis"]) == ({}, None)
    assert child.body["subject"]["id"] != walked.refresh().body["subject"]["id"]
    assert walked.sender.get(path).status == 404
    assert exchange.stranger.as_("caseworker").get(path).status == 404


def test_marked_in_error_a_referral_keeps_its_row_and_shows_its_content_to_nobody(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    walked.take("mark_in_error")
    for person in people(walked).values():
        told = person.read(walked.id)
        assert (told.status, told.body["status"], told.body["sections"]) == (200, "entered_in_error", {})
        assert len(told.body["withheld"]) == 11
        assert told.body["allowed_actions"] == []


@pytest.mark.parametrize("police_sends", [False, True])
@pytest.mark.parametrize("road", [[], ["receive"], ["receive", "accept"], ["receive", "accept", "start"]])
def test_taken_over_by_the_police_a_referral_is_closed_and_hidden_from_the_other(
    exchange: Exchange, police_sends: bool, road: list[str]
) -> None:
    sender, recipient = exchange.municipality, exchange.police
    if police_sends:
        sender, recipient = recipient, sender
    referral = police_referral(sender, recipient)
    officer, other = exchange.police.as_("caseworker"), exchange.municipality.as_("caseworker")
    officer.headers["Purpose"] = other.headers["Purpose"] = "crime_prevention"
    for move in road:
        if move == "accept":
            assert officer.step(referral, "screen", {"result": "cleared"}).status == 200
        step = (other if police_sends else officer).step(referral, move)
        assert step.status == 200, step
    assert "take_over" in officer.read(referral).body["allowed_actions"]
    before = other.read(referral)
    assert "identity" in before.body["sections"]
    assert "take_over" not in before.body["allowed_actions"]
    refused = other.step(referral, "close", {"reason": "taken_over_by_police"})
    assert (refused.status, refused.body["allowed_actions"]) == (409, before.body["allowed_actions"])
    taken = officer.step(referral, "close", {"reason": "taken_over_by_police"})
    assert (taken.status, taken.body["status"]) == (200, "taken_over_by_police"), taken
    hidden = other.read(referral)
    assert (hidden.status, hidden.body["sections"], len(hidden.body["withheld"])) == (200, {}, 11)
    assert "identity" in officer.read(referral).body["sections"]


def test_a_referral_with_a_necessity_statement_goes_on_with_another_one_when_its_consent_ends(
    exchange: Exchange,
) -> None:
    consent = consent_body(exchange.centre)
    basis = {"code": "SAMTYKKE-TAVSHED", "consent": consent, "necessity_statement": "Nødvendigt alligevel."}
    walked = walk(exchange, "received", basis=basis).go("stop_on_consent")
    walked.take("resume", walked.sender, WITH_ANOTHER_BASIS)
    assert walked.status == "received"


def test_a_referral_goes_on_with_a_new_consent_when_the_old_one_ended(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    ended = walked.refresh().body["basis"]["consent_id"]
    walked.go("stop_on_consent")
    same = {"basis": {"code": "SAMTYKKE-TAVSHED", "consent_id": ended}}
    assert walked.attempt("resume", walked.sender, same).status == 422
    walked.take(
        "resume",
        walked.sender,
        {"basis": {"code": "SAMTYKKE-TAVSHED", "consent": consent_body(exchange.centre)}},
    )
    assert (walked.status, walked.refresh().body["basis"]["consent_id"] == ended) == ("received", False)


def test_a_basis_that_needs_no_consent_is_not_stopped_by_one_that_came_with_it(exchange: Exchange) -> None:
    consent = consent_body(exchange.centre)
    basis = {**WITH_ANOTHER_BASIS["basis"], "consent": consent}
    made = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre, basis=basis))
    if made.status == 422:
        return  # a consent that nothing rests on may as well be refused
    referral = made.body["id"]
    if made.body["basis"]["consent_id"]:
        assert withdraw_consent(exchange.municipality.as_("caseworker"), referral).status == 200
    told = exchange.centre.as_("coordinator").read(referral)
    assert (told.status, told.body.get("status")) == (200, "submitted"), told


def test_the_outcome_goes_back_only_where_the_person_agreed_to_it(exchange: Exchange) -> None:
    for agreed in (True, False):
        walked = walk(exchange, "in_progress", consent={"report_back": agreed})
        walked.take("complete", body={"reason": "goals_reached", "outcome": "housing", "comment": "Flyttet."})
        told = walked.sender.read(walked.id).body
        assert ("outcome" in told["sections"], "outcome" in told["withheld"]) == (agreed, not agreed)
        assert "outcome" in walked.coordinator.read(walked.id).body["sections"]


def test_a_purpose_that_the_basis_does_not_allow_is_refused(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    for purpose in ("child_protection", "audit"):
        refused = walked.coordinator.read(walked.id, Purpose=purpose)
        assert (refused.status, refused.body.get("sections")) == (403, None)


def test_a_full_referral_comes_out_as_it_was_put_in(exchange: Exchange) -> None:
    body = body_of_everything(exchange.centre)
    made: Answer = exchange.municipality.as_("caseworker").create(body)
    assert made.status == 201, made
    told = exchange.centre.as_("coordinator").read(made.body["id"])
    assert told.body["sections"] == body["sections"] == made.body["sections"]
    assert told.body["withheld"] == []
    assert NECESSITY["code"] != told.body["basis"]["code"]
