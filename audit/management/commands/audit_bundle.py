"""`manage.py audit_bundle FILE`: writes the whole log as an evidence bundle. For those who may have every entry."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import bundles, checkpoints, log
from audit.facts import SYSTEM, Subject


class Command(BaseCommand):
    help = "Write the whole log as an evidence bundle, under its newest checkpoint."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--case", required=True, help="The number of the case that it is written for.")

    def handle(self, *args: Any, **options: Any) -> None:
        head = checkpoints.newest()
        if head is None:
            raise CommandError("The log has no checkpoint yet.")
        with log.act("audit.export", by=SYSTEM, about=Subject("ledger"), changes=False) as act:
            act.detail = {"case_number": options["case"], "size": str(head.size), "whole": "yes"}
        with options["file"].open("xb") as file:
            count = bundles.write_whole(file, head=head, made_at=act.committed.at)
        self.stdout.write(f"Wrote {count} entries of {head.size} leaves to {options['file']}.")
