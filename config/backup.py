"""
`python -m config.backup database|keys|restore|put-back FILE`: the copies a restore is made of, and the restore.

The database first, then the keys: a person's key is on the disk before their row commits, so keys copied afterwards
open all that the database's copy holds. The two are two files, for two places. Neither has the log's key, which is
copied once by hand, nor what the sealer remembers, which must never be older than the database. docs/backup.md.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from config import variables

NEWEST = "SELECT size, encode(root, 'base64') FROM audit_checkpoint ORDER BY number DESC LIMIT 1"
SEALED = "SELECT coalesce(max(index) + 1, 0) FROM audit_leaf"
TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')"
ENVIRONMENT = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
APART = "log"
"""The folder of the log's key: it belongs to another account, and is copied once, not with these."""


class BackupError(RuntimeError):
    """No copy was made, or nothing was restored; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a copy of the database holds at least, written beside it: what a restore is held against."""

    made_at: str
    size: int
    root: str
    sealed: int
    sha256: str


def database(file: Path, *, url: str, programs: str = "") -> Manifest:
    """Copy the database into a file, as its owner, and write what it holds at least beside it. Raises BackupError."""
    with psycopg.connect(url) as connection:
        head = connection.execute(NEWEST).fetchone() or (0, "")
        sealed = connection.execute(SEALED).fetchone() or (0,)
    made = file.with_name(f"{file.name}.part")
    _own(made)
    _run([f"{programs}pg_dump", "--format=custom", "--no-password", f"--file={made}"], url)
    with made.open("rb") as dumped:
        digest = hashlib.file_digest(dumped, "sha256").hexdigest()
        os.fsync(dumped.fileno())
    manifest = Manifest(
        made_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        size=head[0],
        root=str(head[1]).strip(),
        sealed=sealed[0],
        sha256=digest,
    )
    _own(_manifest_of(file)).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
    made.replace(file)
    return manifest


def restore(file: Path, *, url: str, programs: str = "") -> Manifest:
    """
    Restore a copy into an empty database that `config/roles.sql` has prepared, as its owner; return its manifest.

    All of it or nothing. Raises BackupError where the database is not empty, or the file is not the one that was made.
    """
    manifest = Manifest(**json.loads(_manifest_of(file).read_text(encoding="utf-8")))
    with file.open("rb") as dumped:
        if hashlib.file_digest(dumped, "sha256").hexdigest() != manifest.sha256:
            raise BackupError(f"{file} is not the file that was made: its hash is another than its manifest says.")
    with psycopg.connect(url) as connection:
        if (connection.execute(TABLES).fetchone() or (1,))[0]:
            raise BackupError("The database is not empty. Restore into one that is: what is there may be evidence.")
    _run(
        [
            *(f"{programs}pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-password"),
            *(f"--dbname={conninfo_to_dict(url)['dbname']}", str(file)),
        ],
        url,
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        (sealed,) = connection.execute(SEALED).fetchone() or (0,)
    if sealed < manifest.sealed:
        raise BackupError(f"The manifest says {manifest.sealed} sealed entries, and {sealed} were restored.")
    return manifest


def keys(file: Path, *, folder: Path) -> int:
    """Copy the folder of keys into a file that only its owner reads, and return how many files it holds."""
    made = file.with_name(f"{file.name}.part")
    count = 0
    with _own(made).open("wb") as opened:
        with tarfile.open(fileobj=opened, mode="w") as archive:
            for each in sorted(folder.rglob("*")):
                place = each.relative_to(folder)
                if place.parts[0] == APART or not each.is_file() or each.name.startswith("."):
                    continue
                try:
                    archive.add(each, arcname=str(place))
                except FileNotFoundError:
                    continue  # destroyed meanwhile, by an erasure
                count += 1
        opened.flush()
        os.fsync(opened.fileno())
    made.replace(file)
    return count


def put_back(file: Path, *, folder: Path) -> int:
    """Put a copy of the keys into a folder that is not there yet, and return how many. Raises BackupError."""
    if folder.exists():
        raise BackupError(f"{folder} is there already. Move it away: a newer key must not be lost under an older one.")
    folder.mkdir(parents=True, mode=0o700)
    with tarfile.open(file) as archive:
        members = archive.getmembers()
        for member in members:  # as tarfile's own filter "data" would, which not every Python 3.11 has
            if not (member.isfile() or member.isdir()) or Path(member.name).is_absolute() or ".." in member.name:
                raise BackupError(f"{file} holds something else than files of a folder. It is no copy of keys.")
        archive.extractall(folder)  # noqa: S202 - looked through just above
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o700 if each.is_dir() else 0o600)
    return len(members)


def _manifest_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _own(file: Path) -> Path:
    """Make a file, or empty it, readable by its owner alone."""
    file.unlink(missing_ok=True)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return file


def _run(command: Sequence[str], url: str) -> None:
    """Run one of PostgreSQL's programs; the password is in its environment, where no list of processes shows it."""
    said = conninfo_to_dict(url)
    given = {ENVIRONMENT[name]: str(value) for name, value in said.items() if name in ENVIRONMENT and value}
    try:
        done = subprocess.run(
            command, check=False, env=os.environ | given, capture_output=True, text=True, errors="replace"
        )
    except FileNotFoundError as error:
        raise BackupError(f"There is no {command[0]}. Install PostgreSQL's client programs, version 18.") from error
    if done.returncode != 0:
        raise BackupError(f"{Path(command[0]).name} failed, and said:\n{done.stderr.strip()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make one of the copies, or restore one; return 0, or 1 after a sentence on why not."""
    parser = argparse.ArgumentParser(prog="python -m config.backup", description="Makes copies, and restores them.")
    parser.add_argument("what", choices=["database", "keys", "restore", "put-back"])
    parser.add_argument("file", type=Path)
    asked = parser.parse_args(arguments)
    url, folder = variables.OWNER_DATABASE_URL.read(), variables.KEYS_DIR.read()
    if asked.what in ("database", "restore") and not url:
        sys.stderr.write("Set OWNER_DATABASE_URL: only the database's owner may read all of it.\n")
        return 1
    try:
        match asked.what:
            case "database":
                made = database(asked.file, url=url)
                said = f"Copied the database: {made.sealed} sealed entries, {made.size} of them under a checkpoint."
            case "restore":
                made = restore(asked.file, url=url)
                said = f"Restored the copy of {made.made_at}: {made.sealed} sealed entries. Next: docs/backup.md."
            case "keys":
                count = keys(asked.file, folder=folder)
                said = f"Copied {count} key files. Keep them apart from the database's copies."
            case _:
                said = f"Put back {put_back(asked.file, folder=folder)} key files. Next: manage.py reconcile_keys."
    except (BackupError, OSError, psycopg.Error, ValueError, tarfile.TarError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
