"""Whether the exchange lives, and whether it may serve: database there, migrations applied, ledger guarded."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from config.checks import guards_missing


def live(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's shape
    """Return 200 while the process answers at all."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's shape
    """Return 200 where requests can be served and recorded, else 503 with the names of what is missing."""
    try:
        missing = [*(() if _migrated() else ("migrations",)), *guards_missing(connection)]
    except DatabaseError:
        missing = ["database"]
    status = 503 if missing else 200
    return JsonResponse({"status": "ready" if not missing else "not ready", "missing": missing}, status=status)


_known_migrated: list[bool] = []
"""Not empty once the tables were found up to date; a running process does not outlive its own migrations."""


def _migrated() -> bool:
    if not _known_migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _known_migrated.append(True)
    return True
