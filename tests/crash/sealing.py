"""
The one place where the sealer joins a crash run: the programs that run beside gunicorn, and how the log is verified.

Each program of `BESIDE` is started with the exchange, restarted when it ends, and killed -9 like the rest. `VERIFIES`
is asked once all is quiet, and returns a sentence for each thing that is wrong; None where there is nothing to ask.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.crash.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A Python program that runs for as long as the exchange: its name, its arguments, and its database role."""

    name: str
    arguments: tuple[str, ...]
    role: str


BESIDE: tuple[Program, ...] = ()
"""For the sealer: `Program(name="sealer", arguments=("manage.py", "audit_seal"), role="udvej_sealer")`."""

VERIFIES: "Callable[[World], list[str]] | None" = None
"""For `manage.py audit_verify` on the world's database: `world.manage(...)` runs it."""
