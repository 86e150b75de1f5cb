"""Rule 9: no endpoint forces a disclosure; a request for information is declined for a reason, without consequence."""

import pytest

from tests.exchange import Exchange
from tests.referrals.walks import walk


@pytest.mark.parametrize(
    "reason",
    [
        *("not_covered_by_consent", "no_legal_basis", "not_necessary", "not_held", "subject_prefers_to_tell"),
        "no_duty_to_disclose",
    ],
)
@pytest.mark.parametrize("status", ["submitted", "received"])
def test_rule_09_a_declined_request_leaves_the_referral_as_it_was(exchange: Exchange, status: str, reason: str) -> None:
    walked = walk(exchange, status)
    could = walked.coordinator.read(walked.id).body
    walked.take("request_info")
    walked.take("decline_info", body={"kind": "information_declined", "reason": reason})
    now = walked.coordinator.read(walked.id).body
    for name in ("status", "allowed_actions", "responsible", "sections", "withheld", "basis"):
        assert now[name] == could[name], name
    assert now["deadlines"]["decide_by"] > could["deadlines"]["decide_by"]
