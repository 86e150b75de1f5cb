"""
What can't be stored, whoever writes it: every constraint by name, each tried with raw SQL.

The database names the constraint that refuses, so a test can't pass because of another one.
"""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.invariants.attempts import APP, CHECKED, ENTRY, OWNER, TAKEN, Sent, insert_entry, refusal, refused, session
from tests.invariants.made import making, parties, twice

REFERRAL = "UPDATE referrals_referral SET {0} WHERE id = %(referral)s"
DRAFT = "UPDATE referrals_referral SET {0} WHERE id = %(draft)s"
EVENT = (
    "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, evidence_hash, "
    "registered_by_id, entity) SELECT id, {number}, '{kind}', {at}, now(), {expires_at}, 'oral', '', registered_by_id, "
    "{entity} "
    "FROM consent_consent WHERE id = %(consent)s"
)
SECTION = (
    "INSERT INTO referrals_section (referral_id, category, part, sealed, written_by_id) "
    "VALUES (%(draft)s, '{0}', {1}, '', %(sending)s)"
)
LINKED = (
    "WITH before AS (INSERT INTO consent_subject (mode, registered_by_id, wish_method, created_at) "
    "VALUES ('anonymous', %(sending)s, '', now()) RETURNING id) "
    "INSERT INTO consent_subject (mode, registered_by_id, formerly_id, wished_at, wish_method, created_at) "
    "SELECT 'identified', %(sending)s::uuid, id, {0}, {1}, now() FROM before"
)
FILE = (
    "INSERT INTO referrals_attachment (referral_id, category, media_type, size, scan_state, about, sealed, "
    "written_by_id, idempotency_key, body_hash, created_at) VALUES (%(draft)s, 'needs', '{0}', {1}, 'clean', '', "
    "convert_to(repeat('x', 28 + {1}), 'UTF8'), %(sending)s, 'a key', '', now())"
)
WITHHOLDING = (
    "INSERT INTO referrals_withholding (subject_id, agency_id, ground, review_by, stated_by_id, staff_id, stated_at, "
    "idempotency_key, body_hash) VALUES (%(subject)s, %(receiving)s, {0}, current_date + 30, %(sending)s, 'staff', "
    "now(), 'k', '')"
)
TWICE = (
    "INSERT INTO {0} SELECT u.id, p.id{1} FROM (SELECT id FROM agencies_user LIMIT 1) u, "
    "(SELECT id FROM auth_permission LIMIT 1) p, generate_series(1, 2)"
)


def event(
    kind: str, *, number: str = "2", at: str = "now()", expires_at: str = "NULL", entity: str = "'subject'"
) -> str:
    """Return the statement that adds an event to the consent."""
    return EVENT.format(kind=kind, number=number, at=at, expires_at=expires_at, entity=entity)


def again(table: str, *, where: str = "true", **changed: str) -> str:
    """Return the statement that inserts a row once more, with these columns changed."""
    row = ", ".join(f"'{name}', {value}" for name, value in changed.items())
    return (
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object({row}))).* "
        f"FROM {table} t WHERE {where} LIMIT 1"
    )


def told(**changed: str) -> str:
    """Return the statement that tells the sending agency of something."""
    row = {"agency_id": "%(sending)s", "type": "'referral.changed'", "about": "%(referral)s", "version": "1"} | changed
    return f"INSERT INTO agencies_event ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def hook(**changed: str) -> str:
    """Return the statement that registers an endpoint of the sending agency."""
    row = {
        "agency_id": "%(sending)s",
        "url": "'https://sager.example.dk/'",
        "types": "'{}'",
        "state": "'active'",
        "disabled_because": "''",
        "generation": "1",
        "staff_id": "'x'",
        "idempotency_key": "'k'",
        "body_hash": "''",
    } | changed
    return f"INSERT INTO agencies_endpoint ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def sent_to(**changed: str) -> str:
    """Return the statement that sends an event to an endpoint, once both are there."""
    row = {"endpoint_id": "e.id", "event_id": "t.number"} | changed
    known = f"{hook()} ON CONFLICT DO NOTHING; {told(position='-1')} ON CONFLICT DO NOTHING"
    return (
        f"{known}; INSERT INTO agencies_delivery ({', '.join(row)}) SELECT {', '.join(row.values())} "
        "FROM agencies_endpoint e, agencies_event t WHERE e.agency_id = %(sending)s AND t.agency_id = %(sending)s "
        "AND t.position = -1"
    )


def tried(*, first: str = f"{sent_to()}; ", **changed: str) -> str:
    """Return the statement that writes down an attempt at a delivery, which is made before unless it is there."""
    row = {"delivery_id": "d.id", "number": "1", "failure": "''", "milliseconds": "1"} | changed
    return (
        f"{first}INSERT INTO agencies_attempt ({', '.join(row)}) SELECT {', '.join(row.values())} "
        "FROM agencies_delivery d JOIN agencies_endpoint e ON e.id = d.endpoint_id AND e.agency_id = %(sending)s"
    )


def claim(times: int, **changed: str) -> str:
    """Return the statement that claims so many times that the sending agency is self-governing."""
    row = {
        "agency_id": "m.agency_id",
        "evidence_hash": "repeat('a', 64)",
        "evidence_reference": "'x'",
        "claimed_by_id": "m.user_id",
        "staff_id": "m.staff_id",
        "registered_by_id": "m.agency_id",
        "claimed_at": "now()",
        "withdrawn_reason": "''",
        "idempotency_key": "'key' || g",
        "body_hash": "''",
        **changed,
    }
    return (
        f"INSERT INTO agencies_selfgoverningclaim ({', '.join(row)}) SELECT {', '.join(row.values())} "
        f"FROM agencies_membership m, generate_series(1, {times}) g "
        "WHERE m.agency_id = %(sending)s AND m.role = 'administrator'"
    )


TASK = (
    "INSERT INTO referrals_task (kind, referral_id, agency_id, opened_by_id, opened_at, due_by, categories, "
    "done_by_staff, done_reason, version, idempotency_key, body_hash) VALUES ('review_break_glass', %(referral)s, "
    "%(sending)s, %(sending)s, now(), now(), ARRAY[]::text[], '{0}', '{1}', 1, 'k', '')"
)
GLASS = (
    "INSERT INTO referrals_breakglass (referral_id, agency_id, owner_id, user_id, staff_id, reason_code, explanation, "
    "categories, opened_at, until, reviewer_staff_id, verdict, idempotency_key, body_hash) SELECT %(referral)s, "
    "m.agency_id, m.agency_id, m.user_id, m.staff_id, 'danger_to_life', '', {0}, now(), now() + interval '1 minute', "
    "'', '', 'k', '' FROM agencies_membership m WHERE m.agency_id = %(sending)s AND m.role = 'caseworker'"
)
NEW_UUID = {"id": "gen_random_uuid()"}
NEW_ID = {"id": "1000000 + id"}

NEW_ENTRY = "INSERT INTO audit_entry SELECT * FROM audit_entry ORDER BY id LIMIT 1"
LOG_KEY = "INSERT INTO audit_logkey (vkey, number, size, handover) SELECT '{}', {}, 0, '' FROM audit_logkey"
LEAF = (
    "INSERT INTO audit_leaf SELECT coalesce((SELECT max(index) FROM audit_leaf), -1) + 1, e.id, e.leaf_hash "
    "FROM (SELECT * FROM audit_entry ORDER BY id DESC LIMIT 1) e"
)
EXPORT = (
    "INSERT INTO referrals_export (agency_id, staff_id, case_number, case_reason, question, size, entries, "
    "idempotency_key, body_hash, created_at) VALUES (%(sending)s, 's', '{}', '', '{{}}', 1, 0, 'k', 'h', now())"
)
A_CLIENT = "FROM (SELECT id FROM agencies_client WHERE agency_id = %(sending)s LIMIT 1) c, generate_series(1, 2) g"
KEY = (
    "INSERT INTO agencies_clientkey (client_id, kid, jwk, thumbprint, valid_from, retired_at) "
    f"SELECT c.id, {{}}, '{{{{}}}}', {{}}, now(), {{}} {A_CLIENT}"
)
BINDING = (
    "WITH made AS (INSERT INTO oauth2_provider_accesstoken (token, token_checksum, expires, scope, created, updated, "
    "resource) VALUES ('', repeat('0', 64), now(), '', now(), now(), '[]') RETURNING id) "
    "INSERT INTO agencies_tokenbinding (token_id, thumbprint) SELECT id, {} FROM made"
)
NOTICE = (
    "INSERT INTO referrals_deadlinenotice (referral_id, deadline, step, due_at) "
    "VALUES (%(referral)s, '{}', '{}', '2026-11-23T09:00Z')"
)
CONTACT = "INSERT INTO agencies_dutycontact (agency_id, email, version, updated_at) VALUES (%(sending)s, '', {}, now())"
QUEUED = "INSERT INTO agencies_dutynotice (agency_id, step, tries) VALUES (%(sending)s, '{}', {})"
LOGIN = (
    "INSERT INTO agencies_personlogin (user_id, issuer, subject, active) SELECT u.id, {}, {}, true "
    "FROM (SELECT id FROM agencies_user LIMIT 1) u, generate_series(1, 2) g"
)
CONSTRAINTS: dict[str, list[str]] = {
    # referrals
    "referrals_referral_status_is_known": [REFERRAL.format("status = 'lost'"), DRAFT.format("status = ''")],
    "referrals_shared_referral_has_recipient_and_basis": [
        REFERRAL.format("recipient_id = NULL"),
        REFERRAL.format("basis_id = NULL"),
        REFERRAL.format("submitted_at = NULL"),
        DRAFT.format("status = 'submitted'"),
        DRAFT.format("status = 'rejected'"),
    ],
    "referrals_responsible_agency_is_a_party": [
        again(
            "referrals_referral",
            where=f"id = %({row})s",
            **NEW_UUID,
            idempotency_key="'another'",
            responsible_id="%(stranger)s::text",
        )
        for row in ("referral", "draft")
    ],
    "referrals_referral_is_to_another_agency": [
        REFERRAL.format("recipient_id = sender_id"),
        DRAFT.format("recipient_id = sender_id"),
    ],
    "referrals_external_reference_is_unique_per_sender": [
        "UPDATE referrals_referral SET external_reference = 'case 1' WHERE id IN (%(referral)s, %(draft)s)"
    ],
    "referrals_referral_is_created_once_per_key": [
        "UPDATE referrals_referral SET idempotency_key = 'one' WHERE id IN (%(referral)s, %(draft)s)"
    ],
    "referrals_batchkey_is_used_once": [
        "INSERT INTO referrals_batchkey(sender_id,key,body_hash) VALUES (%(sending)s, 'k', ''), (%(sending)s, 'k', '')"
    ],
    "referrals_withholding_ground_is_known": [WITHHOLDING.format("'because'"), WITHHOLDING.format("''")],
    "referrals_section_category_is_known": [
        SECTION.format("score", 0),
        SECTION.format("", 0),
        SECTION.format("identity.name", 0),
    ],
    "referrals_section_part_is_unique": [SECTION.format("reason", 0)],
    "referrals_section_part_check": [SECTION.format("health", -1)],
    "referrals_referral_version_check": [REFERRAL.format("version = -1")],
    "referrals_breakglass_names_what_it_opens": [
        GLASS.format("ARRAY[]::text[]"),
        GLASS.format("ARRAY['reason', 'score']"),
    ],
    "referrals_task_is_done_for_a_reason": [TASK.format("", "forwarded"), TASK.format("somebody", "")],
    "referrals_access_is_listed_once": [again("referrals_access", where="referral_id = %(referral)s", **NEW_ID)],
    "referrals_referralgroupo_group_id_permission_id_c_872490cb_uniq": [
        again("referrals_referralgroupobjectpermission", where="content_object_id = %(referral)s", **NEW_ID)
    ],
    "referrals_referraluserob_user_id_permission_id_co_684e2959_uniq": [
        TWICE.format(
            "referrals_referraluserobjectpermission (user_id, permission_id, content_object_id)", ", %(referral)s"
        )
    ],
    "referrals_screening_result_is_known": [
        REFERRAL.format("screening = 'fine'"),
        REFERRAL.format("screening = 'Cleared'"),
    ],
    "referrals_attachment_category_is_known": [
        making("referrals_attachment", category="'status'"),
        making("referrals_attachment", category="'reason.message'"),
    ],
    "referrals_attachment_is_never_infected": [
        making("referrals_attachment", scan_state="'infected'"),
        making("referrals_attachment", scan_state="''"),
    ],
    "referrals_attachment_is_created_once_per_key": [twice("referrals_attachment", idempotency_key="'k'")],
    "referrals_breakglass_verdict_is_known": [
        making("referrals_breakglass") + "; UPDATE referrals_breakglass SET reviewed_at = now(), verdict = 'perhaps', "
        "reviewed_by_id = m.user_id, reviewer_staff_id = m.staff_id FROM agencies_membership m "
        "WHERE referral_id = %(referral)s AND m.agency_id = %(sending)s AND m.role = 'coordinator'"
    ],
    "referrals_breakglass_ends": [
        making("referrals_breakglass", until="now() - interval '1 minute'"),
        making("referrals_breakglass", until="now()"),
    ],
    "referrals_breakglass_is_opened_once_per_key": [twice("referrals_breakglass", idempotency_key="'k'")],
    "referrals_breakglass_is_reviewed_by_another": [
        making("referrals_breakglass", reviewed_by_id="%(reader)s::bigint"),
    ],
    "referrals_breakglass_review_is_whole": [
        making("referrals_breakglass", verdict="'justified'"),
        making("referrals_breakglass", reviewed_by_id="%(writer)s::bigint"),
        making("referrals_breakglass", reviewed_by_id="%(writer)s::bigint", verdict="'justified'"),
    ],
    "referrals_task_kind_is_known": [
        making("referrals_task", kind="'investigate'"),
        making("referrals_task", kind="''"),
    ],
    "referrals_notification_has_content_and_basis": [
        making("referrals_task", sealed="NULL"),
        making("referrals_task", basis_id="NULL"),
    ],
    "referrals_task_is_opened_once_per_key": [twice("referrals_task", idempotency_key="'k'")],
    "referrals_withholding_is_stated_once_per_key": [twice("referrals_withholding", idempotency_key="'k'")],
    "referrals_attachment_type_is_one_that_is_served": [
        FILE.format("text/html", 1),
        FILE.format("image/svg+xml", 1),
        FILE.format("", 1),
    ],
    "referrals_attachment_is_not_empty": [FILE.format("application/pdf", 0)],
    # consent
    "consent_identifier_is_one_of_its_kind": [twice("consent_identifier", told_in="%(subject)s::uuid")],
    "consent_subject_is_linked_on_their_own_wish": [
        LINKED.format("NULL", "'oral'"),
        LINKED.format("now()", "''"),
    ],
    "consent_event_given_or_renewed_has_an_end": [
        event("given"),
        event("renewed"),
        event("renewed", expires_at="now()"),
        event("renewed", expires_at="now() - interval '1 day'"),
        event("withdrawn", expires_at="now() + interval '1 day'"),
        event("refused", expires_at="now() + interval '1 day'"),
    ],
    "consent_event_number_is_unique": [event("withdrawn", number="1")],
    "consent_consentevent_number_check": [event("withdrawn", number="-1")],
    "consent_consent_is_created_once_per_key": [again("consent_consent", where="id = %(consent)s", **NEW_UUID)],
    "consent_consent_version_check": [
        again("consent_consent", where="id = %(consent)s", **NEW_UUID, version="-1", idempotency_key="'another'")
    ],
    "consent_event_kind_is_known": [event("resurrected"), event("GIVEN"), event("")],
    "consent_event_entity_is_known": [event("withdrawn", entity="'police'")],
    "consent_consent_kind_is_known": [
        again("consent_consent", where="id = %(consent)s", **NEW_UUID, kind="'FREE'", idempotency_key="'another'")
    ],
    "consent_consent_giver_is_known": [
        again("consent_consent", where="id = %(consent)s", **NEW_UUID, given_by="'parent'", idempotency_key="'another'")
    ],
    "consent_notice_version_is_unique": [again("consent_notice", **NEW_UUID)],
    "consent_notice_hash_is_of_its_text": [
        again("consent_notice", **NEW_UUID, version="'another'", text="'another'"),
        again("consent_notice", **NEW_UUID, version="'another'", hash="repeat('0', 64)"),
        again("consent_notice", **NEW_UUID, version="'another'", hash="''"),
    ],
    "consent_shared_is_said_once": [again("consent_shared", **NEW_ID)],
    "consent_legalbasis_version_is_unique": [again("consent_legalbasis", **NEW_ID)],
    "consent_legalbasis_version_check": [again("consent_legalbasis", **NEW_ID, version="-1")],
    "consent_legalbasis_subject_age_min_check": [
        again("consent_legalbasis", **NEW_ID, version="9", subject_age_min="-1")
    ],
    "consent_legalbasis_subject_age_max_check": [
        again("consent_legalbasis", **NEW_ID, version="9", subject_age_max="-1")
    ],
    "consent_subject_mode_is_known": [
        again("consent_subject", where="id = %(subject)s", **NEW_UUID, mode="'known'"),
    ],
    "consent_subject_birth_year_check": ["UPDATE consent_subject SET birth_year = -1 WHERE id = %(subject)s"],
    # agencies
    "agencies_agency_kind_is_known": ["UPDATE agencies_agency SET kind = 'school' WHERE id = %(sending)s"],
    "agencies_agency_code_is_unique_in_its_kind": [again("agencies_agency", where="id = %(sending)s", **NEW_UUID)],
    "agencies_one_standing_claim_per_agency": [claim(2)],
    "agencies_claim_is_made_once_per_key": [
        claim(2, agency_id="CASE g WHEN 1 THEN %(sending)s::uuid ELSE %(stranger)s::uuid END", idempotency_key="'k'")
    ],
    "agencies_claim_has_evidence": [
        claim(1, evidence_hash="repeat('a', 63)"),
        claim(1, evidence_hash="repeat('A', 64)"),
        claim(1, evidence_hash="''"),
        claim(1, evidence_reference="''"),
    ],
    "agencies_claim_is_withdrawn_for_a_known_reason": [
        claim(1) + f"; UPDATE agencies_selfgoverningclaim SET {change} WHERE agency_id = %(sending)s"
        for change in ("withdrawn_at = now()", "withdrawn_at = now(), withdrawn_reason = 'because'")
    ],
    "agencies_claim_is_approved_once_by_each": [
        claim(1) + "; INSERT INTO agencies_selfgoverningapproval (claim_id, approved_by_id, approved_at) "
        "SELECT c.id, m.user_id, now() FROM agencies_selfgoverningclaim c, agencies_membership m, generate_series(1, 2)"
        " WHERE c.agency_id = %(sending)s AND m.agency_id = %(oversight)s AND m.role = 'administrator'"
    ],
    "agencies_event_id_key": [again("agencies_event", where="agency_id = %(sending)s", number="0")],
    "agencies_event_has_a_place_of_its_own": [told(position="5") + "; " + told(position="5")],
    "agencies_event_type_is_known": [told(type="'referral.rejected'")],
    "agencies_event_version_check": [told(version="-1")],
    "agencies_endpoint_is_made_once_per_key": [hook() + "; " + hook()],
    "agencies_endpoint_state_is_known": [hook(state="'asleep'")],
    "agencies_endpoint_is_disabled_for_a_reason": [hook(state="'disabled'"), hook(disabled_because="'failing'")],
    "agencies_endpoint_generation_check": [hook(generation="-1")],
    "agencies_delivery_is_made_once": [sent_to() + "; " + sent_to()],
    "agencies_delivery_state_is_known": [sent_to(state="'lost'", ended_at="now()")],
    "agencies_delivery_ends_with_its_state": [sent_to(ended_at="now()"), sent_to(state="'failed'")],
    "agencies_delivery_attempts_check": [sent_to(attempts="-1")],
    "agencies_attempt_is_counted_once": [tried() + "; " + tried(first="")],
    "agencies_attempt_is_counted_from_one": [tried(number="0")],
    "agencies_attempt_status_check": [tried(status="-1")],
    "agencies_attempt_milliseconds_check": [tried(milliseconds="-1")],
    "agencies_rolegroup_is_one_per_agency_and_role": [
        "UPDATE agencies_rolegroup SET role = 'caseworker' WHERE agency_id = %(sending)s"
    ],
    "agencies_rolegroup_group_id_key": [
        "UPDATE agencies_rolegroup SET group_id = (SELECT min(group_id) FROM agencies_rolegroup)"
    ],
    "agencies_membership_staff_id_is_unique": [
        "UPDATE agencies_membership SET staff_id = 'everybody' WHERE agency_id = %(sending)s"
    ],
    "agencies_membership_is_one_role_per_agency": [
        "UPDATE agencies_membership SET user_id = (SELECT min(id) FROM agencies_user) WHERE agency_id = %(sending)s"
    ],
    "agencies_client_client_id_key": [again("agencies_client", **NEW_ID)],
    "agencies_clientkey_has_a_name_of_its_own": [KEY.format("'k'", "repeat('t', 42) || g", "NULL")],
    "agencies_clientkey_is_one_clients": [KEY.format("'k' || g", "repeat('t', 43)", "NULL")],
    "agencies_clientkey_ends_after_it_begins": [
        KEY.format("'k' || g", "repeat('t', 42) || g", "now() - interval '1 s'")
    ],
    "agencies_assertion_is_used_once": [
        f"INSERT INTO agencies_usedassertion (client_id, jti_hash, expires_at) SELECT c.id, 'h', now() {A_CLIENT}"
    ],
    "agencies_tokenbinding_names_a_certificate": [
        BINDING.format(said) for said in ("''", "repeat('a', 42)", "repeat('=', 43)")
    ],
    "agencies_requestcount_is_one_a_minute": [
        "INSERT INTO agencies_requestcount (who, minute, used) VALUES ('w', 1, 1), ('w', 1, 1)"
    ],
    "agencies_personlogin_is_one_persons": [LOGIN.format("'https://i'", "'s'")],
    "agencies_personlogin_names_somebody": [LOGIN.format("''", "g::text"), LOGIN.format("'https://i'", "''")],
    "agencies_user_username_key": [again("agencies_user", **NEW_ID)],
    "agencies_user_groups_user_id_group_id_096e0979_uniq": [again("agencies_user_groups", **NEW_ID)],
    "agencies_user_user_permi_user_id_permission_id_eba98c2b_uniq": [
        TWICE.format("agencies_user_user_permissions (user_id, permission_id)", "")
    ],
    "agencies_codelistitem_is_unique_from_a_date": [again("agencies_codelistitem", **NEW_ID)],
    "agencies_codelistitem_ends_after_it_begins": [
        "UPDATE agencies_codelistitem SET valid_to = valid_from - 1 WHERE list_name = 'statuses'"
    ],
    "agencies_codelistitem_position_check": ["UPDATE agencies_codelistitem SET position = -1"],
    "agencies_area_is_unique_from_a_date": [again("agencies_area", **NEW_ID)],
    "agencies_areawithin_is_one_at_a_time": [again("agencies_areawithin", **NEW_ID)],
    "referrals_export_is_made_once_per_key": [f"{EXPORT.format('c')}; {EXPORT.format('c')}"],
    "referrals_export_names_its_case": [EXPORT.format("")],
    # deadlines and duty contacts
    "referrals_deadline_is_told_once": [
        f"{NOTICE.format('decide_by', 'remind')}; {NOTICE.format('decide_by', 'remind')}"
    ],
    "referrals_deadlinenotice_deadline_is_known": [NOTICE.format("some_day", "remind"), NOTICE.format("", "remind")],
    "referrals_deadlinenotice_step_is_known": [NOTICE.format("decide_by", "forget"), NOTICE.format("decide_by", "")],
    "agencies_dutycontact_version_check": [CONTACT.format(-1)],
    "agencies_dutynotice_step_is_known": [QUEUED.format("forget", 0), QUEUED.format("", 0)],
    "agencies_dutynotice_tries_check": [QUEUED.format("remind", -1)],
    # the tree over the ledger
    "audit_leaf_entry_id_key": [f"{NEW_ENTRY}; {LEAF}; {LEAF}"],
    "audit_logkey_number_key": [
        f"{LOG_KEY.format('a', 'coalesce(max(number), 0) + 1')}; {LOG_KEY.format('b', 'max(number)')}"
    ],
    "audit_cosignature_one_of_each_witness": [
        (
            "INSERT INTO audit_cosignature (checkpoint, witness, line) VALUES (1, 'w', 'a')"
            "; INSERT INTO audit_cosignature (checkpoint, witness, line) VALUES (1, 'w', 'b')"
        )
    ],
    "audit_tombstone_waits_six_months_at_least": [
        f"INSERT INTO audit_tombstone (rule, before, count, note) VALUES ('use-entries', {before}, 0, '')"
        for before in ("now()", "now() - interval '182 days'", "now() + interval '1 day'")
    ],
    "audit_strength_is_one_that_there_is": ["UPDATE audit_strength SET name = 'none'"],
    "audit_strength_is_one": ["INSERT INTO audit_strength (name, since) VALUES ('sealed', now())"],
    # field history
    "auditlog_logentry_action_check": [again("auditlog_logentry", **NEW_ID, action="-1")],
    "auditlog_logentry_stores_no_address": [
        again("auditlog_logentry", **NEW_ID, remote_addr="'203.0.113.77'"),
        again("auditlog_logentry", **NEW_ID, remote_port="443"),
    ],
    "auditlog_logentry_remote_port_check": [again("auditlog_logentry", **NEW_ID, remote_port="-1")],
}
"""
Constraint → statements that it refuses; where one is several, the last. Run by the owner, who is held to them as the
application is.
"""


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        pytest.param(name, statement, id=f"{name}-{number}")
        for name, statements in CONSTRAINTS.items()
        for number, statement in enumerate(statements, 1)
    ],
)
def test_what_it_forbids_is_refused(sent: Sent, constraint: str, statement: str) -> None:
    values = parties(sent)
    *before, forbidden = statement.split("; ")
    with session(OWNER) as cursor:
        for each in before:
            cursor.execute(each, values)
        error = refusal(cursor, forbidden, values)
        assert (error.sqlstate in (CHECKED, TAKEN), error.diag.constraint_name) == (True, constraint)


ENTRIES: dict[str, list[dict[str, Any]]] = {
    "audit_entry_outcome_is_done_or_refused": [{"outcome": "maybe"}, {"outcome": ""}],
    "audit_entry_refusal_has_a_code": [
        {"outcome": "refused"},
        {"outcome": "refused", "refusal": ""},
        {"outcome": "done", "refusal": "not-found"},
    ],
    "audit_entry_a_look_names_its_case": [
        {"action": "audit.inspect"},
        {"action": "audit.inspect", "detail": '{"case_number": "", "case_reason": ""}'},
        *({"action": f"audit.{look}"} for look in ("findings", "export", "download")),
    ],
    "audit_entry_can_be_checked_by_anyone": [
        {"on_behalf_of": "x" * 1_000_000},
        {"categories": [["reason"], ["needs"]]},
        {"categories": ["reason", None]},
        {"result_ids": [[UUID(int=0)], [UUID(int=1)]]},
        {"result_ids": [None, UUID(int=0)]},
        {"changes": "x"},
        {"criterion": "0" * 63},
        {"criterion": "0" * 64 + "\n"},
        {"basis_version": -1},
        {"consent_version": -1},
    ],
    "audit_entry_detail_is_flat_text": [
        {"detail": '{"name": 1}'},
        {"detail": '{"name": true}'},
        {"detail": '{"name": null}'},
        {"detail": '{"name": {"inner": "text"}}'},
        {"detail": '{"name": ["text"]}'},
        {"detail": '{"name": []}'},
        {"detail": '{"name": [["text"]]}'},
        {"detail": '{"other": "text", "name": ["text", "text"]}'},
        {"detail": '{"Name": "text"}'},
        {"detail": '{"name 1": "text"}'},
        {"detail": '{"": "text"}'},
        {"detail": '{"æ": "text"}'},
        {"detail": '{"name\\n": "text"}'},
        {"detail": '{"' + "n" * 41 + '": "text"}'},
    ],
}
"""Constraint of the ledger → what the application may not write into an entry."""


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [pytest.param(name, columns, id=f"{name}-{columns}") for name, each in ENTRIES.items() for columns in each],
)
def test_an_entry_that_breaks_it_is_not_written(sent: Sent, constraint: str, columns: dict[str, Any]) -> None:
    entry = {**ENTRY, **columns}
    with session(APP) as cursor:
        error = refusal(cursor, insert_entry(entry), entry)
        assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, constraint)


@pytest.mark.parametrize("detail", ["[]", "null", '"text"', "1", '[{"name": "text"}]'])
def test_an_entrys_detail_is_an_object(sent: Sent, detail: str) -> None:
    with session(APP) as cursor:
        assert refused(cursor, insert_entry(ENTRY), {**ENTRY, "detail": detail}) in (CHECKED, "22023")


@pytest.mark.parametrize("column", sorted(set(ENTRY) - {"actor_agency", "basis_version", "consent", "consent_version"}))
def test_an_entrys_text_is_empty_and_never_null(sent: Sent, column: str) -> None:
    """Null and empty would be two ways to write the same bytes."""
    with session(APP) as cursor:
        assert refused(cursor, insert_entry(ENTRY), {**ENTRY, column: None}) == "23502"


def event_from_the_future(sent: Sent) -> tuple[str, list[str]]:
    """Return the statement that withdraws tomorrow, registered a year ago; and asks what became of it."""
    statement = (
        "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, method, evidence_hash, "
        "registered_by_id) VALUES (%s, 2, 'withdrawn', now() + interval '1 day', now() - interval '1 year', 'oral', "
        "'', %s) RETURNING at <= registered_at, registered_at > now() - interval '1 minute'"
    )
    return statement, [sent.consent, sent.sending]


STAMPED = {
    "consent_event_is_registered_after_it_happened",
    "referrals_attachment_size_check",
    "referrals_task_version_check",
}
"""What no caller can break any more: a trigger, or a stricter constraint, speaks first."""


def test_a_consents_events_are_registered_by_the_databases_clock(sent: Sent) -> None:
    with session(APP) as cursor:
        cursor.execute(*event_from_the_future(sent))
        assert cursor.fetchone() == (True, True)


def test_these_are_all_the_constraints_there_are(sent: Sent) -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint "
            "WHERE contype IN ('c', 'u', 'x') AND conrelid::regclass::text ~ %(ours)s "
            "UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND NOT indisprimary "
            "AND indrelid::regclass::text ~ %(ours)s",
            {"ours": "^(agencies|audit|auditlog|consent|referrals)_"},
        )
        assert {name for (name,) in cursor} == {*CONSTRAINTS, *ENTRIES, *STAMPED}


REFERENCES = [
    ("referrals_referral", "sender_id"),
    ("referrals_referral", "subject_id"),
    ("referrals_referral", "consent_id"),
    ("referrals_referral", "parent_id"),
]


@pytest.mark.parametrize(("table", "column"), REFERENCES)
def test_a_referral_refers_to_what_is_there(sent: Sent, table: str, column: str) -> None:
    with session(OWNER) as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        change = f"UPDATE {table} SET {column} = %s, responsible_id = recipient_id WHERE id = %s"
        assert refused(cursor, change, [uuid4(), sent.referral]) == "23503"
