"""Rule 3: after an acknowledged withdrawal nothing that rested on the consent is read; the past stays as it was."""

import pytest

from audit.models import Entry
from tests.exchange import Exchange, referral_body
from tests.referrals.walks import walk, withdraw_consent

RESTED_ON_IT = ["contact", "identity", "reason", "needs"]


@pytest.mark.parametrize("status", ["submitted", "in_progress", "completed", "info_requested"])
@pytest.mark.parametrize("through", ["sender", "recipient"])
def test_rule_03_after_a_withdrawal_nobody_at_the_recipient_reads_what_rested_on_it(
    exchange: Exchange, status: str, through: str
) -> None:
    walked = walk(exchange, status)
    before = walked.coordinator.read(walked.id)
    assert set(before.body["sections"]) >= set(RESTED_ON_IT)
    past = list(Entry.objects.filter(subject_id=walked.id).order_by("id").values())
    by = walked.sender if through == "sender" else walked.coordinator
    assert withdraw_consent(by, walked.id).status == 200
    for person in (walked.coordinator, walked.assigned, walked.unassigned):
        told = person.read(walked.id)
        assert not set(told.body["sections"]) & set(RESTED_ON_IT)
        assert set(RESTED_ON_IT) <= set(told.body["withheld"])
        listed = person.get("referrals?role=received").body["results"]
        assert "Testperson" not in str(listed)
    assert list(Entry.objects.filter(id__in=[entry["id"] for entry in past]).order_by("id").values()) == past


def test_rule_03_the_sender_keeps_its_own_words_and_loses_the_outcome(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress", consent={"report_back": True})
    walked.take("complete")
    assert "outcome" in walked.sender.read(walked.id).body["sections"]
    assert withdraw_consent(walked.sender, walked.id).status == 200
    told = walked.sender.read(walked.id).body
    assert ("identity" in told["sections"], "outcome" in told["sections"]) == (True, False)


def test_rule_03_a_replay_after_the_withdrawal_shows_the_outcome_no_more_than_a_read_does(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    body = referral_body(exchange.centre, consent={"report_back": True})
    referral = sender.create(body, Idempotency_Key="k").body["id"]
    for move, said in [
        ("receive", {}),
        ("accept", {}),
        ("start", {}),
        ("complete", {"reason": "goals_reached", "outcome": "housing"}),
    ]:
        assert coordinator.step(referral, move, said).status == 200
    assert "outcome" in sender.create(body, Idempotency_Key="k").body["sections"]
    assert withdraw_consent(sender, referral).status == 200
    replayed = sender.create(body, Idempotency_Key="k")
    assert (replayed.body["id"], "outcome" in replayed.body["sections"]) == (referral, False)
