"""Rule 13: what is another's is answered exactly as what is not there; lists and counts reveal nothing either."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.exchange import Answer, Caller, Exchange, consent_body, referral_body
from tests.referrals.walks import MOVES, walk

CHANGES = ("Request-Id", "Receipt", "Date", "RateLimit")
"""The headers whose value is new in each answer; whether they are there is still compared."""


@pytest.fixture(scope="module")
def theirs(exchange: Exchange) -> dict[str, str]:
    """A referral between two other agencies, with its subject, consent and reference."""
    made = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre, external_reference="SAG-13"))
    assert made.status == 201
    return {
        "referral": made.body["id"],
        "subject": made.body["subject"]["id"],
        "consent": made.body["basis"]["consent_id"],
        "etag": made.etag,
    }


def same(first: Answer, second: Answer) -> None:
    """Hold two answers against each other: status, body and every header that does not change with time."""
    assert first.status == second.status
    assert first.body == second.body

    def lasting(answer: Answer) -> dict[str, str]:
        return {name: "" if name.startswith(CHANGES) else value for name, value in answer.headers.items()}

    assert lasting(first) == lasting(second)


Ask = Callable[[Caller, str], Answer]
OF_A_REFERRAL: dict[str, Ask] = {
    "read": lambda by, name: by.read(name),
    "read in English": lambda by, name: by.read(name, Accept_Language="en"),
    "timeline": lambda by, name: by.get(f"referrals/{name}/timeline"),
    "disclosures": lambda by, name: by.get(f"referrals/{name}/disclosures"),
    "edit": lambda by, name: by.call("PATCH", f"referrals/{name}", {"urgency": "acute"}, If_Match='"2"'),
    "edit, stale": lambda by, name: by.call("PATCH", f"referrals/{name}", {}, If_Match='"1"'),
    "edit, without a version": lambda by, name: by.call("PATCH", f"referrals/{name}", {}),
    "edit, malformed": lambda by, name: by.call("PATCH", f"referrals/{name}", {}, If_Match="*"),
    "edit, wrongly": lambda by, name: by.call("PATCH", f"referrals/{name}", {"status": "x"}, If_Match='"2"'),
    "for investigation": lambda by, name: by.read(name, Purpose="investigation"),
    "for another purpose": lambda by, name: by.read(name, Purpose="child_protection"),
    "an unknown purpose": lambda by, name: by.read(name, Purpose="gossip"),
    "a wrong method": lambda by, name: by.call("DELETE", f"referrals/{name}"),
    "a filter": lambda by, name: by.get(f"referrals?role=sent&external_reference={name}"),
    "a parameter": lambda by, name: by.get(f"referrals?id={name}"),
    "as parent": lambda by, name: by.create({"parent": name}),
    **{
        f"{move} at {version}": lambda by, name, path=path, body=body, version=version: by.post(  # type: ignore[misc]
            f"referrals/{name}/{path}", body, If_Match=f'"{version}"'
        )
        for move, (path, body) in MOVES.items()
        for version in (1, 2)
    },
}
ROLES = {"stranger": ["caseworker", "coordinator"], "police": ["caseworker"]}


@pytest.mark.parametrize("ask", OF_A_REFERRAL)
def test_rule_13_a_foreign_referral_is_answered_as_one_that_is_not_there(
    exchange: Exchange, theirs: dict[str, str], ask: str
) -> None:
    stranger = exchange.stranger.as_("coordinator")
    foreign = OF_A_REFERRAL[ask](stranger, theirs["referral"])
    same(foreign, OF_A_REFERRAL[ask](stranger, str(uuid4())))
    if ask.startswith(("read", "edit, stale", "timeline", "disclosures")) or " at " in ask:
        assert foreign.status in (404, 422), ask
        assert "ETag" not in foreign.headers


def test_rule_13_so_it_is_for_every_role_that_is_no_party(exchange: Exchange, theirs: dict[str, str]) -> None:
    for who in (
        exchange.stranger.as_("caseworker"),
        exchange.stranger.as_("auditor"),
        exchange.stranger.as_("administrator"),
        exchange.police.as_("caseworker"),
        exchange.centre.as_("auditor"),
        exchange.oversight.as_("auditor"),
    ):
        who.headers["Purpose"] = "audit" if who.role == "auditor" else "crime_prevention"
        same(who.read(theirs["referral"]), who.read(str(uuid4())))


def test_rule_13_a_draft_is_to_its_later_recipient_as_if_it_were_not_there(exchange: Exchange) -> None:
    draft = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre, submit=False))
    coordinator = exchange.centre.as_("coordinator")
    for path in ("", "/timeline", "/disclosures"):
        same(
            coordinator.get(f"referrals/{draft.body['id']}{path}"),
            coordinator.get(f"referrals/{uuid4()}{path}"),
        )
    assert coordinator.read(draft.body["id"]).status == 404


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("subject", {"subject": {"id": "{}"}}),
        ("consent", {"basis": {"code": "SAMTYKKE-TAVSHED", "consent_id": "{}"}}),
        ("referral", {"recipient": "{}"}),
    ],
)
def test_rule_13_a_foreign_id_in_a_body_is_answered_as_one_that_is_not_there(
    exchange: Exchange, theirs: dict[str, str], name: str, body: dict[str, Any]
) -> None:
    stranger = exchange.stranger.as_("caseworker")

    def with_id(identifier: str) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        for member, value in body.items():
            inner = value if isinstance(value, dict) else None
            filled[member] = (
                {k: identifier if v == "{}" else v for k, v in inner.items()} if inner is not None else identifier
            )
        return filled

    foreign, absent = stranger.create(with_id(theirs[name])), stranger.create(with_id(str(uuid4())))
    assert foreign.status == 422
    same(foreign, absent)
    for sent in (theirs[name], str(uuid4())):
        answer = stranger.post("referrals/batch", {"items": [with_id(sent)]}, Idempotency_Key=str(uuid4()))
        assert answer.body["results"] == [{"index": 0, "status": 422, "problem": foreign.body}]


def test_rule_13_a_foreign_consent_is_answered_as_one_that_is_not_there(
    exchange: Exchange, theirs: dict[str, str]
) -> None:
    stranger = exchange.stranger.as_("caseworker")
    for ask in (
        lambda name: stranger.get(f"consents/{name}"),
        lambda name: stranger.post(f"consents/{name}/withdraw", {"method": "oral"}, If_Match='"1"'),
        lambda name: stranger.post(f"consents/{name}/withdraw", {"method": "oral"}, If_Match='"7"'),
        lambda name: stranger.post(f"consents/{name}/renew", {"method": "oral"}, If_Match='"1"'),
        lambda name: stranger.post(f"consents/{name}/renew", {"method": "oral"}),
    ):
        same(ask(theirs["consent"]), ask(str(uuid4())))
    assert stranger.get(f"consents/{theirs['consent']}").status == 404
    for subject in (theirs["subject"], str(uuid4())):
        refused = stranger.create({"subject": subject, **consent_body(exchange.centre)}, path="consents")
        assert (refused.status, refused.body["errors"][0]["code"]) == (422, "unknown_subject")


def hidden(who: Caller, consent: str) -> None:
    """Hold that a consent is to this agency as one that is not there, whatever it asks."""
    asked = {"method": "oral"}
    for ask in (
        lambda name: who.get(f"consents/{name}"),
        lambda name: who.get(f"consents/{name}?at=2999-01-01T00:00:00Z"),
        lambda name: who.get(f"consents/{name}/receipt", Accept="text/plain"),
        lambda name: who.get(f"consents/{name}/receipt", Accept="application/ld+json"),
        lambda name: who.post(f"consents/{name}/withdraw", asked, If_Match='"1"'),
        lambda name: who.post(f"consents/{name}/withdraw", asked, If_Match='"7"'),
        lambda name: who.post(f"consents/{name}/renew", asked, If_Match='"1"'),
    ):
        same(ask(consent), ask(str(uuid4())))
    assert who.get(f"consents/{consent}").status == 404
    assert who.post(f"consents/{consent}/withdraw", asked, If_Match='"1"').status == 404
    assert consent not in [row["id"] for row in who.get("consents").body["results"]]


@pytest.mark.parametrize("decision", ["given", "requested", "refused"])
def test_rule_13_to_be_named_in_a_consent_tells_an_agency_nothing_of_it(exchange: Exchange, decision: str) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    body = {"subject": subject, **consent_body(exchange.centre), "decision": decision}
    hidden(exchange.centre.as_("coordinator"), sender.create(body, path="consents").body["id"])


def test_rule_13_nor_does_a_drafts_until_it_is_submitted(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    draft = sender.create(referral_body(exchange.centre, submit=False))
    consent = draft.body["basis"]["consent_id"]
    hidden(coordinator, consent)
    assert sender.step(draft.body["id"], "submit").status == 200
    assert coordinator.get(f"consents/{consent}").status == 200
    assert consent in [row["id"] for row in coordinator.get("consents").body["results"]]


def test_rule_13_nor_a_submission_that_was_refused(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create(referral_body(exchange.centre, submit=False, consent={"categories": ["reason"]}))
    assert sender.step(draft.body["id"], "submit").status == 422
    hidden(exchange.centre.as_("coordinator"), draft.body["basis"]["consent_id"])


def test_rule_13_an_agency_named_beside_the_recipient_is_not_told_with_it(exchange: Exchange) -> None:
    both = {"recipients": [exchange.centre.id, exchange.stranger.id]}
    made = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre, consent=both))
    consent = made.body["basis"]["consent_id"]
    hidden(exchange.stranger.as_("caseworker"), consent)
    coordinator = exchange.centre.as_("coordinator")
    seen = coordinator.get(f"consents/{consent}")
    ended = coordinator.post(f"consents/{consent}/withdraw", {"method": "oral"}, If_Match=seen.etag)
    assert (seen.status, ended.status) == (200, 200)
    hidden(exchange.stranger.as_("caseworker"), consent)
    assert coordinator.get(f"consents/{consent}").body["state"] == "withdrawn"


def test_rule_13_another_consent_is_told_when_the_referral_comes_to_rest_on_it(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.submit(exchange.centre)
    told = sender.read(referral).body
    first = told["basis"]["consent_id"]
    assert sender.post(f"consents/{first}/withdraw", {"method": "oral"}, If_Match='"1"').status == 200
    body = {"subject": told["subject"]["id"], **consent_body(exchange.centre)}
    second = sender.create(body, path="consents").body["id"]
    hidden(coordinator, second)
    another = {"basis": {"code": "SAMTYKKE-TAVSHED", "consent_id": second}}
    assert sender.step(referral, "resume", another).status == 200
    for consent in (first, second):
        assert coordinator.get(f"consents/{consent}").status == 200


def test_rule_13_an_answers_new_consent_and_an_outcomes_are_told_to_the_other_party(exchange: Exchange) -> None:
    walked = walk(exchange, "info_requested")
    given = {"basis": {"code": "SAMTYKKE-TAVSHED", "consent": consent_body(exchange.centre)}}
    walked.take("answer_info", body={"kind": "information_answer", **given})
    wider = walked.sender.read(walked.id).body["basis"]["consent_id"]
    assert walked.coordinator.get(f"consents/{wider}").status == 200

    done = walk(exchange, "in_progress")
    waiver = {**consent_body(exchange.municipality, ["outcome"]), "kind": "GDPR_BASIS"}
    end = {"reason": "goals_reached", "outcome": "unknown", "report_back": {"code": "SAMTYKKE-GDPR", "consent": waiver}}
    done.take("complete", body=end)
    (outcomes,) = [
        row["id"]
        for row in done.coordinator.get("consents").body["results"]
        if row["registered_by"] == exchange.centre.id
    ]
    assert done.sender.get(f"consents/{outcomes}").status == 200


def test_rule_13_an_auditor_of_another_agency_finds_as_much_as_of_nothing(
    exchange: Exchange, theirs: dict[str, str]
) -> None:
    auditor = Exchange().stranger.as_("auditor")
    auditor.headers["Audit-Case"] = "2026-13"
    other = str(uuid4())

    def told(answer: Answer) -> Any:
        assert answer.status == 200
        return answer.body

    for query in ("referral={}", "agency={}", "staff={}", "referral={}&outcome=refused"):
        foreign_id = exchange.municipality.id if query.startswith("agency") else theirs["referral"]
        assert told(auditor.get(f"audit/entries?{query.format(foreign_id)}")) == told(
            auditor.get(f"audit/entries?{query.format(other)}")
        )
    same(
        auditor.get(f"referrals/{theirs['referral']}/disclosures"),
        auditor.get(f"referrals/{other}/disclosures"),
    )
    searched = [
        auditor.post("audit/entries/search", {"case_number": "2026-13", "referral": name})
        for name in (theirs["referral"], other)
    ]
    rows = [[(row["action"], row["outcome"], row["actor"]) for row in told(answer)["results"]] for answer in searched]
    assert rows[0] == rows[1]  # the auditor's own looks, just now, and nothing else
    assert {action for action, _, _ in rows[0]} <= {"audit.inspect", "referral.disclosures"}


def test_rule_13_a_stranger_who_tries_a_foreign_id_does_not_find_it_in_the_ledger_after(
    exchange: Exchange, theirs: dict[str, str]
) -> None:
    """Its own refused attempts an agency may see; they say the same of a foreign id as of none."""
    nobody = Exchange().stranger
    stranger, auditor = nobody.as_("caseworker"), nobody.as_("auditor")
    absent = str(uuid4())
    for name in (theirs["referral"], absent):
        assert stranger.read(name).status == 404

    def own_part(name: str) -> list[tuple[Any, ...]]:
        rows = auditor.get(f"audit/entries?referral={name}&action=referral.disclose", Audit_Case="1").body["results"]
        mine = [row for row in rows if row["on_behalf_of"] == stranger.staff_id]
        assert len(mine) == len(rows)
        return [(row["action"], row["outcome"], row["refusal"], row["basis"], row["categories"]) for row in mine][:1]

    assert own_part(theirs["referral"]) == own_part(absent) == [("referral.disclose", "refused", "not-found", None, [])]


def test_rule_13_a_reference_taken_elsewhere_is_free_here(exchange: Exchange, theirs: dict[str, str]) -> None:
    made = exchange.stranger.as_("caseworker").create({"external_reference": "SAG-13"})
    assert made.status == 201


SOUGHT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "identifier": ({"identifier": {"cpr": "6101901234"}}, {"identifier": {"cpr": "6101900404"}}),
    "external reference": ({"external_reference": "SAG-13"}, {"external_reference": "SAG-404"}),
}
"""What finds the referral of two other agencies, and what finds nothing anywhere."""


@pytest.mark.parametrize("kind", [*SOUGHT, "reference"])
def test_rule_13_a_search_for_another_agencys_person_is_answered_as_one_for_nobody(
    exchange: Exchange, theirs: dict[str, str], kind: str
) -> None:
    by_id = ({"reference": theirs["referral"]}, {"reference": str(uuid4())})
    foreign, absent = SOUGHT.get(kind, by_id)
    assert exchange.municipality.as_("caseworker").post("referrals/search", foreign).body["results"]
    nobody = Exchange()
    for who in (
        *(nobody.stranger.as_(role) for role in ("caseworker", "coordinator", "auditor", "administrator")),
        nobody.police.as_("caseworker"),
        nobody.centre.as_("counsellor"),
        exchange.centre.as_("auditor"),
        exchange.oversight.as_("auditor"),
    ):
        who.headers["Purpose"] = "audit" if who.role == "auditor" else "crime_prevention"
        for language in ("da", "en"):
            told = who.post("referrals/search", foreign, Accept_Language=language)
            same(told, who.post("referrals/search", absent, Accept_Language=language))
            assert (told.status, told.body.get("results")) in [(200, []), (403, None)]


def test_rule_13_the_same_person_at_two_agencies_is_found_by_each_as_its_own_alone(
    exchange: Exchange, theirs: dict[str, str]
) -> None:
    """An agency that knows the person itself learns no more of the other than one that does not."""
    stranger = exchange.stranger.as_("caseworker")
    own = stranger.create({"sections": {"identity": {"name": "A", "cpr": "6101901234"}}}).body["id"]
    found = stranger.post("referrals/search", {"identifier": {"cpr": "610190-1234"}}).body["results"]
    assert [row["id"] for row in found] == [own]


def test_rule_13_a_search_does_the_same_work_for_another_agencys_person_as_for_nobody(
    theirs: dict[str, str],
) -> None:
    who = Exchange().stranger.as_("caseworker")
    worked = []
    for sought in (SOUGHT["identifier"][1], *SOUGHT["identifier"]):  # the first one warms what is kept
        with CaptureQueriesContext(connection) as captured:
            assert who.post("referrals/search", sought).body == {"results": [], "next": None}
        worked.append([query["sql"].partition(" ")[0] for query in captured])
    assert worked[1] == worked[2]


def test_rule_13_the_ledger_says_the_same_of_a_search_for_another_agencys_person(theirs: dict[str, str]) -> None:
    nobody = Exchange().stranger
    for sought in SOUGHT["identifier"]:
        assert nobody.as_("caseworker").post("referrals/search", sought).status == 200
    looked = nobody.as_("auditor").get("audit/entries?action=referral.search", Audit_Case="1").body["results"]
    changing = {"id", "at", "request_id", "leaf_hash"}
    said = [{name: value for name, value in row.items() if name not in changing} for row in looked]
    assert len(said) == 2
    assert said[0] == said[1]


def test_rule_13_the_directory_counts_nothing(exchange: Exchange, theirs: dict[str, str]) -> None:
    told = exchange.stranger.as_("caseworker").get(f"agencies/{exchange.centre.id}")
    assert set(told.body) == {"id", "kind", "code", "name", "offers", "capacity"}
