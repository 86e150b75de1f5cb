"""`manage.py audit_strength`: how strongly an entry must stand before anything is shown on its strength."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from audit import log, strength
from audit.facts import SYSTEM, Subject


class Command(BaseCommand):
    help = "Say or choose what a release demands of its entry: that it is committed, or that a checkpoint covers it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", choices=[strength.COMMITTED, strength.SEALED])

    def handle(self, *args: Any, **options: Any) -> None:
        if options["name"]:
            if "owner" not in connections:
                raise CommandError("Only the database's owner may choose: set OWNER_DATABASE_URL.")
            with log.act("audit.strength", by=SYSTEM, about=Subject("ledger"), changes=False) as act:
                act.detail = {"strength": options["name"]}
            strength.choose(options["name"])
        self.stdout.write(f"Releases demand that their entry is {strength.asked()}.")
