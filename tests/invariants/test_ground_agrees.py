"""
Two answers to one question: what the code says is covered (`consent.coverage`) and what the database lets through.

For any basis, consent and parties they agree on every single category, as far as the database knows the facts: a
person's age is weighed by the code alone.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from agencies.models import Kind
from consent.categories import Category
from consent.coverage import ENDS, GIVES, Choice, Event, Ground, Parties, covered
from tests.invariants.attempts import OWNER, session

CONTENT = [str(category) for category in Category if category is not Category.STATUS]
KINDS = [str(kind) for kind in Kind]
PURPOSES = ["exit_support", "crime_prevention"]
ARTICLE = ["yes", "no", "not_applicable", "if_necessary", "with_ground", "health_only"]
CONSENT_KINDS = ["CONFIDENTIALITY_WAIVER", "GDPR_BASIS"]
EVENTS = ["requested", "given", "renewed", "withdrawn", "revoked", "refused", "invalidated"]

often = st.sampled_from([True] * 9 + [False])
"""Drawn apart for each fact, or hardly anything would ever be covered."""

kinds = st.lists(st.sampled_from([*KINDS, "any", "any_public_service", "school"]), max_size=3, unique=True)
purposes = st.lists(st.sampled_from(PURPOSES), max_size=2, unique=True)


def follows(events: list[tuple[str, int]]) -> bool:
    """Say whether the database takes these events in this order: what has ended is not given again."""
    return not any(before in ENDS and after in GIVES for (before, _), (after, _) in pairwise(events))


facts = st.fixed_dictionaries(
    {
        "sender": st.tuples(st.sampled_from(KINDS), st.booleans()),
        "recipient": st.tuples(st.sampled_from(KINDS), st.booleans()),
        "sender_fits": often,
        "recipient_fits": often,
        "purpose_fits": often,
        "basis": st.fixed_dictionaries(
            {
                "valid_from": st.sampled_from([-400, -30, -2, -1, -1, 0, 0, 1]),
                "valid_to": st.sampled_from([None, None, None, 0, 0, 1, 1, -1]),
                "sender_kinds": kinds,
                "recipient_kinds": kinds,
                "article_9": st.sampled_from(ARTICLE),
                "article_10": st.sampled_from(ARTICLE[:-1]),
                "purposes": purposes,
                "consent_kind": st.sampled_from(["", *CONSENT_KINDS]),
                "necessity_statement": st.booleans(),
                "self_governing_only": often.map(lambda fits: not fits),
            }
        ),
        "without_consent": often.map(lambda fits: not fits),
        "consent": st.fixed_dictionaries(
            {
                "kind": st.sampled_from(CONSENT_KINDS),
                "kind_fits": often,
                "purpose_fits": often,
                "names_recipient": often,
                "is_given_last": often,
                "purposes": purposes,
                "categories": st.lists(st.sampled_from(CONTENT), unique=True),
                "report_back": st.booleans(),
                "events": st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from([-1, 5])), max_size=3),
            }
        ),
        "necessity": often,
        "article_9_ground": st.sampled_from(["", "legal_claims"]),
        "article_10_ground": st.sampled_from(["", "authority"]),
        "purpose": st.sampled_from(PURPOSES),
    }
)

CARRIES = """
CREATE FUNCTION pg_temp.carries(bigint, uuid, uuid, uuid, uuid, text, text[], boolean, text, text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.referrals_require_ground($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
    RETURN true;
EXCEPTION WHEN SQLSTATE 'UD002' THEN
    RETURN false;
END $$
"""
MADE = "INSERT INTO {0} SELECT (jsonb_populate_record(t, %s::jsonb)).* FROM {0} t WHERE {1} LIMIT 1"


ASKED_ELSEWHERE = [("agencies_agency", "USER"), ("consent_consentevent", "consent_event_follows")]
"""What would keep an example from being made: who approved, and in which order events come."""


@pytest.fixture(scope="module")
def owner_session(django_db_setup: None) -> Iterator[Any]:
    """A session of the owner, who alone may ask the question directly; each example is rolled back."""
    with session(OWNER) as cursor:
        cursor.execute(CARRIES)
        for table, trigger in ASKED_ELSEWHERE:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        yield cursor


class Situation:
    """The facts of one example, in the database and as the code is told them."""

    def __init__(self, cursor: Any, told: dict[str, Any]) -> None:
        self.cursor, self.told = cursor, told
        cursor.execute("SELECT clock_timestamp(), (clock_timestamp() AT TIME ZONE 'UTC')::date")
        self.now, self.today = cursor.fetchone()
        self.sender, self.recipient = uuid4(), uuid4()
        for identifier, (kind, approved) in ((self.sender, told["sender"]), (self.recipient, told["recipient"])):
            row = {"id": identifier, "kind": kind, "code": identifier.hex, "self_governing_approved": approved}
            self._make("agencies_agency", row)
        self.subject = uuid4()
        row = {"id": self.subject, "mode": "identified", "registered_by_id": self.sender, "formerly_id": None}
        self._make("consent_subject", {**row, "birth_year": None})
        self.ground = self._ground()
        self.choice = self._choice() if not told["without_consent"] else None

    def _make(self, table: str, row: dict[str, Any], where: str = "true") -> None:
        self.cursor.execute(MADE.format(table, where), [json.dumps(row, default=str)])
        assert self.cursor.rowcount == 1

    def _ground(self) -> Ground:
        terms = dict(self.told["basis"])
        for side in ("sender", "recipient"):
            if self.told[f"{side}_fits"]:
                terms[f"{side}_kinds"] = [*terms[f"{side}_kinds"], self.told[side][0]]
        terms["purposes"] = [*terms["purposes"], *([self.told["purpose"]] if self.told["purpose_fits"] else [])]
        for name in ("valid_from", "valid_to"):
            terms[name] = None if terms[name] is None else self.today + timedelta(days=terms[name])
        row = {"id": 77_000_000, "code": "TEST", "version": 1, "subject_age_min": None, "subject_age_max": None}
        self._make("consent_legalbasis", {**row, **terms})
        lists: dict[str, Any] = {
            name: frozenset(terms.pop(name)) for name in ("sender_kinds", "recipient_kinds", "purposes")
        }
        return Ground(code="TEST", version=1, age_min=None, age_max=None, investigation="forbidden", **lists, **terms)

    def _choice(self) -> Choice:
        terms = dict(self.told["consent"])
        happened, identifier = terms.pop("events"), uuid4()
        if terms.pop("is_given_last"):
            happened = [*(each for each in happened if each[0] not in ENDS), ("given", 5)]
        happened = happened if follows(happened) else happened[:1]
        if terms.pop("kind_fits"):
            terms["kind"] = self.ground.consent_kind or terms["kind"]
        terms["purposes"] = [*terms["purposes"], *([self.told["purpose"]] if terms.pop("purpose_fits") else [])]
        recipients = [self.recipient] if terms.pop("names_recipient") else [self.sender]
        row = {"id": identifier, "subject_id": self.subject, "registered_by_id": self.sender, "version": 1}
        more = {"recipients": recipients, "idempotency_key": identifier.hex, "given_by": "subject"}
        self._make("consent_consent", {**row, **more, **terms})
        for number, (kind, days) in enumerate(happened, 1):
            expires_at = self.now + timedelta(days=days) if kind in GIVES else None
            self.cursor.execute(
                "INSERT INTO consent_consentevent (consent_id, number, kind, at, registered_at, expires_at, method, "
                "evidence_hash, registered_by_id) VALUES (%s, %s, %s, %s, now(), %s, 'oral', '', %s)",
                [identifier, number, kind, self.now - timedelta(days=2), expires_at, self.sender],
            )
        question = "SELECT number, kind, at, registered_at, expires_at FROM consent_consentevent WHERE consent_id = %s"
        self.cursor.execute(question, [identifier])
        names = ("number", "kind", "at", "registered_at", "expires_at")
        events = tuple(Event(**dict(zip(names, row, strict=True))) for row in self.cursor.fetchall())
        return Choice(
            id=identifier,
            version=1,
            kind=terms["kind"],
            recipients=frozenset(recipients),
            purposes=frozenset(terms["purposes"]),
            categories=frozenset(terms["categories"]),
            report_back=terms["report_back"],
            given_by="subject",
            maturity_assessed=False,
            events=events,
        )

    def code_says(self) -> set[str]:
        """Return the categories that the code says are covered."""
        self.cursor.execute("SELECT clock_timestamp()")
        (at,) = self.cursor.fetchone()
        parties = Parties(
            sender_kind=self.told["sender"][0],
            sender_self_governing=self.told["sender"][1],
            recipient=self.recipient,
            recipient_kind=self.told["recipient"][0],
            recipient_self_governing=self.told["recipient"][1],
            birth_year=None,
            necessity_stated=self.told["necessity"],
            article_9_ground=self.told["article_9_ground"],
            article_10_ground=self.told["article_10_ground"],
        )
        found = covered(self.ground, self.choice, parties=parties, purpose=self.told["purpose"], at=at)
        return {str(category) for category in found.categories} - {"status"}

    def database_says(self, *asked: list[str]) -> list[bool]:
        """Say of each of these lists of categories whether the database lets it through."""
        consent: UUID | None = self.choice.id if self.choice else None
        stated = [self.told["necessity"], self.told["article_9_ground"], self.told["article_10_ground"]]
        self.cursor.execute(
            "SELECT pg_temp.carries(%s, %s, %s, %s, %s, %s, string_to_array(asked, ','), %s, %s, %s) "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS each (asked, place) ORDER BY place",
            [
                *(77_000_000, consent, self.subject, self.sender, self.recipient, self.told["purpose"]),
                *(*stated, [",".join(categories) for categories in asked]),
            ],
        )
        return [bool(answer) for (answer,) in self.cursor.fetchall()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=facts)
def test_code_and_database_agree_on_every_category(sent: Any, owner_session: Any, told: dict[str, Any]) -> None:
    """And on all of them together: `sent` is there so that there is a row of each kind to make others from."""
    owner_session.execute("SAVEPOINT example")
    try:
        situation = Situation(owner_session, told)
        code = situation.code_says()
        event("something is covered" if code else "nothing is covered")
        asked = [*([category] for category in CONTENT), CONTENT, sorted(code)]
        *each, everything, together = situation.database_says(*asked)
        assert {category for category, let in zip(CONTENT, each, strict=True) if let} == code
        assert everything is (code == set(CONTENT))
        assert together or not code
    finally:
        owner_session.execute("ROLLBACK TO SAVEPOINT example")
