"""
Keyset pagination with opaque cursors. No totals: a count of referrals would tell what a stranger may not know.

A cursor is signed and bound to whoever it was given to and to the filters of its list, so another agency's cursor,
a changed one, or one moved to another list is refused as malformed.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.core import signing
from rest_framework.request import Request

from api_schema.problems import Malformed
from api_schema.words import Words

SIZE = 50
SIZE_MAX = 200
T = TypeVar("T")


def page_size(request: Request) -> int:
    """Return `limit`, 50 unless given. Raises `Malformed` outside 1 to 200."""
    text = request.query_params.get("limit", str(SIZE))
    if not re.fullmatch(r"[1-9][0-9]{0,2}", text) or int(text) > SIZE_MAX:
        raise Malformed(Words(f"limit skal være 1-{SIZE_MAX}.", f"limit must be 1-{SIZE_MAX}."))
    return int(text)


def encode(position: Sequence[str], *, bound_to: str) -> str:
    """Return the cursor that goes on after this position, for this caller and list alone."""
    return signing.dumps(list(position), salt=f"cursor:{bound_to}", compress=False)


def decode(cursor: str, *, bound_to: str) -> list[str]:
    """Return the position of a cursor. Raises `Malformed` unless it was given to this caller for this list."""
    try:
        position = signing.loads(cursor, salt=f"cursor:{bound_to}", max_age=24 * 60 * 60)
    except signing.BadSignature as error:
        raise Malformed(
            Words(
                "cursor hører ikke til denne liste. Begynd forfra uden cursor.",
                "cursor does not belong to this list. Start again without it.",
            )
        ) from error
    return [str(part) for part in position]


def page(
    rows: Sequence[T], *, size: int, position: Callable[[T], Sequence[str]], bound_to: str
) -> tuple[list[T], str | None]:
    """Return the first `size` rows and the next page's cursor; `rows` holds one more if there is one."""
    shown = list(rows[:size])
    more = len(rows) > size
    return shown, encode(position(shown[-1]), bound_to=bound_to) if more else None


def listed(results: list[Any], cursor: str | None) -> dict[str, Any]:
    """Return the body of every list: results, and the cursor to go on with or null."""
    return {"results": results, "next": cursor}
