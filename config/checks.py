"""
What must hold before the exchange serves, asked of the live database.

`manage.py check --database default` runs it, `/health/ready` asks again, and gunicorn refuses to start without it.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.urls import Resolver404, resolve

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


LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


@register(Tags.urls)
def sandbox_is_here_alone(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Return an error where the demo's sandbox would answer on any settings but the local ones, or to other hosts."""
    try:
        resolve("/sandbox/answers")
    except Resolver404:
        return []
    if settings.SETTINGS_MODULE == "config.settings.local" and set(settings.ALLOWED_HOSTS) <= LOOPBACK:
        return []
    return [
        Error(
            "The sandbox, which plays demo agencies, would answer here.",
            hint="ROOT_URLCONF has to be config.urls wherever the settings are not config.settings.local.",
            id="udvej.E002",
        )
    ]


__all__ = ["guards_missing", "ledger_is_guarded", "sandbox_is_here_alone"]
