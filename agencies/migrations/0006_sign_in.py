"""
What clients prove themselves by: keys, used assertions, certificates that tokens are bound to; a second secret while
one follows another; and the count of requests that all workers share.

A key is never edited by the application, only retired. The count is UNLOGGED: it is written each second, is worth
nothing after a crash, and belongs in no backup.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

GRANTS = """
GRANT SELECT, INSERT ON agencies_clientkey TO udvej_app;
GRANT UPDATE (retired_at) ON agencies_clientkey TO udvej_app;
GRANT SELECT, INSERT, DELETE ON agencies_usedassertion TO udvej_app;
GRANT SELECT, INSERT ON agencies_tokenbinding TO udvej_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON agencies_requestcount TO udvej_app;
GRANT USAGE ON SEQUENCE agencies_clientkey_id_seq, agencies_usedassertion_id_seq, agencies_requestcount_id_seq
    TO udvej_app;
"""
UNLOGGED = "ALTER TABLE agencies_requestcount SET UNLOGGED;"


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0005_duty"),
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="certificate_bound",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Gets tokens over mTLS only, bound to the certificate (RFC 8705 section 3.4).",
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="previous_secret",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=255),
        ),
        migrations.AddField(
            model_name="client",
            name="previous_secret_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name="RequestCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("who", models.CharField(max_length=64)),
                ("minute", models.BigIntegerField(help_text="Minutes since 1970.")),
                ("used", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("who", "minute"), name="agencies_requestcount_is_one_a_minute")
                ],
            },
        ),
        migrations.CreateModel(
            name="TokenBinding",
            fields=[
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="binding",
                        serialize=False,
                        to="oauth2_provider.accesstoken",
                    ),
                ),
                (
                    "thumbprint",
                    models.CharField(help_text="x5t#S256: SHA-256 of the certificate, base64url.", max_length=43),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("thumbprint__regex", "^[A-Za-z0-9_-]{43}$")),
                        name="agencies_tokenbinding_names_a_certificate",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ClientKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kid",
                    models.CharField(
                        help_text="The key's name in the assertion's header (RFC 7515 4.1.4).", max_length=128
                    ),
                ),
                ("jwk", models.JSONField(help_text="The public key (RFC 7517).")),
                ("thumbprint", models.CharField(help_text="RFC 7638, SHA-256.", max_length=43)),
                ("valid_from", models.DateTimeField(default=django.utils.timezone.now)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="keys",
                        to="agencies.client",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("client", "kid"), name="agencies_clientkey_has_a_name_of_its_own"),
                    models.UniqueConstraint(fields=("thumbprint",), name="agencies_clientkey_is_one_clients"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("retired_at__isnull", True), ("retired_at__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="agencies_clientkey_ends_after_it_begins",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsedAssertion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("jti_hash", models.CharField(max_length=64)),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agencies.client",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("client", "jti_hash"), name="agencies_assertion_is_used_once")
                ],
            },
        ),
        migrations.RunSQL(UNLOGGED, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
