"""
What the attacks share: a session of each role, raw SQL in it, and how a refusal is recognised.

An attack runs in a session of its own that is rolled back, so that one which succeeds harms no other test.
"""

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
    ("agencies_selfgoverningapproval", "agencies_approval_append_only"),
    ("agencies_selfgoverningapproval", "agencies_approval_is_by_another"),
    ("agencies_selfgoverningapproval", "agencies_approval_is_followed"),
    ("agencies_selfgoverningclaim", "agencies_claim_is_followed"),
    ("agencies_selfgoverningclaim", "agencies_claim_is_kept"),
    ("agencies_selfgoverningclaim", "agencies_claim_is_never_edited"),
    ("audit_entry", "audit_entry_stamp"),
    ("audit_entry", "audit_entry_queue"),
    ("audit_entry", "audit_entry_append_only"),
    ("auditlog_logentry", "auditlog_logentry_append_only"),
    ("consent_consentevent", "consent_event_append_only"),
    ("consent_consentevent", "consent_event_follows"),
    ("consent_consentevent", "consent_event_is_stamped"),
    ("consent_consent", "consent_consent_is_followed_not_edited"),
    ("consent_consent", "consent_consent_is_whole"),
    ("consent_legalbasis", "consent_basis_is_followed_not_edited"),
    ("consent_legalbasis", "consent_basis_is_not_emptied"),
    ("consent_notice", "consent_notice_is_never_rewritten"),
    ("referrals_referral", "referrals_referral_keeps_its_parties"),
    ("referrals_referral", "referrals_referral_stays_submitted"),
    ("referrals_referral", "referrals_referral_endangered_is_notified"),
    ("referrals_section", "referrals_section_is_not_emptied"),
    ("referrals_section", "referrals_section_only_drafts_change"),
    ("referrals_task", "referrals_task_is_stamped"),
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


@dataclass(frozen=True)
class Sent:
    """A submitted referral and a draft, with the parties to both."""

    exchange: Exchange
    sender: Caller
    referral: str
    draft: str
    consent: str
    subject: str

    @property
    def sending(self) -> str:
        return self.exchange.municipality.id

    @property
    def receiving(self) -> str:
        return self.exchange.centre.id


def send(exchange: Exchange) -> Sent:
    """Submit a referral on a consent, and leave another as a draft."""
    sender = exchange.municipality.as_("caseworker")
    made = sender.create(referral_body(exchange.centre))
    draft = sender.create(referral_body(exchange.centre, submit=False))
    assert (made.status, draft.status) == (201, 201), (made, draft)
    basis, subject = made.body["basis"], made.body["subject"]
    return Sent(exchange, sender, made.body["id"], draft.body["id"], basis["consent_id"], subject["id"])
