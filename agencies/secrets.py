"""
Client secrets: 256 random bits, hashed fast; two of a client's are valid while one follows the other.

A slow hash protects guessable passwords. A random secret can't be guessed, and hashing it slowly would only let
anyone exhaust the server by asking for tokens (docs/decisions/0006).
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare

SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret: 32 random bytes, URL-safe base64."""
    return secrets.token_urlsafe(SECRET_BYTES)


class Holder(Protocol):
    """Whoever has secrets: a client."""

    client_secret: str
    previous_secret: str
    previous_secret_until: datetime | None


def matches(holder: Holder, offered: str, *, at: datetime) -> bool:
    """Say whether a secret is the holder's, at this instant: the present one, or the one before it until its end."""
    until = holder.previous_secret_until
    present, previous = _is(offered, holder.client_secret), _is(offered, holder.previous_secret)
    return present or (previous and until is not None and at < until)


def follow(holder: Holder, *, at: datetime, overlap: timedelta) -> str:
    """
    Give the holder a new secret, and return it; the one until now stays valid for the overlap, the one before ends.

    Changes the row in memory alone, so that what is saved and what the ledger records are one act.
    """
    secret = new_secret()
    holder.previous_secret = holder.client_secret if overlap else ""
    holder.previous_secret_until = at + overlap if overlap else None
    holder.client_secret = secret
    return secret


def end(holder: Holder) -> None:
    """Leave the holder with no secret that anybody knows."""
    holder.client_secret, holder.previous_secret, holder.previous_secret_until = new_secret(), "", None


def _is(offered: str, kept: str) -> bool:
    algorithm = f"{RandomSecretHasher.algorithm}$"
    return kept.startswith(algorithm) and RandomSecretHasher().verify(offered, kept)


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
