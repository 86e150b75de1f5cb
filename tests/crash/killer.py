"""
Kills what runs, -9, again and again, at moments and by kinds that a seeded random chooses.

Every kind comes once, in an order of the seed's, before any comes again. What is killed is always what this run
started: gunicorn's process group, and the processes of the run's own PostgreSQL.
"""

import contextlib
import os
import random
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Collection

from config import embedded_postgres
from tests.crash.history import History
from tests.crash.world import Served

PAUSE = (0.2, 2.2)
"""Seconds between two kills."""

OFTEN = {"worker": 2, "backend": 1}
"""How many times more often than the others some kinds come."""

PATIENCE = 0.8
"""How often the exchange is let come back first; else it is hit again while it does."""


class Killer:
    """A thread that kills until told to end; `kills` counts what was really killed, by kind."""

    def __init__(self, served: Served, history: History, *, seed: int, kinds: Collection[str] | None = None) -> None:
        self._served, self._history = served, history
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer", daemon=True)
        self.kills: Counter[str] = Counter()
        self.kinds: dict[str, Callable[[], list[int]]] = {
            "worker": lambda: _some(self._random, _children(served.process("gunicorn"))),
            "gunicorn": lambda: [*_itself(served.process("gunicorn")), *_children(served.process("gunicorn"))],
            "master": lambda: _itself(served.process("gunicorn")),
            "backend": lambda: _some(self._random, _children(self._postmaster(), "udvej_app")),
            "postmaster": lambda: _itself(self._postmaster()),
            "postgres": lambda: [*_itself(self._postmaster()), *_children(self._postmaster())],
            **{name: self._program(name) for name in served.beside()},
        }
        """Every kind of kill, with the processes it takes at once; all of them, unless told."""
        self._kinds = [kind for kind in self.kinds if kinds is None or kind in kinds]

    def start(self) -> None:
        """Begin to kill."""
        self._thread.start()

    def stop(self) -> None:
        """Kill no more."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        first = [*self._kinds]
        self._random.shuffle(first)
        # Workers and single sessions die more often: it is then that one of many acts is cut off in the middle.
        often = [*self._kinds, *(kind for kind in self._kinds for _ in range(OFTEN.get(kind, 0)))]
        while not self._over.wait(self._random.uniform(*PAUSE)):
            kind = first[0] if first else self._random.choice(often)
            if self._kill(kind) and first:
                first.pop(0)
            patient = self._random.random() < PATIENCE
            while patient and not self._over.is_set() and not self._served.is_ready():
                self._over.wait(0.1)

    def _kill(self, kind: str) -> bool:
        killed = []
        for pid in self.kinds[kind]():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        if killed:
            self.kills[kind] += 1
            self._history.note("kill", kind=kind, processes=len(killed))
        return bool(killed)

    def _postmaster(self) -> int | None:
        return embedded_postgres._postmaster(self._served.world.cluster)

    def _program(self, name: str) -> Callable[[], list[int]]:
        return lambda: _itself(self._served.process(name))


def _itself(pid: int | None) -> list[int]:
    return [] if pid is None else [pid]


def _some(random_: random.Random, pids: list[int]) -> list[int]:
    return [random_.choice(pids)] if pids else []


def _children(pid: int | None, named: str = "") -> list[int]:
    """Return the living children of a process whose command names something, in the order of their ids."""
    if pid is None:
        return []
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat=,args="], check=True, capture_output=True, text=True)
    found = []
    for line in listed.stdout.splitlines():
        child, parent, state, command = line.split(None, 3)
        if int(parent) == pid and not state.startswith("Z") and named in command:
            found.append(int(child))
    return sorted(found)
