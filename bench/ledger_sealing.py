"""
How fast the sealer seals what waits, and how long a committed entry waits for a signed checkpoint while others write.

The sealer is the real process, under its own role. Who writes are threads with a session each, a transaction for each
entry, as fast as they may; with and without the sealer in turn, so that a busy machine slows both.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from uuid import UUID

import psycopg

from audit.log import INSERT
from bench.ledger_plans import at
from config.serving import running_process

WRITERS = 4
SECONDS = 20
ROUNDS = 2
PATIENCE_SECONDS = 4 * 60 * 60

LAGS = """
    SELECT extract(epoch FROM signed.at - e.at)::float FROM audit_entry e JOIN audit_leaf l ON l.entry_id = e.id
    CROSS JOIN LATERAL (
        SELECT c.at FROM audit_checkpoint c WHERE c.size > l.index ORDER BY c.size, c.number LIMIT 1
    ) signed WHERE e.id > %s AND e.id <= %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """How many entries were sealed in how many seconds, between the first checkpoint and the last."""

    entries: int
    seconds: float
    checkpoints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long entries waited for their checkpoint, in seconds, and commits/s by round without and with the sealer."""

    entries: int
    p50: float
    p99: float
    most: float
    alone: list[float]
    sealing: list[float]

    @property
    def ratio(self) -> float:
        """Commits/s with the sealer running, as a part of those without."""
        return median(self.sealing) / median(self.alone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the database is for each role, what the sealer's process sees, and where it writes."""

    app: str
    reader: str
    sealer: str
    environment: Mapping[str, str]
    log: Path


def seal(place: Place) -> Sealed:
    """Let the sealer seal all that waits; return how fast it was, by the database's own times."""
    with psycopg.connect(place.reader, autocommit=True) as connection:
        before = _number(connection, "SELECT coalesce(max(number), 0) FROM audit_checkpoint")
        with _sealer(place):
            _drained(connection)
        row = connection.execute(
            "SELECT max(size) - min(size), extract(epoch FROM max(at) - min(at))::float, count(*) "
            "FROM audit_checkpoint WHERE number > %s",
            [before],
        ).fetchone()
    if row is None or not row[1]:
        raise RuntimeError("the sealer signed no two checkpoints: there was too little to seal")
    return Sealed(entries=row[0], seconds=row[1], checkpoints=row[2])


def delay(place: Place) -> Delay:
    """Write without and with the sealer, in turn, and return how long entries waited for a signed checkpoint."""
    alone: list[float] = []
    sealing: list[float] = []
    lags: list[float] = []
    with psycopg.connect(place.reader, autocommit=True) as connection:
        for round_ in range(ROUNDS):
            alone.append(_written(place.app, seed=2 * round_) / SECONDS)
            with _sealer(place):
                _drained(connection)
                first = _newest(connection)
                sealing.append(_written(place.app, seed=2 * round_ + 1) / SECONDS)
                last = _newest(connection)
                _drained(connection)
            lags += [lag for (lag,) in connection.execute(LAGS, [first, last]).fetchall()]
    return Delay(entries=len(lags), p50=at(lags, 0.5), p99=at(lags, 0.99), most=max(lags), alone=alone, sealing=sealing)


@contextmanager
def _sealer(place: Place) -> Iterator[None]:
    environment = dict(place.environment) | {"DATABASE_URL": place.sealer}
    with running_process(["manage.py", "audit_seal"], environment, place.log):
        yield


def _drained(connection: psycopg.Connection) -> None:
    """Wait until a signed checkpoint covers all that was committed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _number(connection, "SELECT entries FROM audit_waiting()"):
        if time.monotonic() > deadline:
            raise RuntimeError("the sealer does not come to an end")
        time.sleep(0.2)


def _written(app: str, *, seed: int) -> int:
    """Return how many single entries the writers committed within the time."""
    counted = [0] * WRITERS
    deadline = time.monotonic() + SECONDS

    def write(number: int) -> None:
        drawn = Random(seed * WRITERS + number)  # noqa: S311 - a measurement's draws, and repeatable
        with psycopg.connect(app, autocommit=True) as connection, connection.cursor() as cursor:
            things = cursor.execute("SELECT referral, sender FROM bench.thing ORDER BY n LIMIT 1000").fetchall()
            while time.monotonic() < deadline:
                cursor.execute(INSERT, _columns(*drawn.choice(things), drawn=drawn))
                counted[number] += 1

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return sum(counted)


def _columns(referral: UUID, agency: UUID, *, drawn: Random) -> list[object]:
    correlation = UUID(int=drawn.getrandbits(128), version=4)
    shown = ["status", "contact", "reason", "needs"]
    return [
        *("referral.disclose", agency, "client-bench", str(drawn.randrange(2000)), "st-00001", "caseworker"),
        *("referral", str(referral), "exit_support", "SAMTYKKE-TAVSHED", 1, None, None),
        *(shown, "done", "", [], "", correlation, str(correlation), "", '{"side": "sender", "version": "3"}'),
    ]


def _newest(connection: psycopg.Connection) -> UUID:
    row = connection.execute("SELECT id FROM audit_entry ORDER BY id DESC LIMIT 1").fetchone()
    assert row is not None  # noqa: S101 - the ledger was filled
    newest: UUID = row[0]
    return newest


def _number(connection: psycopg.Connection, question: str) -> int:
    row = connection.execute(question).fetchone()
    return int(row[0]) if row else 0
