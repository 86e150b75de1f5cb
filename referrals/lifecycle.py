"""
A referral's life as a table: from which status, by which move, by whose hand, to which status. Pure.

Terminal states are stated, not computed, so that the table can be held against them. The whole table is pinned by
tests/referrals/test_lifecycle.py.
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RECEIVED = "received"
    INFO_REQUESTED = "info_requested"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CLOSED_UNSUCCESSFUL = "closed_unsuccessful"
    REJECTED = "rejected"
    REDIRECTED = "redirected"
    WITHDRAWN = "withdrawn"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    EXPIRED = "expired"
    ENTERED_IN_ERROR = "entered_in_error"
    TAKEN_OVER_BY_POLICE = "taken_over_by_police"


class Move(StrEnum):
    SUBMIT = "submit"
    RECEIVE = "receive"
    REQUEST_INFO = "request_info"
    ANSWER_INFO = "answer_info"
    DECLINE_INFO = "decline_info"
    ACCEPT = "accept"
    REJECT = "reject"
    REDIRECT = "redirect"
    SCREEN = "screen"
    AMEND = "amend"
    ASSIGN = "assign"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    COMPLETE = "complete"
    CLOSE = "close"
    TAKE_OVER = "take_over"
    WITHDRAW = "withdraw"
    MARK_IN_ERROR = "mark_in_error"
    STOP_ON_CONSENT = "stop_on_consent"
    EXPIRE = "expire"


class Side(StrEnum):
    """Whose hand: an agency's side of the referral, or the system. Staff never act as the system."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    POLICE = "police"
    SYSTEM = "system"


TERMINAL = frozenset(
    {
        Status.COMPLETED,
        Status.CLOSED_UNSUCCESSFUL,
        Status.REJECTED,
        Status.REDIRECTED,
        Status.WITHDRAWN,
        Status.EXPIRED,
        Status.ENTERED_IN_ERROR,
        Status.TAKEN_OVER_BY_POLICE,
    }
)
"""Never reopened: a new, linked referral is made instead. A terminal referral can still be marked as made in error."""


class As(StrEnum):
    """Where a step leads when that depends on where the referral came from."""

    BEFORE = "as_before"
    """The status it had before it was interrupted: information was asked for, or a consent ended."""

    IS = "as_is"
    """The status it has: the move changes something else."""


@dataclass(frozen=True, slots=True)
class Step:
    """One allowed move: who may take it, and the status it leads to."""

    side: Side
    to: Status | As


S, R, P, SYS = Side.SENDER, Side.RECIPIENT, Side.POLICE, Side.SYSTEM
_INTERRUPTIBLE = {
    (Status.SUBMITTED, Move.REQUEST_INFO): Step(R, Status.INFO_REQUESTED),
    (Status.RECEIVED, Move.REQUEST_INFO): Step(R, Status.INFO_REQUESTED),
    (Status.INFO_REQUESTED, Move.ANSWER_INFO): Step(S, As.BEFORE),
    (Status.INFO_REQUESTED, Move.DECLINE_INFO): Step(S, As.BEFORE),
}
_MAIN_ROAD = {
    (Status.DRAFT, Move.SUBMIT): Step(S, Status.SUBMITTED),
    (Status.SUBMITTED, Move.RECEIVE): Step(R, Status.RECEIVED),
    (Status.RECEIVED, Move.ACCEPT): Step(R, Status.ACCEPTED),
    (Status.ACCEPTED, Move.START): Step(R, Status.IN_PROGRESS),
    (Status.IN_PROGRESS, Move.HOLD): Step(R, Status.ON_HOLD),
    (Status.ON_HOLD, Move.RESUME): Step(R, Status.IN_PROGRESS),
    (Status.IN_PROGRESS, Move.COMPLETE): Step(R, Status.COMPLETED),
}
_ASSIGNABLE = (Status.RECEIVED, Status.ACCEPTED, Status.IN_PROGRESS, Status.ON_HOLD)
_UNDECIDED = (Status.SUBMITTED, Status.RECEIVED)
_BEING_WORKED_ON = (Status.ACCEPTED, Status.IN_PROGRESS, Status.ON_HOLD)
_SHARED = (*_UNDECIDED, Status.INFO_REQUESTED, *_BEING_WORKED_ON)

STEPS: dict[tuple[Status, Move], Step] = {
    **_MAIN_ROAD,
    **_INTERRUPTIBLE,
    **{(status, Move.REJECT): Step(R, Status.REJECTED) for status in _UNDECIDED},
    **{(status, Move.REDIRECT): Step(R, Status.REDIRECTED) for status in _UNDECIDED},
    **{(status, Move.ASSIGN): Step(R, As.IS) for status in _ASSIGNABLE},
    **{(status, Move.CLOSE): Step(R, Status.CLOSED_UNSUCCESSFUL) for status in _BEING_WORKED_ON},
    **{(status, Move.SCREEN): Step(P, As.IS) for status in (*_UNDECIDED, Status.INFO_REQUESTED)},
    **{(status, Move.AMEND): Step(S, As.IS) for status in _SHARED},
    **{(status, Move.TAKE_OVER): Step(P, Status.TAKEN_OVER_BY_POLICE) for status in _SHARED},
    **{
        (status, Move.WITHDRAW): Step(S, Status.WITHDRAWN)
        for status in (Status.DRAFT, *_UNDECIDED, Status.INFO_REQUESTED)
    },
    **{
        (status, Move.MARK_IN_ERROR): Step(S, Status.ENTERED_IN_ERROR)
        for status in Status
        if status is not Status.ENTERED_IN_ERROR
    },
    **{(status, Move.STOP_ON_CONSENT): Step(SYS, Status.CONSENT_WITHDRAWN) for status in _SHARED},
    (Status.CONSENT_WITHDRAWN, Move.RESUME): Step(S, As.BEFORE),
    **{(status, Move.EXPIRE): Step(SYS, Status.EXPIRED) for status in (*_UNDECIDED, Status.INFO_REQUESTED)},
}


def destination(step: Step, *, now: Status, before: str) -> Status:
    """Return the status a step leads to, given today's and the one before an interruption."""
    if step.to is As.IS:
        return now
    if step.to is As.BEFORE:
        return Status(before)
    return Status(step.to)
