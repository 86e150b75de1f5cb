"""Rule 5: a consent is not given later than the disclosure that rests on it; a late registration is flagged."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.exchange import Exchange, consent_body, referral_body


def ago(**by: float) -> str:
    return (datetime.now(UTC) - timedelta(**by)).isoformat()


@pytest.mark.parametrize("given_at", [ago(days=-1), ago(days=-3650), "9999-12-31T23:59:59Z"])
def test_rule_05_a_consent_from_the_future_is_refused(given_at: str) -> None:
    exchange = Exchange()
    sender = exchange.municipality.as_("caseworker")
    refused = sender.create(referral_body(exchange.centre, consent={"given_at": given_at}))
    assert (refused.status, refused.body.get("code")) == (422, "consent-not-valid")
    assert "/given_at" in {error["pointer"].removeprefix("/basis/consent") for error in refused.body["errors"]}
    assert sender.get("referrals?role=sent").body["results"] == []


@pytest.mark.parametrize(("given_at", "late"), [(ago(hours=1), False), (ago(hours=23), False), (ago(hours=25), True)])
def test_rule_05_a_consent_registered_more_than_a_day_late_is_flagged(
    exchange: Exchange, given_at: str, late: bool
) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    made = sender.create({"subject": subject, **consent_body(exchange.centre, given_at=given_at)}, path="consents")
    assert (made.status, made.body["events"][0]["registered_late"]) == (201, late)


@pytest.mark.parametrize("given_at", ["", "i går", "2026-11-01", 1, None, "0001-01-01T00:00:00+14:00"])
def test_rule_05_a_consent_says_when_it_was_given(exchange: Exchange, given_at: object) -> None:
    body = referral_body(exchange.centre, consent={"given_at": given_at})
    assert exchange.municipality.as_("caseworker").create(body).status == 422
