"""What these tests are given: a log that no other test knows, a witness, and the exchange's own client of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from audit.witness import HttpWitness
from tests.audit.logs import Log, log_of_its_own
from tests.audit.running import Running, witness_running
from tests.conftest import TEMPLATE


@pytest.fixture
def log(django_db_setup: None, tmp_path: Path) -> Iterator[Log]:
    """An empty ledger in a database of its own, with a key and a memory of its own."""
    with log_of_its_own(tmp_path, template=TEMPLATE) as made:
        yield made


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
