"""Hostile bundles: whatever stands in the file, the verifier ends with a report, a divergence or "not a bundle"."""

import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audit.verification import Diverged, NotABundle, Report, Trust, verify_bundle
from tests.audit.bundles import (
    ENTRIES,
    FIRST,
    JWKS,
    SECOND,
    Log,
    Members,
    checkpoint,
    handover,
    jsonl,
    policy,
    receipt,
    tombstone,
    zipped,
)

pytestmark = pytest.mark.no_database

TRUST = Trust(logs=(str(FIRST.key),), policy=policy(FIRST), receipts=JWKS)
LOG = Log(signers=(SECOND, *Log().signers[1:]), logs=(FIRST, SECOND), handovers=(handover(FIRST, SECOND, 8),))
REMOVED = LOG.but(removed={2: 1, 3: 1, 11: 1})
NOTE = {"tombstone": 1, "note": tombstone("USE-1M", REMOVED.leaves_of(1), SECOND)}
WHOLE: Members = {**REMOVED.whole(), "tombstones.jsonl": jsonl(NOTE)}
SELECTION = LOG.selection(0, 7, 13, 19, old=13)
KEPT: dict[str, Any] = {"remembered": checkpoint(ENTRIES, SECOND, size=13), "receipts": [receipt(13)]}
PROVING = frozenset(
    {"entries.jsonl", "proofs.jsonl", "checkpoint", "tombstones.jsonl", "removed.jsonl", "consistency.json"}
)
"""The members of which no byte can change without being noticed."""

MANY = settings(max_examples=100, deadline=None, derandomize=True)


def outcome(file: io.BytesIO, trust: Trust | None = TRUST, **given: Any) -> Report | None:
    """Return the report, or None where something was found; any other exception fails the test."""
    try:
        return verify_bundle(file, trust, **given)
    except (Diverged, NotABundle):
        return None


def changed(draw: st.DrawFn, raw: bytes) -> bytes:
    """Return bytes with one to three small changes: replaced, put in, taken out, doubled, or cut off."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        some = draw(
            st.binary(min_size=1, max_size=4) | st.sampled_from([b"\n", b" ", b"{", b"9" * 5000, b"\xff", b"\0"])
        )
        until = draw(st.sampled_from([at, at + 1, at + len(some), at + 64, len(raw)]))
        raw = draw(st.sampled_from([raw[:at] + some + raw[until:], raw[:at] + raw[until:], raw[:until] + raw[at:]]))
    return raw


@st.composite
def mutated_files(draw: st.DrawFn) -> tuple[Members, bytes]:
    members = draw(st.sampled_from([WHOLE, SELECTION]))
    return members, changed(draw, zipped(members, method=draw(st.sampled_from([0, 8]))).getvalue())


@st.composite
def mutated_members(draw: st.DrawFn) -> tuple[str, Members, Members]:
    members = draw(st.sampled_from([WHOLE, SELECTION]))
    name = draw(st.sampled_from(sorted(members)))
    return name, members, {**members, name: changed(draw, members[name])}


def test_what_is_mutated_below_verifies_as_it_is() -> None:
    for members in (WHOLE, SELECTION):
        report = outcome(zipped(members), **KEPT)
        assert report is not None
        assert report.final


@MANY
@given(mutated_files())
def test_of_a_damaged_file_nothing_is_verified_that_was_changed(given: tuple[Members, bytes]) -> None:
    members, raw = given
    if outcome(io.BytesIO(raw), **KEPT) is not None:
        with zipfile.ZipFile(io.BytesIO(raw)) as file:
            for name in PROVING & members.keys():
                assert file.read(name) == members[name], name


@MANY
@given(mutated_members())
def test_no_member_that_proves_something_can_be_changed(given: tuple[str, Members, Members]) -> None:
    name, true, forged = given
    report = outcome(zipped(forged), **KEPT)
    if name in PROVING and report is not None and (report.final or name != "checkpoint"):
        assert said(name, forged[name]) == said(name, true[name])


@MANY
@given(mutated_members())
def test_nor_does_anything_else_come_out_for_whoever_gives_no_keys(given: tuple[str, Members, Members]) -> None:
    outcome(zipped(given[2]), None, strict=True)


def said(name: str, raw: bytes) -> object:
    """Return what a member says: white space between JSON's tokens says nothing."""
    if name.endswith(".json"):
        return json.loads(raw)
    return [json.loads(line) for line in raw.splitlines()] if name not in {"entries.jsonl", "checkpoint"} else raw


@MANY
@given(st.sampled_from(sorted(PROVING)), st.data())
def test_no_single_byte_of_what_proves_can_be_another(name: str, data: st.DataObject) -> None:
    members = WHOLE if name in WHOLE else SELECTION
    raw = bytearray(members[name])
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    report = outcome(zipped({**members, name: bytes(raw)}), **KEPT)
    assert report is None or (name == "checkpoint" and not report.final), "a witness that is unknown now is passed over"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["index", "path", "note", "x"]), inner),
    max_leaves=6,
)


@MANY
@given(st.sampled_from(sorted(WHOLE.keys() | SELECTION.keys())), JSON | st.binary(max_size=40))
@example("manifest.json", 1.5)
@example("proofs.jsonl", {"index": True, "path": []})
@example("proofs.jsonl", {"index": 0, "path": [None]})
@example("receipts.jwks.json", {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "!"}]})
def test_anything_may_stand_in_a_member(name: str, content: Any) -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode() + b"\n"
    for members in (WHOLE, SELECTION):
        if name in members:
            outcome(zipped({**members, name: raw}), None)


# --- By name ---------------------------------------------------------------------------------------------------------
def what(members: Members, **given: Any) -> str:
    with pytest.raises((Diverged, NotABundle)) as found:
        verify_bundle(zipped(members, method=8), TRUST, **given)
    return f"{found.type.__name__}: {found.value}"


@pytest.mark.parametrize(
    ("name", "raw", "found"),
    [
        ("checkpoint", b"x" * 10_000_000, "NotABundle: checkpoint: it would unpack to more than 100 times its size"),
        ("checkpoint", b"x" * 200_000, "Diverged: checkpoint: a note has at most 131072 bytes"),
        ("checkpoint", b"\xff\n\nx\n", "Diverged: checkpoint: it is not UTF-8"),
        ("manifest.json", b"[" * 100_000, "NotABundle: manifest.json: it is nested far too deep"),
        ("manifest.json", b'{"size": ' + b"9" * 100_000 + b"}", "NotABundle: manifest.json: a number is not written"),
        ("manifest.json", b'{"a": 1, "a": 1}', "NotABundle: manifest.json: it names a member twice"),
        ("manifest.json", b'{"a": 1e400}', "NotABundle: manifest.json: a number is not written"),
        ("manifest.json", b'{"a": NaN}', "NotABundle: manifest.json: a number is not written"),
        (
            "manifest.json",
            WHOLE["manifest.json"].replace(b"-1", b"-2"),
            "NotABundle: manifest.json: this is no bundle of",
        ),
        (
            "manifest.json",
            WHOLE["manifest.json"].replace(b" 20", b" true"),
            "NotABundle: manifest.json: it is not an obj",
        ),
        ("manifest.json", WHOLE["manifest.json"].replace(b": ", b":\t"), "NotABundle: manifest.json: it has control"),
        (
            "removed.jsonl",
            b'{"index": "2", "leaf": "", "tombstone": 1}\n',
            "Diverged: removed.jsonl, line 1: it is not",
        ),
        ("checkpoint", b"a\rb\n0\n\n\xe2\x80\x94 a AAAAAAA=\n", "Diverged: checkpoint: a note has no control"),
        ("checkpoint", b"a\n0\n\n\xe2\x80\x94 a AAAAAAB=\n", "Diverged: checkpoint: base64 has one way to write"),
        ("removed.jsonl", b"\n", "Diverged: removed.jsonl: a line is empty, or far too long"),
        ("entries.jsonl", b"x", "Diverged: entries.jsonl: the last line is not ended by a line feed"),
        ("../entries.jsonl", b"x", "NotABundle: a member is missing or does not belong there: ../entries.jsonl"),
        ("/etc/passwd", b"x", "NotABundle: a member is missing or does not belong there: /etc/passwd"),
        ("proofs.jsonl", b"", "NotABundle: a member is missing or does not belong there: proofs.jsonl"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(name: str, raw: bytes, found: str) -> None:
    assert what({**WHOLE, name: raw}).startswith(found)


def test_a_bomb_is_not_unpacked() -> None:
    assert "it would unpack to more than 100 times its size" in what({**WHOLE, "entries.jsonl": b"x" * (1 << 24)})
    assert "it would unpack to more than 5000 bytes" in what(WHOLE, limit=5000)
    far_too_long = bytes(range(33, 127)) * 25_000
    with pytest.raises(Diverged, match="far too long"):
        verify_bundle(zipped({**WHOLE, "entries.jsonl": far_too_long}), TRUST)


def test_a_note_of_ten_megabytes_is_read_no_further_than_one() -> None:
    with pytest.raises(Diverged, match="checkpoint: it is too large"):
        verify_bundle(zipped({**WHOLE, "checkpoint": b"x" * 10_000_000}), TRUST)


def test_a_member_that_is_there_twice_is_believed_in_neither_form() -> None:
    file = zipped(WHOLE)
    with zipfile.ZipFile(file, "a") as bundle, pytest.warns(UserWarning, match="Duplicate"):
        bundle.writestr("checkpoint", WHOLE["checkpoint"])
    with pytest.raises(NotABundle, match="a member is there twice"):
        verify_bundle(file, TRUST)


def test_what_is_packed_otherwise_or_sealed_with_a_password_is_no_bundle() -> None:
    with pytest.raises(NotABundle, match="packed in a way that is not used here"):
        verify_bundle(zipped(WHOLE, method=zipfile.ZIP_BZIP2), TRUST)
    raw = bytearray(zipped(WHOLE).getvalue())
    raw[raw.index(b"PK\1\2") + 8] |= 1
    with pytest.raises(NotABundle, match="packed in a way that is not used here"):
        verify_bundle(io.BytesIO(bytes(raw)), TRUST)


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_each_member_has_to_be_there(name: str) -> None:
    assert what({each: raw for each, raw in WHOLE.items() if each != name}).startswith("NotABundle: ")
