"""Whatever comes as a note, a key or a checkpoint: only NoteError comes out, and what is read is written the same."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit import notes
from audit.notes import COSIGNATURE, ED25519, Checkpoint, Note, NoteError, Signature, VerifierKey
from tests.audit.c2sp_examples import GO_NOTE, GO_VKEY, NOTE, POEM, SOFA, VKEY
from tests.audit.signers import LOG, WITNESS

pytestmark = pytest.mark.no_database

ANYTHING = st.text(st.characters()) | st.text(st.sampled_from("— +\n\r\t09aA=/\u00a0\ud800é"))
COSIGNED = Note(SOFA, (*notes.signed(SOFA, by=[LOG]).signatures, notes.cosigned(SOFA, by=WITNESS, at=1679315147)))
SAMPLES = st.sampled_from([NOTE, GO_NOTE, POEM, str(COSIGNED), VKEY, str(WITNESS.key), SOFA, SOFA + "more\n"])


@st.composite
def mutated(draw: Any) -> str:
    """A sample with a few places overwritten, cut out, doubled or filled in."""
    text = draw(SAMPLES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 3)))
        put = draw(ANYTHING.filter(lambda each: len(each) < 5) | st.just(text[at:to] * 2) | st.just(""))
        text = text[:at] + put + text[to:]
    return text


def read_back(kind: Any, given: Any) -> Any:
    """Return what was parsed, or None; anything but NoteError fails the test."""
    try:
        return kind.parse(given)
    except NoteError:
        return None


def judge(note: Note | None, *more: VerifierKey) -> None:
    if note is not None:
        try:
            note.verified([LOG.key, WITNESS.key, VerifierKey.parse(VKEY), VerifierKey.parse(GO_VKEY), *more])
        except NoteError:
            return


@given(ANYTHING | mutated())
@example("\ud800+00000000+")
@example("a\n+00000000+AQ==")
def test_no_text_breaks_the_reading(text: str) -> None:
    for kind in (Note, VerifierKey, Checkpoint):
        read = read_back(kind, text)
        assert read is None or str(read) == text
    judge(read_back(Note, text))


@given(st.binary() | mutated().map(lambda text: text.encode("utf-8", "surrogatepass")), st.integers(0, 255))
def test_no_bytes_break_the_reading(raw: bytes, other: int) -> None:
    for each in (raw, raw[:-1] + bytes([other])):
        note = read_back(Note, each)
        assert note is None or str(note).encode() == each
        judge(note)


@given(mutated())
def test_what_a_known_key_is_said_to_have_signed_is_what_it_signed(text: str) -> None:
    """However a signed note is changed, a text that verifies is one of those that were signed."""
    note = read_back(Note, text)
    try:
        checked = note.verified([LOG.key, WITNESS.key, VerifierKey.parse(VKEY)]) if note else ()
    except NoteError:
        return
    assert not checked or note.text in {SOFA, "This is an example message.\n"}


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.sampled_from([ED25519, COSIGNATURE]))
def test_no_public_key_and_no_signature_break_the_check(public: bytes, signature: bytes, kind: int) -> None:
    key = VerifierKey("any.example", kind, public)
    assert VerifierKey.parse(str(key)) == key
    judge(Note(SOFA, (Signature(key.name, key.id, signature),)), key)
