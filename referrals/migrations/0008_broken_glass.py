"""Broken glass: who may break it, who is told, and who reviews it (rule 18)."""

from django.db import migrations, models

CONTENT = [
    *("contact", "identity", "background", "reason", "concern", "health"),
    *("criminal", "safety", "network", "needs", "outcome"),
]

GUARDS = """
CREATE OR REPLACE FUNCTION referrals_glass_stamp() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.opened_at := clock_timestamp();
    IF NEW.until > NEW.opened_at + interval '60 minutes' OR NEW.reviewed_at IS NOT NULL THEN
        RAISE EXCEPTION 'broken glass lasts at most 60 minutes, and is reviewed later' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.referrals_referral r
        WHERE r.id = NEW.referral_id AND r.responsible_id = NEW.owner_id AND r.submitted_at IS NOT NULL
            AND NEW.agency_id IN (r.sender_id, r.recipient_id)) THEN
        RAISE EXCEPTION 'a party breaks the glass, and who is responsible owns it' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.agencies_membership m
        WHERE m.agency_id = NEW.agency_id AND m.user_id = NEW.user_id AND m.staff_id = NEW.staff_id AND m.active
            AND m.role IN ('caseworker', 'coordinator', 'counsellor')) THEN
        RAISE EXCEPTION 'who breaks the glass works at the agency' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION referrals_glass_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.reviewed_at IS NOT NULL OR NEW.reviewed_at IS NULL
        OR to_jsonb(NEW) - '{reviewed_at,reviewed_by_id,reviewer_staff_id,verdict}'::text[]
            <> to_jsonb(OLD) - '{reviewed_at,reviewed_by_id,reviewer_staff_id,verdict}'::text[] THEN
        RAISE EXCEPTION 'broken glass is reviewed once, and nothing else of it changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.agencies_membership m JOIN public.agencies_agency a ON a.id = m.agency_id
        WHERE m.user_id = NEW.reviewed_by_id AND m.staff_id = NEW.reviewer_staff_id AND m.active AND (
            (m.role = 'coordinator' AND m.agency_id = NEW.owner_id)
            OR (m.role = 'auditor' AND (m.agency_id IN (NEW.owner_id, NEW.agency_id) OR a.kind = 'oversight')))) THEN
        RAISE EXCEPTION 'a coordinator of the owner or an auditor reviews' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.reviewed_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION referrals_glass_alert_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM unnest(ARRAY[NEW.owner_id, NEW.agency_id]) AS told (id) WHERE NOT EXISTS (
        SELECT 1 FROM public.referrals_task t WHERE t.break_glass_id = NEW.id AND t.kind = 'review_break_glass'
            AND t.agency_id = told.id AND t.due_by <= NEW.opened_at + interval '72 hours')) THEN
        RAISE EXCEPTION 'who answers for the referral is told at once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER referrals_breakglass_alerts_its_owner AFTER INSERT ON referrals_breakglass
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION referrals_glass_alert_guard();
ALTER TABLE referrals_breakglass ENABLE ALWAYS TRIGGER referrals_breakglass_alerts_its_owner;
REVOKE EXECUTE ON FUNCTION referrals_glass_alert_guard() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0007_files")]

    operations = [
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(("categories__contained_by", CONTENT), ("categories__len__gt", 0)),
                name="referrals_breakglass_names_what_it_opens",
            ),
        ),
        migrations.AddConstraint(
            model_name="breakglass",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ["", "justified", "not_justified"])),
                name="referrals_breakglass_verdict_is_known",
            ),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
