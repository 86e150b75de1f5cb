"""
A withdrawal and a release meet at the consent's row: whoever comes second waits, and then sees what the first has done.

Nothing here sleeps: a test goes on when the database says who waits for whom.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.exchange import Exchange
from tests.invariants.attempts import (
    APP,
    CONSENT_ENDED,
    NOT_RELEASED,
    RELEASE,
    Sent,
    entry_for,
    given,
    refused,
    send,
    session,
    withheld,
)

LOCKED_OUT = "SELECT 1 FROM {0} WHERE id = %s FOR UPDATE"
WITHDRAWN = (
    "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, method, evidence_hash, "
    "registered_by_id) VALUES (%s, 2, 'withdrawn', now(), now(), 'oral', '', %s)"
)


def withdraw(sent: Sent) -> Any:
    """Withdraw the referral's consent over HTTP, as the sender."""
    return sent.sender.post(f"consents/{sent.consent}/withdraw", {"method": "oral"}, If_Match='"1"')


@contextmanager
def in_thread(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Do some work in a thread with a connection of its own; what it returns is in the list at the end of the block."""
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        thread.join(20)
        assert not thread.is_alive()


def until_somebody_waits_for(cursor: Any) -> None:
    """Return once another session waits for a lock of this one; fails after as long as the server lets one wait."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    started = "SELECT clock_timestamp() - %s < interval '8 seconds'"
    with session(APP) as watching:
        (began,) = given(watching, "SELECT clock_timestamp()")
        while given(watching, started, [began]) == [True]:
            if given(watching, blocked, [cursor.connection.info.backend_pid]) != [0]:
                return
            watching.execute("COMMIT")
    pytest.fail("nobody waits")


def refused_a_lock(table: str, row: str) -> bool:
    """Say whether somebody holds a row against a change."""
    with session(APP) as impatient:
        try:
            impatient.execute(LOCKED_OUT.format(table) + " NOWAIT", [row])
        except psycopg.errors.LockNotAvailable:
            return True
        return False


def test_a_withdrawal_waits_for_a_release_under_way(exchange: Exchange) -> None:
    """The release locks the consent's row until its transaction ends; the withdrawal is acknowledged after that."""
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.receiving, "reason")
    with session(APP) as releasing:
        assert given(releasing, RELEASE, [entry, sent.receiving, sent.referral]) == ["reason"]
        assert refused_a_lock("consent_consent", sent.consent)
        assert refused_a_lock("referrals_referral", sent.referral)
        with in_thread(lambda: withdraw(sent)) as answers:
            until_somebody_waits_for(releasing)
            assert answers == []
            releasing.execute("COMMIT")
    assert answers[0].status == 200
    assert withheld(entry, sent.receiving, sent.referral) in (NOT_RELEASED, CONSENT_ENDED)


def test_a_withdrawal_under_way_stops_a_release(exchange: Exchange) -> None:
    """A release that meets a withdrawal waits for its end, and then sees it; also from an older snapshot."""
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.receiving, "reason")
    with session(APP) as withdrawing, session(APP) as snapshot:
        snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        snapshot.execute("SELECT count(*) FROM consent_consentevent WHERE consent_id = %s", [sent.consent])
        withdrawing.execute(LOCKED_OUT.format("consent_consent"), [sent.consent])
        withdrawing.execute(WITHDRAWN, [sent.consent, sent.sending])
        withdrawing.execute("UPDATE consent_consent SET version = 2 WHERE id = %s", [sent.consent])
        with in_thread(lambda: withheld(entry, sent.receiving, sent.referral)) as stopped:
            until_somebody_waits_for(withdrawing)
            assert stopped == []
            withdrawing.execute("COMMIT")
        assert stopped == [CONSENT_ENDED]
        assert refused(snapshot, RELEASE, [entry, sent.receiving, sent.referral]) == "40001"


def test_a_withdrawal_that_is_given_up_stops_nothing(exchange: Exchange) -> None:
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.receiving, "reason")
    with session(APP) as withdrawing, session(APP) as releasing:
        withdrawing.execute(LOCKED_OUT.format("consent_consent"), [sent.consent])
        withdrawing.execute(WITHDRAWN, [sent.consent, sent.sending])
        asked = [entry, sent.receiving, sent.referral]
        with in_thread(lambda: given(releasing, RELEASE, asked)) as shown:
            until_somebody_waits_for(withdrawing)
            withdrawing.execute("ROLLBACK")
        assert shown == [["reason"]]


def test_two_readers_do_not_wait_for_each_other(exchange: Exchange) -> None:
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.receiving, "reason")
    asked = [entry, sent.receiving, sent.referral]
    with session(APP) as one, session(APP) as other:
        other.execute("SET lock_timeout = '100ms'")
        assert given(one, RELEASE, asked) == given(other, RELEASE, asked) == ["reason"]


def test_what_the_sender_wrote_itself_waits_for_no_consent(exchange: Exchange) -> None:
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.sending, "reason")
    with session(APP) as withdrawing, session(APP) as reading:
        withdrawing.execute(LOCKED_OUT.format("consent_consent"), [sent.consent])
        reading.execute("SET lock_timeout = '100ms'")
        assert given(reading, RELEASE, [entry, sent.sending, sent.referral]) == ["reason"]


AMENDED = {"reason": "corrected", "sections": {"needs": {"codes": ["debt"]}}}


def test_an_amendment_locks_the_consent_before_the_referral_as_a_reader_does(exchange: Exchange) -> None:
    """In another order, a reader that has the one and an amendment that has the other would wait for each other."""
    sent = send(exchange, consent={"categories": ["reason", "identity", "contact", "needs"]})
    etag = sent.sender.read(sent.referral).etag
    path = f"referrals/{sent.referral}/amendments"

    def amend() -> Any:
        return sent.sender.create(AMENDED, path=path, If_Match=etag)

    with session(APP) as reading:
        reading.execute("SELECT 1 FROM consent_consent WHERE id = %s FOR SHARE", [sent.consent])
        with in_thread(amend) as answers:
            until_somebody_waits_for(reading)
            reading.execute("SET lock_timeout = '500ms'")
            reading.execute("SELECT 1 FROM referrals_referral WHERE id = %s FOR SHARE", [sent.referral])
            reading.execute("COMMIT")
    assert answers[0].status in (200, 201), answers
