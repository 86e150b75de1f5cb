"""
Who asks for a token: a client that signs (RFC 7523), or one that knows its secret where secrets are taken.

One method a request (RFC 6749 section 2.3). A refusal says what would be right and not what was wrong; the log says
that, for a client that is known. Nobody is locked out by somebody else's failures: the right credential always works.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import structlog
from django.conf import settings
from django.utils import timezone
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError

from agencies import secrets
from agencies.certificates import CertificateRefused, presented
from agencies.client_assertions import ASSERTION_TYPE, CLIENT_ID, NotProven, client_of
from agencies.models import Client

log = structlog.get_logger("udvej.clients")
SIGN = (
    "Authenticate with private_key_jwt (RFC 7523): a JWT signed with a registered key by ES256, EdDSA, PS256 or RS256; "
    "iss and sub the client id, aud the issuer or the token endpoint, exp at most 5 minutes ahead, and a new jti."
)
SIGN_OR_KNOW = f"{SIGN} Or with client_secret_basic (RFC 6749 section 2.3.1)."
BOUND = "This client's tokens are bound to its certificate (RFC 8705 section 3): ask over mutual TLS."
ONE_METHOD = "Use one client authentication method in a request (RFC 6749 section 2.3)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Who asks for a token, and the thumbprint of the certificate that the token will be bound to, if to any."""

    client: Client
    certificate: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What a token request offers as proof. Of `assertion` and `secret`, at most one is not None."""

    client_id: str
    assertion: str | None = None
    secret: str | None = None


def authenticate(request: Any) -> Proven:
    """
    Return the client that an oauthlib request proves, and the certificate that it came with.

    Raises `InvalidRequestError` for more than one method, and `InvalidClientError` for whatever proves nothing, and
    for a client without the certificate that its tokens have to be bound to.
    """
    client = _client(request)
    try:
        certificate = presented(request.headers)
    except CertificateRefused as unbelieved:
        log.warning("certificate_refused", client=client.client_id, reason=unbelieved.reason)
        raise refused(request) from None
    if client.certificate_bound and certificate is None:
        raise InvalidClientError(description=BOUND, request=request)
    return Proven(client=client, certificate=certificate)


def _client(request: Any) -> Client:
    offered = _offered(request)
    if offered.assertion is not None:
        try:
            return client_of(offered.assertion, client_id=offered.client_id)
        except NotProven as unproven:
            if unproven.client:
                log.warning("client_not_proven", client=unproven.client, reason=unproven.reason)
            raise refused(request) from None
    if offered.secret is not None and secrets_are_taken() and CLIENT_ID.match(offered.client_id):
        found = Client.objects.select_related("agency").filter(client_id=offered.client_id)
        client: Client | None = found.first()
        if client is not None and client.is_usable(request):
            if secrets.matches(client, offered.secret, at=timezone.now()):
                return client
            log.warning("client_not_proven", client=client.client_id, reason="secret")
    raise refused(request)


def secrets_are_taken() -> bool:
    """Say whether a client may prove itself by a secret here; in production it may not, unless a setting says so."""
    return bool(settings.CLIENT_SECRETS == "accept")


def refused(request: Any) -> InvalidClientError:
    """Return the one refusal there is (RFC 6749 section 5.2), whatever was wrong."""
    return InvalidClientError(description=SIGN_OR_KNOW if secrets_are_taken() else SIGN, request=request)


def _offered(request: Any) -> Offered:
    header = request.headers.get("HTTP_AUTHORIZATION") or ""
    client_id = getattr(request, "client_id", None) or ""
    secret, assertion = getattr(request, "client_secret", None), getattr(request, "client_assertion", None)
    kind = getattr(request, "client_assertion_type", None)
    if sum((bool(header), secret is not None, assertion is not None or kind is not None)) > 1:
        raise InvalidRequestError(description=ONE_METHOD, request=request)
    if header:
        return _basic(header, client_id)
    if assertion is not None and kind == ASSERTION_TYPE:
        return Offered(client_id=client_id, assertion=assertion)
    return Offered(client_id=client_id, secret=secret)


def _basic(header: str, client_id: str) -> Offered:
    """Return what HTTP Basic carries: id and secret, each form-encoded (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    nothing = Offered(client_id="")
    if scheme.lower() != "basic":
        return nothing
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return nothing
    name, colon, secret = pair.partition(":")
    name, secret = unquote_plus(name), unquote_plus(secret)
    if not colon or (client_id and client_id != name):
        return nothing
    return Offered(client_id=name, secret=secret)
