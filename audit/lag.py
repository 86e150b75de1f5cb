"""
How far the log lags behind the ledger: how many entries no signed checkpoint covers yet, and how long the oldest waits.

The receipt covers an entry meanwhile. Whether the lag is alarming is for the one who asks to say.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Min
from django.utils import timezone

from audit import checkpoints
from audit.models import Checkpoint


@dataclass(frozen=True, slots=True)
class Lag:
    """Entries that wait for a checkpoint, counted to 100,000 at most, and how many seconds the oldest has waited."""

    entries: int
    seconds: float


def lag(using: str = DEFAULT_DB_ALIAS) -> Lag:
    """Return how far the log lags behind, by the database's clock; one statement. Raises DatabaseError."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT entries, since, clock_timestamp() FROM audit_waiting()")
        entries, since, now = cursor.fetchone()
    return Lag(entries, _seconds(since, now) if entries else 0.0)


def unwitnessed(using: str = DEFAULT_DB_ALIAS) -> float:
    """Return for how many seconds a checkpoint has waited for its quorum of witnesses; 0 where none is asked for."""
    if checkpoints.policy().quorum is None:
        return 0.0
    final = checkpoints.newest(final=True, using=using)
    since = Checkpoint.objects.using(using).filter(size__gt=final.size if final else -1).aggregate(at=Min("at"))["at"]
    return _seconds(since, timezone.now())


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
