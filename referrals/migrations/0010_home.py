"""
A case of the police or an infohus is sent to the home municipality and its own district alone, by whoever writes it
(rule 15). `infohus` says the same with reasons.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION referrals_home_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
    IF NOT (NEW.channel = 'police_infohus'
        OR EXISTS (SELECT 1 FROM public.consent_legalbasis b WHERE b.id = NEW.basis_id AND b.code LIKE 'RPL115-%')
        OR EXISTS (SELECT 1 FROM public.agencies_agency a
            WHERE a.id IN (NEW.sender_id, NEW.recipient_id) AND a.kind = 'police_prevention')) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT 1 FROM public.agencies_agency a WHERE a.id IN (NEW.sender_id, NEW.recipient_id) AND (
        (a.kind = 'municipality' AND a.code <> NEW.home_municipality)
        OR (a.kind = 'police_prevention' AND NOT EXISTS (SELECT 1 FROM public.agencies_areawithin w
            WHERE w.municipality_code = NEW.home_municipality AND w.kind = 'police_district' AND w.within_code = a.code
                AND w.valid_from <= today AND coalesce(w.valid_to, 'infinity'::date) >= today)))) THEN
        RAISE EXCEPTION 'only the home municipality and its own district share the case' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER referrals_referral_stays_at_home AFTER UPDATE ON referrals_referral FOR EACH ROW
    WHEN (NEW.status <> 'draft' AND (OLD.status = 'draft' OR NEW.basis_id IS DISTINCT FROM OLD.basis_id)
        AND NEW.status <> 'withdrawn' AND NEW.status <> 'entered_in_error')
    EXECUTE FUNCTION referrals_home_guard();
ALTER TABLE referrals_referral ENABLE ALWAYS TRIGGER referrals_referral_stays_at_home;
REVOKE EXECUTE ON FUNCTION referrals_home_guard() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0009_names_and_numbers")]

    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
