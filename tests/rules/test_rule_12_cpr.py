"""Rule 12: a CPR number is sealed, and stands in no address, log, error, list or entry. Numbers here are day + 60."""

import logging
from typing import Any

import pytest

from tests.exchange import SECTIONS, Exchange, consent_body, referral_body
from tests.rules.scan import tables_holding

SEALED = "7202834561"
ELSEWHERE = "8303724562"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def test_rule_12_a_cpr_number_is_read_by_those_entitled_and_lies_nowhere_in_clear(
    exchange: Exchange, said: pytest.LogCaptureFixture
) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    sections = {**SECTIONS, "identity": {"name": "Testperson", "cpr": SEALED}}
    referral = sender.submit(exchange.centre, sections=sections)
    assert coordinator.read(referral).body["sections"]["identity"]["cpr"] == SEALED
    assert coordinator.step(referral, "receive").status == 200
    told = [
        coordinator.get("referrals").body,
        coordinator.get(f"referrals/{referral}/timeline").body,
        coordinator.get(f"referrals/{referral}/disclosures").body,
        exchange.oversight.as_("auditor").get(f"audit/entries?referral={referral}", Audit_Case="1").body,
    ]
    assert SEALED not in str(told)
    assert SEALED not in said.text
    assert tables_holding(SEALED) == []


ATTEMPTS: list[tuple[str, str, Any, dict[str, str]]] = [
    ("POST", "referrals", {"external_reference": ELSEWHERE}, {}),
    ("POST", "referrals", {"external_reference": f"SAG-{ELSEWHERE}"}, {}),
    ("POST", "referrals", {"sections": {"reason": {"summary": ELSEWHERE, "subject_aware": "yes"}}}, {}),
    ("POST", "referrals", {"sections": {"identity": {"name": "A", "cpr": f"{ELSEWHERE}0"}}}, {}),
    ("POST", "referrals", {ELSEWHERE: ELSEWHERE}, {}),
    ("POST", "referrals", {"channel": ELSEWHERE, "urgency": int(ELSEWHERE)}, {}),
    ("POST", "referrals", {"basis": {"code": ELSEWHERE}}, {}),
    ("POST", "referrals", {}, {"Idempotency_Key": ELSEWHERE}),
    ("POST", "referrals", {}, {"Idempotency_Key": f"kk-{ELSEWHERE}-1"}),
    ("POST", "referrals", {}, {"Request_Id": f"kk-{ELSEWHERE}-1"}),
    ("POST", "referrals", {}, {"Purpose": ELSEWHERE}),
    ("POST", "referrals", {}, {"On_Behalf_Of": ELSEWHERE}),
    ("POST", "consents", {"subject": ELSEWHERE}, {}),
    ("POST", "consents", {"subject": "{subject}", "notice_version": ELSEWHERE}, {}),
    ("GET", f"referrals?external_reference={ELSEWHERE}&role=sent", None, {}),
    ("GET", f"referrals?assigned_to={ELSEWHERE}", None, {}),
    ("GET", f"referrals/{ELSEWHERE}", None, {}),
    ("GET", f"consents/{ELSEWHERE}", None, {}),
    ("GET", f"agencies?code={ELSEWHERE}", None, {}),
    ("GET", f"code-lists/{ELSEWHERE}", None, {}),
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: f"{attempt[1]}{attempt[2] or ''}{attempt[3] or ''}")
def test_rule_12_a_cpr_number_in_the_wrong_place_is_neither_kept_nor_repeated(
    exchange: Exchange, said: pytest.LogCaptureFixture, attempt: tuple[str, str, Any, dict[str, str]]
) -> None:
    method, path, body, headers = attempt
    sender = exchange.municipality.as_("caseworker")
    if path == "consents":
        subject = sender.create({}).body["subject"]["id"]
        body = {**consent_body(exchange.centre), **body}
        body["subject"] = body["subject"].format(subject=subject)
    answer = sender.call(method, path, body, **{"Idempotency_Key": "key", **headers})
    assert answer.status < 500
    assert ELSEWHERE not in f"{answer.body}{answer.headers}"
    assert ELSEWHERE not in said.text
    assert tables_holding(ELSEWHERE) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Audit_Case": ELSEWHERE},
        {"Audit_Reason": ELSEWHERE},
        {"Audit_Case": "2026-1", "Audit_Reason": f"{ELSEWHERE[:6]}-{ELSEWHERE[6:]}"},
    ],
)
def test_rule_12_an_auditor_leaves_no_cpr_number_in_the_ledger(exchange: Exchange, headers: dict[str, str]) -> None:
    auditor = exchange.oversight.as_("auditor")
    answer = auditor.get(f"audit/entries?staff={ELSEWHERE}&limit=1", **headers)
    assert ELSEWHERE[6:] not in str(answer.body.get("detail", "")) + str(answer.body.get("errors", ""))
    assert tables_holding(ELSEWHERE) == []
    assert tables_holding(f"{ELSEWHERE[:6]}-{ELSEWHERE[6:]}") == []


def test_rule_12_a_move_leaves_no_cpr_number_in_clear(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.create(referral_body(exchange.centre)).body["id"]
    for body in ({"reason": ELSEWHERE}, {"reason": "other", "comment": f"CPR {ELSEWHERE}"}):
        assert coordinator.step(referral, "reject", body).status == 422
    assert coordinator.step(referral, "receive").status == 200
    assert coordinator.step(referral, "assign", {"assignees": [ELSEWHERE]}).status == 422
    assert tables_holding(ELSEWHERE) == []
