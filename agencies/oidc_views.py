"""The browser's way to the provider and back, and out. There only where a provider is configured."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from agencies.oidc import ProviderUnusable, setting
from api_schema.words import Words

NOT_KNOWN = Words(
    "Du er logget ind hos din udbyder, men har ingen adgang her. En administrator kan give dig den.",
    "You are signed in with your provider, but have no access here. An administrator can give it to you.",
)
NOT_NOW = Words("Login er ikke muligt lige nu. Prøv igen om lidt.", "Signing in is not possible now. Try again soon.")


class SignIn(OIDCAuthenticationRequestView):  # type: ignore[misc]
    """To the provider, with state, nonce and a PKCE challenge (RFC 7636) that the session alone can answer."""

    get_settings = staticmethod(setting)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super(OIDCAuthenticationRequestView, self).__init__(*args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        _only_where_configured()
        try:
            self.OIDC_OP_AUTH_ENDPOINT = setting("OIDC_OP_AUTHORIZATION_ENDPOINT")
            self.OIDC_RP_CLIENT_ID = setting("OIDC_RP_CLIENT_ID")
            response: HttpResponse = super().get(request)
        except ProviderUnusable:
            return _plain(NOT_NOW, status=503)
        return response


class ComeBack(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Back from the provider with a code: signed in, or not known here."""

    get_settings = staticmethod(setting)

    def get(self, request: HttpRequest) -> HttpResponse:
        _only_where_configured()
        try:
            response: HttpResponse = super().get(request)
        except ProviderUnusable:
            return _plain(NOT_NOW, status=503)
        return response

    def login_success(self) -> HttpResponse:
        """Say when the session ends, whatever is done in it: else whatever is written to it would make it longer."""
        response: HttpResponse = super().login_success()
        self.request.session.set_expiry(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE))
        return response

    def login_failure(self) -> HttpResponse:
        return _plain(NOT_KNOWN, status=403)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here; the one at the provider is the provider's."""
    _only_where_configured()
    auth.logout(request)
    return HttpResponse(status=204)


def _only_where_configured() -> None:
    if not settings.OIDC_ISSUER:
        raise Http404


def _plain(words: Words, *, status: int) -> HttpResponse:
    return HttpResponse(words.now(), status=status, content_type="text/plain; charset=utf-8")
