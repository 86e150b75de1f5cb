"""
Binds django-auditlog's field history to the act it belongs to: the real actor, one correlation id, one digest.

Without this, under token authentication, auditlog's actor stays empty and its rows belong to nothing.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
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
    """Return the SHA-256 over the act's history rows in the order written, as hexadecimal; empty if it has none."""
    rows = LogEntry.objects.filter(cid=str(correlation)).order_by("pk").select_related("content_type")
    lines = [jcs(_columns(row)) for row in rows]
    return hashlib.sha256(b"\n".join(lines)).hexdigest() if lines else ""


def _columns(row: LogEntry) -> dict[str, object]:
    return {
        "action": row.action,
        "actor": None if row.actor_id is None else str(row.actor_id),
        "changes": row.changes,
        "cid": row.cid,
        "model": f"{row.content_type.app_label}.{row.content_type.model}",
        "object": row.object_pk,
        "timestamp": row.timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
