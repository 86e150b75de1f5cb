"""
Every route and method of the contract with every scope, as one literal table: what opens it, and nothing else does.

Whoever asks has a token of one scope alone and names ids that are not there. So what the scope opens answers that there
is nothing, or makes something new; what it does not open is refused for the scope, by name, and recorded.
"""

from dataclasses import replace
from uuid import uuid4

import pytest
import yaml
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from agencies.authentication import BearerAuthentication
from agencies.permissions import IsPrincipal
from api_schema.needed_scopes import NEEDED
from api_schema.scopes import SCOPES
from audit.models import Entry
from config.env import BASE_DIR
from tests.exchange import Caller, Exchange
from tests.journeys.test_every_route import ASKED, Case, prepared

READ, WRITE = ("referrals:read",), ("referrals:write",)
OPENED_BY: dict[str, tuple[str, ...]] = {
    "GET agencies": (),
    "GET agencies/{agency_id}": (),
    "GET agencies/{agency_id}/duty-contact": ("administration:read",),
    "PUT agencies/{agency_id}/duty-contact": ("administration:write",),
    "GET events": ("events:read",),
    "GET notifications/deliveries": ("notifications:read",),
    "POST notifications/deliveries/{delivery_id}/replay": ("notifications:write",),
    "GET notifications/endpoints": ("notifications:read",),
    "POST notifications/endpoints": ("notifications:write",),
    "GET notifications/endpoints/{endpoint_id}": ("notifications:read",),
    "DELETE notifications/endpoints/{endpoint_id}": ("notifications:write",),
    "POST notifications/endpoints/{endpoint_id}/enable": ("notifications:write",),
    "POST notifications/endpoints/{endpoint_id}/replay": ("notifications:write",),
    "POST notifications/endpoints/{endpoint_id}/rotate-secret": ("notifications:write",),
    "POST notifications/endpoints/{endpoint_id}/test": ("notifications:write",),
    "GET agencies/{agency_id}/self-governing-claims": ("administration:read",),
    "POST agencies/{agency_id}/self-governing-claims": ("administration:write",),
    "POST agencies/{agency_id}/self-governing-claims/{claim_id}/approve": ("administration:write",),
    "POST agencies/{agency_id}/self-governing-claims/{claim_id}/withdraw": ("administration:write",),
    "GET audit/checkpoint": (),
    "GET audit/entries": ("audit:read",),
    "POST audit/entries/search": ("audit:read",),
    "GET audit/exports": ("audit:read",),
    "POST audit/exports": ("audit:write",),
    "GET audit/exports/{export_id}": ("audit:read",),
    "GET audit/exports/{export_id}/bundle": ("audit:read",),
    "GET audit/findings": ("audit:read",),
    "POST audit/findings/search": ("audit:read",),
    "GET audit/keys": (),
    "GET audit/proofs/inclusion": (),
    "GET audit/proofs/consistency": (),
    "GET audit/tile/{tile}": (),
    "GET break-glass": READ,
    "POST break-glass": WRITE,
    "GET break-glass/{glass_id}": READ,
    "POST break-glass/{glass_id}/review": WRITE,
    "GET code-lists/{name}": (),
    "GET consent-notices": (),
    "GET consents": ("consents:read",),
    "POST consents": ("consents:write",),
    "GET consents/{consent_id}": ("consents:read",),
    "GET consents/{consent_id}/receipt": ("consents:read",),
    "POST consents/{consent_id}/give": ("consents:write",),
    "POST consents/{consent_id}/refuse": ("consents:write",),
    "POST consents/{consent_id}/renew": ("consents:write",),
    "POST consents/{consent_id}/invalidate": ("consents:write",),
    "POST consents/{consent_id}/withdraw": ("consents:write",),
    "GET referrals": READ,
    "POST referrals": WRITE,
    "POST referrals/batch": WRITE,
    "POST referrals/search": READ,
    "GET referrals/{referral_id}": READ,
    "PATCH referrals/{referral_id}": WRITE,
    "GET referrals/{referral_id}/amendments": READ,
    "POST referrals/{referral_id}/amendments": WRITE,
    "GET referrals/{referral_id}/attachments": READ,
    "POST referrals/{referral_id}/attachments": WRITE,
    "GET referrals/{referral_id}/attachments/{attachment_id}": READ,
    "GET referrals/{referral_id}/attachments/{attachment_id}/content": READ,
    "GET referrals/{referral_id}/disclosures": READ,
    "POST referrals/{referral_id}/endangered": WRITE,
    "GET referrals/{referral_id}/messages": READ,
    "POST referrals/{referral_id}/messages": WRITE,
    "GET referrals/{referral_id}/timeline": READ,
    "POST referrals/{referral_id}/submit": WRITE,
    "POST referrals/{referral_id}/receive": WRITE,
    "POST referrals/{referral_id}/accept": WRITE,
    "POST referrals/{referral_id}/start": WRITE,
    "POST referrals/{referral_id}/hold": WRITE,
    "POST referrals/{referral_id}/resume": WRITE,
    "POST referrals/{referral_id}/complete": WRITE,
    "POST referrals/{referral_id}/close": WRITE,
    "POST referrals/{referral_id}/reject": WRITE,
    "POST referrals/{referral_id}/redirect": WRITE,
    "POST referrals/{referral_id}/withdraw": WRITE,
    "POST referrals/{referral_id}/assign": WRITE,
    "POST referrals/{referral_id}/screen": WRITE,
    "POST referrals/{referral_id}/mark-in-error": WRITE,
    "GET subjects/{subject_id}": READ,
    "GET subjects/{subject_id}/access-report": READ,
    "GET subjects/{subject_id}/withholdings": READ,
    "POST subjects/{subject_id}/withholdings": WRITE,
    "GET tasks": READ,
    "GET tasks/{task_id}": READ,
    "POST tasks/{task_id}/done": WRITE,
}
"""Route → the scopes that open it to a caseworker; every token, where it is empty."""

TO_AN_AUDITOR: dict[str, tuple[str, ...]] = {
    "GET break-glass": ("audit:read",),
    "GET break-glass/{glass_id}": ("audit:read",),
    "POST break-glass/{glass_id}/review": ("audit:write",),
    "GET referrals/{referral_id}/disclosures": ("audit:read",),
}
"""The routes that another scope opens to an auditor."""

WITHDRAWAL = "POST agencies/{agency_id}/self-governing-claims/{claim_id}/withdraw"
RIGHT = {
    WITHDRAWAL: {"reason": "no_longer_self_governing"},
    "POST consents/{consent_id}/give": {"method": "digital"},
    "POST consents/{consent_id}/invalidate": {"reason": "recorded_in_error"},
}
"""What is sent where the body of every other walk is turned away before an act begins."""

OF_ONE_VERB = [scope for scope in SCOPES if ":" in scope]


@pytest.fixture(scope="module")
def case(django_db_setup: None) -> Case:
    """A case whose names are all of nothing: what is opened finds nothing there."""
    made = prepared(Exchange(), "received")
    nothing = {name: str(uuid4()) for name in made.names if name.endswith("_id")}
    return replace(made, names=made.names | nothing | {"agency_id": made.exchange.centre.id})


@pytest.fixture(scope="module")
def tokens(case: Case) -> dict[str, str]:
    """A token of each scope alone, all got by one client that has every resource."""
    party = case.exchange.municipality
    return {scope: party.fetch_token(scope=scope).body["access_token"] for scope in SCOPES}


def opened(scope: str, needed: tuple[str, ...]) -> bool:
    return not needed or scope in needed or any(each.startswith(f"{scope}:") for each in needed)


def asked_with(token: str, route: str, case: Case, role: str) -> str:
    """Ask a route with a token; return the refusal's code, or nothing where the scope was no matter."""
    caller: Caller = replace(case.exchange.municipality.as_(role), headers={"Authorization": f"Bearer {token}"})
    asked = ASKED[route]
    method, path = route.split(" ", 1)
    body = RIGHT.get(route) or (asked.body(case) if asked.body else None)
    headers = {
        "Idempotency_Key": str(uuid4()),
        "If_Match": '"1"',
        "Audit_Case": "2026-0042",
        "Purpose": "audit" if role == "auditor" else asked.purpose,
    }
    answer = caller.call(method, path.format(**case.names), body, **headers)
    assert answer.status < 500, (route, answer)
    if answer.status != 403 or answer.body["code"] != "scope-missing":
        return ""
    entry = Entry.objects.get(request_id=answer.headers["Request-Id"], outcome="refused")
    assert entry.refusal == "scope-missing"
    return "scope-missing"


def test_every_route_of_the_contract_is_in_the_table() -> None:
    assert set(OPENED_BY) == set(ASKED)


@pytest.mark.parametrize("route", OPENED_BY)
def test_a_route_is_opened_by_its_scope_and_by_no_other(case: Case, tokens: dict[str, str], route: str) -> None:
    for scope, token in tokens.items():
        expected = "" if opened(scope, OPENED_BY[route]) else "scope-missing"
        assert asked_with(token, route, case, "caseworker") == expected, (route, scope)


@pytest.mark.parametrize("route", TO_AN_AUDITOR)
def test_and_to_an_auditor_by_an_auditors(case: Case, tokens: dict[str, str], route: str) -> None:
    for scope, token in tokens.items():
        expected = "" if opened(scope, TO_AN_AUDITOR[route]) else "scope-missing"
        assert asked_with(token, route, case, "auditor") == expected, (route, scope)


def test_the_contract_names_what_opens_each_operation() -> None:
    contract = yaml.safe_load((BASE_DIR / "api_schema" / "openapi.yaml").read_text(encoding="utf-8"))
    described = {
        f"{method.upper()} {path.removeprefix('/api/v1/')}": operation["security"]
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/api/v1/")
    }
    assert set(described) == set(OPENED_BY)
    for route, ways in described.items():
        named = {scope for way in ways for scope in way.get("oauth2", ())}
        needed = {*OPENED_BY[route], *TO_AN_AUDITOR.get(route, ())}
        assert named == needed | {scope.partition(":")[0] for scope in needed}, route
        assert {} not in ways or not needed, f"{route} needs a scope, and would do without a token"
    flows = contract["components"]["securitySchemes"]["oauth2"]["flows"]
    assert set(flows["clientCredentials"]["scopes"]) == set(SCOPES)


def test_every_scope_that_is_needed_is_one_that_there_is() -> None:
    assert {scope for needed in NEEDED.values() for scope in needed} <= set(OF_ONE_VERB)


class Undeclared(APIView):
    """A view whose author forgot to say which scope its method needs."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [IsPrincipal]

    def get(self, request: Request) -> Response:
        return Response({"shown": True})


def test_an_operation_that_names_no_scope_answers_nobody(exchange: Exchange) -> None:
    for party in (exchange.municipality, exchange.oversight):
        request = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {party.token}"})
        for method in ("GET", "HEAD"):
            request.method = method
            assert Undeclared.as_view()(request).status_code == 403


def test_a_client_gets_the_verb_of_a_resource_that_it_has_and_of_no_other(exchange: Exchange) -> None:
    exchange.municipality.fetch_token()
    assert exchange.municipality.fetch_token(scope="referrals:read").body["scope"] == "referrals:read"
    assert exchange.oversight.fetch_token(scope="audit:read+administration").status == 200
    for asked in ("referrals:read", "audit:delete", "audit:", "audit:read+referrals:read", "*", "Audit:read"):
        refused = exchange.oversight.fetch_token(scope=asked)
        assert (refused.status, refused.body["error"]) == (400, "invalid_scope"), asked
