"""
Counts requests for `/metrics`: by route and status, how long they took, and what was refused. Sums over all agencies.

A number must not tell that somebody's case exists or what became of it. So there is no label of an agency, a client or
an id, only the route's template; and a refusal is counted by its code where the code speaks of the request alone.
What a refusal says of a consent, a key or a referral is counted as `case`, all of them as one (docs/operations.md).
"""

import json
import time
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from api_schema.problems import MEDIA_TYPE, REGISTER

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
OF_THE_REQUEST = ("api_schema.", "agencies.")
"""The rooms whose refusals speak of who asks and how, and know no person's case."""

CASE = "case"
disable_created_metrics()  # type: ignore[no-untyped-call]  # when each was first counted: a second time series for each, which nobody needs
COUNTED = CollectorRegistry()
requests = Counter("udvej_requests", "Requests answered.", ["route", "method", "status"], registry=COUNTED)
seconds = Histogram(
    "udvej_request_seconds",
    "How long the answer took.",
    ["route", "method"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=COUNTED,
)
refusals = Counter("udvej_refusals", "Requests refused, by the problem's code.", ["code"], registry=COUNTED)


def counted(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, outside all others: count each request when it is answered."""

    def respond(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = get_response(request)
        route, method = route_of(request), request.method if request.method in METHODS else "other"
        requests.labels(route, method, f"{response.status_code // 100}xx").inc()
        seconds.labels(route, method).observe(time.perf_counter() - started)
        if code := _code(response):
            refusals.labels(code).inc()
        return response

    return respond


def route_of(request: HttpRequest) -> str:
    """Return the template of the address that answered, or `unknown`; never the path."""
    match = request.resolver_match
    return match.route if match else "unknown"


def _code(response: HttpResponse) -> str:
    """Return a refusal's code as it may be counted, or nothing where the answer is no problem."""
    if not response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
        return ""
    code: str = json.loads(response.content)["code"]
    return code if _of_the_request(code) else CASE


@cache
def _of_the_request(code: str) -> bool:
    """Return whether a room that knows no case defines the code, itself or for those above that use it again."""
    kinds = REGISTER[code].__mro__ if code in REGISTER else ()
    return any(vars(kind).get("code") == code and kind.__module__.startswith(OF_THE_REQUEST) for kind in kinds)
