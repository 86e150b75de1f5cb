"""How long what is to be posted has waited for a worker: what an operator is alarmed by. It says nothing of whom."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

WEBHOOKS_LAG = "webhooks-lag"
DUE = """
    SELECT count(*), coalesce(max(extract(epoch FROM now() - due)), 0)::float FROM (
        SELECT greatest(
            coalesce(delivery.next_at, delivery.made_at),
            endpoint.resting_until + interval '30 seconds',
            (SELECT max(earlier.ended_at) FROM agencies_delivery earlier
             JOIN agencies_event other ON other.number = earlier.event_id
             WHERE earlier.endpoint_id = delivery.endpoint_id AND other.about = event.about
             AND earlier.id < delivery.id)
        ) AS due
        FROM agencies_delivery delivery
        JOIN agencies_event event ON event.number = delivery.event_id
        JOIN agencies_endpoint endpoint ON endpoint.id = delivery.endpoint_id AND endpoint.state = 'active'
        WHERE delivery.state = 'waiting' AND NOT EXISTS (
            SELECT FROM agencies_delivery before JOIN agencies_event its ON its.number = before.event_id
            WHERE before.endpoint_id = delivery.endpoint_id AND before.state = 'waiting' AND its.about = event.about
            AND before.id < delivery.id
        )
        LIMIT 1000
    ) waiting WHERE due <= now()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How many calls could be made now, and for how many seconds the oldest of them could have been."""

    jobs: int
    seconds: float


def lag() -> Lag:
    """
    Return the lag of the worker: deliveries whose time has come, and that stand behind none of their line.

    By the deliveries and not by the queue, so that a worker which fails at each of them is missed as well. A thousand
    of them are looked at.
    """
    with connection.cursor() as cursor:
        cursor.execute(DUE)
        jobs, seconds = cursor.fetchone()
    return Lag(jobs=jobs, seconds=max(seconds, 0.0))


def alarms() -> list[str]:
    """Return the alarm's name where the oldest has waited too long: no worker runs, or it can't, or too few do."""
    return [WEBHOOKS_LAG] if lag().seconds > settings.WEBHOOKS_ALARM_SECONDS else []
