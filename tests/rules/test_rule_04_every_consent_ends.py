"""Rule 4: every consent ends, after twelve months unless it says sooner; a renewal is a new event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.exchange import Answer, Exchange, consent_body

YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def days_after(days: int) -> str:
    return (YESTERDAY + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def record(exchange: Exchange, **changes: Any) -> Answer:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    body = {"subject": subject, **consent_body(exchange.centre, given_at=days_after(0)), **changes}
    return sender.create(body, path="consents")


@pytest.mark.parametrize(
    ("kind", "expires_after", "ends_after"),
    [
        ("CONFIDENTIALITY_WAIVER", None, 365),
        ("CONFIDENTIALITY_WAIVER", 30, 30),
        ("CONFIDENTIALITY_WAIVER", 365, 365),
        ("CONFIDENTIALITY_WAIVER", 366, None),
        ("GDPR_BASIS", None, 365),
        ("GDPR_BASIS", 366, None),
        ("HEALTH_SL43", None, 365),
        ("HEALTH_SL43", 365, 365),
        ("HEALTH_SL43", 366, None),
        ("NOTIFY_PARENT", None, 182),
        ("NOTIFY_PARENT", 183, None),
        ("CONFIDENTIALITY_WAIVER", 0, None),
        ("CONFIDENTIALITY_WAIVER", -1, None),
    ],
)
def test_rule_04_a_consent_ends_when_it_says_and_within_its_kinds_longest_period(
    exchange: Exchange, kind: str, expires_after: int | None, ends_after: int | None
) -> None:
    end = {} if expires_after is None else {"expires_at": days_after(expires_after)}
    made = record(exchange, kind=kind, **end)
    if ends_after is None:
        assert (made.status, made.body["errors"][0]["pointer"]) == (422, "/expires_at")
    else:
        assert (made.status, made.body["expires_at"]) == (201, days_after(ends_after))


def test_rule_04_a_renewal_is_an_event_with_a_period_of_its_own_and_the_first_stays_as_it_was(
    exchange: Exchange,
) -> None:
    made = record(exchange)
    sender = exchange.municipality.as_("caseworker")
    path = f"consents/{made.body['id']}"
    sooner = (datetime.now(UTC) + timedelta(days=100)).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    renewed = sender.post(f"{path}/renew", {"method": "oral", "expires_at": sooner}, If_Match=made.etag)
    assert (renewed.status, renewed.body["state"], renewed.body["expires_at"]) == (200, "renewed", sooner)
    assert renewed.body["events"][0] == made.body["events"][0]
    assert [event["kind"] for event in renewed.body["events"]] == ["given", "renewed"]
    too_long = (datetime.now(UTC) + timedelta(days=366)).isoformat()
    for end in (too_long, days_after(0), "9999-12-31T23:59:59Z"):
        refused = sender.post(f"{path}/renew", {"method": "oral", "expires_at": end}, If_Match=renewed.etag)
        assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/expires_at")


def test_rule_04_a_consent_that_ended_in_the_past_covers_nothing_now(exchange: Exchange) -> None:
    made = record(exchange, given_at="2020-01-01T00:00:00Z")
    assert (made.status, made.body["state"]) == (201, "expired")
