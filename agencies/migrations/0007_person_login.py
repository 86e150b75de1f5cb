"""
Who a person is to an OpenID provider. The application adds and ends a login; it gives none to another person.
"""

import django.db.models.deletion
from django.db import migrations, models

GRANTS = """
GRANT SELECT, INSERT ON agencies_personlogin TO udvej_app;
GRANT UPDATE (active) ON agencies_personlogin TO udvej_app;
GRANT USAGE ON SEQUENCE agencies_personlogin_id_seq TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0006_sign_in"),
    ]

    operations = [
        migrations.CreateModel(
            name="PersonLogin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("issuer", models.CharField(max_length=255)),
                (
                    "subject",
                    models.CharField(help_text="The `sub` claim (OpenID Connect Core section 2).", max_length=255),
                ),
                ("active", models.BooleanField(default=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="logins", to="agencies.user"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("issuer", "subject"), name="agencies_personlogin_is_one_persons"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("issuer", ""), _negated=True), models.Q(("subject", ""), _negated=True)
                        ),
                        name="agencies_personlogin_names_somebody",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
