"""Rule 9: no endpoint forces a disclosure; a request for information is declined for a reason, without consequence."""

import pytest

from tests.exchange import Exchange
from tests.invariants.attempts import APP, CONSENT_ENDED, naming, refused, send, session, write_entry
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
    walked = walk(exchange, status, urgency="acute")  # whose clock runs also at weekends
    could = walked.coordinator.read(walked.id).body
    walked.take("request_info")
    walked.take("decline_info", body={"kind": "information_declined", "reason": reason})
    now = walked.coordinator.read(walked.id).body
    for name in ("status", "allowed_actions", "responsible", "sections", "withheld", "basis"):
        assert now[name] == could[name], name
    assert now["deadlines"]["decide_by"] > could["deadlines"]["decide_by"]


def test_rule_09_beneath_http_what_was_declined_is_not_released_to_who_asked(exchange: Exchange) -> None:
    """A request names a category and forces nothing: an entry that names it as well opens no more than before."""
    sent = send(exchange)
    coordinator = exchange.centre.as_("coordinator")
    asked = {"kind": "information_request", "reason": "contact_unclear", "categories": ["health"]}
    assert coordinator.step(sent.referral, "messages", asked).status == 200
    declined = {"kind": "information_declined", "reason": "not_held"}
    assert sent.sender.step(sent.referral, "messages", declined).status == 200
    entry = write_entry(**naming(sent.referral, sent.receiving, "health"))
    with session(APP) as cursor:
        release = "SELECT * FROM referrals_release(%s, %s, %s)"
        assert refused(cursor, release, [entry, sent.receiving, sent.referral]) == CONSENT_ENDED
