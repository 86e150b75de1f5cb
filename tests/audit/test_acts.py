"""`act()`: work and entry commit together or not at all, and a refusal leaves an entry and nothing else."""

from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

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
        act.criterion, act.detail = "c0ffee", {"role": "sent"}
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
        "criterion": "c0ffee",
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
    with pytest.raises(error), log.act("test.rename", by=SYSTEM, about=Subject("agency", made.id)) as act:
        made.name_da = "Efter"
        made.save()
        raise error
    assert name_of(made.id) == [("Før",)]
    assert entries_about(made.id) == []
    assert act.receipt is None


def test_a_refusal_undoes_the_work_and_leaves_its_code() -> None:
    made, by = agency(), clerk()
    with pytest.raises(Stop), log.act("test.rename", by=by, about=Subject("agency", made.id), purpose="p") as act:
        made.name_da = "Efter"
        made.save()
        raise Stop
    assert name_of(made.id) == [("Før",)]
    (entry,) = entries_about(made.id)
    assert (entry.action, entry.outcome, entry.refusal, entry.purpose) == ("test.rename", "refused", "stop", "p")
    assert (entry.actor_agency, entry.on_behalf_of, entry.changes) == (by.agency, by.on_behalf_of, "")
    assert (entry.categories, entry.result_ids) == ([], [])
    assert as_committed("SELECT count(*) FROM auditlog_logentry WHERE cid = %s", [str(act.correlation)]) == [(0,)]
    assert act.receipt is None


def test_a_refused_act_is_about_what_it_had_become_about() -> None:
    """An act that made a thing and was then refused names that thing, though it is undone."""
    became = uuid4()
    with pytest.raises(Stop), log.act("test.create", by=SYSTEM, about=Subject("thing")) as act:
        act.about = Subject("thing", became)
        raise Stop
    assert [entry.outcome for entry in entries_about(became)] == ["refused"]


def test_one_act_does_not_hold_another() -> None:
    """Else the inner one's entry would be undone with the outer one, after it had been promised."""
    outer, inner = uuid4(), uuid4()
    with pytest.raises(RuntimeError), log.act("test.outer", by=SYSTEM, about=Subject("thing", outer)):
        with log.act("test.inner", by=SYSTEM, about=Subject("thing", inner)):
            pytest.fail("an act began inside another")
    assert entries_about(outer) + entries_about(inner) == []


def test_nor_does_any_other_transaction_hold_an_act_or_a_denial() -> None:
    about = uuid4()
    with transaction.atomic():
        with pytest.raises(RuntimeError), log.act("test.held", by=SYSTEM, about=Subject("thing", about)):
            pytest.fail("an act began inside a transaction")
        with pytest.raises(RuntimeError):
            log.deny("test.held", by=SYSTEM, about=Subject("thing", about), refusal=Stop())
    assert entries_about(about) == []


def test_a_denial_is_recorded_by_itself() -> None:
    about = uuid4()
    log.deny("test.denied", by=SYSTEM, about=Subject("thing", about), purpose="p", refusal=Stop())
    (entry,) = entries_about(about)
    assert (entry.action, entry.outcome, entry.refusal, entry.purpose) == ("test.denied", "refused", "stop", "p")


@pytest.mark.parametrize("detail", UNWRITABLE, ids=str)
def test_nothing_is_done_if_its_entry_cannot_be_written(detail: dict[str, str]) -> None:
    made = agency()
    with pytest.raises(LedgerUnavailable), log.act("test.rename", by=SYSTEM, about=Subject("agency", made.id)) as act:
        made.name_da = "Efter"
        made.save()
        act.detail = detail
    assert name_of(made.id) == [("Før",)]
    assert entries_about(made.id) == []
    assert act.receipt is None


def test_nothing_is_done_if_its_refusal_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal is not passed on either: nobody is answered on the strength of what was not recorded."""
    made = agency()
    with pytest.raises(LedgerUnavailable), log.act("test.rename", by=SYSTEM, about=Subject("agency", made.id)):
        made.name_da = "Efter"
        made.save()
        monkeypatch.setattr(log, "INSERT", "INSERT INTO no_such_ledger")
        raise Stop
    assert name_of(made.id) == [("Før",)]
    assert entries_about(made.id) == []


def test_work_that_fails_at_the_commit_itself_leaves_no_entry() -> None:
    """Foreign keys are looked at last of all, after the entry was written."""
    about = uuid4()
    with pytest.raises(IntegrityError), log.act("test.orphan", by=SYSTEM, about=Subject("thing", about)) as act:
        Person.objects.create(mode=Mode.ANONYMOUS, registered_by_id=uuid4(), wrapped_key=b"")
    assert entries_about(about) == []
    assert act.receipt is None


def test_a_session_lost_on_the_way_leaves_neither_work_nor_entry() -> None:
    made = agency()
    with pytest.raises(LedgerUnavailable):
        with log.act("test.rename", by=SYSTEM, about=Subject("agency", made.id), changes=False):
            made.name_da = "Efter"
            made.save()
            url = embedded_postgres.locate(settings.CLUSTER).url("postgres", "test")
            with psycopg.connect(url, autocommit=True) as superuser:
                superuser.execute("SELECT pg_terminate_backend(%s, 5000)", [session_id()])
    with suppress(DatabaseError):
        connection.close()
    assert name_of(made.id) == [("Før",)]
    assert entries_about(made.id) == []


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
