"""
The log's signing key: the port it is reached through, an adapter for files, and the hand-over from one key to the next.

The key never lies in the database, and no process but the sealer's needs it. A key service takes the file's place by
offering `Signer` (audit/notes.py) and being named in LEDGER_SIGNER.
"""

import os
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.notes import ED25519, Note, Signer, VerifierKey, signed

KEY_FILE = re.compile(r"^log-(\d{1,4})\.pem$")
HANDOVER = "udvej log key hand-over v1"


@dataclass(frozen=True, slots=True)
class FileSigner:
    """An Ed25519 key in a file of its owner's alone (PEM, PKCS 8), under the log's name."""

    name: str
    file: Path

    @property
    def key(self) -> VerifierKey:
        public = self._private().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return VerifierKey(self.name, ED25519, public)

    def sign(self, message: bytes) -> bytes:
        return self._private().sign(message)

    def _private(self) -> Ed25519PrivateKey:
        key = serialization.load_pem_private_key(self.file.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{self.file.name} holds no Ed25519 key")
        return key


@dataclass(frozen=True, slots=True)
class FileSigners:
    """The log's keys as numbered files of one folder; the highest signs."""

    name: str
    folder: Path

    def newest(self) -> Signer:
        """Return what signs now. Raises FileNotFoundError where the folder holds no key."""
        if not (numbers := self._numbers()):
            raise FileNotFoundError(self.folder / "log-1.pem")
        return FileSigner(self.name, self._file(max(numbers)))

    def named(self, vkey: str) -> Signer | None:
        """Return the key that has this public half, or None where the folder has it no more."""
        signers = (FileSigner(self.name, self._file(number)) for number in self._numbers())
        return next((signer for signer in signers if str(signer.key) == vkey), None)

    def make(self) -> Signer:
        """Make the next key, readable by its owner alone, and return it."""
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        file = self._file(max(self._numbers(), default=0) + 1)
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(pem)
            opened.flush()
            os.fsync(opened.fileno())
        return FileSigner(self.name, file)

    def destroy_older(self) -> int:
        """Destroy every key but the newest; return how many."""
        older = sorted(self._numbers())[:-1]
        for number in older:
            self._file(number).unlink()
        return len(older)

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return [int(match[1]) for file in self.folder.iterdir() if (match := KEY_FILE.match(file.name))]

    def _file(self, number: int) -> Path:
        return self.folder / f"log-{number}.pem"


def handed_over(old: Signer, new: Signer, *, origin: str, size: int, root: bytes, at: datetime) -> Note:
    """
    Return the note by which a log goes over from one key to the next: signed by both, at a size and root of the tree.

    docs/ledger.md describes its seven lines.
    """
    time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lines = (HANDOVER, origin, str(old.key), str(new.key), str(size), b64encode(root).decode(), time)
    return signed("".join(f"{line}\n" for line in lines), by=[old, new])
