"""A log that loses what was signed, as by a restore from an older copy; and the command that ends it."""

import subprocess
from pathlib import Path

from audit import cosigning
from tests.audit.commands import run
from tests.audit.logs import OWNER, SEALER, SUPERUSER, Log
from tests.audit.running import Running

NEW = "api.example.dk/ledger-2"


def cosign(log: Log, witness: Running) -> None:
    client = witness.client()
    assert cosigning.cosign([client], tree=log.tree, using=log.using)
    client.close()


def take_away(log: Log, size: int) -> None:
    """Put the database back to a smaller tree, as a restore from an older copy does."""
    tables = ("audit_leaf", "audit_checkpoint", "audit_tile", "audit_entry", "audit_cosignature")
    with log.session(SUPERUSER) as connection:
        for table in tables:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute(
            "DELETE FROM audit_entry e USING audit_leaf l WHERE l.entry_id = e.id AND l.index >= %s", [size]
        )
        connection.execute("DELETE FROM audit_leaf WHERE index >= %s", [size])
        connection.execute("DELETE FROM audit_tile WHERE (index + 1) * 256 > %s AND level = 0", [size])
        connection.execute(
            "DELETE FROM audit_cosignature WHERE checkpoint IN (SELECT number FROM audit_checkpoint WHERE size > %s)",
            [size],
        )
        connection.execute("DELETE FROM audit_checkpoint WHERE size > %s", [size])
        for table in tables:
            for (name,) in connection.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table]
            ).fetchall():
                connection.execute(f'ALTER TABLE {table} ENABLE ALWAYS TRIGGER "{name}"')


def begin(
    log: Log, *more: str, origin: str = NEW, role: str = SEALER, policy: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `audit_begin_again` as the database's owner, in the environment of the log that is to end."""
    folder = log.folder
    return run(
        log,
        *("audit_begin_again", "--origin", origin, "--keys", str(folder / "new"), "--kept", str(folder / "kept")),
        *more,
        role=role,
        policy=policy,
        **{"OWNER_DATABASE_URL": log.url(OWNER), **environment},
    )


def begun(log: Log, folder: Path) -> Log:
    """Return the log that `begin` has begun over what is left of this one, as its sealer is then set up."""
    folder.mkdir()
    (log.folder / "new").rename(folder / "keys")
    return Log(name=log.name, folder=folder, origin=NEW)
