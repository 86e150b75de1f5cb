"""
Which public keys a client may sign with: what a key must be, and which of a client's are good now.

Several of a client's keys can be good at once, so that a new one is in use before the old one is retired. Nothing here
reads an assertion; `client_assertions` does.
"""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from django.db.models import Q
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from agencies.credentials import ClientKey
from api_schema.words import Words

Key: TypeAlias = ECKey | OKPKey | RSAKey
ALGORITHMS = {"EC": ("ES256",), "OKP": ("EdDSA", "Ed25519"), "RSA": ("PS256", "RS256")}
"""The signatures that are taken, by the kind of key. No other is, whatever a header says (RFC 8725 section 3.1)."""

RSA_BITS = range(2048, 8193)
KEYS_MOST = 10
KID_MOST = 128
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
"""The members of a JWK that hold what only the client may know (RFC 7518 section 6)."""

PRIVATE_KEY = Words(
    "Det er en privat nøgle. Del den med ingen, heller ikke os: lav et nyt nøglepar, og send den offentlige del.",
    "This is a private key. Share it with nobody, us included: make a new pair, and send the public part.",
)
WRONG_KEY = Words(
    "En nøgle er en JWK: EC P-256, OKP Ed25519, eller RSA med 2048-8192 bit; til signatur (use: sig).",
    "A key is a JWK: EC P-256, OKP Ed25519, or RSA of 2048 to 8192 bits; for signatures (use: sig).",
)


class KeyRefused(ValueError):  # noqa: N818 - what happened to it
    """The key can't be registered; `words` say what would be right."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A key as it is registered: its name, the public members alone, and its thumbprint (RFC 7638)."""

    kid: str
    jwk: dict[str, Any]
    thumbprint: str


def checked(jwk: object) -> Registered:
    """
    Return what is registered of a JWK (RFC 7517): its public members, under its `kid` or else its thumbprint.

    Raises `KeyRefused` for a private key, for another kind or size of key, and for one that is not for signatures.
    """
    if not isinstance(jwk, Mapping):
        raise KeyRefused(WRONG_KEY)
    if PRIVATE & set(jwk):
        raise KeyRefused(PRIVATE_KEY)
    key, allowed = imported(jwk), ALGORITHMS.get(str(jwk.get("kty")), ())
    kid = jwk.get("kid", "")
    if (
        key is None
        or not isinstance(kid, str)
        or len(kid) > KID_MOST
        or not (kid or "-").isprintable()
        or jwk.get("use", "sig") != "sig"
        or jwk.get("alg", allowed[0]) not in allowed
        or "verify" not in jwk.get("key_ops", ["verify"])
    ):
        raise KeyRefused(WRONG_KEY)
    kept = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e", "alg") if name in jwk}
    thumbprint = key.thumbprint()
    return Registered(kid=kid or thumbprint, jwk=kept, thumbprint=thumbprint)


def imported(jwk: Mapping[str, Any]) -> Key | None:
    """Return the key that a JWK spells, or None where it is none that is taken here."""
    members = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    key: Key | None = None
    try:
        match jwk.get("kty"), jwk.get("crv"):
            case "EC", "P-256":
                key = ECKey.import_key(members)
            case "OKP", "Ed25519":
                key = OKPKey.import_key(members)
            case "RSA", _:
                modulus, exponent = (_number(members[name]) for name in ("n", "e"))
                right = modulus.bit_length() in RSA_BITS and exponent > 2**16
                key = RSAKey.import_key(members) if right else None
    except (ValueError, TypeError, KeyError, JoseError):
        return None
    return key


def _number(member: str) -> int:
    return int.from_bytes(urlsafe_b64decode(member + "=="), "big")


def algorithms(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the signatures that are taken of a registered key: its own `alg` where it names one."""
    return (jwk["alg"],) if "alg" in jwk else ALGORITHMS[jwk["kty"]]


def good_keys(client_id: str, *, kid: str | None, at: datetime) -> list[ClientKey]:
    """Return the keys a client may sign with at an instant, of this name where one is given; each with its client."""
    found = ClientKey.objects.select_related("client__agency").filter(
        Q(retired_at__isnull=True) | Q(retired_at__gt=at),
        client__client_id=client_id,
        client__active=True,
        client__agency__active=True,
        valid_from__lte=at,
    )
    return list((found if kid is None else found.filter(kid=kid)).order_by("-valid_from", "-id")[:KEYS_MOST])
