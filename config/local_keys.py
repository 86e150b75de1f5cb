"""
The exchange's keys as files in one folder, outside the database: read in production, made on first use locally.

This file holds no key and knows no algorithm beyond how a key file is made; the rooms that use a key say what for.
"""

import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RANDOM = ("django-secret", "keyed-hash")
FIRST_KEK = "vault-kek-1"
RECEIPTS = "receipts.pem"


@dataclass(frozen=True)
class Keys:
    """The key files of one folder; each is read when first asked for. Raises FileNotFoundError naming the file."""

    folder: Path

    def secret_key(self) -> str:
        """Return Django's signing secret: 64 hexadecimal characters."""
        return self._random("django-secret").hex()

    @cached_property
    def keyed_hash(self) -> bytes:
        """The 32-byte key of every keyed hash (HMAC-SHA-256): search criteria, request bodies, commitments."""
        return self._random("keyed-hash")

    @cached_property
    def receipts(self) -> bytes:
        """The Ed25519 private key that signs receipts: PEM, PKCS 8."""
        return (self.folder / RECEIPTS).read_bytes()

    def _random(self, name: str) -> bytes:
        return bytes.fromhex((self.folder / name).read_text().strip())


def ensure(folder: Path) -> None:
    """Make the keys that the folder lacks, readable by their owner alone; keep those that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in RANDOM:
        _write_once(folder / name, secrets.token_hex(32).encode())
    if not any(folder.glob("vault-kek-*")):  # what wraps the subjects' keys; rotated by `manage.py rotate_keys`
        _write_once(folder / FIRST_KEK, secrets.token_hex(32).encode())
    if not (folder / RECEIPTS).exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write_once(folder / RECEIPTS, pem)


def _write_once(path: Path, content: bytes) -> None:
    if path.exists():
        return
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.touch(mode=0o600)
    made.write_bytes(content)
    try:
        os.link(made, path)  # the first of two starts at the same moment wins, and both read the same key
    except FileExistsError:
        pass
    finally:
        made.unlink()
