"""How long what is to be posted has waited for a worker: what an operator is alarmed by. It says nothing of whom."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

WEBHOOKS_LAG = "webhooks-lag"
DUE = """
    SELECT count(*), coalesce(extract(epoch FROM max(now() - coalesce(job.scheduled_at, made.at))), 0)::float
    FROM procrastinate_jobs job
    JOIN procrastinate_events made ON made.job_id = job.id AND made.type = 'deferred'
    WHERE job.status = 'todo' AND job.queue_name = 'webhooks' AND coalesce(job.scheduled_at, now()) <= now()
    AND NOT EXISTS (
        SELECT FROM procrastinate_jobs before
        WHERE before.lock = job.lock AND before.id < job.id AND before.status IN ('todo', 'doing')
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How many jobs could be done now, and for how many seconds the oldest of them could have been."""

    jobs: int
    seconds: float


def lag() -> Lag:
    """Return the lag of the worker: jobs whose time has come, and that stand behind none of their line."""
    with connection.cursor() as cursor:
        cursor.execute(DUE)
        jobs, seconds = cursor.fetchone()
    return Lag(jobs=jobs, seconds=max(seconds, 0.0))


def alarms() -> list[str]:
    """Return the alarm's name where the oldest job has waited too long: no worker runs, or too few do."""
    return [WEBHOOKS_LAG] if lag().seconds > settings.WEBHOOKS_ALARM_SECONDS else []
