"""Rule 15, as far as it exists: "taken over by police" closes the referral and hides it from the others."""

import pytest

from tests.exchange import Exchange
from tests.referrals.walks import police_referral


@pytest.mark.parametrize("police_sends", [False, True])
def test_rule_15_after_the_police_took_over_the_other_side_sees_that_and_nothing_else(
    exchange: Exchange, police_sends: bool
) -> None:
    parties = (exchange.municipality, exchange.police)
    referral = police_referral(*(parties[::-1] if police_sends else parties))
    officer = exchange.police.as_("caseworker")
    taken = officer.step(referral, "close", {"reason": "taken_over_by_police"})
    assert (taken.status, taken.body["allowed_actions"]) == (200, ["mark_in_error"] if police_sends else [])
    for role in ("caseworker", "coordinator"):
        other = exchange.municipality.as_(role)
        other.headers["Purpose"] = "crime_prevention"
        told = other.read(referral)
        assert (told.status, told.body["status"], told.body["sections"]) == (200, "taken_over_by_police", {})
        assert told.body["withheld"] == [
            *("contact", "identity", "background", "reason", "concern", "health"),
            *("criminal", "safety", "network", "needs", "outcome"),
        ]
        assert other.step(referral, "withdraw", {"reason": "sent_too_early"}).status == 409
    assert "reason" in officer.read(referral).body["sections"]


def test_rule_15_nobody_but_the_police_takes_over(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    for who in (exchange.centre.as_("coordinator"), exchange.municipality.as_("caseworker")):
        assert "take_over" not in who.read(referral).body["allowed_actions"]
        assert who.step(referral, "close", {"reason": "taken_over_by_police"}).status == 409
    officer = exchange.police.as_("caseworker")
    refused = officer.post(f"referrals/{referral}/close", {"reason": "taken_over_by_police"}, If_Match='"2"')
    assert refused.status == 404
