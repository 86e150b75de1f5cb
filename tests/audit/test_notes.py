"""Notes, keys and checkpoints: C2SP's own examples byte for byte, what a signature is over, and what is refused."""

from base64 import b64encode

import pytest

from audit import notes
from audit.notes import COSIGNATURE, ED25519, Checkpoint, Note, NoteError, Signature, VerifierKey
from tests.audit.c2sp_examples import (
    GO_NOTE,
    GO_VKEY,
    NOTE,
    POEM,
    SOFA,
    SOFA_COSIGNED,
    SOFA_SIGNED,
    SOFA_TWICE,
    VKEY,
    WITNESS_ANSWER,
)
from tests.audit.signers import LOG, WITNESS, Held

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(("vkey", "note"), [(VKEY, NOTE), (GO_VKEY, GO_NOTE)])
def test_a_published_key_verifies_its_published_note(vkey: str, note: str) -> None:
    key, read = VerifierKey.parse(vkey), Note.parse(note)
    assert str(key) == vkey
    assert str(read) == note
    assert Note.parse(note.encode()) == read
    assert read.verified([key]) == (notes.Checked(key, None),)


@pytest.mark.parametrize(("vkey", "note"), [(VKEY, NOTE), (GO_VKEY, GO_NOTE)])
def test_a_published_note_with_one_other_letter_is_rejected(vkey: str, note: str) -> None:
    with pytest.raises(NoteError, match="does not fit"):
        Note.parse(note.replace("is", "iz", 1)).verified([VerifierKey.parse(vkey)])


def test_a_text_may_hold_empty_lines_and_the_last_one_ends_it() -> None:
    read = Note.parse(POEM)
    assert read.text.endswith("\n\ned è subito sera.\n")
    assert [each.name for each in read.signatures] == ["quasimodo.example/salvatore"]
    assert read.signatures[0].key_id.hex() == "367ba04b"
    assert str(read) == POEM


@pytest.mark.parametrize("text", ["\n", "\n\n", "a\n\n", "\na\n"])
def test_a_text_of_empty_lines_is_a_text(text: str) -> None:
    note = notes.signed(text, by=[LOG])
    assert Note.parse(str(note)) == note


def test_the_published_checkpoint_is_read_as_it_was_written() -> None:
    whole = f"{SOFA}\n{SOFA_SIGNED}\n{SOFA_TWICE}\n{SOFA_COSIGNED}\n"
    note = Note.parse(whole)
    assert str(note) == whole
    head = Checkpoint.parse(note.text)
    assert (head.origin, head.size, head.extension) == ("example.com/behind-the-sofa", 20852163, ())
    assert b64encode(head.root).decode() == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert str(head) == SOFA
    cosignature = note.signatures[2].signature
    assert int.from_bytes(cosignature[:8], "big") == 1679315147  # the time in the specification's signed message
    assert len(cosignature) == 8 + 64


def test_the_published_answer_of_a_witness_is_three_signature_lines() -> None:
    lines = notes.signature_lines(WITNESS_ANSWER)
    assert "".join(f"{line}\n" for line in lines) == WITNESS_ANSWER
    assert [line.name for line in lines] == ["witness.example/w1", "witness.example/w1", "witness.example/w2"]


def test_extension_lines_are_kept_and_say_nothing() -> None:
    head = Checkpoint.parse(SOFA + "anything\n2\n")
    assert (head.size, head.extension) == (20852163, ("anything", "2"))
    assert str(head) == SOFA + "anything\n2\n"


# --- What a signature is over -----------------------------------------------------------------------------------------
def test_a_cosignature_is_over_two_lines_and_the_whole_text() -> None:
    """The message of tlog-cosignature, "Ed25519 signed message", written out here once more."""
    text = SOFA + "an extension\n"
    line = notes.cosigned(text, by=WITNESS, at=1679315147)
    message = f"cosignature/v1\ntime 1679315147\n{text}".encode()
    WITNESS.private.public_key().verify(line.signature[8:], message)
    assert line.signature[:8] == bytes.fromhex("00000000641850cb")
    note = Note(text, (line,))
    assert note.verified([WITNESS.key]) == (notes.Checked(WITNESS.key, 1679315147),)
    with pytest.raises(NoteError, match="does not fit"):
        Note(SOFA, (line,)).verified([WITNESS.key])


def test_a_cosignature_moved_to_another_time_does_not_fit() -> None:
    line = notes.cosigned(SOFA, by=WITNESS, at=1679315147)
    later = Signature(line.name, line.key_id, (1679315148).to_bytes(8, "big") + line.signature[8:])
    with pytest.raises(NoteError, match="does not fit"):
        Note(SOFA, (later,)).verified([WITNESS.key])


def test_a_cosignatures_time_does_not_exceed_what_the_specification_allows() -> None:
    for at in (0, 2**63 - 1):
        note = Note(SOFA, (notes.cosigned(SOFA, by=WITNESS, at=at),))
        assert note.verified([WITNESS.key])[0].time == at
    with pytest.raises(NoteError, match="out of range"):
        Note(SOFA, (notes.cosigned(SOFA, by=WITNESS, at=2**63),)).verified([WITNESS.key])


def test_a_logs_signature_is_no_cosignature_by_the_same_key_and_the_other_way_round() -> None:
    as_log, as_witness = Held("both.example", ED25519, LOG.private), Held("both.example", COSIGNATURE, LOG.private)
    assert as_log.key.id != as_witness.key.id
    own = notes.signed(SOFA, by=[as_log]).signatures[0]
    dressed = Signature(own.name, as_witness.key.id, bytes(8) + own.signature)
    with pytest.raises(NoteError, match="does not fit"):
        Note(SOFA, (dressed,)).verified([as_witness.key])


# --- Known and unknown keys -------------------------------------------------------------------------------------------
def test_signatures_of_unknown_keys_are_passed_over_even_where_name_or_id_is_known() -> None:
    same_name = Signature(LOG.name, b"\1\2\3\4", bytes(64))
    same_id = Signature("log.example/b", LOG.key.id, bytes(64))
    long = Signature("quantum.example", b"\1\2\3\4", bytes(4627))
    own = notes.signed(SOFA, by=[LOG]).signatures[0]
    note = Note.parse(str(Note(SOFA, (same_name, same_id, long, own))))
    assert [each.key for each in note.verified([LOG.key])] == [LOG.key]


def test_a_note_that_no_known_key_signed_is_rejected() -> None:
    note = notes.signed(SOFA, by=[LOG])
    for known in ([], [WITNESS.key]):
        with pytest.raises(NoteError, match="known"):
            note.verified(known)


@pytest.mark.parametrize("forged", [bytes(64), bytes(63), bytes(65), b"\0", bytes(72)])
def test_a_known_keys_bad_signature_rejects_the_whole_note(forged: bytes) -> None:
    good = notes.signed(SOFA, by=[LOG]).signatures[0]
    for lines in (
        (good, Signature(LOG.name, LOG.key.id, forged)),
        (Signature(LOG.name, LOG.key.id, forged), good),
        (good, Signature(WITNESS.name, WITNESS.key.id, forged)),
    ):
        with pytest.raises(NoteError, match="does not fit"):
            Note.parse(str(Note(SOFA, lines))).verified([LOG.key, WITNESS.key])


def test_sixteen_post_quantum_signatures_are_taken() -> None:
    lines = tuple(Signature(f"quantum.example/{number}", b"\1\2\3\4", bytes(4900)) for number in range(15))
    own = notes.signed(SOFA, by=[LOG]).signatures[0]
    assert Note.parse(str(Note(SOFA, (*lines, own)))).verified([LOG.key])


# --- What is refused --------------------------------------------------------------------------------------------------
LINE = "— example.com/foo Uw2QOkn8srU="
NOT_NOTES = {
    "nothing": "",
    "a text alone": "text\n",
    "a text and an empty line": "text\n\n",
    "a signature alone": f"{LINE}\n",
    "no text": f"\n{LINE}\n",
    "no empty line": f"text\n{LINE}\n",
    "the last line is not ended": f"text\n\n{LINE}",
    "a line ended twice": f"text\n\n{LINE}\n\n",
    "carriage returns": f"text\r\n\r\n{LINE}\r\n",
    "a tab": f"te\txt\n\n{LINE}\n",
    "a zero byte": f"te\0xt\n\n{LINE}\n",
    "an escape in a name": "text\n\n— example\x1b.com Uw2QOkn8srU=\n",
    "a hyphen for the dash": "text\n\n- example.com/foo Uw2QOkn8srU=\n",
    "an en dash": "text\n\n– example.com/foo Uw2QOkn8srU=\n",
    "no space behind the dash": "text\n\n—example.com/foo Uw2QOkn8srU=\n",
    "two spaces": "text\n\n—  example.com/foo Uw2QOkn8srU=\n",
    "a space at the end": "text\n\n— example.com/foo Uw2QOkn8srU= \n",
    "no name": "text\n\n—  Uw2QOkn8srU=\n",
    "a plus in the name": "text\n\n— example+foo Uw2QOkn8srU=\n",
    "a no-break space in the name": "text\n\n— example\u00a0foo Uw2QOkn8srU=\n",
    "an ideographic space in the name": "text\n\n— example\u3000foo Uw2QOkn8srU=\n",
    "a next-line in the name": "text\n\n— example\u0085foo Uw2QOkn8srU=\n",
    "no signature": "text\n\n— example.com/foo \n",
    "a key id and no signature": "text\n\n— example.com/foo Uw2QOg==\n",
    "a key id cut short": "text\n\n— example.com/foo Uw2Q\n",
    "base64 not padded": "text\n\n— example.com/foo Uw2QOkn8srU\n",
    "base64 padded twice": "text\n\n— example.com/foo Uw2QOkn8srU==\n",
    "base64 with bits to spare": "text\n\n— example.com/foo Uw2QOkn8srV=\n",
    "base64 of addresses": "text\n\n— example.com/foo Uw2QOkn8_-U=\n",
    "sixty-five signatures": "text\n\n" + f"{LINE}\n" * 65,
    "a quarter of a megabyte": "t" * notes.NOTE_BYTES_MAX + f"\n\n{LINE}\n",
    "half a surrogate pair": f"te\ud800xt\n\n{LINE}\n",
    "a byte that is not UTF-8": b"te\xe9xt\n\n" + f"{LINE}\n".encode(),
    "an overlong byte sequence": b"te\xc0\xafxt\n\n" + f"{LINE}\n".encode(),
}


@pytest.mark.parametrize("raw", NOT_NOTES.values(), ids=NOT_NOTES.keys())
def test_what_is_not_a_note_is_refused(raw: str | bytes) -> None:
    with pytest.raises(NoteError):
        Note.parse(raw)


def test_the_table_of_refused_notes_breaks_what_is_a_note_otherwise() -> None:
    assert str(Note.parse(f"text\n\n{LINE}\n")) == f"text\n\n{LINE}\n"


NOT_KEYS = {
    "nothing": "",
    "a name": "example.com/foo",
    "a name and an id": "example.com/foo+530d903a",
    "no key": "example.com/foo+530d903a+",
    "no name": "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "another name": VKEY.replace("foo", "fox"),
    "another id": VKEY.replace("530d", "530e"),
    "an id in capitals": VKEY.replace("530d903a", "530D903A"),
    "an id with a zero before it": VKEY.replace("530d903a", "0530d903a"),
    "another type": VKEY.replace("+Aeky", "+Beky"),
    "a line feed at the end": VKEY + "\n",
    "a space before it": " " + VKEY,
    "a space in the name": "example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "a key cut short": "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=",
    "not base64": VKEY.replace("Aeky", "A?ky"),
    "half a surrogate pair": "example\ud800" + VKEY.removeprefix("example.com/foo"),
}


@pytest.mark.parametrize("vkey", NOT_KEYS.values(), ids=NOT_KEYS.keys())
def test_what_is_not_a_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize("kind", [0x00, 0x02, 0x03, 0x05, 0x06, 0xFF])
def test_a_key_of_a_type_that_is_not_used_here_is_refused(kind: int) -> None:
    with pytest.raises(NoteError, match="type"):
        VerifierKey("example.com/foo", kind, bytes(32))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\n", "\n", "a\x1fb", "\ud83d"])
def test_a_name_that_no_signature_line_could_carry_is_refused(name: str) -> None:
    with pytest.raises(NoteError, match="name"):
        VerifierKey(name, ED25519, bytes(32))


ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
NOT_CHECKPOINTS = {
    "nothing": "",
    "two lines": "origin\n1\n",
    "no end": f"origin\n1\n{ROOT}",
    "an empty origin": f"\n1\n{ROOT}\n",
    "an empty size": f"origin\n\n{ROOT}\n",
    "an empty root": "origin\n1\n\n",
    "a zero before the size": f"origin\n01\n{ROOT}\n",
    "two zeros": f"origin\n00\n{ROOT}\n",
    "a sign": f"origin\n+1\n{ROOT}\n",
    "less than nothing": f"origin\n-1\n{ROOT}\n",
    "a space": f"origin\n 1\n{ROOT}\n",
    "hexadecimal": f"origin\n0x1\n{ROOT}\n",
    "Arabic digits": f"origin\n١\n{ROOT}\n",
    "a digit group": f"origin\n1_0\n{ROOT}\n",
    "too many leaves": f"origin\n{2**63}\n{ROOT}\n",
    "a root of 31 bytes": f"origin\n1\n{b64encode(bytes(31)).decode()}\n",
    "a root of 33 bytes": f"origin\n1\n{b64encode(bytes(33)).decode()}\n",
    "a root with bits to spare": f"origin\n1\n{ROOT[:-2]}J=\n",
    "a root in hexadecimal": f"origin\n1\n{'00' * 32}\n",
    "an empty extension line": f"origin\n1\n{ROOT}\n\n",
    "an empty line before the extension": f"origin\n1\n{ROOT}\n\nmore\n",
}


@pytest.mark.parametrize("text", NOT_CHECKPOINTS.values(), ids=NOT_CHECKPOINTS.keys())
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


@pytest.mark.parametrize("size", [0, 1, 2**63 - 1])
def test_every_size_up_to_the_largest_is_a_checkpoints(size: int) -> None:
    head = Checkpoint("log.example/a", size, bytes(range(32)))
    assert Checkpoint.parse(str(head)) == head
