"""The committed contract: valid, complete with examples that fit it, what the code says, and what the server does."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from api_schema import drift
from api_schema.problems import REGISTER
from tests.exchange import Exchange, referral_body

CONTRACT: dict[str, Any] = yaml.safe_load(drift.COMMITTED.read_text(encoding="utf-8"))
REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:contract", Resource.from_contents(CONTRACT, default_specification=DRAFT202012)
)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in CONTRACT["paths"].items():
        for method, described in methods.items():
            yield method, path, described


ANSWERED_NOWHERE_IN_PARTICULAR = {"conflict", "forbidden", "method-not-allowed"}
"""Problems that no operation answers with: what others are kinds of, and what an unknown method is told."""

OPERATIONS = [pytest.param(described, id=f"{method} {path}") for method, path, described in operations()]


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """Return what is wrong with a value under a schema of the contract."""
    pointed = {"$ref": f"urn:contract{schema['$ref']}"} if "$ref" in schema else schema
    validator = OAS31Validator(pointed, registry=REGISTRY)
    return [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]


def resolved(described: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference of the contract leads to, or what is no reference as it is."""
    if "$ref" not in described:
        return described
    found: Any = CONTRACT
    for part in described["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def answered(described: dict[str, Any], status: int) -> dict[str, Any]:
    schema: dict[str, Any] = described["responses"][str(status)]["content"]["application/json"]["schema"]
    return schema


@pytest.mark.no_database
def test_the_committed_contract_is_what_the_code_says() -> None:
    assert drift.drawn() == drift.COMMITTED.read_text(encoding="utf-8")


@pytest.mark.no_database
def test_it_is_valid_openapi_3_1() -> None:
    assert CONTRACT["openapi"].startswith("3.1")
    validate(CONTRACT)


@pytest.mark.no_database
@pytest.mark.parametrize("described", OPERATIONS)
def test_every_operation_has_words_and_examples_that_fit_its_schemas(described: dict[str, Any]) -> None:
    assert described["summary"]
    assert described["description"]
    answers = [kind for kind in described["responses"].values() if "$ref" not in kind]
    assert answers
    bodies = [
        body for kind in [described.get("requestBody", {}), *answers] for body in kind.get("content", {}).values()
    ]
    assert bodies or set(described["responses"]) >= {"204"}
    for content in bodies:
        given = [content["example"]] if "example" in content else [one["value"] for one in content["examples"].values()]
        assert given
        for example in given:
            assert faults(content["schema"], example) == []


@pytest.mark.no_database
def test_every_problem_is_documented_with_an_example_at_an_operation_that_answers_with_it() -> None:
    examples = CONTRACT["components"]["examples"]
    assert set(examples) == set(REGISTER) - ANSWERED_NOWHERE_IN_PARTICULAR
    documented = set()
    for _, path, described in operations():
        for status, response in described["responses"].items():
            told = resolved(response).get("content", {}).get("application/problem+json", {})
            for code, example in told.get("examples", {}).items():
                documented.add(code)
                body = resolved(example)["value"]
                assert (body["code"], body["status"]) == (code, int(status)), path
                assert faults(told["schema"], body) == [], path
    assert documented == set(examples)


@pytest.mark.no_database
def test_every_operation_documents_what_any_request_can_be_answered_with() -> None:
    for method, path, described in operations():
        if path.startswith("/api/v1/"):
            answered = {"400", "401", "403", "404", "406", "429", "500", "503"}
            if "requestBody" in described:
                answered |= {"413", "415", "422"}
            assert answered <= set(described["responses"]), (method, path)


@pytest.mark.no_database
def test_every_address_header_and_query_says_what_it_means_and_what_fits() -> None:
    for method, path, described in operations():
        for parameter in described.get("parameters", []):
            assert parameter["description"], (method, path, parameter["name"])
            if parameter["in"] == "header":
                assert faults(parameter["schema"], parameter["example"]) == [], (method, path, parameter["name"])
    listed = {
        parameter["name"]: parameter["schema"]
        for parameter in CONTRACT["paths"]["/api/v1/referrals"]["get"]["parameters"]
    }
    assert (listed["limit"]["minimum"], listed["limit"]["maximum"]) == (1, 200)
    assert (listed["role"]["enum"], listed["due_before"]["format"]) == (["received", "sent"], "date-time")
    assert resolved(listed["status"]["items"])["enum"][:2] == ["draft", "submitted"]


@pytest.mark.no_database
def test_a_body_that_is_sent_has_no_other_members_than_it_says() -> None:
    sent = {name: schema for name, schema in CONTRACT["components"]["schemas"].items() if name.endswith("Request")}
    assert len(sent) > 40
    assert [name for name, schema in sent.items() if schema.get("additionalProperties") is not False] == []


def test_the_docs_page_and_the_contract_are_served_without_a_token() -> None:
    served = Client().get("/api/schema")
    assert yaml.safe_load(served.content) == CONTRACT
    page = Client().get("/api/docs").content.decode()
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "https://" not in page.replace("http://www.w3.org", "")


def test_what_the_server_answers_fits_the_contract(exchange: Exchange) -> None:
    kk, ko, au = (
        exchange.municipality.as_("caseworker"),
        exchange.centre.as_("coordinator"),
        exchange.oversight.as_("auditor"),
    )
    made = kk.create(referral_body(exchange.centre))
    referral, consent = made.body["id"], made.body["basis"]["consent_id"]
    two = {"items": [referral_body(exchange.centre), {}]}
    case = {"Audit_Case": "2026-0042"}
    renewing = f"consents/{consent}/renew"
    told = {
        ("post", "/api/v1/referrals"): made,
        ("get", "/api/v1/referrals"): ko.get("referrals"),
        ("get", "/api/v1/referrals/{referral_id}"): ko.read(referral),
        ("post", "/api/v1/referrals/{referral_id}/receive"): ko.step(referral, "receive"),
        ("get", "/api/v1/referrals/{referral_id}/timeline"): kk.get(f"referrals/{referral}/timeline"),
        ("get", "/api/v1/referrals/{referral_id}/disclosures"): au.get(f"referrals/{referral}/disclosures", **case),
        ("post", "/api/v1/referrals/batch"): kk.create(two, path="referrals/batch"),
        ("get", "/api/v1/consents/{consent_id}"): ko.get(f"consents/{consent}"),
        ("get", "/api/v1/consents"): ko.get("consents"),
        ("get", "/api/v1/consent-notices"): kk.get("consent-notices"),
        ("post", "/api/v1/consents/{consent_id}/renew"): kk.post(renewing, {"method": "oral"}, If_Match='"1"'),
        ("get", "/api/v1/audit/entries"): au.get(f"audit/entries?referral={referral}", **case),
        ("get", "/api/v1/agencies"): kk.get("agencies?limit=3"),
        ("get", "/api/v1/agencies/{agency_id}"): kk.get(f"agencies/{exchange.centre.id}"),
        ("get", "/api/v1/code-lists/{name}"): kk.get("code-lists/reasons"),
    }
    for (method, path), answer in told.items():
        assert answer.status < 300, (path, answer)
        described = CONTRACT["paths"][path][method]
        assert faults(answered(described, answer.status), answer.body) == [], path
        promised = described["responses"][str(answer.status)]["headers"]
        missing = set(promised) - set(answer.headers) - {"Idempotency-Replayed"}
        assert not missing, path


def test_a_problem_fits_the_contract(exchange: Exchange) -> None:
    refused = exchange.stranger.as_("caseworker").read("00000000-0000-7000-8000-000000000000")
    assert faults({"$ref": "#/components/schemas/Problem"}, refused.body) == []
    assert refused.headers["Content-Type"] == "application/problem+json"
