"""
Traces, where OTEL_EXPORTER_OTLP_ENDPOINT says where to: one span a request, sent as OTLP over HTTP.

A span holds the route's template, the method, the status, the request's id, the agency, and how many statements the
database was asked and for how long. Never a path, a query, a header, a body, a person or an error's words. Without the
variable nothing here is imported. The caller's `traceparent` (W3C Trace Context) is followed; its `tracestate`, which
is free text, is not.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from api_schema.headers import Caller
from config.counting import METHODS, route_of

PATH = "/v1/traces"
follow = TraceContextTextMapPropagator()


@dataclass(slots=True)
class Asked:
    """What the database was asked for one request: how many statements, and for how long in all."""

    statements: int = 0
    seconds: float = 0.0

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Django's execute wrapper: count a statement, and look at none."""
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.statements += 1
            self.seconds += time.perf_counter() - started


@cache
def provider() -> TracerProvider:
    """Return what makes spans and sends them, from a thread of its own; made in the process that serves."""
    exporter = OTLPSpanExporter(endpoint=settings.TRACES_ENDPOINT.rstrip("/") + PATH)
    made = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.TRACES_RATIO)), resource=Resource({SERVICE_NAME: "udvej"})
    )
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def traced(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, outside all others: make one span of each request."""

    def respond(request: HttpRequest) -> HttpResponse:
        tracer = provider().get_tracer("udvej")
        parent = follow.extract({"traceparent": request.headers.get("traceparent", "")})
        method, asked = request.method if request.method in METHODS else "other", Asked()
        with ExitStack() as under_way:
            span = tracer.start_span("request", context=parent, kind=SpanKind.SERVER)
            under_way.callback(span.end)
            if span.is_recording():
                under_way.enter_context(connection.execute_wrapper(asked))
            response = get_response(request)
            if not span.is_recording():
                return response
            route, caller = route_of(request), getattr(request, "caller", None)
            span.update_name(f"{method} {route}")
            span.set_attributes(
                {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": response.status_code,
                    "udvej.request_id": response.headers.get("Request-Id", ""),
                    "udvej.agency": caller.agency if isinstance(caller, Caller) else "",
                    "udvej.sql.statements": asked.statements,
                    "udvej.sql.ms": round(asked.seconds * 1000, 1),
                }
            )
            if response.status_code >= 500:  # noqa: PLR2004 - the server's own errors
                span.set_status(Status(StatusCode.ERROR))
        return response

    return respond
