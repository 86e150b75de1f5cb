"""
`manage.py rotate_keys`: wrap every subject's key under a new key-encryption key; `--retire` destroys the older ones.

Both may run beside a server that serves. After `--retire`, an older backup of the folder `subjects` opens nothing: make
a new one between the two.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit import log
from audit.facts import SYSTEM, Subject
from consent import vault


class Command(BaseCommand):
    help = "Wrap every subject's key under a new key-encryption key, or retire the older ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--retire", action="store_true", help="destroy the key-encryption keys but the newest")

    def handle(self, *args: Any, retire: bool, **options: Any) -> None:
        action = "administration.retire_keys" if retire else "administration.rotate_keys"
        with log.act(action, by=SYSTEM, about=Subject("keys"), changes=False) as act:
            count = vault.retire_older() if retire else vault.rotate()
            act.detail = {"keys": str(count)}
        said = "key-encryption keys destroyed" if retire else "subjects' keys wrapped anew"
        self.stdout.write(f"{count} {said}")
