"""Traces as a collector receives them: routes and ids of requests, and nothing of whom a request was about."""

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pytest_django import Settings

from config import health
from config.env import BASE_DIR
from tests.exchange import Exchange

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass
class Collector:
    """An OTLP receiver: what came in, byte for byte."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    @property
    def spans(self) -> list[Any]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [s for each in requests for r in each.resource_spans for scope in r.scope_spans for s in scope.spans]

    def said(self, span: Any) -> dict[str, Any]:
        return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


@pytest.fixture
def collector(settings: Settings) -> Iterator[Collector]:
    """A collector that runs, and an exchange that sends to it."""
    got = Collector(url="")

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            got.bodies.append(body)
            got.paths.add(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receive)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    got.url = f"http://127.0.0.1:{server.server_port}"
    settings.TRACES_ENDPOINT, settings.TRACES_RATIO = got.url, 1.0
    settings.MIDDLEWARE = ["config.traces.traced", *settings.MIDDLEWARE]
    from config import traces

    traces.provider.cache_clear()
    try:
        yield got
    finally:
        traces.provider().shutdown()
        traces.provider.cache_clear()
        server.shutdown()
        thread.join()
        server.server_close()


def flush() -> None:
    from config import traces

    assert traces.provider().force_flush()


def test_a_span_tells_the_route_and_never_what_was_asked_for(exchange: Exchange, collector: Collector) -> None:
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    answer = sender.get(f"referrals/{referral}?looked=0101901234")
    flush()
    span = next(each for each in collector.spans if each.name == "GET api/v1/referrals/<uuid:referral_id>")
    said = collector.said(span)
    assert set(said) == {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "udvej.request_id",
        "udvej.agency",
        "udvej.sql.statements",
        "udvej.sql.ms",
    }
    assert said["http.response.status_code"] == answer.status == 200
    assert said["udvej.request_id"] == answer.headers["Request-Id"]
    assert said["udvej.agency"] == str(exchange.municipality.agency.id)
    assert said["udvej.sql.statements"] > 3
    assert collector.paths == {"/v1/traces"}


def test_no_exported_byte_names_a_person_a_case_or_what_was_sent(exchange: Exchange, collector: Collector) -> None:
    sender, centre = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.submit(exchange.centre)
    for each in (
        sender.get(f"referrals/{referral}"),
        centre.step(referral, "receive"),
        centre.get(f"referrals/{referral}/timeline"),
        exchange.stranger.as_("caseworker").get(f"referrals/{referral}"),
        sender.get("referrals?external_reference=SAG-1"),
        sender.get(f"nowhere/{referral}"),
        sender.create(b"{broken"),
    ):
        assert each.status < 500
    flush()
    assert len(collector.spans) >= 7
    exported = b"".join(collector.bodies).lower()
    for never in (
        referral,
        referral.replace("-", ""),
        sender.staff_id,
        sender.party.token,
        sender.party.client_secret,
        "testperson",
        "6101901234",
        "SAG-1",
        "nowhere/",
        "{broken",
        "exit_support",
    ):
        assert never.lower().encode() not in exported, never


def test_the_callers_trace_is_followed_and_its_free_text_is_not(exchange: Exchange, collector: Collector) -> None:
    sender = exchange.municipality.as_("caseworker")
    sender.get("agencies", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01", tracestate="vendor=0101901234")
    sender.get("agencies", traceparent=f"00-{TRACE[::-1]}-00f067aa0ba902b7-00")
    sender.get("agencies", traceparent="0101901234")
    flush()
    traces = [span.trace_id.hex() for span in collector.spans if span.name == "GET api/v1/agencies"]
    assert TRACE in traces
    assert TRACE[::-1] not in traces, "the caller decided against it"
    assert len(traces) == 2
    assert b"0101901234" not in b"".join(collector.bodies)


def test_a_failure_of_ours_is_marked_and_not_quoted(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: Any) -> None:
        raise RuntimeError("Testperson Prøvesen")

    monkeypatch.setattr(health, "_migrated", lambda: fail(None))
    client = Client(raise_request_exception=False)
    assert client.get("/health/ready").status_code == 500
    flush()
    span = next(each for each in collector.spans if each.name == "GET health/ready")
    assert span.status.code == 2
    assert span.status.message == ""
    assert not span.events
    assert "Prøvesen".encode() not in b"".join(collector.bodies)


@pytest.mark.no_database
def test_where_nobody_asks_for_traces_nothing_of_them_is_imported() -> None:
    program = (
        "import sys, django; django.setup(); from django.core.wsgi import get_wsgi_application; "
        "get_wsgi_application(); import config.urls; "
        "print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    environment.pop("OTEL_EXPORTER_OTLP_ENDPOINT", None)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
