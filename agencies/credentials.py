"""
What a client, or a person, proves who they are by: rows only. What they prove is decided in the rooms beside this one.

No private key, token or secret stands here: public keys, hashes and thumbprints. `agencies.models` imports this file,
so that Django finds the tables.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class ClientKey(models.Model):
    """
    A public key that a client signs with (RFC 7523). It can have several at once, so that one follows another.

    Never edited: the application may write no column of it again but the end.
    """

    client = models.ForeignKey("agencies.Client", on_delete=models.PROTECT, related_name="keys")
    kid = models.CharField(max_length=128, help_text="The key's name in the assertion's header (RFC 7515 4.1.4).")
    jwk = models.JSONField(help_text="The public key (RFC 7517).")
    thumbprint = models.CharField(max_length=43, help_text="RFC 7638, SHA-256.")
    valid_from = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["client", "kid"], name="agencies_clientkey_has_a_name_of_its_own"),
            models.UniqueConstraint(fields=["thumbprint"], name="agencies_clientkey_is_one_clients"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(retired_at__gte=F("valid_from")),
                name="agencies_clientkey_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.kid


class UsedAssertion(models.Model):
    """An assertion that was used, by the hash of its `jti`, until it could not be used anyway (RFC 7523 section 3)."""

    client = models.ForeignKey("agencies.Client", on_delete=models.PROTECT, related_name="+")
    jti_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["client", "jti_hash"], name="agencies_assertion_is_used_once"),
        ]

    def __str__(self) -> str:
        return self.jti_hash


class TokenBinding(models.Model):
    """The certificate that a token is bound to (RFC 8705 section 3): no other hands it in."""

    token = models.OneToOneField(
        "oauth2_provider.AccessToken", on_delete=models.CASCADE, primary_key=True, related_name="binding"
    )
    thumbprint = models.CharField(max_length=43, help_text="x5t#S256: SHA-256 of the certificate, base64url.")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(thumbprint__regex=r"^[A-Za-z0-9_-]{43}$"), name="agencies_tokenbinding_names_a_certificate"
            ),
        ]

    def __str__(self) -> str:
        return self.thumbprint


class RequestCount(models.Model):
    """How many requests a client made in a minute, over all workers. Not kept over a crash, and gone in minutes."""

    who = models.CharField(max_length=64)
    minute = models.BigIntegerField(help_text="Minutes since 1970.")
    used = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["who", "minute"], name="agencies_requestcount_is_one_a_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.who} {self.minute}"


class PersonLogin(models.Model):
    """
    Who a person is to an OpenID provider: issuer and subject, and nothing else of theirs (decision 0038).

    An administrator makes it; signing in never does. Never edited, only made inactive.
    """

    user = models.ForeignKey("agencies.User", on_delete=models.PROTECT, related_name="logins")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255, help_text="The `sub` claim (OpenID Connect Core section 2).")
    active = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="agencies_personlogin_is_one_persons"),
            models.CheckConstraint(
                condition=~Q(issuer="") & ~Q(subject=""), name="agencies_personlogin_names_somebody"
            ),
        ]

    def __str__(self) -> str:
        return f"login {self.pk}"
