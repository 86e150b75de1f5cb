"""
Client secrets: 256 random bits, hashed fast.

A slow hash protects guessable passwords. A random secret can't be guessed, and hashing it slowly would only let
anyone exhaust the server by asking for tokens (docs/decisions/0006).
"""

import hashlib
import secrets
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare

SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret: 32 random bytes, URL-safe base64."""
    return secrets.token_urlsafe(SECRET_BYTES)


class SecretGenerator:
    """django-oauth-toolkit's hook for making a client secret."""

    def hash(self) -> str:
        return new_secret()


class RandomSecretHasher(BasePasswordHasher):
    """Salted SHA-256, for random 256-bit secrets only; never for a password that a person chose."""

    algorithm = "udvej_random_secret"

    def encode(self, password: str, salt: str) -> str:
        digest = hashlib.sha256(f"{salt}${password}".encode()).hexdigest()
        return f"{self.algorithm}${salt}${digest}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, salt, digest = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        return constant_time_compare(encoded, self.encode(password, self.decode(encoded)["salt"]))

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        return {"algorithm": self.decode(encoded)["algorithm"]}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to harden: the work does not depend on how guessable the secret is."""
