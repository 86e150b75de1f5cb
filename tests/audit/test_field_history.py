"""Field history, old → new: every row belongs to one act, has the real actor, and is bound by the act's entry."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from auditlog.models import LogEntry
from django.db import connections

from agencies.models import Agency, Membership
from audit import history, log
from audit.facts import SYSTEM, Actor, Subject
from audit.models import Entry
from tests.audit.ledger import agency, as_committed, clerk, entries_about
from tests.exchange import Caller, Exchange, referral_body


def rows_of(correlation: UUID) -> list[LogEntry]:
    return list(LogEntry.objects.filter(cid=str(correlation)).order_by("pk"))


def rename(thing: Agency, by: Actor) -> UUID:
    """Rename an agency in a recorded act, and return the act's correlation id."""
    with log.act("test.rename", by=by, about=Subject("agency", thing.id)) as act:
        thing.name_da = f"Efter {uuid4().hex[:6]}"
        thing.save()
        thing.name_en = f"After {uuid4().hex[:6]}"
        thing.save()
    return act.correlation


def account_of(caller: Caller) -> int:
    return Membership.objects.get(agency=caller.party.agency, staff_id=caller.staff_id).user_id


def test_a_change_over_http_belongs_to_its_act_and_to_who_made_it(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    made = sender.create(referral_body(exchange.centre))
    referral, consent = made.body["id"], made.body["basis"]["consent_id"]
    assert coordinator.step(referral, "receive").status == 200
    assert sender.post(f"consents/{consent}/withdraw", {"method": "oral"}, If_Match='"1"').status == 200

    acts = {
        str(entry.correlation): entry
        for entry in Entry.objects.filter(actor_agency__in=[exchange.municipality.id, exchange.centre.id])
    }
    rows = list(LogEntry.objects.filter(object_pk__in=[referral, consent]).order_by("pk"))
    told = [(acts[row.cid].action, row.content_type.model, row.action, row.actor_id) for row in rows]
    by_sender, by_coordinator = account_of(sender), account_of(coordinator)
    created, changed = LogEntry.Action.CREATE, LogEntry.Action.UPDATE
    assert {
        ("referral.submit", "referral", created, by_sender),
        ("referral.submit", "referral", changed, by_sender),
        ("referral.submit", "consent", created, by_sender),
        ("referral.receive", "referral", changed, by_coordinator),
        ("consent.withdraw", "consent", changed, by_sender),
        ("consent.withdraw", "referral", changed, by_sender),
    } == set(told)
    for entry in acts.values():
        of_the_act = rows_of(entry.correlation)
        assert entry.changes == history.digest(entry.correlation)
        assert bool(entry.changes) is bool(of_the_act)
        assert {str(row.actor_id) for row in of_the_act} <= {entry.actor_user}


def test_a_change_says_what_was_and_what_is(exchange: Exchange) -> None:
    coordinator = exchange.centre.as_("coordinator")
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    assert coordinator.step(referral, "receive").status == 200
    (received,) = Entry.objects.filter(subject_id=referral, action="referral.receive")
    (row,) = rows_of(received.correlation)
    assert row.changes["status"] == ["submitted", "received"]


def test_history_holds_no_content_and_nothing_that_points_at_a_person(exchange: Exchange) -> None:
    made = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre))
    parties = (exchange.municipality.agency.id, exchange.centre.agency.id)
    acts = Entry.objects.filter(actor_agency__in=parties).values_list("correlation", flat=True)
    said = [
        json.dumps([row.changes, row.serialized_data, row.additional_data, row.object_repr, row.changes_text])
        for row in LogEntry.objects.filter(cid__in=[str(act) for act in acts])
    ]
    assert said
    for word in ("Testperson", "6101901234", "00 00 00 00", "Ønsker", "sealed", made.body["subject"]["id"]):
        assert not any(word in text for text in said), word


def test_history_keeps_no_address_of_who_called(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    rows = LogEntry.objects.filter(object_pk=referral)
    assert {(row.remote_addr, row.remote_port) for row in rows} == {(None, None)}


def test_two_acts_one_after_the_other_are_not_mixed_up() -> None:
    """Neither the actor nor the correlation of an act outlives it."""
    thing, first, second = agency(), clerk(), clerk()
    for by in (first, second, first):
        assert {str(row.actor_id) for row in rows_of(rename(thing, by))} == {by.user}
    thing.name_da = "Uden for enhver handling"
    thing.save()
    outside = LogEntry.objects.filter(object_pk=str(thing.id)).order_by("-pk")[0]
    assert (outside.cid, outside.actor_id) == (None, None)


def test_an_act_that_failed_leaves_its_actor_to_nobody() -> None:
    thing, by = agency(), clerk()
    with pytest.raises(ValueError, match="fails"), log.act("test.fail", by=by, about=Subject("agency", thing.id)):
        raise ValueError("fails")
    assert {row.actor_id for row in rows_of(rename(thing, SYSTEM))} == {None}


def test_acts_without_changes_have_no_digest(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    assert sender.read(referral).status == 200
    assert sender.get("referrals?role=sent").status == 200
    shown = Entry.objects.filter(
        actor_agency=exchange.municipality.id, action__in=["referral.disclose", "referral.list"]
    )
    assert {entry.changes for entry in shown} == {""}
    nothing = uuid4()
    with log.act("test.nothing", by=SYSTEM, about=Subject("thing", nothing)):
        pass
    assert [entry.changes for entry in entries_about(nothing)] == [""]


# --- The digest binds the rows ------------------------------------------------------------------------------------

OTHER: dict[str, str] = {
    "content_type_id": "(SELECT max(id) FROM django_content_type)",
    "object_pk": "'another'",
    "object_id": "4711",
    "object_repr": "'another'",
    "serialized_data": """'{"fields": {}}'""",
    "action": "2",
    "changes_text": "'another'",
    "changes": """'{"name_da": ["a", "b"]}'""",
    "actor_id": "(SELECT min(id) FROM agencies_user)",
    "cid": "'another'",
    "remote_addr": "'192.0.2.1'",
    "remote_port": "443",
    "timestamp": "timestamp - interval '1 day'",
    "additional_data": """'{"a": 1}'""",
    "actor_email": "'another@example.org'",
}
"""Every column of a history row but its number, with another value."""


@contextmanager
def tampered(statement: str, values: list[Any], *, back: str, kept: list[Any]) -> Iterator[None]:
    """Change history as its owner can who takes the guards away, and put it right again."""
    switch = "ALTER TABLE auditlog_logentry {} TRIGGER auditlog_logentry_append_only"
    no_address = "ALTER TABLE auditlog_logentry {} CONSTRAINT auditlog_logentry_stores_no_address {}"
    with connections["owner"].cursor() as cursor:
        name = "auditlog_logentry_stores_no_address"
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
        ((condition,),) = cursor.fetchall()
        cursor.execute(no_address.format("DROP", ""))
        cursor.execute(switch.format("DISABLE"))
        try:
            cursor.execute(statement, values)
            yield
        finally:
            cursor.execute(back, kept)
            cursor.execute(no_address.format("ADD", condition))
            cursor.execute(switch.format("ENABLE ALWAYS"))


def test_these_are_all_the_columns_of_a_history_row() -> None:
    assert {field.column for field in LogEntry._meta.concrete_fields} == {*OTHER, "id"}


@pytest.mark.parametrize("column", OTHER)
def test_the_digest_is_another_if_a_row_says_anything_else(column: str) -> None:
    correlation = rename(agency(), clerk())
    row = rows_of(correlation)[0]
    before = history.digest(correlation)
    assert (before, len(before)) == (Entry.objects.get(correlation=correlation).changes, 64)
    kept = as_committed(f"SELECT {column}::text FROM auditlog_logentry WHERE id = %s", [row.pk])[0][0]
    ((kind,),) = as_committed(f"SELECT pg_typeof({column})::text FROM auditlog_logentry WHERE id = %s", [row.pk])
    change = f"UPDATE auditlog_logentry SET {column} = {OTHER[column]} WHERE id = %s"
    back = f"UPDATE auditlog_logentry SET {column} = %s::{kind} WHERE id = %s"
    with tampered(change, [row.pk], back=back, kept=[kept, row.pk]):
        assert history.digest(correlation) != before
    assert history.digest(correlation) == before


def test_the_digest_is_another_if_a_row_is_missing() -> None:
    """Removed for good: the row is another act's by number, which is all the same to this act's digest."""
    correlation = rename(agency(), clerk())
    row, before = rows_of(correlation)[0], history.digest(correlation)
    away = "UPDATE auditlog_logentry SET cid = %s WHERE id = %s"
    with tampered(away, [str(uuid4()), row.pk], back=away, kept=[str(correlation), row.pk]):
        assert history.digest(correlation) not in (before, "")
    assert history.digest(correlation) == before


def test_the_digest_is_another_if_a_row_was_added() -> None:
    """Which the application may do: it writes history. The entry that was written first knows better."""
    correlation = rename(agency(), clerk())
    row, before = rows_of(correlation)[-1], history.digest(correlation)
    row.pk = None
    row.save(force_insert=True)
    assert history.digest(correlation) != before
    assert Entry.objects.get(correlation=correlation).changes == before


def test_the_digest_is_another_if_rows_change_places() -> None:
    correlation = rename(agency(), clerk())
    first, second = rows_of(correlation)
    before = history.digest(correlation)
    swap = (
        "UPDATE auditlog_logentry SET changes = CASE id WHEN %s THEN %s::jsonb ELSE %s::jsonb END WHERE id IN (%s, %s)"
    )
    one, other = json.dumps(first.changes), json.dumps(second.changes)
    pks = [first.pk, second.pk]
    with tampered(swap, [first.pk, other, one, *pks], back=swap, kept=[first.pk, one, other, *pks]):
        assert history.digest(correlation) != before
    assert history.digest(correlation) == before
