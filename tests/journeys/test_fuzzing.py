"""A running server answers as the contract says, whatever it is sent and by whom: a short run of `make fuzz`."""

import re
from typing import Any

import pytest

from tests.journeys import fuzzing
from tests.journeys.fuzzing import ROLES, Run

pytestmark = [pytest.mark.no_database, pytest.mark.fuzz]
PHASES = ("examples", "fuzzing", "stateful")


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    with fuzzing.a_server() as server:
        told = {run.role: run for run in fuzzing.fuzz_all(ROLES, server, examples=2, phases=PHASES)}
        told["otherwise"] = fuzzing.fuzz("nobody", server, examples=1, phases=["examples"], contract=another_contract())
        return told


def another_contract() -> dict[str, Any]:
    """The contract of a server that asks nobody for a token."""
    contract = fuzzing.contract_to_fuzz()
    for path in contract["paths"].values():
        for described in path.values():
            del described["responses"]["401"]
    return contract


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_to_this_role_is_as_the_contract_says(runs: dict[str, Run], role: str) -> None:
    run = runs[role]
    assert run.passed, run.said[-6000:]
    made = re.search(r"(\d+) generated", run.said)
    assert made is not None
    assert int(made[1]) > 100


def test_a_server_that_answers_otherwise_is_found_out(runs: dict[str, Run]) -> None:
    assert not runs["otherwise"].passed
    assert "Undocumented status code" in runs["otherwise"].said
