"""What every answer of the API carries, and what no log line does."""

import json
import logging
from typing import Any
from uuid import UUID, uuid4

import pytest
from joserfc import jws
from rest_framework.test import APIClient

from api_schema.problems import REGISTER
from audit.models import Entry
from audit.receipts import signing_key
from tests.exchange import SECTIONS, Answer, Caller, Exchange, referral_body

MARKER = "Zq7Hemmelig9xWv"
NOBODY = str(uuid4())
ERRORS: list[tuple[int, str, str, Any, dict[str, str]]] = [
    (400, "GET", "referrals?colour=red", None, {}),
    (400, "POST", "referrals", {}, {"Idempotency_Key": ""}),
    (400, "POST", "referrals", b"{", {}),
    (400, "PATCH", f"referrals/{NOBODY}", {}, {"If_Match": "x"}),
    (400, "GET", "referrals", None, {"Purpose": "gossip"}),
    (401, "GET", "referrals", None, {"Authorization": "Bearer nobodys-token-at-all"}),
    (401, "GET", "agencies", None, {"Authorization": ""}),
    (403, "GET", "referrals", None, {"Purpose": "investigation"}),
    (403, "GET", "referrals", None, {"On_Behalf_Of": "nobody"}),
    (403, "GET", "audit/entries", None, {}),
    (404, "GET", f"referrals/{NOBODY}", None, {}),
    (404, "GET", "referrals/not-an-id", None, {}),
    (404, "GET", f"consents/{NOBODY}", None, {}),
    (404, "GET", "code-lists/nothing", None, {}),
    (404, "GET", "nowhere", None, {}),
    (404, "GET", "", None, {}),
    (404, "GET", "referrals/", None, {}),
    (404, "POST", f"referrals/{NOBODY}/take-over", {}, {"If_Match": '"1"'}),
    (404, "POST", f"referrals/{NOBODY}/expire", {}, {"If_Match": '"1"'}),
    (404, "POST", f"referrals/{NOBODY}/stop-on-consent", {}, {"If_Match": '"1"'}),
    (405, "DELETE", f"referrals/{NOBODY}", None, {}),
    (405, "PUT", "referrals", {}, {}),
    (405, "OPTIONS", "referrals", None, {}),
    (405, "TRACE", "referrals", None, {}),
    (405, "BREW", "referrals", None, {}),
    (406, "GET", "referrals", None, {"Accept": "application/xml"}),
    (413, "POST", "referrals", b'{"a": "' + b"a" * 9 * 1024 * 1024 + b'"}', {}),
    (415, "POST", "referrals", b"a=b", {"Content_Type": "application/x-www-form-urlencoded"}),
    (422, "POST", "referrals", {"status": "accepted"}, {}),
    (428, "PATCH", f"referrals/{NOBODY}", {}, {"If_Match": ""}),
]


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    return Exchange()


@pytest.fixture(scope="module")
def caller(exchange: Exchange) -> Caller:
    return exchange.municipality.as_("caseworker")


def check_problem(answer: Answer, status: int) -> None:
    assert answer.status == status, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert UUID(answer.headers["Request-Id"])  # type: ignore[truthy-bool]
    assert "Receipt" not in answer.headers
    problem = answer.body
    assert {"type", "code", "title", "status", "detail"} <= set(problem)
    assert set(problem) <= {"type", "code", "title", "status", "detail", "errors", "allowed_actions"}
    assert (problem["status"], problem["type"]) == (status, f"/api/docs/problems/{problem['code']}")
    assert problem["code"] in REGISTER
    assert REGISTER[problem["code"]].status == status
    for error in problem.get("errors", []):
        assert set(error) == {"pointer", "code", "message"}


@pytest.mark.parametrize(
    "number", range(len(ERRORS)), ids=lambda n: f"{ERRORS[n][0]}-{ERRORS[n][1]}-{ERRORS[n][2][:30]}"
)
def test_every_error_is_a_documented_problem(caller: Caller, number: int) -> None:
    status, method, path, body, headers = ERRORS[number]
    path = path.replace(NOBODY, str(uuid4()))
    answer = caller.call(method, f"/api/v1/{path}", body, **{"Idempotency_Key": str(uuid4()), **headers})
    check_problem(answer, status)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("", "Der er intet her"),
        ("da", "Der er intet her"),
        ("en", "There is nothing here"),
        ("en-GB,en;q=0.9,da;q=0.1", "There is nothing here"),
        ("da-DK", "Der er intet her"),
        ("de", "Der er intet her"),
        ("*", "Der er intet her"),
        ("x" * 5000, "Der er intet her"),
        ("en\x00", ""),
    ],
)
def test_words_are_danish_or_english_and_codes_are_neither(caller: Caller, language: str, said: str) -> None:
    for path in (f"referrals/{uuid4()}", "nowhere"):
        answer = caller.get(path, Accept_Language=language)
        assert (answer.status, answer.body["code"]) == (404, "not-found")
        assert answer.body["detail"].startswith(said)


def test_the_messages_of_each_place_are_in_the_language_that_was_asked_for(caller: Caller) -> None:
    body = {"channel": "x", "sections": {"reason": {"subject_aware": "yes"}}, "status": "x"}
    danish, english = (caller.create(body, Accept_Language=language).body for language in ("da", "en"))
    assert [error["code"] for error in danish["errors"]] == [error["code"] for error in english["errors"]]
    for told in zip(danish["errors"], english["errors"], strict=True):
        assert told[0]["message"] != told[1]["message"]


def test_every_answer_with_personal_data_is_not_stored_and_carries_a_receipt(
    exchange: Exchange, caller: Caller
) -> None:
    made = caller.create(referral_body(exchange.centre))
    path = f"referrals/{made.body['id']}"
    for answer in (
        made,
        caller.get(path),
        caller.get("referrals?role=sent"),
        caller.get(f"{path}/timeline"),
        exchange.municipality.as_("coordinator").get(f"{path}/disclosures"),
        caller.get(f"consents/{made.body['basis']['consent_id']}"),
    ):
        assert answer.status in (200, 201)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        receipt = jws.deserialize_compact(answer.headers["Receipt"], signing_key(), algorithms=["Ed25519"])
        entry = Entry.objects.get(id=json.loads(receipt.payload)["entry"])
        assert entry.request_id == answer.headers["Request-Id"]
        assert json.loads(receipt.payload)["leaf"] == bytes(entry.leaf_hash).hex()


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ("0198c0de-0000-7000-8000-000000000001", True),
        ("", False),
        ("x", False),
        ("sag-om-hans-petersen", False),
        ("6101901234", False),
        ("kk-610190-1234", False),
        ("a" * 5000, False),
        ("a\r\nSet-Cookie: x=y", False),
    ],
)
def test_a_request_id_is_the_callers_own_only_where_it_is_a_uuid(caller: Caller, offered: str, kept: bool) -> None:
    answer = caller.get("agencies?limit=1", Request_Id=offered)
    assert (answer.headers["Request-Id"] == offered) is kept
    assert UUID(answer.headers["Request-Id"])  # type: ignore[truthy-bool]


def test_what_a_request_says_and_of_whom_is_in_no_log_line(
    exchange: Exchange, caller: Caller, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    coordinator = exchange.centre.as_("coordinator")
    sections = {**SECTIONS, "reason": {"summary": MARKER, "subject_aware": "yes"}, "identity": {"name": MARKER}}
    body = referral_body(exchange.centre, sections=sections, external_reference=f"SAG-{MARKER}")
    made = caller.create(body)
    referral, consent = made.body["id"], made.body["basis"]["consent_id"]
    coordinator.read(referral)
    coordinator.step(referral, "reject", {"reason": "other", "comment": MARKER})
    caller.get(f"referrals?role=sent&external_reference=SAG-{MARKER}")
    caller.get(f"consents/{consent}")
    caller.get(f"referrals/{MARKER}")
    caller.create({MARKER: MARKER, "channel": MARKER})
    caller.create(f'{{"{MARKER}": NaN}}'.encode())
    caller.get("referrals", On_Behalf_Of=MARKER)
    caller.get("referrals", Purpose=MARKER, Accept_Language=MARKER, Request_Id=MARKER)
    caller.get("referrals", Authorization=f"Bearer {MARKER}-{MARKER}")
    exchange.municipality.fetch_token(secret=MARKER)
    exchange.oversight.as_("auditor").get(f"audit/entries?staff={MARKER}", Audit_Case=MARKER)
    captured = capfd.readouterr()
    written = f"{caplog.text}{captured.out}{captured.err}"
    assert "api/v1/referrals/<uuid:referral_id>" in written
    for secret in (
        MARKER,
        referral,
        consent,
        caller.staff_id,
        coordinator.staff_id,
        caller.party.token,
        caller.party.client_secret,
        "Testperson",
    ):
        assert secret not in written, secret


def test_a_failure_is_logged_by_its_kind_and_place_and_told_without_words_of_its_own(
    exchange: Exchange, caller: Caller, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from referrals import disclosure

    def fail(*args: object, **options: object) -> None:
        raise RuntimeError(f"could not show {MARKER}")

    monkeypatch.setattr(disclosure, "record", fail)
    answer = caller.read(str(uuid4()))
    check_problem(answer, 500)
    assert MARKER not in f"{answer.body}{caplog.text}"
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize("path", ["/api/v1", "/api/v2/referrals", "/api/v1//referrals", "/API/V1/referrals", "/x"])
def test_an_address_that_is_not_there_is_a_problem_too(caller: Caller, path: str) -> None:
    answer = caller.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.body["code"] == "not-found"


def test_head_says_what_get_says_without_a_body(exchange: Exchange, caller: Caller) -> None:
    referral = caller.submit(exchange.centre)
    client = APIClient(
        headers={"Authorization": f"Bearer {caller.party.token}", "On-Behalf-Of": caller.staff_id},
    )
    there, absent = (client.head(f"/api/v1/referrals/{name}") for name in (referral, uuid4()))
    assert (there.status_code, there["ETag"], there.content) == (200, '"2"', b"")
    assert (absent.status_code, absent.content) == (404, b"")
    assert Entry.objects.get(request_id=there["Request-Id"]).action == "referral.disclose"


def test_no_answer_invites_another_origin(caller: Caller) -> None:
    answer = caller.get("referrals", Origin="https://evil.example")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Set-Cookie" not in answer.headers
