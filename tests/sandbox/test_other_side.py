"""The other side of the demo exchange plays what it is asked to, for whoever may see the referral, and nobody else."""

from typing import Any
from uuid import uuid4

import pytest

from config.demo import play
from config.demo.scripts import AWAIT_ANSWER, RECIPIENT, SCRIPTS, SENDER
from referrals.lifecycle import Move
from tests.sandbox.conftest import Demo

pytestmark = pytest.mark.no_database

ENDS = {
    "receives": "received",
    "accepts": "accepted",
    "works": "in_progress",
    "completes": "completed",
    "closes": "closed_unsuccessful",
    "asks": "info_requested",
    "rejects": "rejected",
    "redirects": "redirected",
    "silent": "submitted",
}
"""Where a referral that was just submitted ends up, by script."""


def moves(play: dict[str, Any]) -> list[tuple[str, int]]:
    return [(step["move"], step["status"]) for step in play["steps"]]


@pytest.mark.parametrize("script", ENDS)
def test_comeback_plays_the_recipient(demo: Demo, script: str) -> None:
    municipality = demo.system("0101")
    referral = demo.submitted(municipality)
    played = demo.played(municipality, demo.ask(municipality, referral, script))
    assert played["state"] == "played", played
    assert [move for move, _ in moves(played)] == [step.move for step in SCRIPTS[script].steps]
    assert all(status in (200, 201) for _, status in moves(played))
    assert municipality.get(f"/api/v1/referrals/{referral}").json["status"] == ENDS[script]


def test_it_waits_for_the_answer_to_its_question(demo: Demo) -> None:
    municipality = demo.system("0101")
    referral = demo.submitted(municipality)
    asked = demo.ask(municipality, referral, "asks_then_accepts")
    path = f"/api/v1/referrals/{referral}"
    seen = demo.until(lambda: municipality.get(path), lambda answer: answer.json["status"] == "info_requested")
    answered = municipality.post(
        f"{path}/messages",
        {"kind": "information_answer", "categories": ["contact"], "comment": "Efter klokken 16."},
        headers={"If-Match": seen.headers["ETag"], "Idempotency-Key": f"{referral}-a"},
    )
    assert answered.status == 200, answered.json
    assert demo.played(municipality, asked)["state"] == "played"
    assert municipality.get(path).json["status"] == "accepted"


@pytest.mark.parametrize(
    ("script", "status"), [("answers", "received"), ("declines", "received"), ("withdraws", "withdrawn")]
)
def test_the_municipality_plays_the_sender_for_exit_staff(demo: Demo, script: str, status: str) -> None:
    municipality, centre = demo.system("0751"), demo.system("exit-comeback")
    referral = demo.submitted(municipality)
    demo.played(municipality, demo.ask(municipality, referral, "asks"))
    played = demo.played(centre, demo.ask(centre, referral, script))
    assert played["state"] == "played", played
    assert centre.get(f"/api/v1/referrals/{referral}").json["status"] == status


def test_the_person_can_withdraw_the_consent_from_exit_staff(demo: Demo) -> None:
    municipality, centre = demo.system("0751"), demo.system("exit-comeback")
    referral = demo.submitted(municipality)
    played = demo.played(centre, demo.ask(centre, referral, "withdraws_consent"))
    assert moves(played) == [("withdraw_consent", 200)]
    seen = centre.get(f"/api/v1/referrals/{referral}").json
    assert (seen["status"], seen["sections"]) == ("consent_withdrawn", {})


def test_exit_staff_are_sent_a_referral_when_they_ask(demo: Demo) -> None:
    centre = demo.system("exit-demo-vest")
    asked = centre.post("/sandbox/referrals", {"sender": "0851", "urgency": "acute", "after_seconds": 0.2})
    played = demo.played(centre, asked)
    assert moves(played) == [("submit", 201)]
    inbox = centre.get("/api/v1/referrals", query={"role": "received", "limit": "1"}).json["results"]
    assert [(row["id"], row["urgency"], row["sender"]["code"]) for row in inbox] == [
        (played["referral"], "acute", "0851")
    ]


def test_it_may_be_asked_again_and_passes_over_what_was_done(demo: Demo) -> None:
    municipality = demo.system("0101")
    referral = demo.submitted(municipality)
    demo.played(municipality, demo.ask(municipality, referral, "accepts"))
    played = demo.played(municipality, demo.ask(municipality, referral, "completes"))
    assert moves(played) == [("receive", 0), ("assign", 200), ("accept", 0), ("start", 200), ("complete", 200)]


def test_what_the_exchange_refuses_it_refuses_the_other_side_too(demo: Demo) -> None:
    """The consent may end before the recipient has come to it."""
    municipality, centre = demo.system("0101"), demo.system("exit-comeback")
    referral = demo.submitted(municipality)
    demo.played(centre, demo.ask(centre, referral, "withdraws_consent"))
    played = demo.played(municipality, demo.ask(municipality, referral, "accepts"))
    assert [status for _, status in moves(played)] == [0, 0, 0]


# --- Deny by default ----------------------------------------------------------------------------------------------


def test_to_a_stranger_the_referral_is_not_there(demo: Demo) -> None:
    referral = demo.submitted(demo.system("0101"))
    theirs = demo.ask(demo.system("0751"), referral, "accepts")
    nothing = demo.ask(demo.system("0751"), "0198c1de-0000-7000-8000-000000000001", "accepts")
    assert (theirs.status, theirs.json) == (404, nothing.json)
    assert theirs.json["code"] == "not-found"


def test_without_a_token_nobody_plays(demo: Demo) -> None:
    stranger = demo.system("0101")
    for path in ("/sandbox/answers", "/sandbox/referrals"):
        assert stranger.post(path, {}, headers={"Authorization": ""}).status == 401
    assert stranger.get(f"/sandbox/plays/{uuid4()}", headers={"Authorization": ""}).status == 401


@pytest.mark.parametrize("code", ["politi-demo", "tilsyn-demo"])
def test_a_unit_that_does_not_prevent_and_an_overseer_find_no_sandbox(demo: Demo, code: str) -> None:
    outsider = demo.system(code, purpose="audit")
    assert outsider.post("/sandbox/referrals", {}).status == 404
    referral = demo.submitted(demo.system("0101"))
    assert demo.ask(outsider, referral, "accepts").status == 404


def test_an_auditor_can_set_nothing_in_motion(demo: Demo) -> None:
    referral = demo.submitted(demo.system("0101"))
    auditor = demo.system("0101", "kk-au-1", purpose="audit")
    assert demo.ask(auditor, referral, "accepts").status == 403


def test_what_one_agency_asked_for_another_does_not_see(demo: Demo) -> None:
    municipality = demo.system("0101")
    asked = demo.ask(municipality, demo.submitted(municipality), "silent")
    assert municipality.get(asked.headers["Location"]).status == 200
    assert demo.system("0751").get(asked.headers["Location"]).status == 404
    assert demo.system("exit-comeback").get(asked.headers["Location"]).status == 404


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"script": "dances"}, "/script"),
        ({"script": "answers"}, "/script"),
        ({"after_seconds": -1}, "/after_seconds"),
        ({"after_seconds": 1e9}, "/after_seconds"),
        ({"referral": "mine"}, "/referral"),
        ({"token": "x"}, "/token"),
    ],
)
def test_what_can_not_be_played_is_refused_at_once(demo: Demo, changes: dict[str, Any], pointer: str) -> None:
    municipality = demo.system("0101")
    referral = demo.submitted(municipality)
    answer = municipality.post("/sandbox/answers", {"referral": referral, "script": "accepts", **changes})
    assert answer.status == 422, answer.json
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("sender", ["exit-comeback", "1470", "9999", "0101"])
def test_only_another_demo_municipality_sends_you_something(demo: Demo, sender: str) -> None:
    assert demo.system("0101").post("/sandbox/referrals", {"sender": sender}).status == 422


# --- The scripts themselves ---------------------------------------------------------------------------------------


def test_every_script_is_tried_here() -> None:
    recipients = {name for name, script in SCRIPTS.items() if script.side == RECIPIENT}
    assert recipients == {*ENDS, "asks_then_accepts"}
    senders = {name for name, script in SCRIPTS.items() if script.side == SENDER}
    assert senders == {"answers", "declines", "withdraws", "withdraws_consent"}


def test_a_script_is_made_of_moves_that_the_lifecycle_knows() -> None:
    told = {step.move for script in SCRIPTS.values() for step in script.steps}
    assert told - {str(move) for move in Move} == {AWAIT_ANSWER, "withdraw_consent"}


# --- make play ----------------------------------------------------------------------------------------------------


def test_make_play_tells_what_the_other_side_does(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    referral = demo.submitted(demo.system("0101"))
    for name, value in {"SCRIPT": "rejects", "REFERRAL": referral, "AFTER": "0"}.items():
        monkeypatch.setenv(name, value)
    assert play.main(demo.server.demo_file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:] for line in lines[1:-1]] == [["receive", "200"], ["reject", "200"]]
    assert lines[-1] == f"played: {referral}"


def test_without_a_referral_it_takes_the_newest_open_one(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"SCRIPT": "sends", "AFTER": "0"}.items():
        monkeypatch.setenv(name, value)
    assert play.main(demo.server.demo_file) == 0
    sent = capsys.readouterr().out.splitlines()[-1].removeprefix("played: ")
    monkeypatch.setenv("SCRIPT", "receives")
    assert play.main(demo.server.demo_file) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"played: {sent}"


def test_without_a_script_it_says_which_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SCRIPT", raising=False)
    assert play.main() == 1
    said = capsys.readouterr().err
    assert all(name in said for name in SCRIPTS)
