"""`manage.py audit_begin_again`: ends a log that lost entries for good, and begins another. By the database's owner."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.utils.module_loading import import_string

from audit import log, recovery, sealing
from audit.facts import SYSTEM, Subject
from audit.management.commands.audit_remember import add_outside, outside
from audit.models import LogKey
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
        signers = import_string(settings.LEDGER_SIGNER)
        latest = LogKey.objects.using(OWNER).order_by("-number").first()
        old = signers(settings.LEDGER_ORIGIN, Path(settings.LEDGER_KEYS_DIR)).named(latest.vkey) if latest else None
        memory = Memory(Path(settings.LEDGER_MEMORY))
        fresh = signers(options["origin"], options["keys"])
        try:
            heads = (
                outside(options["checkpoint"], using=OWNER) if options["checkpoint"] or not memory.file.exists() else []
            )
            try:
                new = fresh.newest()
            except FileNotFoundError:
                new = fresh.make()
            if latest and str(new.key).split("+", 2)[2] == latest.vkey.split("+", 2)[2]:
                raise CommandError("Nothing is begun: the new log needs a key of its own. Name a new folder.")
            with log.act("audit.begin_again", by=SYSTEM, about=Subject("ledger"), changes=False) as act:
                lost = recovery.begin_again(
                    origin=settings.LEDGER_ORIGIN,
                    old=old,
                    new=new,
                    outside=heads,
                    memory=memory,
                    kept=options["kept"],
                    using=OWNER,
                )
                act.detail = {
                    "former": settings.LEDGER_ORIGIN,
                    "origin": options["origin"],
                    "signed": str(lost.signed.size),
                    "left": str(lost.left.size),
                    "statement": recovery.digest(lost.statement),
                }
        except FileExistsError as error:
            raise CommandError(f"Nothing is begun: {error.filename} is there already.") from error
        except (NotShown, RolledBack, Diverged, sealing.AnotherSeals) as error:
            raise CommandError(f"Nothing is begun: {getattr(error, 'divergence', error)}.") from error
        self.stdout.write(
            f"The log {settings.LEDGER_ORIGIN} is ended at {lost.left.size} leaves; {lost.leaves} that were signed for "
            f"are gone. Its evidence and the statement are in {options['kept']}.\n"
            f"Set UDVEJ_LEDGER_ORIGIN={options['origin']}, UDVEJ_LEDGER_KEYS_DIR={options['keys']} and another "
            f"UDVEJ_LEDGER_MEMORY, give everybody the statement and the new key, and start the sealer:\n{new.key}"
        )
