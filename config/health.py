"""
Whether the exchange lives, and whether it may serve: database there, migrations applied, ledger guarded.

A log that lags behind is an alarm: the exchange goes on, since what it does is recorded and its receipts are signed,
unless it promised that nothing is shown before a checkpoint covers it.
"""

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from agencies import duty_mail
from agencies.notifications import lag as webhooks
from audit import strength
from audit.lag import lag, unwitnessed
from config.checks import guards_missing

LOG_LAGS, NOT_FINAL = "ledger-log-lags", "ledger-log-not-final"


def live(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's shape
    """Return 200 while the process answers at all."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's shape
    """Return 200 where requests can be served and recorded, else 503 with what is missing; alarms in either case."""
    alarms: list[str] = []
    try:
        missing = [*(() if _migrated() else ("migrations",)), *guards_missing(connection)]
        if not missing:
            alarms = _alarms()
            missing = [LOG_LAGS] if LOG_LAGS in alarms and strength.asked() == strength.SEALED else []
    except DatabaseError:
        missing = ["database"]
    status = 503 if missing else 200
    body = {"status": "ready" if not missing else "not ready", "missing": missing, "alarms": alarms}
    return JsonResponse(body, status=status)


def _alarms() -> list[str]:
    late, alone = lag().seconds > settings.LEDGER_ALARM_SECONDS, unwitnessed() > settings.LEDGER_WITNESS_ALARM_SECONDS
    return [*([LOG_LAGS] if late else []), *([NOT_FINAL] if alone else []), *duty_mail.alarms(), *webhooks.alarms()]


_known_migrated: list[bool] = []
"""Not empty once the tables were found up to date; a running process does not outlive its own migrations."""


def _migrated() -> bool:
    if not _known_migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _known_migrated.append(True)
    return True
