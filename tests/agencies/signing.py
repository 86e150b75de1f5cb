"""A client's keys, and assertions of every kind: right ones, and what an attacker would make. Written out by hand."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone
from rest_framework.test import APIClient

from agencies import client_keys
from agencies.credentials import ClientKey
from agencies.models import Client
from tests.exchange import Answer, Party

ISSUER = "https://api.udvej.example"
ENDPOINT = f"{ISSUER}/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, size: int = 0) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def make_key(algorithm: str, bits: int = 2048) -> Private:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm in ("PS256", "RS256"):
        return rsa.generate_private_key(65537, bits)
    return Ed25519PrivateKey.generate()


def public_jwk(key: Private, **members: Any) -> dict[str, Any]:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        at = key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": number(at.x, 32), "y": number(at.y, 32), **members}
    if isinstance(key, rsa.RSAPrivateKey):
        of = key.public_key().public_numbers()
        return {"kty": "RSA", "n": number(of.n), "e": number(of.e), **members}
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().public_bytes_raw()), **members}


def sign(key: Private | bytes | None, algorithm: str, said: bytes) -> bytes:
    """Sign as the algorithm says; bytes are an HMAC's secret, and nothing is an empty signature."""
    if key is None:
        return b""
    if isinstance(key, bytes):
        return hmac.new(key, said, hashlib.sha256).digest()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(key.sign(said, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return key.sign(said, pss if algorithm == "PS256" else padding.PKCS1v15(), hashes.SHA256())
    return key.sign(said)


def register(party: Party, jwk: dict[str, Any], *, valid_from: datetime | None = None) -> None:
    """Register a party's public key, good from now on unless another instant is given."""
    client, key = Client.objects.get(client_id=party.client_id), client_keys.checked(jwk)
    begins = valid_from or timezone.now()
    ClientKey.objects.create(client=client, kid=key.kid, jwk=key.jwk, thumbprint=key.thumbprint, valid_from=begins)


@dataclass(frozen=True)
class Ahead:
    """An instant so many seconds ahead of when the assertion is made."""

    seconds: int


@dataclass
class Signer:
    """A client with a key pair, registered unless `registered` is false."""

    party: Party
    algorithm: str = "ES256"
    kid: str = field(default_factory=lambda: f"key-{uuid4().hex[:8]}")
    registered: bool = True
    key: Private = field(init=False)

    def __post_init__(self) -> None:
        self.key = make_key(self.algorithm)
        if self.registered:
            register(self.party, self.jwk)

    @property
    def jwk(self) -> dict[str, Any]:
        return public_jwk(self.key, kid=self.kid)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims that are right, with these changed; one that is changed to None is left out."""
        now = int(time.time())
        said = {
            "iss": self.party.client_id,
            "sub": self.party.client_id,
            "aud": ENDPOINT,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid4()),
            **changed,
        }
        instants = {name: now + value.seconds for name, value in said.items() if isinstance(value, Ahead)}
        return {name: value for name, value in (said | instants).items() if value is not None}

    def assertion(self, *, header: dict[str, Any] | None = None, key: Any = "own", **changed: Any) -> str:
        """An assertion that is right but for what is changed in its claims, its header, or the key that signs."""
        first = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **(header or {})}
        head = {name: value for name, value in first.items() if value is not None}
        said = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(self.claims(**changed)).encode())}"
        return f"{said}.{b64(sign(self.key if key == 'own' else key, str(head.get('alg')), said.encode()))}"

    def ask(self, assertion: str = "", *, authorization: str = "", **form: str) -> Answer:
        """Ask for a token, with a right assertion unless another is given."""
        sent = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            **form,
        }
        return post_form(sent, authorization=authorization)


def post_form(form: dict[str, str], *, authorization: str = "", **headers: str) -> Answer:
    client = APIClient(headers={**({"Authorization": authorization} if authorization else {}), **headers})
    response = client.post(
        "/oauth/token",
        urlencode({name: value for name, value in form.items() if value}),
        content_type="application/x-www-form-urlencoded",
    )
    return Answer(response.status_code, dict(response.headers), json.loads(response.content))
