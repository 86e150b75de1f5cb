"""Recording, reading, withdrawing and renewing a consent over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.exchange import Answer, Caller, Exchange, consent_body


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    """Agencies of this file's own: each test has a person and a consent that no other test knows."""
    return Exchange()


@pytest.fixture
def sender(exchange: Exchange) -> Caller:
    return exchange.municipality.as_("caseworker")


@pytest.fixture
def body(exchange: Exchange, sender: Caller) -> dict[str, Any]:
    subject = sender.create({}).body["subject"]["id"]
    return {"subject": subject, **consent_body(exchange.centre)}


@pytest.fixture
def recorded(sender: Caller, body: dict[str, Any]) -> Answer:
    made = sender.create(body, path="consents")
    assert made.status == 201, made
    return made


def change(by: Caller, consent: str, move: str, etag: str, **said: Any) -> Answer:
    return by.post(f"consents/{consent}/{move}", {"method": "oral", **said}, If_Match=etag)


def test_a_consent_is_recorded_as_it_was_given(exchange: Exchange, body: dict[str, Any], recorded: Answer) -> None:
    told = recorded.body
    for name in ("subject", "kind", "recipients", "purposes"):
        assert told[name] == body[name]
    assert sorted(told["categories"]) == sorted(body["categories"])
    assert (told["state"], told["version"], recorded.etag) == ("given", 1, '"1"')
    assert (told["report_back"], told["given_by"], told["registered_by"]) == (
        False,
        "subject",
        exchange.municipality.id,
    )
    assert [event["kind"] for event in told["events"]] == ["given"]
    assert recorded.headers["Location"] == f"/api/v1/consents/{told['id']}"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "FREE"}, "/kind"),
    ({"kind": None}, "/kind"),
    ({"recipients": []}, "/recipients"),
    ({"recipients": ["x"]}, "/recipients/0"),
    ({"recipients": ["01a20000-0000-7000-8000-000000000000"]}, "/recipients/0"),
    ({"purposes": []}, "/purposes"),
    ({"purposes": ["investigation"]}, "/purposes/0"),
    ({"purposes": ["audit"]}, "/purposes/0"),
    ({"categories": []}, "/categories"),
    ({"categories": ["status"]}, "/categories/0"),
    ({"categories": ["everything"]}, "/categories/0"),
    ({"method": "telepathy"}, "/method"),
    ({"given_by": "parent"}, "/given_by"),
    ({"notice_hash": "abc"}, "/notice_hash"),
    ({"evidence_hash": "A" * 64}, "/evidence_hash"),
    ({"notice_version": "x" * 33}, "/notice_version"),
    ({"state": "given"}, "/state"),
    ({"version": 9}, "/version"),
    ({"events": []}, "/events"),
    ({"registered_by": "x"}, "/registered_by"),
    ({"registered_at": "2026-01-01T00:00:00Z"}, "/registered_at"),
    ({"id": "01a20000-0000-7000-8000-000000000000"}, "/id"),
]


@pytest.mark.parametrize(("changes", "pointer"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_no_consent_is_refused_at_its_place(
    sender: Caller, body: dict[str, Any], changes: dict[str, Any], pointer: str
) -> None:
    refused = sender.create({**body, **changes}, path="consents")
    assert (refused.status, [error["pointer"] for error in refused.body["errors"]]) == (422, [pointer])


def test_the_same_request_again_returns_the_same_consent(sender: Caller, body: dict[str, Any]) -> None:
    first = sender.create(body, path="consents", Idempotency_Key=body["subject"])
    again = sender.create(body, path="consents", Idempotency_Key=body["subject"])
    assert (again.status, again.body["id"], again.headers["Idempotency-Replayed"]) == (201, first.body["id"], "true")
    other = sender.create({**body, "method": "oral"}, path="consents", Idempotency_Key=body["subject"])
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")


def test_a_consent_is_read_by_who_recorded_it_and_whom_it_was_shared_with_and_by_nobody_else(
    exchange: Exchange, sender: Caller, recorded: Answer
) -> None:
    sender.rest_on(recorded, exchange.centre)
    path = f"consents/{recorded.body['id']}"
    for who, status in [
        (exchange.municipality.as_("coordinator"), 200),
        (exchange.centre.as_("counsellor"), 200),
        (exchange.stranger.as_("caseworker"), 404),
        (exchange.police.as_("caseworker"), 404),
        (exchange.centre.as_("auditor"), 403),
        (exchange.municipality.as_("auditor"), 403),
        (exchange.oversight.as_("auditor"), 403),
    ]:
        assert who.get(path).status == status, who


@pytest.mark.parametrize("through", ["municipality", "centre"])
def test_the_person_withdraws_through_either_agency_and_twice_is_as_once(
    exchange: Exchange, sender: Caller, recorded: Answer, through: str
) -> None:
    sender.rest_on(recorded, exchange.centre)
    by = getattr(exchange, through).as_("coordinator")
    ended = change(by, recorded.body["id"], "withdraw", recorded.etag)
    assert (ended.status, ended.body["state"], ended.body["expires_at"], ended.etag) == (200, "withdrawn", None, '"2"')
    assert ended.body["events"][0] == recorded.body["events"][0]
    again = change(by, recorded.body["id"], "withdraw", ended.etag)
    assert (again.status, again.etag, len(again.body["events"])) == (200, '"2"', 2)


def test_a_withdrawn_consent_is_not_renewed(sender: Caller, recorded: Answer) -> None:
    ended = change(sender, recorded.body["id"], "withdraw", recorded.etag)
    refused = change(sender, recorded.body["id"], "renew", ended.etag)
    assert (refused.status, refused.body["code"]) == (409, "consent-ended")
    assert sender.get(f"consents/{recorded.body['id']}").body["state"] == "withdrawn"


def test_only_who_recorded_a_consent_renews_it(exchange: Exchange, recorded: Answer) -> None:
    refused = change(exchange.centre.as_("coordinator"), recorded.body["id"], "renew", recorded.etag)
    assert refused.status == 404
    renewed = change(exchange.municipality.as_("coordinator"), recorded.body["id"], "renew", recorded.etag)
    assert (renewed.status, renewed.body["state"]) == (200, "renewed")


@pytest.mark.parametrize("move", ["withdraw", "renew"])
@pytest.mark.parametrize(("etag", "status"), [("", 428), ('"0"', 412), ('"2"', 412), ("1", 400), ("*", 400)])
def test_a_change_needs_the_version_that_was_seen(
    sender: Caller, recorded: Answer, move: str, etag: str, status: int
) -> None:
    assert change(sender, recorded.body["id"], move, etag).status == status
    assert sender.get(f"consents/{recorded.body['id']}").etag == '"1"'


@pytest.mark.parametrize("move", ["withdraw", "renew"])
@pytest.mark.parametrize("said", [{"method": "telepathy"}, {"reason": "x"}, {"state": "given"}, {"kind": "GDPR_BASIS"}])
def test_a_change_says_how_and_nothing_else(sender: Caller, recorded: Answer, move: str, said: dict[str, str]) -> None:
    assert change(sender, recorded.body["id"], move, recorded.etag, **said).status == 422


def test_no_consent_is_edited_or_removed(sender: Caller, recorded: Answer) -> None:
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        answer = sender.call(method, f"consents/{recorded.body['id']}", {}, If_Match=recorded.etag)
        assert (answer.status, answer.body["code"]) == (405, "method-not-allowed")


def test_a_consent_or_person_of_another_agency_is_as_unknown_as_none(
    exchange: Exchange, body: dict[str, Any], recorded: Answer
) -> None:
    stranger = exchange.stranger.as_("caseworker")
    for foreign, absent in [
        (stranger.create(body, path="consents"), stranger.create({**body, "subject": str(uuid4())}, path="consents")),
        (stranger.get(f"consents/{recorded.body['id']}"), stranger.get(f"consents/{uuid4()}")),
        (
            change(stranger, recorded.body["id"], "withdraw", '"1"'),
            change(stranger, str(uuid4()), "withdraw", '"1"'),
        ),
        (change(stranger, recorded.body["id"], "renew", '"9"'), change(stranger, str(uuid4()), "renew", '"9"')),
    ]:
        assert (foreign.status, foreign.body) == (absent.status, absent.body)
        assert foreign.status in (404, 422)


def test_the_centre_cannot_record_a_consent_of_the_municipalitys_person(
    exchange: Exchange, body: dict[str, Any]
) -> None:
    refused = exchange.centre.as_("coordinator").create(body, path="consents")
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "unknown_subject")


def test_a_consent_whose_text_is_a_number_beyond_numbers_is_refused(exchange: Exchange, sender: Caller) -> None:
    subject = sender.create({}).body["subject"]["id"]
    raw = (
        f'{{"subject": "{subject}", "kind": "CONFIDENTIALITY_WAIVER", "recipients": ["{exchange.centre.id}"], '
        '"purposes": ["exit_support"], "categories": ["reason"], "given_at": "2026-11-01T09:00:00Z", '
        '"method": "oral", "notice_version": 1e400}'
    )
    assert sender.create(raw.encode(), path="consents").status in (400, 422)
