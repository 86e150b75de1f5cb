"""`manage.py watch_deadlines`: remind, escalate and expire, and tell duty contacts, every minute."""

import signal
import threading
from types import FrameType
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections

from agencies.duty_mail import tell_duty_contacts
from referrals.overdue import act_on_deadlines

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Act on deadlines that have passed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=60.0, help="Seconds between looks.")
        parser.add_argument("--once", action="store_true", help="Look once and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal's shape
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        while True:
            try:
                done = act_on_deadlines()
                if done:
                    log.info("deadlines", **done)
                told = tell_duty_contacts()
                if told:
                    log.info("duty_contacts", **told)
            except OperationalError as error:
                log.warning("deadlines_unavailable", kind=type(error).__name__)
            close_old_connections()
            if options["once"] or stop.wait(options["every"]):
                return
