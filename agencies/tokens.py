"""
What django-oauth-toolkit asks us when it issues a token (RFC 6749 section 4.4): to whom, which scopes, which audience.

Only client credentials are served. A token lives ten minutes, is stored as a hash, and is issued for this API.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from oauth2_provider.models import AbstractAccessToken
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.views import TokenView
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error

from agencies.client_assertions import token_endpoint
from agencies.client_authentication import authenticate, secrets_are_taken
from agencies.client_keys import ALGORITHMS
from agencies.counting import tokens_of
from agencies.credentials import TokenBinding
from agencies.throttling import counted, failures
from api_schema.headers import RateLimit
from api_schema.scopes import SCOPES, grantable

FORM_BYTES_MAX = 32 * 1024
FORM = "application/x-www-form-urlencoded"
SLOW_DOWN = 429
ASKING = "udvej.asking"
NO_STORE = {"Cache-Control": "no-store"}


class TokenEndpoint(TokenView):
    """`POST /oauth/token`: client credentials, and no other grant (RFC 6749 section 5.2)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > FORM_BYTES_MAX or request.content_type != FORM:
            return _refused("invalid_request", f"Send a form of at most {FORM_BYTES_MAX} bytes as {FORM}.")
        if request.POST.get("grant_type", "client_credentials") != "client_credentials":
            return _refused("unsupported_grant_type", "The grant is client_credentials (RFC 6749 section 4.4).")
        if any(len(values) > 1 for name, values in request.POST.lists() if name != "resource"):
            return _refused("invalid_request", "Send each parameter once (RFC 6749 section 3.2).")
        if set(request.POST.getlist("resource")) - {settings.API_AUDIENCE}:
            return _refused("invalid_target", "This server issues tokens for its own API.")
        asking = request.META[ASKING] = Asking()
        response: HttpResponse = super().post(request, *args, **kwargs)
        if asking.counted is not None:
            request.rate_limit = asking.counted  # type: ignore[attr-defined]
            if response.status_code == SLOW_DOWN:
                response["Retry-After"] = str(asking.counted.resets_in)
        elif response.status_code == 401:  # noqa: PLR2004
            used, wait = failures(request.META)
            if used > settings.FAILURES_PER_MINUTE:
                response = _refused("slow_down", "Too many failures from this address. The right credential works.")
                response.status_code, response["Retry-After"] = SLOW_DOWN, str(wait)
        return response


@dataclass(slots=True)
class Asking:
    """What becomes known of a token request on its way through the libraries: how often its client has asked."""

    counted: RateLimit | None = None


def _refused(error: str, description: str) -> JsonResponse:
    return JsonResponse({"error": error, "error_description": description}, status=400, headers=NO_STORE)


def server_metadata(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's view
    """`GET /.well-known/oauth-authorization-server`: what a client library has to know (RFC 8414)."""
    signing = sorted({algorithm for kind in ALGORITHMS.values() for algorithm in kind})
    methods = ["private_key_jwt", *(["client_secret_basic", "client_secret_post"] if secrets_are_taken() else [])]
    return JsonResponse(
        {
            "issuer": settings.OAUTH_ISSUER,
            "token_endpoint": token_endpoint(),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": list(SCOPES),
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": signing,
            "tls_client_certificate_bound_access_tokens": bool(settings.CLIENT_CERTIFICATE_HEADER),
        }
    )


class ClientScopes(BaseScopes):
    """A client has the scopes it was registered with. It may ask for fewer, and for one verb of a resource."""

    def get_all_scopes(self) -> dict[str, str]:
        return SCOPES

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return grantable(application.scopes) if application is not None else []

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        return list(application.scopes) if application is not None else []


class Validator(OAuth2Validator):
    """Issues tokens for this API alone (RFC 8707): another audience is answered `invalid_target`."""

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        return True

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Find out who asks; `client_authentication.authenticate` raises where nothing is proven."""
        proven = authenticate(request)
        request.client, request.certificate = proven.client, proven.certificate
        used, limit = counted(tokens_of(proven.client.client_id), most=settings.TOKENS_PER_MINUTE)
        request.headers[ASKING].counted = limit
        if used > limit.limit:
            description = "Use a token for as long as it lives, then ask for another."
            raise CustomOAuth2Error(error="slow_down", description=description, status_code=SLOW_DOWN)
        return True

    def _create_access_token(
        self, expires: Any, request: Any, token: Any, source_refresh_token: Any = None
    ) -> AbstractAccessToken:
        """Store the token and, in the same transaction, the certificate that it is bound to (RFC 8705 section 3)."""
        made: AbstractAccessToken = super()._create_access_token(expires, request, token, source_refresh_token)
        if request.certificate is not None:
            TokenBinding.objects.create(token=made, thumbprint=request.certificate)
        return made

    def authenticate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Nobody is a client by its name alone."""
        return False

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        asked = getattr(request, "resource", None) or settings.API_AUDIENCE
        if asked not in (settings.API_AUDIENCE, [settings.API_AUDIENCE]):
            raise CustomOAuth2Error(error="invalid_target", description="This server issues tokens for its own API.")
        request.resource = [settings.API_AUDIENCE]
        allowed: bool = grant_type == "client_credentials" and super().validate_grant_type(
            client_id, grant_type, client, request, *args, **kwargs
        )
        return allowed
