"""
`manage.py erase_subject <subject id> --rule <disposal rule> --approved-by <staff id>`: destroy a person's key.

There is no way back. Run it again after a crash: it completes what was begun.
"""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent import erasure
from consent.erasure import ErasureRefused


class Command(BaseCommand):
    help = "Erase a person on a disposal rule: their content opens nowhere afterwards, in no backup either."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("subject", type=UUID, help="subject.id")
        parser.add_argument("--rule", required=True, help="a code of /code-lists/disposal-rules")
        parser.add_argument(
            "--approved-by", required=True, help="staff id of a coordinator or administrator of the person's agency"
        )

    def handle(self, *args: Any, subject: UUID, rule: str, approved_by: str, **options: Any) -> None:
        try:
            done = erasure.erase(subject, rule=rule, by=erasure.approver(subject, staff_id=approved_by))
        except ErasureRefused as refusal:
            raise CommandError(refusal.sentence) from refusal
        self.stdout.write(f"{done.subject} is erased; ledger entry {done.receipt.entry}")
        if done.formerly is not None:
            self.stdout.write(f"their anonymous case {done.formerly} has a key of its own, and is not erased by this")
