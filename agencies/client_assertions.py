"""
Client authentication by a signed assertion (`private_key_jwt`, RFC 7523 section 2.2): whose it is, or nobody's.

An assertion is good once. Its `jti` is taken by inserting a row that is there once, so that of two workers that are
handed the same assertion at the same time, one takes it. Which part was wrong is said to the log and not to the asker.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from joserfc import jws
from joserfc.errors import JoseError

from agencies import client_keys
from agencies.models import Client

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION = re.compile(r"[A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]{1,4096}\.[A-Za-z0-9_-]{1,1400}", re.ASCII)
CLIENT_ID = re.compile(r"^[\x21-\x7e]{1,255}$")
SPELLED = {"EdDSA": "Ed25519"}
"""The older name of the same signature, for the one curve that is taken (RFC 9864)."""
TYPES = ("JWT", "client-authentication+jwt")
LIFETIME = 5 * 60
SKEW = 30
"""Seconds that a client's clock may be ahead of ours."""

LATEST = 2**40
JTI_MOST = 255
TAKE = (
    "INSERT INTO agencies_usedassertion (client_id, jti_hash, expires_at) VALUES (%s, %s, %s) "
    "ON CONFLICT DO NOTHING RETURNING id"
)
FORGET = "DELETE FROM agencies_usedassertion WHERE expires_at < %s"
KEPT_LONGER = timedelta(minutes=5)
"""A used assertion is remembered past its end, so that no clock of ours that is behind takes it again."""

FORGET_EVERY = timedelta(minutes=1)
_forgot = {"at": datetime.min.replace(tzinfo=UTC)}


class NotProven(Exception):  # noqa: N818 - what is so, not what went wrong
    """The assertion proves nothing. `reason` and `client` are for the log alone; the client only where it is known."""

    def __init__(self, reason: str, *, client: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.client = client


def token_endpoint() -> str:
    """Return the address that clients get their tokens at."""
    return f"{settings.OAUTH_ISSUER}/oauth/token"


def client_of(assertion: str, *, client_id: str) -> Client:
    """
    Return the client that an assertion proves, and use the assertion up.

    `client_id` is what the request itself says, or empty. Raises `NotProven`.
    """
    now = timezone.now()
    header, claims = unverified(assertion)
    name = claims.get("iss")
    if not isinstance(name, str) or not CLIENT_ID.match(name) or claims.get("sub") != name:
        raise NotProven("iss_sub")
    if client_id and client_id != name:
        raise NotProven("client_id")
    kid = header.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > client_keys.KID_MOST or not kid.isprintable()):
        raise NotProven("kid")
    keys = client_keys.good_keys(name, kid=kid, at=now)
    if not keys:
        raise NotProven("no_key")
    proving = next((key for key in keys if signed(assertion, key.jwk, header)), None)
    if proving is None:
        raise NotProven("signature", client=name)
    try:
        expires_at, jti = _held(claims, now=now)
    except NotProven as error:
        raise NotProven(error.reason, client=name) from None
    client = proving.client
    if not _taken(client, jti, expires_at):
        raise NotProven("replayed", client=name)
    if now - _forgot["at"] > FORGET_EVERY:
        _forgot["at"] = now
        forget_used(at=now)
    return client


def forget_used(*, at: datetime) -> int:
    """Forget the assertions that could not be used any more anyway; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [at - KEPT_LONGER])
        return int(cursor.rowcount)


def unverified(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims as they are said, to find the key by; not believed yet. Raises `NotProven`."""
    if not ASSERTION.fullmatch(assertion):
        raise NotProven("form")
    try:
        header, claims = (json.loads(urlsafe_b64decode(part + "==")) for part in assertion.split(".")[:2])
    except (ValueError, RecursionError):
        raise NotProven("form") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise NotProven("form")
    if "crit" in header or "b64" in header or header.get("typ", "JWT") not in TYPES:
        raise NotProven("header")  # we understand no extension, so we may not take one (RFC 7515 section 4.1.11)
    return header, claims


def signed(assertion: str, jwk: dict[str, Any], header: dict[str, Any]) -> bool:
    """Say whether this key signed it, by an algorithm that is taken of this key. The header brings no key along."""
    key = client_keys.imported(jwk)
    if key is None or header.get("alg") not in client_keys.algorithms(jwk):
        return False
    said, _, signature = assertion.rpartition(".")
    algorithm = jws.JWSRegistry.algorithms[SPELLED.get(header["alg"], header["alg"])]
    try:
        return bool(algorithm.verify(said.encode(), urlsafe_b64decode(signature + "=="), key))
    except (JoseError, ValueError):
        return False


def _held(claims: dict[str, Any], *, now: datetime) -> tuple[datetime, str]:
    """Return when the assertion ends, and its `jti`. Raises `NotProven` where it is not for us, or not for now."""
    named = claims.get("aud")
    sole = named[0] if isinstance(named, list) and len(named) == 1 else named
    if not isinstance(sole, str) or sole not in (settings.OAUTH_ISSUER, token_endpoint()):  # section 3, 3
        raise NotProven("aud")
    at = now.timestamp()
    expires, issued, begins = (_instant(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None or not at < expires <= at + LIFETIME + SKEW:
        raise NotProven("exp")
    if "iat" in claims and (issued is None or not expires - LIFETIME - SKEW <= issued <= at + SKEW):
        raise NotProven("iat")
    if "nbf" in claims and (begins is None or begins > at + SKEW):
        raise NotProven("nbf")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= JTI_MOST:
        raise NotProven("jti")
    return datetime.fromtimestamp(expires, UTC), jti


def _instant(value: object) -> float | None:
    """Return a NumericDate (RFC 7519 section 2), or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= LATEST else None  # neither NaN nor infinity is in between


def _taken(client: Client, jti: str, expires_at: datetime) -> bool:
    """Say whether we are the first to use this assertion; from now on nobody else is."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [client.pk, hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest(), expires_at])
        return cursor.fetchone() is not None
