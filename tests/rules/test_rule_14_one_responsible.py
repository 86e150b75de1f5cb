"""Rule 14: exactly one agency is responsible; when that moves, both sides hold the same signed receipt."""

import json

import pytest
from joserfc import jws

from audit.models import Entry
from audit.receipts import signing_key
from tests.exchange import Exchange
from tests.invariants.attempts import APP, APPEND_ONLY, OWNER, refused, session
from tests.referrals.walks import walk

RESPONSIBLE = {
    "draft": "municipality",
    "submitted": "municipality",
    "received": "municipality",
    "info_requested": "municipality",
    "rejected": "municipality",
    "redirected": "municipality",
    "withdrawn": "municipality",
    "accepted": "centre",
    "in_progress": "centre",
    "on_hold": "centre",
    "completed": "centre",
    "closed_unsuccessful": "centre",
}


@pytest.mark.parametrize("status", RESPONSIBLE)
def test_rule_14_responsible_is_the_sender_until_the_recipient_accepts(exchange: Exchange, status: str) -> None:
    walked = walk(exchange, status)
    responsible = getattr(exchange, RESPONSIBLE[status]).id
    told = [walked.sender.read(walked.id).body["responsible"]["id"]]
    if status != "draft":
        told.append(walked.coordinator.read(walked.id).body["responsible"]["id"])
    assert set(told) == {responsible}


def test_rule_14_both_sides_hold_the_same_signed_receipt_of_the_acceptance(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    timelines = [
        person.get(f"referrals/{walked.id}/timeline").body["results"]
        for person in (walked.sender, walked.coordinator, walked.assigned)
    ]
    assert timelines[0] == timelines[1] == timelines[2]
    steps = {step["move"]: step for step in timelines[0]}
    assert set(steps) == {"submit", "receive", "assign", "accept"}
    accepted = steps["accept"]
    assert accepted["agency"] == exchange.centre.id
    signed = jws.deserialize_compact(accepted["receipt"], signing_key(), algorithms=["Ed25519"])
    said = json.loads(signed.payload)
    entry = Entry.objects.get(subject_id=walked.id, action="referral.accept", outcome="done")
    assert (said["entry"], said["leaf"]) == (str(entry.id), bytes(entry.leaf_hash).hex())


def test_rule_14_a_refused_acceptance_moves_nothing_and_gives_no_receipt_of_one(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    assert walked.attempt("accept", walked.unassigned).status == 409
    assert walked.attempt("accept", walked.sender).status == 409
    steps = walked.sender.get(f"referrals/{walked.id}/timeline").body["results"]
    assert "accept" not in [step["move"] for step in steps]
    assert walked.refresh().body["responsible"]["id"] == exchange.municipality.id


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize(
    "change",
    ["responsible_id = recipient_id", "status = 'accepted'", "status = 'accepted', responsible_id = sender_id"],
)
def test_rule_14_beneath_http_responsibility_moves_with_the_acceptance_and_not_otherwise(
    exchange: Exchange, role: str, change: str
) -> None:
    coordinator = exchange.centre.as_("coordinator")
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    assert coordinator.step(referral, "receive").status == 200
    update = f"UPDATE referrals_referral SET {change} WHERE id = %s"
    with session(role) as cursor:
        assert refused(cursor, update, [referral]) == APPEND_ONLY
