"""
The check at start-up and at /health/ready: whatever guards the ledger is missed, by name, as soon as it is gone.

The owner takes each guard away for real, and gives it back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from rest_framework.test import APIClient

from config import embedded_postgres
from config.checks import guards_missing
from tests.invariants.attempts import APP, OWNER, READER, SEALER, SUPERUSER, TRIGGERS
from tests.invariants.test_privileges import COLUMNS


@contextmanager
def changed(statement: str, *, back: str, by: str = OWNER) -> Iterator[None]:
    """Run a statement as a role, committed, and its opposite afterwards, whatever happens."""
    url = embedded_postgres.locate(settings.CLUSTER).url(by, "test")
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute(statement.encode())
        try:
            yield
        finally:
            opened.execute(back.encode())


def ready() -> tuple[int, list[str]]:
    """Return what /health/ready answers: the status, and the names of what is missing."""
    answer = APIClient().get("/health/ready")
    return answer.status_code, answer.json()["missing"]


def test_nothing_is_missing_as_migrated() -> None:
    assert guards_missing(connection) == []
    assert ready() == (200, [])
    call_command("check", databases=["default"], tags=[Tags.database])


def test_these_are_all_the_triggers_there_are(owner: Any) -> None:
    """So a trigger that guards something new is missed too when it is gone. The queue's own guard nothing of ours."""
    owner.execute(
        "SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgname NOT LIKE 'procrastinate%' ORDER BY 1, 2"
    )
    assert owner.fetchall() == sorted(TRIGGERS)


@pytest.mark.parametrize("state", ["DISABLE", "ENABLE", "ENABLE REPLICA"])
@pytest.mark.parametrize(("table", "trigger"), TRIGGERS)
def test_a_trigger_that_is_not_always_on_is_missed(table: str, trigger: str, state: str) -> None:
    switch = f"ALTER TABLE {table} {{0}} TRIGGER {trigger}"
    with changed(switch.format(state), back=switch.format("ENABLE ALWAYS")):
        assert guards_missing(connection) == [trigger]


@pytest.mark.parametrize(("table", "trigger"), TRIGGERS)
def test_without_a_trigger_the_exchange_is_not_ready_and_does_not_start(table: str, trigger: str) -> None:
    switch = f"ALTER TABLE {table} {{0}} TRIGGER {trigger}"
    with changed(switch.format("DISABLE"), back=switch.format("ENABLE ALWAYS")):
        assert ready() == (503, [trigger])
        found = run_checks(tags=[Tags.database], databases=["default"])
        assert [(error.id, trigger in error.msg) for error in found] == [("udvej.E001", True)]
        with pytest.raises(SystemCheckError, match=trigger):
            call_command("check", databases=["default"], tags=[Tags.database])


@pytest.mark.parametrize(("table", "trigger"), TRIGGERS)
def test_a_dropped_trigger_is_missed(owner: Any, table: str, trigger: str) -> None:
    owner.execute("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = %s", [trigger])
    made = owner.fetchone()[0]
    back = f"{made}; ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"
    with changed(f"DROP TRIGGER {trigger} ON {table}", back=back):
        assert guards_missing(connection) == [trigger]


@pytest.mark.parametrize(
    "trigger",
    [
        "agencies_approval_append_only",
        "audit_entry_append_only",
        "auditlog_logentry_append_only",
        "consent_event_append_only",
    ],
)
def test_a_trigger_made_anew_for_less_is_missed(owner: Any, trigger: str) -> None:
    owner.execute("SELECT tgrelid::regclass, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = %s", [trigger])
    table, made = owner.fetchone()
    drop, always = f"DROP TRIGGER {trigger} ON {table};", f"; ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"
    less = made.replace("DELETE OR UPDATE OR TRUNCATE", "TRUNCATE")
    assert less != made
    with changed(drop + less + always, back=drop + made + always):
        assert trigger in guards_missing(connection)


GUARDING = [
    "agencies_approval_guard",
    "agencies_claim_guard",
    "agencies_self_governing_follow",
    "agencies_self_governing_guard",
    "audit_stamp",
    "audit_queue",
    "audit_refuse_change",
    "audit_canonical",
    "consent_follow",
    "consent_refuse_edit",
    "consent_whole",
    "consent_subject_guard",
    "referrals_admit",
    "referrals_glass_guard",
    "referrals_header_guard",
    "referrals_attachment_guard",
    "consent_link_guard",
    "consent_identifier_guard",
    "referrals_nameless_guard",
    "referrals_notice_stamp",
    "referrals_number_guard",
    "referrals_section_guard",
    "referrals_release",
    "referrals_release_explanation",
    "referrals_release_file",
    "referrals_release_files",
    "referrals_release_task",
    "referrals_require_ground",
    "referrals_section_guard",
    "referrals_task_guard",
]


@pytest.mark.parametrize("function", GUARDING)
def test_a_function_rewritten_by_the_owner_is_missed(owner: Any, function: str) -> None:
    """A trigger that is always on guards nothing if what it runs was replaced."""
    owner.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", [function])
    made = owner.fetchone()[0]
    rewritten = made.replace("BEGIN\n", "BEGIN\n    PERFORM 1;\n", 1).replace(
        "convert_to(concat(", "convert_to(concat('',", 1
    )
    assert rewritten != made
    with changed(rewritten, back=made):
        assert any(function in name for name in guards_missing(connection))


@pytest.mark.parametrize("role", [SEALER, READER])
@pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS", "REPLICATION"])
def test_a_power_of_the_sealer_or_the_reader_is_one_too_many(role: str, power: str) -> None:
    with changed(f"ALTER ROLE {role} {power}", back=f"ALTER ROLE {role} NO{power}", by=SUPERUSER):
        assert f"powers of {role}" in guards_missing(connection)


def test_rows_that_would_be_hidden_from_who_reads_them_are_missed() -> None:
    """A policy hides entries and their places in the queue from sealer, auditors and verifier alike."""
    switch = "ALTER TABLE audit_entry {} ROW LEVEL SECURITY"
    with changed(switch.format("ENABLE"), back=switch.format("DISABLE")):
        assert "row security on audit_entry" in guards_missing(connection)


WITHHELD = [
    ("UPDATE", "audit_entry"),
    ("DELETE", "audit_entry"),
    ("TRUNCATE", "audit_entry"),
    ("TRIGGER", "audit_entry"),
    ("SELECT", "audit_pending"),
    ("INSERT", "audit_pending"),
    ("UPDATE", "audit_pending"),
    ("DELETE", "audit_pending"),
    ("TRUNCATE", "audit_pending"),
    ("UPDATE", "auditlog_logentry"),
    ("DELETE", "auditlog_logentry"),
    ("TRUNCATE", "auditlog_logentry"),
    ("UPDATE", "consent_consentevent"),
    ("DELETE", "consent_consentevent"),
    ("TRUNCATE", "consent_consentevent"),
    ("DELETE", "consent_consent"),
    ("DELETE", "consent_legalbasis"),
    ("UPDATE", "consent_notice"),
    ("DELETE", "consent_notice"),
    ("UPDATE", "consent_shared"),
    ("DELETE", "consent_shared"),
    ("SELECT", "referrals_section"),
    ("UPDATE", "referrals_section"),
    ("TRUNCATE", "referrals_section"),
    ("DELETE", "referrals_referral"),
    ("DELETE", "agencies_selfgoverningclaim"),
    ("UPDATE", "agencies_selfgoverningapproval"),
    ("DELETE", "agencies_selfgoverningapproval"),
    ("TRUNCATE", "agencies_selfgoverningapproval"),
    ("DELETE", "consent_subject"),
    ("SELECT", "referrals_attachment"),
    ("UPDATE", "referrals_attachment"),
    ("SELECT", "referrals_breakglass"),
    ("UPDATE", "referrals_breakglass"),
    ("SELECT", "referrals_task"),
    ("UPDATE", "referrals_task"),
    ("UPDATE", "referrals_withholding"),
    ("UPDATE", "referrals_deadlinenotice"),
    ("DELETE", "referrals_deadlinenotice"),
    ("DELETE", "agencies_dutynotice"),
]


def confined(privilege: str, table: str) -> str:
    """Return the grants on columns that taking a privilege on the whole table away takes with it."""
    names = COLUMNS.get((table, APP, privilege), "").replace(" ", ", ")
    return f"; GRANT {privilege} ({names}) ON {table} TO {APP}" if names else ""


@pytest.mark.parametrize(("privilege", "table"), WITHHELD)
def test_a_privilege_too_many_is_missed(privilege: str, table: str) -> None:
    """Whether it was granted to the application or to everybody."""
    for role in (APP, "PUBLIC"):
        back = f"REVOKE {privilege} ON {table} FROM {role}" + confined(privilege, table)
        with changed(f"GRANT {privilege} ON {table} TO {role}", back=back):
            assert any(privilege in name and table in name for name in guards_missing(connection))


COLUMNS_WITHHELD = [
    ("UPDATE", "audit_entry", "detail"),
    ("INSERT", "audit_entry", "at"),
    ("INSERT", "audit_entry", "leaf_hash"),
    ("SELECT", "audit_pending", "leaf_hash"),
    ("UPDATE", "auditlog_logentry", "changes"),
    ("UPDATE", "consent_consentevent", "kind"),
    ("UPDATE", "consent_consent", "categories"),
    ("UPDATE", "consent_legalbasis", "statute"),
    ("SELECT", "referrals_section", "sealed"),
    ("UPDATE", "referrals_section", "sealed"),
    ("UPDATE", "agencies_agency", "self_governing_approved"),
    ("INSERT", "agencies_agency", "self_governing_approved"),
    ("UPDATE", "agencies_selfgoverningclaim", "agency_id"),
    ("UPDATE", "agencies_selfgoverningapproval", "approved_by_id"),
    ("SELECT", "referrals_attachment", "about"),
    ("SELECT", "referrals_attachment", "sealed"),
    ("SELECT", "referrals_breakglass", "explanation"),
    ("UPDATE", "referrals_breakglass", "until"),
    ("SELECT", "referrals_task", "sealed"),
    ("UPDATE", "referrals_task", "due_by"),
    ("UPDATE", "consent_subject", "mode"),
]


@pytest.mark.parametrize(("privilege", "table", "column"), COLUMNS_WITHHELD)
def test_a_privilege_on_one_column_is_missed_as_well(privilege: str, table: str, column: str) -> None:
    grant = f"{privilege} ({column}) ON {table}"
    back = f"REVOKE {grant} FROM udvej_app"
    with changed(f"GRANT {grant} TO udvej_app", back=back):
        assert any(privilege in name and table in name for name in guards_missing(connection))


POWERS = {
    "temporary tables": (
        "GRANT TEMPORARY ON DATABASE test TO udvej_app",
        "REVOKE TEMPORARY ON DATABASE test FROM udvej_app",
    ),
    "schemas of its own": (
        "GRANT CREATE ON DATABASE test TO udvej_app",
        "REVOKE CREATE ON DATABASE test FROM udvej_app",
    ),
    "tables of its own": (
        "GRANT CREATE ON SCHEMA public TO udvej_app",
        "REVOKE CREATE ON SCHEMA public FROM udvej_app",
    ),
    "a function of the owner's": (
        "GRANT EXECUTE ON FUNCTION referrals_consent_stands(uuid) TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION referrals_consent_stands(uuid) FROM PUBLIC",
    ),
    "a membership in the owner": ("GRANT udvej_owner TO udvej_app", "REVOKE udvej_owner FROM udvej_app"),
    "a superuser's powers": ("ALTER ROLE udvej_app SUPERUSER", "ALTER ROLE udvej_app NOSUPERUSER"),
    "the replication mode": (
        "GRANT SET ON PARAMETER session_replication_role TO udvej_app",
        "REVOKE SET ON PARAMETER session_replication_role FROM udvej_app",
    ),
}


@pytest.mark.parametrize("power", POWERS)
def test_a_power_of_the_application_is_missed(power: str) -> None:
    statement, back = POWERS[power]
    with changed(statement, back=back, by=SUPERUSER):
        assert guards_missing(connection) != []


@pytest.mark.parametrize("table", ["audit_entry", "audit_pending", "auditlog_logentry", "consent_consentevent"])
def test_a_rule_that_leads_writing_elsewhere_is_missed(table: str) -> None:
    """A rule on the queue, say, would let every entry commit and none of them ever be sealed."""
    rule = f"CREATE RULE elsewhere AS ON INSERT TO {table} WHERE false DO INSTEAD NOTHING"
    with changed(rule, back=f"DROP RULE elsewhere ON {table}"):
        assert guards_missing(connection) != []


@pytest.mark.parametrize(
    ("table", "constraint"),
    [
        ("audit_entry", "audit_entry_detail_is_flat_text"),
        ("audit_entry", "audit_entry_refusal_has_a_code"),
        ("consent_consentevent", "consent_event_is_registered_after_it_happened"),
        ("agencies_codelistitem", "agencies_codelistitem_ends_after_it_begins"),
    ],
)
def test_a_constraint_that_was_dropped_is_missed(owner: Any, table: str, constraint: str) -> None:
    """Those whose text survives being written out and read in again, so that they can be put back as they were."""
    owner.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [constraint])
    back = f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {owner.fetchone()[0]}"
    with changed(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}", back=back):
        assert any(constraint in name for name in guards_missing(connection))


def test_a_lookalike_in_another_schema_deceives_nobody() -> None:
    """The owner may make a schema of its own, with a table and a trigger of the same names."""
    lookalike = (
        "CREATE SCHEMA decoy; CREATE TABLE decoy.audit_entry (id int); "
        "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE ON decoy.audit_entry "
        "EXECUTE FUNCTION audit_refuse_change(); "
        "ALTER TABLE decoy.audit_entry ENABLE ALWAYS TRIGGER audit_entry_append_only; "
        "ALTER TABLE public.audit_entry DISABLE TRIGGER audit_entry_append_only"
    )
    back = "ALTER TABLE public.audit_entry ENABLE ALWAYS TRIGGER audit_entry_append_only; DROP SCHEMA decoy CASCADE"
    with changed(lookalike, back=back):
        assert guards_missing(connection) == ["audit_entry_append_only"]


def test_without_its_database_the_exchange_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    connection.close()
    try:
        assert ready() == (503, ["database"])
    finally:
        monkeypatch.undo()
        connection.close()
    assert ready() == (200, [])
