"""
What every request and answer carries: a request id, the language, preconditions, and one structured log line.

The log line names the route, never the path: a path names a referral, and that a referral exists is itself sensitive.
"""

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from uuid import UUID, uuid4

import structlog
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from api_schema.deprecation import headers_for
from api_schema.problems import Malformed, PreconditionRequired
from api_schema.validation import holds_cpr
from api_schema.words import Words

log = structlog.get_logger("udvej.request")
IDEMPOTENCY_KEY = re.compile(r"^[\x21-\x7e]{1,128}$")
ETAG = re.compile(r'^"([0-9]{1,9})"$')
WINDOW = 60


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How much of its requests a client has left in this minute."""

    limit: int
    remaining: int
    resets_in: int

    def headers(self) -> dict[str, str]:
        """Return the header fields of the IETF draft "RateLimit header fields for HTTP"."""
        return {
            "RateLimit-Policy": f'"client";q={self.limit};w={WINDOW}',
            "RateLimit": f'"client";r={self.remaining};t={self.resets_in}',
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Which agency's client asked; never which person."""

    agency: str
    client: str


Handler = Callable[[HttpRequest], HttpResponse]


def request_context(get_response: Handler) -> Handler:
    """Middleware: bind a request id to all that the request logs and records, and log one line when it is answered."""

    def respond(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        offered = request.headers.get("Request-Id", "")
        request_id = str(uuid_or_none(offered) or uuid4())  # free text could carry a person into the logs
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
            match = request.resolver_match
            caller = getattr(request, "caller", None)
            log.info(
                "request",
                method=request.method if (request.method or "").isalpha() else "other",
                route=match.route if match else "unknown",
                status=response.status_code,
                ms=round((time.perf_counter() - started) * 1000, 1),
                **(asdict(caller) if isinstance(caller, Caller) else {}),
            )
        response["Request-Id"] = request_id
        rate_limit = getattr(request, "rate_limit", None)
        for name, value in rate_limit.headers().items() if isinstance(rate_limit, RateLimit) else ():
            response[name] = value
        for name, value in headers_for(request).items():
            response.setdefault(name, value)
        if "/api/v1/" in request.path or request.path.startswith("/oauth/"):
            response.setdefault("Cache-Control", "no-store")
            response["X-Content-Type-Options"] = "nosniff"
        return response

    return respond


def seen_version(request: Request) -> int:
    """
    Return the version that the caller saw, from `If-Match` (RFC 9110 section 13.1.1).

    Raises `PreconditionRequired` (428) where the header is absent and `Malformed` where it is not one of our ETags.
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired
    match = ETAG.match(header.strip().removeprefix("W/"))
    if match is None:
        raise Malformed(
            Words('If-Match skal være ressourcens ETag, fx "3".', 'If-Match must be the resource\'s ETag, such as "3".')
        )
    return int(match.group(1))


def etag(version: int) -> str:
    """Return the strong ETag of a version: its number in quotes."""
    return f'"{version}"'


def idempotency_key(request: Request) -> str:
    """
    Return the `Idempotency-Key`: 1 to 128 visible ASCII characters, chosen by the caller, one a thing to create.

    Raises `Malformed` where it is absent or of another form.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not IDEMPOTENCY_KEY.match(key) or (holds_cpr(key) and uuid_or_none(key) is None):
        raise Malformed(
            Words(
                "Idempotency-Key kræves: 1-128 synlige ASCII-tegn, fx et nyt UUID for hver ting, du opretter.",
                "Idempotency-Key is required: 1-128 visible ASCII characters, such as a new UUID for each creation.",
            )
        )
    return key


def uuid_or_none(text: str) -> UUID | None:
    """Return the UUID that a text spells, or None where it spells none."""
    try:
        return UUID(text)
    except ValueError:
        return None
