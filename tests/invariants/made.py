"""Rows that an attack needs beside a referral, as statements: what SQL injected into the application could insert."""

from typing import Any

from tests.invariants.attempts import Sent, member

ROWS: dict[str, dict[str, str]] = {
    "consent_identifier": {
        "subject_id": "%(subject)s::uuid",
        "agency_id": "%(sending)s::uuid",
        "kind": "'cpr'",
        "digest": "'digest'",
        "told_in": "gen_random_uuid()",
    },
    "referrals_attachment": {
        "referral_id": "%(referral)s::uuid",
        "category": "'reason'",
        "media_type": "'image/png'",
        "size": "1",
        "scan_state": "'clean'",
        "about": "'about'::bytea",
        "sealed": "convert_to(repeat('x', 29), 'UTF8')",
        "written_by_id": "%(sending)s::uuid",
        "idempotency_key": "gen_random_uuid()::text",
        "body_hash": "''",
        "created_at": "now()",
    },
    "referrals_breakglass": {
        "referral_id": "%(referral)s::uuid",
        "agency_id": "%(receiving)s::uuid",
        "owner_id": "%(sending)s::uuid",
        "user_id": "%(reader)s::bigint",
        "staff_id": "(SELECT staff_id FROM agencies_membership WHERE user_id = %(reader)s::bigint)",
        "reason_code": "'acute_danger'",
        "explanation": "'why'::bytea",
        "categories": "'{reason,needs}'::varchar[]",
        "opened_at": "now()",
        "until": "now() + interval '30 minutes'",
        "reviewer_staff_id": "''",
        "verdict": "''",
        "idempotency_key": "gen_random_uuid()::text",
        "body_hash": "''",
    },
    "referrals_task": {
        "kind": "'notify_home_municipality'",
        "referral_id": "%(referral)s::uuid",
        "agency_id": "%(receiving)s::uuid",
        "opened_by_id": "%(sending)s::uuid",
        "opened_at": "now()",
        "due_by": "now()",
        "basis_id": "(SELECT min(id) FROM consent_legalbasis WHERE code = 'BL-133')",
        "categories": "'{reason,identity}'::varchar[]",
        "sealed": "'told'::bytea",
        "done_by_staff": "''",
        "done_reason": "''",
        "version": "1",
        "idempotency_key": "gen_random_uuid()::text",
        "body_hash": "''",
    },
    "referrals_withholding": {
        "subject_id": "%(subject)s::uuid",
        "agency_id": "%(sending)s::uuid",
        "ground": "'rhl_16'",
        "review_by": "current_date + 30",
        "stated_by_id": "%(sending)s::uuid",
        "staff_id": "'staff'",
        "stated_at": "now()",
        "idempotency_key": "gen_random_uuid()::text",
        "body_hash": "''",
    },
}
"""Table → column → what stands there where nothing else is said, as SQL."""


def making(table: str, **changed: str) -> str:
    """Return the statement that inserts a row with these columns changed; bound by `parties`."""
    columns = {**ROWS[table], **changed}
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())}"


def twice(table: str, **changed: str) -> str:
    """Return the statement that inserts two such rows."""
    return f"{making(table, **changed)} FROM generate_series(1, 2)"


def parties(sent: Sent) -> dict[str, Any]:
    """Return what the statements here are bound to: a referral, who sent it and who reads it."""
    return {
        "referral": sent.referral,
        "draft": sent.draft,
        "consent": sent.consent,
        "subject": sent.subject,
        "sending": sent.sending,
        "receiving": sent.receiving,
        "stranger": sent.exchange.stranger.id,
        "oversight": sent.exchange.oversight.id,
        "reader": member(sent.receiving),
        "colleague": member(sent.receiving, "caseworker"),
        "writer": member(sent.sending),
    }
