"""
Rule 19, attacked with raw SQL as the application's role: an entry about a person releases what it names of that
person's own referrals, to the agency that registered them, for access and nothing else.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from agencies.models import Membership
from audit.models import Entry
from tests.exchange import Answer, Exchange, Party, ledger_name
from tests.invariants.attempts import (
    APP,
    APPEND_ONLY,
    CHECKED,
    DENIED,
    ENTRY,
    NOT_RELEASED,
    OWNER,
    SUPERUSER,
    insert_entry,
    one,
    refusal,
    refused,
    rows,
    session,
    write_entry,
)
from tests.referrals.walks import Walk, walk
from tests.rules.test_rule_19_insight import report, subject_of, withhold

RELEASE = "SELECT category FROM referrals_release(%s, %s, %s)"
CONSENT_ENDED = "UD002"


@pytest.fixture(scope="module")
def walked(exchange: Exchange) -> Walk:
    """A referral whose outcome is written, and may not come back to the sender."""
    return walk(exchange, "in_progress").go("complete")


def user_of(party: Party, role: str = "caseworker") -> str:
    return str(Membership.objects.get(agency=party.agency, staff_id=party.staff[f"{role}-1"]).user_id)


def about(walked: Walk, **changes: Any) -> dict[str, Any]:
    """The columns of an entry by which the sender's report on a person is released."""
    sender = walked.exchange.municipality
    return {
        "action": "subject.access-report",
        "actor_agency": sender.id,
        "actor_user": user_of(sender),
        "subject_kind": "subject",
        "subject_id": ledger_name(subject_of(walked)),
        "purpose": "subject_access",
        "categories": ["status", "reason", "needs"],
        "result_ids": [walked.id],
        **changes,
    }


def test_a_fitting_entry_releases_what_it_names_and_no_more(walked: Walk) -> None:
    entry = write_entry(**about(walked))
    assert rows(RELEASE, [entry, walked.exchange.municipality.id, walked.id]) == [("needs",), ("reason",)]


Forged = Callable[[Walk], dict[str, Any]]
FORGERIES: dict[str, Forged] = {
    "it does not name the referral": lambda _: {"result_ids": []},
    "it names another referral": lambda _: {"result_ids": [str(uuid4())]},
    "it is about nobody": lambda _: {"subject_id": ""},
    "it is about another person of the agency": lambda walked: {
        "subject_id": ledger_name(subject_of(walk(walked.exchange)))
    },
    "it is for another purpose": lambda _: {"purpose": "exit_support"},
    "it was refused": lambda _: {"outcome": "refused", "refusal": "not-found"},
    "it names nobody who works there": lambda walked: {"actor_user": user_of(walked.exchange.centre, "coordinator")},
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_entry_that_does_not_fit_releases_nothing(walked: Walk, forgery: str) -> None:
    entry = write_entry(**about(walked, **FORGERIES[forgery](walked)))
    with connection.cursor() as cursor:
        assert refused(cursor, RELEASE, [entry, walked.exchange.municipality.id, walked.id]) == NOT_RELEASED


@pytest.mark.parametrize("whose", ["centre", "stranger", "police"])
def test_another_agencys_entry_releases_nothing_to_it_or_to_the_sender(walked: Walk, whose: str) -> None:
    """Not to the recipient either: it did not register the person."""
    other: Party = getattr(walked.exchange, whose)
    entry = write_entry(**about(walked, actor_agency=other.id, actor_user=user_of(other)))
    for agency in (other.id, walked.exchange.municipality.id):
        with connection.cursor() as cursor:
            assert refused(cursor, RELEASE, [entry, agency, walked.id]) == NOT_RELEASED


def test_an_entry_that_is_not_committed_releases_nothing(walked: Walk) -> None:
    columns = {**ENTRY, "correlation": uuid4(), **about(walked)}
    sender = walked.exchange.municipality.id
    with session(APP) as cursor:
        cursor.execute(insert_entry(columns), columns)
        (entry,) = one(cursor)
        assert refused(cursor, RELEASE, [entry, sender, walked.id]) == NOT_RELEASED


def test_the_outcome_goes_along_only_where_the_entry_says_so_and_its_ground_holds(walked: Walk) -> None:
    """Here it has none, so an entry that claims it is refused, and one that does not is given the rest."""
    sender, named = walked.exchange.municipality.id, ["reason", "outcome"]
    unsaid = write_entry(**about(walked, categories=named))
    assert rows(RELEASE, [unsaid, sender, walked.id]) == [("reason",)]
    claimed = write_entry(**about(walked, categories=named, detail=f'{{"outcome_of": "{walked.id}"}}'))
    with connection.cursor() as cursor:
        assert refused(cursor, RELEASE, [claimed, sender, walked.id]) == CONSENT_ENDED


def test_what_changes_between_the_entry_and_a_later_release_is_recorded_anew(exchange: Exchange) -> None:
    """The first referral is released already when the second turns out to be sealed: the first try lets go of both."""
    first = walk(exchange, "received")
    person = subject_of(first)
    second = walk(exchange, "received", subject={"id": person})
    answers: list[Answer] = []

    def ask() -> None:
        try:
            answers.append(report(exchange, person))
        finally:
            connection.close()

    with session(APP) as sealing:
        sealing.execute("UPDATE referrals_referral SET status = 'entered_in_error' WHERE id = %s", [second.id])
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(1)
        assert (asking.is_alive(), answers) == (True, [])
        sealing.execute("COMMIT")
        asking.join(10)
    (answer,) = answers
    assert answer.status == 200, answer
    assert {row["id"]: row["content"] for row in answer.body["referrals"]} == {
        first.id: "shown",
        second.id: "entered_in_error",
    }
    assert Entry.objects.filter(request_id=answer.headers["Request-Id"], outcome="done").count() == 2


# --- Withholdings --------------------------------------------------------------------------------------------------

CHANGES = {
    "update": "UPDATE referrals_withholding SET review_by = review_by",
    "update of no row": "UPDATE referrals_withholding SET review_by = review_by WHERE false",
    "delete": "DELETE FROM referrals_withholding",
    "truncate": "TRUNCATE referrals_withholding",
}


@pytest.mark.parametrize(
    ("role", "replica", "with_"),
    [
        (APP, False, DENIED),
        (OWNER, False, APPEND_ONLY),
        (OWNER, True, APPEND_ONLY),
        (SUPERUSER, True, APPEND_ONLY),
    ],
)
def test_a_withholding_is_not_changed_or_removed(walked: Walk, role: str, replica: bool, with_: str) -> None:
    withhold(walked.exchange, subject_of(walked), walked.exchange.centre)
    answers = {}
    for name, change in CHANGES.items():
        with session(role, replica=replica) as cursor:
            answers[name] = refused(cursor, change)
    assert answers == dict.fromkeys(CHANGES, with_)


STATE = (
    "INSERT INTO referrals_withholding (subject_id, agency_id, ground, review_by, stated_by_id, staff_id, stated_at, "
    "idempotency_key, body_hash) VALUES (%(subject)s, %(agency)s, %(ground)s, %(review_by)s, %(stated_by)s, 'x', "
    "'2020-01-01', gen_random_uuid()::text, '') RETURNING stated_at > now() - interval '1 minute'"
)


def stated(walked: Walk, **changes: Any) -> dict[str, Any]:
    return {
        "subject": subject_of(walked),
        "agency": walked.exchange.centre.id,
        "ground": "rhl_16",
        "review_by": timezone.now().date() + timedelta(days=30),
        "stated_by": walked.exchange.municipality.id,
        **changes,
    }


@pytest.mark.parametrize("role", [APP, OWNER])
def test_when_a_withholding_was_stated_is_the_databases_to_say(walked: Walk, role: str) -> None:
    with session(role) as cursor:
        cursor.execute(STATE, stated(walked))
        assert one(cursor) == (True,)


WRONG: dict[str, Callable[[Walk], dict[str, Any]]] = {
    "reviewed today": lambda _: {"review_by": timezone.now().date()},
    "reviewed in a year": lambda _: {"review_by": timezone.now().date() + timedelta(days=365)},
    "reviewed never": lambda _: {"review_by": "infinity"},
    "by the recipient": lambda walked: {"stated_by": walked.exchange.centre.id},
    "about nobody": lambda _: {"subject": str(uuid4())},
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("role", "replica"), [(APP, False), (OWNER, True)])
def test_a_withholding_that_may_not_be_is_not_stated(walked: Walk, wrong: str, role: str, replica: bool) -> None:
    with session(role, replica=replica) as cursor:
        assert refused(cursor, STATE, stated(walked, **WRONG[wrong](walked))) == APPEND_ONLY


def test_a_withholding_has_a_ground_that_is_known(walked: Walk) -> None:
    with session(OWNER) as cursor:
        error = refusal(cursor, STATE, stated(walked, ground="because"))
    assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, "referrals_withholding_ground_is_known")
