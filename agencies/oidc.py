"""
Who signs in at an OpenID provider (OpenID Connect Core 1.0, code flow): an account that is here already, or nobody.

The provider is found by its discovery document. Of what it says, issuer and subject are looked at, and nothing is kept:
no token, no name, no address. Signing in makes no account and gives no role (docs/decisions/0038).
"""

import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.utils import import_from_settings

from agencies.client_assertions import NotProven, signed, unverified
from agencies.credentials import PersonLogin
from agencies.models import User
from audit import log
from audit.facts import Actor, Subject

told = structlog.get_logger("udvej.people")
BACKEND = "agencies.oidc.Provider"
TIMEOUT = 5
DISCOVERED_SECONDS = 3600
ISSUED_MOST_AGO = 600
SKEW = 30
ENDPOINTS = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}
CHOSEN = {
    "OIDC_RP_SCOPES": "openid",
    "OIDC_USE_NONCE": True,
    "OIDC_USE_PKCE": True,
    "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
    "OIDC_TIMEOUT": TIMEOUT,
    "OIDC_CREATE_USER": False,
    "OIDC_STORE_ACCESS_TOKEN": False,
    "OIDC_STORE_ID_TOKEN": False,
    "LOGIN_REDIRECT_URL": "/admin/",
}
_found: dict[str, tuple[float, dict[str, Any]]] = {}


class ProviderUnusable(Exception):  # noqa: N818 - what it is
    """The provider can't be asked, or its discovery document is not its own. Says no more, so that no log does."""


def setting(name: str, *default: Any) -> Any:
    """Return what mozilla-django-oidc asks for: endpoints as discovered, and the choices above, not to be set."""
    if name in ENDPOINTS:
        return discovered().get(ENDPOINTS[name])
    if name == "OIDC_RP_CLIENT_ID":
        return settings.OIDC_CLIENT_ID
    if name == "OIDC_RP_CLIENT_SECRET":
        return Path(settings.OIDC_CLIENT_SECRET_FILE).read_text(encoding="utf-8").strip()
    return CHOSEN[name] if name in CHOSEN else import_from_settings(name, *default)


def discovered() -> dict[str, Any]:
    """Return the provider's discovery document (OpenID Connect Discovery section 4), kept for an hour, or raise."""
    issuer = settings.OIDC_ISSUER
    at, document = _found.get(issuer, (0.0, {}))
    if document and time.monotonic() - at < DISCOVERED_SECONDS:
        return document
    document = _fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    named = [document.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if document.get("issuer") != issuer or not all(isinstance(url, str) and _is_private(url) for url in named):
        raise ProviderUnusable
    _found[issuer] = time.monotonic(), document
    return document


def _fetched(url: str) -> dict[str, Any]:
    if not _is_private(url):
        raise ProviderUnusable
    try:
        answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
        found = answer.json() if answer.status_code == requests.codes.ok else None
    except (requests.RequestException, ValueError):
        raise ProviderUnusable from None
    if not isinstance(found, dict):
        raise ProviderUnusable
    return found


def _is_private(url: str) -> bool:
    """Say whether nobody on the way reads along: TLS, or this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost"))


class Provider(OIDCAuthenticationBackend):  # type: ignore[misc]
    """The authentication backend: code for ID token for an account that is here and active."""

    def __init__(self) -> None:
        """Ask nobody anything yet: Django makes one for each request with a session."""

    get_settings = staticmethod(setting)

    def authenticate(self, request: Any, **kwargs: Any) -> User | None:
        """Return whose code it is, or None. Raises `ProviderUnusable`, and SuspiciousOperation for a forged answer."""
        if request is None or not settings.OIDC_ISSUER or "code_verifier" not in kwargs:
            return None
        self.UserModel = User
        self.OIDC_RP_CLIENT_ID = setting("OIDC_RP_CLIENT_ID")
        self.OIDC_RP_CLIENT_SECRET = setting("OIDC_RP_CLIENT_SECRET")
        self.OIDC_OP_TOKEN_ENDPOINT = setting("OIDC_OP_TOKEN_ENDPOINT")
        found: User | None = super().authenticate(request, **kwargs)
        return found

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the provider's answer to the code. An error's words are not repeated: they may name the person."""
        try:
            answer = requests.post(self.OIDC_OP_TOKEN_ENDPOINT, data=payload, timeout=TIMEOUT, allow_redirects=False)
            token = answer.json() if answer.status_code == requests.codes.ok else {}
        except (requests.RequestException, ValueError):
            raise ProviderUnusable from None
        if not isinstance(token, dict) or not isinstance(token.get("id_token"), str):
            raise SuspiciousOperation("the provider gave no ID token for the code")
        return token

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """
        Return the claims of an ID token that this provider signed for us, now, for this very sign-in.

        Raises SuspiciousOperation otherwise (OpenID Connect Core section 3.1.3.7; the nonce is required).
        """
        try:
            header, claims = unverified(token)
        except NotProven:
            raise SuspiciousOperation("no ID token") from None
        keys = _fetched(discovered()["jwks_uri"]).get("keys", [])
        named = [key for key in keys if "kid" not in header or key.get("kid") == header["kid"]]
        if not any(key.get("use", "sig") == "sig" and signed(token, key, header) for key in named):
            raise SuspiciousOperation("the ID token is not the provider's")
        if not _is_for_us(claims, nonce=kwargs.get("nonce")):
            raise SuspiciousOperation("the ID token is not for this sign-in")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User | None:
        """Return the account of an issuer and subject, as a recorded act; None, recorded, where there is none."""
        logins = PersonLogin.objects.select_related("user").filter(
            issuer=payload["iss"], subject=payload["sub"], active=True, user__is_active=True
        )
        login = logins.first()
        if login is None:
            told.warning("sign_in_of_nobody")
            return None
        by = Actor(user=str(login.user_id))
        with log.act("person.sign_in", by=by, about=Subject("agencies.user", str(login.user_id))):
            return login.user

    def get_user(self, user_id: int) -> User | None:
        """Return the account of a session while it and a login of this provider's are active; asked each request."""
        logins = {"logins__issuer": settings.OIDC_ISSUER, "logins__active": True}
        return User.objects.filter(pk=user_id, is_active=True, **logins).first() if settings.OIDC_ISSUER else None

    def store_tokens(self, access_token: str, id_token: str) -> None:
        """Keep neither."""


def _is_for_us(claims: dict[str, Any], *, nonce: object) -> bool:
    client, now = settings.OIDC_CLIENT_ID, time.time()
    aud = claims.get("aud")
    audience = aud if isinstance(aud, list) else [aud]
    expires, issued, subject = claims.get("exp"), claims.get("iat"), claims.get("sub")
    return bool(
        claims.get("iss") == settings.OIDC_ISSUER
        and client in audience
        and claims.get("azp", client if len(audience) == 1 else None) == client
        and isinstance(expires, int)
        and now < expires
        and isinstance(issued, int)
        and now - ISSUED_MOST_AGO < issued < now + SKEW
        and isinstance(nonce, str)
        and nonce
        and secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode())
        and isinstance(subject, str)
        and 1 <= len(subject) <= 255  # noqa: PLR2004 - OpenID Connect Core section 2
    )
