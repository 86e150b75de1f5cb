"""
Completes the contract that drf-spectacular draws from the views: shared headers, problems with examples, security.

A trait on an operation (describe.py) says which of them it has; the traits themselves stay out of the contract.
"""

from copy import deepcopy
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from api_schema.bounds import bound, bound_pages
from api_schema.needed_scopes import NEEDED, alternatives
from api_schema.problems import MEDIA_TYPE, REGISTER, example
from api_schema.scopes import SCOPES
from api_schema.token_contract import CLIENT, TOKEN, TOKEN_SCHEMAS
from api_schema.traits import (
    ANSWERED_WITH_A_PROBLEM,
    CODES_OF_HEADERS,
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
    "description": "The exchange that serves this file: local, test or production.",
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

- Get a token at `POST /oauth/token` (OAuth 2.0 client credentials; a signed assertion, or where taken a secret).
- Say on whose behalf you act: `On-Behalf-Of: <your own id of the member of staff>`.
- Say what for: `Purpose: <code>`, unless the role has just one purpose. See `/api/v1/code-lists/purposes`.
- Create with an `Idempotency-Key`; change with `If-Match`.
- Codes never change; texts come in Danish or English after `Accept-Language`.
- What is on its way out says so: `Deprecation` since when, `Sunset` until when. Something is added without notice.
- An error is `application/problem+json` (RFC 9457); every kind is listed on [the problems page](/api/docs/problems).
- Quick starts, recipes and a glossary: [the docs page](/docs/).
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
        return {
            "type": "oauth2",
            "description": "Client credentials (RFC 6749 section 4.4), by private_key_jwt (RFC 7523) in production. "
            "A token lives ten minutes. It is opaque; where JWTs are used, they follow RFC8725. A resource's own name "
            "is the union of its verbs.",
            "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": SCOPES}},
        }


PROBLEM_ERROR_SCHEMA = {
    "type": "object",
    "description": "One thing wrong with what was sent: where, which kind, and what would be right.",
    "required": ["pointer", "code", "message"],
    "properties": {
        "pointer": {"type": "string", "description": "Where (RFC 6901)."},
        "code": {"type": "string"},
        "message": {"type": "string"},
    },
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
            "items": {"$ref": "#/components/schemas/ProblemError"},
        },
    },
}


def complete(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:  # noqa: ARG001 - drf-spectacular's shape
    """drf-spectacular's post-processing hook: write out the traits, and add what is not a view of ours."""
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= {"Problem": PROBLEM_SCHEMA, "ProblemError": PROBLEM_ERROR_SCHEMA} | deepcopy(TOKEN_SCHEMAS)
    components["securitySchemes"]["client"] = CLIENT
    result["paths"]["/oauth/token"] = deepcopy(TOKEN)
    used: set[str] = set()
    for path in result["paths"].values():
        for described in path.values():
            if isinstance(described, dict) and "responses" in described:
                used |= _complete(described, components.setdefault("responses", {}))
    components["examples"] = {code: {"value": example(REGISTER[code])} for code in sorted(used)}
    components["headers"] = documented_headers(_headers_in(result["paths"], components["responses"]))
    _name_codes(result["paths"], schemas)
    _say_none(schemas)
    _close(schemas)
    bound_pages(schemas)
    bound(result)
    result["servers"] = [SERVER]
    result["info"] |= {"description": DESCRIPTION, "license": LICENCE, "contact": CONTACT}
    tags = {tag for path in result["paths"].values() for described in path.values() for tag in described["tags"]}
    result["tags"] = [{"name": name, "description": TAGS.get(name, name)} for name in sorted(tags)]
    return result


def _complete(described: dict[str, Any], shared: dict[str, Any]) -> set[str]:
    """
    Write out the traits of one operation; return the codes of the problems it can answer with.

    Problems of one status are one response, `shared` by all operations that answer with just these.
    """
    named = described.pop("x-traits", [])
    traits = [] if named is None else ["", *named]
    problems = {*described.pop("x-problems", []), *(code for trait in traits for code in PROBLEMS.get(trait, ()))}
    opening = alternatives(NEEDED.get(described.pop("x-operation", ""), ()))
    if opening and described.get("security") != [{}]:
        described["security"] = [{"oauth2": [scope]} for scope in opening]
    if traits and "requestBody" in described:
        problems.update(PROBLEMS_OF_A_BODY)
    parameters = described.setdefault("parameters", [])
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter.setdefault("description", PLACES.get(parameter["name"], "Its id."))
    for trait in traits:
        parameters += deepcopy(PARAMETERS.get(trait, []))
    parameters += [deepcopy(LANGUAGE)] if traits else []
    links = described.pop("x-links", {})
    for status, response in described["responses"].items():
        if links and int(status) < BAD:
            response["links"] = {
                name: {"operationId": name, "parameters": dict(parameters)} for name, parameters in links.items()
            }
        every = headers("", *traits) if int(status) < BAD else headers("")
        response["headers"] = every | response.get("headers", {})
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


def _headers_in(paths: dict[str, Any], shared: dict[str, Any]) -> set[str]:
    """Return the names of the headers that some response has."""
    own = (each for path in paths.values() for described in path.values() for each in described["responses"].values())
    return {name for response in (*own, *shared.values()) for name in response.get("headers", ())}


def _name_codes(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Let a parameter's codes be the set of codes that has a name, where there is one: clients get one type."""
    named = {tuple(schema["enum"]): name for name, schema in reversed(schemas.items()) if "enum" in schema}
    for path in paths.values():
        for described in path.values():
            for parameter in described["parameters"]:
                name = CODES_OF_HEADERS.get(parameter["name"])
                if name in schemas:
                    parameter["schema"] = {"$ref": f"#/components/schemas/{name}"}
                schema = parameter["schema"]
                codes = schema.get("items", schema).get("enum", ())
                if tuple(codes) in named:
                    reference = {"$ref": f"#/components/schemas/{named[tuple(codes)]}"}
                    parameter["schema"] = {**schema, "items": reference} if "items" in schema else reference


def _say_none(schemas: dict[str, Any]) -> None:
    """Say "or null" as OpenAPI 3.1 does, and "or empty" as one more code: for clients neither is a type of its own."""
    schemas.pop("NullEnum", None)
    blank = schemas.pop("BlankEnum", None)
    for schema in list(schemas.values()):
        for name, member in schema.get("properties", {}).items():
            options = [option.get("$ref", "").rpartition("/")[2] for option in member.get("oneOf", ())]
            if "NullEnum" in options:
                member["oneOf"][options.index("NullEnum")] = {"type": "null"}
            if blank and "BlankEnum" in options:
                codes = schemas[options[0]]["enum"]
                schema["properties"][name] = {"type": "string", "enum": [*codes, ""]}


def _close(schemas: dict[str, Any]) -> None:
    """Say of every body that is sent that it has no other members: one that is not known is refused."""
    for name, schema in schemas.items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
