"""What the tests of this folder share: one durable database for the crash runs, and a history to make by hand."""

import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import settings

from tests.crash.made import Made
from tests.crash.world import World, world

RUNS = 5


@pytest.fixture(scope="session")
def made_world() -> Iterator[World]:
    """A world in which each run takes a cast that no other run knows."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the history tells of every request
    with world(f"{settings.CLUSTER}-crash", casts=RUNS) as made:
        yield made


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def consent() -> str:
    return str(uuid4())


@pytest.fixture
def referral(made: Made, consent: str) -> str:
    """A referral that was submitted on the consent."""
    return made.submitted(consent)
