"""
The plain facts an entry is made of: who acted, on what, and how an act can fail.

The ledger knows names only. Nothing here looks anything up, and no foreign key leaves this room, so an entry
outlives whatever it describes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import OperationalError


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a person's own account, or an integration's client on behalf of a named member of staff."""

    agency: UUID | None = None
    client: str = ""
    user: str = ""
    on_behalf_of: str = ""
    role: str = ""


SYSTEM = Actor(role="system")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the act is about: a kind of thing and its id. An id that identifies a person comes as a commitment."""

    kind: str
    id: str | UUID = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the database stamped on an entry: enough to demand its inclusion in the log later."""

    entry: UUID
    at: datetime
    leaf_hash: bytes


class Refusal(Exception):  # noqa: N818 - a refusal is an outcome of the domain, recorded like any other
    """An act that was refused. Raised inside `act()`, its work is undone and the refusal is recorded."""

    code: ClassVar[str] = "refused"


class LedgerUnavailable(OperationalError):  # noqa: N818 - says what is the matter
    """The entry could not be written, so nothing was done and nothing may be shown."""
