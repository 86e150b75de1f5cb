"""What happens to a consent, in which order, and by whom: asked, given, refused, renewed, withdrawn, invalidated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.exchange import GIVEN_AT, Answer, Caller, Exchange, consent_body

HASH = "a" * 64


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    return Exchange()


@pytest.fixture
def sender(exchange: Exchange) -> Caller:
    return exchange.municipality.as_("caseworker")


def record(exchange: Exchange, **changes: Any) -> Answer:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    made = sender.create({"subject": subject, **consent_body(exchange.centre), **changes}, path="consents")
    assert made.status == 201, made
    return made


def move(caller: Caller, consent: Answer, name: str, **said: Any) -> Answer:
    """Take a move on the version that this caller reads now."""
    path = f"consents/{consent.body['id']}"
    body = said if name == "invalidate" else {"method": "written", **said}
    return caller.post(f"{path}/{name}", body, If_Match=caller.get(path).etag)


REASON = {"reason": "recorded_in_error"}
MOVES: dict[str, dict[str, Any]] = {"give": {}, "refuse": {}, "renew": {}, "withdraw": {}, "invalidate": REASON}
STATES: dict[str, tuple[dict[str, str], list[str]]] = {
    # state: how it is recorded, and the moves that bring it there
    "requested": ({"decision": "requested"}, []),
    "given": ({}, []),
    "refused": ({"decision": "refused"}, []),
    "renewed": ({}, ["renew"]),
    "withdrawn": ({}, ["withdraw"]),
    "expired": ({"given_at": "2020-01-01T00:00:00Z"}, []),
    "invalidated": ({}, ["invalidate"]),
}
AFTER: dict[str, dict[str, str | int]] = {
    # state: move → the state after it, or the refusal
    "requested": {
        "give": "given",
        "refuse": "refused",
        "renew": 409,
        "withdraw": "withdrawn",
        "invalidate": "invalidated",
    },
    "given": {"give": 409, "refuse": 409, "renew": "renewed", "withdraw": "withdrawn", "invalidate": "invalidated"},
    "renewed": {"give": 409, "refuse": 409, "renew": "renewed", "withdraw": "withdrawn", "invalidate": "invalidated"},
    "expired": {"give": 409, "refuse": 409, "renew": "renewed", "withdraw": "withdrawn", "invalidate": "invalidated"},
    "refused": {"give": 409, "refuse": "refused", "renew": 409, "withdraw": "refused", "invalidate": "invalidated"},
    "withdrawn": {"give": 409, "refuse": 409, "renew": 409, "withdraw": "withdrawn", "invalidate": "invalidated"},
    "invalidated": {"give": 409, "refuse": 409, "renew": 409, "withdraw": "invalidated", "invalidate": "invalidated"},
}


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("state", STATES)
def test_each_move_from_each_state_leads_where_it_says_or_is_refused(
    exchange: Exchange, sender: Caller, state: str, name: str
) -> None:
    how, before = STATES[state]
    consent = record(exchange, **how)
    for earlier in before:
        assert move(sender, consent, earlier, **MOVES[earlier]).status == 200
    assert sender.get(f"consents/{consent.body['id']}").body["state"] == state
    answer, expected = move(sender, consent, name, **MOVES[name]), AFTER[state][name]
    if isinstance(expected, int):
        allowed = {
            to for to, led in AFTER[state].items() if led not in {409, state} or (to, led) == ("renew", "renewed")
        }
        assert (answer.status, set(answer.body["allowed_actions"])) == (expected, allowed)
    else:
        assert (answer.status, answer.body["state"]) == (200, expected)


def test_what_was_asked_covers_nothing_until_it_is_given(exchange: Exchange, sender: Caller) -> None:
    consent = record(exchange, decision="requested")
    assert (consent.body["state"], consent.body["expires_at"]) == ("requested", None)
    assert consent.body["events"][0]["entity"] == "agency"
    given = move(sender, consent, "give", evidence_hash=HASH)
    assert (given.status, given.body["state"], given.etag) == (200, "given", '"2"')
    assert given.body["expires_at"] is not None
    last = given.body["events"][1]
    assert (last["kind"], last["entity"], last["method"], last["evidence_hash"]) == (
        "given",
        "subject",
        "written",
        HASH,
    )


@pytest.mark.parametrize(
    ("who", "kind"), [("subject", "withdrawn"), ("custody_holder", "revoked"), ("agency", "revoked")]
)
@pytest.mark.parametrize("through", ["municipality", "centre"])
def test_the_subject_withdraws_and_another_revokes_through_either_agency(
    exchange: Exchange, through: str, who: str, kind: str
) -> None:
    consent = record(exchange)
    exchange.municipality.as_("caseworker").rest_on(consent, exchange.centre)
    ended = move(getattr(exchange, through).as_("coordinator"), consent, "withdraw", by=who)
    assert (ended.status, ended.body["state"]) == (200, kind)
    assert (ended.body["events"][1]["kind"], ended.body["events"][1]["entity"]) == (kind, who)
    assert ended.body["events"][1]["registered_by"] == getattr(exchange, through).id


@pytest.mark.parametrize("name", ["give", "refuse", "renew", "invalidate"])
def test_whoever_did_not_record_a_consent_only_passes_a_withdrawal_on(exchange: Exchange, name: str) -> None:
    consent = record(exchange)
    exchange.municipality.as_("caseworker").rest_on(consent, exchange.centre)
    assert exchange.centre.as_("coordinator").get(f"consents/{consent.body['id']}").status == 200
    refused = move(exchange.centre.as_("coordinator"), consent, name, **MOVES[name])
    unknown = exchange.stranger.as_("caseworker").post(
        f"consents/{consent.body['id']}/{name}", MOVES[name] or {"method": "oral"}, If_Match='"1"'
    )
    assert (refused.status, unknown.status) == (404, 404)
    assert refused.body == unknown.body


@pytest.mark.parametrize(
    ("name", "said", "state"),
    [
        ("withdraw", {}, "withdrawn"),
        ("withdraw", {"by": "custody_holder"}, "revoked"),
        ("withdraw", {"by": "agency"}, "revoked"),
        ("invalidate", REASON, "invalidated"),
    ],
)
def test_every_end_stops_what_rests_on_the_consent(
    exchange: Exchange, sender: Caller, name: str, said: dict[str, str], state: str
) -> None:
    referral = sender.submit(exchange.centre)
    consent = sender.read(referral).body["basis"]["consent_id"]
    assert exchange.centre.as_("coordinator").read(referral).body["sections"] != {}
    body = said if name == "invalidate" else {"method": "oral", **said}
    assert sender.post(f"consents/{consent}/{name}", body, If_Match='"1"').body["state"] == state
    assert sender.read(referral).body["status"] == "consent_withdrawn"
    assert "reason" not in exchange.centre.as_("coordinator").read(referral).body["sections"]


def test_a_referral_is_not_sent_on_a_consent_that_was_only_asked_for(exchange: Exchange, sender: Caller) -> None:
    draft = sender.create({})
    asked = {**consent_body(exchange.centre), "subject": draft.body["subject"]["id"], "decision": "requested"}
    consent = sender.create(asked, path="consents")
    body = {
        "recipient": exchange.centre.id,
        "subject": {"id": draft.body["subject"]["id"]},
        "basis": {"code": "SAMTYKKE-TAVSHED", "consent_id": consent.body["id"]},
        "sections": {"reason": {"summary": "Ønsker hjælp.", "subject_aware": "yes"}},
        "submit": True,
    }
    assert sender.create(body).status == 422
    assert move(sender, consent, "give").status == 200
    assert sender.create(body).status == 201


ANSWERED = datetime.now(UTC).replace(microsecond=0)
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("give", {"answered_at": (ANSWERED + timedelta(days=2)).isoformat()}, "/answered_at"),
    ("refuse", {"answered_at": (ANSWERED + timedelta(days=2)).isoformat()}, "/answered_at"),
    ("give", {"answered_at": "2020-01-01T00:00:00Z"}, "/answered_at"),
    ("give", {"expires_at": "9999-12-31T23:59:59Z"}, "/expires_at"),
    ("give", {"witness": "nobody"}, "/witness"),
    ("give", {"evidence_hash": "x"}, "/evidence_hash"),
    ("withdraw", {"by": "police"}, "/by"),
    ("withdraw", {"witness": "nobody"}, "/witness"),
    ("invalidate", {"reason": "we changed our minds"}, "/reason"),
    ("invalidate", {"reason": None}, "/reason"),
]


@pytest.mark.parametrize(("name", "said", "pointer"), WRONG, ids=lambda value: str(value)[:30])
def test_an_answer_that_cannot_be_is_refused_at_its_place(
    exchange: Exchange, sender: Caller, name: str, said: dict[str, Any], pointer: str
) -> None:
    consent = record(exchange, decision="requested")
    refused = move(sender, consent, name, **said)
    assert (refused.status, [error["pointer"] for error in refused.body["errors"]]) == (422, [pointer])
    assert sender.get(f"consents/{consent.body['id']}").etag == '"1"'


@pytest.mark.parametrize("decision", ["requested", "refused"])
def test_only_a_consent_that_was_given_has_an_end(exchange: Exchange, sender: Caller, decision: str) -> None:
    subject = sender.create({}).body["subject"]["id"]
    body = {"subject": subject, **consent_body(exchange.centre), "decision": decision}
    refused = sender.create({**body, "expires_at": "2099-01-01T00:00:00Z"}, path="consents")
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/expires_at")


def test_a_witness_is_named_to_their_own_agency_alone(exchange: Exchange, sender: Caller) -> None:
    consent = record(exchange, witness=sender.staff_id)
    assert consent.body["events"][0]["witness"] == sender.staff_id
    sender.rest_on(consent, exchange.centre)
    shown = exchange.centre.as_("coordinator").get(f"consents/{consent.body['id']}")
    assert shown.body["events"][0]["witness"] == ""
    assert sender.staff_id not in str(shown.body)


# --- the record ---------------------------------------------------------------------------------------------------


def test_a_record_says_what_27560_asks_for(exchange: Exchange) -> None:
    told = record(exchange, categories=["contact", "health"]).body
    assert told["schema_version"] == "https://w3id.org/dpv/schema/dpv-27560#record"
    assert told["controllers"] == [exchange.municipality.id, exchange.centre.id]
    assert (told["storage_location"], told["jurisdiction"], told["retention"]) == ("DK", "DK", "disposal_rule")
    assert told["withdrawal_method"] == "either_agency"
    assert told["rights"] == ["A7-3", "A13", "A14", "A15", "A16", "A17", "A18", "A21", "A77"]
    assert told["lawful_basis"] == ["A6-1-e-official-authority"]
    assert [(party["role"], party["id"]) for party in told["parties"]] == [
        ("subject", told["subject"]),
        ("controller", exchange.municipality.id),
        ("controller", exchange.centre.id),
        ("recipient", exchange.centre.id),
        ("authority", None),
    ]
    assert told["parties"][1]["name"]["da"] == exchange.municipality.agency.name_da


@pytest.mark.parametrize(
    ("kind", "categories", "special", "grounds"),
    [
        ("GDPR_BASIS", ["contact"], False, ["A6-1-a-explicit-consent"]),
        ("GDPR_BASIS", ["contact", "concern"], True, ["A6-1-a-explicit-consent", "A9-2-a"]),
        ("GDPR_BASIS", ["reason"], True, ["A6-1-a-explicit-consent", "A9-2-a"]),
        ("GDPR_BASIS", ["criminal"], False, ["A6-1-a-explicit-consent"]),
        ("CONFIDENTIALITY_WAIVER", ["health"], True, ["A6-1-e-official-authority"]),
        ("HEALTH_SL43", ["health"], True, ["A6-1-e-official-authority"]),
    ],
)
def test_ground_and_special_categories_follow_from_kind_and_categories(
    exchange: Exchange, kind: str, categories: list[str], special: bool, grounds: list[str]
) -> None:
    told = record(exchange, kind=kind, categories=categories).body
    assert (told["special_category"], told["lawful_basis"]) == (special, grounds)
    assert ("A21" in told["rights"]) is (kind != "GDPR_BASIS")


def test_investigation_is_forbidden_whatever_is_told(exchange: Exchange, sender: Caller) -> None:
    told = record(exchange, permitted_uses=["evaluation"], forbidden_uses=["contact_family"]).body
    assert (told["permitted_uses"], told["forbidden_uses"]) == (["evaluation"], ["contact_family", "investigation"])
    subject = sender.create({}).body["subject"]["id"]
    for uses in (
        {"permitted_uses": ["investigation"]},
        {"permitted_uses": ["research"], "forbidden_uses": ["research"]},
    ):
        refused = sender.create({"subject": subject, **consent_body(exchange.centre), **uses}, path="consents")
        assert (refused.status, refused.body["code"]) == (422, "consent-not-valid")


def test_a_custody_holder_is_known_by_the_role_alone(exchange: Exchange) -> None:
    told = record(exchange, given_by="custody_holder").body
    assert {"role": "custody_holder", "id": None, "name": None, "contact": None} in told["parties"]
    assert told["events"][0]["entity"] == "custody_holder"


# --- as of any instant --------------------------------------------------------------------------------------------


def ago(**by: float) -> str:
    return (datetime.now(UTC) - timedelta(**by)).isoformat().replace("+00:00", "Z")


def test_the_state_is_told_as_it_was_known_at_an_instant(exchange: Exchange, sender: Caller) -> None:
    consent = record(exchange)
    path = f"consents/{consent.body['id']}"
    between = ago()
    move(sender, consent, "withdraw")
    later = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert sender.get(path).body["state"] == "withdrawn"
    then = sender.get(f"{path}?at={between}").body
    assert (then["state"], len(then["events"]), then["as_of"], then["expires_at"]) == (
        *("given", 1, between),
        consent.body["expires_at"],
    )
    assert sender.get(f"{path}?at={later}").body["state"] == "withdrawn"


def test_what_was_registered_late_was_not_known_before(exchange: Exchange, sender: Caller) -> None:
    path = f"consents/{record(exchange).body['id']}"
    then = sender.get(f"{path}?at={ago(hours=1)}").body  # it was given weeks ago, and nobody had said so
    assert (then["state"], then["events"], then["expires_at"]) == ("unknown", [], None)


def test_expiry_needs_no_job(exchange: Exchange, sender: Caller) -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"consents/{record(exchange, expires_at=soon).body['id']}"
    assert sender.get(path).body["state"] == "given"
    assert sender.get(f"{path}?at={soon}").body["state"] == "expired"


@pytest.mark.parametrize("query", ["at=yesterday", "at=2026-11-01", "at=", "when=2026-11-01T00:00:00Z"])
def test_an_instant_is_an_rfc_3339_time(exchange: Exchange, sender: Caller, query: str) -> None:
    asked = sender.get(f"consents/{record(exchange).body['id']}?{query}")
    assert asked.status == 400


# --- the list -----------------------------------------------------------------------------------------------------


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [row["id"] for row in answer.body["results"]]


def test_an_agency_lists_the_consents_that_concern_it_and_no_other() -> None:
    exchange = Exchange()
    made = [record(exchange), record(exchange)]
    first, second = (consent.body["id"] for consent in made)
    assert ids(exchange.centre.as_("coordinator").get("consents")) == []
    for consent in made:
        exchange.municipality.as_("caseworker").rest_on(consent, exchange.centre)
    for party in (exchange.municipality, exchange.centre):
        assert ids(party.as_("coordinator").get("consents")) == [second, first]
    assert ids(exchange.stranger.as_("caseworker").get("consents")) == []
    assert exchange.municipality.as_("auditor").get("consents").status == 403


def test_the_list_is_narrowed_by_person_state_and_kind() -> None:
    exchange = Exchange()
    sender = exchange.municipality.as_("caseworker")
    made = {
        "given": record(exchange),
        "requested": record(exchange, decision="requested"),
        "expired": record(exchange, given_at="2020-01-01T00:00:00Z"),
        "refused": record(exchange, decision="refused"),
        "withdrawn": record(exchange),
        "renewed": record(exchange, kind="GDPR_BASIS"),
    }
    move(sender, made["withdrawn"], "withdraw")
    move(sender, made["renewed"], "renew")
    for state, consent in made.items():
        listed = sender.get(f"consents?state={state}")
        assert [(row["id"], row["state"]) for row in listed.body["results"]] == [(consent.body["id"], state)]
        assert ids(sender.get(f"consents?subject={consent.body['subject']}")) == [consent.body["id"]]
    assert ids(sender.get("consents?kind=GDPR_BASIS")) == [made["renewed"].body["id"]]
    assert ids(sender.get("consents?state=invalidated")) == []
    for wrong in ("state=lost", "kind=FREE", "subject=x", "recipient=x", "limit=0"):
        assert sender.get(f"consents?{wrong}").status == 400


def test_the_list_goes_on_where_it_stopped_for_whoever_it_was_shown_to() -> None:
    exchange = Exchange()
    made = [record(exchange).body["id"] for _ in range(3)]
    sender = exchange.municipality.as_("caseworker")
    first = sender.get("consents?limit=2")
    second = sender.get(f"consents?limit=2&cursor={first.body['next']}")
    assert (ids(first), ids(second), second.body["next"]) == (made[:0:-1], made[:1], None)
    moved = f"consents?limit=2&kind=GDPR_BASIS&cursor={first.body['next']}"
    assert sender.get(moved).status == 400
    assert exchange.centre.as_("coordinator").get(f"consents?cursor={first.body['next']}").status == 400


def test_given_at_is_when_the_person_decided(exchange: Exchange) -> None:
    for decision in ("given", "refused", "requested"):
        assert record(exchange, decision=decision).body["events"][0]["at"] == GIVEN_AT
