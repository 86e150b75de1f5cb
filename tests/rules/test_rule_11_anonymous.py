"""Rule 11: an anonymous case takes no identifier; no address and no user agent of whoever asked is stored anywhere."""

import json
from uuid import uuid4

from django.db import connections
from rest_framework.test import APIClient

from tests.exchange import Exchange
from tests.rules.scan import tables_holding

ADDRESS, FORWARDED, BROWSER = "203.0.113.77", "198.51.100.23", "Markeret-Browser/7.1"
REASON = {"reason": {"summary": "Vil gerne tale med nogen.", "subject_aware": "yes"}}
ANONYMOUS = {"subject": {"mode": "anonymous"}, "basis": {"code": "ANON"}, "sections": REASON}


def test_rule_11_an_anonymous_case_takes_no_identity(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    sections = {**REASON, "identity": {"name": "Testperson"}}
    refused = sender.create({**ANONYMOUS, "sections": sections})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/sections/identity")
    assert "Testperson" not in str(refused.body)


def test_rule_11_an_anonymous_case_takes_no_number_to_call(exchange: Exchange) -> None:
    """How to meet may be said; a number or an address points to a person."""
    methods = [{"channel": "phone", "value": "12 34 56 78"}]
    refused = exchange.municipality.as_("caseworker").create(
        {**ANONYMOUS, "sections": {**REASON, "contact": {"methods": methods}}}
    )
    assert refused.status == 422


def test_rule_11_an_anonymous_case_is_sent_and_read_without_anybody_being_named(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create({**ANONYMOUS, "recipient": exchange.centre.id, "submit": True})
    told = exchange.centre.as_("coordinator").read(made.body["id"])
    assert (told.body["subject"]["mode"], told.body["sections"]) == ("anonymous", REASON)


def test_rule_11_no_address_and_no_user_agent_is_stored_anywhere(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    client = APIClient(
        REMOTE_ADDR=ADDRESS,
        headers={
            "Authorization": f"Bearer {sender.party.token}",
            "On-Behalf-Of": sender.staff_id,
            "User-Agent": BROWSER,
            "X-Forwarded-For": FORWARDED,
            "X-Real-IP": FORWARDED,
            "Forwarded": f"for={FORWARDED}",
        },
    )
    body = json.dumps({**ANONYMOUS, "recipient": exchange.centre.id, "submit": True})
    key = {"Idempotency-Key": str(uuid4())}
    made = client.generic("POST", "/api/v1/referrals", body, content_type="application/json", headers=key)
    assert made.status_code == 201
    referral = json.loads(made.content)["id"]
    assert client.generic("GET", f"/api/v1/referrals/{referral}").status_code == 200
    assert client.generic("GET", f"/api/v1/referrals/{uuid4()}").status_code == 404
    consent = client.generic("GET", f"/api/v1/consents/{uuid4()}")
    assert consent.status_code == 404
    for marker in (ADDRESS, FORWARDED, BROWSER):
        assert tables_holding(marker) == [], marker


def test_rule_11_a_malformed_forwarding_header_does_no_harm(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create(ANONYMOUS, X_Forwarded_For="not, an; address", Forwarded="for=<script>")
    assert made.status == 201


def test_the_scan_finds_what_is_stored(exchange: Exchange) -> None:
    """The scan above sees every table and column: it finds a value where there is one."""
    marker = exchange.municipality.agency.name_da
    assert "agencies_agency" in tables_holding(marker)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 1")
