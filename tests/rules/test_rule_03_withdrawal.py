"""Rule 3: after an acknowledged withdrawal nothing that rested on the consent is read; the past stays as it was."""

import pytest

from audit.models import Entry
from tests.exchange import Exchange
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


def test_rule_03_a_replay_after_the_withdrawal_shows_no_more_than_a_read(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    key = {"Idempotency_Key": "child"}
    redirected = walked.take("redirect")
    child = redirected.headers["Link"].split(">")[0].lstrip("<")
    assert walked.coordinator.get(child).status == 200
    assert walked.coordinator.create({}, **key).status == 201
    assert withdraw_consent(walked.sender, walked.id).status == 200
    assert walked.coordinator.read(walked.id).body["sections"].keys() <= {"outcome"}
