"""
What must hold before the exchange serves, asked of the live database.

`manage.py check --database default` runs it, `/health/ready` asks again, and gunicorn refuses to start without it.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from config.guards import missing as guards_missing


@register(Tags.database)
def ledger_is_guarded(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Return an error for each guard that the live database lacks; asked for with `--database`."""
    return [
        Error(f"The ledger is not guarded as committed: {name}.", hint="See config/guards.py.", id="udvej.E001")
        for alias in databases or ()
        if alias != "owner"  # that is the connection which is about to make the guards
        for name in guards_missing(connections[alias])
    ]


__all__ = ["guards_missing", "ledger_is_guarded"]
