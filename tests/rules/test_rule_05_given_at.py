"""Rule 5: a consent is not given later than the disclosure that rests on it; a late registration is flagged."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.exchange import Exchange, consent_body, referral_body
from tests.invariants.attempts import APP, APPEND_ONLY, OWNER, refused, session


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


@pytest.mark.parametrize(("answered", "late"), [(ago(hours=1), False), (ago(hours=25), True)])
@pytest.mark.parametrize("move", ["give", "refuse"])
def test_rule_05_so_is_an_answer(exchange: Exchange, move: str, answered: str, late: bool) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    asked = {"subject": subject, **consent_body(exchange.centre), "decision": "requested"}
    made = sender.create(asked, path="consents")
    path = f"consents/{made.body['id']}"
    answer = sender.post(f"{path}/{move}", {"method": "oral", "answered_at": answered}, If_Match=made.etag)
    assert (answer.status, answer.body["events"][1]["registered_late"]) == (200, late)
    assert sender.get(path).body["events"][1]["registered_late"] is late


@pytest.mark.parametrize(("renewed_at", "late"), [(ago(hours=1), False), (ago(hours=25), True)])
def test_rule_05_so_is_a_renewal_and_its_period_counts_from_when_it_was_made(
    exchange: Exchange, renewed_at: str, late: bool
) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    made = sender.create({"subject": subject, **consent_body(exchange.centre)}, path="consents")
    path = f"consents/{made.body['id']}/renew"
    renewed = sender.post(path, {"method": "oral", "renewed_at": renewed_at}, If_Match=made.etag)
    assert (renewed.status, renewed.body["events"][1]["registered_late"]) == (200, late)
    at = datetime.fromisoformat(renewed_at)
    assert datetime.fromisoformat(renewed.body["events"][1]["at"]) == at
    assert datetime.fromisoformat(renewed.body["expires_at"]) == at + timedelta(days=365)
    too_long = {"method": "oral", "renewed_at": ago(minutes=30), "expires_at": ago(days=-365)}
    refused = sender.post(path, too_long, If_Match=renewed.etag)
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/expires_at")


def test_rule_05_a_renewal_lies_between_what_happened_last_and_now(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    body = {"subject": subject, **consent_body(exchange.centre, given_at=ago(days=5))}
    made = sender.create(body, path="consents")
    path = f"consents/{made.body['id']}/renew"
    said = {"method": "oral", "expires_at": ago(days=-9)}
    for at, code in ((ago(days=-1), "in_the_future"), (ago(days=6), "before_the_last_event")):
        refused = sender.post(path, {**said, "renewed_at": at}, If_Match=made.etag)
        assert refused.status == 422
        assert [(e["pointer"], e["code"]) for e in refused.body["errors"]] == [("/renewed_at", code)]
    renewed = sender.post(path, {**said, "renewed_at": ago(days=2)}, If_Match=made.etag)
    assert renewed.status == 200
    between = sender.post(path, {**said, "renewed_at": ago(days=3)}, If_Match=renewed.etag)
    assert between.body["errors"][0]["code"] == "before_the_last_event"


EVENT = (
    "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, evidence_hash, "
    "registered_by_id) SELECT id, 2, 'renewed', {at}, {registered_at}, now() + interval '30 days', 'oral', '', "
    "registered_by_id FROM consent_consent WHERE id = %s "
    "RETURNING registered_at BETWEEN now() - interval '1 minute' AND clock_timestamp(), at <= registered_at"
)


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_05_nobody_dates_a_registration_back_by_sql(exchange: Exchange, role: str) -> None:
    """Else a consent could be made to have been known before a disclosure that had none."""
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    consent = sender.create({"subject": subject, **consent_body(exchange.centre)}, path="consents").body["id"]
    for at, registered_at in (
        ("now()", "now() - interval '1 year'"),
        ("now() - interval '1 year'", "now() - interval '1 year'"),
        ("now() + interval '1 day'", "now() + interval '1 day'"),
    ):
        with session(role) as cursor:
            cursor.execute(EVENT.format(at=at, registered_at=registered_at), [consent])
            assert cursor.fetchone() == (True, True)
    with session(OWNER) as cursor:
        moved = "UPDATE consent_consentevent SET registered_at = at WHERE consent_id = %s"
        assert refused(cursor, moved, [consent]) == APPEND_ONLY
