"""Rule 6: at 15-17 an own consent needs a maturity assessment; under 15 a custody holder gives it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from referrals.sections import birth_year_of
from tests.exchange import SECTIONS, Answer, Caller, Exchange, consent_body, referral_body
from tests.invariants.attempts import APP, CHECKED, OWNER, refusal, session

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
    (18, HOLDER, True),
    (19, HOLDER, False),  # nobody consents for an adult
    (40, HOLDER, False),
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


def of_age(sender: Caller, to: Exchange, years: int, **consent: Any) -> Answer:
    subject = sender.create({"sections": {"background": {"birth_year": YEAR - years}}}).body["subject"]["id"]
    return sender.create({"subject": subject, **consent_body(to.centre), **consent}, path="consents")


def test_rule_06_the_assessment_says_who_made_it_and_when(exchange: Exchange) -> None:
    sender, colleague = exchange.municipality.as_("caseworker"), exchange.municipality.as_("coordinator")
    assessment = {"assessed_by": colleague.staff_id, "assessed_at": "2025-01-15T10:00:00Z"}
    told = of_age(sender, exchange, 16, maturity_assessment=assessment)
    assert (told.status, told.body["maturity_assessed"], told.body["maturity_assessment"]) == (201, True, assessment)
    unsaid = of_age(sender, exchange, 16, maturity_assessed=True).body
    assert unsaid["maturity_assessment"] == {"assessed_by": sender.staff_id, "assessed_at": unsaid["events"][0]["at"]}
    assert of_age(sender, exchange, 40).body["maturity_assessment"] is None


def test_rule_06_the_recipient_learns_that_it_was_assessed_and_not_by_whom(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    consent = of_age(sender, exchange, 16, maturity_assessed=True)
    sender.rest_on(consent, exchange.centre)
    shown = exchange.centre.as_("coordinator").get(f"consents/{consent.body['id']}")
    assert (shown.body["maturity_assessed"], shown.body["maturity_assessment"]) == (True, None)
    assert sender.staff_id not in str(shown.body)


@pytest.mark.parametrize(
    ("assessment", "pointer"),
    [
        ({"assessed_by": "nobody-here"}, "/maturity_assessment/assessed_by"),
        ({"assessed_by": ""}, "/maturity_assessment/assessed_by"),
        ({}, "/maturity_assessment/assessed_by"),
        ({"assessed_by": "me", "assessed_at": "9999-01-01T00:00:00Z"}, "/maturity_assessment/assessed_at"),
        ({"assessed_by": "me", "score": 7}, "/maturity_assessment/score"),
    ],
)
def test_rule_06_an_assessment_that_cannot_be_is_refused(
    exchange: Exchange, assessment: dict[str, Any], pointer: str
) -> None:
    sender = exchange.municipality.as_("caseworker")
    named = {name: sender.staff_id if value == "me" else value for name, value in assessment.items()}
    refused = of_age(sender, exchange, 16, maturity_assessment=named)
    assert (refused.status, [error["pointer"] for error in refused.body["errors"]]) == (422, [pointer])


def test_rule_06_another_agencys_staff_assess_nobody_here(exchange: Exchange) -> None:
    stranger = exchange.stranger.as_("caseworker")
    refused = of_age(
        *(exchange.municipality.as_("caseworker"), exchange, 16),
        maturity_assessment={"assessed_by": stranger.staff_id},
    )
    assert refused.status == 422


@pytest.mark.parametrize(("years", "consent", "taken"), CASES)
def test_rule_06_what_was_asked_for_is_weighed_when_it_is_given(
    exchange: Exchange, years: int, consent: dict[str, Any], taken: bool
) -> None:
    """Whoever could not give it is not asked; and whoever is found to be younger since does not give it."""
    sender = exchange.municipality.as_("caseworker")
    asked = of_age(sender, exchange, years, decision="requested", **consent)
    assert asked.status == (201 if taken else 422)
    subject = sender.create({}).body["subject"]["id"]
    blind = {"subject": subject, **consent_body(exchange.centre), **consent, "decision": "requested"}
    made = sender.create(blind, path="consents")
    learnt = {"subject": {"id": subject}, "sections": {"background": {"birth_year": YEAR - years}}}
    assert sender.create(learnt).status == 201
    given = sender.post(f"consents/{made.body['id']}/give", {"method": "written"}, If_Match=made.etag)
    assert given.status == (200 if taken else 422)


def test_rule_06_a_minor_can_always_refuse_and_withdraw(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    assert of_age(sender, exchange, 12, decision="refused").status == 201
    held = of_age(sender, exchange, 12, given_by="custody_holder")
    ended = sender.post(f"consents/{held.body['id']}/withdraw", {"method": "oral"}, If_Match=held.etag)
    assert (ended.status, ended.body["state"]) == (200, "withdrawn")


def numbered(years: int) -> dict[str, Any]:
    """What tells no year but the number's own: those born since 2000 have a seventh digit of 4."""
    return {**SECTIONS, "identity": {"name": "Testperson Prøvesen", "cpr": f"6101{(YEAR - years) % 100:02}4234"}}


@pytest.mark.parametrize(("years", "consent", "taken"), [case for case in CASES if case[0] < 20])
def test_rule_06_the_number_tells_the_age_where_no_year_is_told(
    exchange: Exchange, years: int, consent: dict[str, Any], taken: bool
) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create(referral_body(exchange.centre, sections=numbered(years), consent=consent))
    assert (made.status, made.body.get("code")) == ((201, None) if taken else (422, "consent-not-valid")), made


@pytest.mark.parametrize(("number", "told"), [(12, 40), (40, 12)])
def test_rule_06_where_the_number_and_the_year_differ_the_younger_counts(
    exchange: Exchange, number: int, told: int
) -> None:
    sections = {
        "identity": {"name": "A", "cpr": f"6101{(YEAR - number) % 100:02}{4 if number == 12 else 1}234"},
        "background": {"birth_year": YEAR - told},
    }
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create({"sections": sections})
    assert draft.status == 201
    body = {"subject": draft.body["subject"]["id"], **consent_body(exchange.centre)}
    assert sender.create(body, path="consents").status == 422
    assert sender.create({**body, "given_by": "custody_holder"}, path="consents").status == 201


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"background": {"birth_year": YEAR - 12}}, {"identity": {"name": "A", "cpr": "6101901234"}}),
        ({"identity": numbered(12)["identity"]}, {"background": {"birth_year": YEAR - 40}}),
    ],
)
@pytest.mark.parametrize("again", [False, True])
def test_rule_06_half_of_it_told_later_makes_nobody_older(
    exchange: Exchange, first: dict[str, Any], then: dict[str, Any], again: bool
) -> None:
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create({"sections": first})
    subject = draft.body["subject"]["id"]
    if again:
        sender.create({"subject": {"id": subject}, "sections": then})
    else:
        told = sender.call("PATCH", f"referrals/{draft.body['id']}", {"sections": then}, If_Match=draft.etag)
        assert told.status == 200
    body = {"subject": subject, **consent_body(exchange.centre)}
    assert sender.create(body, path="consents").status == 422


@pytest.mark.parametrize(
    ("number", "year"),
    [
        *(("6101000000", 1900), ("6101993999", 1999)),
        *(("6101004000", 2000), ("6101364999", 2036), ("6101374000", 1937), ("6101994000", 1999)),
        *(("6101005000", 2000), ("6101578999", 2057), ("6101585000", 1858), ("6101998999", 1899)),
        *(("6101369000", 2036), ("6101379999", 1937)),
    ],
)
def test_rule_06_the_seventh_digit_of_a_number_says_the_century(number: str, year: int) -> None:
    assert birth_year_of(number) == year


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_06_nor_does_who_may_not_consent_by_sql(exchange: Exchange, role: str) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    made = sender.create({"subject": subject, **consent_body(exchange.centre)}, path="consents")
    learnt = {"subject": {"id": subject}, "sections": {"background": {"birth_year": YEAR - 12}}}
    assert sender.create(learnt).status == 201
    with session(role) as cursor:
        renewal = (
            "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, "
            "evidence_hash, registered_by_id) SELECT id, 2, 'renewed', now(), now(), now() + interval '30 days', "
            "'oral', '', registered_by_id FROM consent_consent WHERE id = %s"
        )
        error = refusal(cursor, renewal, [made.body["id"]])
        assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, "consent_is_given_by_who_may")


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_06_nor_does_a_custody_holder_for_an_adult_by_sql(exchange: Exchange, role: str) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    body = {"subject": subject, **consent_body(exchange.centre), "given_by": "custody_holder"}
    made = sender.create(body, path="consents")
    learnt = {"subject": {"id": subject}, "sections": {"background": {"birth_year": YEAR - 40}}}
    assert sender.create(learnt).status == 201
    with session(role) as cursor:
        renewal = (
            "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, "
            "evidence_hash, registered_by_id) SELECT id, 2, 'renewed', now(), now(), now() + interval '30 days', "
            "'oral', '', registered_by_id FROM consent_consent WHERE id = %s"
        )
        error = refusal(cursor, renewal, [made.body["id"]])
        assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, "consent_is_given_by_who_may")
