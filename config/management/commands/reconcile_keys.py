"""
`manage.py reconcile_keys [--destroy]`: after a restore, holds the persons' keys against the persons in the database.

An older copy of the keys brings back those of persons who were erased since: `--destroy` destroys them again. An older
copy of the database has forgotten that somebody was erased: their key is gone, and they are named, so that whoever
knows why can finish it (`erase_subject`). Persons are named by subject.id, on the operator's screen and nowhere else.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.module_loading import import_string

from audit import log
from audit.facts import SYSTEM, Subject
from consent import keystore, vault
from consent.models import Subject as Person


class Command(BaseCommand):
    help = "Say whose key came back though they were erased, and whose is missing though they were not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--destroy", action="store_true", help="destroy the keys of persons who were erased")

    def handle(self, *args: Any, destroy: bool, **options: Any) -> None:
        store: keystore.KeyStore = import_string(settings.KEY_STORE)(settings.KEYS.folder / "subjects")
        keys = set(store.subjects())
        erased = set(Person.objects.filter(erased_at__isnull=False).values_list("pk", flat=True))
        living = set(Person.objects.filter(erased_at__isnull=True).values_list("pk", flat=True))
        back = sorted(keys & erased)
        self._say(back, "erased, and the key is back", "Run again with --destroy." if not destroy else "")
        self._say(sorted(living - keys), "not erased, and without a key", "Erased since the backup, or a key was lost.")
        self.stdout.write(f"{len(keys - erased - living)} keys of persons that the database does not know.")
        if destroy and back:
            with log.act("administration.destroy_keys", by=SYSTEM, about=Subject("keys"), changes=False) as act:
                act.detail = {"keys": str(len(back))}
            for subject in back:
                vault.destroy_key(subject)
            self.stdout.write(f"Destroyed {len(back)} keys.")

    def _say(self, subjects: list[UUID], what: str, then: str) -> None:
        self.stdout.write(f"{len(subjects)} persons are {what}. {then if subjects else ''}".rstrip())
        for subject in subjects:
            self.stdout.write(f"  {subject}")
