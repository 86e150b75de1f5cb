"""What auditors take out of the ledger: the question and its case, written once (rule 18)."""

import django.db.models.deletion
from django.db import migrations, models

import agencies.models

GUARDS = """
CREATE TRIGGER referrals_export_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON referrals_export
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE referrals_export ENABLE ALWAYS TRIGGER referrals_export_append_only;
GRANT SELECT, INSERT ON referrals_export TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0003_self_governing"),
        ("referrals", "0012_named_by_commitment"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=agencies.models.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("staff_id", models.CharField(max_length=64)),
                ("case_number", models.CharField(blank=True, max_length=64)),
                ("case_reason", models.CharField(blank=True, max_length=32)),
                ("question", models.JSONField(help_text="The filters, by name; ids and codes.")),
                ("size", models.BigIntegerField(help_text="The size of the checkpoint that it is proved under.")),
                (
                    "remembered",
                    models.BigIntegerField(help_text="The size of an older checkpoint that the asker kept.", null=True),
                ),
                ("entries", models.IntegerField()),
                ("idempotency_key", models.CharField(max_length=64)),
                ("body_hash", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agencies.agency"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("agency", "idempotency_key"), name="referrals_export_is_made_once_per_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("case_number", ""), _negated=True),
                            models.Q(("case_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="referrals_export_names_its_case",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
