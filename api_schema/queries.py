"""
Reads query parameters strictly: an unknown one is refused, since a misspelt filter would silently show more; and so is
one that is there and empty, where an empty value means nothing.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from api_schema.headers import uuid_or_none
from api_schema.problems import Malformed
from api_schema.words import Words

ONE_OF = Words("{name} skal være en af: {allowed}.", "{name} must be one of: {allowed}.")
KNOWN = Words("Ukendt parameter. Kendte: {allowed}.", "Unknown parameter. Known: {allowed}.")
A_TIME = Words(
    "{name} skal være en RFC 3339-tid, fx 2026-11-01T08:00:00Z.",
    "{name} must be an RFC 3339 time such as 2026-11-01T08:00:00Z.",
)
A_UUID = Words("{name} skal være et UUID.", "{name} must be a UUID.")
TEXT_MAX = 64
TOO_LONG = Words("{name} er højst 64 tegn.", "{name} has at most 64 characters.")


def only(request: Request, known: Collection[str]) -> None:
    """Raise `Malformed` where the request has a parameter outside the known ones, or text no filter could match."""
    for name, value in request.query_params.items():
        if name not in known or "\x00" in value:
            raise Malformed(KNOWN, allowed=", ".join(sorted(known)))


def text(request: Request, name: str, default: str = "") -> str:
    """Return a short text parameter. Raises `Malformed` where it is too long to match anything."""
    value = request.query_params.get(name, default)
    if len(value) > TEXT_MAX:
        raise Malformed(TOO_LONG, name=name)
    return value


def one_of(request: Request, name: str, allowed: Collection[str], default: str) -> str:
    """Return a code parameter. Raises `Malformed`, naming the codes there are."""
    value = request.query_params.get(name)
    if value is None:
        return default
    if value not in allowed:
        raise Malformed(ONE_OF, name=name, allowed=", ".join(allowed))
    return value


def some_of(request: Request, name: str, allowed: Collection[str]) -> tuple[str, ...]:
    """Return the codes of a comma-separated parameter. Raises `Malformed`, naming the codes there are."""
    values = tuple(filter(None, request.query_params.get(name, "").split(",")))
    if not set(values) <= set(allowed):
        raise Malformed(ONE_OF, name=name, allowed=", ".join(allowed))
    return values


def time(request: Request, name: str) -> datetime | None:
    """Return a time parameter. Raises `Malformed` unless it is RFC 3339 with an offset."""
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        parsed = parse_datetime(value)
        if parsed is None or parsed.tzinfo is None:
            raise Malformed(A_TIME, name=name)
        return parsed.astimezone(UTC)  # PostgreSQL takes no offset of 16 hours or more
    except (ValueError, OverflowError):
        raise Malformed(A_TIME, name=name) from None


def uuid(request: Request, name: str) -> UUID | None:
    """Return a UUID parameter. Raises `Malformed` for another form."""
    value = request.query_params.get(name)
    found = uuid_or_none(value) if value is not None else None
    if value is not None and found is None:
        raise Malformed(A_UUID, name=name)
    return found
