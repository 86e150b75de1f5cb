"""What a disclosure locks stays locked until its answer is ready: a withdrawal is acknowledged after it, not before."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from rest_framework.renderers import JSONRenderer
from rest_framework.test import APIClient

from audit import log
from audit.facts import Refusal
from config import embedded_postgres
from tests.exchange import Exchange
from tests.invariants.attempts import CONSENT_ENDED, NOT_RELEASED, Sent, entry_for, rows, send, withheld
from tests.invariants.test_consent_lock import in_thread, refused_a_lock, until_somebody_waits_for, withdraw


class Broken(Exception):  # noqa: N818 - what it is
    """Something that goes wrong while an answer is made."""


def while_rendering(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Let something happen while the next answer is rendered, and then render it."""
    render, once = JSONRenderer.render, [do]

    def rendered(self: JSONRenderer, *told: Any, **options: Any) -> Any:
        if once:
            once.pop()()
        return render(self, *told, **options)

    monkeypatch.setattr(JSONRenderer, "render", rendered)


def nothing_is_held(sent: Sent) -> bool:
    return not (
        connection.in_atomic_block
        or refused_a_lock("consent_consent", sent.consent)
        or refused_a_lock("referrals_referral", sent.referral)
    )


def test_while_an_answer_is_rendered_the_consent_is_not_withdrawn(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send(exchange)
    seen = []

    def look() -> None:
        seen.append((refused_a_lock("consent_consent", sent.consent), connection.in_atomic_block))

    while_rendering(monkeypatch, look)
    told = exchange.centre.as_("coordinator").read(sent.referral)
    assert (told.status, "reason" in told.body["sections"]) == (200, True)
    assert seen == [(True, True)]
    assert nothing_is_held(sent)


def test_a_withdrawal_meanwhile_is_acknowledged_after_the_answer(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send(exchange)
    coordinator = exchange.centre.as_("coordinator")
    assert coordinator.read(sent.referral).status == 200
    order: list[str] = []
    started = []

    def begin() -> None:
        started.append(in_thread(lambda: order.append(f"withdrawn {withdraw(sent).status}")))
        started[0].__enter__()
        with connection.cursor() as cursor:
            until_somebody_waits_for(cursor)
        order.append("rendered")

    while_rendering(monkeypatch, begin)
    told = coordinator.read(sent.referral)
    assert "reason" in told.body["sections"]
    started[0].__exit__(None, None, None)
    assert order == ["rendered", "withdrawn 200"]
    assert "reason" not in coordinator.read(sent.referral).body["sections"]
    assert nothing_is_held(sent)


def test_an_answer_that_breaks_while_it_is_rendered_lets_go(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send(exchange)

    def fail() -> None:
        assert refused_a_lock("consent_consent", sent.consent)
        raise Broken

    while_rendering(monkeypatch, fail)
    with pytest.raises(Broken):
        exchange.centre.as_("coordinator").read(sent.referral)
    assert nothing_is_held(sent)
    assert withdraw(sent).status == 200


def test_an_answer_whose_locks_are_lost_is_not_given_and_says_why(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database dies after the release: a withdrawal may have been acknowledged since, so nothing is shown."""
    sent = send(exchange)

    def die() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (session,) = cursor.fetchone()
        with psycopg.connect(embedded_postgres.locate(settings.CLUSTER).url("postgres", "test")) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [session])

    while_rendering(monkeypatch, die)
    coordinator = exchange.centre.as_("coordinator")
    headers = {"Authorization": f"Bearer {coordinator.party.token}", "On-Behalf-Of": coordinator.staff_id}
    client = APIClient(raise_request_exception=False, headers=headers)
    answer = client.get(f"/api/v1/referrals/{sent.referral}")
    connection.close()
    assert (answer.status_code, answer.json()["code"], "sections" in answer.json()) == (503, "unavailable", False)
    assert {"Request-Id", "Retry-After"} <= answer.headers.keys()
    assert answer.headers["Cache-Control"] == "no-store"
    assert coordinator.read(sent.referral).status == 200
    assert nothing_is_held(sent)


def test_what_was_recorded_before_the_answer_broke_stays_recorded(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content had left the database: that is the disclosure."""
    sent = send(exchange)

    def fail() -> None:
        raise Broken

    while_rendering(monkeypatch, fail)
    coordinator = exchange.centre.as_("coordinator")
    with pytest.raises(Broken):
        coordinator.read(sent.referral)
    question = (
        "SELECT outcome FROM audit_entry WHERE subject_id = %s AND on_behalf_of = %s AND 'reason' = ANY (categories)"
    )
    assert rows(question, [sent.referral, coordinator.staff_id]) == [("done",)]


def test_a_refused_answer_holds_nothing(exchange: Exchange) -> None:
    sent = send(exchange)
    assert exchange.stranger.as_("coordinator").read(sent.referral).status == 404
    assert nothing_is_held(sent)


def test_a_release_that_is_refused_lets_go_at_once(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the disclosure can be recorded anew in the same request."""
    sent = send(exchange)
    monkeypatch.setattr("referrals.disclosure.describe", _naming_another_version)
    assert exchange.centre.as_("coordinator").read(sent.referral).status == 503
    monkeypatch.undo()
    assert nothing_is_held(sent)
    assert exchange.centre.as_("coordinator").read(sent.referral).status == 200


def _naming_another_version(act: log.Act, *_: Any, **__: Any) -> None:
    act.categories, act.detail = ("reason",), {"version": "0"}


def test_outside_a_request_what_is_held_is_held_for_the_block(exchange: Exchange) -> None:
    sent = send(exchange)
    entry = entry_for(sent.referral, sent.receiving, "reason")
    with log.held(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM referrals_release(%s, %s, %s)", [entry, sent.receiving, sent.referral])
        assert refused_a_lock("consent_consent", sent.consent)
    assert nothing_is_held(sent)
    with pytest.raises(Refusal), log.held():
        raise Refusal
    assert not connection.in_atomic_block
    assert withdraw(sent).status == 200
    assert withheld(entry, sent.receiving, sent.referral) in (CONSENT_ENDED, NOT_RELEASED)
