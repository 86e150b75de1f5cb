"""`act()`: work and entry commit together or not at all, and a refusal leaves an entry and nothing else."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from agencies.models import Agency
from audit import log
from audit.facts import SYSTEM, LedgerUnavailable, Refusal, Subject
from audit.models import Entry
from config import embedded_postgres
from consent.models import Mode
from consent.models import Subject as Person
from tests.audit.ledger import agency, as_committed, clerk, entries_about, session_id

UNWRITABLE = [
    {"Name": "a capital"},
    {"two words": "text"},
    {"": "text"},
    {"n" * 41: "text"},
    {"number": 1},
    {"nothing": None},
    {"object": {"inner": "text"}},
    {"text": "a NUL: \x00"},
]
"""Details that the database does not take."""


class Stop(Refusal):
    code = "stop"


def rename(thing: Agency, then: Callable[[log.Act], None] | None = None, **said: Any) -> log.Act:
    """Rename an agency in a recorded act, do something more inside it, and return the act."""
    options = {"by": SYSTEM, "about": Subject("agency", thing.id), **said}
    with log.act("test.rename", **options) as act:
        ACTS[thing.id] = act
        thing.name_da = "Efter"
        thing.save()
        if then is not None:
            then(act)
    return act


ACTS: dict[UUID, log.Act] = {}
"""The act on each agency, to be looked at after it failed."""


def raising(error: type[BaseException]) -> Callable[[log.Act], None]:
    """Return what fails inside an act."""

    def fail(act: log.Act) -> None:
        raise error

    return fail


def nothing_happened_to(thing: Agency) -> None:
    """Fail unless the agency is as it was, and the ledger knows nothing of an act on it."""
    assert name_of(thing.id) == [("Før",)]
    assert entries_about(thing.id) == []
    assert ACTS[thing.id].receipt is None


def name_of(thing: object) -> list[tuple[object]]:
    return as_committed("SELECT name_da FROM agencies_agency WHERE id = %s", [thing])


def test_work_and_entry_commit_together() -> None:
    made = agency()
    with log.act("test.rename", by=clerk(), about=Subject("agency", made.id)) as act:
        made.name_da = "Efter"
        made.save()
        assert name_of(made.id) == [("Før",)]
        assert entries_about(made.id) == []
    assert name_of(made.id) == [("Efter",)]
    (entry,) = entries_about(made.id)
    assert (entry.action, entry.outcome, entry.correlation) == ("test.rename", "done", act.correlation)
    shared = "SELECT xmin::text::bigint = %s %% 4294967296 FROM agencies_agency WHERE id = %s"
    assert as_committed(shared, [entry.xid, made.id]) == [(True,)]


def test_an_entry_says_who_did_what_to_what() -> None:
    by, about, consent, shown = clerk(), uuid4(), uuid4(), (uuid4(), uuid4())
    with log.act("test.describe", by=by, about=Subject("thing", about), purpose="exit_support") as act:
        act.basis, act.basis_version = "VITAL", 3
        act.consent, act.consent_version = consent, 2
        act.categories, act.result_ids = ("reason", "status"), shown
        act.criterion, act.detail = "c0ffee" + "0" * 58, {"role": "sent"}
    (entry,) = entries_about(about)
    said = {
        "actor_agency": by.agency,
        "actor_client": by.client,
        "actor_user": by.user,
        "on_behalf_of": by.on_behalf_of,
        "role": by.role,
        "subject_kind": "thing",
        "purpose": "exit_support",
        "basis": "VITAL",
        "basis_version": 3,
        "consent": consent,
        "consent_version": 2,
        "categories": ["reason", "status"],
        "result_ids": [*shown],
        "criterion": "c0ffee" + "0" * 58,
        "detail": {"role": "sent"},
        "outcome": "done",
        "refusal": "",
        "db_user": "udvej_app",
    }
    assert {name: getattr(entry, name) for name in said} == said


def test_the_receipt_is_there_after_the_commit_and_not_before() -> None:
    about = uuid4()
    with log.act("test.receipt", by=SYSTEM, about=Subject("thing", about)) as act:
        assert act.receipt is None
        with pytest.raises(RuntimeError, match="not committed"):
            _ = act.committed
    (entry,) = entries_about(about)
    assert (act.committed.entry, act.committed.at) == (entry.id, entry.at)
    assert act.committed.leaf_hash == bytes(entry.leaf_hash)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, IntegrityError, DatabaseError])
def test_an_error_undoes_both_and_leaves_no_entry(error: type[BaseException]) -> None:
    made = agency()
    with pytest.raises(error):
        rename(made, then=raising(error))
    nothing_happened_to(made)


def test_a_refusal_undoes_the_work_and_leaves_its_code() -> None:
    made, by = agency(), clerk()
    with pytest.raises(Stop):
        rename(made, then=raising(Stop), by=by, purpose="p")
    assert name_of(made.id) == [("Før",)]
    (entry,) = entries_about(made.id)
    assert (entry.action, entry.outcome, entry.refusal, entry.purpose) == ("test.rename", "refused", "stop", "p")
    assert (entry.actor_agency, entry.on_behalf_of, entry.changes) == (by.agency, by.on_behalf_of, "")
    assert (entry.categories, entry.result_ids) == ([], [])
    act = ACTS[made.id]
    assert as_committed("SELECT count(*) FROM auditlog_logentry WHERE cid = %s", [str(act.correlation)]) == [(0,)]
    assert act.receipt is None


def test_a_refused_act_is_about_what_it_had_become_about() -> None:
    """An act that made a thing and was then refused names that thing, though it is undone."""
    made, became = agency(), uuid4()

    def create_and_stop(act: log.Act) -> None:
        act.about = Subject("thing", became)
        raise Stop

    with pytest.raises(Stop):
        rename(made, then=create_and_stop)
    assert [entry.outcome for entry in entries_about(became)] == ["refused"]


def test_one_act_does_not_hold_another() -> None:
    """Else the inner one's entry would be undone with the outer one, after it had been promised."""
    outer, inner = agency(), agency()
    with pytest.raises(RuntimeError, match="durable"):
        rename(outer, then=lambda act: setattr(act, "detail", rename(inner).detail))
    nothing_happened_to(outer)
    assert name_of(inner.id) == [("Før",)]
    assert entries_about(inner.id) == []


def test_nor_does_any_other_transaction_hold_an_act_or_a_denial() -> None:
    made = agency()
    with transaction.atomic():
        with pytest.raises(RuntimeError, match="durable"):
            rename(made)
        with pytest.raises(RuntimeError, match="durable"):
            log.deny("test.rename", by=SYSTEM, about=Subject("agency", made.id), refusal=Stop())
    assert name_of(made.id) == [("Før",)]
    assert entries_about(made.id) == []


def test_a_denial_is_recorded_by_itself() -> None:
    about = uuid4()
    log.deny("test.denied", by=SYSTEM, about=Subject("thing", about), purpose="p", refusal=Stop())
    (entry,) = entries_about(about)
    assert (entry.action, entry.outcome, entry.refusal, entry.purpose) == ("test.denied", "refused", "stop", "p")


@pytest.mark.parametrize("detail", UNWRITABLE, ids=str)
def test_nothing_is_done_if_its_entry_cannot_be_written(detail: dict[str, str]) -> None:
    made = agency()
    with pytest.raises(LedgerUnavailable):
        rename(made, then=lambda act: setattr(act, "detail", detail))
    nothing_happened_to(made)


def test_nothing_is_done_if_its_refusal_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal is not passed on either: nobody is answered on the strength of what was not recorded."""
    made = agency()
    monkeypatch.setattr(log, "INSERT", "INSERT INTO no_such_ledger")
    with pytest.raises(LedgerUnavailable):
        rename(made, then=raising(Stop))
    nothing_happened_to(made)


def test_work_that_fails_at_the_commit_itself_leaves_no_entry() -> None:
    """Foreign keys are looked at last of all, after the entry was written."""
    made = agency()

    def register_nobodys(act: log.Act) -> None:
        Person.objects.create(mode=Mode.ANONYMOUS, registered_by_id=uuid4())

    with pytest.raises(IntegrityError):
        rename(made, then=register_nobodys)
    nothing_happened_to(made)


def test_a_session_lost_on_the_way_leaves_neither_work_nor_entry() -> None:
    made = agency()

    def lose_the_session(act: log.Act) -> None:
        url = embedded_postgres.locate(settings.CLUSTER).url("postgres", "test")
        with psycopg.connect(url, autocommit=True) as superuser:
            superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [session_id()])

    with pytest.raises(LedgerUnavailable):
        rename(made, then=lose_the_session, changes=False)
    with suppress(DatabaseError):
        connection.close()
    nothing_happened_to(made)


def test_entries_are_in_the_order_of_their_ids_and_times() -> None:
    about = uuid4()
    for number in range(5):
        with log.act(f"test.step_{number}", by=SYSTEM, about=Subject("thing", about), changes=False):
            pass
    told = entries_about(about)
    assert [entry.action for entry in told] == [f"test.step_{number}" for number in range(5)]
    assert sorted(told, key=lambda entry: entry.at) == told
    assert len({entry.correlation for entry in told}) == len({entry.xid for entry in told}) == 5


def test_the_models_write_no_entry_around_the_door() -> None:
    """The model names columns that the application may not choose, so saving one is refused."""
    with pytest.raises(DatabaseError):
        Entry.objects.create(
            id=uuid4(), xid=1, at="2020-01-01T00:00:00Z", db_user="x", action="x", categories=[], outcome="done",
            result_ids=[], correlation=uuid4(), canonical=b"", leaf_hash=b"",
        )  # fmt: skip
