"""
What the attacks share: a session of each role, raw SQL in it, and how a refusal is recognised.

An attack runs in a session of its own that is rolled back, so that one which succeeds harms no other test.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from psycopg.pq import TransactionStatus

from config import embedded_postgres
from tests.exchange import Caller, Exchange, referral_body

APP, OWNER, SEALER, READER, SUPERUSER = "udvej_app", "udvej_owner", "udvej_sealer", "udvej_reader", "postgres"

DENIED = "42501"
"""insufficient_privilege: the role may not."""

APPEND_ONLY = "23001"
"""restrict_violation: nobody may; raised by a trigger."""

CHECKED = "23514"
TAKEN = "23505"
NOT_RELEASED = "UD001"
CONSENT_ENDED = "UD002"

TRIGGERS = [
    ("agencies_agency", "agencies_agency_self_governing_follows_from_claims"),
    ("agencies_attempt", "agencies_attempt_append_only"),
    ("agencies_delivery", "agencies_delivery_is_kept"),
    ("agencies_endpoint", "agencies_endpoint_is_kept"),
    ("agencies_event", "agencies_event_is_kept"),
    ("agencies_event", "agencies_event_is_never_edited"),
    ("agencies_selfgoverningapproval", "agencies_approval_append_only"),
    ("agencies_selfgoverningapproval", "agencies_approval_is_by_another"),
    ("agencies_selfgoverningapproval", "agencies_approval_is_followed"),
    ("agencies_selfgoverningclaim", "agencies_claim_is_followed"),
    ("agencies_selfgoverningclaim", "agencies_claim_is_kept"),
    ("agencies_selfgoverningclaim", "agencies_claim_is_never_edited"),
    ("audit_checkpoint", "audit_checkpoint_append_only"),
    ("audit_checkpoint", "audit_checkpoint_guard"),
    ("audit_cosignature", "audit_cosignature_append_only"),
    ("audit_cosignature", "audit_cosignature_stamp"),
    ("audit_entry", "audit_entry_append_only"),
    ("audit_entry", "audit_entry_prune_guard"),
    ("audit_entry", "audit_entry_queue"),
    ("audit_entry", "audit_entry_stamp"),
    ("audit_leaf", "audit_leaf_append_only"),
    ("audit_leaf", "audit_leaf_guard"),
    ("audit_logkey", "audit_logkey_append_only"),
    ("audit_logkey", "audit_logkey_stamp"),
    ("audit_pending", "audit_pending_append_only"),
    ("audit_pending", "audit_pending_guard"),
    ("audit_removed", "audit_removed_append_only"),
    ("audit_removed", "audit_removed_guard"),
    ("audit_tile", "audit_tile_append_only"),
    ("audit_tile", "audit_tile_guard"),
    ("audit_tombstone", "audit_tombstone_append_only"),
    ("audit_tombstone", "audit_tombstone_stamp"),
    ("auditlog_logentry", "auditlog_logentry_append_only"),
    ("consent_consent", "consent_consent_is_followed_not_edited"),
    ("consent_consent", "consent_consent_is_whole"),
    ("consent_consentevent", "consent_event_append_only"),
    ("consent_consentevent", "consent_event_follows"),
    ("consent_consentevent", "consent_event_is_stamped"),
    ("consent_identifier", "consent_identifier_is_of_a_known_person"),
    ("consent_legalbasis", "consent_basis_is_followed_not_edited"),
    ("consent_legalbasis", "consent_basis_is_not_emptied"),
    ("consent_notice", "consent_notice_is_never_rewritten"),
    ("consent_shared", "consent_shared_append_only"),
    ("consent_subject", "consent_subject_is_linked_to_its_own"),
    ("consent_subject", "consent_subject_stays"),
    ("referrals_attachment", "referrals_attachment_append_only"),
    ("referrals_attachment", "referrals_attachment_is_its_partys"),
    ("referrals_attachment", "referrals_attachment_of_nobody_names_nobody"),
    ("referrals_breakglass", "referrals_breakglass_alerts_its_owner"),
    ("referrals_breakglass", "referrals_breakglass_is_not_emptied"),
    ("referrals_breakglass", "referrals_breakglass_is_only_reviewed"),
    ("referrals_breakglass", "referrals_breakglass_is_stamped"),
    ("referrals_deadlinenotice", "referrals_deadlinenotice_append_only"),
    ("referrals_deadlinenotice", "referrals_deadlinenotice_is_stamped"),
    ("referrals_export", "referrals_export_append_only"),
    ("referrals_referral", "referrals_referral_endangered_is_notified"),
    ("referrals_referral", "referrals_referral_keeps_its_parties"),
    ("referrals_referral", "referrals_referral_number_has_a_ground"),
    ("referrals_referral", "referrals_referral_stays_at_home"),
    ("referrals_referral", "referrals_referral_stays_submitted"),
    ("referrals_section", "referrals_section_is_not_emptied"),
    ("referrals_section", "referrals_section_number_has_a_ground"),
    ("referrals_section", "referrals_section_of_nobody_names_nobody"),
    ("referrals_section", "referrals_section_only_drafts_change"),
    ("referrals_task", "referrals_task_is_not_emptied"),
    ("referrals_task", "referrals_task_is_only_done"),
    ("referrals_task", "referrals_task_is_stamped"),
    ("referrals_withholding", "referrals_withholding_append_only"),
    ("referrals_withholding", "referrals_withholding_is_stamped"),
]
"""Every trigger of ours, with its table. Each is enabled always."""

ENTRY: dict[str, Any] = {
    "action": "test.attempt",
    "actor_agency": None,
    "actor_client": "",
    "actor_user": "",
    "on_behalf_of": "",
    "role": "",
    "subject_kind": "",
    "subject_id": "",
    "purpose": "",
    "basis": "",
    "basis_version": None,
    "consent": None,
    "consent_version": None,
    "categories": [],
    "outcome": "done",
    "refusal": "",
    "result_ids": [],
    "criterion": "",
    "correlation": UUID(int=0),
    "request_id": "",
    "changes": "",
    "detail": "{}",
}
"""An entry as the application's role writes one: the columns it may choose, and no other."""


@contextmanager
def session(role: str, *, replica: bool = False) -> Iterator[psycopg.Cursor[Any]]:
    """
    Open a session of a role, rolled back at the end. `replica` gives it replica mode, in which only a trigger that is
    always enabled fires; no role of ours can reach that mode, so a superuser goes there first and becomes the role.
    """
    url = embedded_postgres.locate(settings.CLUSTER).url(SUPERUSER if replica else role, "test")
    opened = psycopg.connect(url, options="-c statement_timeout=20s -c lock_timeout=10s")
    try:
        with opened.cursor() as cursor:
            if replica:
                cursor.execute("SET session_replication_role = replica")
                cursor.execute(f"SET ROLE {role}")
            yield cursor
    finally:
        if opened.info.transaction_status is not TransactionStatus.ACTIVE:  # as it is in a COPY that was let through
            opened.rollback()
        opened.close()


def refused(cursor: Any, statement: str, values: Any = None) -> str:
    """Return the SQLSTATE with which the database refuses a statement; fails where it carries it out."""
    return str(refusal(cursor, statement, values).sqlstate)


def refusal(cursor: Any, statement: str, values: Any = None) -> psycopg.Error:
    """Return the error with which the database refuses a statement; fails where it carries it out."""
    with pytest.raises((psycopg.Error, DatabaseError)) as caught:
        cursor.execute(statement, values)
    error = caught.value if isinstance(caught.value, psycopg.Error) else caught.value.__cause__
    assert isinstance(error, psycopg.Error)
    return error


def one(cursor: Any) -> tuple[Any, ...]:
    """Return the only row of what was just asked."""
    (row,) = cursor.fetchall()
    return tuple(row)


def rows(statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    """Return what the application's role gets for a statement, each in a transaction of its own."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def insert_entry(columns: Mapping[str, Any], *, returning: str = "id") -> str:
    """Return the statement that inserts an entry with these columns, each bound by name."""
    names = ", ".join(columns)
    values = ", ".join(f"%({name})s" for name in columns)
    return f"INSERT INTO audit_entry ({names}) VALUES ({values}) RETURNING {returning}"


def write_entry(**changes: Any) -> UUID:
    """Commit an entry by raw SQL as the application's role, and return its id."""
    columns = {**ENTRY, "correlation": uuid4(), **changes}
    return UUID(str(rows(insert_entry(columns), columns)[0][0]))


def member(agency: str | None, role: str = "coordinator", number: int = 1) -> str:
    """Return the account of an agency's active member in a role, as an entry names it; empty where it has none."""
    question = (
        "SELECT user_id::text FROM agencies_membership WHERE agency_id = %s AND role = %s AND active ORDER BY staff_id"
    )
    found = rows(question, [agency, role]) if agency else []
    return str(found[number - 1][0]) if found else ""


def version_of(referral: str) -> str:
    """Return the version that a referral has now, as an entry tells it."""
    found = rows("SELECT version::text FROM referrals_referral WHERE id = %s", [referral])
    return str(found[0][0]) if found else "1"


def naming(referral: str, agency: str | None, *categories: str, **changes: Any) -> dict[str, Any]:
    """Return an entry that names what is to be shown of a referral, and to whom, as the product would write it."""
    named = {
        "action": "referral.disclose",
        "actor_agency": agency,
        "actor_user": member(agency),
        "role": "coordinator",
        "subject_kind": "referral",
        "subject_id": referral,
        "purpose": "exit_support",
        "categories": [*categories],
        "detail": json.dumps({"version": version_of(referral)}),
    }
    return {**ENTRY, "correlation": uuid4(), **named, **changes}


def entry_for(referral: str, agency: str | None, *categories: str, **changes: Any) -> UUID:
    """Commit an entry that names what is to be shown of a referral, and to whom."""
    return write_entry(**naming(referral, agency, *categories, **changes))


RELEASE = "SELECT category FROM referrals_release(%s, %s, %s)"


def released(entry: UUID | None, agency: str | None, referral: str) -> list[str]:
    """Return the categories that the database releases of a referral for an entry."""
    return [category for (category,) in rows(RELEASE, [entry, agency, referral])]


def withheld(entry: UUID | None, agency: str | None, referral: str | None) -> str:
    """Return the SQLSTATE with which the database withholds what an entry names."""
    with connection.cursor() as cursor:
        return refused(cursor, RELEASE, [entry, agency, referral])


def given(cursor: Any, statement: str, values: Any = None) -> list[Any]:
    """Return the first column of what a statement gives in a session."""
    cursor.execute(statement, values)
    return [row[0] for row in cursor.fetchall()]


def another_consent(cursor: Any, consent: str, *, subject: str | None = None, **changed: Any) -> str:
    """Insert a consent like this one, of the same person, with other terms; given yesterday, for a year."""
    row = {"subject_id": subject, **{name: _plain(value) for name, value in changed.items()}}
    made = given(
        cursor,
        "INSERT INTO consent_consent SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), "
        "'idempotency_key', gen_random_uuid(), 'version', 1) || jsonb_strip_nulls(%s::jsonb))).* "
        "FROM consent_consent c WHERE id = %s RETURNING id",
        [json.dumps(row), consent],
    )
    follow(cursor, str(made[0]), "given")
    return str(made[0])


def follow(cursor: Any, consent: str, kind: str, *, until: str = "now() + interval '1 year'") -> None:
    """Insert the next event of a consent; `until` is SQL, and counts where the event gives something."""
    expires_at = until if kind in ("given", "renewed") else "NULL"
    cursor.execute(
        "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, "
        "evidence_hash, registered_by_id) SELECT id, 1 + (SELECT count(*) FROM consent_consentevent WHERE "
        f"consent_id = c.id), %s, now() - interval '1 day', now(), {expires_at}, 'oral', '', registered_by_id "
        "FROM consent_consent c WHERE id = %s",
        [kind, consent],
    )
    assert cursor.rowcount == 1


def another_basis(cursor: Any, code: str = "SAMTYKKE-TAVSHED", **changed: Any) -> int:
    """Insert a version of a legal basis with other terms, and return its id."""
    row = {name: _plain(value) for name, value in changed.items()}
    (made,) = given(
        cursor,
        "INSERT INTO consent_legalbasis SELECT (jsonb_populate_record(b, jsonb_build_object('id', "
        "(SELECT max(id) + 1000 FROM consent_legalbasis), 'version', 900) || %s::jsonb)).* "
        "FROM consent_legalbasis b WHERE code = %s AND version < 900 ORDER BY version DESC LIMIT 1 RETURNING id",
        [json.dumps(row), code],
    )
    return int(made)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool | list) else str(value)


@dataclass(frozen=True)
class Sent:
    """A submitted referral and a draft, with the parties to both; and somebody anonymous."""

    exchange: Exchange
    sender: Caller
    referral: str
    draft: str
    consent: str
    subject: str
    anonymous: str

    @property
    def sending(self) -> str:
        return self.exchange.municipality.id

    @property
    def receiving(self) -> str:
        return self.exchange.centre.id


def send(exchange: Exchange, **changes: Any) -> Sent:
    """Submit a referral on a consent, leave another as a draft, and register somebody anonymous."""
    sender = exchange.municipality.as_("caseworker")
    made = sender.create(referral_body(exchange.centre, **changes))
    draft = sender.create(referral_body(exchange.centre, submit=False))
    nobody = sender.create({"subject": {"mode": "anonymous"}})
    assert (made.status, draft.status, nobody.status) == (201, 201, 201), (made, draft, nobody)
    basis, subject, anonymous = made.body["basis"], made.body["subject"], nobody.body["subject"]
    known = (basis["consent_id"], subject["id"], anonymous["id"])
    return Sent(exchange, sender, made.body["id"], draft.body["id"], *known)
