"""The verifier that trusts nobody: what it finds in true bundles, and which divergence it names in forged ones."""

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit import verification
from audit.notes import Signature, cosigned
from audit.verification import (
    Diverged,
    Divergence,
    NotABundle,
    ProofError,
    Report,
    Tree,
    Trust,
    Unproven,
    verify_bundle,
)
from tests.audit.bundles import (
    ENTRIES,
    FIRST,
    JWKS,
    ORIGIN,
    SECOND,
    STRANGER,
    W1,
    W2,
    Log,
    Members,
    checkpoint,
    entry,
    handover,
    hashes,
    id_of,
    jsonl,
    policy,
    receipt,
    root,
    signer,
    tombstone,
    zipped,
)

pytestmark = pytest.mark.no_database

LOG = Log()
TRUST = Trust(logs=(str(FIRST.key),), policy=policy(FIRST), receipts=JWKS)
PRUNED = LOG.but(removed={2: 1, 3: 1, 11: 1, 19: 2})
SWAPPED = b"".join(each + b"\n" for each in (*ENTRIES[:4], ENTRIES[5], ENTRIES[4], *ENTRIES[6:]))
LEAVES = b"".join(hashes(ENTRIES))


def verified(members: Members, trust: Trust | None = TRUST, **given: Any) -> Report:
    return verify_bundle(zipped(members), trust, **given)


def divergence(members: Members, trust: Trust | None = TRUST, **given: Any) -> Divergence:
    """Return the divergence that is named; anything else fails the test."""
    with pytest.raises(Diverged) as found:
        verify_bundle(zipped(members), trust, **given)
    assert str(found.value) == str(found.value.divergence)
    return found.value.divergence


def lines(entries: Any) -> bytes:
    return b"".join(each + b"\n" for each in entries)


# --- True bundles ----------------------------------------------------------------------------------------------------
def test_a_whole_log_is_verified_and_final() -> None:
    report = verified(LOG.whole())
    assert (report.kind, report.origin, report.size, report.entries) == ("whole", ORIGIN, 20, 20)
    assert report.root == checkpoint(ENTRIES, FIRST).split("\n")[2]
    assert report.cosigned == {
        "w1 (w1.example/witness)": "2026-11-18T11:06:40Z",
        "w2 (w2.example/witness)": "2026-11-18T11:06:40Z",
    }
    assert (report.quorum, report.final, report.caveats, report.strict) == ("both", True, (), False)


def test_a_selection_is_verified_entry_by_entry() -> None:
    report = verified(LOG.selection(0, 7, 19))
    assert (report.kind, report.size, report.entries, report.final, report.strict) == ("selection", 20, 3, True, True)


@pytest.mark.parametrize("method", [0, 8], ids=["stored", "deflated"])
def test_how_it_is_packed_makes_no_difference(method: int) -> None:
    assert verify_bundle(zipped(LOG.whole(), method=method), TRUST) == verified(LOG.whole())


def test_pruned_entries_are_told_by_their_rule_and_never_as_missing() -> None:
    report = verified(PRUNED.whole())
    assert (report.entries, report.pruned) == (16, {"USE-1M": 3, "USE-2M": 1})
    assert "3 entries were pruned by rule USE-1M" in verification.words(report)
    assert not any("missing" in line for line in verification.words(report))


def test_a_log_of_which_everything_was_pruned_still_verifies() -> None:
    assert verified(LOG.but(removed=dict.fromkeys(range(20), 1)).whole()).pruned == {"USE-1M": 20}


def test_the_empty_log_verifies() -> None:
    assert verified(LOG.but(entries=()).whole()).size == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 16, 17])
def test_logs_of_every_shape_verify(size: int) -> None:
    assert verified(LOG.but(entries=ENTRIES[:size]).whole()).size == size
    assert verified(LOG.but(entries=ENTRIES[:size]).selection(*range(size))).entries == size


# --- Forged logs: the first divergence is named ----------------------------------------------------------------------
ALTERED = ENTRIES[17].replace(b"counsellor", b"counsellop")


def test_an_altered_entry_of_a_selection_is_named() -> None:
    forged = {**LOG.selection(3, 17, 18), "entries.jsonl": lines([ENTRIES[3], ALTERED, ENTRIES[18]])}
    assert divergence(forged) == Divergence(17, id_of(17), "the proof leads to another root")


def test_an_altered_entry_of_a_whole_log_is_named_by_the_published_hashes() -> None:
    forged = {**LOG.whole(), "entries.jsonl": lines([*ENTRIES[:17], ALTERED, *ENTRIES[18:]]), "leaves.bin": LEAVES}
    was, is_ = hashes(ENTRIES)[17].hex(), hashes([ALTERED])[0].hex()
    assert divergence(forged) == Divergence(17, id_of(17), f"its leaf hash is {is_}, and the log signed {was} there")


def test_without_published_hashes_the_altered_entry_lies_between_two_signed_roots() -> None:
    forged = {**LOG.whole(), "entries.jsonl": lines([*ENTRIES[:17], ALTERED, *ENTRIES[18:]])}
    what = "the leaves do not give the root that was signed for size 20: one of entries {} to 19 differs"
    assert divergence(forged) == Divergence(None, None, what.format(0))
    kept = checkpoint(ENTRIES, FIRST, size=16)
    assert divergence(forged, remembered=kept) == Divergence(None, None, what.format(16))
    several = [checkpoint(ENTRIES, FIRST, size=each) for each in (4, 18)]
    what = "the leaves do not give the root that was signed for size 18: one of entries 4 to 17 differs"
    assert divergence(forged, remembered=several) == Divergence(None, None, what)


def test_an_alteration_that_breaks_an_entrys_form_is_named_without_published_hashes() -> None:
    forged = {**LOG.whole(), "entries.jsonl": lines(ENTRIES).replace(b'"version":"6"', b'"version":6  ')}
    assert divergence(forged) == Divergence(6, id_of(6), "its field detail does not hold what the format allows")


def test_published_hashes_that_were_altered_too_name_nobody() -> None:
    altered = lines([*ENTRIES[:17], ALTERED, *ENTRIES[18:]])
    forged = {**LOG.whole(), "entries.jsonl": altered, "leaves.bin": LEAVES[:-32] + bytes(32)}
    assert divergence(forged).index is None
    unlike = {**LOG.whole(), "leaves.bin": LEAVES[:-32] + bytes(32)}
    assert divergence(unlike) == Divergence(19, id_of(19), "leaves.bin has another hash than the one that was signed")
    assert (
        divergence({**LOG.whole(), "leaves.bin": LEAVES + bytes(32)}).what == "leaves.bin goes on after the last leaf"
    )


def test_a_removed_entry_is_missing_and_the_place_is_named() -> None:
    short = lines([*ENTRIES[:5], *ENTRIES[6:]])
    what = "the tree has 20 leaves: 1 of them are missing, and no tombstone accounts for them"
    assert divergence({**LOG.whole(), "entries.jsonl": short}) == Divergence(None, None, what)
    named = divergence({**LOG.whole(), "entries.jsonl": short, "leaves.bin": LEAVES})
    assert (named.index, named.entry) == (5, id_of(6)), "at index 5 now stands what was at 6"


def test_reordered_entries_are_named() -> None:
    named = divergence({**LOG.whole(), "entries.jsonl": SWAPPED, "leaves.bin": LEAVES})
    assert (named.index, named.entry) == (4, id_of(5))
    assert divergence({**LOG.whole(), "entries.jsonl": SWAPPED}).what.startswith("the leaves do not give the root")
    selected = LOG.selection(5, 4)
    assert divergence(selected) == Divergence(4, id_of(4), "it does not stand in the order of the log, or twice")


def test_an_entry_too_many_is_named() -> None:
    forged = {**LOG.whole(), "entries.jsonl": lines([*ENTRIES, entry(20)])}
    assert divergence(forged) == Divergence(20, None, "the tree has 20 leaves, and the bundle has more")


def test_the_manifest_can_not_count_otherwise() -> None:
    for members in (LOG.whole(), LOG.selection(1)):
        members["manifest.json"] = members["manifest.json"].replace(b'"entries": ', b'"entries": 1')
        assert "and the manifest says" in divergence(members).what
    members = LOG.whole()
    members["manifest.json"] = members["manifest.json"].replace(b'"size": 20', b'"size": 19')
    assert divergence(members).what == "checkpoint: the manifest speaks of another log, or of another size"


def test_an_entry_of_another_form_is_named_when_asked_for() -> None:
    strange = LOG.but(entries=(*ENTRIES[:8], ENTRIES[8].replace(b'"v":1', b'"v":3'), *ENTRIES[9:]))
    assert verified(strange.whole()).strict is False
    what = "its field v does not hold what the format allows"
    assert divergence(strange.whole(), strict=True) == Divergence(8, id_of(8), what)
    assert divergence(strange.selection(8)) == Divergence(8, id_of(8), what)
    assert verified(strange.selection(8), strict=False).entries == 1


@pytest.mark.parametrize(
    ("altered", "what"),
    [
        (b"{}", "27 fields"),
        (b"[]", "27 fields"),
        (ENTRIES[0].replace(b'"role":"counsellor",', b""), "27 fields"),
        (ENTRIES[0].replace(b'"outcome":"done"', b'"outcome":"refused"'), "contradict"),
        (ENTRIES[0].replace(b'"xid":"48000"', b'"xid":48000'), "xid"),
        (ENTRIES[0].replace(b"481920Z", b"48192Z"), "at"),
        (ENTRIES[0].replace(b'"role"', b' "role"'), "canonical"),
        (ENTRIES[0].replace("Å".encode(), b"\\u00c5"), "canonical"),
        (ENTRIES[0].replace("Å".encode(), b"\\ud800"), "UTF-8"),
        (ENTRIES[0].replace("Å".encode(), b"\xff"), "UTF-8"),
        (ENTRIES[0].replace(b'"v":1', b'"v":1.0'), "number"),
        (ENTRIES[0].replace(b'"v":1', b'"v":true'), "v"),
        (ENTRIES[0].replace(b'"v":1', b'"v":1,"v":1'), "twice"),
        (ENTRIES[0].replace(b'"basis_version":1', b'"basis_version":9007199254740992'), "basis_version"),
    ],
)
def test_an_entrys_form_is_the_documented_one_and_no_other(altered: bytes, what: str) -> None:
    verification.check_entry(ENTRIES[0])
    with pytest.raises(Unproven, match=what):
        verification.check_entry(altered)


def test_the_documented_examples_have_the_documented_form() -> None:
    page = (Path(verification.__file__).parent.parent / "docs" / "ledger.md").read_text(encoding="utf-8")
    examples = [line.encode() for line in page.split("\n") if line.startswith('{"action"')]
    for each in examples:
        verification.check_entry(each)
        assert verification.leaf_hash(each).hex() in page
    assert len(examples) == 2


# --- Removed under a rule --------------------------------------------------------------------------------------------
def test_a_removed_leaf_without_its_tombstone_is_named() -> None:
    named = divergence({**PRUNED.whole(), "tombstones.jsonl": b""})
    assert named == Divergence(2, None, "it was removed, and there is no tombstone 1")


def test_a_forged_tombstone_is_named() -> None:
    notes = [tombstone("USE-1M", PRUNED.leaves_of(1), STRANGER), tombstone("USE-2M", PRUNED.leaves_of(2))]
    numbered = [{"tombstone": number, "note": note} for number, note in enumerate(notes, 1)]
    forged = {**PRUNED.whole(), "tombstones.jsonl": jsonl(*numbered)}
    assert divergence(forged).what == "tombstone 1: no signature is by a key of the log that is trusted"
    numbered[0]["note"] = tombstone("USE-1M", PRUNED.leaves_of(1)).replace("USE-1M", "USE-9M")
    forged = {**PRUNED.whole(), "tombstones.jsonl": jsonl(*numbered)}
    assert divergence(forged).what == f"tombstone 1: the signature of {ORIGIN} does not fit"


def test_a_tombstone_for_another_number_of_entries_is_named() -> None:
    lonely = LOG.but(removed={2: 1, 3: 1})
    note = {"tombstone": 1, "note": tombstone("USE-1M", lonely.leaves_of(1), count=3)}
    named = divergence({**lonely.whole(), "tombstones.jsonl": jsonl(note)})
    assert named.what == "tombstone 1 (rule USE-1M): it was signed for 3 entries, and 2 are removed by it"


def test_a_tombstone_for_other_entries_is_named() -> None:
    lonely = LOG.but(removed={2: 1, 3: 1})
    note = {"tombstone": 1, "note": tombstone("USE-1M", LOG.but(removed={2: 1, 4: 1}).leaves_of(1))}
    named = divergence({**lonely.whole(), "tombstones.jsonl": jsonl(note)})
    assert named.what == "tombstone 1 (rule USE-1M): it was signed for other entries than those that are removed by it"


def test_a_tombstone_of_entries_that_are_too_young_for_any_rule_is_named() -> None:
    lonely = LOG.but(removed={2: 1, 3: 1})
    for at, allowed in (("2024-12-01T00:00:00Z", True), ("2024-11-30T23:59:59Z", False)):
        note = {"tombstone": 1, "note": tombstone("USE-1M", lonely.leaves_of(1), at=at)}
        members = {**lonely.whole(), "tombstones.jsonl": jsonl(note)}
        if allowed:
            assert verified(members).pruned == {"USE-1M": 2}
        else:
            assert "less than six months old" in divergence(members).what


def test_a_number_names_one_tombstone() -> None:
    twice = PRUNED.whole()["tombstones.jsonl"] + PRUNED.whole()["tombstones.jsonl"]
    assert divergence({**PRUNED.whole(), "tombstones.jsonl": twice}).what == "tombstone 1: it is there twice (line 3)"


def test_a_removed_leaf_with_another_hash_gives_another_root() -> None:
    forged = PRUNED.whole()
    forged["removed.jsonl"] = forged["removed.jsonl"].replace(hashes(ENTRIES)[11].hex().encode(), b"00" * 32)
    assert divergence(forged).what.startswith("the leaves do not give the root that was signed for size 20")
    named = divergence({**forged, "leaves.bin": LEAVES})
    assert (named.index, named.entry) == (11, None)


def test_a_leaf_is_removed_once_and_in_order() -> None:
    forged = PRUNED.whole()
    first, second, *rest = forged["removed.jsonl"].splitlines(keepends=True)
    out_of_order = divergence({**forged, "removed.jsonl": b"".join([second, first, *rest])})
    assert out_of_order == Divergence(2, None, "removed.jsonl: it does not stand in the order of the log, or twice")
    twice = divergence({**forged, "removed.jsonl": b"".join([first, first, second, *rest])})
    assert twice.index == 2


# --- Keys ------------------------------------------------------------------------------------------------------------
def test_a_checkpoint_by_an_unknown_key_shows_nothing() -> None:
    forged = LOG.but(signers=(STRANGER, W1, W2), logs=(STRANGER,))
    assert divergence(forged.whole()).what == "checkpoint: no signature is by a key of the log that is trusted"


def test_without_keys_of_ones_own_the_report_says_in_capitals_what_has_to_be_compared() -> None:
    assert len(verified(LOG.whole(), None).caveats) == 2
    assert verification.words(verified(LOG.whole(), None))[1].startswith("THE LOG'S KEYS WERE TAKEN FROM THE BUNDLE")
    report = verified(LOG.whole(), None, receipts=[receipt(3)])
    assert [each.split(" WERE TAKEN FROM THE BUNDLE ITSELF")[0] for each in report.caveats] == [
        "THE LOG'S KEYS",
        "THE WITNESSES AND THE QUORUM",
        "THE KEYS OF THE RECEIPTS",
    ]
    assert str(FIRST.key) in report.caveats[0]
    assert all("COMPARE THEM WITH KEYS THAT YOU GOT ELSEWHERE (/api/v1/audit/keys" in each for each in report.caveats)


def test_a_forgers_own_key_is_believed_by_whoever_gives_none() -> None:
    """Why the capitals are there."""
    forged = LOG.but(signers=(STRANGER,), logs=(STRANGER,), quorum="none")
    assert str(STRANGER.key) in verified(forged.whole(), None).caveats[0]


def test_the_key_of_another_log_signs_nothing_here() -> None:
    other = signer("other", name="other.example/log")
    trust = Trust(logs=(str(other.key),), policy=policy(FIRST))
    stolen = LOG.but(signers=(other, W1, W2))
    assert divergence(stolen.whole(), trust).what == (
        f"checkpoint: it speaks of the log {ORIGIN}, and the key that signed it belongs to other.example/log"
    )


ROTATED = LOG.but(signers=(SECOND, W1, W2), logs=(FIRST, SECOND), handovers=(handover(FIRST, SECOND, 8),))


@pytest.mark.parametrize("known", [FIRST, SECOND])
def test_trust_in_one_key_passes_to_the_others_by_signed_handovers(known: Any) -> None:
    report = verified(ROTATED.whole(), Trust(logs=(str(known.key),), policy=policy(known)))
    assert (report.handovers, set(report.log_keys)) == (1, {str(FIRST.key), str(SECOND.key)})
    assert verified(ROTATED.selection(1), Trust(logs=(str(known.key),))).handovers == 1


def test_a_handover_that_one_key_alone_signed_is_forged() -> None:
    for by in (FIRST, SECOND):
        forged = ROTATED.but(handovers=(handover(FIRST, SECOND, 8, by),))
        assert divergence(forged.whole()).what == (
            "hand-over 1: it has to be signed by both keys, the old and the new, under the log's name"
        )


def test_a_handover_of_another_log_or_of_a_strangers_keys_passes_no_trust() -> None:
    other = ROTATED.but(handovers=(handover(FIRST, SECOND, 8, origin="other.example/log"),))
    assert divergence(other.whole()).what == "hand-over 1: this is no hand-over between keys of this log"
    strangers = ROTATED.but(handovers=(handover(STRANGER, SECOND, 8),))
    assert divergence(strangers.whole()).what == "the hand-overs are between keys of which none is trusted"


def test_handovers_are_a_chain() -> None:
    gap = ROTATED.but(handovers=(handover(FIRST, SECOND, 8), handover(STRANGER, signer("third"), 9)))
    assert divergence(gap.whole()).what == "hand-over 2: it does not go on where the one before it ended"
    back = ROTATED.but(handovers=(handover(FIRST, SECOND, 8), handover(SECOND, FIRST, 9)))
    assert divergence(back.whole()).what == "hand-over 2: it does not go on where the one before it ended"


@pytest.mark.parametrize("said", [{"size": 7}, {"size": 9, "at": "2026-04-30T23:59:59Z"}])
def test_a_handover_lies_not_before_the_one_before_it(said: Any) -> None:
    third = handover(SECOND, signer("third"), said.pop("size"), **said)
    forged = ROTATED.but(handovers=(handover(FIRST, SECOND, 8), third))
    assert divergence(forged.whole()).what == "hand-over 2: it does not go on where the one before it ended"


def test_a_handover_at_another_root_is_another_past() -> None:
    forged = ROTATED.but(handovers=(handover(FIRST, SECOND, 8, entries=ENTRIES[1:]),))
    assert divergence(forged.whole()).what.startswith("hand-over 1: the log's first 8 leaves have another root")


def test_a_stolen_key_that_was_handed_over_signs_nothing_new() -> None:
    stolen = ROTATED.but(signers=(FIRST, W1, W2))
    assert divergence(stolen.whole()).what == (
        f"checkpoint: it is signed by a key (id {FIRST.key.id.hex()}) that was not the log's at size 20"
    )


def test_a_stolen_key_that_was_handed_over_buries_nothing_new() -> None:
    pruned = ROTATED.but(removed={2: 1})
    note = tombstone("USE-1M", pruned.leaves_of(1), SECOND)
    assert verified({**pruned.whole(), "tombstones.jsonl": jsonl({"tombstone": 1, "note": note})}).pruned == {
        "USE-1M": 1
    }
    assert divergence(pruned.whole()).what == "tombstone 1: it is signed by a key that was not the log's at that time"


def test_a_key_that_no_handover_leads_to_is_not_the_logs() -> None:
    unlinked = LOG.but(logs=(FIRST, SECOND))
    assert divergence(unlinked.whole(), None).what == f"policy: no hand-over leads to the log's key {SECOND.key}"


# --- Witnesses -------------------------------------------------------------------------------------------------------
def test_without_the_quorum_the_log_is_verified_but_not_final() -> None:
    report = verified(LOG.but(signers=(FIRST, W2)).whole())
    assert (report.final, list(report.cosigned)) == (False, ["w2 (w2.example/witness)"])
    assert verification.words(report)[0] == "VERIFIED, BUT NOT FINAL"
    assert "the quorum both IS NOT MET: the checkpoint is not final" in verification.words(report)


def test_a_forged_cosignature_is_named() -> None:
    members = LOG.whole()
    good = members["checkpoint"].decode().split("\n")
    other = checkpoint(ENTRIES[:19], FIRST, W1, W2).split("\n")
    forged = "\n".join([*good[:5], other[5], *good[6:]]).encode()
    assert divergence({**members, "checkpoint": forged}).what == (
        "checkpoint: the signature of w1.example/witness does not fit"
    )


def test_a_cosignature_of_a_time_that_cannot_be_is_forged() -> None:
    members = LOG.whole()
    text, line = members["checkpoint"].decode().split("\n\n")[0] + "\n", str(cosigned_at(2**63))
    forged = f"{text}\n{line}\n".encode()
    assert divergence({**members, "checkpoint": forged}).what == (
        "checkpoint: the signature of w1.example/witness does not fit"
    )


def cosigned_at(time: int) -> Signature:
    return cosigned(checkpoint(ENTRIES, FIRST).split("\n\n")[0] + "\n", by=W1, at=time)


def test_a_vkey_names_its_own_key() -> None:
    name, key_id, encoded = str(FIRST.key).split("+", 2)
    with pytest.raises(ValueError, match=r"the key id of .* is not that of its name and key"):
        Trust(logs=(f"{name}+{'0' * len(key_id)}+{encoded}",))
    with pytest.raises(ValueError, match="one way to write these bytes"):
        Trust(logs=(str(FIRST.key).removesuffix("=") + "=" * 5,))


def test_ones_own_policy_decides_and_not_the_bundles() -> None:
    lax = LOG.but(signers=(FIRST,), quorum="none")
    assert verified(lax.whole(), Trust(logs=TRUST.logs)).final is True
    assert verified(lax.whole()).final is False


POLICY_X = "log {log}\nwitness a {w1} https://w1.example\n # both\n\ngroup any-of any a b\t\nquorum any-of\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no quorum"),
        ("quorum none\nquorum none\n", "line 2"),
        ("quorum a\n", "line 1"),
        ("witness none {w1}\nquorum none\n", "line 1"),
        ("witness a {w1}\nwitness a {w2}\nquorum a\n", "line 2"),
        ("witness a {w1}\nwitness b {w1}\nquorum a\n", "line 2 of the policy: this key stands there already"),
        ("witness a {w1}\ngroup g 2 a\nquorum g\n", "line 2"),
        ("witness a {w1}\ngroup g 0 a\nquorum g\n", "line 2"),
        ("witness a {w1}\ngroup g any\nquorum g\n", "line 2"),
        ("witness a {w1}\ngroup g any b\nquorum g\n", "line 2"),
        ("witness a {w1}\ngroup g any a a\nquorum g\n", "line 2"),
        ("witness a {w1}\ngroup g any none\nquorum g\n", "line 2"),
        ("witness a {w1}\ngroup g any a\ngroup h any a\nquorum g\n", "line 3"),
        ("log {w1}\nquorum none\n", "line 1"),
        ("witness a {log}\nquorum a\n", "line 1"),
        ("log {log}\rquorum none\n", "lines of text"),
        ("banana\nquorum none\n", "line 1"),
    ],
)
def test_a_policy_that_breaks_the_specification_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Trust(policy=text.format(log=FIRST.key, w1=W1.key, w2=W2.key))


def test_groups_of_groups_make_a_quorum() -> None:
    text = (
        f"witness a {W1.key} https://w1.example\n\n # a comment\n\twitness b {W2.key}\n"
        f"witness c {signer('w3', kind=4).key}\ngroup two 2 a b\ngroup top any two c\nquorum top\n"
    )
    parsed = verification.Policy.parse(text)
    assert [parsed.met(each) for each in ([], ["a"], ["a", "b"], ["c"], ["b", "c"])] == [False, False, True, True, True]


# --- What one remembers ----------------------------------------------------------------------------------------------
def test_a_checkpoint_that_one_kept_is_extended() -> None:
    kept = checkpoint(ENTRIES, FIRST, size=13)
    assert verified(LOG.whole(), remembered=kept).remembered == (13,)
    assert verified(LOG.selection(2, old=13), remembered=kept.encode()).remembered == (13,)
    same = checkpoint(ENTRIES, FIRST)
    assert verified(LOG.selection(2), remembered=same).remembered == (20,)
    empty = checkpoint((), FIRST)
    assert verified(LOG.selection(2), remembered=[empty, same]).remembered == (0, 20)


FORKED = "kept checkpoint 1: the log's first {} leaves have another root there than here: "


@pytest.mark.parametrize("size", [8, 13, 20])
def test_a_fork_is_named_and_its_proof_is_to_be_kept(size: int) -> None:
    other = (entry(40), *ENTRIES[1:])
    named = divergence(LOG.whole(), remembered=checkpoint(other, FIRST, size=size))
    assert named.what.startswith(FORKED.format(size))
    if size == 20:
        named = divergence(LOG.selection(2), remembered=checkpoint(other, FIRST))
        assert named.what.startswith(FORKED.format(20))
    else:
        named = divergence(LOG.selection(2, old=size), remembered=checkpoint(other, FIRST, size=size))
        assert named.what.startswith("kept checkpoint 1: the proof leads to another root of the")


def test_a_log_that_was_rolled_back_is_named() -> None:
    named = divergence(LOG.but(entries=ENTRIES[:10]).whole(), remembered=checkpoint(ENTRIES, FIRST))
    assert named.what.startswith(
        "kept checkpoint 1: it has 20 leaves, and the bundle's has 10: the log was rolled back"
    )


def test_a_selection_needs_the_consistency_proof_from_what_one_kept() -> None:
    kept = checkpoint(ENTRIES, FIRST, size=13)
    ask = "kept checkpoint 1: the bundle has no consistency proof from size 13; ask for one that has"
    assert divergence(LOG.selection(2), remembered=kept).what == ask
    assert divergence(LOG.selection(2, old=12), remembered=kept).what == ask


def test_what_one_kept_is_of_this_log_and_signed_by_it() -> None:
    foreign = checkpoint(ENTRIES, STRANGER, size=13)
    named = divergence(LOG.whole(), remembered=foreign)
    assert named.what == "kept checkpoint 1: no signature is by a key of the log that is trusted"
    other = signer("other", name="other.example/log")
    trust = Trust(logs=(str(FIRST.key), str(other.key)), policy=policy())
    kept = checkpoint(ENTRIES, other, size=13, origin="other.example/log")
    named = divergence(LOG.whole(), trust, remembered=kept)
    assert named.what == "kept checkpoint 1: it is of another log (other.example/log)"


# --- Receipts --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("members", [LOG.whole(), LOG.selection(4, 9)], ids=["whole", "selection"])
def test_a_receipt_whose_entry_is_there_is_met(members: Members) -> None:
    assert verified(members, receipts=[receipt(9)]).receipts == {id_of(9): "the entry is there, at index 9"}


def test_a_receipt_whose_entry_was_pruned_says_by_which_rule() -> None:
    report = verified(PRUNED.whole(), receipts=[receipt(11), receipt(0)])
    assert report.receipts[id_of(11)] == "the entry was there, at index 11; pruned by rule USE-1M"


def test_a_receipt_whose_entry_is_not_there_is_a_divergence() -> None:
    what = "a receipt promised it, and it is not in the log; is the receipt newer than the checkpoint?"
    assert divergence(LOG.whole(), receipts=[receipt(33)]) == Divergence(None, id_of(33), what)
    what = "a receipt promised it, and it is not in this selection: ask for a bundle that holds it"
    assert divergence(LOG.selection(4), receipts=[receipt(9)]) == Divergence(None, id_of(9), what)


def test_a_log_that_wrote_an_entry_anew_breaks_its_promise() -> None:
    """The owner of the log can sign whatever he likes, but not take a receipt back."""
    rewritten = LOG.but(entries=(*ENTRIES[:17], ALTERED, *ENTRIES[18:]))
    assert verified(rewritten.whole()).final
    was, is_ = hashes(ENTRIES)[17].hex(), hashes([ALTERED])[0].hex()
    what = f"a receipt promised the leaf hash {was}, and the bundle's entry has {is_}"
    assert divergence(rewritten.whole(), receipts=[receipt(17)]) == Divergence(None, id_of(17), what)


def test_two_receipts_of_one_entry_are_two_promises() -> None:
    rewritten = LOG.but(entries=(*ENTRIES[:17], ALTERED, *ENTRIES[18:]))
    anew = receipt(17, leaf=hashes([ALTERED])[0].hex())
    assert divergence(rewritten.whole(), receipts=[anew, receipt(17)]).entry == id_of(17)


def test_a_receipt_of_another_time_or_id_is_not_this_entrys() -> None:
    at = "2026-11-04T10:02:10.481920Z"
    named = divergence(LOG.whole(), receipts=[receipt(9, at=at)])
    assert named == Divergence(9, id_of(9), f"a receipt gives its leaf hash another id or time ({id_of(9)}, {at})")
    assert divergence(LOG.whole(), receipts=[receipt(9, entry=id_of(8))]).index == 9


def test_a_forged_receipt_is_named() -> None:
    assert divergence(LOG.whole(), receipts=[receipt(9), receipt(9, by=STRANGER)]).what == (
        "receipt 2: its signature does not fit"
    )
    other = receipt(9, typ="JWT")
    assert divergence(LOG.whole(), receipts=[other]).what == "receipt 1: it is not a receipt of the ledger"
    assert divergence(LOG.whole(), receipts=["banana"]).what == "receipt 1: it is not a compact JWS"
    none = Trust(logs=TRUST.logs, policy=TRUST.policy, receipts='{"keys": []}')
    assert divergence(LOG.whole(), none, receipts=[receipt(9)]).what == (
        "receipt 1: it is signed by a key that is not known"
    )


# --- The tree --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("wrong", [[], [b""], [b"x" * 31], [bytes(32)] * 2])
def test_a_proof_has_its_length_and_is_made_of_hashes(wrong: list[bytes]) -> None:
    with pytest.raises(ProofError, match="the proof"):
        verification.check_inclusion(bytes(32), index=0, size=2, path=wrong, root=bytes(32))
    with pytest.raises(ProofError, match="the proof"):
        verification.check_consistency(old=1, new=2, path=wrong, old_root=bytes(32), new_root=bytes(32))


def test_hashes_of_another_length_that_join_to_the_same_bytes_are_refused() -> None:
    joined = bytes(range(64))
    above = sha256(b"\x01" + joined).digest()
    verification.check_inclusion(joined[:32], index=0, size=2, path=[joined[32:]], root=above)
    with pytest.raises(ProofError, match="32 bytes long"):
        verification.check_inclusion(joined[:31], index=0, size=2, path=[joined[31:]], root=above)


def test_no_proof_starts_from_the_empty_tree() -> None:
    with pytest.raises(ProofError, match="no proof shows"):
        verification.check_consistency(old=0, new=2, path=[], old_root=verification.EMPTY_ROOT, new_root=bytes(32))


def test_a_tree_knows_its_root_at_any_time_and_at_chosen_sizes() -> None:
    watched = [0, 1, 7, 8, 19]
    leaves = hashes(ENTRIES)
    for step in (1, 3, 20):
        tree = Tree(watched)
        for at in range(0, 20, step):
            tree.extend(leaves[at : at + step])
            assert tree.root() == root(ENTRIES, tree.size)
        assert tree.roots == {size: root(ENTRIES, size) for size in watched}
    tree.append(sha256(b"x").digest())
    assert tree.size == 21


# --- The file alone --------------------------------------------------------------------------------------------------
@pytest.fixture
def alone(tmp_path: Path) -> Any:
    """Return what runs a copy of the one file, in an empty folder, in an interpreter that knows no other."""
    shutil.copy(verification.__file__, tmp_path / "verification.py")

    def run(*arguments: object) -> tuple[int, str]:
        ran = subprocess.run(
            [sys.executable, "-I", "verification.py", *map(str, arguments)],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60, env={},
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr

    return run


def test_one_file_verifies_on_another_machine(alone: Any, tmp_path: Path) -> None:
    for name, members in {"whole.zip": PRUNED.whole(), "selection.zip": LOG.selection(2, 9, old=13)}.items():
        (tmp_path / name).write_bytes(zipped(members).getvalue())
    (tmp_path / "policy").write_text(policy())
    (tmp_path / "kept").write_text(checkpoint(ENTRIES, FIRST, size=13), encoding="utf-8")
    (tmp_path / "receipt").write_text(receipt(9) + "\n")
    (tmp_path / "keys").write_text(JWKS)
    given = ["--log", FIRST.key, "--policy", "policy", "--remembered", "kept", "--receipt", "receipt"]
    code, said = alone("whole.zip", "selection.zip", *given, "--receipt-keys", "keys")
    assert code == 0, said
    assert "whole.zip: VERIFIED\n" in said
    assert "3 entries were pruned by rule USE-1M\n" in said
    assert f"receipt of {id_of(9)}: the entry is there, at index 9\n" in said
    assert "the checkpoint you kept of size 13: this log extends it\n" in said
    assert "TAKEN FROM THE BUNDLE" not in said


def test_the_file_tells_by_its_exit_code_and_in_json(alone: Any, tmp_path: Path) -> None:
    forged = {**LOG.selection(3, 17), "entries.jsonl": lines([ENTRIES[3], ALTERED])}
    (tmp_path / "forged.zip").write_bytes(zipped(forged).getvalue())
    (tmp_path / "true.zip").write_bytes(zipped(LOG.selection(3)).getvalue())
    (tmp_path / "none.zip").write_bytes(b"PK nothing")
    code, said = alone("--json", "true.zip", "forged.zip", "none.zip", "absent.zip")
    outcomes = [json.loads(line) for line in said.splitlines()]
    assert code == 1
    assert [each["outcome"] for each in outcomes] == ["verified", "diverged", "not a bundle", "not a bundle"]
    assert (outcomes[0]["final"], outcomes[1]["index"], outcomes[1]["entry"]) == (True, 17, id_of(17))
    assert alone("forged.zip") == (
        1, f"forged.zip: DIVERGED: entry 17 (id {id_of(17)}): the proof leads to another root\n"
    )  # fmt: skip
    assert alone("true.zip", "none.zip")[0] == 2
    assert alone("true.zip", "--log", "banana")[0] == 2
    assert alone("true.zip", "--policy", "absent")[0] == 2
    assert alone()[0] == 2


def test_what_a_hostile_bundle_says_can_not_steer_a_terminal(alone: Any, tmp_path: Path) -> None:
    members = LOG.whole()
    steering = members["manifest.json"].replace(b"udvej.example", b"\\u001b[2Judvej\\u202e\xc3\x85")
    strange = {**members, "manifest.json": steering, "handovers.jsonl": b"", "\x1b[2J": b""}
    (tmp_path / "strange.zip").write_bytes(zipped(strange).getvalue())
    code, said = alone("strange.zip")
    assert (code, said) == (2, "strange.zip: NOT A BUNDLE: a member is missing or does not belong there: \\u{1b}[2J\n")


def test_it_imports_nothing_of_the_exchange() -> None:
    text = Path(verification.__file__).read_text(encoding="utf-8")
    imported = {
        line.split()[1].partition(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))
    }
    assert imported - sys.stdlib_module_names == {"cryptography"}


def test_a_file_that_is_none_is_no_bundle() -> None:
    with pytest.raises(NotABundle, match="cannot be read as part of a ZIP file"):
        verify_bundle(zipped({}).__class__(b"banana"))
