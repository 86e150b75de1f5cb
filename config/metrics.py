"""
`/metrics` in Prometheus's text format: what an operator is woken by. Numbers of the whole exchange, of nobody in it.

Read from the database at each scrape, so that every worker gives the same answer. Outside `make run` it answers only to
the token of UDVEJ_METRICS_TOKEN, and nobody where there is none.
"""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agencies import duty_mail
from api_schema.problems import unknown_address
from audit.checkpoints import newest
from audit.lag import lag


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


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics; 503 where the database can't be asked, so that the scrape fails rather than lies."""
    if not _may_scrape(request.headers.get("Authorization", "")):
        return unknown_address(request)
    registry = CollectorRegistry()
    try:
        registry.register(Ledger())
        registry.register(DutyContacts())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError:
        return HttpResponse("the database is away\n", status=503, content_type="text/plain; charset=utf-8")


def _may_scrape(authorization: str) -> bool:
    token = settings.METRICS_TOKEN
    if settings.METRICS_OPEN:
        return True
    return bool(token) and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())
