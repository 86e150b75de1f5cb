"""The course of a referral: what stopped it, and to whom each step's reason is told."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.exchange import Caller, Exchange
from tests.referrals.walks import Walk, body_of_everything, walk


def reasons(by: Caller, referral: str) -> dict[str, Any]:
    """The reason of each step, by its move, as this reader is told it."""
    told = by.get(f"referrals/{referral}/timeline")
    assert told.status == 200, told
    return {step["move"]: step["reason"] for step in told.body["results"]}


def end_consent(by: Caller, referral: str, how: str, body: dict[str, Any]) -> Any:
    """End the consent that a referral rests on, as the agency that recorded it."""
    consent = by.read(referral).body["basis"]["consent_id"]
    seen = by.get(f"consents/{consent}")
    return by.post(f"consents/{consent}/{how}", body, If_Match=seen.etag)


def test_the_sender_is_not_told_by_the_course_why_the_work_goes_as_it_does(exchange: Exchange) -> None:
    """Whatever the consent lets back: the outcome is told where the referral is read, and only there."""
    body = body_of_everything(exchange.centre)
    body["basis"]["consent"]["report_back"] = True
    made = exchange.municipality.as_("caseworker").create(body)
    walked = Walk(exchange, made.body["id"], made.etag, "submitted")
    walked.go("receive", "assign", "request_info", "answer_info", "accept", "start", "hold", "resume", "complete")
    assert walked.sender.read(walked.id).body["reason"] == "goals_reached"
    sender, worker = reasons(walked.sender, walked.id), reasons(walked.assigned, walked.id)
    assert (sender["request_info"], sender["hold"], sender["complete"]) == ("contact_unclear", None, None)
    assert (worker["hold"], worker["complete"]) == ("agreed_pause", "goals_reached")


def test_a_closed_referrals_reason_is_not_in_the_course_the_sender_is_told(exchange: Exchange) -> None:
    walked = walk(exchange, "closed_unsuccessful")
    assert reasons(walked.sender, walked.id)["close"] is None
    assert reasons(walked.coordinator, walked.id)["close"] == "contact_lost"


def test_why_a_referral_was_made_in_error_is_told_to_its_sender_alone(exchange: Exchange) -> None:
    walked = walk(exchange, "info_requested").go("decline_info", "mark_in_error")
    assert reasons(walked.sender, walked.id)["mark_in_error"] == "wrong_person"
    for reader in (walked.coordinator, walked.assigned, walked.unassigned):
        told = reasons(reader, walked.id)
        assert "mark_in_error" in told
        assert set(told.values()) == {None}


def test_off_duty_nobody_at_the_recipient_is_told_a_reason(exchange: Exchange) -> None:
    walked = walk(exchange, "info_requested").go("answer_info", "accept", "start", "hold")
    worker = reasons(walked.assigned, walked.id)
    assert (worker["request_info"], worker["hold"]) == ("contact_unclear", "agreed_pause")
    told = reasons(walked.unassigned, walked.id)
    assert "request_info" in told
    assert set(told.values()) == {None}


def test_why_a_referral_was_turned_down_is_told_to_both(exchange: Exchange) -> None:
    walked = walk(exchange, "rejected")
    for reader in (walked.sender, walked.coordinator):
        assert reasons(reader, walked.id)["reject"] == "no_capacity"


@pytest.mark.parametrize(("how", "body"), [("withdraw", {"method": "oral"}), ("invalidate", {"reason": "not_free"})])
def test_however_its_consent_ended_the_stop_is_a_step_without_a_reason(
    exchange: Exchange, how: str, body: dict[str, Any]
) -> None:
    walked = walk(exchange, "accepted")
    ended = end_consent(walked.sender, walked.id, how, body)
    assert ended.status == 200, ended
    assert walked.sender.read(walked.id).body["status"] == "consent_withdrawn"
    for reader in (walked.sender, walked.coordinator):
        told = reasons(reader, walked.id)
        assert "stop_on_consent" in told
        assert told["stop_on_consent"] is None


def test_what_rests_on_one_consent_is_locked_in_one_order(exchange: Exchange) -> None:
    """Then acts that lock several referrals, in whichever order their rows were written last, never wait in a ring."""
    walked = walk(exchange, "accepted")
    with CaptureQueriesContext(connection) as asked:
        assert end_consent(walked.sender, walked.id, "withdraw", {"method": "oral"}).status == 200
    locks = [
        each["sql"] for each in asked if 'FROM "referrals_referral"' in each["sql"] and "FOR UPDATE" in each["sql"]
    ]
    assert locks
    assert all('ORDER BY "referrals_referral"."id"' in each for each in locks), locks
