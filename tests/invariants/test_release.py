"""
Record first, then release: sealed content leaves the database for a committed, fresh, fitting entry and for no other.

The entries here are written by raw SQL, as SQL injected into the application would write them: the database alone
decides what they release.
"""

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from referrals import disclosure
from tests.exchange import Exchange
from tests.invariants.attempts import (
    APP,
    CONSENT_ENDED,
    ENTRY,
    NOT_RELEASED,
    Sent,
    insert_entry,
    one,
    refused,
    rows,
    send,
    session,
    write_entry,
)

RELEASE = "SELECT category FROM referrals_release(%s, %s)"
LOCK_REFUSED = "55P03"
NOTHING_NOW = (NOT_RELEASED, CONSENT_ENDED)
"""After a withdrawal over HTTP the referral has stopped as well as the consent; either is reason enough."""


def entry_for(referral: str, agency: str | None, *categories: str, **changes: Any) -> UUID:
    """Commit an entry that names what is to be shown of a referral, and to whom."""
    named = {"subject_kind": "referral", "subject_id": referral, "actor_agency": agency, "categories": [*categories]}
    return write_entry(**{"action": "referral.disclose", **named, **changes})


def released(entry: UUID, agency: str | None) -> list[str]:
    """Return the categories that the database releases for an entry."""
    return [category for (category,) in rows(RELEASE, [entry, agency])]


def withheld(entry: UUID | None, agency: str | None) -> str:
    """Return the SQLSTATE with which the database withholds what an entry names."""
    with connection.cursor() as cursor:
        return refused(cursor, RELEASE, [entry, agency])


@pytest.mark.parametrize(
    ("named", "out"),
    [
        (["status"], []),
        (["status", "reason"], ["reason"]),
        (["identity"], ["identity", "identity.cpr"]),
        (["reason", "needs"], ["needs", "reason"]),
        (["identity.cpr"], []),
        (["health"], []),
        ([], []),
    ],
)
def test_a_fresh_entry_releases_what_it_names_and_no_more(sent: Sent, named: list[str], out: list[str]) -> None:
    for agency in (sent.sending, sent.receiving):
        assert released(entry_for(sent.referral, agency, *named), agency) == out


def test_an_entry_releases_nothing_in_its_own_transaction(sent: Sent) -> None:
    """So nothing can be shown and then rolled back."""
    named = {"subject_kind": "referral", "subject_id": sent.referral, "actor_agency": sent.receiving}
    columns = {**ENTRY, **named, "categories": ["reason"]}
    with session(APP) as cursor:
        cursor.execute(insert_entry(columns), columns)
        (entry,) = one(cursor)
        assert refused(cursor, RELEASE, [entry, sent.receiving]) == NOT_RELEASED
    with session(APP) as cursor:
        cursor.execute("SAVEPOINT before")
        cursor.execute(insert_entry(columns), columns)
        (entry,) = one(cursor)
        cursor.execute("RELEASE SAVEPOINT before")
        assert refused(cursor, RELEASE, [entry, sent.receiving]) == NOT_RELEASED


def test_nor_in_another_while_its_own_is_still_open(sent: Sent) -> None:
    named = {"subject_kind": "referral", "subject_id": sent.referral, "actor_agency": sent.receiving}
    columns = {**ENTRY, **named, "categories": ["reason"]}
    with session(APP) as cursor:
        cursor.execute(insert_entry(columns), columns)
        (entry,) = one(cursor)
        assert withheld(entry, sent.receiving) == NOT_RELEASED


def test_an_entry_older_than_five_seconds_releases_nothing(sent: Sent) -> None:
    """Not even to a transaction that began while it was young."""
    entry = entry_for(sent.referral, sent.receiving, "reason")
    with session(APP) as cursor:
        cursor.execute(RELEASE, [entry, sent.receiving])
        assert cursor.fetchall() == [("reason",)]
        time.sleep(5.2)
        assert refused(cursor, RELEASE, [entry, sent.receiving]) == NOT_RELEASED
    assert withheld(entry, sent.receiving) == NOT_RELEASED


Forger = Callable[[Sent], tuple[UUID | None, str | None]]
FORGERIES: dict[str, Forger] = {
    "no entry at all": lambda sent: (uuid4(), sent.receiving),
    "no entry": lambda sent: (None, sent.receiving),
    "another party's entry": lambda sent: (entry_for(sent.referral, sent.sending, "reason"), sent.receiving),
    "a stranger's entry": lambda sent: (
        entry_for(sent.referral, sent.exchange.stranger.id, "reason"),
        sent.exchange.stranger.id,
    ),
    "an agency that is none": lambda sent: (entry_for(sent.referral, str(UUID(int=0)), "reason"), str(UUID(int=0))),
    "an entry that names no agency": lambda sent: (entry_for(sent.referral, None, "reason"), sent.receiving),
    "asked for by nobody": lambda sent: (entry_for(sent.referral, sent.receiving, "reason"), None),
    "by nobody and for nobody": lambda sent: (entry_for(sent.referral, None, "reason"), None),
    "a refused entry": lambda sent: (
        entry_for(sent.referral, sent.receiving, "reason", outcome="refused", refusal="not-found"),
        sent.receiving,
    ),
    "an entry about a consent": lambda sent: (
        entry_for(sent.referral, sent.receiving, "reason", subject_kind="consent"),
        sent.receiving,
    ),
    "an entry that shows it in a list": lambda sent: (
        write_entry(actor_agency=sent.receiving, subject_kind="inbox", result_ids=[UUID(sent.referral)]),
        sent.receiving,
    ),
    "a draft, to the agency it is meant for": lambda sent: (
        entry_for(sent.draft, sent.receiving, "reason"),
        sent.receiving,
    ),
    "a draft, to nobody": lambda sent: (entry_for(sent.draft, None, "reason"), None),
    "a referral that is not there": lambda sent: (entry_for(str(uuid4()), sent.receiving, "reason"), sent.receiving),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_entry_that_does_not_fit_releases_nothing(sent: Sent, forgery: str) -> None:
    assert withheld(*FORGERIES[forgery](sent)) == NOT_RELEASED


def test_what_was_entered_in_error_is_released_to_nobody(exchange: Exchange) -> None:
    sent = send(exchange)
    assert sent.sender.step(sent.referral, "mark-in-error", {"reason": "wrong_person"}).status == 200
    for agency in (sent.sending, sent.receiving):
        assert withheld(entry_for(sent.referral, agency, "reason"), agency) == NOT_RELEASED
        assert released(entry_for(sent.referral, agency, "status"), agency) == []


def withdraw(sent: Sent) -> Any:
    """Withdraw the referral's consent over HTTP, as the sender."""
    return sent.sender.post(f"consents/{sent.consent}/withdraw", {"method": "oral"}, If_Match='"1"')


def test_after_a_withdrawal_an_entry_made_before_it_releases_nothing(exchange: Exchange) -> None:
    sent = send(exchange)
    before = entry_for(sent.referral, sent.receiving, "reason")
    assert released(before, sent.receiving) == ["reason"]
    assert withdraw(sent).status == 200
    for entry in (before, entry_for(sent.referral, sent.receiving, "reason", "status")):
        assert withheld(entry, sent.receiving) in NOTHING_NOW
    assert released(entry_for(sent.referral, sent.sending, "reason"), sent.sending) == ["reason"]  # its own words


MEANWHILE: dict[str, Callable[[Sent], Any]] = {
    "the consent is withdrawn": withdraw,
    "the referral is withdrawn": lambda sent: sent.sender.step(
        sent.referral, "withdraw", {"reason": "subject_changed_mind"}
    ),
    "the referral is marked as an error": lambda sent: sent.sender.step(
        sent.referral, "mark-in-error", {"reason": "wrong_person"}
    ),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_what_ends_between_record_and_release_is_not_shown(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """The reader is answered as if it had ended before, and the second, lesser disclosure has an entry of its own."""
    sent = send(exchange)
    counsellor = exchange.centre.as_("counsellor")
    record, ended = disclosure._record, list[Any]()

    def record_then_end(referral_id: UUID, **options: Any) -> Any:
        release = record(referral_id, **options)
        if not ended and options["to"].staff_id == counsellor.staff_id:
            ended.append(None)
            ended[0] = MEANWHILE[meanwhile](sent)
        return release

    monkeypatch.setattr(disclosure, "_record", record_then_end)
    shown = counsellor.read(sent.referral)
    assert ended[0].status == 200
    assert (shown.status, shown.body.get("sections")) == (200, {}), shown
    said = rows(
        "SELECT categories FROM audit_entry WHERE subject_id = %s AND action = 'referral.disclose' "
        "AND on_behalf_of = %s ORDER BY id",
        [sent.referral, counsellor.staff_id],
    )
    assert [("reason" in categories) for (categories,) in said] == [True, False]


def test_the_outcome_goes_back_to_the_sender_only_while_the_consent_stands(exchange: Exchange) -> None:
    sent = send(exchange)
    assert released(entry_for(sent.referral, sent.sending, "outcome"), sent.sending) == []
    assert withdraw(sent).status == 200
    assert withheld(entry_for(sent.referral, sent.sending, "outcome"), sent.sending) == CONSENT_ENDED


def test_an_expired_consent_releases_nothing(exchange: Exchange) -> None:
    """Expiry needs no event of its own: the clock ends a consent."""
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.receiving, "reason")
    assert released(entry, sent.receiving) == ["reason"]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, "
            "evidence_hash, registered_by_id) SELECT consent_id, 2, 'renewed', at, now(), now(), method, '', "
            "registered_by_id FROM consent_consentevent WHERE consent_id = %s",
            [sent.consent],
        )
    assert withheld(entry, sent.receiving) == CONSENT_ENDED


def test_a_referral_on_a_consent_basis_without_its_consent_releases_nothing(exchange: Exchange) -> None:
    """Who may write a referral's header could else take its consent away, and the question whether it stands."""
    sent = send(exchange)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE referrals_referral SET consent_id = NULL WHERE id = %s", [sent.referral])
    assert withheld(entry_for(sent.referral, sent.receiving, "reason"), sent.receiving) == CONSENT_ENDED


def test_a_withdrawal_waits_for_a_release_under_way(exchange: Exchange) -> None:
    """The release locks the consent's row until its transaction ends; the withdrawal is acknowledged after that."""
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.receiving, "reason")
    answers: list[Any] = []
    with session(APP) as releasing:
        releasing.execute(RELEASE, [entry, sent.receiving])
        assert releasing.fetchall() == [("reason",)]
        with session(APP) as impatient:
            impatient.execute("SET lock_timeout = '100ms'")
            lock = "SELECT 1 FROM consent_consent WHERE id = %s FOR UPDATE"
            assert refused(impatient, lock, [sent.consent]) == LOCK_REFUSED
        withdrawing = _in_thread(lambda: answers.append(withdraw(sent)))
        withdrawing.join(0.4)
        assert withdrawing.is_alive()
        assert answers == []
    withdrawing.join(10)
    assert answers[0].status == 200
    assert withheld(entry, sent.receiving) in NOTHING_NOW


def test_a_withdrawal_under_way_stops_a_release(exchange: Exchange) -> None:
    """A release that meets a withdrawal waits for its end, and then sees it; also from an older snapshot."""
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.receiving, "reason")
    stopped: list[str] = []
    with session(APP) as withdrawing, session(APP) as snapshot:
        snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        snapshot.execute("SELECT count(*) FROM consent_consentevent WHERE consent_id = %s", [sent.consent])
        withdrawing.execute("SELECT 1 FROM consent_consent WHERE id = %s FOR UPDATE", [sent.consent])
        withdrawing.execute(
            "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, method, evidence_hash, "
            "registered_by_id) VALUES (%s, 2, 'withdrawn', now(), now(), 'oral', '', %s)",
            [sent.consent, sent.sending],
        )
        withdrawing.execute("UPDATE consent_consent SET version = 2 WHERE id = %s", [sent.consent])
        releasing = _in_thread(lambda: stopped.append(withheld(entry, sent.receiving)))
        releasing.join(0.4)
        assert releasing.is_alive()
        withdrawing.execute("COMMIT")
        releasing.join(10)
        assert stopped == [CONSENT_ENDED]
        assert refused(snapshot, RELEASE, [entry, sent.receiving]) == "40001"


def _in_thread(work: Callable[[], None]) -> threading.Thread:
    """Start work in a thread, which has a connection of its own and closes it."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
