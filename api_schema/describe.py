"""
Describes an operation for the committed contract: one decorator, so that every operation is described alike.

What every operation of a sort has in common (headers, problems) is named by a trait here and written by `hooks`. Which
scope it needs, `needed_scopes` says by its name.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from api_schema import pagination
from api_schema.deprecation import Deprecation
from api_schema.needed_scopes import NEEDED
from api_schema.pagination import SIZE_MAX
from api_schema.queries import TEXT_MAX

PERSONAL = "personal"
"""Personal data moves: On-Behalf-Of, Purpose, a Receipt, and 403 and 404."""
CREATES = "creates"
"""Creates something: Idempotency-Key, and Idempotency-Replayed."""
CHANGES = "changes"
"""Changes something: If-Match, ETag, and 409, 412, 428."""
AUDITS = "audits"
"""Looks into the ledger: Audit-Case or Audit-Reason."""
DEPRECATED = "deprecated"
"""On its way out: Deprecation, and Sunset where that is decided."""
VERSIONED = "versioned"
"""Answers with one resource: ETag."""


Query = tuple[str, str] | tuple[str, str, Mapping[str, Any]]
"""A query parameter: its name, what it means, and its schema where the name alone doesn't say it."""

TIME = {"type": "string", "format": "date-time"}
ID = {"type": "string", "format": "uuid"}
SIZE = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
TEXT = {"type": "string", "maxLength": TEXT_MAX}
QUERIES: dict[str, Mapping[str, Any]] = {
    "limit": {"type": "integer", "minimum": 1, "maximum": SIZE_MAX, "default": pagination.SIZE},
    "cursor": {"type": "string", "maxLength": 500},
    **dict.fromkeys(("at", "due_before", "since", "until", "updated_since"), TIME),
    **dict.fromkeys(("agency", "referral", "subject"), ID),
    **dict.fromkeys(("size", "old_size", "new_size"), SIZE),
    "leaf": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "final": {"type": "boolean", "default": False},
}
"""The schemas of the query parameters that mean the same everywhere; another is a short text."""


Links = Mapping[str, Mapping[str, str]]
"""The operations that an answer leads to, each with what of the answer goes into which of its parameters."""

THE_ID, THE_VERSION = "$response.body#/id", "$response.header.ETag"


def leads_to(*names: str, **parameters: str) -> Links:
    """Return links to these operations; `_` and `If_Match` in a parameter's name stand as they are sent."""
    told = {name.replace("If_Match", "header.If-Match"): value for name, value in parameters.items()}
    return dict.fromkeys(names, told)


def one_of(codes: Collection[str]) -> dict[str, Any]:
    """Return the schema of a query parameter that is one of these codes."""
    return {"type": "string", "enum": list(codes)}


def some_of(codes: Collection[str]) -> dict[str, Any]:
    """Return the schema of a query parameter that is some of these codes, comma-separated."""
    return {"type": "array", "items": one_of(codes), "maxItems": len(codes)}


def operation(
    name: str,
    summary: str,
    *,
    description: str = "",
    tag: str,
    request: Any = None,
    response: Any,
    files: Mapping[str, Any] | None = None,
    status: int = 200,
    sent: Any = None,
    got: Any = None,
    traits: Sequence[str] = (),
    queries: Sequence[Query] = (),
    problems: Sequence[str] = (),
    media_types: Sequence[str] = (),
    links: Links | None = None,
    deprecated: Deprecation | None = None,
) -> Callable[[Any], Any]:
    """
    Return the decorator that describes a view's method: its name, words, bodies with an example each, and its traits.

    `sent` and `got` are the example bodies; `queries` are the query parameters, see `Query`; `problems` are
    the codes of those it can answer besides its traits'; `media_types` are the answer's where it is not JSON, and
    `files` the other media types it answers in besides JSON; `links` are what can be asked with what it answers, and
    `deprecated` is since when it is on its way out.
    """
    examples, raw, other = [], [], files or {}
    if sent is not None:
        examples.append(OpenApiExample("Request", value=sent, request_only=True))
    if media_types:
        raw.append(OpenApiExample("Answer", value=got))
    elif got is not None:
        examples.append(OpenApiExample("Answer", value=got, response_only=True, status_codes=[str(status)]))
    examples += [
        OpenApiExample("File", value="the bytes", media_type=media, response_only=True, status_codes=[str(status)])
        for media in files or ()
    ]
    described: Callable[[Any], Any] = extend_schema(
        operation_id=name,
        summary=summary,
        description="\n\n".join([description or summary, *([deprecated.words()] if deprecated else [])]),
        deprecated=True if deprecated else None,
        tags=[tag],
        request=request,
        responses={
            _form(status, media_types, other): OpenApiResponse(response, description="As asked.", examples=raw),
            **{
                (status, media): OpenApiResponse(form, description="As asked.") for media, form in (files or {}).items()
            },
        },
        examples=examples,
        parameters=[_query(*query) for query in queries],
        extensions={
            "x-traits": [*traits, *([DEPRECATED] if deprecated else [])],
            "x-problems": list(problems),
            "x-links": dict(links or {}),
            "x-operation": name,
        },
    )

    def describe(method: Any) -> Any:
        told = needing(name, described(method))
        if deprecated is not None:
            told.deprecation = deprecated
        return told

    return describe


def needing(name: str, method: Any) -> Any:
    """Return a view's method with the scopes that its operation needs; None where nobody said: it answers nobody."""
    method.needed_scopes = NEEDED.get(name)
    return method


NO_QUESTION_WITHOUT = frozenset({"leaf", "old_size"})
"""The query parameters without which there is no question."""


def _query(name: str, meaning: str, schema: Mapping[str, Any] | None = None) -> OpenApiParameter:
    told = dict(schema or QUERIES.get(name, TEXT))
    listed = {"explode": False, "style": "form"} if told["type"] == "array" else {}
    return OpenApiParameter(
        name, told, OpenApiParameter.QUERY, required=name in NO_QUESTION_WITHOUT, description=meaning, **listed
    )


def _form(status: int, media_types: Sequence[str], files: Mapping[str, Any]) -> Any:
    if media_types:
        return (status, *media_types)
    return (status, "application/json") if files else status
