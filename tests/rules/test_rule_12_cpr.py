"""Rule 12: a CPR number is sealed, and stands in no address, log, error, list or entry. Numbers here are day + 60."""

import hashlib
import json
import logging
from typing import Any

import pytest

from consent.models import Identifier
from referrals.persons import number_digest
from tests.exchange import SECTIONS, Exchange, consent_body, referral_body
from tests.invariants.attempts import APP, APPEND_ONLY, OWNER, TAKEN, refused, session
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
    ("GET", "referrals/search?identifier={cpr}", None, {}),
    ("POST", "referrals/search?cpr={cpr}", {}, {}),
    ("POST", "referrals/search", {"cpr": ELSEWHERE}, {}),
    ("POST", "referrals/search", {ELSEWHERE: ELSEWHERE}, {}),
    ("POST", "referrals/search", {"reference": ELSEWHERE}, {}),
    ("POST", "referrals/search", {"external_reference": "SAG-{cpr}"}, {}),
    ("POST", "referrals/search", {"identifier": {"cpr": ELSEWHERE}}, {}),
    ("POST", "referrals/search", {"identifier": {"cpr": "{cpr}0"}}, {}),
    ("POST", "referrals/search", {"identifier": {"cpr": ELSEWHERE}, "cursor": ELSEWHERE}, {}),
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


# --- What is a number --------------------------------------------------------------------------------------------

DIGITS_WRONG_BY_MODULUS_11 = ["6101901234", "7202834561", "6101000000", "9112990001"]
WEIGHTS = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)


@pytest.mark.parametrize("cpr", DIGITS_WRONG_BY_MODULUS_11)
def test_rule_12_a_replacement_number_is_valid_whatever_modulus_11_says(exchange: Exchange, cpr: str) -> None:
    assert sum(int(digit) * weight for digit, weight in zip(cpr, WEIGHTS, strict=True)) % 11
    made = exchange.municipality.as_("caseworker").create(
        {"sections": {"identity": {"name": "Testperson", "cpr": cpr}}}
    )
    assert (made.status, made.body["sections"]["identity"]["cpr"]) == (201, cpr)


@pytest.mark.parametrize("cpr", ["3213901234", "9301901234", "6113901234", "6100901234", "0001901234", "610190123"])
def test_rule_12_what_has_no_date_is_no_number(exchange: Exchange, cpr: str) -> None:
    body = {"sections": {"identity": {"name": "Testperson", "cpr": cpr}}}
    refused = exchange.municipality.as_("caseworker").create(body)
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "invalid_cpr")
    assert cpr not in str(refused.body)


# --- By what a person is found -----------------------------------------------------------------------------------


def test_rule_12_a_search_leaves_the_number_nowhere(exchange: Exchange, said: pytest.LogCaptureFixture) -> None:
    cpr = "7203834561"
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    sender.submit(exchange.centre, sections={**SECTIONS, "identity": {"name": "Testperson", "cpr": cpr}})
    for who in (sender, coordinator, exchange.stranger.as_("caseworker")):
        answer = who.post("referrals/search", {"identifier": {"cpr": f"{cpr[:6]}-{cpr[6:]}"}})
        assert answer.status == 200
        for written in (cpr, f"{cpr[:6]}-{cpr[6:]}"):
            assert written not in f"{answer.body}{answer.headers}"
            assert written not in said.text
            assert tables_holding(written) == []


def test_rule_12_the_same_number_is_kept_as_another_hash_at_each_agency(exchange: Exchange) -> None:
    """And no plain hash of it is kept, which anybody could try all numbers against."""
    cpr = "7204834561"
    for party in (exchange.municipality, exchange.stranger):
        made = party.as_("caseworker").create({"sections": {"identity": {"name": "Testperson", "cpr": cpr}}})
        assert made.status == 201
    kept = Identifier.objects.filter(agency__in=[exchange.municipality.id, exchange.stranger.id])
    digests = [number_digest(cpr, agency=party.agency.id) for party in (exchange.municipality, exchange.stranger)]
    assert len(set(digests)) == 2
    assert kept.filter(digest__in=digests).count() == 2
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        assert tables_holding(hashlib.new(algorithm, cpr.encode()).hexdigest()) == []


# --- A private agency keeps a number on a ground alone (DBL § 11(2)) ---------------------------------------------

NAMED = {"identity": {"name": "Testperson", "cpr": "6101901234"}}
ON_CONSENT = "SAMTYKKE-GDPR"
ON_NONE = "BL-133"


def test_rule_12_a_private_sender_keeps_a_number_on_a_ground_alone(exchange: Exchange) -> None:
    centre = exchange.centre.as_("coordinator")
    for basis, status in [
        (None, 422),
        ({"code": ON_NONE}, 422),
        ({"code": ON_NONE, "cpr_ground": "statute"}, 201),
        ({"code": ON_CONSENT}, 201),
    ]:
        made = centre.create({"sections": NAMED, **({"basis": basis} if basis else {})})
        assert made.status == status, (basis, made)
        if status == 422:
            assert [error["code"] for error in made.body["errors"]] == ["cpr_needs_ground"]
            assert "6101901234" not in str(made.body)
    assert exchange.municipality.as_("caseworker").create({"sections": NAMED}).status == 201


def test_rule_12_nor_does_it_lose_the_ground_and_keep_the_number(exchange: Exchange) -> None:
    centre = exchange.centre.as_("coordinator")
    draft = centre.create({"sections": {"identity": {"name": "Testperson"}}}).body["id"]

    def edit(**changes: Any) -> int:
        etag = centre.read(draft).etag
        return centre.call("PATCH", f"referrals/{draft}", changes, If_Match=etag).status

    assert edit(sections=NAMED) == 422
    assert edit(sections=NAMED, basis={"code": ON_NONE, "cpr_ground": "statute"}) == 200
    assert edit(basis={"code": ON_NONE}) == 422
    assert edit(basis={"code": ON_CONSENT}) == 200
    assert edit(basis={"code": ON_NONE}, sections={"identity": {"name": "Testperson"}}) == 200


def test_rule_12_a_redirected_child_is_held_to_it_too(exchange: Exchange) -> None:
    sender, centre = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.submit(exchange.centre)
    moved = centre.step(referral, "redirect", {"reason": "better_match_elsewhere", "recipient": exchange.stranger.id})
    child = moved.headers["Link"].split(">")[0].rpartition("/")[2]
    etag = centre.read(child).etag
    refused = centre.call("PATCH", f"referrals/{child}", {"sections": NAMED}, If_Match=etag)
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "cpr_needs_ground")


NUMBER = (
    "INSERT INTO referrals_section (referral_id, category, part, sealed, written_by_id) "
    "VALUES (%(referral)s, 'identity.cpr', 0, '', %(agency)s)"
)
GROUND = "UPDATE referrals_referral SET cpr_ground = '{0}' WHERE id = %(referral)s"
NOW = "SET CONSTRAINTS ALL IMMEDIATE"


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_12_the_database_refuses_a_number_without_a_ground_too(exchange: Exchange, role: str) -> None:
    centre = exchange.centre.as_("coordinator")
    values = {"referral": centre.create({"basis": {"code": ON_NONE}}).body["id"], "agency": exchange.centre.id}
    with session(role) as cursor:
        cursor.execute(NUMBER.encode(), values)
        assert refused(cursor, NOW) == APPEND_ONLY
    with session(role) as cursor:  # in whatever order the two are told
        cursor.execute(NUMBER.encode(), values)
        cursor.execute(GROUND.format("statute").encode(), values)
        cursor.execute(NOW)
        assert refused(cursor, GROUND.format(""), values) == APPEND_ONLY
    with session(role, replica=True) as cursor:
        cursor.execute(NUMBER.encode(), values)
        assert refused(cursor, NOW) == APPEND_ONLY


def test_rule_12_nor_is_one_submitted_to_a_private_recipient_without_a_ground(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create({"recipient": exchange.centre.id, "basis": {"code": ON_NONE}, "sections": NAMED})
    assert made.status == 201, made
    with session(OWNER) as cursor:
        cursor.execute(NOW)
        submitted = "UPDATE referrals_referral SET status = 'submitted', submitted_at = now() WHERE id = %s"
        assert refused(cursor, submitted, [made.body["id"]]) == APPEND_ONLY


def test_rule_12_the_database_keeps_one_hash_of_a_kind_for_each_referral(exchange: Exchange) -> None:
    made = exchange.municipality.as_("caseworker").create({"sections": NAMED}).body
    again = (
        "INSERT INTO consent_identifier (subject_id, agency_id, kind, digest, told_in) "
        "SELECT subject_id, agency_id, kind, 'another', told_in FROM consent_identifier WHERE told_in = %s"
    )
    with session(APP) as cursor:
        assert refused(cursor, again, [made["id"]]) == TAKEN
