"""A log that no other test knows, for whatever seals, proves, prunes or attacks a whole ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.logs import Log, log_of_its_own
from tests.conftest import TEMPLATE


@pytest.fixture
def log(django_db_setup: None, tmp_path: Path) -> Iterator[Log]:
    """An empty ledger in a database of its own, with a key and a memory of its own."""
    with log_of_its_own(tmp_path, template=TEMPLATE) as made:
        yield made
