"""The rules are tested file by file: the tests of a file share their agencies, and each has a referral of its own."""

import pytest

from tests.exchange import Exchange


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    """Agencies that no other file knows. A test that asks what is in a whole list or ledger makes its own."""
    return Exchange()
