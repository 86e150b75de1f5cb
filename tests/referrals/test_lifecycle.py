"""The whole step table, written out by hand from domain.md and held against the product's own."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from referrals.lifecycle import STEPS, TERMINAL, As, Move, Side, Status, Step, destination

pytestmark = pytest.mark.no_database

TABLE = """
draft                submit           sender     submitted
draft                withdraw         sender     withdrawn
draft                mark_in_error    sender     entered_in_error

submitted            receive          recipient  received
submitted            request_info     recipient  info_requested
submitted            reject           recipient  rejected
submitted            redirect         recipient  redirected
submitted            screen           police     as_is
submitted            amend            sender     as_is
submitted            take_over        police     taken_over_by_police
submitted            withdraw         sender     withdrawn
submitted            mark_in_error    sender     entered_in_error
submitted            stop_on_consent  system     consent_withdrawn
submitted            expire           system     expired

received             request_info     recipient  info_requested
received             accept           recipient  accepted
received             reject           recipient  rejected
received             redirect         recipient  redirected
received             assign           recipient  as_is
received             screen           police     as_is
received             amend            sender     as_is
received             take_over        police     taken_over_by_police
received             withdraw         sender     withdrawn
received             mark_in_error    sender     entered_in_error
received             stop_on_consent  system     consent_withdrawn
received             expire           system     expired

info_requested       answer_info      sender     as_before
info_requested       decline_info     sender     as_before
info_requested       screen           police     as_is
info_requested       amend            sender     as_is
info_requested       take_over        police     taken_over_by_police
info_requested       withdraw         sender     withdrawn
info_requested       mark_in_error    sender     entered_in_error
info_requested       stop_on_consent  system     consent_withdrawn
info_requested       expire           system     expired

accepted             assign           recipient  as_is
accepted             start            recipient  in_progress
accepted             close            recipient  closed_unsuccessful
accepted             amend            sender     as_is
accepted             take_over        police     taken_over_by_police
accepted             mark_in_error    sender     entered_in_error
accepted             stop_on_consent  system     consent_withdrawn

in_progress          assign           recipient  as_is
in_progress          hold             recipient  on_hold
in_progress          complete         recipient  completed
in_progress          close            recipient  closed_unsuccessful
in_progress          amend            sender     as_is
in_progress          take_over        police     taken_over_by_police
in_progress          mark_in_error    sender     entered_in_error
in_progress          stop_on_consent  system     consent_withdrawn

on_hold              assign           recipient  as_is
on_hold              resume           recipient  in_progress
on_hold              close            recipient  closed_unsuccessful
on_hold              amend            sender     as_is
on_hold              take_over        police     taken_over_by_police
on_hold              mark_in_error    sender     entered_in_error
on_hold              stop_on_consent  system     consent_withdrawn

consent_withdrawn    resume           sender     as_before
consent_withdrawn    mark_in_error    sender     entered_in_error

completed            mark_in_error    sender     entered_in_error
closed_unsuccessful  mark_in_error    sender     entered_in_error
rejected             mark_in_error    sender     entered_in_error
redirected           mark_in_error    sender     entered_in_error
withdrawn            mark_in_error    sender     entered_in_error
expired              mark_in_error    sender     entered_in_error
taken_over_by_police mark_in_error    sender     entered_in_error
"""
ALLOWED = {(row[0], row[1]): (row[2], row[3]) for row in (line.split() for line in TABLE.splitlines() if line)}
STATUSES = (
    *("draft", "submitted", "received", "info_requested", "accepted", "in_progress", "on_hold", "completed"),
    *("closed_unsuccessful", "rejected", "redirected", "withdrawn", "consent_withdrawn", "expired"),
    *("entered_in_error", "taken_over_by_police"),
)
ENDED = {
    *("completed", "closed_unsuccessful", "rejected", "redirected", "withdrawn", "expired", "entered_in_error"),
    "taken_over_by_police",
}
INTERRUPTIONS = (Move.REQUEST_INFO, Move.STOP_ON_CONSENT)


def test_there_are_these_statuses_and_no_others() -> None:
    assert sorted(Status) == sorted(STATUSES)


def test_no_line_of_the_table_is_written_twice() -> None:
    assert len(ALLOWED) == len([line for line in TABLE.splitlines() if line])


@pytest.mark.parametrize("status", STATUSES)
def test_from_a_status_exactly_these_moves_lead_on(status: str) -> None:
    for move in Move:
        step = STEPS.get((Status(status), move))
        told = None if step is None else (str(step.side), str(step.to))
        assert told == ALLOWED.get((status, str(move))), (status, move)


def test_the_product_knows_no_step_outside_the_table() -> None:
    assert {(str(status), str(move)) for status, move in STEPS} == set(ALLOWED)


def test_these_statuses_are_terminal_and_no_others() -> None:
    assert {str(status) for status in TERMINAL} == ENDED


def test_staff_never_act_as_the_system() -> None:
    by_system = {move for (_, move), (side, _) in ALLOWED.items() if side == "system"}
    by_staff = {move for (_, move), (side, _) in ALLOWED.items() if side != "system"}
    assert by_system == {"stop_on_consent", "expire"}
    assert not by_system & by_staff


@pytest.mark.parametrize(
    ("to", "now", "before", "leads_to"),
    [
        (As.IS, Status.ON_HOLD, "accepted", Status.ON_HOLD),
        (As.BEFORE, Status.CONSENT_WITHDRAWN, "on_hold", Status.ON_HOLD),
        (As.BEFORE, Status.INFO_REQUESTED, "submitted", Status.SUBMITTED),
        (Status.REJECTED, Status.SUBMITTED, "", Status.REJECTED),
    ],
)
def test_a_step_leads_to_its_status_or_back_or_nowhere(to: Status | As, now: Status, before: str, leads_to: Status):
    assert destination(Step(Side.SENDER, to), now=now, before=before) is leads_to


class ALife(RuleBasedStateMachine):
    """A referral to which anybody tries anything."""

    def __init__(self) -> None:
        super().__init__()
        self.status, self.before, self.past = Status.DRAFT, "", [Status.DRAFT]

    @rule(move=st.sampled_from(Move))
    def somebody_tries(self, move: Move) -> None:
        step = STEPS.get((self.status, move))
        if step is None:
            return
        to = destination(step, now=self.status, before=self.before)
        if move in INTERRUPTIONS and self.status is not Status.INFO_REQUESTED:
            self.before = self.status
        self.status = to
        self.past.append(to)

    @invariant()
    def it_is_somewhere_in_the_table(self) -> None:
        assert self.status in Status

    @invariant()
    def once_ended_it_stays_ended_unless_it_was_made_in_error(self) -> None:
        ends = [index for index, status in enumerate(self.past) if str(status) in ENDED]
        assert set(self.past[ends[0] + 1 :] if ends else []) <= {Status.ENTERED_IN_ERROR}

    @invariant()
    def it_is_never_a_draft_again(self) -> None:
        assert Status.DRAFT not in self.past[1:]

    @invariant()
    def nothing_but_receiving_comes_before_accepting(self) -> None:
        if Status.ACCEPTED in self.past:
            assert Status.RECEIVED in self.past[: self.past.index(Status.ACCEPTED)]


TestALife = ALife.TestCase
TestALife.settings = settings(derandomize=True, deadline=None, max_examples=100, stateful_step_count=30)
TestALife.pytestmark = [pytest.mark.no_database]  # type: ignore[attr-defined]
