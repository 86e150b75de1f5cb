"""A hostile agency with a token of its own tries everything it can reach; nothing is shown, changed or told."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from agencies.models import Membership
from audit.models import Entry
from tests.exchange import Answer, Caller, Exchange, consent_body, referral_body
from tests.referrals.walks import MOVES, Walk, walk

SECRETS = ("Testperson", "6101901234", "Ønsker hjælp", "00 00 00 00", "OFFER-1")


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    return Exchange()


@pytest.fixture(scope="module")
def victim(exchange: Exchange) -> Walk:
    """A referral between two agencies that have nothing to do with the attackers."""
    return walk(exchange, "in_progress", external_reference="OFFER-1")


@pytest.fixture
def attacker() -> Caller:
    """Somebody at an agency of each test's own."""
    return Exchange().stranger.as_("coordinator")


@pytest.fixture(autouse=True)
def unharmed(victim: Walk) -> Iterator[None]:
    """Whatever was tried: the referral is as it was, and read by its parties as before."""
    before = victim.coordinator.read(victim.id)
    yield
    after = victim.coordinator.read(victim.id)
    assert (after.status, after.body, after.etag) == (200, before.body, before.etag)


def reveals_nothing(answer: Answer, victim: Walk) -> None:
    told = f"{answer.body}{answer.headers}"
    for secret in (*SECRETS, victim.sender.staff_id, victim.assigned.staff_id):
        assert secret not in told, secret


def test_another_agencys_id_in_the_path_is_an_id_of_nothing(victim: Walk, attacker: Caller) -> None:
    version = int(victim.etag.strip('"'))
    for path, body in MOVES.values():
        answers = [
            attacker.post(f"referrals/{name}/{path}", body, If_Match=f'"{seen}"')
            for name, seen in ((victim.id, version), (victim.id, 1), (str(uuid4()), version))
        ]
        assert len({(answer.status, str(answer.body)) for answer in answers}) == 1, path
        assert answers[0].status in (404, 422)
    for path in ("", "/timeline", "/disclosures"):
        assert attacker.get(f"referrals/{victim.id}{path}").status == 404
    for header, status in [("", 428), ("*", 400)]:
        for name in (victim.id, str(uuid4())):
            assert attacker.post(f"referrals/{name}/accept", {}, If_Match=header).status == status


def test_another_agencys_id_in_a_body_is_an_id_of_nothing(exchange: Exchange, victim: Walk, attacker: Caller) -> None:
    theirs = victim.refresh().body
    for body in (
        {"subject": {"id": theirs["subject"]["id"]}},
        {"basis": {"code": "SAMTYKKE-TAVSHED", "consent_id": theirs["basis"]["consent_id"]}},
        {"subject": {"id": victim.id}},
        {"recipient": victim.id},
        {"recipient": theirs["subject"]["id"]},
        {"parent": victim.id},
        {"id": victim.id},
        {"sender": exchange.municipality.id},
    ):
        answer = attacker.create(body)
        assert answer.status == 422, body
        reveals_nothing(answer, victim)
    stolen = {"subject": theirs["subject"]["id"], **consent_body(attacker.party)}
    assert attacker.create(stolen, path="consents").status == 422


def test_a_consent_that_names_the_attacker_opens_nothing_of_the_victims(
    exchange: Exchange, victim: Walk, attacker: Caller
) -> None:
    """A consent that the attacker records reaches the attacker's own referrals, whomever it names."""
    made = attacker.create(referral_body(exchange.centre, consent={"recipients": [exchange.centre.id]}))
    assert made.status == 201
    assert attacker.read(victim.id).status == 404
    consent = victim.refresh().body["basis"]["consent_id"]
    for move in ("withdraw", "renew"):
        assert attacker.post(f"consents/{consent}/{move}", {"method": "oral"}, If_Match='"1"').status == 404


def test_another_agencys_id_in_a_filter_finds_nothing(exchange: Exchange, victim: Walk, attacker: Caller) -> None:
    for query in (
        "role=sent",
        "role=received",
        "role=sent&external_reference=OFFER-1",
        f"role=received&assigned_to={victim.assigned.staff_id}",
        f"role=sent&assigned_to={victim.assigned.staff_id}",
        "role=received&status=in_progress",
        "role=received&updated_since=2000-01-01T00:00:00Z",
        "role=received&due_before=2100-01-01T00:00:00Z",
    ):
        answer = attacker.get(f"referrals?{query}")
        assert (answer.status, answer.body) == (200, {"results": [], "next": None}), query
    auditor = attacker.party.as_("auditor")
    for query in (f"staff={victim.sender.staff_id}", f"agency={exchange.municipality.id}", f"referral={victim.id}"):
        assert auditor.get(f"audit/entries?{query}", Audit_Case="1").body["results"] == []
    assert auditor.get(f"referrals/{victim.id}/disclosures", Audit_Case="1").status == 404


def test_another_agencys_cursor_leads_nowhere(exchange: Exchange, victim: Walk, attacker: Caller) -> None:
    victim.sender.submit(exchange.centre)
    pages = [
        ("referrals?role=sent", victim.sender.get("referrals?role=sent&limit=1")),
        ("referrals?role=received", victim.coordinator.get("referrals?role=received&limit=1")),
    ]
    for path, page in pages:
        assert page.body["next"]
        refused = attacker.get(f"{path}&cursor={quote(page.body['next'], safe='')}")
        assert (refused.status, refused.body["code"]) == (400, "malformed")
    own = exchange.municipality.as_("auditor").get("audit/entries?limit=1", Audit_Case="1").body["next"]
    theirs = attacker.party.as_("auditor").get(f"audit/entries?cursor={quote(own, safe='')}", Audit_Case="1")
    assert theirs.status == 400


def test_a_reference_of_another_agencys_is_not_told_by_a_conflict(victim: Walk, attacker: Caller) -> None:
    assert attacker.create({"external_reference": "OFFER-1"}).status == 201


def test_an_idempotency_key_of_another_agencys_gives_nothing(
    exchange: Exchange, victim: Walk, attacker: Caller
) -> None:
    key = str(uuid4())
    body = referral_body(exchange.centre)
    theirs = victim.sender.create(body, Idempotency_Key=key)
    mine = attacker.create(body, Idempotency_Key=key)
    assert (mine.status, mine.body["id"] == theirs.body["id"]) == (201, False)
    assert "Idempotency-Replayed" not in mine.headers
    assert mine.body["sender"]["id"] == attacker.party.id


def test_acting_for_somebody_else_is_refused_and_recorded(victim: Walk, attacker: Caller) -> None:
    for name in (victim.sender.staff_id, victim.coordinator.staff_id, victim.assigned.staff_id):
        refused = attacker.read(victim.id, On_Behalf_Of=name)
        assert refused.status == 403
        assert Entry.objects.get(request_id=refused.headers["Request-Id"]).refusal == "on-behalf-of-unknown"
        assert refused.body == attacker.read(victim.id, On_Behalf_Of="nobody-at-all").body


def test_two_on_behalf_of_headers_are_nobody(victim: Walk, attacker: Caller) -> None:
    joined = f"{attacker.staff_id},{victim.sender.staff_id}"
    assert attacker.read(victim.id, On_Behalf_Of=joined).status == 403


def test_a_stolen_token_of_another_client_acts_for_that_agency_alone(victim: Walk, attacker: Caller) -> None:
    """With the victim's token the attacker's own staff are unknown: a token is bound to its agency."""
    stolen = f"Bearer {victim.sender.party.token}"
    assert attacker.read(victim.id, Authorization=stolen).status == 403


def test_nobody_gives_themselves_a_role(exchange: Exchange, victim: Walk, attacker: Caller) -> None:
    for headers in (
        {"Role": "auditor"},
        {"X_Role": "coordinator"},
        {"X_Agency": exchange.centre.id},
        {"X_HTTP_Method_Override": "GET"},
        {"X_Forwarded_User": victim.sender.staff_id},
        {"X_Original_URL": f"/api/v1/referrals/{victim.id}"},
        {"Forwarded": "for=127.0.0.1"},
    ):
        assert attacker.read(victim.id, **headers).status == 404
    before = Membership.objects.filter(agency=attacker.party.id).count()  # type: ignore[misc]
    for path in ("memberships", f"agencies/{attacker.party.id}/memberships", "users", "clients"):
        assert attacker.post(path, {"role": "auditor"}).status == 404
    assert Membership.objects.filter(agency=attacker.party.id).count() == before  # type: ignore[misc]


def test_a_move_of_the_systems_own_has_no_address(victim: Walk) -> None:
    for person in (victim.sender, victim.coordinator):
        for move in ("expire", "stop-on-consent", "stop_on_consent", "take-over", "take_over", "request-info"):
            assert person.post(f"referrals/{victim.id}/{move}", {}, If_Match=victim.etag).status == 404


def test_what_the_system_sets_is_not_set_through_a_move(exchange: Exchange, victim: Walk) -> None:
    members: dict[str, Any] = {
        "status": "completed",
        "responsible": exchange.stranger.id,
        "sender": exchange.stranger.id,
        "version": 1,
        "on_behalf_of": "x",
        "at": "2000-01-01T00:00:00Z",
    }
    for name, value in members.items():
        body = {"reason": "agreed_pause", name: value}
        assert victim.attempt("hold", victim.coordinator, body).status == 422


INJECTIONS = [
    "' OR '1'='1",
    "'; DROP TABLE referrals_referral; --",
    "1) UNION SELECT sealed FROM referrals_section --",
    "\\'; SELECT pg_sleep(1); --",
    "{{7*7}}${7*7}",
    '{"$ne": null}',
    "x\r\nSet-Cookie: a=b",
    "\u202eabc",
    "%00",
    "a" * 3000,
]


def test_what_is_injected_is_text_and_nothing_else(exchange: Exchange, victim: Walk, attacker: Caller) -> None:
    for injected in INJECTIONS:
        inject(injected, exchange, victim, attacker)


def inject(injected: str, exchange: Exchange, victim: Walk, attacker: Caller) -> None:
    """Send one text everywhere a text can be sent, and hold each answer to what it may say."""
    asked = quote(injected, safe="")
    answers = [
        attacker.get(f"referrals?role=sent&external_reference={asked}"),
        attacker.get(f"referrals?assigned_to={asked}"),
        attacker.get(f"referrals?status={asked}"),
        attacker.get(f"referrals?cursor={asked}"),
        attacker.get(f"referrals?limit={asked}"),
        attacker.get(f"referrals/{asked}"),
        attacker.get(f"consents/{asked}"),
        attacker.get(f"agencies?code={asked}"),
        attacker.get(f"code-lists/{asked}"),
        attacker.get("referrals", On_Behalf_Of=injected),
        attacker.get("referrals", Purpose=injected),
        attacker.get("referrals", Accept_Language=injected),
        attacker.get("referrals", Request_Id=injected),
        attacker.create({"external_reference": injected}),
        attacker.create({}, Idempotency_Key=injected[:120]),
        attacker.create({"basis": {"code": injected}}),
        attacker.create({"recipient": injected}),
        attacker.post(f"referrals/{victim.id}/close", {"reason": injected}, If_Match=victim.etag),
        attacker.post(f"referrals/{victim.id}/accept", {}, If_Match=injected),
        attacker.party.as_("auditor").get(f"audit/entries?staff={asked}&action={asked}", Audit_Case="1"),
        attacker.party.as_("auditor").get("audit/entries", Audit_Case=injected),
        attacker.party.as_("auditor").get("audit/entries", Audit_Reason=injected),
    ]
    for answer in answers:
        assert answer.status < 500, answer
        assert "Set-Cookie" not in answer.headers
        assert not any("\n" in value or "\r" in value for value in answer.headers.values())
        if answer.status >= 400:
            assert injected not in str(answer.body) or injected in ("%00",)
        reveals_nothing(answer, victim)
    written = attacker.create({"sections": {"reason": {"summary": injected, "subject_aware": "yes"}}})
    assert written.body["sections"]["reason"]["summary"] == injected.strip()


def test_ids_are_not_numbers_to_count_through(exchange: Exchange, victim: Walk, attacker: Caller) -> None:
    own = UUID(attacker.create({}).body["id"])
    near = [UUID(int=own.int + step) for step in (-2, -1, 1, 2)] + [UUID(int=UUID(victim.id).int ^ 1)]
    answers = [attacker.read(str(name)) for name in near]
    assert {(answer.status, answer.body["code"]) for answer in answers} == {(404, "not-found")}
    for name in ("1", "0", "-1", victim.id.upper(), victim.id.replace("-", ""), f"{victim.id}/", f"%7B{victim.id}%7D"):
        assert attacker.get(f"referrals/{name}").status == 404


def test_a_recipient_that_was_left_keeps_nothing(exchange: Exchange) -> None:
    """Read after rejection, redirection, withdrawal and expiry: the status, and none of what was sent."""
    for status in ("rejected", "redirected", "withdrawn", "expired", "entered_in_error"):
        walked = walk(exchange, status)
        told = walked.coordinator.read(walked.id)
        assert (told.status, told.body["status"]) == (200, status)
        assert not set(told.body["sections"]) & {"identity", "reason", "contact", "needs"}, status


def test_nobody_reads_after_being_taken_off_the_case(exchange: Exchange, victim: Walk) -> None:
    walked = walk(exchange, "received")
    first = walked.assigned
    assert "identity" in first.read(walked.id).body["sections"]
    walked.take("assign", body={"assignees": [walked.unassigned.staff_id]})
    assert first.read(walked.id).body["sections"] == {}
    assert first.get("referrals?assigned_to=me").body["results"] == [
        row for row in first.get("referrals?assigned_to=me").body["results"] if row["id"] == victim.id
    ]


def test_five_hundred_empty_items_are_answered_one_by_one(attacker: Caller, victim: Walk) -> None:
    answer = attacker.post("referrals/batch", {"items": [{"status": "accepted"}] * 500}, Idempotency_Key=str(uuid4()))
    assert [result["status"] for result in answer.body["results"]] == [422] * 500
