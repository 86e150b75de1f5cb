"""What the tests of this folder share."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.referrals.clamd import Listening, clamd


@pytest.fixture
def scanner(settings: Settings) -> Iterator[Listening]:
    """A scanner that is set up and answers."""
    with clamd() as listening:
        settings.CLAMAV = listening.address
        yield listening
