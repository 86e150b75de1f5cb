"""
`manage.py demo_later --hours 480`: act on deadlines as if so many hours had passed. For the demo exchange alone.

So an integrator sees what becomes of a referral to which nobody answers, without waiting for days. No clock is moved:
it is the watch over deadlines, which looks once and is told a later time. It reaches every referral of the demo.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from referrals.overdue import act_on_deadlines

HOURS_MOST = 24 * 400
TOLD = {"remind": "reminded", "escalate": "escalated", "expire": "expired"}


class Command(BaseCommand):
    help = "Act on the demo's deadlines as if so many hours had passed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hours", type=float, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if getattr(settings, "SANDBOX", None) is None:
            raise CommandError("Time is moved in the demo exchange alone: these settings have no sandbox.")
        if not 0 < options["hours"] <= HOURS_MOST:
            raise CommandError(f"Say how many hours, up to {HOURS_MOST}:  make later HOURS=480")
        at = timezone.now() + timedelta(hours=options["hours"])
        done = act_on_deadlines(at=at)
        told = ", ".join(f"{done[step]} {words}" for step, words in TOLD.items())
        self.stdout.write(f"As if it were {at:%Y-%m-%d %H:%M}: {told}.")
