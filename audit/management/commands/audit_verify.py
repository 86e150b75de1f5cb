"""`manage.py audit_verify`: checks the whole ledger of the live database, and names the first divergence."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import checking
from audit.publishing import Memory
from audit.verification import Diverged


class Command(BaseCommand):
    help = "Check the whole ledger: rows, hashes, tree, signatures, tombstones. Exits with 1 at the first divergence."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--memory", type=Path, default=settings.LEDGER_MEMORY, help="The file in which the sealer remembers."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file = options["memory"]
        try:
            found = checking.check(memory=Memory(file) if file.exists() else None)
        except Diverged as error:
            raise CommandError(f"DIVERGED. The first divergence: {error.divergence}") from error
        self.stdout.write(
            f"Verified: {found.entries} entries, {found.unsealed} of them not sealed yet, {found.checkpoints} "
            f"checkpoints up to size {found.newest_size}, {found.cosignatures} cosignatures."
        )
        for rule, count in found.pruned.items():
            self.stdout.write(f"Pruned by rule {rule}: {count} entries.")
        if not file.exists():
            self.stdout.write(f"Not compared with what was signed last: there is no {file}.")
