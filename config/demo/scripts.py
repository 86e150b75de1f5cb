"""
What the other side of a referral can be asked to do: each script is a name, whose part it is, and steps. Data only.

A step names the move as `allowed_actions` does. Whoever plays it waits a moment before each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RECIPIENT, SENDER = "recipient", "sender"
AWAIT_ANSWER = "await_answer"
"""Not a move: wait until the sender has answered or declined."""


@dataclass(frozen=True, slots=True)
class Step:
    """One move and its body. `assignees` and `recipient` are filled in by whoever plays it."""

    move: str
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """A part for one side of the referral: what it does, in order, and in words."""

    side: str
    words: str
    steps: tuple[Step, ...]


_RECEIVE, _ASSIGN, _ACCEPT, _START = Step("receive"), Step("assign"), Step("accept"), Step("start")
_ASK = Step("request_info", {"reason": "contact_unclear", "comment": "Hvornår på dagen må vi ringe?"})
_ACCEPTED = (_RECEIVE, _ASSIGN, _ACCEPT)
_WORKED_ON = (*_ACCEPTED, _START)

SCRIPTS: dict[str, Script] = {
    "receives": Script(RECIPIENT, "acknowledges it", (_RECEIVE,)),
    "accepts": Script(RECIPIENT, "acknowledges, assigns a counsellor, accepts", _ACCEPTED),
    "works": Script(
        RECIPIENT,
        "accepts, starts, puts it on hold, resumes",
        (*_WORKED_ON, Step("hold", {"reason": "agreed_pause"}), Step("resume")),
    ),
    "completes": Script(
        RECIPIENT,
        "accepts, starts, and completes it with an outcome",
        (
            *_WORKED_ON,
            Step("complete", {"reason": "goals_reached", "outcome": "out_of_milieu", "comment": "Et godt forløb."}),
        ),
    ),
    "closes": Script(
        RECIPIENT, "accepts, starts, and loses contact", (*_WORKED_ON, Step("close", {"reason": "contact_lost"}))
    ),
    "asks": Script(RECIPIENT, "acknowledges, and asks you a question", (_RECEIVE, _ASK)),
    "asks_then_accepts": Script(
        RECIPIENT,
        "asks a question, waits for your answer, and accepts",
        (_RECEIVE, _ASK, Step(AWAIT_ANSWER), _ASSIGN, _ACCEPT),
    ),
    "rejects": Script(RECIPIENT, "rejects it with a reason", (_RECEIVE, Step("reject", {"reason": "no_capacity"}))),
    "redirects": Script(
        RECIPIENT, "redirects it to another agency", (_RECEIVE, Step("redirect", {"reason": "closer_to_home"}))
    ),
    "silent": Script(RECIPIENT, "does nothing, so that the deadlines pass", ()),
    "answers": Script(
        SENDER, "answers your question", (Step("answer_info", {"comment": "Ring gerne efter klokken 16."}),)
    ),
    "declines": Script(
        SENDER, "declines to answer your question", (Step("decline_info", {"reason": "no_duty_to_disclose"}),)
    ),
    "withdraws": Script(SENDER, "takes the referral back", (Step("withdraw", {"reason": "subject_changed_mind"}),)),
    "withdraws_consent": Script(
        SENDER, "records that the person withdrew the consent", (Step("withdraw_consent", {"method": "oral"}),)
    ),
}
