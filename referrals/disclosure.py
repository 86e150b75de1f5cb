"""
The door out: the only way a referral's content reaches anyone, whatever the path.

Record first, then release. The entry that names what is to be shown commits; then the database hands out the sealed
content for that entry alone, weighing basis and consent anew under a lock that lasts until the answer is ready
(migrations/0004). Not there and not yours are one refusal.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, connection
from django.utils import timezone

from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.principals import Principal
from api_schema.problems import Unavailable
from audit import log, strength
from audit.facts import Receipt, Subject
from audit.log import Act
from consent import vault
from consent.categories import Category
from consent.errors import KeyDestroyed
from referrals import policy
from referrals.content import Content, Piece, put_together
from referrals.coverage import Weighed, weigh
from referrals.emergency import Flag, emergency_access, flags
from referrals.errors import ReferralNotFound
from referrals.lifecycle import Move, Status
from referrals.models import Referral, Section

T = TypeVar("T")
Rows = Sequence[tuple[Any, ...]]
TRIES = 3
"""How often a disclosure is recorded anew because something changed between its entry and its release."""

MESSAGE = ".message"
"""The end of the name under which messages about a category lie."""

NOT_SEALED = "UD003"
"""The SQLSTATE by which they ask for patience: no signed checkpoint covers the entry yet."""

ENDED_MEANWHILE = {"UD001", "UD002"}
"""The SQLSTATEs by which the release functions refuse: the reader has no task any more, or the ground has ended."""


class Wanted(StrEnum):
    """Which part of a referral is asked for; each is a disclosure with an action name of its own."""

    WHOLE = "disclose"
    MESSAGES = "messages"
    AMENDMENTS = "amendments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A disclosure that is in the ledger and may now be released: nothing of it has been shown yet."""

    referral: Referral
    facts: policy.Facts
    weighed: Weighed
    readable: tuple[Category, ...]
    receipt: Receipt
    reader: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One referral as it was shown to one reader: nothing in it was not recorded first."""

    referral: Referral
    facts: policy.Facts
    allowed_actions: tuple[Move, ...]
    readable: tuple[Category, ...]
    sections: dict[str, Any]
    amendments: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    receipt: Receipt
    own: bool
    reason_readable: bool
    header_readable: bool
    flags: Sequence[Flag]


def disclose(referral_id: UUID, *, to: Principal, purpose: str, wanted: Wanted = Wanted.WHOLE) -> Disclosure:
    """
    Show a referral, or one part of it, to a principal, and return what was shown.

    Raises `ReferralNotFound` where it is not there or not theirs, `PurposeNotAllowed` where its basis does not
    allow the purpose, and the refusals of `agencies.acting`; all recorded.
    """

    def once() -> Disclosure:
        action = f"referral.{wanted}"
        recorded = record(referral_id, to=to, purpose=purpose, action=action, holds=HOLDS[wanted])
        return _shown(recorded, release(recorded))

    return patiently(once)


def patiently(once: Callable[[], T]) -> T:
    """Do a disclosure, and anew where something changed between its entry and its release. Raises `Unavailable`."""
    for _ in range(TRIES):
        try:
            return once()
        except KeyDestroyed:  # the person was erased meanwhile: the next entry names the status alone
            continue
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", "") not in ENDED_MEANWHILE:
                raise
    raise Unavailable


def record(
    referral_id: UUID,
    *,
    to: Principal,
    purpose: str,
    action: str,
    holds: Callable[[Referral], Collection[str]],
    narrow: Callable[[Act, Sequence[Category]], None] | None = None,
) -> Recorded:
    """
    Record what a principal is about to be shown; `holds` says which categories hold anything of what is asked for.

    `narrow` may say more of it in the entry, told what is readable, and raise a `Refusal`. Raises as `disclose` does.
    """
    with acting(action, by=to, about=Subject("referral", referral_id), purpose=purpose, changes=False) as act:
        referral = Referral.objects.viewable_by(to).with_parties().filter(pk=referral_id).first()
        if referral is None:
            raise ReferralNotFound
        facts = referral.facts()
        now = timezone.now()
        glass = emergency_access(referral, by=to, at=now) if purpose == policy.EMERGENCY else None
        weighed = glass.weighed if glass else weigh(referral, reader=to, purpose=purpose, at=now)
        if to.agency == facts.recipient and policy.OTHER_PURPOSE & set(weighed.coverage.because):
            raise PurposeNotAllowed
        readable = policy.readable(to, facts, weighed.coverage, emergency=glass is not None)
        describe(act, referral, reader=to, shown=_held(readable, holds(referral)), weighed=weighed)
        if glass is not None:
            act.detail["break_glass"] = str(glass.id)
        if narrow is not None:
            narrow(act, readable)
    return Recorded(
        referral=referral, facts=facts, weighed=weighed, readable=readable, receipt=act.committed, reader=to
    )


def release(recorded: Recorded) -> Content:
    """Return the content that a committed entry allows, unsealed; locked against a withdrawal until the answer."""
    referral = recorded.referral
    asked = [recorded.receipt.entry, recorded.reader.agency, referral.id]

    def opened(rows: Rows) -> Content:
        return put_together(
            Piece(category, part, unsealed(referral, bytes(sealed), place(referral.id, category, part)))
            for category, part, sealed in rows
        )

    return released("SELECT category, part, sealed FROM referrals_release(%s, %s, %s)", asked, opened)


def released(question: str, asked: Sequence[UUID], opened: Callable[[Rows], T]) -> T:
    """
    Ask a release function for what a committed entry allows, the entry first, and return it as `opened` makes it.

    It is opened under the locks, which last until the answer. Where nothing is shown before a signed checkpoint covers
    the entry, wait for that. Raises `Unavailable` where it doesn't come, and DatabaseError where the function refuses.
    """
    for last in (False, True):
        try:
            with log.held(), connection.cursor() as cursor:
                cursor.execute(question, asked)
                return opened(cursor.fetchall())
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", "") != NOT_SEALED:
                raise
        if last or not strength.awaited(asked[0]):
            break
    raise Unavailable


def release_task(referral: Referral, task: UUID, *, receipt: Receipt, to: Principal) -> Any:
    """Return what a task carries in itself, unsealed, for the committed entry that shows it."""
    return _released("SELECT referrals_release_task(%s, %s, %s)", referral, "task", task, receipt=receipt, to=to)


def release_explanation(referral: Referral, glass: UUID, *, receipt: Receipt, to: Principal) -> Any:
    """Return why a glass was broken, unsealed, for the committed entry that shows it."""
    asked = "SELECT referrals_release_explanation(%s, %s, %s)"
    return _released(asked, referral, "break-glass", glass, receipt=receipt, to=to)


def _released(asked: str, referral: Referral, name: str, thing: UUID, *, receipt: Receipt, to: Principal) -> Any:
    def opened(rows: Rows) -> Any:
        return unsealed(referral, bytes(rows[0][0]), place(referral.id, name, str(thing)))

    return released(asked, [receipt.entry, to.agency, thing], opened)


def unsealed(referral: Referral, sealed: bytes, belongs_to: str) -> Any:
    """Return one unsealed piece of a referral."""
    return vault.unseal(sealed, subject=referral.subject_id, belongs_to=belongs_to)


def place(referral_id: UUID, category: str, part: int | str) -> str:
    """Return what a sealed piece is bound to, so that it opens nowhere else."""
    return f"{referral_id}/{category}/{part}"


def describe(act: Act, referral: Referral, *, reader: Principal, shown: Sequence[str], weighed: Weighed) -> None:
    """Write into an act which categories it shows, and whose; and on which ground where they are another's."""
    act.categories = tuple(shown)
    side = "sender" if reader.agency == referral.sender_id else "recipient"
    act.detail = {"version": str(referral.version), "side": side}
    if any(name.endswith(MESSAGE) and name.removesuffix(MESSAGE) in shown for name in referral.written):
        act.detail["messages"] = "yes"  # of either side's: such an entry is kept like a disclosure
    own = reader.agency == referral.sender_id and Category.OUTCOME not in act.categories
    if weighed.basis is not None and not own:
        act.basis, act.basis_version = weighed.basis.code, weighed.basis.version
        act.consent, act.consent_version = weighed.consent, weighed.coverage.consent_version


def _held(readable: Sequence[Category], holding: Collection[str]) -> tuple[str, ...]:
    """Return what is shown: what may be read and holds something; what holds nothing shows nothing."""
    names = {name.partition(".")[0] for name in holding}
    return tuple(str(category) for category in readable if category is Category.STATUS or category in names)


def _whole(referral: Referral) -> Collection[str]:
    """Return what is written; the latest reason is part of the outcome while it is about how the work goes."""
    told = referral.reason_code and Status(referral.status) in policy.WORK_OF_THE_RECIPIENT
    return [*referral.written, *([Category.OUTCOME] if told else [])]


def _with_messages(referral: Referral) -> Collection[str]:
    return [name for name in referral.written if name.endswith(MESSAGE)]


def _amended(referral: Referral) -> Collection[str]:
    rows = Section.objects.filter(referral=referral, part__gt=0).exclude(category__contains=".message")
    return set(rows.exclude(category=Category.OUTCOME).values_list("category", flat=True))


HOLDS: dict[Wanted, Callable[[Referral], Collection[str]]] = {
    Wanted.WHOLE: _whole,
    Wanted.MESSAGES: _with_messages,
    Wanted.AMENDMENTS: _amended,
}


def _shown(recorded: Recorded, content: Content) -> Disclosure:
    reader, facts = recorded.reader, recorded.facts
    return Disclosure(
        referral=recorded.referral,
        facts=facts,
        allowed_actions=policy.allowed_actions(reader, facts),
        readable=recorded.readable,
        sections=content.sections,
        amendments=content.amendments,
        messages=content.messages,
        receipt=recorded.receipt,
        own=reader.agency == facts.sender,
        header_readable=policy.header_readable(reader, facts),
        reason_readable=policy.reason_readable(reader, facts, recorded.readable),
        flags=flags(recorded.referral, at=timezone.now()),
    )
