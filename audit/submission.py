"""
What a log submits to a witness: C2SP tlog-witness's add-checkpoint body, written and read.

Specified by c2sp.org/tlog-witness. Pure: it sends nothing, and judges neither signature nor proof.
"""

from base64 import b64encode
from dataclasses import dataclass

from audit.merkle import HASH_BYTES
from audit.notes import DECIMAL, NOTE_BYTES_MAX, SIZE_MAX, Checkpoint, Note, NoteError, decoded

PATH_MAX = 63
"""As many hashes as a consistency proof can hold."""

SUBMISSION_BYTES_MAX = NOTE_BYTES_MAX + 4096
"""Room for the note, and for the old size and 63 hashes of 45 characters before it."""


class SubmissionError(ValueError):
    """A body is not what add-checkpoint takes; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint for a witness, with the proof that it extends the tree of size `old`."""

    old: int
    path: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    def __str__(self) -> str:
        """Return the body."""
        proof = "".join(f"{b64encode(each).decode()}\n" for each in self.path)
        return f"old {self.old}\n{proof}\n{self.note}"

    @classmethod
    def parse(cls, raw: bytes) -> "Submission":
        """Return what a body says, unchecked. Raises `SubmissionError`."""
        if len(raw) > SUBMISSION_BYTES_MAX:
            raise SubmissionError("the body is too large")
        head, blank, rest = raw.partition(b"\n\n")
        try:
            first, *proof = head.decode("ascii").split("\n")
            note = Note.parse(rest)
            checkpoint = Checkpoint.parse(note.text)
            path = tuple(decoded(line) for line in proof)
        except (UnicodeError, NoteError) as error:
            raise SubmissionError(f"the body can't be read: {error}") from error
        word, space, old = first.partition(" ")
        if not blank or word + space != "old " or not DECIMAL.fullmatch(old) or int(old) > SIZE_MAX:
            raise SubmissionError("the first line says the old size: old, a space, and a number")
        if len(path) > PATH_MAX or any(len(each) != HASH_BYTES for each in path):
            raise SubmissionError("a proof has at most 63 lines, each a hash of 32 bytes in base64")
        return cls(int(old), path, note, checkpoint)
