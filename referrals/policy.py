"""
Who may take which step, and who may be shown which sections. Pure: told facts, fetches none.

Which *rows* somebody reaches is decided by object permissions in the query; here the row has been reached.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from agencies.models import Kind, Role
from agencies.principals import Principal
from consent.categories import CONTENT, Category
from consent.coverage import Coverage
from referrals.lifecycle import STEPS, Move, Side, Status, Step

SYSTEM_MOVES = frozenset({Move.STOP_ON_CONSENT, Move.EXPIRE})
COORDINATED = frozenset({Move.ASSIGN})
"""Moves of the recipient's coordinators alone."""

OTHER_PURPOSE = frozenset({"basis_not_for_purpose", "consent_not_for_purpose"})
"""The objections to a disclosure that are about its purpose: a reader who states such a purpose is refused."""

NO_LONGER_THE_RECIPIENTS = frozenset({Status.REJECTED, Status.REDIRECTED, Status.WITHDRAWN, Status.EXPIRED})
"""In these the recipient has no task with the referral, and is shown no more of it than its status."""

WORK_OF_THE_RECIPIENT = frozenset(
    {
        *(Status.IN_PROGRESS, Status.ON_HOLD, Status.COMPLETED, Status.CLOSED_UNSUCCESSFUL),
        *(Status.CONSENT_WITHDRAWN, Status.TAKEN_OVER_BY_POLICE),
    }
)
"""In these the latest reason is about how the work goes: part of the outcome, shown to the sender only as that is."""

OUTCOME_MOVES = frozenset({Move.HOLD, Move.RESUME, Move.COMPLETE, Move.CLOSE})

EMERGENCY = "averting_danger"
"""The one purpose for which broken glass opens anything."""

GOING_ON = frozenset({Move.ACCEPT, Move.START, Move.ASSIGN, Move.RESUME})
"""The moves by which the recipient goes on with the work, which a consent that has ended does not carry."""

JOINT_HANDLING = frozenset({Move.ACCEPT, Move.START})
"""The moves that begin joint handling, which waits for the police's screening (rule 15)."""

ENDINGS = frozenset({Move.REJECT, Move.WITHDRAW, Move.CLOSE, Move.TAKE_OVER, Move.MARK_IN_ERROR})
"""The moves that end a referral: all that is left to do with an erased person's."""

FOR_NOBODY = frozenset({Status.ENTERED_IN_ERROR})
"""In these, content is sealed for everyone; the row stays."""


REVIEW_WITHIN = timedelta(hours=72)
"""How soon after it was broken somebody else has reviewed a glass (rule 18)."""


class GlassState(StrEnum):
    """Where a broken glass is on its way: flagged in the first three, until it is reviewed."""

    OPEN = "open"
    UNREVIEWED = "unreviewed"
    OVERDUE = "overdue"
    REVIEWED = "reviewed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rules ask about one referral and one reader."""

    id: UUID
    status: Status
    status_before: str
    version: int
    sender: UUID
    sender_kind: str
    recipient: UUID | None
    recipient_kind: str
    responsible: UUID
    assigned: bool
    assigned_to_reader: bool
    may_work: bool
    awaits_screening: bool = False
    erased: bool = False
    lapsed: bool = False


def sides(reader: Principal, referral: Facts) -> frozenset[Side]:
    """Return the sides on which the reader's agency stands; the police's own hand counts as one more."""
    found = set()
    if reader.agency == referral.sender:
        found.add(Side.SENDER)
    if reader.agency == referral.recipient:
        found.add(Side.RECIPIENT)
    if found and reader.kind == Kind.POLICE_PREVENTION:
        found.add(Side.POLICE)
    return frozenset(found)


def on_duty(reader: Principal, referral: Facts) -> bool:
    """
    Say whether the reader works on this referral: at the recipient, once it is assigned, only those it is assigned to
    and the coordinators do.
    """
    if reader.agency != referral.recipient or not referral.assigned:
        return True
    return referral.assigned_to_reader or reader.role == Role.COORDINATOR


def allowed_actions(reader: Principal, referral: Facts) -> tuple[Move, ...]:
    """Return the moves that this reader may take now, in the order of the step table's moves."""
    return tuple(move for move in Move if step_for(reader, referral, move) is not None)


def step_for(reader: Principal, referral: Facts, move: Move) -> Step | None:
    """Return the step that the move is for this reader now, or None where it is not theirs to take."""
    step = STEPS.get((referral.status, move))
    if step is None or step.side not in sides(reader, referral) or not referral.may_work:
        return None
    if not on_duty(reader, referral) or (referral.erased and move not in ENDINGS):
        return None
    lapsed = referral.lapsed and step.side is Side.RECIPIENT and move in GOING_ON
    if lapsed or (move in COORDINATED and reader.role != Role.COORDINATOR):
        return None
    return None if move in (JOINT_HANDLING if referral.awaits_screening else {Move.SCREEN}) else step


def glass_state(opened_at: datetime, until: datetime, reviewed_at: datetime | None, *, at: datetime) -> GlassState:
    """Return the state of a broken glass at an instant."""
    if reviewed_at is not None:
        return GlassState.REVIEWED
    if at < until:
        return GlassState.OPEN
    return GlassState.OVERDUE if at > opened_at + REVIEW_WITHIN else GlassState.UNREVIEWED


def readable(
    reader: Principal, referral: Facts, coverage: Coverage, *, emergency: bool = False
) -> tuple[Category, ...]:
    """
    Return the categories this reader may be shown now, in the category list's order; `status` is always among them.

    `coverage` is what carries the other side's content to this reader. The sender reads what it wrote itself; the
    outcome comes back to it only on a ground of its own. The recipient reads what basis and consent cover now, and
    after assignment only those on duty do. In an emergency the coverage is what the glass was broken for, and duty and
    the referral's end are not asked about; what the reader may see without it stays.
    """
    found = _readable(reader, referral, coverage, emergency)
    return tuple(category for category in Category if category in found)


def header_readable(reader: Principal, referral: Facts) -> bool:
    """
    Say whether the reader may see more of the header than the summary: person, channel, purpose and basis.

    The sender may; the recipient while it has a task with the referral, and once it is assigned those on duty.
    """
    if reader.agency == referral.sender:
        return True
    if referral.status is Status.TAKEN_OVER_BY_POLICE:
        return reader.kind == Kind.POLICE_PREVENTION
    stopped = referral.status is Status.CONSENT_WITHDRAWN or referral.lapsed
    ended = stopped or referral.status in NO_LONGER_THE_RECIPIENTS | FOR_NOBODY
    return not ended and on_duty(reader, referral)


def reason_readable(reader: Principal, referral: Facts, readable: Collection[Category]) -> bool:
    """Say whether the reader may know the coded reason of the latest move that had one."""
    if not (header_readable(reader, referral) or referral.status in NO_LONGER_THE_RECIPIENTS):
        return False
    if not on_duty(reader, referral):
        return False
    if reader.agency == referral.sender and referral.status in WORK_OF_THE_RECIPIENT:
        return Category.OUTCOME in readable
    return True


def untold_reasons(reader: Principal, referral: Facts) -> Collection[Move]:
    """
    Return the moves whose reasons the referral's course does not tell this reader.

    To the sender those about how the recipient's work goes: they are part of the outcome, and are told with it alone.
    At the recipient all of them where the referral itself tells no reason: made in error, taken over, not on duty.
    """
    if reader.agency == referral.sender:
        return OUTCOME_MOVES
    return frozenset() if reason_readable(reader, referral, ()) else frozenset(Move)


def _readable(reader: Principal, referral: Facts, coverage: Coverage, emergency: bool) -> Collection[Category]:
    only_status = {Category.STATUS}
    taken_over = referral.status is Status.TAKEN_OVER_BY_POLICE and reader.kind != Kind.POLICE_PREVENTION
    if referral.status in FOR_NOBODY or referral.erased or taken_over:
        return only_status
    carried = set(coverage.categories) & set(CONTENT)
    if reader.agency == referral.sender:
        return (set(Category) - {Category.OUTCOME}) | (carried & {Category.OUTCOME})
    if reader.agency != referral.recipient or referral.status is Status.DRAFT:
        return only_status
    own = only_status | {Category.OUTCOME}
    apart = referral.status is Status.CONSENT_WITHDRAWN or not on_duty(reader, referral)
    if emergency:
        return carried | (only_status if apart else own)
    if apart:
        return only_status
    return own if referral.status in NO_LONGER_THE_RECIPIENTS else own | carried
