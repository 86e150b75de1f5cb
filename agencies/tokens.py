"""
What django-oauth-toolkit asks us when it issues a token (RFC 6749 section 4.4): which scopes, for which audience.

Only client credentials are served. A token lives ten minutes, is stored as a hash, and is issued for this API.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.views import TokenView
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error

SCOPES = {
    "referrals": "Read and work on the referrals that the agency sends or receives",
    "consents": "Record and read consents",
    "audit": "Inspect the ledger (auditors)",
    "events": "Read the agency's events, which say nothing about a person",
    "notifications": "Register webhook endpoints, and read and replay their deliveries (administrators)",
    "administration": "Claim and approve that an agency is self-governing (administrators)",
}


class TokenEndpoint(TokenView):
    """`POST /oauth/token`: client credentials, and no other grant (RFC 6749 section 5.2)."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("grant_type", "client_credentials") != "client_credentials":
            return JsonResponse({"error": "unsupported_grant_type"}, status=400, headers={"Cache-Control": "no-store"})
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


class ClientScopes(BaseScopes):
    """A client has the scopes it was registered with, and can't ask for more."""

    def get_all_scopes(self) -> dict[str, str]:
        return SCOPES

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return list(application.scopes) if application is not None else []

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        return self.get_available_scopes(application)


class Validator(OAuth2Validator):
    """Issues tokens for this API alone (RFC 8707): another audience is answered `invalid_target`."""

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
