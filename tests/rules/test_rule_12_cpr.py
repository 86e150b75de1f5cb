"""Rule 12: a CPR number is sealed, and stands in no address, log, error, list or entry. Numbers here are day + 60."""

import json
import logging
from typing import Any

import pytest

from tests.exchange import SECTIONS, Exchange, consent_body, referral_body
from tests.rules.scan import tables_holding

SEALED = "7202834561"
ELSEWHERE = "{cpr}"
"""Stands for a number of the attempt's own: what one attempt leaves behind must not be found by another."""


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
    ("POST", "referrals", {"external_reference": "SAG-{cpr}"}, {}),
    ("POST", "referrals", {"sections": {"reason": {"summary": ELSEWHERE, "subject_aware": "yes"}}}, {}),
    ("POST", "referrals", {"sections": {"identity": {"name": "A", "cpr": "{cpr}0"}}}, {}),
    ("POST", "referrals", {ELSEWHERE: ELSEWHERE}, {}),
    ("POST", "referrals", {"channel": ELSEWHERE, "urgency": "{cpr}"}, {}),
    ("POST", "referrals", {"basis": {"code": ELSEWHERE}}, {}),
    ("POST", "referrals", {}, {"Idempotency_Key": ELSEWHERE}),
    ("POST", "referrals", {}, {"Idempotency_Key": "kk-{cpr}-1"}),
    ("POST", "referrals", {}, {"Request_Id": "kk-{cpr}-1"}),
    ("POST", "referrals", {}, {"Purpose": ELSEWHERE}),
    ("POST", "referrals", {}, {"On_Behalf_Of": ELSEWHERE}),
    ("POST", "consents", {"subject": ELSEWHERE}, {}),
    ("POST", "consents", {"subject": "known", "notice_version": ELSEWHERE}, {}),
    ("GET", "referrals?external_reference={cpr}&role=sent", None, {}),
    ("GET", "referrals?assigned_to={cpr}", None, {}),
    ("GET", "referrals/{cpr}", None, {}),
    ("GET", "consents/{cpr}", None, {}),
    ("GET", "agencies?code={cpr}", None, {}),
    ("GET", "code-lists/{cpr}", None, {}),
]


@pytest.mark.parametrize("number", range(len(ATTEMPTS)))
def test_rule_12_a_cpr_number_in_the_wrong_place_is_neither_kept_nor_repeated(
    exchange: Exchange, said: pytest.LogCaptureFixture, number: int
) -> None:
    cpr = f"83037245{number:02}"
    method, path, body, headers = json.loads(json.dumps(ATTEMPTS[number]).replace(ELSEWHERE, cpr))
    sender = exchange.municipality.as_("caseworker")
    if path == "consents":
        known = sender.create({}).body["subject"]["id"]
        body = {**consent_body(exchange.centre), **body}
        body["subject"] = body["subject"].replace("known", known)
    answer = sender.call(method, path, body, **{"Idempotency_Key": "key", **headers})
    assert answer.status < 500
    assert cpr not in f"{answer.body}{answer.headers}"
    assert cpr not in said.text
    assert tables_holding(cpr) == []


AUDITORS_SAY = [
    {"Audit_Case": "8304724501"},
    {"Audit_Reason": "8304724502"},
    {"Audit_Case": "2026-1", "Audit_Reason": "8304724503"},
    {"Audit_Case": "2026-1", "Audit_Reason": "830472-4504"},
    {"Audit_Case": "830472/4505"},
]


@pytest.mark.parametrize("headers", AUDITORS_SAY, ids=str)
def test_rule_12_an_auditor_leaves_no_cpr_number_in_the_ledger(exchange: Exchange, headers: dict[str, str]) -> None:
    auditor = exchange.oversight.as_("auditor")
    answer = auditor.get("audit/entries?limit=1&staff=8304724599", **headers)
    assert answer.status < 500
    for cpr in ("8304724599", *headers.values()):
        assert cpr == "2026-1" or tables_holding(cpr) == [], cpr


def test_rule_12_a_move_leaves_no_cpr_number_in_clear(exchange: Exchange) -> None:
    cpr = "8305724501"
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.create(referral_body(exchange.centre)).body["id"]
    for body in ({"reason": cpr}, {"reason": "other", "comment": f"CPR {cpr}"}):
        assert coordinator.step(referral, "reject", body).status == 422
    assert coordinator.step(referral, "receive").status == 200
    assert coordinator.step(referral, "assign", {"assignees": [cpr]}).status == 422
    assert tables_holding(cpr) == []
