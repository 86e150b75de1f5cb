"""
The door out: the only way a referral's content reaches anyone, whatever the path.

Record first, then release. The entry that names what is to be shown commits; then the database hands out the sealed
sections for that entry alone, re-checking the consent under a lock (migrations/0002). Not there and not yours are one
refusal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection
from django.utils import timezone

from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.principals import Principal
from api_schema.problems import Unavailable
from audit.facts import Receipt, Subject
from audit.log import Act
from consent import grounds, vault
from consent.categories import Category
from consent.coverage import NOTHING, Coverage, Parties, covered
from referrals import policy
from referrals.errors import ReferralNotFound
from referrals.lifecycle import Move
from referrals.models import Referral

TRIES = 3
"""How often a disclosure is recorded anew because something changed between its entry and its release."""

ENDED_MEANWHILE = {"UD001", "UD002"}
"""The SQLSTATEs by which the release function refuses: the reader has no task any more, or the consent has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One referral as it was shown to one reader: nothing in it was not recorded first."""

    referral: Referral
    facts: policy.Facts
    coverage: Coverage
    allowed_actions: tuple[Move, ...]
    readable: tuple[Category, ...]
    sections: dict[str, Any]
    messages: list[Any]
    receipt: Receipt
    own: bool
    reason_readable: bool
    header_readable: bool


def disclose(referral_id: UUID, *, to: Principal, purpose: str) -> Disclosure:
    """
    Show a referral to a principal, and return what was shown.

    Raises `ReferralNotFound` where it is not there or not theirs, `PurposeNotAllowed` where its basis does not
    allow the purpose, and the refusals of `agencies.acting`; all recorded.
    """
    for _ in range(TRIES):
        release = _record(referral_id, to=to, purpose=purpose)
        try:
            return release()
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", "") not in ENDED_MEANWHILE:
                raise
    raise Unavailable


def _record(referral_id: UUID, *, to: Principal, purpose: str) -> Callable[[], Disclosure]:
    with acting(
        "referral.disclose", by=to, about=Subject("referral", referral_id), purpose=purpose, changes=False
    ) as act:
        referral = Referral.objects.viewable_by(to).with_parties().filter(pk=referral_id).first()
        if referral is None:
            raise ReferralNotFound
        facts = referral.facts()
        coverage = coverage_of(referral, purpose=purpose, at=timezone.now())
        if to.agency == facts.recipient and policy.OTHER_PURPOSE & set(coverage.because):
            raise PurposeNotAllowed
        readable = policy.readable(to, facts, coverage)
        _describe(act, referral, reader=to, readable=readable, coverage=coverage)

    def release() -> Disclosure:
        sections, messages = _released(act.committed, referral, to)
        return Disclosure(
            referral=referral,
            facts=facts,
            coverage=coverage,
            allowed_actions=policy.allowed_actions(to, facts),
            readable=readable,
            sections=sections,
            messages=messages,
            receipt=act.committed,
            own=to.agency == facts.sender,
            header_readable=policy.header_readable(to, facts),
            reason_readable=policy.reason_readable(to, facts, readable),
        )

    return release


def coverage_of(referral: Referral, *, purpose: str, at: datetime) -> Coverage:
    """Return what the referral's recipient may be shown for a purpose at an instant; at most one statement."""
    if referral.basis is None or referral.recipient is None:
        return NOTHING
    parties = Parties(
        sender_kind=referral.sender.kind,
        sender_self_governing=referral.sender.self_governing_approved,
        recipient=referral.recipient.id,
        recipient_kind=referral.recipient.kind,
        recipient_self_governing=referral.recipient.self_governing_approved,
        birth_year=referral.subject.birth_year,
        necessity_stated=referral.necessity_stated,
    )
    choice = grounds.choice(referral.consent_id) if referral.basis.consent_kind else None
    at = grounds.as_of(choice, at)
    stated = referral.purpose if purpose == "case_follow_up" else purpose
    return covered(grounds.ground(referral.basis), choice, parties=parties, purpose=stated or purpose, at=at)


def _describe(
    act: Act, referral: Referral, *, reader: Principal, readable: tuple[Category, ...], coverage: Coverage
) -> None:
    """Write into the act what it shows (what holds nothing shows nothing), and on which ground if it is another's."""
    written = {name.partition(".")[0] for name in referral.written}
    act.categories = tuple(str(category) for category in readable if category is Category.STATUS or category in written)
    act.detail = {"version": str(referral.version)}
    own = reader.agency == referral.sender_id and Category.OUTCOME not in act.categories
    if referral.basis is not None and not own:
        act.basis, act.basis_version = referral.basis.code, referral.basis.version
        act.consent, act.consent_version = referral.consent_id, coverage.consent_version


def _released(receipt: Receipt, referral: Referral, reader: Principal) -> tuple[dict[str, Any], list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT category, part, sealed FROM referrals_release(%s, %s)", [receipt.entry, reader.agency])
        rows = cursor.fetchall()
    key = bytes(referral.subject.wrapped_key)
    sections: dict[str, Any] = {}
    messages: list[Any] = []
    for category, part, sealed in rows:
        belongs_to = place(referral.id, category, part)
        content = vault.unseal(bytes(sealed), wrapped_key=key, belongs_to=belongs_to)
        if category.endswith(".message"):
            messages.append(content)
        else:
            _put(sections, category, content)
    return sections, sorted(messages, key=lambda message: str(message["at"]))


def _put(sections: dict[str, Any], category: str, content: Any) -> None:
    name, _, member = category.partition(".")
    if member:
        sections.setdefault(name, {})[member] = content
    elif name == Category.OUTCOME:
        sections.setdefault(name, {"entries": []})["entries"].append(content)
    else:
        sections[name] = {**content, **sections.get(name, {})}


def place(referral_id: UUID, category: str, part: int) -> str:
    """Return what a sealed section is bound to, so that it opens nowhere else."""
    return f"{referral_id}/{category}/{part}"
