"""Rule 8: a § 115 disclosure needs a necessity statement and is never for investigation."""

import pytest

from audit.models import Entry
from tests.exchange import Exchange, referral_body
from tests.referrals.walks import at_home, police_referral

REASON = {"reason": {"summary": "Bekymring for en ung.", "subject_aware": "no"}}


@pytest.mark.parametrize("code", ["RPL115-SSP", "RPL115-PSP", "RPL115-KSP"])
@pytest.mark.parametrize("statement", [None, "", " ", "Nødvendigt."])
def test_rule_08_without_a_necessity_statement_nothing_goes(
    exchange: Exchange, code: str, statement: str | None
) -> None:
    basis = {"code": code, **({} if statement is None else {"necessity_statement": statement})}
    made = exchange.municipality.as_("caseworker").create(
        referral_body(exchange.police, basis=basis, sections=at_home(exchange.municipality, REASON)),
        Purpose="crime_prevention",
    )
    assert made.status == (201 if statement == "Nødvendigt." else 422)


def test_rule_08_the_statement_is_stored_and_shown_with_the_reason(exchange: Exchange) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    told = exchange.police.as_("caseworker").read(referral)
    assert told.body["sections"]["reason"]["necessity"].startswith("Uden oplysningerne")


def test_rule_08_every_answer_about_a_referral_carries_not_for_investigation(exchange: Exchange) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    officer = exchange.police.as_("caseworker")
    assert officer.read(referral).body["not_for_investigation"] is True
    assert officer.get("referrals").body["results"][0]["not_for_investigation"] is True


def test_rule_08_for_investigation_nothing_is_shown_done_or_listed_and_each_attempt_is_recorded(
    exchange: Exchange,
) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    officer = exchange.police.as_("caseworker")
    etag = officer.read(referral).etag
    officer.headers["Purpose"] = "investigation"
    for method, path, body in [  # type: ignore[var-annotated]
        ("GET", f"referrals/{referral}", None),
        ("GET", "referrals", None),
        ("GET", f"referrals/{referral}/timeline", None),
        ("POST", f"referrals/{referral}/receive", {}),
        ("POST", "referrals", {}),
        ("POST", "referrals/batch", {"items": [{}]}),
        ("PATCH", f"referrals/{referral}", {"urgency": "acute"}),
    ]:
        refused = officer.call(method, path, body, If_Match=etag, Idempotency_Key="key")
        assert (refused.status, refused.body["code"]) == (403, "purpose-forbidden"), path
        entry = Entry.objects.get(request_id=refused.headers["Request-Id"])
        assert (entry.outcome, entry.refusal, entry.purpose) == ("refused", "purpose-forbidden", "investigation")
        assert entry.on_behalf_of == officer.staff_id


def test_rule_08_an_auditor_does_not_look_for_an_investigation_either(exchange: Exchange) -> None:
    auditor = exchange.oversight.as_("auditor")
    for refused in (
        auditor.get("audit/entries?limit=1", Purpose="investigation", Audit_Case="2026-1"),
        auditor.post("audit/entries/search", {"case_number": "2026-1", "limit": 1}, Purpose="investigation"),
    ):
        assert (refused.status, refused.body.get("code")) == (403, "purpose-forbidden")
        assert Entry.objects.get(request_id=refused.headers["Request-Id"]).outcome == "refused"
