"""
Serves the exchange on this machine: a database with tables and demo data, and gunicorn in front; all ends together.

For `make run`, `make demo` and the tests that need a real server. Production runs gunicorn with settings of its own.
"""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from config import embedded_postgres, postgres_host
from config.embedded_postgres import CHECKOUT, Cluster

ADDRESS = "127.0.0.1"
READY_SECONDS = 60
STOP_SECONDS = 30  # gunicorn lets requests finish for 20, see config/gunicorn.py
VAR = CHECKOUT / "var"
WITNESS = "udvej.example/oversight-witness"
ROLES_APART = {"OWNER_DATABASE_URL", "SEALER_DATABASE_URL"}


class ServingError(RuntimeError):
    """The exchange can't be served, or has stopped; the sentence says why and what to do."""


@dataclass(frozen=True)
class Databases:
    """Where the database is: as the application's role, the owner's, which migrates, and the sealer's."""

    app: str
    owner: str
    sealer: str


@dataclass(frozen=True)
class Beside:
    """A process that runs beside the web server: what it is, and where it writes what it has to say."""

    what: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True)
class Server:
    """A server that answers at `base_url`; `cluster` is None where DATABASE_URL named the database."""

    base_url: str
    port: int
    demo_file: Path
    log: Path
    process: subprocess.Popen[bytes]
    beside: tuple[Beside, ...]
    cluster: Cluster | None

    def fault(self) -> str | None:
        """Return a sentence on what has stopped by itself, or None while all is well."""
        if self.process.poll() is not None:
            return f"The web server stopped by itself. The end of its log, {self.log}:\n{_tail(self.log)}"
        for each in self.beside:
            if each.process.poll() is not None:
                return f"{each.what} stopped by itself. The end of its log, {each.log}:\n{_tail(each.log)}"
        if self.cluster is not None and not self.cluster.alive():
            return f"The database stopped by itself; its log is {self.cluster.log}. Starting again repairs it."
        return None


@contextmanager
def serving(
    port: int = 0,
    *,
    name: str = "udvej",
    databases: Databases | None = None,
    fresh: bool = False,
    durable: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Server]:
    """
    Serve the exchange for the block, from its first migration to its demo referrals, and stop all that it started.

    Port 0 takes a free one. Unless `databases` says where they are, the embedded server `name` is used, and
    `fresh` empties its database first; one process at a time may. Raises ServingError or ClusterError.
    """
    port = _free_port(port)
    with contextlib.ExitStack() as stack:
        cluster = None
        if databases is None:
            say("Starting the database.")
            if fresh:
                stack.enter_context(_alone(name))
            cluster = stack.enter_context(embedded_postgres.running(name, durable=durable))
            if fresh:
                embedded_postgres.drop_database(cluster, embedded_postgres.DATABASE)
                embedded_postgres.create_database(cluster, embedded_postgres.DATABASE)
            databases = Databases(*(cluster.url(f"udvej_{role}") for role in ("app", "owner", "sealer")))
        else:
            _check(databases)
        files = files_of(name)
        log = files / "log" / "server.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        ledger = files / "ledger"
        if fresh:
            shutil.rmtree(ledger, ignore_errors=True)  # what was signed and witnessed of the database that was emptied
            shutil.rmtree(files / "plays", ignore_errors=True)
            (ledger / "keys").mkdir(parents=True, mode=0o700)
        base_url, demo_file = f"http://{ADDRESS}:{port}", files / "demo.json"
        environment = _environment(port, base_url, demo_file, databases)
        environment |= {"UDVEJ_LEDGER_MEMORY": str(ledger / "signed-last.json")}
        if (ledger / "keys").is_dir():  # a new log has a key of its own: by the old one, it would be the old log forked
            environment |= {"UDVEJ_LEDGER_KEYS_DIR": str(ledger / "keys")}

        say("Bringing its tables up to date, and loading reference and demo data.")
        owners = environment | {"OWNER_DATABASE_URL": databases.owner}
        manage(["migrate", "--database", "owner", "--no-input"], owners)
        manage(["load_reference"], environment)
        manage(["load_demo"], environment)

        witness = stack.enter_context(_witness(ledger, environment, log.with_name("audit_witness.log")))
        environment |= {"UDVEJ_LEDGER_POLICY": str(ledger / "policy")}
        say("Starting the web server.")
        gunicorn = ["-m", "gunicorn", "-c", "config/gunicorn.py", "--bind", f"{ADDRESS}:{port}", "config.wsgi"]
        process = stack.enter_context(running_process(gunicorn, environment, log))
        beside = [witness]
        player = ["-m", "config.demo.other_side", "--demo-file", str(demo_file), "--plays", str(files / "plays")]
        sealer = environment | {"DATABASE_URL": databases.sealer}
        for what, command, environs, own in (
            ("The watch over deadlines", ["manage.py", "watch_deadlines"], environment, "watch_deadlines"),
            (
                "The worker that delivers webhooks",
                ["manage.py", "procrastinate", "worker"],
                environment,
                "procrastinate",
            ),
            ("The sealer of the ledger", ["manage.py", "audit_seal"], sealer, "audit_seal"),
            ("The player of the other side", player, environment, "other_side"),
        ):
            own_log = log.with_name(f"{own}.log")
            beside.append(Beside(what, stack.enter_context(running_process(command, environs, own_log)), own_log))
        server = Server(
            base_url=base_url,
            port=port,
            demo_file=demo_file,
            log=log,
            process=process,
            beside=tuple(beside),
            cluster=cluster,
        )
        _await_ready(server, port)
        manage(["load_demo_referrals", "--base-url", base_url], environment)
        yield server


def files_of(name: str) -> Path:
    """Return the folder of what an exchange keeps beside its database: logs, credentials, the log's memory."""
    return VAR if name == "udvej" else VAR / name


@contextmanager
def _witness(ledger: Path, environment: dict[str, str], log: Path) -> Iterator[Beside]:
    """Run a witness of the ledger's log, as an oversight body would elsewhere, and name it in the log's policy."""
    ledger.mkdir(parents=True, exist_ok=True)
    own = ["audit_witness", "--folder", str(ledger / "witness"), "--name", WITNESS]
    port, key = _free_port(0), _last_line([*own, "--show-key"], environment)
    log_key = _last_line(["audit_key"], environment)
    policy = f"log {log_key}\nwitness oversight {key} http://{ADDRESS}:{port}/\nquorum oversight\n"
    (ledger / "policy").write_text(policy, encoding="utf-8")
    command = ["manage.py", *own, "--log", log_key, "--listen", f"{ADDRESS}:{port}"]
    with running_process(command, environment, log) as process:
        yield Beside("The witness of the ledger", process, log)


def _free_port(port: int) -> int:
    """Return the port, or a free one for 0; refuse one that something else has."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((ADDRESS, port))
        except OSError as error:
            raise ServingError(
                f"Port {port} of {ADDRESS} can't be used ({error.strerror}). Choose another: PORT=8001 make run"
            ) from error
        free: int = attempt.getsockname()[1]
        return free


@contextmanager
def _alone(name: str) -> Iterator[None]:
    VAR.mkdir(exist_ok=True)
    lock = postgres_host.try_lock(VAR / f"{name}.lock")
    if lock is None:
        raise ServingError(f"Another process of this checkout uses the database server {name!r}. Wait for it to end.")
    try:
        yield
    finally:
        os.close(lock)


def _check(databases: Databases) -> None:
    named = {"DATABASE_URL": databases.app, "OWNER_DATABASE_URL": databases.owner}
    for variable, url in (named | {"SEALER_DATABASE_URL": databases.sealer}).items():
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.Error as error:
            raise ServingError(f"The database that {variable} names does not let us in: {error}") from error


def _environment(port: int, base_url: str, demo_file: Path, databases: Databases) -> dict[str, str]:
    """Return what every process here sees. The owner's URL and the sealer's are not in it: each has its own process."""
    kept = {name: value for name, value in os.environ.items() if name not in ROLES_APART}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": databases.app,
        "PORT": str(port),
        "UDVEJ_BASE_URL": base_url,
        "UDVEJ_ISSUER": base_url,  # so that a client that discovers the token endpoint finds this one
        "UDVEJ_DEMO_FILE": str(demo_file),
    }


def manage(command: list[str], environment: dict[str, str]) -> str:
    """Run a management command to its end, and return what it said; its output is shown only if it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        check=False,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    if done.returncode != 0:
        raise ServingError(f"`manage.py {' '.join(command)}` failed, and said:\n{done.stdout.strip()}")
    return done.stdout


def _last_line(command: list[str], environment: dict[str, str]) -> str:
    return manage(command, environment).strip().splitlines()[-1]


@contextmanager
def running_process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a Python program running for the block, out of Ctrl-C's reach, so that it is stopped in its turn."""
    log.unlink(missing_ok=True)  # another server of this checkout may still be writing to it
    with log.open("xb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await_ready(server: Server, port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if fault := server.fault():
            raise ServingError(fault)
        if _ready(port):
            return
        time.sleep(0.05)
    raise ServingError(
        f"The web server was not ready after {READY_SECONDS} s. The end of its log, {server.log}:\n{_tail(server.log)}"
    )


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").strip().split("\n")[-20:])
