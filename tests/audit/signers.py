"""Keys made for a test: a log's, and a witness's."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.notes import COSIGNATURE, ED25519, VerifierKey


@dataclass
class Held:
    """A key held here, of a log or of a witness."""

    name: str
    kind: int = ED25519
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.name, self.kind, self.private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


LOG, WITNESS = Held("log.example/a"), Held("witness.example/w", COSIGNATURE)
