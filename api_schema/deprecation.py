"""
Says of an operation that it is on its way out: since when, until when, and what takes its place (docs/api-policy.md).

`describe.operation(deprecated=...)` marks it; the contract and every answer of it, refusals too, then say so, by the
headers Deprecation (RFC 9745) and Sunset (RFC 8594). It does not stop an operation: that is done by taking it away.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime

from django.http import HttpRequest

NOTICE = timedelta(days=365)
"""The least there is between a deprecation and its sunset."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since which day (UTC) an operation is deprecated, when it ends, if that is decided, and what to use instead."""

    since: date
    instead: str
    """The name of the operation that takes its place, as in the contract."""

    sunset: date | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where the sunset comes sooner after the deprecation than promised."""
        if self.sunset is not None and self.sunset < self.since + NOTICE:
            raise ValueError(f"a sunset is {NOTICE.days} days after the deprecation at the earliest")

    def words(self) -> str:
        """Return the sentence of the operation's description."""
        ends = f" It ends on {self.sunset.isoformat()}." if self.sunset else ""
        return f"**Deprecated** since {self.since.isoformat()}: use `{self.instead}`.{ends}"

    def headers(self) -> dict[str, str]:
        """Return the headers of each answer: Deprecation and, where it is decided, Sunset; and Link to the docs."""
        told = {
            "Deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "Link": '</api/docs>; rel="deprecation"; type="text/html"',
        }
        if self.sunset is not None:
            told["Sunset"] = format_datetime(_midnight(self.sunset), usegmt=True)
            told["Link"] += ', </api/docs>; rel="sunset"; type="text/html"'
        return told


def headers_for(request: HttpRequest) -> dict[str, str]:
    """Return the headers that the operation a request asked for has, none unless it is deprecated."""
    match = request.resolver_match
    verb = (request.method or "").lower()
    method = getattr(getattr(match.func, "cls", None), "get" if verb == "head" else verb, None) if match else None
    found = getattr(method, "deprecation", None)
    return found.headers() if isinstance(found, Deprecation) else {}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
