"""A log for a test: leaves, a key, and the checkpoints and proofs that an honest one, or a lying one, hands out."""

from hashlib import sha256

from audit.merkle import complete_root, consistency_path, range_root
from audit.notes import Checkpoint, Note, signed
from audit.submission import Submission
from tests.audit.signers import LOG, Held

LEAVES = 64


class Tree:
    """A tree of 64 leaves; from the leaf `fork` on they differ from everybody else's."""

    def __init__(self, *, fork: int = LEAVES, by: Held = LOG) -> None:
        self.leaves = [sha256(b"\0" + bytes([number, number >= fork])).digest() for number in range(LEAVES)]
        self.by = by

    def checkpoint(self, size: int, *, extension: tuple[str, ...] = ()) -> Note:
        """Return the signed head of the first `size` leaves."""
        head = Checkpoint(self.by.name, size, range_root(0, size, self._subtree), extension)
        return signed(str(head), by=[self.by])

    def path(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the head of `new` leaves extends that of `old`."""
        return consistency_path(old, new, self._subtree)

    def submission(self, old: int, new: int) -> bytes:
        """Return the body of add-checkpoint."""
        note = self.checkpoint(new)
        return str(Submission(old, tuple(self.path(old, new)), note, Checkpoint.parse(note.text))).encode()

    @property
    def hash(self) -> str:
        """The origin's SHA-256."""
        return sha256(self.by.name.encode()).hexdigest()

    def _subtree(self, height: int, position: int) -> bytes:
        return complete_root(self.leaves[position << height : position + 1 << height])
