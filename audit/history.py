"""
Binds django-auditlog's field history to the act it belongs to: the real actor, one correlation id, one digest.

Without this, under token authentication, auditlog's actor stays empty and its rows belong to nothing.
"""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from auditlog.cid import correlation_id
from auditlog.context import set_actor
from auditlog.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS

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
    return digests([correlation]).get(correlation, "")


def digests(correlations: Collection[UUID], *, using: str = DEFAULT_DB_ALIAS) -> dict[UUID, str]:
    """Return the digest over the history rows of each of these acts that has any."""
    names = [str(each) for each in correlations]
    lines: dict[UUID, list[bytes]] = {}
    for row in LogEntry.objects.using(using).filter(cid__in=names).order_by("pk").values():
        said = {name: _plain(value) for name, value in row.items()}
        lines.setdefault(UUID(row["cid"]), []).append(jcs(said))
    return {correlation: hashlib.sha256(b"\n".join(each)).hexdigest() for correlation, each in lines.items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value if value is None or isinstance(value, str | int | dict | list) else str(value)
