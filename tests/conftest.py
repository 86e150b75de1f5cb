"""
One database for the run, made, migrated by its owner and thrown away; and an exchange of its own for each test.

The ledger can't be emptied, so the tests don't: every test enrols agencies nobody else uses, and commits for real.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from config import embedded_postgres
from tests.audit.logs import Log, copy_database, log_of_its_own
from tests.exchange import Exchange

DATABASE, TEMPLATE = "test", "ledger_template"
"""The run's database, and a copy of it as migrated, from which the attacks on a whole ledger take theirs."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A fresh database with the product's own migrations, roles and reference data; open to every test."""
    shutil.rmtree(settings.KEYS_DIR / "subjects", ignore_errors=True)  # an earlier run's people are gone with it
    with embedded_postgres.running(settings.CLUSTER, durable=False) as cluster:
        embedded_postgres.drop_database(cluster, DATABASE)
        embedded_postgres.create_database(cluster, DATABASE)
        with django_db_blocker.unblock():
            call_command("migrate", database="owner", interactive=False, verbosity=0)
            connections.close_all()
            embedded_postgres.drop_database(cluster, TEMPLATE)
            copy_database(cluster, TEMPLATE, of=DATABASE)
            call_command("load_reference")
            yield
            connections.close_all()


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> None:
    """Let every test use the database, unless it is marked as one that needs none."""
    if "no_database" not in request.keywords:
        request.getfixturevalue("django_db_setup")


@pytest.fixture
def exchange(database: None) -> Exchange:
    """Two municipalities, a prevention unit, an exit centre and an oversight body that no other test knows."""
    return Exchange()


@pytest.fixture
def log(django_db_setup: None, tmp_path: Path) -> Iterator[Log]:
    """An empty ledger in a database of its own, with a key and a memory of its own."""
    with log_of_its_own(tmp_path, template=TEMPLATE) as made:
        yield made


@pytest.fixture(scope="session")
def log_of_the_run(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """The log over the tests' own database, for what asks it over HTTP; its key and memory last as long as the run."""
    log = Log(name=DATABASE, folder=tmp_path_factory.mktemp("log"))
    yield log
    log.close()


@pytest.fixture
def owner() -> Iterator[object]:
    """A cursor of the database's owner: migrations only in real life, an attacker in the tests."""
    with connections["owner"].cursor() as cursor:
        yield cursor


assert settings.DATABASES["owner"]["USER"] == "udvej_owner"
