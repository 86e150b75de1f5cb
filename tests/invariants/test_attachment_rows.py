"""What raw SQL can't do with files: read what is sealed, change or remove one, or slip in one that does not fit."""

from typing import Any

import pytest
from django.db import connections

from tests.exchange import Exchange
from tests.invariants.attempts import APP, APPEND_ONLY, DENIED, OWNER, SUPERUSER, Sent, one, refused, send, session
from tests.referrals.files import attached

SIZE = 5
INSERT = (
    "INSERT INTO referrals_attachment (referral_id, category, media_type, size, scan_state, about, sealed, "
    "written_by_id, idempotency_key, body_hash, created_at) VALUES (%(referral)s, %(category)s, 'image/png', %(size)s, "
    "'clean', '', convert_to(repeat('x', %(length)s), 'UTF8'), %(by)s, %(key)s, '', now())"
)
SEAL = 12 + 16
"""The bytes of a nonce and of a tag (AES-GCM)."""


@pytest.fixture(scope="module")
def filed(django_db_setup: None) -> Sent:
    """A submitted referral with a file, and a draft with one."""
    sent = send(Exchange())
    for referral in (sent.referral, sent.draft):
        attached(sent.sender, referral)
    return sent


def columns(sent: Sent, **changes: Any) -> dict[str, Any]:
    """A row that would be taken as it is."""
    row = {"referral": sent.referral, "category": "needs", "size": SIZE, "length": SIZE + SEAL, "by": sent.sending}
    return {**row, "key": "a key of nobody's", **changes}


@pytest.mark.parametrize("column", ["about", "sealed"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT {0} FROM referrals_attachment",
        "SELECT count({0}) FROM referrals_attachment",
        "SELECT 1 FROM referrals_attachment WHERE {0} <> ''",
        "SELECT id FROM referrals_attachment ORDER BY {0}",
        "COPY (SELECT {0} FROM referrals_attachment) TO STDOUT",
        "INSERT INTO referrals_attachment SELECT * FROM referrals_attachment WHERE false RETURNING {0}",
        "SELECT t::text FROM referrals_attachment t",
    ],
)
def test_the_application_reads_nothing_that_is_sealed(filed: Sent, column: str, statement: str) -> None:
    with session(APP) as cursor:
        assert refused(cursor, statement.format(column)) == DENIED


CHANGES = [
    "UPDATE referrals_attachment SET scan_state = 'clean'",
    "UPDATE referrals_attachment SET category = 'outcome' WHERE false",
    "DELETE FROM referrals_attachment WHERE false",
    "TRUNCATE referrals_attachment",
    (
        "INSERT INTO referrals_attachment SELECT * FROM referrals_attachment WHERE false "
        "ON CONFLICT (id) DO UPDATE SET scan_state = 'clean'"
    ),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("role", "replica", "with_"),
    [(APP, False, DENIED), (OWNER, False, APPEND_ONLY), (OWNER, True, APPEND_ONLY), (SUPERUSER, True, APPEND_ONLY)],
)
def test_a_file_that_is_there_stays_as_it_is(filed: Sent, role: str, replica: bool, with_: str, change: str) -> None:
    with session(role, replica=replica) as cursor:
        assert refused(cursor, change) == with_


@pytest.mark.parametrize("role", [APP, OWNER])
def test_a_file_that_fits_is_taken(filed: Sent, role: str) -> None:
    """So that the attacks below fail for what they say and for nothing else."""
    for fitting in (
        columns(filed),
        columns(filed, referral=filed.draft),
        columns(filed, category="outcome", by=filed.receiving),
    ):
        with session(role) as cursor:
            cursor.execute(INSERT, fitting)
            assert cursor.rowcount == 1


MISPLACED = {
    "the recipient's, as content": lambda sent: columns(sent, by=sent.receiving),
    "the sender's, as outcome": lambda sent: columns(sent, category="outcome"),
    "a stranger's": lambda sent: columns(sent, by=sent.exchange.stranger.id),
    "a stranger's outcome": lambda sent: columns(sent, category="outcome", by=sent.exchange.stranger.id),
    "the later recipient's, on a draft": lambda sent: columns(
        sent, referral=sent.draft, category="outcome", by=sent.receiving
    ),
    "shorter than its row says": lambda sent: columns(sent, length=SIZE + SEAL - 1),
    "longer than its row says": lambda sent: columns(sent, length=SIZE + SEAL + 1),
    "not sealed at all": lambda sent: columns(sent, length=SIZE),
    "of no referral": lambda sent: columns(sent, referral="00000000-0000-7000-8000-000000000000"),
}


@pytest.mark.parametrize("attack", MISPLACED)
@pytest.mark.parametrize(("role", "replica"), [(APP, False), (OWNER, True), (SUPERUSER, True)])
def test_a_file_that_does_not_fit_is_not_taken(filed: Sent, role: str, replica: bool, attack: str) -> None:
    with session(role, replica=replica) as cursor:
        assert refused(cursor, INSERT, MISPLACED[attack](filed)) == APPEND_ONLY


@pytest.mark.parametrize(
    "status", ["completed", "rejected", "withdrawn", "consent_withdrawn", "entered_in_error", "taken_over_by_police"]
)
def test_nor_is_one_that_comes_too_late(filed: Sent, status: str) -> None:
    with session(OWNER) as cursor:
        cursor.execute(
            "UPDATE referrals_referral SET status = %s, screening = 'cleared' WHERE id = %s", [status, filed.referral]
        )
        for late in (columns(filed), columns(filed, category="outcome", by=filed.receiving)):
            cursor.execute("SAVEPOINT before")
            assert refused(cursor, INSERT, late) == APPEND_ONLY
            cursor.execute("ROLLBACK TO before")


def test_nor_is_one_of_an_anonymous_case(filed: Sent) -> None:
    made = filed.sender.create({"subject": {"mode": "anonymous"}, "basis": {"code": "ANON"}})
    assert made.status == 201
    with session(APP) as cursor:
        assert refused(cursor, INSERT, columns(filed, referral=made.body["id"])) == APPEND_ONLY


def test_a_file_is_stored_sealed_and_for_its_own_place_alone(filed: Sent) -> None:
    """Neither name nor content is there in the clear, and the two are sealed apart."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT octet_length(sealed) - size, position('%%PDF' IN encode(sealed, 'escape')), "
            "position('file_name' IN encode(about, 'escape')) FROM referrals_attachment WHERE referral_id = %s",
            [filed.referral],
        )
        assert one(cursor) == (SEAL, 0, 0)
