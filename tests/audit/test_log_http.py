"""The log over HTTP: checkpoint, tiles, proofs and keys, checked by the verifier that shares no code with it."""

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from audit import verification
from audit.models import Entry
from audit.notes import Checkpoint, Note, VerifierKey
from tests.audit.logs import Log
from tests.exchange import Answer, Caller, Exchange


@pytest.fixture
def caller(exchange: Exchange) -> Caller:
    return exchange.municipality.as_("caseworker")


def head_of(caller: Caller, **query: str) -> tuple[Note, Checkpoint]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = caller.get(f"audit/checkpoint?{asked}")
    assert answer.status == 200
    note = Note.parse(answer.body)
    return note, Checkpoint.parse(note.text)


def leaf_in(receipt: str, keys: dict[str, object]) -> str:
    """Return the leaf hash that a receipt promises, its signature checked by the published key."""
    signed = jws.deserialize_compact(receipt, KeySet.import_key_set(keys), algorithms=["Ed25519"])
    return str(json.loads(signed.payload)["leaf"])


def test_a_receipt_leads_to_a_proof_that_its_entry_is_in_the_tree_that_the_log_signed(
    exchange: Exchange, caller: Caller, log_of_the_run: Log
) -> None:
    referral = caller.submit(exchange.centre)
    read = exchange.centre.as_("coordinator").read(referral)
    log_of_the_run.seal()
    keys = caller.get("audit/keys").body
    leaf = leaf_in(read.headers["Receipt"], keys["receipts"])

    proof = caller.get(f"audit/proofs/inclusion?leaf={leaf}").body
    path = [bytes.fromhex(step) for step in proof["path"]]
    note = Note.parse(proof["checkpoint"])
    head = Checkpoint.parse(note.text)
    assert [each.key for each in note.verified([VerifierKey.parse(keys["log"][-1]["vkey"])])]
    verification.check_inclusion(
        bytes.fromhex(leaf), index=proof["index"], size=proof["size"], path=path, root=head.root
    )
    entry = Entry.objects.get(leaf_hash=bytes.fromhex(leaf))
    assert (entry.action, entry.subject_id) == ("referral.disclose", referral)
    assert sha256(b"\x00" + bytes(entry.canonical)).hexdigest() == leaf


def test_the_proof_can_be_kept_as_one_text_that_c2sp_describes(caller: Caller, log_of_the_run: Log) -> None:
    caller.get("referrals?role=sent")
    log_of_the_run.seal()
    leaf = bytes(Entry.objects.order_by("-id").values_list("leaf_hash", flat=True)[0]).hex()
    proof = caller.get(f"audit/proofs/inclusion?leaf={leaf}").body
    told, checkpoint = proof["proof"].split("\n\n", 1)
    lines = [b64encode(bytes.fromhex(step)).decode() for step in proof["path"]]
    assert told.split("\n") == ["c2sp.org/tlog-proof@v1", f"index {proof['index']}", *lines]
    assert checkpoint == proof["checkpoint"]


def test_an_entry_that_is_not_sealed_yet_and_one_that_never_was_are_answered_alike(
    caller: Caller, log_of_the_run: Log
) -> None:
    log_of_the_run.seal()
    caller.get("referrals?role=sent")
    waiting = bytes(Entry.objects.order_by("-id").values_list("leaf_hash", flat=True)[0]).hex()
    answers = [caller.get(f"audit/proofs/inclusion?leaf={leaf}") for leaf in (waiting, "0" * 64)]
    assert [(each.status, each.body["code"], each.headers["Retry-After"]) for each in answers] == [
        (404, "leaf-not-in-log", "1")
    ] * 2
    log_of_the_run.seal()
    assert caller.get(f"audit/proofs/inclusion?leaf={waiting}").status == 200


def test_a_checkpoint_that_was_kept_is_shown_to_be_extended(caller: Caller, log_of_the_run: Log) -> None:
    log_of_the_run.seal()
    _, kept = head_of(caller)
    caller.get("referrals?role=sent")
    log_of_the_run.seal()
    _, newest = head_of(caller)
    proof = caller.get(f"audit/proofs/consistency?old_size={kept.size}").body
    assert (proof["old_size"], proof["new_size"]) == (kept.size, newest.size)
    verification.check_consistency(
        old=kept.size,
        new=newest.size,
        path=[bytes.fromhex(step) for step in proof["path"]],
        old_root=kept.root,
        new_root=newest.root,
    )
    between = caller.get(f"audit/proofs/consistency?old_size=1&new_size={kept.size}").body
    assert between["new_size"] == kept.size


def test_the_tiles_are_all_that_a_monitor_needs_to_compute_the_root(caller: Caller, log_of_the_run: Log) -> None:
    log_of_the_run.write(300)
    log_of_the_run.seal()
    _, head = head_of(caller)
    tree, width = verification.Tree(), 256
    for index in range(head.size // width + 1):
        rest = head.size - index * width
        suffix = "" if rest >= width else f".p/{rest}"
        if not rest:
            break
        tile = caller.get(f"audit/tile/0/{index:03}{suffix}")
        assert (tile.status, tile.headers["Content-Type"]) == (200, "application/octet-stream")
        assert tile.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert len(tile.body) == 32 * min(width, rest)
        tree.extend([tile.body[at : at + 32] for at in range(0, len(tile.body), 32)])
    assert (tree.size, tree.root()) == (head.size, head.root)
    above = caller.get(f"audit/tile/1/000.p/{head.size // width}")
    assert above.status == 200


NOT_THERE: dict[str, Callable[[int], str]] = {
    "a tile that the tree has not reached": lambda size: f"audit/tile/0/{size // 256 + 1:03}",
    "a full tile that is partial yet": lambda size: f"audit/tile/0/{size // 256:03}",
    "a partial tile that is wider than the tree": lambda size: f"audit/tile/0/{size // 256:03}.p/{size % 256 + 1}",
    "a level without tiles": lambda _: "audit/tile/7/000",
    "a level beyond all": lambda _: "audit/tile/64/000",
    "an index without padding": lambda _: "audit/tile/0/0",
    "an index padded too much": lambda _: "audit/tile/0/x000/000",
    "a width of 256": lambda _: "audit/tile/0/000.p/256",
    "a width of 0": lambda _: "audit/tile/0/000.p/0",
    "another spelling of the level": lambda _: "audit/tile/00/000",
    "a way out of the tree": lambda _: "audit/tile/../entries",
    "entries": lambda _: "audit/tile/entries/000",
}


@pytest.mark.parametrize("what", NOT_THERE)
def test_no_other_tile_is_there(caller: Caller, log_of_the_run: Log, what: str) -> None:
    log_of_the_run.seal()
    _, head = head_of(caller)
    assert caller.get(NOT_THERE[what](head.size)).status == 404


MALFORMED = {
    "no leaf": "proofs/inclusion",
    "a leaf that is no hash": "proofs/inclusion?leaf=abc",
    "a leaf in capitals": f"proofs/inclusion?leaf={'A' * 64}",
    "a size that is none": f"proofs/inclusion?leaf={'0' * 64}&size=-1",
    "no old size": "proofs/consistency",
    "an old size of zero": "proofs/consistency?old_size=0",
    "an old size beyond the log": "proofs/consistency?old_size=999999999",
    "a filter that there is not": "checkpoint?latest=true",
    "final by another word": "checkpoint?final=yes",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_question_that_is_malformed_is_told_what_would_be_right(
    caller: Caller, log_of_the_run: Log, what: str
) -> None:
    log_of_the_run.seal()
    answer: Answer = caller.get(f"audit/{MALFORMED[what]}")
    assert (answer.status, answer.body["code"]) == (400, "malformed")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_size_without_a_checkpoint_is_not_proved_for(caller: Caller, log_of_the_run: Log) -> None:
    log_of_the_run.write(2)
    log_of_the_run.seal()
    _, head = head_of(caller)
    answer = caller.get(f"audit/proofs/consistency?old_size=1&new_size={head.size - 1}")
    assert (answer.status, answer.body["code"]) == (404, "no-checkpoint")


def test_asking_the_log_tells_nothing_of_anybody_and_is_not_recorded(caller: Caller, log_of_the_run: Log) -> None:
    log_of_the_run.seal()
    before = Entry.objects.count()
    for path in (
        "audit/checkpoint",
        "audit/keys",
        "audit/proofs/consistency?old_size=1",
        f"audit/proofs/inclusion?leaf={'0' * 64}",
    ):
        assert "Receipt" not in caller.get(path).headers
    assert Entry.objects.count() == before


def test_the_keys_name_the_log_its_policy_and_the_receipts_key(caller: Caller, log_of_the_run: Log) -> None:
    log_of_the_run.seal()
    keys = caller.get("audit/keys").body
    assert keys["origin"] == log_of_the_run.origin
    assert keys["log"] == [{"vkey": str(log_of_the_run.signer().key), "from_size": 0, "handover": None}]
    assert keys["policy"] == f"log {log_of_the_run.signer().key}\nquorum none\n"
    assert [key["crv"] for key in keys["receipts"]["keys"]] == ["Ed25519"]
