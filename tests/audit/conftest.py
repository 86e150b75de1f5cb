"""A witness for a test, the exchange's own client of it, and a log that is witnessed."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from audit.notes import VerifierKey
from audit.witness import HttpWitness
from tests.audit.logs import Log
from tests.audit.losing import cosign
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


@pytest.fixture
def witnessed(log: Log, tmp_path: Path) -> Iterator[tuple[Log, Running, str]]:
    """A log of 300 entries, its witness, and the policy that names it."""
    with witness_running(tmp_path / "witness", logs=[VerifierKey.parse(str(log.signer().key))]) as witness:
        log.seal(300)
        cosign(log, witness)
        yield log, witness, f"witness w {witness.key} {witness.url}\nquorum w\n"
