"""Rule 10: § 115(3) lets in self-governing institutions alone; nothing but two approvers makes an agency one."""

from typing import Any

from agencies.models import Agency
from tests.exchange import Exchange, Party, referral_body

REASON = {"reason": {"summary": "Bekymring for en ung.", "subject_aware": "no"}}
BASIS = {"code": "RPL115-3", "necessity_statement": "Nødvendigt."}


def tried(sender: Party, recipient: Party) -> Any:
    return sender.as_("coordinator").create(
        referral_body(recipient, basis=BASIS, sections=REASON), Purpose="crime_prevention"
    )


def test_rule_10_it_is_false_until_something_else_is_approved(exchange: Exchange) -> None:
    assert not Agency.objects.filter(self_governing_approved=True).exists()
    for party in (exchange.centre, exchange.municipality):
        assert party.agency.self_governing_approved is False


def test_rule_10_without_the_attribute_an_exit_centre_is_no_recipient(exchange: Exchange) -> None:
    refused = tried(exchange.municipality, exchange.centre)
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "recipient_not_self_governing")


def test_rule_10_without_the_attribute_an_exit_centre_is_no_sender(exchange: Exchange) -> None:
    assert tried(exchange.centre, exchange.municipality).status == 422


def test_rule_10_authorities_need_no_such_attribute(exchange: Exchange) -> None:
    assert tried(exchange.municipality, exchange.police).status == 201


def test_rule_10_no_address_of_the_api_sets_it(exchange: Exchange) -> None:
    centre = exchange.centre.as_("administrator")
    path = f"agencies/{exchange.centre.id}"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for address in (path, "agencies", "code-lists/legal-bases"):
            answer = centre.call(method, address, {"self_governing_approved": True}, Purpose="exit_support")
            assert (answer.status, answer.body["code"]) == (405, "method-not-allowed"), (method, address)
    assert "self_governing" not in str(centre.get(path).body)
    exchange.centre.agency.refresh_from_db()
    assert exchange.centre.agency.self_governing_approved is False
