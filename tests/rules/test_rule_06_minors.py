"""Rule 6: at 15-17 an own consent needs a maturity assessment; under 15 a custody holder gives it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.exchange import SECTIONS, Exchange, consent_body, referral_body

YEAR = datetime.now(UTC).year
OWN, ASSESSED, HOLDER = {}, {"maturity_assessed": True}, {"given_by": "custody_holder"}  # type: ignore[var-annotated]
CASES: list[tuple[int, dict[str, Any], bool]] = [
    # years between birth year and now, the consent, whether it is taken
    (12, OWN, False),
    (12, ASSESSED, False),
    (12, HOLDER, True),
    (14, ASSESSED, False),
    (14, HOLDER, True),
    (16, OWN, False),
    (16, ASSESSED, True),
    (16, HOLDER, True),
    (17, OWN, False),
    (18, OWN, False),  # the birthday may still be to come this year
    (18, ASSESSED, True),
    (19, OWN, True),
    (40, OWN, True),
]


def aged(years: int) -> dict[str, Any]:
    return {**SECTIONS, "background": {"birth_year": YEAR - years}}


CATEGORIES = [*SECTIONS, "background"]


@pytest.mark.parametrize(("years", "consent", "taken"), CASES)
def test_rule_06_a_minors_consent_told_with_the_referral_is_weighed(
    exchange: Exchange, years: int, consent: dict[str, Any], taken: bool
) -> None:
    body = referral_body(exchange.centre, sections=aged(years), consent={"categories": CATEGORIES, **consent})
    made = exchange.municipality.as_("caseworker").create(body)
    assert (made.status, made.body.get("code")) == ((201, None) if taken else (422, "consent-not-valid")), made


@pytest.mark.parametrize(("years", "consent", "taken"), [CASES[0], CASES[2], CASES[5], CASES[6]])
def test_rule_06_a_minors_consent_recorded_before_is_weighed(
    exchange: Exchange, years: int, consent: dict[str, Any], taken: bool
) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({"sections": {"background": {"birth_year": YEAR - years}}}).body["subject"]["id"]
    body = {"subject": subject, **consent_body(exchange.centre), **consent}
    assert sender.create(body, path="consents").status == (201 if taken else 422)


@pytest.mark.parametrize("years", [12, 16])
def test_rule_06_an_age_told_after_the_consent_is_weighed_before_anything_is_sent(
    exchange: Exchange, years: int
) -> None:
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create(referral_body(exchange.centre, submit=False, consent={"categories": CATEGORIES}))
    edited = sender.call(
        "PATCH",
        f"referrals/{draft.body['id']}",
        {"sections": {"background": {"birth_year": YEAR - years}}},
        If_Match=draft.etag,
    )
    if edited.status == 200:
        assert sender.step(draft.body["id"], "submit").status == 422
    else:
        assert edited.status == 422


def test_rule_06_an_age_corrected_downwards_is_weighed_too(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    body = referral_body(exchange.centre, submit=False, sections=aged(40), consent={"categories": CATEGORIES})
    draft = sender.create(body)
    change = {"sections": {"background": {"birth_year": YEAR - 12}}}
    edited = sender.call("PATCH", f"referrals/{draft.body['id']}", change, If_Match=draft.etag)
    if edited.status == 200:
        assert sender.step(draft.body["id"], "submit").status == 422


def test_rule_06_a_person_referred_again_as_younger_than_before_is_weighed_as_such(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    first = sender.create({"sections": {"background": {"birth_year": YEAR - 40}}})
    again = referral_body(
        exchange.centre,
        subject={"id": first.body["subject"]["id"]},
        sections=aged(12),
        consent={"categories": CATEGORIES},
    )
    assert sender.create(again).status == 422
