"""
Reads a JSON body strictly (RFC 8259, and I-JSON, RFC 7493): UTF-8, bounded, no duplicate names, no NUL.

It knows no resource; it only refuses what no resource could accept.
"""

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from api_schema.problems import Malformed, TooLarge, UnsupportedMediaType
from api_schema.words import Words

DEPTH_MAX = 16
INTEGER_MAX = 2**53


class StrictJSONParser(BaseParser):
    """DRF's parser for every body of this API. Raises `Malformed`, `TooLarge` or `UnsupportedMediaType`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request = (parser_context or {}).get("request")
        if request is not None and request.META.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
            raise UnsupportedMediaType
        limit: int = settings.REQUEST_BYTES_MAX
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(limit=limit)
        return read(raw)


def read(raw: bytes) -> Any:
    """Return the JSON value of these bytes. Raises `Malformed`, saying which rule they break."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_bounded, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise Malformed(Words("Kroppen er ikke UTF-8.", "The body is not UTF-8.")) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise Malformed(Words("Kroppen er ikke gyldig JSON.", "The body is not valid JSON.")) from error
    _check(value, 0)
    return value


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise _too_deep()
    if isinstance(value, str):
        if "\x00" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)):
            raise Malformed(
                Words(
                    "Tekst må ikke indeholde NUL eller halve surrogatpar.", "Text may not hold NUL or lone surrogates."
                )
            )
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _too_deep() -> Malformed:
    return Malformed(
        Words(f"JSON må højst være {DEPTH_MAX} niveauer dyb.", f"JSON may be at most {DEPTH_MAX} levels deep.")
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed(Words("Et objekt har samme navn to gange.", "An object has the same name twice."))
    return members


def _no_constant(name: str) -> Any:  # noqa: ARG001 - json's shape
    raise Malformed(Words("NaN og Infinity er ikke JSON.", "NaN and Infinity are not JSON."))


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        return float(_no_constant(digits))
    return number


def _bounded(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) >= INTEGER_MAX:  # noqa: PLR2004
        raise Malformed(Words("Heltal skal være mindre end 2^53.", "Integers must be below 2^53."))
    return int(digits)
