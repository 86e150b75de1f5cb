"""
The outcome flows back to the sender on a ground of its own: a basis stated for it, or the permission in the consent
that carries the referral.

Each forgery happens in a session that is rolled back, after an entry that was committed before it.
"""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.exchange import Exchange
from tests.invariants.attempts import (
    APP,
    CONSENT_ENDED,
    RELEASE,
    Sent,
    another_basis,
    another_consent,
    entry_for,
    follow,
    given,
    send,
    session,
)
from tests.invariants.test_release_ground import FORGED, nothing, rest

OUTCOME = (
    "INSERT INTO referrals_section (referral_id, category, part, sealed, written_by_id) "
    "VALUES (%s, 'outcome', 0, '', %s)"
)


@pytest.fixture(scope="module")
def told(django_db_setup: None) -> Sent:
    """A referral on a consent that permits the sender to be told the outcome, and an outcome."""
    return send(Exchange(), consent={"report_back": True})


def outcome(sent: Sent, forge: Callable[[Any, Sent], None], **changes: Any) -> str | list[Any]:
    """Return what of the outcome the sender is released after a forgery, or the SQLSTATE of the refusal."""
    entry = entry_for(sent.referral, sent.sending, "outcome", "reason", **changes)
    with session(APP) as cursor:
        cursor.execute(OUTCOME, [sent.referral, sent.receiving])
        forge(cursor, sent)
        try:
            return sorted(given(cursor, RELEASE, [entry, sent.sending, sent.referral]))
        except psycopg.Error as error:
            return str(error.sqlstate)


BOTH = ["outcome", "reason"]
CATEGORIES_APART = {"a consent for less", "a consent for nothing", "a consent for null"}
"""The categories of a consent are those of the way there; coming back it has a permission of its own."""


def test_the_outcome_goes_to_the_sender_where_the_consent_permits_it(told: Sent, sent: Sent) -> None:
    assert outcome(told, nothing) == BOTH
    assert outcome(sent, nothing) == CONSENT_ENDED


@pytest.mark.parametrize("forgery", sorted(set(FORGED) - CATEGORIES_APART))
def test_and_only_while_the_consent_and_the_basis_carry_the_referral(told: Sent, forgery: str) -> None:
    """What does not carry the content carries no outcome back either, whatever the consent permits besides."""
    assert outcome(told, FORGED[forgery]) == CONSENT_ENDED


def test_a_permission_in_a_consent_that_the_basis_does_not_rest_on_permits_nothing(told: Sent) -> None:
    def by_law(cursor: Any, sent: Sent) -> None:
        rest(cursor, sent, basis_id=another_basis(cursor, "MYNDIGHED-6E"), necessity_stated=True)

    assert outcome(told, by_law) == CONSENT_ENDED


def own_basis(**changed: Any) -> Callable[[Any, Sent], None]:
    """Let the outcome go back on a consent of its own, that names the sender; or on something less."""

    def forge(cursor: Any, sent: Sent) -> None:
        terms = {"kind": "GDPR_BASIS", "recipients": [sent.sending], "categories": ["outcome"], "report_back": False}
        consent = another_consent(cursor, sent.consent, **{**terms, **changed})
        basis = another_basis(cursor, "SAMTYKKE-GDPR")
        rest(cursor, sent, outcome_basis_id=basis, outcome_consent_id=consent)

    return forge


def withdrawn(cursor: Any, sent: Sent) -> None:
    own_basis()(cursor, sent)
    (consent,) = given(cursor, "SELECT outcome_consent_id FROM referrals_referral WHERE id = %s", [sent.referral])
    follow(cursor, str(consent), "withdrawn")


def lapsed(cursor: Any, sent: Sent) -> None:
    own_basis()(cursor, sent)
    basis = another_basis(cursor, "SAMTYKKE-GDPR", id=9_000_000, version=901, valid_to="2020-01-01")
    rest(cursor, sent, outcome_basis_id=basis)


def test_on_a_basis_of_its_own_the_outcome_goes_back_without_any_other_permission(sent: Sent) -> None:
    assert outcome(sent, own_basis()) == BOTH


OUTCOME_FORGED: dict[str, Callable[[Any, Sent], None]] = {
    "its consent was withdrawn": withdrawn,
    "its consent is of another person": lambda cursor, sent: own_basis(
        subject=str(given(cursor, "SELECT subject_id FROM referrals_referral WHERE id = %s", [sent.draft])[0])
    )(cursor, sent),
    "its consent names the recipient": lambda cursor, sent: own_basis(recipients=[sent.receiving])(cursor, sent),
    "its consent is for something else": own_basis(categories=["reason"]),
    "its consent is of another kind": own_basis(kind="CONFIDENTIALITY_WAIVER"),
    "its consent is for another purpose": own_basis(purposes=["case_follow_up"]),
    "there is no consent": lambda cursor, sent: rest(
        cursor, sent, outcome_basis_id=another_basis(cursor, "SAMTYKKE-GDPR"), outcome_consent_id=None
    ),
    "its basis is for authorities alone": lambda cursor, sent: rest(
        cursor, sent, outcome_basis_id=another_basis(cursor), outcome_consent_id=sent.consent
    ),
    "its basis has lapsed": lapsed,
}


@pytest.mark.parametrize("forgery", OUTCOME_FORGED)
def test_on_a_basis_of_its_own_that_does_not_carry_it_the_outcome_stays(told: Sent, forgery: str) -> None:
    """Even where the first consent permitted it: the newer statement is the one that counts."""
    assert outcome(told, OUTCOME_FORGED[forgery]) == CONSENT_ENDED


def test_a_message_about_the_outcome_is_an_outcome_too(told: Sent) -> None:
    """What the sender says under it is not released to the recipient as the recipient's own."""
    entry = entry_for(told.referral, told.receiving, "outcome")
    with session(APP) as cursor:
        cursor.execute(OUTCOME, [told.referral, told.receiving])
        message = OUTCOME.replace("'outcome'", "'outcome.message'")
        cursor.execute(message, [told.referral, told.sending])
        follow(cursor, told.consent, "withdrawn")
        assert given(cursor, RELEASE, [entry, told.receiving, told.referral]) == ["outcome"]
