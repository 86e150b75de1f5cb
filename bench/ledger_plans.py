"""
Times what the product asks of the database, and says by which way the database went to answer it.

Each question is asked by the product's own code; the statements are seen on their way, and the slowest is explained.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from django.db import OperationalError, connection

SLOW_MS = 300
RUNS, LEAST = 40, 3
SECONDS = 3
"""How often a question is asked: until there are so many runs, or so many seconds are over."""

LARGE = 5_000
"""From how many rows on a table read from end to end is told of."""

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A question's times in ms, the ways to the rows, how many rows were read for it, and tables read end to end."""

    name: str
    runs: int
    p50: float
    p99: float
    cut: bool
    ways: str
    read: int
    whole: Sequence[str]

    @property
    def slow(self) -> bool:
        return self.p50 > SLOW_MS


def timed(name: str, asked: Sequence[Callable[[], object]]) -> Timed:
    """Ask these questions in turn, again and again; return how long one took, and how the slowest was answered."""
    took: list[float] = []
    slowest: tuple[float, list[tuple[str, Any]]] = (-1, [])
    cut, begun = False, time.perf_counter()
    for ask in cycle(asked):
        with _seen() as statements:
            start = time.perf_counter()
            try:
                ask()
            except OperationalError:  # the statement timeout of every connection
                cut = True
            took.append((time.perf_counter() - start) * 1000)
        slowest = max(slowest, (took[-1], statements), key=lambda each: each[0])
        if len(took) == RUNS or (len(took) >= LEAST and time.perf_counter() - begun > SECONDS) or cut:
            break
    plans = [_plan(*statement, run=not cut) for statement in slowest[1]]
    nodes = [node for plan in plans for node in _nodes(plan)]
    return Timed(
        name=name,
        runs=len(took),
        p50=at(took, 0.5),
        p99=at(took, 0.99),
        cut=cut,
        ways=", ".join(dict.fromkeys(_way(node) for node in nodes if "Scan" in node["Node Type"] and _is_table(node))),
        read=sum(_rows(node) for node in nodes if node.get("Relation Name") == "audit_entry"),
        whole=sorted({node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan" and _large(node)}),
    )


def at(values: Sequence[float], part: float) -> float:
    """Return the value below which a part of them lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


@contextmanager
def _seen() -> Iterator[list[tuple[str, Any]]]:
    statements: list[tuple[str, Any]] = []

    def see(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(see):
        yield statements


def _plan(sql: str, params: Any, *, run: bool) -> dict[str, Any]:
    if not sql.lstrip().startswith(("SELECT", "WITH")):
        return {"Node Type": "Result"}
    with connection.cursor() as cursor:
        for how in ("ANALYZE, TIMING OFF, FORMAT JSON", "FORMAT JSON") if run else ("FORMAT JSON",):
            try:
                cursor.execute(f"EXPLAIN ({how}) {sql}", params)
                break
            except OperationalError:  # cut off while it ran: then what it would do
                continue
        (said,) = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(said) if isinstance(said, str) else said)[0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _is_table(node: Mapping[str, Any]) -> bool:
    return "Relation Name" in node or "Index Name" in node


def _way(node: Mapping[str, Any]) -> str:
    kind = node["Node Type"].replace(" Scan", "").lower()
    back = " backwards" if node.get("Scan Direction") == "Backward" else ""
    return f"{kind} {node.get('Index Name') or node['Relation Name']}{back}"


def _rows(node: Mapping[str, Any]) -> int:
    if "Actual Rows" not in node:
        return int(node["Plan Rows"])
    once = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(once * node["Actual Loops"])


def _large(node: Mapping[str, Any]) -> bool:
    return _rows(node) > LARGE
