"""
Whatever is killed, and whenever: nothing is shown without its entry or after a withdrawal, and nothing is lost.

`make crash` is the longer form. How long things take decides how much happens, and never the verdict.
"""

from collections import Counter
from typing import Any

import pytest

from tests.crash.history import OK, operations
from tests.crash.run import run
from tests.crash.world import World, serving

pytestmark = [pytest.mark.no_database, pytest.mark.crash]

SEED = 115
SECONDS, AT_MOST = 18, 90
READS, WITHDRAWALS, SUBMISSIONS = 50, 3, 5
OF_THE_SERVER, OF_THE_DATABASE = {"worker", "gunicorn", "master"}, {"backend", "postmaster", "postgres"}


def enough(events: list[dict[str, Any]], kills: Counter[str]) -> bool:
    """Say whether so much has happened that silence means something."""
    done = Counter(op.kind for op in operations(events) if op.outcome == OK)
    happened = done["read"] >= READS and done["withdraw"] >= WITHDRAWALS and done["submit"] >= SUBMISSIONS
    return happened and bool(OF_THE_SERVER & kills.keys()) and bool(OF_THE_DATABASE & kills.keys())


def test_while_workers_and_the_database_are_killed_no_promise_is_broken(made_world: World) -> None:
    with serving(made_world) as served:
        ran = run(served, made_world.casts[0], seconds=SECONDS, seed=SEED, enough=enough, most=AT_MOST)
    assert ran.violations == [], ran.summary()
    assert ran.acknowledged("read") >= READS, ran.summary()
    assert ran.acknowledged("withdraw") >= WITHDRAWALS, ran.summary()
    assert ran.acknowledged("submit") >= SUBMISSIONS, ran.summary()
    assert OF_THE_SERVER & ran.kills.keys(), ran.summary()
    assert OF_THE_DATABASE & ran.kills.keys(), ran.summary()
