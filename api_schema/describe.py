"""
Describes an operation for the committed contract: one decorator, so that every operation is described alike.

What every operation of a sort has in common (headers, problems) is named by a trait here and written by `hooks`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

PERSONAL = "personal"
"""Personal data moves: On-Behalf-Of, Purpose, a Receipt, and 403 and 404."""
CREATES = "creates"
"""Creates something: Idempotency-Key, and Idempotency-Replayed."""
CHANGES = "changes"
"""Changes something: If-Match, ETag, and 409, 412, 428."""
AUDITS = "audits"
"""Looks into the ledger: Audit-Case or Audit-Reason."""
VERSIONED = "versioned"
"""Answers with one resource: ETag."""


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
    queries: Sequence[tuple[str, str]] = (),
    problems: Sequence[str] = (),
    media_types: Sequence[str] = (),
) -> Callable[[Any], Any]:
    """
    Return the decorator that describes a view's method: its name, words, bodies with an example each, and its traits.

    `sent` and `got` are the example bodies; `queries` are the query parameters with what each means; `problems` are
    the codes of those it can answer besides its traits'; `media_types` are the answer's where it is not JSON, and
    `files` the other media types it answers in besides JSON.
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
        description=description or summary,
        tags=[tag],
        request=request,
        responses={
            _form(status, media_types, other): OpenApiResponse(response, description="As asked.", examples=raw),
            **{
                (status, media): OpenApiResponse(form, description="As asked.") for media, form in (files or {}).items()
            },
        },
        examples=examples,
        parameters=[
            OpenApiParameter(query, str, OpenApiParameter.QUERY, description=meaning) for query, meaning in queries
        ],
        extensions={"x-traits": list(traits), "x-problems": list(problems)},
    )
    return described


def _form(status: int, media_types: Sequence[str], files: Mapping[str, Any]) -> Any:
    if media_types:
        return (status, *media_types)
    return (status, "application/json") if files else status
