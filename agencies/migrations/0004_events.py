"""
Events, the endpoints they are posted to, and what came of each call; and the queue that the calls stand in.

An event is never edited: it is given its place in the feed, once. What was tried is never edited either. Nothing of it
is deleted. The queue's own tables are procrastinate's, and its finished jobs are deleted by it.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import agencies.models

GUARDS = """
CREATE FUNCTION agencies_event_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.position IS NULL AND NEW.position IS NOT NULL
        AND to_jsonb(NEW) - 'position' = to_jsonb(OLD) - 'position' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an event is given its place once, and never edited' USING ERRCODE = 'restrict_violation';
END $$;
REVOKE EXECUTE ON FUNCTION agencies_event_guard() FROM PUBLIC;

CREATE TRIGGER agencies_event_is_never_edited BEFORE UPDATE ON agencies_event
    FOR EACH ROW EXECUTE FUNCTION agencies_event_guard();
CREATE TRIGGER agencies_event_is_kept BEFORE DELETE OR TRUNCATE ON agencies_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER agencies_endpoint_is_kept BEFORE DELETE OR TRUNCATE ON agencies_endpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER agencies_delivery_is_kept BEFORE DELETE OR TRUNCATE ON agencies_delivery
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER agencies_attempt_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON agencies_attempt
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE agencies_event ENABLE ALWAYS TRIGGER agencies_event_is_never_edited;
ALTER TABLE agencies_event ENABLE ALWAYS TRIGGER agencies_event_is_kept;
ALTER TABLE agencies_endpoint ENABLE ALWAYS TRIGGER agencies_endpoint_is_kept;
ALTER TABLE agencies_delivery ENABLE ALWAYS TRIGGER agencies_delivery_is_kept;
ALTER TABLE agencies_attempt ENABLE ALWAYS TRIGGER agencies_attempt_append_only;
"""

GRANTS = """
GRANT SELECT, INSERT ON agencies_event, agencies_endpoint, agencies_delivery, agencies_attempt TO udvej_app;
GRANT UPDATE (position) ON agencies_event TO udvej_app;
GRANT UPDATE (state, disabled_because, generation, rotated_at, failing_since, resting_until)
    ON agencies_endpoint TO udvej_app;
GRANT UPDATE (state, attempts, next_at, ended_at) ON agencies_delivery TO udvej_app;
GRANT USAGE ON SEQUENCE agencies_event_number_seq, agencies_attempt_id_seq TO udvej_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, procrastinate_workers,
    procrastinate_periodic_defers TO udvej_app;
DO $$
DECLARE
    queues regprocedure;
BEGIN
    FOR queues IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'procrastinate%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', queues);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO udvej_app', queues);
    END LOOP;
END $$;
GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq, procrastinate_workers_id_seq,
    procrastinate_periodic_defers_id_seq TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0003_self_governing"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=agencies.models.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("url", models.CharField(max_length=1000)),
                (
                    "types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), default=list, size=None
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "Called"),
                            ("disabled", "Called no more until it is enabled again"),
                            ("removed", "Removed by its agency, for good"),
                        ],
                        default="active",
                        max_length=12,
                    ),
                ),
                ("disabled_because", models.CharField(blank=True, max_length=32)),
                ("generation", models.PositiveIntegerField(default=1, help_text="How many secrets it has had.")),
                ("rotated_at", models.DateTimeField(null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("resting_until", models.DateTimeField(null=True)),
                ("registered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "staff_id",
                    models.CharField(help_text="The id of the administrator who registered it.", max_length=64),
                ),
                ("idempotency_key", models.CharField(max_length=128)),
                ("body_hash", models.CharField(max_length=64)),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agencies.agency"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("number", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.UUIDField(db_default=agencies.models.UUIDv7(), editable=False, unique=True)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("referral.arrived", "A referral has come to the agency"),
                            ("referral.changed", "A referral that the agency sends or receives has a new version"),
                            ("referral.deadline", "A deadline of a referral is near, or has passed"),
                            ("consent.changed", "A consent that the agency recorded or relies on has a new version"),
                            ("consent.deadline", "A consent that a referral rests on is about to end, or has ended"),
                            ("task.changed", "A task is the agency's to do, or was done"),
                            ("task.deadline", "A deadline of a task is near, or has passed"),
                            ("break-glass.changed", "The glass was broken on a referral, or that was reviewed"),
                            ("endpoint.disabled", "A webhook endpoint of the agency is called no more"),
                            ("endpoint.test", "The agency asked for a call to try its endpoint"),
                        ],
                        max_length=32,
                    ),
                ),
                ("about", models.UUIDField()),
                ("version", models.PositiveIntegerField(null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("position", models.BigIntegerField(null=True)),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agencies.agency"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=agencies.models.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("replay", models.BooleanField(db_default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "To be posted, for the first time or again"),
                            ("delivered", "The endpoint answered 2xx"),
                            ("failed", "Every attempt was made, and none was answered 2xx"),
                            ("cancelled", "The endpoint was disabled or removed before"),
                        ],
                        db_default="waiting",
                        max_length=12,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(db_default=0)),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("next_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="deliveries", to="agencies.endpoint"
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="deliveries", to="agencies.event"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("failure", models.CharField(blank=True, max_length=32)),
                ("milliseconds", models.PositiveIntegerField()),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tries", to="agencies.delivery"
                    ),
                ),
            ],
            options={
                "ordering": [models.OrderBy(models.F("number"))],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("delivery", "number"), name="agencies_attempt_is_counted_once"),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="agencies_attempt_is_counted_from_one"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.UniqueConstraint(
                fields=("agency", "idempotency_key"), name="agencies_endpoint_is_made_once_per_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["active", "disabled", "removed"])),
                name="agencies_endpoint_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "disabled"), ("disabled_because", ""), _connector="XOR"),
                name="agencies_endpoint_is_disabled_for_a_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("position", None)), fields=["agency", "number"], name="agencies_event_without_place"
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(
                fields=("agency", "position"), name="agencies_event_has_a_place_of_its_own"
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "type__in",
                        [
                            "referral.arrived",
                            "referral.changed",
                            "referral.deadline",
                            "consent.changed",
                            "consent.deadline",
                            "task.changed",
                            "task.deadline",
                            "break-glass.changed",
                            "endpoint.disabled",
                            "endpoint.test",
                        ],
                    )
                ),
                name="agencies_event_type_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "-id"], name="agencies_delivery_log"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["endpoint"], name="agencies_delivery_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replay", False)),
                fields=("endpoint", "event"),
                name="agencies_delivery_is_made_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "delivered", "failed", "cancelled"])),
                name="agencies_delivery_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "waiting"), ("ended_at__isnull", False), _connector="XOR"),
                name="agencies_delivery_ends_with_its_state",
            ),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
