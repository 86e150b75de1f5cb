"""`manage.py audit_prune`: prunes entries that a rule lets go, under a signed tombstone. Runs where the sealer runs."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import pruning
from audit.publishing import RolledBack
from audit.sealer import configured

DAYS_A_MONTH = 30.5


class Command(BaseCommand):
    help = "Prune what a rule lets go; DATABASE_URL has to connect as udvej_sealer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rule", choices=sorted(pruning.RULES), default=pruning.USE_ENTRIES)
        parser.add_argument("--months", type=int, help="Keep this many months, six at least; else as the rule says.")

    def handle(self, *args: Any, **options: Any) -> None:
        months = options["months"] or pruning.RULES[options["rule"]]
        if months < pruning.MONTHS_LEAST:
            raise CommandError(f"Nothing is pruned before {pruning.MONTHS_LEAST} months are over.")
        before = timezone.now() - timedelta(days=round(months * DAYS_A_MONTH) + 1)
        total = 0
        try:
            while count := pruning.prune(
                options["rule"], before=before, origin=settings.LEDGER_ORIGIN, signer=configured().signer
            ).count:
                total += count
        except RolledBack as error:
            raise CommandError(f"Nothing more is pruned: {error}.") from error
        self.stdout.write(f"Pruned {total} entries by rule {options['rule']}, older than {before:%Y-%m-%d}.")
