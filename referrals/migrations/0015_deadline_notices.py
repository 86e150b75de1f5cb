"""What the exchange did because of a deadline: told once each, stamped by the database, and nothing expires untold."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

GUARDS = """
CREATE FUNCTION referrals_notice_stamp() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.given_at := clock_timestamp();
    IF NEW.step = 'expire' AND NOT EXISTS (SELECT 1 FROM public.referrals_deadlinenotice n
        WHERE n.referral_id = NEW.referral_id AND n.task_id IS NOT DISTINCT FROM NEW.task_id
            AND n.deadline = NEW.deadline AND n.due_at = NEW.due_at AND n.step = 'escalate') THEN
        RAISE EXCEPTION 'nothing expires that was not escalated' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER referrals_deadlinenotice_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON referrals_deadlinenotice
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER referrals_deadlinenotice_is_stamped BEFORE INSERT ON referrals_deadlinenotice
    FOR EACH ROW EXECUTE FUNCTION referrals_notice_stamp();
ALTER TABLE referrals_deadlinenotice ENABLE ALWAYS TRIGGER referrals_deadlinenotice_append_only;
ALTER TABLE referrals_deadlinenotice ENABLE ALWAYS TRIGGER referrals_deadlinenotice_is_stamped;
REVOKE EXECUTE ON FUNCTION referrals_notice_stamp() FROM PUBLIC;
"""

GRANTS = """
GRANT SELECT, INSERT ON referrals_deadlinenotice TO udvej_app;
GRANT USAGE ON SEQUENCE referrals_deadlinenotice_id_seq TO udvej_app;
"""

DEADLINES = [
    *("acknowledge_by", "decide_by", "answer_by", "hold_review", "consent_expiry", "notification", "glass_review")
]


class Migration(migrations.Migration):
    dependencies = [("referrals", "0014_says_whose")]

    operations = [
        migrations.CreateModel(
            name="DeadlineNotice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("deadline", models.CharField(max_length=24)),
                ("step", models.CharField(max_length=12)),
                ("due_at", models.DateTimeField()),
                ("given_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "referral",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="referrals.referral"
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="referrals.task"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("referral", "task", "deadline", "step", "due_at"),
                        name="referrals_deadline_is_told_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("deadline__in", DEADLINES)),
                        name="referrals_deadlinenotice_deadline_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("step__in", ["remind", "escalate", "expire"])),
                        name="referrals_deadlinenotice_step_is_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
