"""Rule 4: every consent ends, after twelve months unless it says sooner; a renewal is a new event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.exchange import Answer, Exchange, consent_body
from tests.invariants.attempts import APP, CHECKED, OWNER, refusal, session

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


def ahead(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@pytest.mark.parametrize("move", ["renew", "give"])
@pytest.mark.parametrize(("days", "status"), [(None, 200), (364, 200), (366, 422), (396, 422), (3650, 422)])
def test_rule_04_health_information_is_shared_for_twelve_months_at_most_however_it_is_given(
    exchange: Exchange, move: str, days: int | None, status: int
) -> None:
    made = record(exchange, kind="HEALTH_SL43", decision="requested" if move == "give" else "given")
    sender = exchange.municipality.as_("caseworker")
    said = {"method": "digital", **({} if days is None else {"expires_at": ahead(days)})}
    answer = sender.post(f"consents/{made.body['id']}/{move}", said, If_Match=made.etag)
    assert answer.status == status
    if status == 200:
        assert answer.body["expires_at"] <= ahead(365)


@pytest.mark.parametrize("move", ["renew", "give"])
def test_rule_04_health_information_is_shared_in_writing_alone(exchange: Exchange, move: str) -> None:
    sender = exchange.municipality.as_("caseworker")
    refused = record(exchange, kind="HEALTH_SL43", method="oral")
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/method")
    made = record(exchange, kind="HEALTH_SL43", decision="requested" if move == "give" else "given")
    answer = sender.post(f"consents/{made.body['id']}/{move}", {"method": "oral"}, If_Match=made.etag)
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/method")


def test_rule_04_a_consent_of_before_can_be_renewed_after_it_ended_but_what_was_stays(exchange: Exchange) -> None:
    made = record(exchange, given_at="2020-01-01T00:00:00Z")
    sender = exchange.municipality.as_("caseworker")
    renewed = sender.post(f"consents/{made.body['id']}/renew", {"method": "oral"}, If_Match=made.etag)
    assert (renewed.status, renewed.body["state"]) == (200, "renewed")
    assert renewed.body["events"][0] == made.body["events"][0]


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("lasts", ["13 months", "366 days", "10 years"])
def test_rule_04_nor_for_longer_by_sql(exchange: Exchange, role: str, lasts: str) -> None:
    made = record(exchange, kind="HEALTH_SL43")
    with session(role) as cursor:
        renewal = (
            "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, "
            "evidence_hash, registered_by_id) SELECT id, 2, 'renewed', now(), now(), now() + %s::interval, 'written', "
            "'', registered_by_id FROM consent_consent WHERE id = %s"
        )
        error = refusal(cursor, renewal, [lasts, made.body["id"]])
        assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, "consent_health_ends_within_twelve_months")
