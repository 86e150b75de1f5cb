"""
Content rests on a ground when it leaves the database: SQL injected into the application may write a referral's header,
a consent or a basis of its own making, and what they don't carry stays where it is.

Each forgery happens in a session that is rolled back, after an entry that was committed before it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.invariants.attempts import (
    APP,
    APPEND_ONLY,
    CONSENT_ENDED,
    NOT_RELEASED,
    RELEASE,
    Sent,
    another_basis,
    another_consent,
    entry_for,
    follow,
    given,
    refused,
    session,
)

TODAY = "(now() AT TIME ZONE 'UTC')::date"
COVERED = ["reason", "identity", "contact", "needs"]


def day(cursor: Any, offset: int) -> str:
    """Return a day as the database counts them."""
    return str(given(cursor, f"SELECT {TODAY} + %s::int", [offset])[0])


def rest(cursor: Any, sent: Sent, **header: Any) -> None:
    """Let the header of the referral say something else."""
    changes = ", ".join(f"{name} = %({name})s" for name in header)
    cursor.execute(f"UPDATE referrals_referral SET {changes} WHERE id = %(id)s", {**header, "id": sent.referral})
    assert cursor.rowcount == 1


def on_consent(**changed: Any) -> Callable[[Any, Sent], None]:
    return lambda cursor, sent: rest(cursor, sent, consent_id=another_consent(cursor, sent.consent, **changed))


def on_basis(**changed: Any) -> Callable[[Any, Sent], None]:
    return lambda cursor, sent: rest(cursor, sent, basis_id=another_basis(cursor, **changed))


def ended_by(kind: str) -> Callable[[Any, Sent], None]:
    return lambda cursor, sent: follow(cursor, sent.consent, kind)


def another_persons_consent(cursor: Any, sent: Sent) -> None:
    """A consent with the same terms, that stands: another person's."""
    (theirs,) = given(cursor, "SELECT consent_id FROM referrals_referral WHERE id = %s", [sent.draft])
    rest(cursor, sent, consent_id=theirs)


def nothing(cursor: Any, sent: Sent) -> None:
    """Forge nothing."""


CARRIED: dict[str, Callable[[Any, Sent], None]] = {
    "nothing is forged": nothing,
    "another consent of the same person": on_consent(),
    "another version of the basis": on_basis(),
    "a basis that is valid today alone": lambda cursor, sent: on_basis(
        valid_from=day(cursor, 0), valid_to=day(cursor, 0)
    )(cursor, sent),
    "a basis for any": on_basis(sender_kinds=["any"], recipient_kinds=["any"]),
    "a basis for public services": on_basis(sender_kinds=["any_public_service"]),
    "a consent that was renewed": ended_by("renewed"),
}
"""What releases still, so that the refusals below can't be refusals of everything."""

FORGED: dict[str, Callable[[Any, Sent], None]] = {
    "no consent": lambda cursor, sent: rest(cursor, sent, consent_id=None),
    "the consent of another person": another_persons_consent,
    "a consent of another person made for it": lambda cursor, sent: rest(
        cursor,
        sent,
        consent_id=another_consent(
            cursor,
            sent.consent,
            subject=str(given(cursor, "SELECT subject_id FROM referrals_referral WHERE id = %s", [sent.draft])[0]),
        ),
    ),
    "a consent of another kind": on_consent(kind="GDPR_BASIS"),
    "a consent that names another recipient": lambda cursor, sent: on_consent(recipients=[sent.exchange.stranger.id])(
        cursor, sent
    ),
    "a consent that names the sender alone": lambda cursor, sent: on_consent(recipients=[sent.sending])(cursor, sent),
    "a consent that names nobody": on_consent(recipients=[]),
    "a consent that names null": on_consent(recipients=[None]),
    "a consent for another purpose": on_consent(purposes=["case_follow_up"]),
    "a consent for the purpose null": on_consent(purposes=[None]),
    "a consent for less": on_consent(categories=["identity", "contact", "needs"]),
    "a consent for nothing": on_consent(categories=[]),
    "a consent for null": on_consent(categories=[None]),
    "a consent that was withdrawn": ended_by("withdrawn"),
    "a consent that was revoked": ended_by("revoked"),
    "a consent that was invalidated": ended_by("invalidated"),
    "a consent that has expired": lambda cursor, sent: follow(
        cursor, sent.consent, "renewed", until="now() - interval '1 second'"
    ),
    "a consent without an event": lambda cursor, sent: rest(
        cursor,
        sent,
        consent_id=given(
            cursor,
            "INSERT INTO consent_consent SELECT (jsonb_populate_record(c, jsonb_build_object('id', "
            "gen_random_uuid(), 'idempotency_key', 'bare'))).* FROM consent_consent c WHERE id = %s RETURNING id",
            [sent.consent],
        )[0],
    ),
    "a basis that lapsed yesterday": lambda cursor, sent: on_basis(valid_to=day(cursor, -1))(cursor, sent),
    "a basis of tomorrow": lambda cursor, sent: on_basis(valid_from=day(cursor, 1))(cursor, sent),
    "a basis not for that sender": on_basis(sender_kinds=["psychiatry"]),
    "a basis not for that recipient": on_basis(recipient_kinds=["municipality"]),
    "a basis for public services, to a private one": on_basis(recipient_kinds=["any_public_service"]),
    "a basis for nobody": on_basis(recipient_kinds=[]),
    "a basis for null": on_basis(recipient_kinds=[None]),
    "a basis for another purpose": on_basis(purposes=["crime_prevention"]),
    "a basis for the purpose null": on_basis(purposes=[None]),
    "a basis for self-governing institutions alone": on_basis(self_governing_only=True),
    "a basis whose necessity is not stated": on_basis(necessity_statement=True),
    "a basis on another kind of consent": on_basis(consent_kind="GDPR_BASIS"),
    "the real basis of vital interests": lambda cursor, sent: rest(
        cursor, sent, basis_id=another_basis(cursor, "VITAL")
    ),
}


@pytest.mark.parametrize("forgery", CARRIED)
def test_what_is_carried_is_released(sent: Sent, forgery: str) -> None:
    entry = entry_for(sent.referral, sent.receiving, "reason")
    with session(APP) as cursor:
        CARRIED[forgery](cursor, sent)
        assert given(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == ["reason"]


@pytest.mark.parametrize("forgery", FORGED)
def test_what_is_not_carried_is_withheld(sent: Sent, forgery: str) -> None:
    entry = entry_for(sent.referral, sent.receiving, "reason")
    with session(APP) as cursor:
        FORGED[forgery](cursor, sent)
        assert refused(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == CONSENT_ENDED


@pytest.mark.parametrize("purpose", ["", "case_follow_up", "crime_prevention", "subject_access"])
def test_for_another_purpose_than_the_grounds_nothing_is_released(sent: Sent, purpose: str) -> None:
    entry = entry_for(sent.referral, sent.receiving, "reason", purpose=purpose)
    with session(APP) as cursor:
        assert refused(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == CONSENT_ENDED


def test_for_investigation_nothing_is_released_whatever_the_ground_says(sent: Sent) -> None:
    entry = entry_for(sent.referral, sent.receiving, "reason", purpose="investigation")
    with session(APP) as cursor:
        assert refused(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == NOT_RELEASED


@pytest.mark.parametrize("category", ["background", "concern", "health", "criminal", "safety", "network"])
def test_a_category_beyond_the_consent_withholds_all_that_was_named(sent: Sent, category: str) -> None:
    entry = entry_for(sent.referral, sent.receiving, "reason", category)
    with session(APP) as cursor:
        assert refused(cursor, RELEASE, [entry, sent.receiving, sent.referral]) == CONSENT_ENDED


Stated = dict[str, str]
SPECIAL: list[tuple[str, str, Stated, tuple[list[str], list[str]]]] = [
    ("article_9", "no", {}, (["reason", "criminal"], ["concern", "health"])),
    ("article_9", "not_applicable", {}, (["reason", "criminal"], ["concern", "health"])),
    ("article_9", "health_only", {}, (["reason", "health"], ["concern"])),
    ("article_9", "with_ground", {}, (["reason", "criminal"], ["concern", "health"])),
    ("article_9", "with_ground", {"article_9_ground": "legal_claims"}, (["concern", "health"], [])),
    ("article_9", "with_ground", {"article_10_ground": "authority"}, (["reason"], ["concern", "health"])),
    ("article_10", "no", {}, (["reason", "health"], ["criminal"])),
    ("article_10", "not_applicable", {}, (["reason", "health"], ["criminal"])),
    ("article_10", "with_ground", {}, (["reason", "health"], ["criminal"])),
    ("article_10", "with_ground", {"article_10_ground": "authority"}, (["criminal"], [])),
    ("article_10", "with_ground", {"article_9_ground": "legal_claims"}, (["reason"], ["criminal"])),
]


@pytest.mark.parametrize(("article", "allowed", "stated", "categories"), SPECIAL)
def test_special_categories_need_what_the_basis_says_of_them(
    sent: Sent, article: str, allowed: str, stated: Stated, categories: tuple[list[str], list[str]]
) -> None:
    """Also where the consent names them: the law's limit is not the person's to lift."""
    everything = ["reason", "concern", "health", "criminal"]
    carried, not_carried = categories
    for category, with_ in [(name, True) for name in carried] + [(name, False) for name in not_carried]:
        entry = entry_for(sent.referral, sent.receiving, category)
        with session(APP) as cursor:
            consent = another_consent(cursor, sent.consent, categories=everything)
            basis = another_basis(cursor, **{article: allowed})
            rest(cursor, sent, consent_id=consent, basis_id=basis, **stated)
            asked = [entry, sent.receiving, sent.referral]
            if with_:
                assert given(cursor, RELEASE, asked) in ([category], []), category
            else:
                assert refused(cursor, RELEASE, asked) == CONSENT_ENDED, category


def test_under_the_real_myndighed_6e_special_categories_need_a_ground_and_all_need_necessity(sent: Sent) -> None:
    tried: list[tuple[dict[str, Any], str, list[str] | None]] = [
        ({}, "reason", None),
        ({"necessity_stated": True}, "reason", ["reason"]),
        ({"necessity_stated": True}, "concern", None),
        ({"necessity_stated": True}, "criminal", None),
        ({"necessity_stated": True, "article_9_ground": "legal_claims"}, "concern", []),
        ({"necessity_stated": True, "article_9_ground": "legal_claims"}, "criminal", None),
        ({"article_9_ground": "legal_claims"}, "concern", None),
    ]
    for stated, category, out in tried:
        entry = entry_for(sent.referral, sent.receiving, category)
        with session(APP) as cursor:
            rest(cursor, sent, basis_id=another_basis(cursor, "MYNDIGHED-6E"), consent_id=None, **stated)
            asked = [entry, sent.receiving, sent.referral]
            if out is None:
                assert refused(cursor, RELEASE, asked) == CONSENT_ENDED, (stated, category)
            else:
                assert given(cursor, RELEASE, asked) == out, (stated, category)


def test_whom_the_referral_is_from_to_and_about_is_not_forged_to_fit_a_ground(sent: Sent) -> None:
    for column, value in [
        ("recipient_id", sent.exchange.stranger.id),
        ("sender_id", sent.exchange.stranger.id),
        ("subject_id", "(SELECT subject_id FROM referrals_referral WHERE id = %(draft)s)"),
    ]:
        new = value if value.startswith("(") else "%(value)s"
        change = f"UPDATE referrals_referral SET {column} = {new}, responsible_id = sender_id WHERE id = %(referral)s"
        with session(APP) as cursor:
            bound = {"draft": sent.draft, "referral": sent.referral, "value": value}
            assert refused(cursor, change, bound) in (APPEND_ONLY, "23514")
