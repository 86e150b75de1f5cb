"""What the checker makes of content shown after a withdrawal: surely, possibly, or rightly on another consent."""

from uuid import uuid4

import pytest

from tests.crash.history import OK, UNKNOWN
from tests.crash.made import SENDER, Made

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize("named", [True, False])
def test_what_is_shown_after_an_acknowledged_withdrawal_is_named(
    made: Made, consent: str, referral: str, named: bool
) -> None:
    made.withdrawn(consent)
    made.shown(referral, consent if named else None)
    assert made.kinds() == {"shown_after_withdrawal"}


def test_the_content_alone_gives_it_away(made: Made, consent: str) -> None:
    told = {"id": (referral := str(uuid4())), "version": 2}
    facts = {"key": "k", "statement": consent, "mark": "markx", "writes": "referral.submit"}
    made.op("submit", by=SENDER, told=told, **facts)
    made.referrals[referral] = {"sender": SENDER, "key": "k", "version": 2}
    made.consents[consent] = {"registered_by": SENDER, "key": "", "version": 1, "events": ["given"]}
    made.withdrawn(consent)
    made.op("read", referral=referral, told={"marks": ["markx"]})
    assert made.kinds() == {"shown_after_withdrawal"}


def test_a_read_that_was_under_way_when_the_withdrawal_was_acknowledged_is_none(
    made: Made, consent: str, referral: str
) -> None:
    withdrawn = made.withdrawn(consent)
    made.shown(referral, consent, at=withdrawn.ended - 0.1)
    assert made.judged() == []


def test_a_withdrawal_of_unknown_outcome_accuses_nobody(made: Made, consent: str, referral: str) -> None:
    made.withdrawn(consent, outcome=UNKNOWN, told={})
    made.shown(referral, consent)
    assert made.judged() == []


@pytest.mark.parametrize("outcome", [OK, UNKNOWN])
def test_after_another_consent_was_stated_or_may_have_been_it_is_shown_again(
    made: Made, consent: str, referral: str, outcome: str
) -> None:
    made.withdrawn(consent)
    other = _stated_anew(made, referral, outcome=outcome)
    made.shown(referral, other)
    assert made.judged() == []


def test_but_not_on_the_first_consent(made: Made, consent: str, referral: str) -> None:
    """As when content is kept in memory: another consent stands, and what is shown names the one that ended."""
    made.withdrawn(consent)
    _stated_anew(made, referral, outcome=OK)
    made.shown(referral, consent)
    assert made.kinds() == {"shown_after_withdrawal"}


def test_nor_before_it_was_stated(made: Made, consent: str, referral: str) -> None:
    withdrawn = made.withdrawn(consent)
    _stated_anew(made, referral, outcome=OK)
    made.shown(referral, None, at=withdrawn.ended + 1)
    assert made.kinds() == {"shown_after_withdrawal"}


def test_a_renewal_of_unknown_outcome_may_have_come_after_the_withdrawal(
    made: Made, consent: str, referral: str
) -> None:
    _renewal_and_withdrawal(made, consent)
    made.consents[consent]["events"] = ["given", "withdrawn", "renewed"]
    made.shown(referral, consent)
    assert made.kinds() <= {"write_lost"}  # it has not ended, which is another matter


def test_unless_the_rows_say_that_it_did_not(made: Made, consent: str, referral: str) -> None:
    _renewal_and_withdrawal(made, consent)
    made.shown(referral, consent)
    assert made.kinds() == {"shown_after_withdrawal"}


def test_the_sender_is_shown_its_own_words_whatever_was_withdrawn(made: Made, consent: str, referral: str) -> None:
    made.withdrawn(consent)
    made.shown(referral, consent, by=SENDER)
    assert made.judged() == []


def test_the_recipient_is_shown_its_own_words_too(made: Made, consent: str, referral: str) -> None:
    made.withdrawn(consent)
    made.op("read", referral=referral, told={"shown": ["outcome", "status"]})
    assert made.judged() == []


def _stated_anew(made: Made, referral: str, *, outcome: str) -> str:
    other = str(uuid4())
    made.op("record", by=SENDER, key="other", writes="consent.record", told={"id": other, "version": 1})
    made.consents[other] = {"registered_by": SENDER, "key": "other", "version": 1, "events": ["given"]}
    told = {"id": referral, "version": 3} if outcome == OK else {}
    facts = {"referral": referral, "statement": other, "writes": "referral.resume"}
    made.op("resume", by=SENDER, outcome=outcome, told=told, **facts)
    made.referrals[referral]["version"] += outcome == OK
    return other


def _renewal_and_withdrawal(made: Made, consent: str) -> None:
    made.op("renew", by=SENDER, outcome=UNKNOWN, consent=consent, writes="consent.renew")
    made.withdrawn(consent)
