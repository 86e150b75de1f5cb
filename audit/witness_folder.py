"""
What a witness remembers, in a folder of its own: its key, the newest checkpoint of each log, and what it refused.

One process at a time. It writes so that a crash at any point leaves the old state or the new one, and returns only when
the disk has it. It judges nothing.

    lock                                held by the process that uses the folder
    key.pem, vkey                       the private key; the public one with the witness's name
    <origin hash>/checkpoint            the newest cosigned checkpoint, as monitors are given it
    refused/<origin hash>/<why>-<hash>/ a signed checkpoint that was refused: submitted, and held at that time
"""

import fcntl
import os
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit.notes import COSIGNATURE, VerifierKey

REFUSED_MAX = 100
"""Of each log and reason, as many are kept: some can be sent in by anybody, and a disk is finite."""


class FolderError(Exception):
    """The folder can't be used; the sentence says why, and what to do."""


@dataclass(frozen=True, slots=True)
class FileSigner:
    """A witness's key, read from its file."""

    key: VerifierKey
    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature over a message."""
        return self.private.sign(message)


class Folder:
    """A witness's folder. Made, readable by its owner alone, where there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: int | None = None

    def take(self) -> None:
        """Take the folder for this process, until it ends or `leave`. Raises `FolderError` where another has it."""
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise FolderError("another process uses this folder: one witness, one process") from error
        self._lock = lock

    def leave(self) -> None:
        """Let another process take the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def signer(self, name: str) -> FileSigner:
        """Return the witness's key, made on first use. Raises `FolderError` where it is another witness's, or lost."""
        file = self.path / "key.pem"
        if not file.exists():
            if any(self.path.glob("*/checkpoint")):
                raise FolderError("the folder has checkpoints but no key.pem: put the key back, or use a new folder")
            made = Ed25519PrivateKey.generate()
            _make_once(file, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        try:
            private = load_pem_private_key(file.read_bytes(), None)
        except ValueError as error:
            raise FolderError("key.pem is damaged: put the key back, or use a new folder") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise FolderError("key.pem holds another kind of key than Ed25519")
        key = VerifierKey(name, COSIGNATURE, private.public_key().public_bytes_raw())
        _make_once(self.path / "vkey", f"{key}\n".encode())
        if (self.path / "vkey").read_text() != f"{key}\n":
            raise FolderError("the folder belongs to a witness of another name or key: see its file vkey")
        return FileSigner(key, private)

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """Return the newest cosigned checkpoint of a log, or None where there has never been one."""
        try:
            return (self.path / origin_hash / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    def remember(self, origin_hash: str, note: bytes) -> None:
        """Put a checkpoint in the place of the one before."""
        if self._lock is None:
            raise FolderError("the folder is not taken")
        place = self.path / origin_hash
        if not place.exists():
            place.mkdir(mode=0o700)
            _sync(self.path)
        made = place / ".checkpoint.new"
        _write(made, note)
        made.replace(place / "checkpoint")
        _sync(place)

    def keep_refused(
        self, origin_hash: str, *, why: str, text: str, submitted: bytes, held: bytes | None
    ) -> str | None:
        """Keep what was refused, once for each checkpoint's text. Return where, or None where enough are kept."""
        above = self.path / "refused" / origin_hash
        place = above / f"{why}-{sha256(text.encode()).hexdigest()[:16]}"
        if not place.exists():
            if len(list(above.glob(f"{why}-*"))) >= REFUSED_MAX:
                return None
            made = above / ".new"
            shutil.rmtree(made, ignore_errors=True)  # a crash may have left it
            made.mkdir(mode=0o700, parents=True)
            _write(made / "submitted", submitted)
            if held is not None:
                _write(made / "held", held)
            _sync(made)
            made.rename(place)
            for each in (above, above.parent, self.path):
                _sync(each)
        return str(place.relative_to(self.path))


def _write(file: Path, content: bytes) -> None:
    """Write a file readable by its owner alone, and wait until the disk has it."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:  # noqa: PTH123
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _make_once(file: Path, content: bytes) -> None:
    """Write a file unless it is there: of two at the same moment the first wins."""
    if file.exists():
        return
    made = file.with_name(f".{file.name}.{os.getpid()}")
    _write(made, content)
    try:
        os.link(made, file)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    _sync(file.parent)


def _sync(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
