"""A checker that misses a planted bug is worth nothing: each is planted in the product as it is served, and named."""

from collections import Counter
from typing import Any

import pytest

from config import embedded_postgres
from tests.crash.checker import shown_after_withdrawal
from tests.crash.final import Final
from tests.crash.history import OK, operations
from tests.crash.run import Ran, run
from tests.crash.world import PLANTED, World, serving, set_database

pytestmark = [pytest.mark.no_database, pytest.mark.crash]

SECONDS, AT_MOST = 2, 90
SHOWN, RECORDED = 60, 8
"""Of so many, some are wrong, however the two processes share them: see EVERY in `planted`."""


def _run(made_world: World, bug: str, *, cast: int, enough: Any) -> Ran:
    with serving(made_world, application=PLANTED, UDVEJ_PLANTED=bug) as served:
        return run(
            served,
            made_world.casts[cast],
            seconds=SECONDS,
            seed=cast,
            kinds=(),
            enough=lambda events, _: enough(events),
            most=AT_MOST,
        )


def test_what_is_shown_while_its_entry_is_rolled_back_is_caught(made_world: World) -> None:
    def enough(events: list[dict[str, Any]]) -> bool:
        return sum(op.kind == "read" and bool(op.told.get("shown")) for op in operations(events)) >= SHOWN

    ran = _run(made_world, "rolled_back", cast=1, enough=enough)
    assert "shown_without_entry" in {violation.kind for violation in ran.violations}, ran.summary()


def test_what_is_shown_from_memory_after_a_withdrawal_is_caught_though_its_entry_is_in_order(
    made_world: World,
) -> None:
    def enough(events: list[dict[str, Any]]) -> bool:
        return any(shown_after_withdrawal(operations(events), Final()))

    ran = _run(made_world, "stale", cast=2, enough=enough)
    assert {violation.kind for violation in ran.violations} == {"shown_after_withdrawal"}, ran.summary()


def test_what_is_acknowledged_and_rolled_back_is_caught(made_world: World) -> None:
    def enough(events: list[dict[str, Any]]) -> bool:
        done = Counter(op.kind for op in operations(events) if op.outcome == OK)
        return done["record"] + done["withdraw"] >= RECORDED

    ran = _run(made_world, "lost", cast=3, enough=enough)
    assert "write_lost" in {violation.kind for violation in ran.violations}, ran.summary()


def test_what_a_database_acknowledges_and_then_forgets_is_caught(made_world: World) -> None:
    """It answers before it has written, and is killed: without a kill nobody would notice."""
    forget = "ALTER ROLE udvej_app SET synchronous_commit = off", "ALTER SYSTEM SET wal_writer_delay = '10s'"
    remember = "ALTER ROLE udvej_app RESET synchronous_commit", "ALTER SYSTEM RESET wal_writer_delay"
    set_database(made_world.cluster, *forget)
    try:
        with serving(made_world, UDVEJ_LEDGER_SECONDS="5") as served:  # whoever commits, writes for all before
            ran = run(
                served,
                made_world.casts[4],
                seconds=SECONDS,
                seed=4,
                kinds=("postgres",),
                enough=lambda _, kills: kills["postgres"] > 1,
                most=AT_MOST,
            )
    finally:
        embedded_postgres.start(made_world.cluster, durable=True)
        set_database(made_world.cluster, *remember)
    assert {"shown_without_entry", "write_lost"} & {violation.kind for violation in ran.violations}, ran.summary()
