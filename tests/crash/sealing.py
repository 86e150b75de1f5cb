"""
The one place where the sealer joins a crash run: the programs that run beside gunicorn, and how the log is verified.

Each program of `BESIDE` is started with the exchange, restarted when it ends, and killed -9 like the rest. Once all is
quiet, everything is waited for to be sealed, and the log is verified by the product's own command.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from tests.crash.world import World

SETTLE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A Python program that runs for as long as the exchange: its name, its arguments, and its database role."""

    name: str
    arguments: tuple[str, ...]
    role: str


BESIDE = (Program(name="sealer", arguments=("manage.py", "audit_seal"), role="udvej_sealer"),)


def settle(made: "World") -> None:
    """Wait until nothing waits for the sealer any more; what still does after a minute is for the verdict to name."""
    deadline = time.monotonic() + SETTLE_SECONDS
    with psycopg.connect(made.cluster.url("postgres"), autocommit=True) as connection:
        while time.monotonic() < deadline:
            if connection.execute("SELECT FROM audit_pending LIMIT 1").fetchone() is None:
                return
            time.sleep(0.1)


def verify(made: "World") -> list[str]:
    """Verify the log as `manage.py audit_verify` does, and return what it finds wrong."""
    from tests.crash.world import WorldError

    try:
        made.manage("audit_verify", role="udvej_reader")
    except WorldError as error:
        return [str(error)]
    return []
