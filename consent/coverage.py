"""
The one question: what may this recipient be shown, for this purpose, at this instant, and on what ground?

Pure: it is told facts and fetches none, so that the same answer comes out on every path and can be asked of any
instant. `consent.grounds` gathers the facts.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from consent.categories import ARTICLE_9, ARTICLE_10, Category

GIVES = frozenset({"given", "renewed"})
ENDS = frozenset({"withdrawn", "revoked", "refused", "invalidated"})
OWN_CONSENT_AGE = 15
ADULT_AGE = 18
NEVER = frozenset({"no", "not_applicable"})
PUBLIC_SERVICE = frozenset({"municipality", "police_prevention", "prison_probation", "psychiatry"})
"""The kinds of agency that are public services; a self-governing institution acts as one (barnets lov § 133)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a consent."""

    number: int
    kind: str
    at: datetime
    registered_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A consent as a fact: what the person agreed to, and what has happened to it since."""

    id: UUID
    version: int
    kind: str
    recipients: frozenset[UUID]
    purposes: frozenset[str]
    categories: frozenset[str]
    report_back: bool
    given_by: str
    maturity_assessed: bool
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A legal basis as a fact: what the law lets it carry."""

    code: str
    version: int
    valid_from: date
    valid_to: date | None
    consent_kind: str
    sender_kinds: frozenset[str]
    recipient_kinds: frozenset[str]
    article_9: str
    article_10: str
    age_min: int | None
    age_max: int | None
    purposes: frozenset[str]
    necessity_statement: bool
    investigation: str
    self_governing_only: bool
    carries: str = "referral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who discloses to whom, and about whom, as far as the law asks."""

    sender_kind: str
    sender_self_governing: bool
    recipient: UUID
    recipient_kind: str
    recipient_self_governing: bool
    birth_year: int | None
    necessity_stated: bool
    article_9_ground: str = ""
    article_10_ground: str = ""
    anonymous: bool = False
    disclosing: str = "referral"
    """What is disclosed: a referral, a notification about a child, or what broken glass opens."""

    def reversed(self, *, recipient: UUID, necessity_stated: bool) -> "Parties":
        """Return the same two agencies the other way round: what the recipient tells the sender (`recipient` now)."""
        return replace(
            self,
            sender_kind=self.recipient_kind,
            sender_self_governing=self.recipient_self_governing,
            recipient=recipient,
            recipient_kind=self.sender_kind,
            recipient_self_governing=self.sender_self_governing,
            necessity_stated=necessity_stated,
            article_9_ground="",
            article_10_ground="",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The answer: the categories covered, and a code for each reason why the others, or all, are not."""

    categories: frozenset[Category]
    because: tuple[str, ...]
    report_back: bool = False
    consent_version: int | None = None


NOTHING = Coverage(categories=frozenset(), because=("no_basis",))


def standing(events: Sequence[Event], *, at: datetime) -> Event | None:
    """
    Return the event on which a consent stands at an instant, or None where it stands on none.

    The order of registration decides, and only what was registered by then counts. Expiry needs no event.
    """
    known = [event for event in events if event.registered_at <= at]
    last = max(known, key=lambda event: event.number, default=None)
    if last is None or last.kind not in GIVES or last.at > at:
        return None
    return last if last.expires_at is not None and at < last.expires_at else None


def state(events: Sequence[Event], *, at: datetime) -> str:
    """Return the consent's state at an instant: the last event's kind, or `expired` (ISO/IEC TS 27560's states)."""
    known = [event for event in events if event.registered_at <= at]
    if not known:
        return "requested"
    last = max(known, key=lambda event: event.number)
    return "expired" if last.kind in GIVES and standing(events, at=at) is None else last.kind


def covered(ground: Ground | None, choice: Choice | None, *, parties: Parties, purpose: str, at: datetime) -> Coverage:
    """
    Return what is covered for this recipient and purpose at this instant, and why the rest is not.

    Domain rules 1 and 2: the basis must be valid that day and allow both kinds of agency, the subject's age and each
    category; on a consent basis a consent of the right kind must stand and name recipient, purpose and category.
    """
    if ground is None:
        return NOTHING
    version = choice.version if choice is not None and ground.consent_kind else None
    because = [*_basis_objections(ground, parties, purpose, at.date())]
    if ground.consent_kind:
        because += _consent_objections(ground, choice, parties, purpose, at)
    if because:
        return Coverage(categories=frozenset(), because=tuple(because), consent_version=version)
    allowed = set(Category)
    if ground.article_9 in NEVER or (ground.article_9 == "with_ground" and not parties.article_9_ground):
        allowed -= ARTICLE_9
    if ground.article_9 == "health_only":
        allowed -= ARTICLE_9 - {Category.HEALTH}
    if ground.article_10 in NEVER or (ground.article_10 == "with_ground" and not parties.article_10_ground):
        allowed -= ARTICLE_10
    if ground.consent_kind and choice is not None:
        allowed &= {Category(name) for name in choice.categories}
    report_back = bool(choice and choice.report_back) if ground.consent_kind else False
    return Coverage(
        categories=frozenset(allowed | {Category.STATUS}),
        because=(),
        report_back=report_back,
        consent_version=version,
    )


def _basis_objections(ground: Ground, parties: Parties, purpose: str, on: date) -> list[str]:
    eldest = None if parties.birth_year is None else on.year - parties.birth_year
    too_young = eldest is not None and ground.age_min is not None and eldest < ground.age_min
    too_old = eldest is not None and ground.age_max is not None and eldest - 1 > ground.age_max
    unknown_age = eldest is None and (ground.age_min is not None or ground.age_max is not None)
    wrong_sender = not _admits(ground.sender_kinds, parties.sender_kind, parties.sender_self_governing)
    wrong_recipient = not _admits(ground.recipient_kinds, parties.recipient_kind, parties.recipient_self_governing)
    of_nobody = ground.carries == "anonymous" and parties.disclosing == "referral" and parties.anonymous
    objections = {
        "basis_not_for_this": ground.carries != parties.disclosing and not of_nobody,
        "basis_not_valid_that_day": on < ground.valid_from or (ground.valid_to is not None and on > ground.valid_to),
        "basis_not_for_sender": wrong_sender,
        "basis_not_for_recipient": wrong_recipient,
        "basis_not_for_age": too_young or too_old or unknown_age,
        "basis_not_for_purpose": purpose not in ground.purposes,
        "necessity_statement_missing": ground.necessity_statement and not parties.necessity_stated,
        "sender_not_self_governing": ground.self_governing_only
        and parties.sender_kind == "exit_centre"
        and not parties.sender_self_governing,
        "recipient_not_self_governing": ground.self_governing_only
        and parties.recipient_kind == "exit_centre"
        and not parties.recipient_self_governing,
    }
    return [code for code, holds in objections.items() if holds]


def _consent_objections(
    ground: Ground, choice: Choice | None, parties: Parties, purpose: str, at: datetime
) -> list[str]:
    if choice is None:
        return ["consent_missing"]
    objections = {
        "consent_of_wrong_kind": choice.kind != ground.consent_kind,
        f"consent_{state(choice.events, at=at)}": standing(choice.events, at=at) is None,
        "consent_not_for_recipient": parties.recipient not in choice.recipients,
        "consent_not_for_purpose": purpose not in choice.purposes,
    }
    given_in = min((event.at.year for event in choice.events), default=at.year)
    return [
        *(code for code, holds in objections.items() if holds),
        *age_objections(choice.given_by, parties.birth_year, given_in, maturity_assessed=choice.maturity_assessed),
    ]


def age_objections(given_by: str, birth_year: int | None, given_in: int, *, maturity_assessed: bool) -> list[str]:
    """
    Return why a person of this birth year could not give this consent in that year (rule 6), or nothing.

    With the year alone, a birthday may still have been to come: a doubt about 15 or 18 is met by the assessment, and
    a custody holder may still consent. For whoever is surely an adult, nobody else does.
    """
    if birth_year is None:
        return []
    eldest = given_in - birth_year
    if given_by != "subject":
        return ["custody_holder_not_for_adults"] if eldest - 1 >= ADULT_AGE else []
    if eldest < OWN_CONSENT_AGE:
        return ["custody_holder_needed"]
    return ["maturity_assessment_needed"] if eldest - 1 < ADULT_AGE and not maturity_assessed else []


def is_public(kind: str, *, self_governing: bool) -> bool:
    """Say whether an agency is a public service, or a self-governing institution that acts as one."""
    return kind in PUBLIC_SERVICE or (kind == "exit_centre" and self_governing)


def _admits(kinds: Collection[str], kind: str, self_governing: bool) -> bool:
    public = is_public(kind, self_governing=self_governing)
    return kind in kinds or "any" in kinds or ("any_public_service" in kinds and public)
