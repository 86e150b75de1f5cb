"""
Binds django-auditlog's field history to the act it belongs to: the real actor, one correlation id, one digest.

Without this, under token authentication, auditlog's actor stays empty and its rows belong to nothing.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from auditlog.cid import correlation_id
from auditlog.context import set_actor
from auditlog.models import LogEntry
from django.contrib.auth import get_user_model

from audit.canonical import jcs
from audit.facts import Actor


@contextmanager
def belonging_to(correlation: UUID, *, by: Actor) -> Iterator[None]:
    """Let every field change made inside carry this correlation id and this actor."""
    token = correlation_id.set(str(correlation))
    user = get_user_model()(pk=by.user) if by.user else None
    try:
        with set_actor(user):
            yield
    finally:
        correlation_id.reset(token)


def digest(correlation: UUID) -> str:
    """Return the SHA-256 over the act's history rows, every column of each, as hexadecimal; empty if it has none."""
    rows = LogEntry.objects.filter(cid=str(correlation)).order_by("pk").values()
    lines = [jcs({name: _plain(value) for name, value in row.items()}) for row in rows]
    return hashlib.sha256(b"\n".join(lines)).hexdigest() if lines else ""


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value if value is None or isinstance(value, str | int | dict | list) else str(value)
