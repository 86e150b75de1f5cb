"""
A task is opened and done by the database's clock, and who is marked as endangered has been notified about (rule 7).
"""

from django.db import migrations, models

GUARDS = """
CREATE FUNCTION referrals_task_stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.opened_at := clock_timestamp();
    IF NEW.done_at IS NOT NULL OR NEW.version <> 1 THEN
        RAISE EXCEPTION 'a task is opened first, and done later' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION referrals_task_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.done_at IS NOT NULL OR NEW.done_at IS NULL OR NEW.version <> OLD.version + 1
        OR to_jsonb(NEW) - '{done_at,done_by_staff,done_reason,version}'::text[]
            <> to_jsonb(OLD) - '{done_at,done_by_staff,done_reason,version}'::text[] THEN
        RAISE EXCEPTION 'a task is done once, and nothing else of it changes' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.done_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION referrals_endangered_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.referrals_task t
        JOIN public.agencies_agency a ON a.id = t.agency_id AND a.kind = 'municipality'
        WHERE t.referral_id = NEW.id AND t.kind = 'notify_home_municipality') THEN
        RAISE EXCEPTION 'the municipality of an endangered minor is notified' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER referrals_task_is_stamped BEFORE INSERT ON referrals_task
    FOR EACH ROW EXECUTE FUNCTION referrals_task_stamp();
CREATE CONSTRAINT TRIGGER referrals_referral_endangered_is_notified AFTER UPDATE ON referrals_referral
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.endangered_at IS NULL AND NEW.endangered_at IS NOT NULL) EXECUTE FUNCTION referrals_endangered_guard();
ALTER TABLE referrals_task ENABLE ALWAYS TRIGGER referrals_task_is_stamped;
ALTER TABLE referrals_referral ENABLE ALWAYS TRIGGER referrals_referral_endangered_is_notified;
REVOKE EXECUTE ON FUNCTION referrals_task_stamp(), referrals_endangered_guard() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0004_one_door")]

    operations = [
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done_at__isnull", True), ("done_by_staff", ""), ("done_reason", "")),
                    models.Q(("done_at__isnull", False), models.Q(("done_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="referrals_task_is_done_for_a_reason",
            ),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
