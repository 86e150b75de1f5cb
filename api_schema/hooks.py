"""
Completes the contract that drf-spectacular draws from the views: shared headers, problems with examples, security.

A trait on an operation (describe.py) says which of them it has; the traits themselves stay out of the contract.
"""

from copy import deepcopy
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from api_schema.bounds import bound, bound_pages
from api_schema.problems import MEDIA_TYPE, REGISTER, TYPE_BASE, Problem, unfilled
from api_schema.traits import (
    ANSWERED_WITH_A_PROBLEM,
    LANGUAGE,
    PARAMETERS,
    PLACES,
    PROBLEMS,
    PROBLEMS_OF_A_BODY,
    TAGS,
    documented_headers,
    headers,
    written,
)

BAD = 400
SERVER = {
    "url": "/",
    "description": "The exchange that serves this file, be it local, test or production.",
    "x-internal": False,
}
LICENCE = {"name": "Proprietary", "identifier": "LicenseRef-Udvej"}
CONTACT = {
    "name": "The operator of the exchange",
    "url": "https://udvej.example/contact",
    "email": "integration@udvej.example",
}

DESCRIPTION = """\
Udvej is the referral exchange through which Danish municipalities, police crime-prevention units and the exit centre
hand over people who want to leave an extremist milieu.

**Every disclosure is recorded before it is made.** An answer that shows personal data carries a signed `Receipt`.

- Get a token at `POST /oauth/token` (OAuth 2.0 client credentials; HTTP Basic).
- Say on whose behalf you act: `On-Behalf-Of: <your own id of the member of staff>`.
- Say what for: `Purpose: <code>`, unless the role has just one purpose. See `/api/v1/code-lists/purposes`.
- Create with an `Idempotency-Key`; change with `If-Match`.
- Codes never change; texts come in Danish or English after `Accept-Language`.
- An error is `application/problem+json` (RFC 9457); every kind is listed on [the problems page](/api/docs/problems).
"""


class Schema(AutoSchema):
    """drf-spectacular's view of a view, with operations as `describe` names them."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False


class BearerScheme(OpenApiAuthenticationExtension):
    """How the contract names our authentication."""

    target_class = "agencies.authentication.BearerAuthentication"
    name = "oauth2"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        scopes = {
            "referrals": "Read and work on the agency's referrals",
            "consents": "Record and read consents",
            "audit": "Inspect the ledger",
            "events": "Read the agency's events",
            "notifications": "Register webhook endpoints, and read and replay their deliveries",
            "administration": "Claim and approve that an agency is self-governing",
        }
        return {
            "type": "oauth2",
            "description": "Client credentials (RFC 6749 section 4.4). A token lives ten minutes. It is opaque; where "
            "JWTs are used, they follow RFC8725.",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes}},
        }


PROBLEM_SCHEMA = {
    "type": "object",
    "description": "An error (RFC 9457). It never repeats a value that was sent.",
    "required": ["type", "code", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "code": {"type": "string", "description": "For programs; never changes."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "allowed_actions": {"type": "array", "items": {"type": "string"}},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "Where (RFC 6901)."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}


def complete(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:  # noqa: ARG001 - drf-spectacular's shape
    """drf-spectacular's post-processing hook: write out the traits, and add what is not a view of ours."""
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"]["client"] = CLIENT
    result["paths"]["/oauth/token"] = deepcopy(TOKEN)
    used: set[str] = set()
    for path in result["paths"].values():
        for described in path.values():
            if isinstance(described, dict) and "responses" in described:
                used |= _complete(described, components.setdefault("responses", {}))
    components["examples"] = {code: {"value": example(REGISTER[code])} for code in sorted(used)}
    components["headers"] = documented_headers()
    _close(schemas)
    bound_pages(schemas)
    bound(result)
    result["servers"] = [
        {
            "url": "/",
            "description": "The exchange that serves this file: local, test or production.",
            "x-internal": False,
        }
    ]
    result["info"] |= {"description": DESCRIPTION, "license": LICENCE, "contact": CONTACT}
    tags = {tag for path in result["paths"].values() for described in path.values() for tag in described["tags"]}
    result["tags"] = [{"name": name, "description": TAGS.get(name, name)} for name in sorted(tags)]
    return result


def _complete(described: dict[str, Any], shared: dict[str, Any]) -> set[str]:
    """
    Write out the traits of one operation; return the codes of the problems it can answer with.

    Problems of one status are one response, `shared` by all operations that answer with just these.
    """
    traits = ["", *described.pop("x-traits", [])]
    problems = {*described.pop("x-problems", []), *(code for trait in traits for code in PROBLEMS.get(trait, ()))}
    if "requestBody" in described:
        problems.update(PROBLEMS_OF_A_BODY)
    parameters = described.setdefault("parameters", [])
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter.setdefault("description", PLACES.get(parameter["name"], "Its id."))
    for trait in traits:
        parameters += deepcopy(PARAMETERS.get(trait, []))
    parameters.append(deepcopy(LANGUAGE))
    for status, response in described["responses"].items():
        response["headers"] = headers(*traits) if int(status) < BAD else headers("")
    by_status: dict[int, list[str]] = {}
    for code in sorted(problems):
        by_status.setdefault(REGISTER[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        name = ".".join(codes)
        shared.setdefault(name, _told(codes))
        described["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{name}"})
    return problems


def _told(codes: list[str]) -> dict[str, Any]:
    """Return the response of one status, with an example of each problem that has it."""
    status = REGISTER[codes[0]].status
    return {
        "description": "; ".join(f"{REGISTER[code].title.en} (`{code}`)" for code in codes) + ".",
        "headers": headers("") | written(ANSWERED_WITH_A_PROBLEM.get(status, {})),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def example(problem: type[Problem]) -> dict[str, Any]:
    """Return a problem as it is answered with, in English; what a request fills in is left open."""
    return {
        "type": f"{TYPE_BASE}{problem.code}",
        "code": problem.code,
        "title": problem.title.en,
        "status": problem.status,
        "detail": unfilled(problem.detail.en),
    }


def _close(schemas: dict[str, Any]) -> None:
    """Say of every body that is sent that it has no other members: one that is not known is refused."""
    for name, schema in schemas.items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)


CLIENT = {
    "type": "http",
    "scheme": "basic",
    "description": "The client's id and secret, at the token endpoint alone (RFC 6749 section 2.3.1).",
}
TOKEN: dict[str, Any] = {
    "post": {
        "operationId": "get_token",
        "summary": "Get an access token",
        "description": "OAuth 2.0 client credentials (RFC 6749 section 4.4), with HTTP Basic client authentication.",
        "tags": ["Tokens"],
        "security": [{"client": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {
                        "type": "object",
                        "required": ["grant_type"],
                        "properties": {
                            "grant_type": {"type": "string", "const": "client_credentials"},
                            "scope": {"type": "string", "description": "Fewer scopes than the client has."},
                        },
                    },
                    "example": {"grant_type": "client_credentials"},
                }
            },
        },
        "responses": {
            "200": {
                "description": "A token.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["access_token", "token_type", "expires_in", "scope"],
                            "properties": {
                                "access_token": {"type": "string"},
                                "token_type": {"type": "string", "const": "Bearer"},
                                "expires_in": {"type": "integer", "description": "Seconds."},
                                "scope": {"type": "string"},
                            },
                        },
                        "example": {
                            "access_token": "Q2xpZW50LXRva2Vu",
                            "token_type": "Bearer",
                            "expires_in": 600,
                            "scope": "referrals consents",
                        },
                    }
                },
            },
            "401": {
                "description": "The client is not known, or its secret is wrong (RFC 6749 section 5.2).",
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "properties": {"error": {"type": "string"}}},
                        "example": {"error": "invalid_client"},
                    }
                },
            },
        },
    }
}
