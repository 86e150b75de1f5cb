"""Rule 2: on a consent basis the consent has to be of the right kind, standing, and reach as far as the disclosure."""

from typing import Any

import pytest

from tests.exchange import Exchange, referral_body
from tests.referrals.walks import walk, withdraw_consent

LAPSED = {"given_at": "2020-01-01T00:00:00Z"}
CASES: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"kind": "PARTICIPATION"}, "consent_of_wrong_kind"),
    ({"kind": "GDPR_BASIS"}, "consent_of_wrong_kind"),
    (LAPSED, "consent_expired"),
    ({"purposes": ["crime_prevention"]}, "consent_not_for_purpose"),
    ({"purposes": ["case_follow_up"]}, "consent_not_for_purpose"),
    ({"categories": ["reason", "contact", "needs"]}, "section_not_covered"),
    ({"recipients": ["stranger"]}, "consent_not_for_recipient"),
    ({"recipients": ["stranger", "centre"]}, ""),
]


@pytest.mark.parametrize(("consent", "objection"), CASES)
def test_rule_02_a_referral_goes_only_as_far_as_the_consent_reaches(
    exchange: Exchange, consent: dict[str, Any], objection: str
) -> None:
    if "recipients" in consent:
        consent = {"recipients": [getattr(exchange, name).id for name in consent["recipients"]]}
    made = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre, consent=consent))
    assert made.status == (422 if objection else 201), made
    assert not objection or objection in {error["code"] for error in made.body["errors"]}


def test_rule_02_what_the_consent_does_not_name_is_withheld_from_a_later_reader_too(exchange: Exchange) -> None:
    """A second consent with fewer categories: what it does not name is not read, though it was written before."""
    walked = walk(exchange, "received")
    withdraw_consent(walked.sender, walked.id)
    walked.refresh()
    narrower = {
        "kind": "CONFIDENTIALITY_WAIVER",
        "recipients": [exchange.centre.id],
        "purposes": ["exit_support"],
        "categories": ["reason"],
        "given_at": "2026-11-01T09:00:00Z",
        "method": "oral",
    }
    refused = walked.attempt("resume", walked.sender, {"basis": {"code": "SAMTYKKE-TAVSHED", "consent": narrower}})
    assert refused.status == 422
    assert walked.coordinator.read(walked.id).body["sections"] == {}


def test_rule_02_a_consent_of_another_persons_is_none(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    theirs = sender.create(referral_body(exchange.centre)).body["basis"]["consent_id"]
    basis = {"code": "SAMTYKKE-TAVSHED", "consent_id": theirs}
    refused = sender.create(referral_body(exchange.centre, basis=basis))
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/basis/consent_id")
