"""
Where the subjects' keys lie, and what wraps them: two ports, each with a file-based adapter.

A subject's key lies outside the database. So no dump of the database holds it, and destroying it makes the content
unreadable in every backup of the database that was ever made. The key-encryption key that wraps it may be a file or a
key-management service of the same shape. Nothing here seals content; `vault` does.
"""

import fcntl
import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BITS = 256
KEK_FILE = re.compile(r"^vault-kek-(\d{1,6})$")


class KeyGone(Exception):  # noqa: N818 - names what happened to it
    """There is no such key, or what wraps it does not open it: it was destroyed, or belongs elsewhere."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key as it is stored: the id of the key-encryption key, and the wrapped bytes."""

    kek: str
    key: bytes


class KeyEncryption(Protocol):
    """What wraps keys, shaped as key-management services are: it names its newest key and never hands one out."""

    def newest(self) -> str:
        """Return the id of the key-encryption key that wraps from now on."""
        ...

    def all(self) -> list[str]:
        """Return the ids of the key-encryption keys there are."""
        ...

    def wrap(self, key: bytes, *, bound: bytes) -> Wrapped:
        """Return the key wrapped under the newest key-encryption key, bound to what it is for."""
        ...

    def unwrap(self, wrapped: Wrapped, *, bound: bytes) -> bytes:
        """Return the key. Raises `KeyGone` where the key-encryption key is gone or the key is for something else."""
        ...

    def renew(self) -> str:
        """Make a new key-encryption key the newest, and return its id."""
        ...

    def retire(self, kek: str) -> None:
        """Destroy a key-encryption key that is not the newest."""
        ...


class KeyStore(Protocol):
    """Where wrapped keys lie, by subject."""

    def put(self, subject: UUID, wrapped: Wrapped) -> None:
        """Store a new subject's key, durably."""
        ...

    def get(self, subject: UUID) -> Wrapped:
        """Return a subject's key. Raises `KeyGone` where there is none."""
        ...

    def replace(self, subject: UUID, old: Wrapped, new: Wrapped) -> bool:
        """Store a subject's key instead of exactly this one, or say no: it was destroyed or replaced meanwhile."""
        ...

    def destroy(self, subject: UUID) -> None:
        """Remove a subject's key, durably. One that is not there is as good as removed."""
        ...

    def subjects(self) -> Iterator[UUID]:
        """Return whose keys there are."""
        ...


@dataclass(frozen=True, slots=True)
class FileKeyEncryption:
    """Key-encryption keys as files of one folder, numbered: 32 bytes in hexadecimal each (AES-256-GCM)."""

    folder: Path

    def newest(self) -> str:
        """Return the highest number. Raises FileNotFoundError where the folder holds none."""
        if not (numbers := self.all()):
            raise FileNotFoundError(self.folder / "vault-kek-1")
        return max(numbers, key=int)

    def all(self) -> list[str]:
        return [match[1] for file in self.folder.iterdir() if (match := KEK_FILE.match(file.name))]

    def wrap(self, key: bytes, *, bound: bytes) -> Wrapped:
        kek, nonce = self.newest(), os.urandom(NONCE_BYTES)
        return Wrapped(kek, nonce + AESGCM(self._key(kek)).encrypt(nonce, key, bound))

    def unwrap(self, wrapped: Wrapped, *, bound: bytes) -> bytes:
        nonce, sealed = wrapped.key[:NONCE_BYTES], wrapped.key[NONCE_BYTES:]
        try:
            return AESGCM(self._key(wrapped.kek)).decrypt(nonce, sealed, bound)
        except (FileNotFoundError, InvalidTag, ValueError) as error:
            raise KeyGone from error

    def renew(self) -> str:
        kek = str(int(self.newest()) + 1)
        _write(self._file(kek), AESGCM.generate_key(KEY_BITS).hex().encode())
        return kek

    def retire(self, kek: str) -> None:
        if kek == self.newest():
            raise ValueError("the newest key-encryption key is in use")
        self._file(kek).unlink(missing_ok=True)
        _settle(self.folder)

    def _file(self, kek: str) -> Path:
        return self.folder / f"vault-kek-{int(kek)}"

    def _key(self, kek: str) -> bytes:
        return bytes.fromhex(self._file(kek).read_text().strip())


@dataclass(frozen=True, slots=True)
class FileKeyStore:
    """Subjects' keys as files below one folder, readable by their owner alone. Back it up apart from the database."""

    folder: Path

    def put(self, subject: UUID, wrapped: Wrapped) -> None:
        said = {"kek": wrapped.kek, "key": b64encode(wrapped.key).decode()}
        _write(self._file(subject), json.dumps(said).encode())

    def get(self, subject: UUID) -> Wrapped:
        try:
            said = json.loads(self._file(subject).read_text())
        except FileNotFoundError as error:
            raise KeyGone from error
        return Wrapped(said["kek"], b64decode(said["key"]))

    def replace(self, subject: UUID, old: Wrapped, new: Wrapped) -> bool:
        with self._alone(), suppress(KeyGone):
            if self.get(subject) == old:
                self.put(subject, new)
                return True
        return False

    def destroy(self, subject: UUID) -> None:
        file = self._file(subject)
        with self._alone():
            file.unlink(missing_ok=True)
            if file.parent.exists():
                _settle(file.parent)

    def subjects(self) -> Iterator[UUID]:
        for file in self.folder.glob("??/*"):
            if not file.name.startswith("."):
                yield UUID(file.name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody replace a key while another destroys it: a destroyed one must not come back."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _file(self, subject: UUID) -> Path:
        return self.folder / subject.hex[-2:] / str(subject)


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, and have it on the disk before returning."""
    for folder in (file.parent.parent, file.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    made = file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    made.replace(file)
    _settle(file.parent)


def _settle(folder: Path) -> None:
    """Have a folder's names on the disk: a file that was removed stays removed after a power failure."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
