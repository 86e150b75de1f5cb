"""Keeps migrations to the owner's connection; the application's role can't change a table."""

from typing import Any


class OwnerMigrates:
    """A database router: every query goes to ``default``, every migration to ``owner``."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"
