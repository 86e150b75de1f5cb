"""`manage.py audit_key`: says the log's public key, or hands over to a new one. Runs where the sealer runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from audit import publishing, sealing
from audit.models import LogKey
from audit.publishing import Memory, RolledBack
from audit.sealer import configured


class Command(BaseCommand):
    help = "Print the verifier key that the log signs with; --rotate hands over to a new one, while nobody seals."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rotate", action="store_true", help="Hand over to a new key, and destroy the old one.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rotate"]:
            try:
                with sealing.alone():
                    self._rotate()
            except (sealing.AnotherSeals, RolledBack) as error:
                raise CommandError(f"No hand-over: {error}. Stop the sealer first, and start it afterwards.") from error
        self.stdout.write(str(configured().signer.key))

    def _rotate(self) -> None:
        signers = import_string(settings.LEDGER_SIGNER)(settings.LEDGER_ORIGIN, Path(settings.LEDGER_KEYS_DIR))
        latest = LogKey.objects.order_by("-number").first()
        old = signers.named(latest.vkey) if latest else None
        if old is None:
            raise CommandError("The folder does not hold the key that the log signs with.")
        newest = signers.newest()
        new = newest if str(newest.key) != str(old.key) else signers.make()  # made by a run that was cut off
        publishing.hand_over(old, new, origin=settings.LEDGER_ORIGIN, memory=Memory(Path(settings.LEDGER_MEMORY)))
        signers.destroy_older()
