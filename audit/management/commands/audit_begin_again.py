"""`manage.py audit_begin_again`: ends a log that lost entries for good, and begins another. By the database's owner."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils.module_loading import import_string

from audit import recovery, sealing
from audit.facts import LedgerUnavailable
from audit.management.commands.audit_remember import add_outside, newest_signer, outside
from audit.models import LogKey
from audit.notes import Signer
from audit.publishing import Memory, RolledBack
from audit.recovery import NotShown
from audit.verification import Diverged

OWNER = "owner"


class Command(BaseCommand):
    help = (
        "After a restore that lost sealed entries: state the loss, signed by the old key and a new one, and begin a "
        "log of another name over what is left. The environment describes the old log; the arguments the new one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--origin", required=True, help="The new log's name; then in UDVEJ_LEDGER_ORIGIN.")
        parser.add_argument("--keys", type=Path, required=True, help="The new log's folder of keys.")
        parser.add_argument("--kept", type=Path, required=True, help="A folder, made now, for what the old log signed.")
        add_outside(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if OWNER not in connections:
            raise CommandError("Only the database's owner can end a log: set OWNER_DATABASE_URL.")
        memory = Memory(Path(settings.LEDGER_MEMORY))
        try:
            heads = outside(options["checkpoint"], enough=not memory.file.exists(), using=OWNER)
            new = _first(options["origin"], options["keys"])
            lost = recovery.begin_again(
                origin=settings.LEDGER_ORIGIN,
                old=_signed_last(),
                new=new,
                outside=heads,
                memory=memory,
                kept=options["kept"],
                using=OWNER,
            )
        except FileExistsError as error:
            raise CommandError(f"Nothing is begun: {error.filename} is there already.") from error
        except (NotShown, RolledBack, Diverged, LedgerUnavailable, sealing.AnotherSeals) as error:
            raise CommandError(f"Nothing is begun: {getattr(error, 'divergence', error)}.") from error
        rewritten = f"they are another tree than the one of {lost.signed.size} leaves that was signed"
        self.stdout.write(
            f"The log {settings.LEDGER_ORIGIN} is ended at {lost.left.size} leaves; "
            f"{f'{lost.leaves} that were signed for are gone' if lost.leaves else rewritten}. "
            f"Its evidence and the statement are in {options['kept']}.\n"
            f"Set UDVEJ_LEDGER_ORIGIN={options['origin']}, UDVEJ_LEDGER_KEYS_DIR={options['keys']} and another "
            f"UDVEJ_LEDGER_MEMORY, give everybody the statement and the new key, and start the sealer:\n{new.key}"
        )


def _signed_last() -> Signer | None:
    """
    Return the key that the old log signed with last, or None where its folder holds none.

    The database says which; where that one is not there, the newest is: the database may be older than the hand-over.
    """
    signers = import_string(settings.LEDGER_SIGNER)(settings.LEDGER_ORIGIN, Path(settings.LEDGER_KEYS_DIR))
    latest = LogKey.objects.using(OWNER).order_by("-number").first()
    named: Signer | None = signers.named(latest.vkey) if latest else None
    return named or newest_signer()


def _first(origin: str, folder: Path) -> Signer:
    """Return the new log's key: the one that its folder holds, made by a run that was cut off, or one made now."""
    signers = import_string(settings.LEDGER_SIGNER)(origin, folder)
    try:
        found: Signer = signers.newest()
    except FileNotFoundError:
        found = signers.make()
    return found
