"""
Who may do what with which table: every privilege there is, as one literal table.

A new table, column grant or sequence grant that nobody decided on fails here. What stands in no row is refused.
"""

import re

from tests.invariants.attempts import OWNER, session

NOTHING: dict[str, str] = {}
WRITTEN_ONCE = {"udvej_app": "INSERT SELECT"}
KEPT = {"udvej_app": "INSERT SELECT UPDATE"}
LISTED = {"udvej_app": "DELETE INSERT SELECT"}
PASSING = {"udvej_app": "DELETE INSERT SELECT UPDATE"}
LOOKED_UP = {"udvej_app": "SELECT"}
READ_BY_ALL = {"udvej_app": "SELECT", "udvej_reader": "SELECT", "udvej_sealer": "SELECT"}
DJANGOS_OWN = {"udvej_app": "SELECT", "udvej_reader": "SELECT"}

TABLES: dict[str, dict[str, str]] = {
    # agencies: nobody who has acted is deleted
    "agencies_agency": LOOKED_UP,
    "agencies_area": KEPT,
    "agencies_areawithin": KEPT,
    "agencies_attempt": WRITTEN_ONCE,
    "agencies_client": KEPT,
    "agencies_clientkey": WRITTEN_ONCE,
    "agencies_codelistitem": KEPT,
    "agencies_delivery": WRITTEN_ONCE,
    "agencies_endpoint": WRITTEN_ONCE,
    "agencies_event": WRITTEN_ONCE,
    "agencies_dutycontact": WRITTEN_ONCE,
    "agencies_dutynotice": WRITTEN_ONCE,
    "agencies_membership": KEPT,
    "agencies_personlogin": WRITTEN_ONCE,
    "agencies_requestcount": PASSING,
    "agencies_rolegroup": WRITTEN_ONCE,
    "agencies_selfgoverningapproval": WRITTEN_ONCE,
    "agencies_selfgoverningclaim": WRITTEN_ONCE,
    "agencies_tokenbinding": LISTED,
    "agencies_usedassertion": LISTED,
    "agencies_user": KEPT,
    "agencies_user_groups": LISTED,
    "agencies_user_user_permissions": LISTED,
    # the ledger
    "audit_entry": {"udvej_app": "SELECT", "udvej_reader": "SELECT", "udvej_sealer": "DELETE SELECT"},
    "audit_pending": {"udvej_reader": "SELECT", "udvej_sealer": "DELETE SELECT"},
    "auditlog_logentry": {"udvej_app": "INSERT SELECT", "udvej_reader": "SELECT", "udvej_sealer": "SELECT"},
    # the tree over it: the sealer's
    "audit_checkpoint": READ_BY_ALL,
    "audit_cosignature": READ_BY_ALL,
    "audit_leaf": READ_BY_ALL | {"udvej_sealer": "INSERT SELECT"},
    "audit_logkey": READ_BY_ALL,
    "audit_removed": READ_BY_ALL | {"udvej_sealer": "INSERT SELECT"},
    "audit_strength": READ_BY_ALL,
    "audit_tile": READ_BY_ALL | {"udvej_sealer": "INSERT SELECT"},
    "audit_tombstone": READ_BY_ALL,
    # consent: followed, never edited
    "consent_consent": WRITTEN_ONCE,
    "consent_consentevent": WRITTEN_ONCE,
    "consent_identifier": LISTED,
    "consent_legalbasis": WRITTEN_ONCE,
    "consent_notice": WRITTEN_ONCE,
    "consent_shared": WRITTEN_ONCE,
    "consent_subject": WRITTEN_ONCE,
    # referrals: content is written and not read back
    "referrals_access": {"udvej_app": "INSERT SELECT"},
    "referrals_attachment": {"udvej_app": "INSERT"},
    "referrals_batchkey": WRITTEN_ONCE,
    "referrals_breakglass": {"udvej_app": "INSERT"},
    "referrals_deadlinenotice": WRITTEN_ONCE,
    "referrals_export": WRITTEN_ONCE,
    "referrals_referral": KEPT,
    "referrals_referralgroupobjectpermission": {"udvej_app": "INSERT SELECT"},
    "referrals_referraluserobjectpermission": LISTED,
    "referrals_section": {"udvej_app": "DELETE INSERT"},
    "referrals_task": {"udvej_app": "INSERT"},
    "referrals_withholding": WRITTEN_ONCE,
    # packages
    "auth_group": WRITTEN_ONCE,
    "auth_group_permissions": DJANGOS_OWN,
    "auth_permission": DJANGOS_OWN,
    "django_admin_log": WRITTEN_ONCE,
    "django_content_type": DJANGOS_OWN,
    "django_migrations": DJANGOS_OWN | {"udvej_reader": "SELECT", "udvej_sealer": "SELECT"},
    "django_session": PASSING,
    "guardian_groupobjectpermission": NOTHING,
    "guardian_userobjectpermission": NOTHING,
    "oauth2_provider_accesstoken": PASSING,
    "oauth2_provider_devicegrant": NOTHING,
    "oauth2_provider_grant": LOOKED_UP,
    "oauth2_provider_idtoken": LOOKED_UP,
    "oauth2_provider_refreshtoken": LOOKED_UP,
    "procrastinate_events": PASSING,
    "procrastinate_jobs": PASSING,
    "procrastinate_periodic_defers": PASSING,
    "procrastinate_workers": PASSING,
}
"""Table → role → what it may do with the whole table."""

SAID_BY_THE_EXCHANGE = (
    "action actor_agency actor_client actor_user basis basis_version categories changes consent consent_version "
    "correlation criterion detail on_behalf_of outcome purpose refusal request_id result_ids role subject_id "
    "subject_kind"
)
"""Of an entry's columns; the others are the database's own."""

COLUMNS = {
    (
        "agencies_agency",
        "udvej_app",
        "INSERT",
    ): "active capacity capacity_updated_at code id kind name_da name_en offers",
    ("agencies_agency", "udvej_app", "UPDATE"): "active capacity capacity_updated_at code kind name_da name_en offers",
    ("agencies_delivery", "udvej_app", "UPDATE"): "attempts ended_at next_at state",
    ("agencies_endpoint", "udvej_app", "UPDATE"): (
        "disabled_because failing_since generation resting_until rotated_at state"
    ),
    ("agencies_event", "udvej_app", "UPDATE"): "position",
    ("agencies_clientkey", "udvej_app", "UPDATE"): "retired_at",
    ("agencies_dutycontact", "udvej_app", "UPDATE"): "email updated_at version",
    ("agencies_dutynotice", "udvej_app", "UPDATE"): "next_try_at taken_by told_at tries",
    ("agencies_personlogin", "udvej_app", "UPDATE"): "active",
    ("oauth2_provider_refreshtoken", "udvej_app", "UPDATE"): "access_token_id",
    ("agencies_selfgoverningclaim", "udvej_app", "UPDATE"): "withdrawn_at withdrawn_reason",
    ("audit_checkpoint", "udvej_sealer", "INSERT"): "note number root size",
    ("audit_cosignature", "udvej_sealer", "INSERT"): "checkpoint line number witness",
    ("audit_entry", "udvej_app", "INSERT"): SAID_BY_THE_EXCHANGE,
    ("audit_entry", "udvej_sealer", "INSERT"): SAID_BY_THE_EXCHANGE,
    ("audit_logkey", "udvej_sealer", "INSERT"): "handover number size vkey",
    ("audit_tombstone", "udvej_sealer", "INSERT"): "before count note number rule",
    ("consent_consent", "udvej_app", "UPDATE"): "version",
    ("consent_legalbasis", "udvej_app", "UPDATE"): "valid_to",
    ("consent_subject", "udvej_app", "UPDATE"): "birth_year erased_at ledger_name",
    ("referrals_attachment", "udvej_app", "SELECT"): (
        "body_hash category created_at id idempotency_key media_type referral_id scan_state size written_by_id"
    ),
    ("referrals_breakglass", "udvej_app", "SELECT"): (
        "agency_id body_hash categories id idempotency_key opened_at owner_id reason_code referral_id reviewed_at "
        "reviewed_by_id reviewer_staff_id staff_id until user_id verdict"
    ),
    ("referrals_breakglass", "udvej_app", "UPDATE"): "reviewed_at reviewed_by_id reviewer_staff_id verdict",
    ("referrals_section", "udvej_app", "SELECT"): "category id part referral_id written_by_id",
    ("referrals_task", "udvej_app", "SELECT"): (
        "agency_id basis_id body_hash break_glass_id categories done_at done_by_staff done_reason due_by id "
        "idempotency_key kind opened_at opened_by_id referral_id version"
    ),
    ("referrals_task", "udvej_app", "UPDATE"): "done_at done_by_staff done_reason version",
}
"""(Table, role, privilege) → the columns to which it is confined."""

CALLED_BY_THE_APPLICATION = {
    "audit_waiting()",
    "referrals_release(uuid, uuid, uuid)",
    "referrals_release_explanation(uuid, uuid, uuid)",
    "referrals_release_file(uuid, uuid, uuid, uuid)",
    "referrals_release_files(uuid, uuid, uuid)",
    "referrals_release_task(uuid, uuid, uuid)",
}
PURE = {"audit_canonical(audit_entry)", "audit_detail_json(jsonb)"}
"""Functions that anyone may call: they touch no table."""

TRIGGER_FUNCTIONS: set[str] = set()
"""Can be called as a trigger alone, whoever may execute them."""


def test_each_table_is_open_to_whom_it_says_and_to_nobody_else() -> None:
    found: dict[str, dict[str, str]] = {}
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT c.relname, grantee.name, string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type COLLATE \"C\") "
            "FROM pg_class c LEFT JOIN LATERAL aclexplode(c.relacl) a ON a.grantee <> c.relowner "
            "LEFT JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) "
            "AS grantee (name) ON a.grantee IS NOT NULL "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') GROUP BY 1, 2"
        )
        for table, role, privileges in cursor:
            found.setdefault(table, {}).update({role: privileges} if role else {})
    assert found == TABLES


def test_each_column_is_open_to_whom_it_says_and_to_nobody_else() -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT attrelid::regclass::text, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, "
            "a.privilege_type, string_agg(attname, ' ' ORDER BY attname COLLATE \"C\") "
            "FROM pg_attribute JOIN pg_class c ON c.oid = attrelid, aclexplode(attacl) a "
            "WHERE c.relnamespace = 'public'::regnamespace GROUP BY 1, 2, 3"
        )
        assert {(table, role, privilege): names for table, role, privilege, names in cursor} == COLUMNS


def test_sequences_give_the_application_numbers_and_nothing_else() -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type "
            "FROM pg_class c, aclexplode(c.relacl) a WHERE c.relkind = 'S' AND a.grantee <> c.relowner"
        )
        assert cursor.fetchall() == [("udvej_app", "USAGE")]


def test_the_owner_owns_every_table_and_function() -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND relowner <> 'udvej_owner'::regrole UNION ALL SELECT proname FROM pg_proc "
            "WHERE pronamespace = 'public'::regnamespace AND proowner <> 'udvej_owner'::regrole"
        )
        assert cursor.fetchall() == []


def test_the_application_calls_the_doors_with_the_owners_rights_and_nothing_else() -> None:
    found: dict[str, set[str]] = {"udvej_app": set(), "PUBLIC": set(), "udvej_reader": set(), "udvej_sealer": set()}
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, p.oid::regprocedure::text "
            "FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a "
            "WHERE p.pronamespace = 'public'::regnamespace AND a.grantee <> p.proowner"
        )
        for role, function in cursor:
            if role != "udvej_app" or not function.startswith("procrastinate"):  # the queue's, with the caller's rights
                found[role].add(re.sub(",(?! )", ", ", function))
    assert found == {
        "udvej_app": CALLED_BY_THE_APPLICATION,
        "PUBLIC": PURE | TRIGGER_FUNCTIONS,
        "udvej_reader": {"audit_waiting()"},
        "udvej_sealer": {"audit_prunable(text, audit_entry)", "audit_waiting()"},
    }


def test_only_the_owner_makes_anything_in_the_database() -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT r.rolname, has_schema_privilege(r.oid, 'public', 'CREATE'), "
            "has_database_privilege(r.oid, current_database(), 'CREATE'), "
            "has_database_privilege(r.oid, current_database(), 'TEMPORARY') FROM pg_roles r "
            "WHERE r.rolname LIKE 'udvej%'"
        )
        assert {role: rights for role, *rights in cursor} == {
            "udvej_owner": [True, True, True],
            "udvej_app": [False, False, False],
            "udvej_sealer": [False, False, False],
            "udvej_reader": [False, False, False],
        }


def test_no_role_of_ours_has_a_power_or_a_membership() -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'udvej%' AND (rolsuper OR rolcreaterole OR rolcreatedb "
            "OR rolreplication OR rolbypassrls OR rolinherit)"
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT 1 FROM pg_auth_members WHERE member::regrole::text LIKE 'udvej%'")
        assert cursor.fetchall() == []


def test_no_privilege_is_given_in_advance() -> None:
    """No default privileges: a table made tomorrow is open to nobody until its migration says so."""
    with session(OWNER) as cursor:
        cursor.execute("SELECT defaclobjtype FROM pg_default_acl")
        assert cursor.fetchall() == []


def test_nobody_else_may_connect() -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type "
            "FROM pg_database, aclexplode(datacl) a WHERE datname = current_database() AND a.grantee <> datdba"
        )
        assert sorted(cursor.fetchall()) == [
            ("udvej_app", "CONNECT"),
            ("udvej_reader", "CONNECT"),
            ("udvej_sealer", "CONNECT"),
        ]
