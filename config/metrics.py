"""
`/metrics` in Prometheus's text format: what an operator is woken by. Numbers of the whole exchange, of nobody in it.

Gauges are read from the database at each scrape, and counters are added up over all workers (gunicorn names the folder
they share), so every worker gives the same answer. Outside `make run` it answers only to the token of
UDVEJ_METRICS_TOKEN, and nobody where there is none.
"""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from agencies import duty_mail
from agencies.notifications import lag as webhooks
from api_schema.problems import unknown_address
from audit.checkpoints import newest
from audit.lag import lag
from config import variables
from config.counting import COUNTED


class Ledger(Collector):
    """How far the log has come, and how far it lags behind."""

    def collect(self) -> Iterator[Metric]:
        behind, head, final = lag(), newest(), newest(final=True)
        yield GaugeMetricFamily(
            "udvej_ledger_waiting_entries", "Entries that no signed checkpoint covers yet.", value=behind.entries
        )
        yield GaugeMetricFamily(
            "udvej_ledger_seal_lag_seconds", "How long the oldest of them has waited.", value=behind.seconds
        )
        yield GaugeMetricFamily(
            "udvej_ledger_checkpoint_size", "Leaves under the newest checkpoint.", value=head.size if head else 0
        )
        yield GaugeMetricFamily(
            "udvej_ledger_final_size",
            "Leaves under the newest checkpoint that the quorum of witnesses has cosigned.",
            value=final.size if final else 0,
        )


class DutyContacts(Collector):
    """What agencies' duty contacts have still to be told."""

    def collect(self) -> Iterator[Metric]:
        unsent, unreachable = duty_mail.waiting()
        yield GaugeMetricFamily("udvej_duty_notices_unsent", "Notices that wait for their mail.", value=unsent)
        yield GaugeMetricFamily(
            "udvej_duty_notices_unreachable", "Notices for agencies that have no duty contact.", value=unreachable
        )


class Webhooks(Collector):
    """What is to be posted to subscribers, and whether anybody posts it."""

    def collect(self) -> Iterator[Metric]:
        behind = webhooks.lag()
        yield GaugeMetricFamily("udvej_webhooks_due", "Calls that could be made now.", value=behind.jobs)
        yield GaugeMetricFamily(
            "udvej_webhooks_lag_seconds", "How long the oldest of them has waited for a worker.", value=behind.seconds
        )


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics; 503 where the database can't be asked, so that the scrape fails rather than lies."""
    if not _may_scrape(request.headers.get("Authorization", "")):
        return unknown_address(request)
    registry = CollectorRegistry()
    try:
        registry.register(Ledger())
        registry.register(DutyContacts())
        registry.register(Webhooks())
        if variables.METRICS_DIR.said():
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(_Own())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError:
        return HttpResponse("the database is away\n", status=503, content_type="text/plain; charset=utf-8")


class _Own(Collector):
    """What this process alone has counted: where there is one process, and none adds up."""

    def collect(self) -> Iterator[Metric]:
        yield from COUNTED.collect()


def _may_scrape(authorization: str) -> bool:
    token = settings.METRICS_TOKEN
    if settings.METRICS_OPEN:
        return True
    return bool(token) and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())
