"""
Completes the contract that drf-spectacular draws from the views: shared headers, problems with examples, security.

A trait on an operation (describe.py) says which of them it has; the traits themselves stay out of the contract.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from api_schema import describe
from api_schema.problems import MEDIA_TYPE, REGISTER, TYPE_BASE, unfilled

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
            "description": "Client credentials (RFC 6749 section 4.4). A token lives ten minutes.",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes}},
        }


def _header(name: str, description: str, example: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "description": description,
        "required": required,
        "schema": {"type": "string"},
        "example": example,
    }


LANGUAGE = _header("Accept-Language", "`da` or `en`, for messages and labels.", "en")
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    describe.PERSONAL: [
        _header("On-Behalf-Of", "Your agency's own id of the person you act for.", "kk-sb-1", required=True),
        _header(
            "Purpose", "What for; see /code-lists/purposes. May be left out where the role has one.", "exit_support"
        ),
    ],
    describe.CREATES: [
        _header(
            "Idempotency-Key", "New for each thing you create.", "5f0e1c6e-8a55-4f0e-9d8e-0a6c2b9d7f10", required=True
        )
    ],
    describe.CHANGES: [_header("If-Match", "The ETag of the version you saw.", '"3"', required=True)],
    describe.AUDITS: [
        _header("Audit-Case", "The case number that the look belongs to; this or Audit-Reason.", "2026-0042"),
        _header("Audit-Reason", "A code for a look without a case number.", "routine_inspection"),
    ],
}
PROBLEMS: dict[str, tuple[str, ...]] = {
    "": ("malformed", "unauthenticated", "not-found", "too-many-requests", "unavailable"),
    describe.PERSONAL: ("purpose-forbidden",),
    describe.CREATES: ("invalid", "too-large", "unsupported-media-type"),
    describe.CHANGES: (
        *("move-not-allowed", "stale-version", "invalid", "if-match-required"),
        *("too-large", "unsupported-media-type"),
    ),
    describe.AUDITS: ("audit-case-needed",),
}
ANSWERED: dict[str, dict[str, str]] = {
    "": {
        "Request-Id": "The request's id, for talking to operations about it.",
        "RateLimit": "What is left of this minute's requests, and when it begins anew.",
        "RateLimit-Policy": "How many requests a minute a client has.",
    },
    describe.PERSONAL: {"Receipt": "Signed promise that the ledger includes this act (compact JWS, RFC 7515)."},
    describe.CREATES: {"Idempotency-Replayed": "`true` where an earlier request with the same key made it."},
    describe.CHANGES: {"ETag": "The version, for If-Match."},
    describe.VERSIONED: {"ETag": "The version, for If-Match."},
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
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components["responses"] = {code: _problem(code) for code in sorted(REGISTER)}
    for path in result["paths"].values():
        for described in path.values():
            if isinstance(described, dict) and "responses" in described:
                _complete(described)
    result["paths"]["/oauth/token"] = TOKEN
    result["servers"] = [{"url": "/"}]
    result["info"]["description"] = DESCRIPTION
    result["info"]["license"] = {"name": "Proprietary", "identifier": "LicenseRef-Udvej"}
    return result


def _complete(described: dict[str, Any]) -> None:
    traits = ["", *described.pop("x-traits", [])]
    own_problems = described.pop("x-problems", [])
    parameters = described.setdefault("parameters", [])
    for trait in traits:
        parameters += PARAMETERS.get(trait, [])
    parameters.append(LANGUAGE)
    headers = {name: text for trait in traits for name, text in ANSWERED.get(trait, {}).items()}
    for response in described["responses"].values():
        response["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in sorted(headers.items())
        }
    for code in sorted({*own_problems, *(code for trait in traits for code in PROBLEMS.get(trait, ()))}):
        described["responses"][str(REGISTER[code].status)] = {"$ref": f"#/components/responses/{code}"}


def _problem(code: str) -> dict[str, Any]:
    problem = REGISTER[code]
    body = {
        "type": f"{TYPE_BASE}{code}",
        "code": code,
        "title": problem.title.en,
        "status": problem.status,
        "detail": unfilled(problem.detail.en),
    }
    return {
        "description": problem.title.en,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": body}},
    }


TOKEN = {
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
