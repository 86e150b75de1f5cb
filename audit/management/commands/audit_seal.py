"""`manage.py audit_seal`: seals the ledger, signs its tree and has it witnessed. One such process for a database."""

import signal
import threading
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import cosigning, sealer
from audit.publishing import RolledBack

STOP_SECONDS = 10


class Command(BaseCommand):
    help = "Seal the ledger and sign its tree; DATABASE_URL has to connect as udvej_sealer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=settings.LEDGER_SECONDS, help="Seconds between looks.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal's shape
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        asked = cosigning.witnesses()
        beside = threading.Thread(
            target=cosigning.run, args=(asked,), kwargs={"stop": stop, "every": options["every"]}, daemon=True
        )
        beside.start()
        try:
            sealer.run(sealer.configured, stop=stop, every=options["every"])
        except RolledBack as error:
            raise CommandError(f"The log is not signed any more: {error}. See docs/ledger.md, section 9.") from error
        finally:
            stop.set()
            beside.join(STOP_SECONDS)
