"""
What the clients of a crash run did and saw, as it happened: a line when something is asked, a line when it is answered.

Times are one process's monotonic clock. An operation without a certain answer is `unknown`: it may have happened, or
may happen yet. A line holds ids, names and what an answer promised, and of content only the marks that it carried.
"""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

FOREVER = float("inf")
OK, FAIL, UNKNOWN = "ok", "fail", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One operation: what was asked and when, and what is known of how it ended."""

    n: int
    client: str
    kind: str
    invoked: float
    ended: float = FOREVER
    outcome: str = UNKNOWN
    asked: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> float:
        """The time by which its effect is certain to be there: for an unknown one, never."""
        return self.ended if self.outcome == OK else FOREVER

    def says(self) -> str:
        """Name the operation in a sentence about it."""
        return f"operation {self.n}, {self.kind} by {self.client}"


class History:
    """The lines of a run, in the order in which they happened; safe for many threads."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self.events: list[dict[str, Any]] = []
        self._file = path.open("w", encoding="utf-8") if path else None

    def invoke(self, client: str, kind: str, **asked: Any) -> int:
        """Note that something is about to be asked; return its number."""
        with self._lock:
            n = next(self._numbers)
            self._write({"n": n, "client": client, "type": "invoke", "at": time.monotonic(), "op": kind, **asked})
        return n

    def end(self, n: int, client: str, outcome: str, **told: Any) -> None:
        """Note how it ended: `ok`, `fail` (certainly not done), or `unknown`."""
        with self._lock:
            self._write({"n": n, "client": client, "type": outcome, "at": time.monotonic(), **told})

    def note(self, what: str, **about: Any) -> None:
        """Note something that no client did, such as a kill."""
        with self._lock:
            self._write({"client": "world", "type": what, "at": time.monotonic(), **about})

    def close(self) -> None:
        """Close the file; what is kept in memory stays."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if self._file is not None:
            self._file.write(json.dumps(event, ensure_ascii=False, default=str) + "\n")
            self._file.flush()


def operations(events: Iterable[dict[str, Any]]) -> list[Op]:
    """Return the operations that a history's lines tell of, in the order of their invocation."""
    asked: dict[int, dict[str, Any]] = {}
    ended: dict[int, dict[str, Any]] = {}
    for event in events:
        if event["type"] == "invoke":
            asked[event["n"]] = event
        elif event["type"] in (OK, FAIL, UNKNOWN):
            ended[event["n"]] = event
    return [_operation(n, asked[n], ended.get(n)) for n in sorted(asked)]


def _operation(n: int, asked: dict[str, Any], ended: dict[str, Any] | None) -> Op:
    frame = {"n", "client", "type", "at", "op"}
    return Op(
        n=n,
        client=asked["client"],
        kind=asked["op"],
        invoked=asked["at"],
        ended=ended["at"] if ended else FOREVER,
        outcome=ended["type"] if ended else UNKNOWN,
        asked={name: value for name, value in asked.items() if name not in frame},
        told={name: value for name, value in (ended or {}).items() if name not in frame},
    )
