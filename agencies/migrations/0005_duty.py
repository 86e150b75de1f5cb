"""The mailbox of each agency's duty contact, and the outbox of what has still to be told there."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

GRANTS = """
GRANT SELECT, INSERT, UPDATE (email, version, updated_at) ON agencies_dutycontact TO udvej_app;
GRANT SELECT, INSERT, UPDATE (next_try_at, tries, taken_by, told_at) ON agencies_dutynotice TO udvej_app;
GRANT USAGE ON SEQUENCE agencies_dutynotice_id_seq TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [("agencies", "0004_events")]

    operations = [
        migrations.CreateModel(
            name="DutyContact",
            fields=[
                (
                    "agency",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="agencies.agency",
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        blank=True,
                        help_text="A function mailbox that several people read; never a person's own.",
                        max_length=254,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=0)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="DutyNotice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("step", models.CharField(help_text="remind, escalate or expire.", max_length=12)),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("next_try_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("tries", models.PositiveIntegerField(default=0)),
                ("taken_by", models.UUIDField(help_text="Which try to send took it last.", null=True)),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agencies.agency"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("told_at", None)),
                        fields=["next_try_at"],
                        name="agencies_dutynotice_waiting",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("step__in", ["remind", "escalate", "expire"])),
                        name="agencies_dutynotice_step_is_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
