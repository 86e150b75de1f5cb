"""
What the database holds of who somebody is: nothing in an anonymous case, and a CPR number at a private agency only on a
ground (rules 11 and 12; DBL § 11(2)).

A number's ground is asked for at the end of the transaction: number and ground may be told in either order.
"""

from django.db import migrations

GUARDS = """
CREATE FUNCTION referrals_nameless_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF split_part(NEW.category, '.', 1) = 'identity' AND EXISTS (
        SELECT 1 FROM public.referrals_referral r JOIN public.consent_subject s ON s.id = r.subject_id
        WHERE r.id = NEW.referral_id AND s.mode = 'anonymous') THEN
        RAISE EXCEPTION 'an anonymous case holds nobody''s identity' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION referrals_number_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    referral public.referrals_referral;
    told_in uuid;
BEGIN
    IF TG_TABLE_NAME = 'referrals_section' THEN
        told_in := NEW.referral_id;
    ELSE
        told_in := NEW.id;
    END IF;
    SELECT * INTO referral FROM public.referrals_referral WHERE id = told_in;
    IF referral.cpr_ground = ''
        AND EXISTS (SELECT 1 FROM public.referrals_section WHERE referral_id = told_in AND category = 'identity.cpr')
        AND EXISTS (SELECT 1 FROM public.agencies_agency a WHERE a.kind = 'exit_centre' AND (a.id = referral.sender_id
            OR (a.id = referral.recipient_id AND referral.submitted_at IS NOT NULL)))
        AND NOT EXISTS (SELECT 1 FROM public.consent_legalbasis b
            WHERE b.id = referral.basis_id AND b.consent_kind <> '') THEN
        RAISE EXCEPTION 'a private agency holds a number on a ground alone' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER referrals_section_of_nobody_names_nobody BEFORE INSERT ON referrals_section
    FOR EACH ROW EXECUTE FUNCTION referrals_nameless_guard();
CREATE TRIGGER referrals_attachment_of_nobody_names_nobody BEFORE INSERT ON referrals_attachment
    FOR EACH ROW EXECUTE FUNCTION referrals_nameless_guard();
CREATE CONSTRAINT TRIGGER referrals_section_number_has_a_ground AFTER INSERT ON referrals_section
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.category = 'identity.cpr')
    EXECUTE FUNCTION referrals_number_guard();
CREATE CONSTRAINT TRIGGER referrals_referral_number_has_a_ground
    AFTER UPDATE OF basis_id, cpr_ground, recipient_id, submitted_at ON referrals_referral
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (
        NEW.basis_id IS DISTINCT FROM OLD.basis_id OR NEW.cpr_ground <> OLD.cpr_ground
        OR NEW.recipient_id IS DISTINCT FROM OLD.recipient_id OR NEW.submitted_at IS DISTINCT FROM OLD.submitted_at)
    EXECUTE FUNCTION referrals_number_guard();
ALTER TABLE referrals_section ENABLE ALWAYS TRIGGER referrals_section_of_nobody_names_nobody;
ALTER TABLE referrals_attachment ENABLE ALWAYS TRIGGER referrals_attachment_of_nobody_names_nobody;
ALTER TABLE referrals_section ENABLE ALWAYS TRIGGER referrals_section_number_has_a_ground;
ALTER TABLE referrals_referral ENABLE ALWAYS TRIGGER referrals_referral_number_has_a_ground;
REVOKE EXECUTE ON FUNCTION referrals_nameless_guard(), referrals_number_guard() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0008_broken_glass"), ("consent", "0004_identifiers_told_in")]

    operations = [migrations.RunSQL(GUARDS, migrations.RunSQL.noop)]
