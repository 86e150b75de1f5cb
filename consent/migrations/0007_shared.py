"""
With whom a consent was shared: an agency that is named in one learns of it only when something rests on it.

It is written once and stays, so that whoever was told can always read the consent and withdraw it for the person.
"""

import django.db.models.deletion
from django.db import migrations, models

GUARDS = """
CREATE TRIGGER consent_shared_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_shared
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE consent_shared ENABLE ALWAYS TRIGGER consent_shared_append_only;
GRANT SELECT, INSERT ON consent_shared TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0002_grants"),
        ("audit", "0002_append_only"),
        ("consent", "0006_carries"),
    ]

    operations = [
        migrations.CreateModel(
            name="Shared",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("shared_at", models.DateTimeField(auto_now_add=True)),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agencies.agency"
                    ),
                ),
                (
                    "consent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="shared", to="consent.consent"
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddConstraint(
            model_name="shared",
            constraint=models.UniqueConstraint(fields=("consent", "agency"), name="consent_shared_is_said_once"),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
