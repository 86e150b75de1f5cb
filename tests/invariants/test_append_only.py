"""Ledger, field history and consent events are added to and never changed: whoever asks, and in whatever mode."""

import pytest

from tests.invariants.attempts import APP, APPEND_ONLY, DENIED, OWNER, SUPERUSER, Sent, one, refused, session

TABLES = (
    *("agencies_selfgoverningapproval", "audit_entry", "auditlog_logentry", "consent_consentevent"),
    *("consent_shared", "referrals_attachment", "referrals_export", "referrals_withholding"),
    "referrals_deadlinenotice",
)

CHANGES = {
    "update": "UPDATE {table} SET id = id",
    "update of no row": "UPDATE {table} SET id = id WHERE false",
    "update of the table alone": "UPDATE ONLY {table} SET id = id",
    "delete": "DELETE FROM {table}",
    "delete of no row": "DELETE FROM {table} WHERE false",
    "delete under with": "WITH gone AS (DELETE FROM {table} WHERE false RETURNING id) SELECT * FROM gone",
    "truncate": "TRUNCATE {table}",
    "truncate and cascade": "TRUNCATE {table} CASCADE",
    "merge that updates": "MERGE INTO {table} t USING (SELECT 1) x ON false WHEN MATCHED THEN UPDATE SET id = t.id",
    "merge that deletes": "MERGE INTO {table} t USING (SELECT 1) x ON false WHEN MATCHED THEN DELETE",
    "upsert": ("INSERT INTO {table} SELECT * FROM {table} WHERE false ON CONFLICT (id) DO UPDATE SET id = excluded.id"),
}

ROLES = [
    pytest.param(APP, False, DENIED, id="the application"),
    pytest.param(OWNER, False, APPEND_ONLY, id="the owner"),
    pytest.param(APP, True, DENIED, id="the application in replica mode"),
    pytest.param(OWNER, True, APPEND_ONLY, id="the owner in replica mode"),
    pytest.param(SUPERUSER, True, APPEND_ONLY, id="a superuser in replica mode"),
]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("role", "replica", "with_"), ROLES)
def test_what_was_written_is_not_changed(sent: Sent, role: str, replica: bool, with_: str, table: str) -> None:
    answers = {}
    for name, change in CHANGES.items():
        with session(role, replica=replica) as cursor:
            answers[name] = refused(cursor, change.format(table=table))
    assert answers == dict.fromkeys(CHANGES, with_)


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("mode", ["replica", "local"])
def test_no_role_of_ours_chooses_the_replication_mode(sent: Sent, role: str, mode: str) -> None:
    with session(role) as cursor:
        assert refused(cursor, f"SET session_replication_role = {mode}") == DENIED


@pytest.mark.parametrize("role", [OWNER, SUPERUSER])
def test_an_entry_written_in_replica_mode_is_stamped_and_queued_all_the_same(sent: Sent, role: str) -> None:
    with session(role, replica=True) as cursor:
        cursor.execute(
            "INSERT INTO audit_entry SELECT * FROM audit_entry LIMIT 1 RETURNING id, at >= transaction_timestamp(), "
            "leaf_hash = sha256('\\x00'::bytea || canonical), position(id::text::bytea IN canonical) > 0"
        )
        entry, *stamped = one(cursor)
        assert stamped == [True, True, True]
        cursor.execute("SELECT count(*) FROM audit_pending WHERE entry_id = %s", [entry])
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("table", ["audit_entry", "audit_pending"])
def test_nothing_ties_the_ledger_to_what_it_describes(sent: Sent, table: str) -> None:
    """No foreign key leaves the ledger, and none points at it: nothing cascades into it."""
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND %s::regclass IN (conrelid, confrelid)", [table]
        )
        assert cursor.fetchall() == []


def test_no_foreign_key_anywhere_deletes_or_changes_another_row(sent: Sent) -> None:
    """The queue's own tables apart: they hold jobs to do, and no record of anything."""
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND (confdeltype, confupdtype) <> ('a', 'a') "
            "AND conname NOT LIKE 'procrastinate%'"
        )
        assert cursor.fetchall() == []


def test_a_consent_can_be_followed_by_events_only(sent: Sent) -> None:
    """Emptying the table of consents would empty the events too, which is refused."""
    with session(OWNER) as cursor:
        assert refused(cursor, "TRUNCATE consent_consent CASCADE") == APPEND_ONLY


GUARDED = ["consent_legalbasis", "consent_subject", "referrals_breakglass", "referrals_section", "referrals_task"]


@pytest.mark.parametrize("table", GUARDED)
def test_the_owner_cannot_empty_a_guarded_table_either(sent: Sent, table: str) -> None:
    for replica in (False, True):
        with session(OWNER, replica=replica) as cursor:
            assert refused(cursor, f"TRUNCATE {table} CASCADE") == APPEND_ONLY
