"""One submitted referral and one draft for the attacks of a file: every attack is refused, so none spoils the next."""

import pytest

from tests.exchange import Exchange
from tests.invariants.attempts import Sent, send


@pytest.fixture(scope="module")
def sent(django_db_setup: None) -> Sent:
    """A submitted referral and a draft, between agencies that no other file knows."""
    return send(Exchange())
