"""Rule 10: § 115(3) lets in self-governing institutions alone; nothing but evidence and two approvers makes one."""

from typing import Any
from uuid import uuid4

import pytest

from agencies.models import Agency, Kind
from audit.models import Entry
from tests.exchange import EVIDENCE, Answer, Caller, Exchange, Party, referral_body
from tests.referrals.walks import at_home

REASON = {"reason": {"summary": "Bekymring for en ung.", "subject_aware": "no"}}
BASIS = {"code": "RPL115-3", "necessity_statement": "Nødvendigt."}


@pytest.fixture
def exchange(database: None) -> Exchange:
    """An exchange of each test's own: what one approves would be approved for the next."""
    return Exchange()


def tried(sender: Party, recipient: Party) -> Answer:
    home = next(party for party in (sender, recipient) if party.agency.kind == Kind.MUNICIPALITY)
    body = referral_body(recipient, basis=BASIS, sections=at_home(home, REASON))
    return sender.as_("coordinator").create(body, Purpose="crime_prevention")


def told(answer: Answer) -> tuple[int, Any]:
    """Return the status, and what is wrong or which state the claim is in."""
    body = answer.body
    errors = [error["code"] for error in body.get("errors", [])]
    return answer.status, errors or body.get("code") or body.get("state")


def claims(party: Party) -> str:
    return f"agencies/{party.id}/self-governing-claims"


def claim(party: Party, by: Caller | None = None, **changes: Any) -> Answer:
    """Claim, by the party's own administrator unless another is named, that the party is self-governing."""
    by = by or party.as_("administrator")
    return by.create({**EVIDENCE, **changes}, path=claims(party))


def approve(party: Party, made: Answer | str, by: Caller) -> Answer:
    name = made if isinstance(made, str) else made.body["id"]
    return by.post(f"{claims(party)}/{name}/approve", {})


def withdraw(party: Party, made: Answer | str, by: Caller, reason: str = "evidence_replaced") -> Answer:
    name = made if isinstance(made, str) else made.body["id"]
    return by.post(f"{claims(party)}/{name}/withdraw", {"reason": reason})


def is_approved(party: Party) -> bool:
    party.agency.refresh_from_db()
    return party.agency.self_governing_approved


# --- What rests on it ---------------------------------------------------------------------------------------------


def test_rule_10_it_is_false_until_something_else_is_approved(exchange: Exchange) -> None:
    for party in (exchange.centre, exchange.municipality):
        assert is_approved(party) is False


def test_rule_10_without_the_attribute_an_exit_centre_is_no_recipient(exchange: Exchange) -> None:
    assert told(tried(exchange.municipality, exchange.centre)) == (422, ["recipient_not_self_governing"])


def test_rule_10_without_the_attribute_an_exit_centre_is_no_sender(exchange: Exchange) -> None:
    assert tried(exchange.centre, exchange.municipality).status == 422


def test_rule_10_authorities_need_no_such_attribute(exchange: Exchange) -> None:
    assert tried(exchange.municipality, exchange.police).status == 201


def test_rule_10_evidence_and_two_approvers_let_an_exit_centre_in(exchange: Exchange) -> None:
    exchange.approve_self_governing(exchange.centre)
    sent = tried(exchange.municipality, exchange.centre)
    assert sent.status == 201
    shown = exchange.centre.as_("coordinator").read(sent.body["id"], Purpose="crime_prevention")
    assert shown.body["sections"]["reason"]["necessity"] == "Nødvendigt."
    assert tried(exchange.centre, exchange.municipality).status == 201


def test_rule_10_it_is_that_agencys_alone(exchange: Exchange) -> None:
    exchange.approve_self_governing(exchange.centre)
    other = exchange.party("another centre", "exit_centre")
    assert told(tried(exchange.municipality, other)) == (422, ["recipient_not_self_governing"])


def test_rule_10_withdrawing_ends_it_at_once(exchange: Exchange) -> None:
    made = exchange.approve_self_governing(exchange.centre)
    sent = tried(exchange.municipality, exchange.centre).body["id"]
    reader = exchange.centre.as_("coordinator")
    assert "reason" in reader.read(sent, Purpose="crime_prevention").body["sections"]
    gone = withdraw(exchange.centre, made, exchange.oversight.as_("administrator"), "no_longer_self_governing")
    assert (told(gone), gone.body["withdrawn_reason"]) == ((200, "withdrawn"), "no_longer_self_governing")
    assert told(tried(exchange.municipality, exchange.centre)) == (422, ["recipient_not_self_governing"])
    after = reader.read(sent, Purpose="crime_prevention")
    assert "reason" not in after.body["sections"]
    assert is_approved(exchange.centre) is False


# --- Who makes it so ----------------------------------------------------------------------------------------------


def test_rule_10_one_approver_is_not_enough(exchange: Exchange) -> None:
    made = claim(exchange.centre)
    assert told(made) == (201, "waiting")
    one = approve(exchange.centre, made, exchange.oversight.as_("administrator"))
    assert (told(one), len(one.body["approved_at"])) == ((200, "waiting"), 1)
    assert tried(exchange.municipality, exchange.centre).status == 422


def test_rule_10_the_same_person_twice_is_one(exchange: Exchange) -> None:
    made = claim(exchange.centre)
    approver = exchange.oversight.as_("administrator")
    for _ in range(3):
        again = approve(exchange.centre, made, approver)
        assert (told(again), len(again.body["approved_at"])) == ((200, "waiting"), 1)
    assert is_approved(exchange.centre) is False


def test_rule_10_the_claimant_does_not_count(exchange: Exchange) -> None:
    first, second, third = (exchange.oversight.as_("administrator", number) for number in (1, 2, 3))
    made = claim(exchange.centre, by=first)
    assert told(approve(exchange.centre, made, first)) == (403, "not-an-approver")
    assert told(approve(exchange.centre, made, second)) == (200, "waiting")
    assert told(approve(exchange.centre, made, first)) == (403, "not-an-approver")
    assert is_approved(exchange.centre) is False
    assert told(approve(exchange.centre, made, third)) == (200, "approved")
    assert is_approved(exchange.centre) is True


def test_rule_10_nobody_of_the_agency_itself_approves(exchange: Exchange) -> None:
    made = claim(exchange.centre, by=exchange.oversight.as_("administrator"))
    assert told(approve(exchange.centre, made, exchange.centre.as_("administrator"))) == (403, "not-an-approver")


def test_rule_10_a_claim_that_was_withdrawn_is_approved_no_more(exchange: Exchange) -> None:
    made = claim(exchange.centre)
    one, two = (exchange.oversight.as_("administrator", number) for number in (1, 2))
    assert approve(exchange.centre, made, one).status == 200
    assert withdraw(exchange.centre, made, exchange.centre.as_("administrator")).status == 200
    assert told(approve(exchange.centre, made, two)) == (409, "claim-withdrawn")
    again = withdraw(exchange.centre, made, one, "claimed_in_error")
    assert (told(again), again.body["withdrawn_reason"]) == ((200, "withdrawn"), "evidence_replaced")


def test_rule_10_approvals_of_two_claims_do_not_add_up(exchange: Exchange) -> None:
    one, two = (exchange.oversight.as_("administrator", number) for number in (1, 2))
    first = claim(exchange.centre)
    assert approve(exchange.centre, first, one).status == 200
    assert told(claim(exchange.centre)) == (409, "claim-stands")
    assert withdraw(exchange.centre, first, one).status == 200
    second = claim(exchange.centre)
    assert told(approve(exchange.centre, second, two)) == (200, "waiting")
    assert is_approved(exchange.centre) is False


@pytest.mark.parametrize("role", ["caseworker", "coordinator", "counsellor", "auditor", "integration"])
def test_rule_10_it_is_for_administrators(exchange: Exchange, role: str) -> None:
    made = claim(exchange.centre)
    for party in (exchange.centre, exchange.oversight):
        who = party.as_(role)
        who.headers["Purpose"] = "administration"
        for refused in (
            who.get(claims(exchange.centre)),
            claim(exchange.centre, by=who),
            approve(exchange.centre, made, who),
            withdraw(exchange.centre, made, who),
        ):
            assert told(refused) == (403, "role-may-not")
            assert Entry.objects.get(request_id=refused.headers["Request-Id"]).refusal == "role-may-not"


def test_rule_10_administrators_have_this_purpose_and_no_other(exchange: Exchange) -> None:
    who = exchange.centre.as_("administrator")
    for purpose in ("exit_support", "crime_prevention", "audit"):
        assert told(who.get(claims(exchange.centre), Purpose=purpose)) == (403, "purpose-not-allowed")
    assert told(who.get(claims(exchange.centre), Purpose="investigation")) == (403, "purpose-forbidden")
    caseworker = exchange.centre.as_("coordinator")
    assert told(caseworker.get("referrals", Purpose="administration")) == (403, "purpose-not-allowed")


def test_rule_10_a_client_needs_the_scope(exchange: Exchange) -> None:
    fewer = exchange.centre.fetch_token(scope="referrals consents audit")
    exchange.centre._token = fewer.body["access_token"]
    assert told(claim(exchange.centre)) == (403, "scope-missing")


# --- The claim itself ---------------------------------------------------------------------------------------------


def test_rule_10_a_strangers_claim_is_not_there(exchange: Exchange) -> None:
    made = claim(exchange.centre).body["id"]
    stranger = exchange.stranger.as_("administrator")
    nobody = f"agencies/{uuid4()}/self-governing-claims"
    there, absent = claims(exchange.centre), f"{claims(exchange.centre)}/{uuid4()}"
    for foreign, missing in (
        (stranger.get(there), stranger.get(nobody)),
        (stranger.create(EVIDENCE, path=there), stranger.create(EVIDENCE, path=nobody)),
        (stranger.post(f"{there}/{made}/approve", {}), stranger.post(f"{absent}/approve", {})),
        (
            stranger.post(f"{there}/{made}/withdraw", {"reason": "claimed_in_error"}),
            stranger.post(f"{absent}/withdraw", {"reason": "claimed_in_error"}),
        ),
        (
            stranger.post(f"{claims(exchange.stranger)}/{made}/withdraw", {"reason": "claimed_in_error"}),
            exchange.oversight.as_("administrator").post(f"{absent}/approve", {}),
        ),
    ):
        assert (foreign.status, foreign.body) == (404, missing.body)
        assert missing.status == 404
        entry = Entry.objects.get(request_id=foreign.headers["Request-Id"])
        assert (entry.outcome, entry.refusal) == ("refused", "not-found")
    assert exchange.centre.as_("administrator").get(there).body["results"][0]["state"] == "waiting"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"evidence_hash": "AB" * 32}, "invalid"),
        ({"evidence_hash": "ab" * 31}, "invalid"),
        ({"evidence_reference": ""}, "blank"),
        ({"evidence_reference": "6101901234"}, "cpr_not_allowed_here"),
        ({"evidence_reference": "see my drawer"}, "invalid_reference"),
        ({"approved": True}, "unknown_member"),
        ({"claimed_by": "somebody-else"}, "unknown_member"),
    ],
)
def test_rule_10_a_claim_has_evidence(exchange: Exchange, changes: dict[str, Any], code: str) -> None:
    assert told(claim(exchange.centre, **changes)) == (422, [code])
    for left_out in EVIDENCE:
        body = {name: value for name, value in EVIDENCE.items() if name != left_out}
        refused = exchange.centre.as_("administrator").create(body, path=claims(exchange.centre))
        assert told(refused) == (422, ["required"])


def test_rule_10_a_claim_is_withdrawn_for_a_coded_reason(exchange: Exchange) -> None:
    made = claim(exchange.centre)
    assert told(withdraw(exchange.centre, made, exchange.centre.as_("administrator"), "because")) == (
        422,
        ["invalid_choice"],
    )


def test_rule_10_a_claim_is_made_once_per_key(exchange: Exchange) -> None:
    who, path = exchange.centre.as_("administrator"), claims(exchange.centre)
    first, again = (who.post(path, EVIDENCE, Idempotency_Key="one") for _ in range(2))
    assert (first.status, again.status, first.body) == (201, 201, again.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = who.post(path, {**EVIDENCE, "evidence_reference": "another"}, Idempotency_Key="one")
    assert told(other) == (422, "idempotency-key-reused")
    assert told(who.post(path, EVIDENCE)) == (400, "malformed")
    elsewhere = exchange.oversight.as_("administrator")
    assert elsewhere.post(claims(exchange.stranger), EVIDENCE, Idempotency_Key="two").status == 201
    assert told(elsewhere.post(path, EVIDENCE, Idempotency_Key="two")) == (422, "idempotency-key-reused")


def test_rule_10_claims_are_listed_newest_first_page_by_page(exchange: Exchange) -> None:
    who = exchange.centre.as_("administrator")
    made: list[str] = []
    for _ in range(3):
        made.insert(0, claim(exchange.centre).body["id"])
        withdraw(exchange.centre, made[0], who)
    page = who.get(f"{claims(exchange.centre)}?limit=2")
    rest = who.get(f"{claims(exchange.centre)}?limit=2&cursor={page.body['next']}")
    assert [row["id"] for row in page.body["results"] + rest.body["results"]] == made
    assert rest.body["next"] is None
    seen = Entry.objects.get(request_id=page.headers["Request-Id"])
    assert [str(name) for name in seen.result_ids] == made[:2]
    assert who.get(f"{claims(exchange.centre)}?state=approved").status == 400


def test_rule_10_the_claimant_is_named_to_their_own_agency_and_the_oversight_body(exchange: Exchange) -> None:
    overseer, own = exchange.oversight.as_("administrator"), exchange.centre.as_("administrator")
    made = claim(exchange.centre, by=overseer)
    assert made.body["claimed_by"] == overseer.staff_id
    assert own.get(claims(exchange.centre)).body["results"][0]["claimed_by"] is None
    withdraw(exchange.centre, made, own)
    assert claim(exchange.centre).body["claimed_by"] == own.staff_id
    assert overseer.get(claims(exchange.centre)).body["results"][0]["claimed_by"] == own.staff_id


def test_rule_10_each_act_is_an_entry_that_says_who_and_which_claim(exchange: Exchange) -> None:
    made = exchange.approve_self_governing(exchange.centre)
    withdraw(exchange.centre, made, exchange.centre.as_("administrator"), "claimed_in_error")
    found = Entry.objects.filter(subject_kind="agency", subject_id=exchange.centre.id).order_by("id")
    own, one, two = (
        exchange.centre.as_("administrator").staff_id,
        *(exchange.oversight.as_("administrator", number).staff_id for number in (1, 2)),
    )
    assert [(entry.action, entry.on_behalf_of, entry.purpose, entry.detail) for entry in found] == [
        ("self_governing.claim", own, "administration", {"claim": made}),
        ("self_governing.approve", one, "administration", {"claim": made, "approved": "no"}),
        ("self_governing.approve", two, "administration", {"claim": made, "approved": "yes"}),
        ("self_governing.withdraw", own, "administration", {"claim": made, "reason": "claimed_in_error"}),
    ]
    assert all(entry.changes for entry in found)


def test_rule_10_no_other_address_of_the_api_sets_it_and_the_directory_does_not_tell(exchange: Exchange) -> None:
    centre = exchange.centre.as_("administrator")
    path = f"agencies/{exchange.centre.id}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for address in (path, "agencies", "code-lists/legal-bases"):
            answer = centre.call(method, address, {"self_governing_approved": True})
            assert (answer.status, answer.body["code"]) == (405, "method-not-allowed"), (method, address)
    assert is_approved(exchange.centre) is False
    exchange.approve_self_governing(exchange.centre)
    assert "governing" not in str(centre.get(path).body)


def test_rule_10_the_application_itself_cannot_write_it(exchange: Exchange) -> None:
    """Django leaves the column out; what it does write of an agency leaves the attribute as it is."""
    agency = exchange.centre.agency
    stale = Agency.objects.get(pk=agency.pk)
    exchange.approve_self_governing(exchange.centre)
    assert stale.self_governing_approved is False
    stale.name_da = "Et andet navn"
    stale.save()
    Agency.objects.filter(pk=agency.pk).update(self_governing_approved=False, name_en="Another name")
    assert is_approved(exchange.centre) is True
    assert (agency.name_da, agency.name_en) == ("Et andet navn", "Another name")
