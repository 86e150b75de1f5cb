"""A witness for a test, and the exchange's own client of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from audit.witness import HttpWitness
from tests.audit.running import Running, witness_running


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Running]:
    """A witness of the tests' log, with a folder of its own."""
    with witness_running(tmp_path / "witness") as running:
        yield running


@pytest.fixture
def asked(witness: Running) -> Iterator[HttpWitness]:
    """The exchange's own client of the witness."""
    with closing(witness.client()) as client:
        yield client
