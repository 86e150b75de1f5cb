"""Rule 1: a disclosure is refused and recorded unless its basis allows sender, recipient, age and every category."""

from typing import Any

import pytest

from audit.models import Entry
from consent.models import LegalBasis
from tests.exchange import Exchange, consent_body, referral_body
from tests.invariants.attempts import APP, CONSENT_ENDED, naming, refused, send, session, write_entry
from tests.referrals.walks import at_home

NECESSARY = "Uden oplysningerne kan vi ikke forebygge sammen."
REASON = {"reason": {"summary": "Bekymring for en ung.", "subject_aware": "no"}}
AT_17 = {**REASON, "background": {"birth_year": 2010}}
AT_36 = {**REASON, "background": {"birth_year": 1990}}
CONCERN = {**REASON, "concern": {"milieu": "unknown"}}
CRIMINAL = {**REASON, "criminal": {"statements": [{"text": "Dømt.", "kind": "reported"}]}}

Case = tuple[str, str, str, str, dict[str, Any], str]
CASES: list[Case] = [
    # sender, recipient, basis, purpose, sections, what stands in its way
    ("municipality", "police", "RPL115-SSP", "crime_prevention", REASON, ""),
    ("police", "municipality", "RPL115-SSP", "crime_prevention", REASON, ""),
    ("municipality", "police", "RPL115-SSP", "crime_prevention", CRIMINAL, ""),
    ("municipality", "centre", "RPL115-SSP", "crime_prevention", REASON, "basis_not_for_recipient"),
    ("centre", "police", "RPL115-SSP", "crime_prevention", REASON, "basis_not_for_sender"),
    ("municipality", "police", "RPL115-SSP", "exit_support", REASON, "basis_not_for_purpose"),
    ("municipality", "centre", "MYNDIGHED-6E", "exit_support", REASON, ""),
    ("police", "centre", "MYNDIGHED-6E", "exit_support", REASON, "basis_not_for_sender"),
    ("municipality", "centre", "ANON", "exit_support", REASON, "basis_not_for_this"),
    ("municipality", "centre", "STRFL-141", "averting_danger", REASON, "basis_not_for_this"),
    ("municipality", "centre", "ART15", "subject_access", REASON, "basis_not_for_this"),
    ("municipality", "centre", "STAT-10", "exit_support", REASON, "basis_not_for_this"),
    ("municipality", "police", "STRFL-141", "averting_danger", REASON, "basis_not_for_this"),
    ("municipality", "stranger", "BL-133", "child_protection", AT_17, "basis_not_for_this"),
    ("municipality", "stranger", "BL-133", "child_protection", AT_36, "basis_not_for_age"),
    ("municipality", "stranger", "BL-133", "child_protection", REASON, "basis_not_for_age"),
    ("municipality", "centre", "BL-133", "child_protection", AT_17, "basis_not_for_recipient"),
    ("municipality", "centre", "ARKIV", "exit_support", REASON, "basis_not_for_recipient"),
    ("municipality", "centre", "SAMTYKKE-TAVSHED", "exit_support", REASON, "consent_missing"),
    ("centre", "stranger", "BL-133", "child_protection", AT_17, "basis_not_for_sender"),
    ("centre", "stranger", "BL-135", "child_protection", AT_17, "basis_not_for_this"),
    ("centre", "municipality", "SAMTYKKE-TAVSHED", "exit_support", REASON, "basis_not_for_sender"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join((*case[:4], case[5] or "goes")))
def test_rule_01_a_referral_goes_only_where_its_basis_allows_it(exchange: Exchange, case: Case) -> None:
    sender, recipient, basis, purpose, sections, objection = case
    needs = basis.startswith(("RPL115", "MYNDIGHED"))
    stated = {"code": basis, **({"necessity_statement": NECESSARY} if needs else {})}
    if "police" in (sender, recipient):
        sections = at_home(exchange.municipality, sections)
    by = getattr(exchange, sender).as_("caseworker")
    made = by.create(referral_body(getattr(exchange, recipient), basis=stated, sections=sections), Purpose=purpose)
    if not objection:
        assert made.status == 201, made
        reader = getattr(exchange, recipient).as_("coordinator").read(made.body["id"], Purpose=purpose)
        assert reader.body["sections"].keys() == {*sections, *(["reason"] if needs else [])}
        return
    assert (made.status, made.body["code"]) == (422, "not-covered")
    assert objection in {error["code"] for error in made.body["errors"]}
    entry = Entry.objects.get(request_id=made.headers["Request-Id"])
    assert (entry.outcome, entry.refusal, entry.purpose) == ("refused", "not-covered", purpose)


@pytest.mark.parametrize(("ground", "category"), [("article_9_ground", "concern"), ("article_10_ground", "criminal")])
def test_rule_01_where_the_basis_asks_for_a_ground_of_its_own_the_section_goes_with_it_and_not_without(
    exchange: Exchange, ground: str, category: str
) -> None:
    by = exchange.municipality.as_("caseworker")
    sections = CONCERN if category == "concern" else CRIMINAL
    stated = {"code": "MYNDIGHED-6E", "necessity_statement": NECESSARY}
    refused = by.create(referral_body(exchange.centre, basis=stated, sections=sections))
    assert [error["code"] for error in refused.body["errors"]] == ["section_not_covered"]
    stated[ground] = {"article_9_ground": "art_9_2_g", "article_10_ground": "dbl_8_2_3"}[ground]
    made = by.create(referral_body(exchange.centre, basis=stated, sections=sections))
    assert made.status == 201, made
    assert category in exchange.centre.as_("counsellor").read(made.body["id"]).body["sections"]


def test_rule_01_a_consultation_about_nobody_known_goes_without_what_would_tell_who(exchange: Exchange) -> None:
    by = exchange.municipality.as_("caseworker")

    def tried(sections: dict[str, Any]) -> Any:
        basis, nobody = {"code": "ANON"}, {"mode": "anonymous"}
        return by.create(referral_body(exchange.centre, basis=basis, subject=nobody, sections=sections))

    made = tried(REASON)
    assert made.status == 201, made
    assert set(exchange.centre.as_("counsellor").read(made.body["id"]).body["sections"]) == {"reason"}
    for sections in (CONCERN, CRIMINAL):
        assert [error["code"] for error in tried(sections).body["errors"]] == ["section_not_covered"]


CARRY_A_REFERRAL = {
    *("RPL115-SSP", "RPL115-PSP", "RPL115-KSP", "RPL115-3", "SAMTYKKE-GDPR", "SAMTYKKE-TAVSHED"),
    *("RSL-11A-1", "SL-43-44", "MYNDIGHED-6E"),
}
"""The bases on which a referral of a known person may go. The others are for something else."""


def test_rule_01_these_bases_carry_a_referral_and_no_others() -> None:
    found = dict(LegalBasis.objects.filter(version=1).values_list("code", "carries"))
    assert {code for code, carries in found.items() if carries == "referral"} == CARRY_A_REFERRAL | (
        {"TEST-LAPSED"} & set(found)
    )
    others = {code: carries for code, carries in found.items() if carries != "referral"}
    others.pop("TEST-LAPSED", None)
    assert others == {
        "ANON": "anonymous",
        "BL-133": "notification",
        "BL-135": "notification",
        "VITAL": "emergency",
        "ART15": "insight",
        "POLICE-ALONE": "none",
        "STRFL-141": "none",
        "STAT-10": "none",
        "ARKIV": "none",
    }


def test_rule_01_beneath_http_a_referral_pointed_at_a_basis_for_something_else_releases_nothing(
    exchange: Exchange,
) -> None:
    """SQL injected into the application can point a referral at another basis; the release asks what it carries."""
    sent = send(exchange)
    for code in ("ANON", "VITAL", "BL-133", "ARKIV"):
        with session(APP) as cursor:
            cursor.execute(
                "UPDATE referrals_referral SET cpr_ground = 'statute', necessity_stated = true, basis_id = "
                "(SELECT id FROM consent_legalbasis WHERE code = %s AND version = 1) WHERE id = %s",
                [code, sent.referral],
            )
            entry = write_entry(**naming(sent.referral, sent.receiving, "reason"))
            release = "SELECT * FROM referrals_release(%s, %s, %s)"
            assert refused(cursor, release, [entry, sent.receiving, sent.referral]) == CONSENT_ENDED


def test_rule_01_a_basis_that_has_lapsed_carries_nothing(exchange: Exchange) -> None:
    """A basis of this test's own, valid only in the past: the shared ones are facts of law."""
    old = LegalBasis.objects.get(code="ANON", version=1)
    LegalBasis.objects.get_or_create(
        code="TEST-LAPSED",
        version=1,
        defaults={
            **{
                field.name: getattr(old, field.name)
                for field in LegalBasis._meta.fields
                if field.name not in ("id", "code", "version")
            },
            "valid_from": "2019-01-01",
            "valid_to": "2019-12-31",
        },
    )
    refused = exchange.municipality.as_("caseworker").create(
        referral_body(exchange.centre, basis={"code": "TEST-LAPSED"}, sections=REASON)
    )
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/basis/code")


def test_rule_01_a_consent_does_not_widen_what_its_basis_is_for(exchange: Exchange) -> None:
    """RSL § 11 a is for help, not for crime prevention, whatever the person agreed to."""
    consent = consent_body(exchange.municipality, ["reason"], kind="SOCIAL_COLLECTION", purposes=["crime_prevention"])
    refused = exchange.police.as_("caseworker").create(
        referral_body(exchange.municipality, basis={"code": "RSL-11A-1", "consent": consent}, sections=REASON),
        Purpose="crime_prevention",
    )
    assert refused.status == 422, refused
