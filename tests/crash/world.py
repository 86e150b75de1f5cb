"""
The exchange as it is run, in order to be killed: a durable PostgreSQL of the run's own, gunicorn with two workers, and
a watch that starts anew whatever dies.

Everything here ends with the block that began it, also when that fails; what an earlier run left behind when it was
itself killed is removed first. A kill -9 takes no power from the machine: what is written but not yet flushed survives.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, LiteralString

import httpx
import psycopg

from config import embedded_postgres, postgres_host
from config.embedded_postgres import CHECKOUT, Cluster, ClusterError
from tests.crash.sealing import BESIDE, Program

VAR = CHECKOUT / "var"
ADDRESS = "127.0.0.1"
PRODUCT = "config.wsgi"
PLANTED = "tests.crash.planted:application"
READY_SECONDS = 60
STOP_SECONDS = 10
WATCH_EVERY = 0.05


class WorldError(RuntimeError):
    """The world can't be made or does not come back; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A migrated database with people in it, the folder in which its exchange keeps keys, and its log, which stays."""

    cluster: Cluster
    files: Path
    log: Path
    casts: list[dict[str, Any]] = field(default_factory=list)

    def environment(self, role: str = "udvej_app") -> dict[str, str]:
        """Return what a process of this world sees: its database in that role, and its keys."""
        kept = {name: value for name, value in os.environ.items() if name != "OWNER_DATABASE_URL"}
        return kept | {
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
            "DATABASE_URL": self.cluster.url(role),
            "UDVEJ_KEYS_DIR": str(self.files / "keys"),
            "UDVEJ_LEDGER_MEMORY": str(self.files / "signed-last.json"),
            "UDVEJ_WORKERS": "2",
            "UDVEJ_RATE_LIMIT_PER_MINUTE": "1000000",
        }

    def python(self, *arguments: str, role: str = "udvej_app", **environment: str) -> str:
        """Run a Python program to its end, and return what it printed. Raises WorldError with what it said."""
        done = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            cwd=CHECKOUT,
            env=self.environment(role) | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise WorldError(f"`{' '.join(arguments)}` failed, and said:\n{(done.stdout + done.stderr).strip()}")
        return done.stdout

    def manage(self, *arguments: str, role: str = "udvej_app", **environment: str) -> str:
        """Run a management command to its end, and return what it printed. Raises WorldError."""
        return self.python("manage.py", *arguments, role=role, **environment)


@contextmanager
def world(name: str, *, casts: int = 1) -> Iterator[World]:
    """Make a database of this name with this many exchanges of people, durable and migrated; and remove it again."""
    cluster, files = embedded_postgres.locate(name), VAR / name
    VAR.mkdir(exist_ok=True)
    alone = postgres_host.try_lock(VAR / f"{name}.lock")
    if alone is None:
        raise WorldError(f"Another process of this checkout runs a world {name!r}. Wait for it to end.")
    try:
        _remove(cluster, files)
        files.mkdir(parents=True)
        log = VAR / "log" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_bytes(b"")
        embedded_postgres.start(cluster, durable=True)
        with contextlib.suppress(psycopg.errors.InvalidParameterValue):  # not every system can flush all at once
            set_database(cluster, "ALTER SYSTEM SET recovery_init_sync_method = 'syncfs'")
        made = World(cluster=cluster, files=files, log=log)
        made.manage("migrate", "--database", "owner", "--no-input", OWNER_DATABASE_URL=cluster.url("udvej_owner"))
        made.manage("load_reference")
        made.casts.extend(json.loads(made.python("-m", "tests.crash.people", str(casts))))
        yield made
    finally:
        try:
            _remove(cluster, files)
        finally:
            os.close(alone)


def set_database(cluster: Cluster, *statements: LiteralString) -> None:
    """Change how the database server behaves, as its superuser, and let it read its settings anew."""
    with psycopg.connect(cluster.url(embedded_postgres.SUPERUSER), autocommit=True) as connection:
        for statement in (*statements, "SELECT pg_reload_conf()"):
            connection.execute(statement)


def _remove(cluster: Cluster, files: Path) -> None:
    cluster.stop()
    for folder in (cluster.home, cluster.socket_dir, files):
        shutil.rmtree(folder, ignore_errors=True)


class Served:
    """The exchange behind gunicorn at `base_url`, with a watch over it. Use `serving`."""

    def __init__(self, made: World, application: str, beside: Sequence[Program], environment: dict[str, str]) -> None:
        self.world = made
        self._listening = socket.create_server((ADDRESS, 0), backlog=512)
        self.base_url = f"http://{ADDRESS}:{self._listening.getsockname()[1]}"
        # The socket outlives gunicorn, as one that systemd holds does: nobody else takes the port meanwhile.
        bound = f"fd://{self._listening.fileno()}"
        command = ("-m", "gunicorn", "-c", "config/gunicorn.py", "--bind", bound, application)
        self._programs: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
            "gunicorn": (command, made.environment() | environment)
        }
        self._programs |= {one.name: (one.arguments, made.environment(one.role) | environment) for one in beside}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._log: IO[bytes] = made.log.open("ab")
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._keep_running, name="watch", daemon=True)

    def process(self, name: str) -> int | None:
        """Return the process id of a program, or None while it is down."""
        running = self._running.get(name)
        return running.pid if running is not None and running.poll() is None else None

    def beside(self) -> list[str]:
        """Return the names of the programs beside gunicorn."""
        return [name for name in self._programs if name != "gunicorn"]

    def start(self) -> None:
        """Start everything, and wait until it may serve. Raises WorldError."""
        self._watch.start()
        self.await_ready()

    def is_ready(self) -> bool:
        """Say whether the exchange answers that it may serve."""
        try:
            return httpx.get(f"{self.base_url}/health/ready", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def await_ready(self) -> None:
        """Wait until the exchange says it may serve. Raises WorldError after a minute."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.is_ready():
                return
            time.sleep(0.05)
        raise WorldError(f"The exchange was not ready after {READY_SECONDS} s:\n{self.last_words()}")

    def stop(self) -> None:
        """End the watch, then every program: in peace if it will, and by force if it won't; once is enough."""
        self._over.set()
        if self._watch.ident is not None:
            self._watch.join()
        for running in self._running.values():
            running.terminate()
        for running in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(STOP_SECONDS)
            _end_group(running)
        self._running.clear()
        self._listening.close()
        self._log.close()

    def last_words(self) -> str:
        """Return the end of what the programs logged."""
        return "\n".join(self.world.log.read_text(errors="replace").split("\n")[-25:])

    def _keep_running(self) -> None:
        while not self._over.is_set():
            # Nobody but the database's own start knows whether a half-dead one is to be waited for.
            if embedded_postgres._postmaster(self.world.cluster) is None:
                with contextlib.suppress(ClusterError):
                    embedded_postgres.start(self.world.cluster, durable=True)
            for name in self._programs:
                running = self._running.get(name)
                if running is None or running.poll() is not None:
                    self._begin(name, running)
            self._over.wait(WATCH_EVERY)

    def _begin(self, name: str, ended: subprocess.Popen[bytes] | None) -> None:
        if ended is not None:
            _end_group(ended)  # workers whose master is gone
        arguments, environment = self._programs[name]
        self._running[name] = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[self._listening.fileno()],
            start_new_session=True,
        )


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def serving(
    made: World, *, application: str = PRODUCT, beside: Sequence[Program] = BESIDE, **environment: str
) -> Iterator[Served]:
    """Serve a world for the block, watched over, and stop what was started. Raises WorldError."""
    served = Served(made, application, beside, environment)
    try:
        served.start()
        yield served
    finally:
        served.stop()
