"""The checker names each broken promise in a history made by hand, and accuses no outcome that is merely unknown."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.crash.checker import unavailable_but_done, violations
from tests.crash.history import FAIL, FOREVER, OK, UNKNOWN, History, operations
from tests.crash.made import RECIPIENT, SENDER, STRANGER, Made

pytestmark = pytest.mark.no_database


def test_a_history_in_which_all_is_well_breaks_nothing(made: Made, consent: str, referral: str) -> None:
    made.shown(referral, consent)
    made.withdrawn(consent)
    made.op("read", referral=referral)
    assert made.judged() == []


# --- Shown, and its entry ----------------------------------------------------------------------------------------


def test_what_was_shown_without_an_entry_is_named(made: Made, consent: str, referral: str) -> None:
    op = made.shown(referral, consent)
    del made.entries[list(made.entries)[-1]]
    assert [(one.kind, str(op.n) in one.says) for one in made.judged()] == [("shown_without_entry", True)]


def test_so_is_what_was_shown_without_a_receipt(made: Made, consent: str, referral: str) -> None:
    made.shown(referral, consent, told={"shown": ["reason"], "receipt": ""})
    assert made.kinds() == {"shown_without_entry"}


def test_a_receipt_with_another_leaf_hash_is_named(made: Made, consent: str, referral: str) -> None:
    entry = made.entry(actor_agency=RECIPIENT, on_behalf_of="staff-1", categories=["reason"], request_id="r")
    told = {"shown": ["reason"], "receipt": made.receipt(entry, leaf="00" * 32)}
    made.shown(referral, consent, told=told, request="r")
    assert made.kinds() == {"entry_differs"}


@pytest.mark.parametrize(
    "other", [{"actor_agency": STRANGER}, {"on_behalf_of": "staff-2"}, {"request_id": "s"}, {"outcome": "refused"}]
)
def test_an_entry_of_another_act_is_named(made: Made, consent: str, referral: str, other: dict[str, str]) -> None:
    columns = {"actor_agency": RECIPIENT, "on_behalf_of": "staff-1", "categories": ["reason"], "request_id": "r"}
    told = {"shown": ["reason"], "receipt": made.receipt(made.entry(**{**columns, **other}))}
    made.shown(referral, consent, told=told, request="r")
    assert made.kinds() == {"entry_differs"}


def test_an_entry_that_names_less_than_was_shown_is_named(made: Made, consent: str, referral: str) -> None:
    columns = {"actor_agency": RECIPIENT, "on_behalf_of": "staff-1", "categories": ["reason"], "request_id": "r"}
    told = {"shown": ["identity", "reason"], "receipt": made.receipt(made.entry(**columns))}
    made.shown(referral, consent, told=told, request="r")
    assert made.kinds() == {"entry_names_less"}


def test_an_answer_that_never_came_needs_no_entry(made: Made, consent: str, referral: str) -> None:
    made.shown(referral, consent, outcome=UNKNOWN, told={})
    assert made.judged() == []


# --- Lost, and made twice ----------------------------------------------------------------------------------------


def test_an_acknowledged_referral_without_a_row_is_lost(made: Made, referral: str) -> None:
    del made.referrals[referral]
    assert made.kinds() == {"write_lost"}


def test_a_referral_that_may_have_been_submitted_may_be_missing_or_there(made: Made) -> None:
    facts = {"writes": "referral.submit"}
    made.op("submit", by=SENDER, outcome=UNKNOWN, key="missing", statement_key="with missing", **facts)
    made.op("submit", by=SENDER, outcome=UNKNOWN, key="there", statement_key="with there", **facts)
    made.referrals[str(uuid4())] = {"sender": SENDER, "key": "there", "version": 2}
    assert made.judged() == []


def test_an_acknowledged_move_without_its_entry_is_lost(made: Made, referral: str) -> None:
    shown = made.entry(actor_agency=RECIPIENT, on_behalf_of="staff-1", request_id="r")
    told = {"id": referral, "version": 2, "receipt": made.receipt(shown)}
    made.op("receive", referral=referral, writes="referral.receive", request="r", told=told)
    assert made.kinds() == {"write_lost"}


def test_a_version_that_was_shown_and_is_gone_is_lost(made: Made, referral: str) -> None:
    made.op("receive", referral=referral, writes="referral.receive", told={"id": referral, "version": 3})
    assert "write_lost" in made.kinds()


def test_an_acknowledged_withdrawal_after_which_the_consent_stands_is_lost(
    made: Made, consent: str, referral: str
) -> None:
    made.withdrawn(consent)
    made.consents[consent]["events"].pop()
    assert made.kinds() == {"write_lost"}


@pytest.mark.parametrize(("heard", "kinds"), [("wordone", {"write_lost"}), ("wordtwo", set())])
def test_an_acknowledged_message_that_nobody_reads_is_lost(
    made: Made, referral: str, heard: str, kinds: set[str]
) -> None:
    facts = {"referral": referral, "writes": "referral.request_info", "word": "wordtwo"}
    made.op("request_info", told={"id": referral, "version": 3}, **facts)
    made.referrals[referral]["version"] = 3
    made.op("final", by=SENDER, referral=referral, told={"marks": [heard]})
    assert made.kinds() == kinds


def test_an_acknowledged_referral_that_is_not_there_for_its_own_agency_is_lost(made: Made, referral: str) -> None:
    made.op("read", referral=referral, outcome=FAIL, told={"status": 404})
    assert made.kinds() == {"write_lost"}


def test_so_is_a_token_that_was_given_and_is_not_known(made: Made, referral: str) -> None:
    made.op("read", referral=referral, outcome=FAIL, told={"status": 401})
    assert made.kinds() == {"write_lost"}


def test_one_key_that_made_two_referrals_is_named(made: Made, consent: str, referral: str) -> None:
    made.submitted(str(uuid4()))
    assert made.kinds() == {"made_twice"}


def test_a_key_that_is_told_again_makes_nothing_more(made: Made, referral: str) -> None:
    facts = {"key": "k", "writes": "referral.submit"}
    told = {"id": referral, "replayed": True, "version": 2}
    made.op("submit", by=SENDER, told=told, **facts)
    replay = list(made.entries)[-1]
    made.ops[-1].told["receipt"] = made.receipt(
        made.entry(**{**made.entries.pop(replay), "id": uuid4(), "action": "referral.replay"})
    )
    assert made.judged() == []


def test_a_referral_that_nobody_asked_for_is_named(made: Made, referral: str) -> None:
    made.referrals[str(uuid4())] = {"sender": SENDER, "key": "never sent", "version": 2}
    assert made.kinds() == {"made_of_nothing"}


def test_what_was_refused_and_is_done_is_named(made: Made, consent: str, referral: str) -> None:
    refused = made.withdrawn(consent, outcome=FAIL, told={"status": 412})
    made.entry(action="consent.withdraw", request_id=refused.asked["request"])
    assert made.kinds() == {"refused_but_done"}


def test_a_change_without_an_entry_is_named(made: Made, referral: str) -> None:
    made.op("receive", referral=referral, outcome=UNKNOWN, writes="referral.receive")
    made.referrals[referral]["version"] += 1
    assert made.kinds() == {"version_not_counted"}


def test_a_write_that_was_answered_unavailable_and_is_done_is_told_of_and_no_violation(
    made: Made, consent: str, referral: str
) -> None:
    op = made.withdrawn(consent, outcome=UNKNOWN, told={"status": 503})
    made.entry(action="consent.withdraw", request_id=op.asked["request"])
    assert (made.judged(), unavailable_but_done(made.ops, made.final())) == ([], [op])


# --- Shown to others ---------------------------------------------------------------------------------------------


def test_a_stranger_that_is_let_in_is_named(made: Made, referral: str) -> None:
    made.op("attack-read", by=STRANGER, expects=[404], told={"status": 200})
    assert made.kinds() == {"let_in"}


@pytest.mark.parametrize(("outcome", "status"), [(FAIL, 404), (UNKNOWN, 503)])
def test_one_that_is_refused_or_not_answered_is_not(made: Made, referral: str, outcome: str, status: int) -> None:
    made.op("attack-read", by=STRANGER, outcome=outcome, expects=[404], told={"status": status})
    assert made.judged() == []


def test_content_in_an_answer_about_something_else_is_named(made: Made, consent: str) -> None:
    facts = {"statement_key": "with k", "writes": "referral.submit", "mark": "markone"}
    told: dict[str, Any] = {"id": str(uuid4()), "version": 2, "rests_on": consent}
    made.op("submit", by=SENDER, key="k", told=told, **facts)
    made.referrals[told["id"]] = {"sender": SENDER, "key": "k", "version": 2}
    made.op("list", told={"marks": ["markone"]})
    assert made.kinds() == {"shown_elsewhere"}


# --- Receipts and entries ----------------------------------------------------------------------------------------


def test_two_receipts_of_one_entry_are_named(made: Made, consent: str, referral: str) -> None:
    first = made.shown(referral, consent)
    made.shown(referral, consent, told={**first.told}, request=first.asked["request"])
    assert made.kinds() == {"receipt_twice"}


def test_a_receipt_that_another_key_signed_is_named(made: Made, consent: str, referral: str) -> None:
    published, made.key = made.key, Ed25519PrivateKey.generate()
    made.shown(referral, consent)
    made.key = published
    assert made.kinds() == {"receipt_not_signed"}


def test_an_entry_whose_columns_were_changed_is_named(made: Made, referral: str) -> None:
    next(iter(made.entries.values()))["purpose"] = "investigation"
    assert made.kinds() == {"entry_bytes_differ"}


def test_so_is_one_whose_bytes_were_changed_with_them(made: Made, referral: str) -> None:
    entry = made.entry(action="authenticate")
    leaf = entry["leaf_hash"]
    changed = made.entry(**{**entry, "purpose": "audit"})
    changed["leaf_hash"] = leaf
    assert made.kinds() == {"entry_bytes_differ"}


def test_an_entry_that_is_not_queued_for_sealing_is_named(made: Made, referral: str) -> None:
    final = replace(made.final(), pending={})
    assert {one.kind for one in violations(made.ops, final)} == {"entry_not_queued"}


def test_what_waits_for_sealing_and_is_no_entry_is_named(made: Made, referral: str) -> None:
    final = made.final()
    final = replace(final, pending={**final.pending, str(uuid4()): b"x" * 32})
    assert {one.kind for one in violations(made.ops, final)} == {"entry_bytes_differ"}


def test_an_entry_that_is_never_sealed_is_named(made: Made, referral: str) -> None:
    assert {one.kind for one in violations(made.ops, made.final(), ledger_verifies=list)} == {"entry_not_sealed"}


def test_once_the_log_is_sealed_its_own_verification_is_asked(made: Made, referral: str) -> None:
    final = replace(made.final(), pending={})
    assert violations(made.ops, final, ledger_verifies=list) == []
    found = violations(made.ops, final, ledger_verifies=lambda: ["leaf 7 is missing"])
    assert [(one.kind, one.says) for one in found] == [("ledger_does_not_verify", "leaf 7 is missing")]


# --- The history itself ------------------------------------------------------------------------------------------


def test_an_operation_without_an_end_is_unknown_for_ever() -> None:
    history = History()
    answered, silent = history.invoke("a", "read", agency="x"), history.invoke("b", "submit", agency="y")
    history.note("kill", kind="worker")
    history.end(answered, "a", OK, status=200)
    first, second = operations(history.events)
    assert (first.n, first.outcome, first.told) == (answered, OK, {"status": 200})
    assert (second.n, second.outcome, second.ended, second.done) == (silent, UNKNOWN, FOREVER, FOREVER)
    assert first.invoked <= first.ended
