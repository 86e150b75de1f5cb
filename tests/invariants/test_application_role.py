"""What SQL injected into the application could try, and what the database answers."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from consent.categories import SUBMITTED
from consent.models import Consent, LegalBasis
from tests.exchange import Exchange
from tests.invariants.attempts import (
    APP,
    APPEND_ONLY,
    DENIED,
    ENTRY,
    OWNER,
    TRIGGERS,
    Sent,
    insert_entry,
    member,
    one,
    refused,
    rows,
    send,
    session,
    version_of,
)

STAMPED = {
    "id": "00000000-0000-7000-8000-000000000000",
    "xid": 1,
    "at": "2020-01-01T00:00:00Z",
    "db_user": "somebody",
    "canonical": b"{}",
    "leaf_hash": b"\x00" * 32,
}
"""What the database stamps on an entry, with what a forger would rather have."""


@pytest.mark.parametrize("column", STAMPED)
def test_the_application_cannot_choose_what_the_database_stamps(sent: Sent, column: str) -> None:
    columns = {**ENTRY, column: STAMPED[column]}
    with session(APP) as cursor:
        assert refused(cursor, insert_entry(columns), columns) == DENIED


@pytest.mark.parametrize("column", STAMPED)
def test_what_the_owner_chooses_is_stamped_over(sent: Sent, column: str) -> None:
    columns = {**ENTRY, column: STAMPED[column]}
    with session(OWNER) as cursor:
        cursor.execute(insert_entry(columns, returning=f"{column} = %({column})s"), columns)
        assert cursor.fetchone() == (False,)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM audit_pending",
        "SELECT count(*) FROM audit_pending",
        "TABLE audit_pending",
        "COPY audit_pending TO STDOUT",
        "INSERT INTO audit_pending (entry_id, leaf_hash) VALUES (gen_random_uuid(), '')",
        "UPDATE audit_pending SET leaf_hash = '' WHERE false",
        "DELETE FROM audit_pending WHERE false",
        "TRUNCATE audit_pending",
        "LOCK TABLE audit_pending IN ACCESS SHARE MODE",
    ],
)
def test_the_application_cannot_touch_the_queue_to_the_sealer(sent: Sent, statement: str) -> None:
    with session(APP) as cursor:
        assert refused(cursor, statement) == DENIED


@pytest.mark.parametrize(("table", "trigger"), TRIGGERS)
def test_the_application_cannot_switch_a_trigger(sent: Sent, table: str, trigger: str) -> None:
    for statement in (
        f"ALTER TABLE {table} DISABLE TRIGGER {trigger}",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} ENABLE TRIGGER {trigger}",
        f"DROP TRIGGER {trigger} ON {table}",
        f"CREATE TRIGGER more BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        f"CREATE RULE nothing AS ON INSERT TO {table} DO INSTEAD NOTHING",
        f"ALTER TABLE {table} RENAME TO elsewhere",
        f"DROP TABLE {table}",
    ):
        with session(APP) as cursor:
            assert refused(cursor, statement) == DENIED, statement


FUNCTIONS = [
    "agencies_approval_guard()",
    "agencies_claim_guard()",
    "agencies_event_guard()",
    "agencies_self_governing(uuid)",
    "agencies_self_governing_follow()",
    "agencies_self_governing_guard()",
    "audit_canonical(audit_entry)",
    "audit_checkpoint_guard()",
    "audit_detail_json(jsonb)",
    "audit_entry_prune_guard()",
    "audit_entry_refuse_change()",
    "audit_leaf_guard()",
    "audit_pending_guard()",
    "audit_prunable(text, audit_entry)",
    "audit_queue()",
    "audit_refuse_change()",
    "audit_removed_guard()",
    "audit_require_sealed(uuid)",
    "audit_stamp()",
    "audit_stamp_time()",
    "audit_tile_guard()",
    "audit_tombstone_stamp()",
    "audit_waiting()",
    "consent_follow()",
    "consent_identifier_guard()",
    "consent_link_guard()",
    "consent_refuse_edit()",
    "consent_stamp()",
    "consent_subject_guard()",
    "consent_whole()",
    "referrals_admit(uuid, uuid, uuid)",
    "referrals_admits(text[], text, boolean)",
    "referrals_attachment_guard()",
    "referrals_consent_stands(uuid)",
    "referrals_endangered_guard()",
    "referrals_glass_alert_guard()",
    "referrals_glass_guard()",
    "referrals_glass_stamp()",
    "referrals_header_guard()",
    "referrals_home_guard()",
    "referrals_nameless_guard()",
    "referrals_notice_stamp()",
    "referrals_number_guard()",
    "referrals_parties_guard()",
    "referrals_release(uuid, uuid, uuid)",
    "referrals_release_explanation(uuid, uuid, uuid)",
    "referrals_release_file(uuid, uuid, uuid, uuid)",
    "referrals_release_files(uuid, uuid, uuid)",
    "referrals_release_task(uuid, uuid, uuid)",
    "referrals_require_glass(audit_entry, uuid, uuid, text[])",
    "referrals_require_ground(bigint, uuid, uuid, uuid, uuid, text, text[], boolean, text, text)",
    "referrals_section_guard()",
    "referrals_task_guard()",
    "referrals_task_stamp()",
    "referrals_weigh(uuid, uuid, uuid)",
    "referrals_weigh_explanation(uuid, uuid, uuid)",
    "referrals_weigh_task(uuid, uuid, uuid)",
    "referrals_withholding_stamp()",
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_application_cannot_rewrite_a_function(sent: Sent, function: str) -> None:
    for statement in (
        f"DROP FUNCTION {function}",
        f"ALTER FUNCTION {function} SECURITY INVOKER",
        f"ALTER FUNCTION {function} RESET search_path",
        f"ALTER FUNCTION {function} OWNER TO udvej_app",
    ):
        with session(APP) as cursor:
            assert refused(cursor, statement) == DENIED, statement


def test_these_are_all_the_functions_there_are(sent: Sent) -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_proc "
            "WHERE pronamespace = 'public'::regnamespace AND proname NOT LIKE 'procrastinate%'"
        )
        assert sorted(name.replace(",", ", ") for (name,) in cursor) == FUNCTIONS


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE udvej_owner",
        "SET ROLE udvej_sealer",
        "SET ROLE udvej_reader",
        "SET ROLE postgres",
        "SET LOCAL ROLE udvej_owner",
        "SET SESSION AUTHORIZATION udvej_owner",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT set_config('role', 'udvej_owner', false)",
        "SET session_replication_role = replica",
        "SELECT set_config('session_replication_role', 'replica', false)",
        "ALTER ROLE udvej_app SUPERUSER",
        "ALTER ROLE udvej_app SET session_replication_role = replica",
        "CREATE ROLE another",
        "GRANT udvej_owner TO udvej_app",
        "REASSIGN OWNED BY udvej_owner TO udvej_app",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY audit_entry TO PROGRAM 'cat'",
        "CREATE PUBLICATION everything FOR ALL TABLES",
        "CREATE EVENT TRIGGER spy ON ddl_command_start EXECUTE FUNCTION audit_refuse_change()",
    ],
)
def test_the_application_cannot_become_more_than_it_is(sent: Sent, statement: str) -> None:
    with session(APP) as cursor:
        assert refused(cursor, statement) == DENIED


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TABLE mine AS SELECT 1",
        "CREATE TABLE mine () INHERITS (audit_entry)",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE MATERIALIZED VIEW mine AS SELECT 1",
        "CREATE SEQUENCE mine",
        "CREATE TYPE mine AS (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'",
        "CREATE OR REPLACE FUNCTION audit_canonical(e audit_entry) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'",
        "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = uuid, FUNCTION = texteq)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE audit_entry (id uuid)",
        "CREATE TEMPORARY TABLE referrals_referral AS SELECT * FROM referrals_referral",
        "CREATE TEMPORARY VIEW consent_consentevent AS SELECT 1",
        "CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
        "SELECT 1 INTO TEMPORARY mine",
    ],
)
def test_the_application_makes_nothing_of_its_own(sent: Sent, statement: str) -> None:
    with session(APP) as cursor:
        assert refused(cursor, statement) == DENIED


@pytest.fixture
def temporary_tables_allowed(sent: Sent, owner: Any) -> Iterator[None]:
    """As if a later change had let the application make temporary tables after all."""
    owner.execute("GRANT TEMPORARY ON DATABASE test TO udvej_app")
    try:
        yield
    finally:
        owner.execute("REVOKE TEMPORARY ON DATABASE test FROM udvej_app")


SHADOWS = (
    "SET search_path = pg_temp, public",
    "CREATE TEMPORARY TABLE audit_entry AS SELECT * FROM public.audit_entry WHERE false",
    "CREATE TEMPORARY TABLE audit_pending (entry_id uuid, leaf_hash bytea)",
    "CREATE TEMPORARY TABLE referrals_referral AS SELECT * FROM public.referrals_referral WHERE false",
    "CREATE TEMPORARY TABLE agencies_membership AS SELECT * FROM public.agencies_membership",
    "CREATE TEMPORARY TABLE agencies_agency AS SELECT * FROM public.agencies_agency",
    "CREATE TEMPORARY TABLE consent_legalbasis AS SELECT * FROM public.consent_legalbasis",
    "CREATE TEMPORARY TABLE consent_consent AS SELECT * FROM public.consent_consent WHERE false",
    "CREATE TEMPORARY TABLE consent_consentevent AS SELECT * FROM public.consent_consentevent WHERE false",
    "CREATE TEMPORARY TABLE referrals_section (referral_id uuid, category varchar, part smallint, sealed bytea)",
    "CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz 'epoch' $$",
    "CREATE FUNCTION pg_temp.uuidv7() RETURNS uuid LANGUAGE sql AS $$ SELECT gen_random_uuid() $$",
    "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$",
    "CREATE FUNCTION pg_temp.audit_canonical(public.audit_entry) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$",
    "INSERT INTO pg_temp.referrals_referral SELECT * FROM public.referrals_referral",
    "UPDATE pg_temp.agencies_membership SET agency_id = '{stranger}'",
    "UPDATE pg_temp.agencies_agency SET id = '{stranger}'",
    "UPDATE pg_temp.referrals_referral SET sender_id = '{stranger}', consent_id = NULL",
    "GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC",
)


@pytest.mark.usefixtures("temporary_tables_allowed")
def test_temporary_tables_and_functions_hijack_nothing(sent: Sent) -> None:
    stranger = str(uuid4())
    columns = {
        **ENTRY,
        "subject_kind": "referral",
        "subject_id": sent.referral,
        "actor_agency": stranger,
        "actor_user": member(sent.receiving),
        "purpose": "exit_support",
        "categories": ["reason"],
        "detail": json.dumps({"version": version_of(sent.referral)}),
    }
    with session(APP) as cursor:
        for statement in SHADOWS:
            cursor.execute(statement.format(stranger=stranger))
        into_public = insert_entry(columns).replace("audit_entry", "public.audit_entry")
        cursor.execute(
            into_public + ", at > now() - interval '1 minute', length(leaf_hash), length(canonical) > 0", columns
        )
        entry, *stamped = one(cursor)
        assert stamped == [True, 32, True]
        cursor.execute(
            "SELECT (SELECT count(*) FROM pg_temp.audit_pending), (SELECT count(*) FROM pg_temp.audit_entry)"
        )
        assert cursor.fetchone() == (0, 0)
        cursor.execute("COMMIT")
        release = "SELECT * FROM public.referrals_release(%s, %s, %s)"
        assert refused(cursor, release, [entry, stranger, sent.referral]) == "UD001"


def test_what_runs_with_the_owners_rights_looks_in_temporary_schemas_last(sent: Sent) -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        )
        assert dict(cursor.fetchall()) == {
            name: ["search_path=pg_catalog, public, pg_temp"]
            for name in (
                *("agencies_approval_guard", "agencies_self_governing_follow", "agencies_self_governing_guard"),
                *("audit_queue", "audit_waiting"),
                *("referrals_release", "referrals_release_explanation", "referrals_release_file"),
                *("referrals_release_files", "referrals_release_task", "referrals_section_guard"),
            )
        }


SECTION = "INSERT INTO referrals_section (referral_id, category, part, sealed, written_by_id)"
ANOTHER = f"{SECTION} SELECT id, 'outcome', 7, 'x', sender_id FROM referrals_referral WHERE id = '{{referral}}'"
READS = [
    "SELECT sealed FROM referrals_section",
    "SELECT * FROM referrals_section",
    "SELECT * FROM referrals_section WHERE false",
    "SELECT s FROM referrals_section s",
    "SELECT (s).sealed FROM referrals_section s",
    "SELECT to_jsonb(s) FROM referrals_section s",
    "SELECT row_to_json(s) FROM referrals_section s",
    "SELECT count(sealed) FROM referrals_section",
    "SELECT id FROM referrals_section ORDER BY sealed",
    "SELECT id FROM referrals_section WHERE sealed > ''",
    "SELECT id FROM referrals_section GROUP BY id HAVING max(sealed) > ''",
    "TABLE referrals_section",
    "COPY referrals_section TO STDOUT",
    "COPY referrals_section (sealed) TO STDOUT",
    "COPY (SELECT sealed FROM referrals_section) TO STDOUT",
    "SELECT query_to_xml('SELECT sealed FROM referrals_section', true, true, '')",
    "DECLARE c CURSOR FOR SELECT sealed FROM referrals_section",
    "PREPARE p AS SELECT sealed FROM referrals_section; EXECUTE p",
    "EXPLAIN ANALYZE SELECT sealed FROM referrals_section",
    "DO $$ BEGIN PERFORM sealed FROM referrals_section; END $$",
    "CREATE VIEW peep AS SELECT sealed FROM referrals_section",
    "CREATE TABLE copy AS SELECT sealed FROM referrals_section",
    f"{ANOTHER} RETURNING sealed",
    f"{ANOTHER} RETURNING *",
    f"{ANOTHER} ON CONFLICT (referral_id, category, part) DO UPDATE SET part = 8 RETURNING sealed",
    f"{ANOTHER} ON CONFLICT (referral_id, category, part) DO UPDATE SET part = 8",
    f"{ANOTHER} ON CONFLICT (referral_id, category, part) DO UPDATE SET sealed = referrals_section.sealed",
    f"{SECTION} SELECT referral_id, category, part + 1, sealed, written_by_id FROM referrals_section",
    "UPDATE referrals_section SET part = part RETURNING sealed",
    "UPDATE referrals_section SET sealed = ''",
    "DELETE FROM referrals_section WHERE sealed = ''",
    "DELETE FROM referrals_section WHERE id = 0 RETURNING sealed",
    "DELETE FROM referrals_section WHERE id = 0 RETURNING *",
    "MERGE INTO referrals_section s USING (SELECT 1) x ON s.sealed = '' WHEN MATCHED THEN DELETE",
    "SELECT id FROM referrals_section FOR UPDATE",
    "SELECT stavalues1 FROM pg_statistic WHERE starelid = 'referrals_section'::regclass",
    "SELECT pg_read_binary_file(pg_relation_filepath('referrals_section'))",
    "SELECT referrals_consent_stands('{consent}')",
    "SELECT about FROM referrals_attachment",
    "SELECT sealed FROM referrals_attachment",
    "SELECT * FROM referrals_attachment",
    "SELECT to_jsonb(a) FROM referrals_attachment a",
    "COPY referrals_attachment TO STDOUT",
    "UPDATE referrals_attachment SET category = category RETURNING sealed",
    "DELETE FROM referrals_attachment WHERE sealed = '' RETURNING about",
    "SELECT explanation FROM referrals_breakglass",
    "SELECT * FROM referrals_breakglass",
    "COPY referrals_breakglass (explanation) TO STDOUT",
    "UPDATE referrals_breakglass SET verdict = verdict RETURNING explanation",
    "UPDATE referrals_breakglass SET verdict = encode(explanation, 'hex')",
    "SELECT sealed FROM referrals_task",
    "SELECT * FROM referrals_task",
    "COPY referrals_task (sealed) TO STDOUT",
    "UPDATE referrals_task SET done_reason = done_reason RETURNING sealed",
    "UPDATE referrals_task SET done_reason = encode(sealed, 'hex')",
]


@pytest.mark.parametrize("statement", READS)
def test_the_application_cannot_read_sealed_content_back(sent: Sent, statement: str) -> None:
    with session(APP) as cursor:
        assert refused(cursor, statement.format(referral=sent.referral, consent=sent.consent)) == DENIED


def test_statistics_show_no_sealed_content(sent: Sent, owner: Any) -> None:
    owner.execute("ANALYZE referrals_section")
    shown = rows("SELECT attname FROM pg_stats WHERE tablename = 'referrals_section'")
    assert {"category"} <= {name for (name,) in shown} <= {"id", "referral_id", "category", "part", "written_by_id"}


SUBMITTED_ONCE = [str(category) for category in SUBMITTED] + ["identity.cpr"]
INSERT_SECTION = f"{SECTION} SELECT id, %s, %s, 'x', {{0}} FROM referrals_referral WHERE id = %s"
BY_SENDER, BY_RECIPIENT = INSERT_SECTION.format("sender_id"), INSERT_SECTION.format("recipient_id")
NOT_ALIVE = [
    *("completed", "closed_unsuccessful", "rejected", "redirected", "withdrawn", "expired", "entered_in_error"),
    *("taken_over_by_police", "consent_withdrawn"),
]


@pytest.mark.parametrize("category", SUBMITTED_ONCE)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_after_submission_a_section_is_amended_beside_the_first_and_by_the_sender_alone(
    sent: Sent, role: str, category: str
) -> None:
    with session(role) as cursor:
        assert refused(cursor, BY_SENDER, [category, 0, sent.referral]) == APPEND_ONLY
    with session(role) as cursor:
        assert refused(cursor, BY_RECIPIENT, [category, 9, sent.referral]) == APPEND_ONLY
    with session(role) as cursor:
        cursor.execute(BY_SENDER, [category, 9, sent.referral])
        assert cursor.rowcount == 1


@pytest.mark.parametrize("status", NOT_ALIVE)
def test_what_has_ended_is_not_amended(sent: Sent, status: str) -> None:
    with session(APP) as cursor:
        cursor.execute("UPDATE referrals_referral SET status = %s WHERE id = %s", [status, sent.referral])
        assert refused(cursor, BY_SENDER, ["reason", 9, sent.referral]) == APPEND_ONLY


@pytest.mark.parametrize("category", ["outcome", "reason.necessity"])
def test_an_outcome_and_a_new_grounds_necessity_are(sent: Sent, category: str) -> None:
    with session(APP) as cursor:
        cursor.execute(BY_SENDER, [category, 9, sent.referral])
        assert cursor.rowcount == 1


def test_a_submitted_section_is_neither_changed_nor_removed(sent: Sent) -> None:
    for role, update, delete in ((APP, DENIED, APPEND_ONLY), (OWNER, APPEND_ONLY, APPEND_ONLY)):
        with session(role) as cursor:
            assert refused(cursor, "DELETE FROM referrals_section WHERE referral_id = %s", [sent.referral]) == delete
        with session(role) as cursor:
            changed = "UPDATE referrals_section SET part = 3 WHERE referral_id = %s"
            assert refused(cursor, changed, [sent.referral]) == update
        with session(role) as cursor:
            moved = "UPDATE referrals_section SET referral_id = %s WHERE referral_id = %s"
            assert refused(cursor, moved, [sent.referral, sent.draft]) == update


def test_a_drafts_section_is_removed_and_written_anew(exchange: Exchange) -> None:
    draft = send(exchange).draft
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM referrals_section WHERE referral_id = %s AND category = 'needs'", [draft])
        assert cursor.rowcount == 1
        cursor.execute(BY_SENDER, ["needs", 9, draft])
        assert cursor.rowcount == 1


def test_a_submitted_referral_never_becomes_a_draft_again(sent: Sent) -> None:
    """Else whoever may write its header could edit its content after all."""
    with session(APP) as cursor:
        back = "UPDATE referrals_referral SET status = 'draft' WHERE id = %s"
        assert refused(cursor, back, [sent.referral]) == APPEND_ONLY


CONSENT_TERMS = sorted({str(field.column) for field in Consent._meta.concrete_fields} - {"version"})
BASIS_TEXT = sorted({str(field.column) for field in LegalBasis._meta.concrete_fields} - {"valid_to"})
OTHER = {
    "boolean": "NOT {0}",
    "integer": "coalesce({0}, 0) + 1",
    "smallint": "coalesce({0}, 0) + 1",
    "bigint": "{0} + 100000",
    "date": "{0} - 1",
    "timestamp with time zone": "{0} - interval '1 day'",
    "uuid": "gen_random_uuid()",
    "ARRAY": "{0} || {0}",
}


def change_of(table: str, column: str) -> str:
    """Return the statement that gives a column of one row another value of its own type."""
    found = rows(
        "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = %s", [table, column]
    )
    other = OTHER.get(found[0][0], "left(md5({0}), 2)").format(column)
    return f"UPDATE {table} SET {column} = {other} WHERE id = %s"


@pytest.mark.parametrize("column", CONSENT_TERMS)
def test_the_terms_of_a_consent_are_never_edited(sent: Sent, column: str) -> None:
    change = change_of("consent_consent", column)
    for role, with_ in ((APP, DENIED), (OWNER, APPEND_ONLY)):
        with session(role) as cursor:
            assert refused(cursor, change, [sent.consent]) == with_


@pytest.mark.parametrize("step", ["+ 2", "+ 0", "- 1"])
@pytest.mark.parametrize("role", [APP, OWNER])
def test_a_consents_version_only_counts_up_by_one(sent: Sent, role: str, step: str) -> None:
    with session(role) as cursor:
        change = f"UPDATE consent_consent SET version = version {step} WHERE id = %s"
        assert refused(cursor, change, [sent.consent]) == APPEND_ONLY


@pytest.mark.parametrize("column", BASIS_TEXT)
def test_a_legal_basis_is_never_rewritten(sent: Sent, column: str) -> None:
    basis = rows("SELECT id FROM consent_legalbasis WHERE code = 'SAMTYKKE-TAVSHED'")[0][0]
    change = change_of("consent_legalbasis", column)
    for role, with_ in ((APP, DENIED), (OWNER, APPEND_ONLY)):
        with session(role) as cursor:
            assert refused(cursor, change, [basis]) == with_


def test_a_legal_basis_can_be_ended(sent: Sent) -> None:
    with session(APP) as cursor:
        cursor.execute("UPDATE consent_legalbasis SET valid_to = current_date WHERE code = 'VITAL'")
        assert cursor.rowcount == 1


def test_a_section_is_not_removed_while_its_draft_is_being_submitted(exchange: Exchange) -> None:
    """The removal waits for the submission, and then finds that there is no draft any more."""
    draft = send(exchange).draft
    with session(APP) as submitting, session(APP) as removing:
        submitting.execute("SELECT 1 FROM referrals_referral WHERE id = %s FOR UPDATE", [draft])
        removing.execute("SET lock_timeout = '100ms'")
        remove = "DELETE FROM referrals_section WHERE referral_id = %s AND category = 'reason'"
        assert refused(removing, remove, [draft]) == "55P03"


KEPT = [
    "agencies_agency",
    "agencies_area",
    "agencies_areawithin",
    "agencies_client",
    "agencies_codelistitem",
    "agencies_membership",
    "agencies_rolegroup",
    "agencies_selfgoverningapproval",
    "agencies_selfgoverningclaim",
    "agencies_user",
    "auth_group",
    "consent_consent",
    "consent_consentevent",
    "consent_legalbasis",
    "consent_notice",
    "consent_shared",
    "consent_subject",
    "django_admin_log",
    "django_migrations",
    "referrals_attachment",
    "referrals_batchkey",
    "referrals_breakglass",
    "referrals_deadlinenotice",
    "referrals_referral",
    "referrals_task",
    "referrals_withholding",
]


@pytest.mark.parametrize("table", KEPT)
def test_the_application_deletes_nobody_and_no_case(sent: Sent, table: str) -> None:
    for statement in (
        f"DELETE FROM {table}",
        f"DELETE FROM {table} WHERE false",
        f"TRUNCATE {table} CASCADE",
        f"MERGE INTO {table} USING (SELECT 1) x ON false WHEN MATCHED THEN DELETE",
    ):
        with session(APP) as cursor:
            assert refused(cursor, statement) == DENIED, statement


@pytest.mark.parametrize(("table", "column"), [("consent_consent", "id"), ("consent_legalbasis", "id")])
def test_nor_does_the_owner_delete_a_consent_or_a_legal_basis(sent: Sent, table: str, column: str) -> None:
    with session(OWNER) as cursor:
        assert refused(cursor, f"DELETE FROM {table} WHERE {column} IN (SELECT {column} FROM {table} LIMIT 1)") == (
            APPEND_ONLY
        )
