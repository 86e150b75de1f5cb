"""A whole log for one test: a database of its own, a sealer with key and memory, and whoever attacks it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

from audit import checking
from audit.checking import Checked
from audit.notes import Signer
from audit.publishing import Memory
from audit.sealer import Sealer
from audit.signing import FileSigners
from audit.tree import Tree
from config import embedded_postgres
from config.env import database

APP, OWNER, SEALER, READER, SUPERUSER = "udvej_app", "udvej_owner", "udvej_sealer", "udvej_reader", "postgres"
INSERT = """
    INSERT INTO audit_entry (action, actor_client, actor_user, on_behalf_of, role, subject_kind, subject_id, purpose,
        basis, categories, outcome, refusal, result_ids, criterion, correlation, request_id, changes, detail)
    SELECT %(action)s, 'client', '1', 'staff-1', 'caseworker', 'referral', gen_random_uuid()::text, 'exit_support',
        '', %(categories)s, %(outcome)s, %(refusal)s, '{}', '', gen_random_uuid(), '', '', %(detail)s
    FROM generate_series(1, %(many)s)
"""


@dataclass
class Log:
    """A log of its own. `using` is the sealer's connection alias; every other role gets a session by `session`."""

    name: str
    folder: Path
    origin: str = "udvej.example/ledger"
    opened: list[str] = field(default_factory=list)

    @property
    def using(self) -> str:
        return self.alias(SEALER)

    def alias(self, role: str) -> str:
        """Return the connection alias by which Django reaches this database as a role."""
        alias = f"{self.name}-{role}"
        if alias not in connections.databases:
            connections.databases[alias] = connections.configure_settings(
                {"default": settings.DATABASES["default"], alias: database(self.url(role))}
            )[alias]
            self.opened.append(alias)
        return alias

    def url(self, role: str) -> str:
        return embedded_postgres.locate(settings.CLUSTER).url(role, self.name)

    @contextmanager
    def session(self, role: str, *, replica: bool = False) -> Iterator[psycopg.Connection[Any]]:
        """Open a session of a role, each statement on its own; in replica mode where ordinary triggers are off."""
        with psycopg.connect(self.url(role), autocommit=True) as connection:
            if replica:
                connection.execute("SET session_replication_role = replica")
            yield connection

    def write(self, many: int = 1, **said: Any) -> None:
        """Commit some entries, as the application does."""
        values: dict[str, Any] = {
            "action": "referral.disclose",
            "categories": ["status"],
            "outcome": "done",
            "refusal": "",
        }
        values |= {"many": many, "detail": json.dumps(said.pop("detail", {}))} | said
        with self.session(APP) as connection:
            connection.execute(INSERT, values)

    def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the reader sees."""
        with self.session(READER) as connection:
            return connection.execute(question, values).fetchall()

    @property
    def memory(self) -> Memory:
        return Memory(self.folder / "signed-last.json")

    @property
    def signers(self) -> FileSigners:
        return FileSigners(self.origin, self.folder / "keys")

    def signer(self) -> Signer:
        try:
            return self.signers.newest()
        except FileNotFoundError:
            return self.signers.make()

    def sealer(self) -> Sealer:
        """Return a sealer as one that was just started."""
        sealer = Sealer(origin=self.origin, signer=self.signer(), memory=self.memory, using=self.using)
        sealer.begin()
        return sealer

    def seal(self, many: int = 0) -> Sealer:
        """Write some entries and seal all there are, round by round, by a sealer that was just started."""
        if many:
            self.write(many)
        sealer = self.sealer()
        while sealer.round():
            pass
        return sealer

    @property
    def tree(self) -> Tree:
        return Tree(self.using)

    def check(self, *, remembered: bool = True) -> Checked:
        """Check the whole ledger. Raises `Diverged`."""
        return checking.check(memory=self.memory if remembered else None, using=self.alias(READER))

    def close(self) -> None:
        for alias in self.opened:
            connections[alias].close()
            del connections[alias]
            del connections.databases[alias]


def copy_database(cluster: embedded_postgres.Cluster, name: str, *, of: str) -> None:
    """Make a database as another one is; nobody may be connected to that one."""
    with psycopg.connect(cluster.url(embedded_postgres.SUPERUSER, "postgres"), autocommit=True) as connection:
        names = sql.Identifier(name), sql.Identifier(of)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER udvej_owner").format(*names))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(names[0]))
        for role in ("udvej_app", "udvej_sealer", "udvej_reader"):
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(names[0], sql.Identifier(role)))


@contextmanager
def log_of_its_own(folder: Path, *, template: str) -> Iterator[Log]:
    """Make a database for the block, from a migrated one, and remove it afterwards."""
    cluster = embedded_postgres.locate(settings.CLUSTER)
    log = Log(name=f"log_{uuid4().hex[:12]}", folder=folder)
    copy_database(cluster, log.name, of=template)
    try:
        yield log
    finally:
        log.close()
        embedded_postgres.drop_database(cluster, log.name)


@contextmanager
def copied(log: Log, *, folder: Path | None = None) -> Iterator[Log]:
    """Copy a log's database for the block, as a backup or a second face of it: its key, and its memory unless apart."""
    cluster = embedded_postgres.locate(settings.CLUSTER)
    for alias in log.opened:
        connections[alias].close()
    other = Log(name=f"{log.name}_copy", folder=folder or log.folder)
    if folder is not None:
        shutil.copytree(log.folder, folder, ignore=shutil.ignore_patterns("witness"))
    copy_database(cluster, other.name, of=log.name)
    try:
        yield other
    finally:
        other.close()
        embedded_postgres.drop_database(cluster, other.name)
