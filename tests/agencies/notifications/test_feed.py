"""The feed: every event once, in an order that never changes, whatever order transactions end in."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django import Settings

from agencies.notifications import events, feed
from agencies.notifications.models import Event, Type
from audit.models import Entry
from tests.audit.logs import Log
from tests.exchange import Answer, Caller, Exchange, Party
from tests.referrals.walks import withdraw_consent


def read(party: Party, query: str = "") -> Answer:
    answer = machine(party).get(f"events{query}")
    assert answer.status == 200, answer
    return answer


def machine(party: Party) -> Caller:
    """The agency's system itself, acting for nobody."""
    return Caller(party, "", "")


def kinds(answer: Answer) -> list[str]:
    return [row["type"] for row in answer.body["results"]]


def test_what_changes_is_told_to_both_sides_by_id_and_version_alone(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    exchange.centre.as_("coordinator").step(referral, "receive")
    rows = read(exchange.centre).body["results"]
    assert [(row["type"], row["data"]) for row in rows] == [
        ("referral.arrived", {"id": referral, "version": 2}),
        ("referral.changed", {"id": referral, "version": 3}),
    ]
    assert all(set(row) == {"id", "type", "timestamp", "data"} for row in rows)
    assert kinds(read(exchange.municipality)) == ["consent.changed", "referral.changed", "referral.changed"]


def test_the_feed_goes_on_where_it_was_left_and_never_tells_twice(exchange: Exchange) -> None:
    caseworker = exchange.municipality.as_("caseworker")
    first = caseworker.submit(exchange.centre)
    page = read(exchange.centre)
    second = caseworker.submit(exchange.centre)
    after = read(exchange.centre, f"?cursor={page.body['next']}")
    assert [row["data"]["id"] for row in page.body["results"]] == [first]
    assert [row["data"]["id"] for row in after.body["results"]] == [second]
    assert read(exchange.centre, f"?cursor={after.body['next']}").body == {**after.body, "results": []}


def test_a_small_page_is_followed_by_the_rest(exchange: Exchange) -> None:
    told = [exchange.municipality.as_("caseworker").submit(exchange.centre) for _ in range(3)]
    seen, cursor = [], ""
    while page := read(exchange.centre, f"?limit=1{cursor}").body["results"]:
        seen += [row["data"]["id"] for row in page]
        cursor = f"&cursor={page[-1]['id']}"
    assert seen == told


def test_an_event_whose_transaction_ended_late_is_not_passed_by(exchange: Exchange) -> None:
    """Numbered in the transaction it would lie before what was read already, and nobody would ever see it."""
    agency = exchange.centre.agency.id
    late, early = uuid4(), uuid4()
    with another_connection() as other:
        other.execute(
            "INSERT INTO agencies_event (agency_id, type, about) VALUES (%s, 'referral.changed', %s)", [agency, late]
        )
        with transaction.atomic():
            events.tell(Type.REFERRAL_CHANGED, early, to=[agency])
        page = read(exchange.centre)
        assert [row["data"]["id"] for row in page.body["results"]] == [str(early)]
        other.commit()
    after = read(exchange.centre, f"?cursor={page.body['next']}")
    assert [row["data"]["id"] for row in after.body["results"]] == [str(late)]


@contextmanager
def another_connection() -> Iterator[psycopg.Connection[Any]]:
    parameters = connection.get_connection_params()
    known = {name: parameters[name] for name in ("dbname", "user", "host", "port") if name in parameters}
    with psycopg.connect(**known) as made:
        yield made


def test_readers_at_the_same_time_see_the_same_order(exchange: Exchange) -> None:
    agency = exchange.centre.agency.id
    seen: list[list[str]] = []

    def look() -> None:
        try:
            seen.append([row["id"] for row in read(exchange.centre, "?limit=200").body["results"]])
        finally:
            connection.close()

    with transaction.atomic():
        events.tell_all([(agency, Type.REFERRAL_CHANGED, uuid4(), 1) for _ in range(100)])
    machine(exchange.centre).get("agencies")  # a token, before they all ask for one
    readers = [threading.Thread(target=look) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(seen) == 4
    assert all(each == seen[0] for each in seen)
    places = Event.objects.filter(agency=agency).order_by("position").values_list("position", flat=True)
    assert list(places) == list(range(1, 101))


def test_a_long_poll_is_answered_when_something_comes(exchange: Exchange) -> None:
    caseworker = exchange.municipality.as_("caseworker")
    assert machine(exchange.centre).get("events").body["results"] == []
    got: list[Answer] = []

    def wait() -> None:
        try:
            got.append(read(exchange.centre, "?wait=20"))
        finally:
            connection.close()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while exchange.centre.client_id not in feed._seats:
        assert waiting.is_alive(), "answered before anything came"
        time.sleep(0.01)
    referral = caseworker.submit(exchange.centre)
    waiting.join()
    assert [row["data"]["id"] for row in got[0].body["results"]] == [referral]
    assert exchange.centre.client_id not in feed._seats


def test_a_poll_that_nothing_comes_of_is_answered_empty_with_the_cursor_it_came_with(exchange: Exchange) -> None:
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    cursor = read(exchange.centre).body["next"]
    answer = read(exchange.centre, f"?wait=1&cursor={cursor}")
    assert (answer.body["results"], answer.body["next"]) == ([], cursor)


def test_where_every_seat_is_taken_a_poll_is_answered_at_once(exchange: Exchange, settings: Settings) -> None:
    settings.EVENTS_SEATS = 0
    began = time.monotonic()
    assert read(exchange.centre, "?wait=20").body["results"] == []
    assert time.monotonic() - began < 15


def test_a_page_that_shows_something_is_recorded_and_names_what(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    answer = read(exchange.centre)
    entry = Entry.objects.get(action="event.list", actor_agency=exchange.centre.agency.id)
    assert answer.headers["Receipt"]
    assert [str(each) for each in entry.result_ids] == [referral]
    assert (entry.actor_client, entry.on_behalf_of) == (exchange.centre.client_id, "")
    empty = read(exchange.centre, f"?cursor={answer.body['next']}")
    assert "Receipt" not in empty.headers
    assert Entry.objects.filter(action="event.list", actor_agency=exchange.centre.agency.id).count() == 1


def test_every_answer_carries_the_newest_checkpoint(exchange: Exchange, log_of_the_run: Log) -> None:
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    log_of_the_run.seal()
    page = read(exchange.centre)
    empty = read(exchange.centre, f"?cursor={page.body['next']}")
    newest = exchange.oversight.as_("auditor").get("audit/checkpoint").body.decode()
    assert page.body["checkpoint"].split("\n")[0] == newest.split("\n")[0]
    assert empty.body["checkpoint"].split("\n")[:3] == newest.split("\n")[:3]


def test_another_agencys_cursor_is_refused(exchange: Exchange) -> None:
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    cursor = read(exchange.centre).body["next"]
    for unfit in (cursor, str(uuid4()), "not-a-cursor"):
        answer = machine(exchange.municipality).get(f"events?cursor={unfit}")
        assert (answer.status, answer.body["code"]) == (400, "malformed")


@pytest.mark.parametrize("query", ["?wait=21", "?wait=-1", "?wait=x", "?limit=0", "?since=1"])
def test_a_wrong_question_says_what_would_be_right(exchange: Exchange, query: str) -> None:
    answer = machine(exchange.centre).get(f"events{query}")
    assert (answer.status, answer.body["code"]) == (400, "malformed")


def test_a_client_without_the_scope_is_refused_and_that_is_recorded(exchange: Exchange) -> None:
    token = exchange.centre.fetch_token(scope="referrals").body["access_token"]
    refused = Caller(exchange.centre, "", "", {"Authorization": f"Bearer {token}"}).get("events?wait=20")
    assert (refused.status, refused.body["code"]) == (403, "scope-missing")
    entry = Entry.objects.get(action="event.list", actor_agency=exchange.centre.agency.id)
    assert (entry.outcome, entry.refusal) == ("refused", "scope-missing")


def test_a_police_unit_that_does_not_prevent_finds_nothing(exchange: Exchange) -> None:
    assert machine(exchange.investigators).get("events").status == 404


def test_no_event_is_told_outside_an_act(exchange: Exchange) -> None:
    with pytest.raises(RuntimeError, match="inside the act"):
        events.tell(Type.REFERRAL_CHANGED, uuid4(), to=[exchange.centre.agency.id])


def test_every_version_of_a_referral_is_told_to_its_sender(exchange: Exchange) -> None:
    caseworker = exchange.municipality.as_("caseworker")
    coordinator = exchange.centre.as_("coordinator")
    referral = caseworker.submit(exchange.centre)
    for move, body in (
        ("receive", {}),
        ("accept", {}),
        ("assign", {"assignees": [exchange.centre.staff["counsellor-1"]]}),
        ("start", {}),
    ):
        answer = coordinator.step(referral, move, body)
        assert answer.status == 200, answer
    told = Event.objects.filter(agency=exchange.municipality.agency, about=referral).order_by("number")
    version = int(coordinator.read(referral).body["version"])
    assert list(told.values_list("version", flat=True)) == list(range(2, version + 1))


def test_a_withdrawal_is_told_to_both_sides_with_the_referral_that_it_stops(exchange: Exchange) -> None:
    caseworker = exchange.municipality.as_("caseworker")
    referral = caseworker.submit(exchange.centre)
    cursors = {party.id: read(party).body["next"] for party in (exchange.municipality, exchange.centre)}
    assert withdraw_consent(caseworker, referral).status == 200
    for party in (exchange.municipality, exchange.centre):
        told = read(party, f"?cursor={cursors[party.id]}")
        assert sorted(kinds(told)) == ["consent.changed", "referral.changed"]


@pytest.mark.parametrize("table", ["agencies_event", "agencies_attempt", "agencies_delivery", "agencies_endpoint"])
def test_nothing_of_it_is_deleted_by_anyone(exchange: Exchange, owner: Any, table: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation):
        owner.connection.connection.execute(f"DELETE FROM {table}")


def test_an_event_is_never_edited_and_keeps_its_place(exchange: Exchange, owner: Any) -> None:
    exchange.municipality.as_("caseworker").submit(exchange.centre)
    read(exchange.centre)
    agency = exchange.centre.agency.id
    for change in ("position = 99", "position = NULL", "type = 'endpoint.test'", "version = 7", "about = uuidv7()"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            owner.connection.connection.execute(f"UPDATE agencies_event SET {change} WHERE agency_id = %s", [agency])
