"""
The administration of what clients and people prove themselves by: secrets, public keys, and logins at a provider.

A secret is shown once and kept as a hash. A key is registered and retired, never edited. Each change is an act with an
entry, as everything in the administration is.
"""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from agencies import client_keys, secrets
from agencies.admin import RecordedAdmin, site
from agencies.credentials import ClientKey, PersonLogin
from agencies.models import Client
from api_schema.scopes import SCOPES

OVERLAP = timedelta(hours=24)
KEEP, FOLLOW, REPLACE, END = "", "follow", "replace", "end"
SECRETS = (
    (KEEP, "Keep the secret"),
    (FOLLOW, "New secret; the old one is good for 24 hours more"),
    (REPLACE, "New secret; the old one and its tokens end now"),
    (END, "No secret from now on, and no token: the client signs (private_key_jwt)"),
)


class ClientForm(forms.ModelForm):  # type: ignore[type-arg]
    """A client, and what happens to its secret."""

    secret = forms.ChoiceField(choices=SECRETS, required=False)

    def clean_scopes(self) -> list[str]:
        """Return the scopes; one that is not known is refused, so that no token ever holds it."""
        scopes: list[str] = self.cleaned_data["scopes"]
        if unknown := set(scopes) - set(SCOPES):
            raise forms.ValidationError(f"{len(unknown)} not known; there are: {', '.join(SCOPES)}.")
        return scopes


class ClientAdmin(RecordedAdmin):
    """A client is given a secret when it is made, and may be given another, or keys instead."""

    form = ClientForm
    list_display = ("name", "agency", "client_id", "active")
    fields = ("name", "agency", "scopes", "certificate_bound", "active", "client_id", "secret", "previous_secret_until")
    readonly_fields = ("client_id", "previous_secret_until")
    search_fields = ("name", "client_id")
    autocomplete_fields = ("agency",)

    def told(self, request: HttpRequest) -> dict[str, str]:
        asked = request.POST.get("secret", KEEP)
        return {"secret": asked} if asked in (FOLLOW, REPLACE, END) else {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the client; a new secret is shown this once."""
        asked = form.cleaned_data["secret"]
        secret = ""
        if not change:
            obj.client_type = Client.CLIENT_CONFIDENTIAL
            obj.authorization_grant_type = Client.GRANT_CLIENT_CREDENTIALS
            asked = asked or REPLACE
        if asked == END:
            secrets.end(obj)
        elif asked != KEEP:
            secret = secrets.follow(obj, at=timezone.now(), overlap=OVERLAP if asked == FOLLOW else timedelta())
        super().save_model(request, obj, form, change)
        if asked in (REPLACE, END):
            get_access_token_model().objects.filter(application=obj).update(expires=timezone.now())
        if secret:
            messages.warning(request, f"Client secret, shown this once: {secret}")


class ClientKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A public key, as the client's people send it: a JWK, or a set of one."""

    def clean(self) -> dict[str, Any]:
        """Say what would be right of a key that can't be registered, in the administrator's language."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.instance.pk is not None or "jwk" not in cleaned:
            return cleaned
        sent = cleaned["jwk"]
        keys = sent["keys"] if isinstance(sent, dict) and isinstance(sent.get("keys"), list) else [sent]
        try:
            key = client_keys.checked(keys[0] if len(keys) == 1 else None)
        except client_keys.KeyRefused as refused:
            raise forms.ValidationError({"jwk": refused.words.now()}) from None
        same_name = ClientKey.objects.filter(client=cleaned.get("client"), kid=key.kid)
        if same_name.exists() or ClientKey.objects.filter(thumbprint=key.thumbprint).exists():
            raise forms.ValidationError({"jwk": "The key, or its kid, is registered already: make a new pair."})
        self.instance.kid, self.instance.thumbprint = key.kid, key.thumbprint
        return cleaned | {"jwk": key.jwk}


class ClientKeyAdmin(RecordedAdmin):
    """Keys are added beside the ones there are, and retired when the client has moved on."""

    form = ClientKeyForm
    list_display = ("kid", "client", "valid_from", "retired_at")
    fields = ("client", "jwk", "kid", "thumbprint", "valid_from", "retired_at")
    search_fields = ("kid", "client__client_id")
    autocomplete_fields = ("client",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kid", "thumbprint") if obj is None else ("client", "jwk", "kid", "thumbprint", "valid_from")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save a new key, or the end of one: the application may write no more of it (migrations/0006)."""
        if change:
            obj.save(update_fields=["retired_at"])
        else:
            obj.save()


class PersonLoginAdmin(RecordedAdmin):
    """Who may sign in as which account; ended, never edited."""

    list_display = ("user", "issuer", "active")
    fields = ("user", "issuer", "subject", "active")
    search_fields = ("user__username",)
    autocomplete_fields = ("user",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("user", "issuer", "subject")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save a new login, or its end: the application may write no more of it (migrations/0007)."""
        obj.save(update_fields=["active"] if change else None)


site.register(PersonLogin, PersonLoginAdmin)
site.register(Client, ClientAdmin)
site.register(ClientKey, ClientKeyAdmin)

__all__ = ["site"]
