"""
Gives every text, number and list of the contract a ceiling, so that a reader knows what to make room for.

What a body's own fields bound stays as it is. The rest follows from its form (a UUID has 36 characters), or from what
holds of every request and answer: a request has a largest size, a number is below 2^53. No value is cut at a ceiling.
"""

import re
from typing import Any

from django.conf import settings

from api_schema.pagination import SIZE_MAX
from api_schema.parsing import INTEGER_MAX

INT32_MAX = 2**31 - 1
LENGTHS = {"uuid": 36, "date": 10, "date-time": 40, "uri": 2048, "uri-reference": 2048, "binary": INT32_MAX}
LIST_CEILING = 100_000
"""Of a list that nothing else bounds, as the events of a consent: far above what there is. Pages are bounded by 200."""

OF_FIXED_LENGTH = re.compile(r"^\^(?:\[[^\]]+\]|\\d)\{(\d+)\}\$$")
NOT_SCHEMAS = frozenset({"example", "examples", "default", "enum", "const"})


def bound(described: Any) -> None:
    """Write the ceilings into every schema below this part of the contract."""
    if isinstance(described, list):
        for inner in described:
            bound(inner)
    if not isinstance(described, dict):
        return
    kinds = described.get("type", ())
    for kind in [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else ():
        match kind:
            case "string":
                _bound_text(described)
            case "integer":
                described.setdefault("minimum", 0)
                described.setdefault("maximum", INTEGER_MAX - 1)
                described.setdefault("format", "int32" if described["maximum"] <= INT32_MAX else "int64")
            case "array":
                described.setdefault("maxItems", LIST_CEILING)
    for name, inner in described.items():
        if name not in NOT_SCHEMAS:
            bound(inner)


def bound_pages(schemas: dict[str, Any]) -> None:
    """Write into every page's schema how many rows a page has at most."""
    for schema in schemas.values():
        members = schema.get("properties", {})
        if {"results", "next"} <= set(members):
            members["results"]["maxItems"] = SIZE_MAX


def _bound_text(described: dict[str, Any]) -> None:
    if {"enum", "const", "maxLength"} & set(described):
        return
    fixed = OF_FIXED_LENGTH.match(described.get("pattern", ""))
    if fixed:
        described["maxLength"] = int(fixed[1])
    else:
        described["maxLength"] = LENGTHS.get(described.get("format", ""), settings.REQUEST_BYTES_MAX)
