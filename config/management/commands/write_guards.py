"""`manage.py write_guards`: write config/guards.json from a freshly migrated database, for review."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from config import guards


class Command(BaseCommand):
    help = "Write what guards the database, as it is now, to config/guards.json."

    def handle(self, *args: Any, **options: Any) -> None:
        guards.write(connection)
