"""What these tests share: something to change in a recorded act, and how the ledger is read back without our reader."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, connection, connections, transaction

from agencies.models import Agency, Kind
from audit.facts import Actor
from audit.models import Entry


def agency() -> Agency:
    """Return an agency nobody else knows, committed."""
    made = Agency.objects.create(kind=Kind.MUNICIPALITY, code=f"t-{uuid4().hex[:12]}", name_da="Før", name_en="Before")
    made.refresh_from_db()
    return made


def clerk() -> Actor:
    """Return an actor whose account is real, as the history demands, and nobody else's."""
    from agencies.models import User

    user = User.objects.create(username=f"t-{uuid4().hex}")
    return Actor(agency=uuid4(), client="client-t", user=str(user.pk), on_behalf_of="clerk-1", role="caseworker")


def as_committed(statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    """Return what another session sees: committed work alone. The session is the owner's."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def entries_about(identifier: UUID | str) -> list[Entry]:
    """Return the entries about a thing that other sessions see, oldest first."""
    return list(Entry.objects.using("owner").filter(subject_id=str(identifier)).order_by("id"))


def columns_of(entry: Entry) -> dict[str, object]:
    """Return every column of an entry by its name, as the model knows them."""
    columns = {str(field.column): getattr(entry, field.attname) for field in Entry._meta.concrete_fields}
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in columns.items()}


def rolled_back(work: Callable[[], Any]) -> Any:
    """Do some work in a transaction that is rolled back, and return what it returned."""
    with transaction.atomic():
        done = work()
        transaction.set_rollback(True)
    return done


def sqlstate(error: BaseException | None) -> str:
    """Return the SQLSTATE of the database error behind an exception."""
    while error is not None and not isinstance(error, DatabaseError):
        error = error.__cause__
    return str(getattr(error.__cause__ if error else None, "sqlstate", ""))


def session_id() -> int:
    """Return the number of the application's own database session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (number,) = cursor.fetchone()
    return int(number)
