"""A key service in the log key's place: it signs, and hands no key out."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.notes import ED25519, Signer, VerifierKey


class OneKey:
    """What the service does with one key."""

    def __init__(self, name: str) -> None:
        self._name, self._private = name, Ed25519PrivateKey.generate()
        self.signed: list[bytes] = []

    @property
    def key(self) -> VerifierKey:
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return VerifierKey(self._name, ED25519, public)

    def sign(self, message: bytes) -> bytes:
        self.signed.append(message)
        return self._private.sign(message)


class KeyService:
    """Its keys by log: a stand-in for a service that outlives the processes asking it."""

    keys: dict[str, OneKey] = {}

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name

    def newest(self) -> Signer:
        return self.keys.setdefault(self._name, OneKey(self._name))

    def make(self) -> Signer:
        raise AssertionError("this log has a key")
