"""
A withholding is stamped by the database, stated by whoever registered the person, and looked at again in six months.
"""

from django.db import migrations, models

WITHHOLDING = """
CREATE FUNCTION referrals_withholding_stamp() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
    NEW.stated_at := clock_timestamp();
    IF NEW.review_by <= today OR NEW.review_by > today + interval '6 months' THEN
        RAISE EXCEPTION 'a withholding is looked at again within six months' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM public.consent_subject s
        WHERE s.id = NEW.subject_id AND s.registered_by_id = NEW.stated_by_id) THEN
        RAISE EXCEPTION 'only who registered the person withholds from them' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER referrals_withholding_is_stamped BEFORE INSERT ON referrals_withholding
    FOR EACH ROW EXECUTE FUNCTION referrals_withholding_stamp();
ALTER TABLE referrals_withholding ENABLE ALWAYS TRIGGER referrals_withholding_is_stamped;
REVOKE EXECUTE ON FUNCTION referrals_withholding_stamp() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0005_duties")]

    operations = [
        migrations.RunSQL(WITHHOLDING, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="withholding",
            constraint=models.CheckConstraint(
                condition=models.Q(("ground__in", ("dbl_22_1", "dbl_22_2", "rhl_16"))),
                name="referrals_withholding_ground_is_known",
            ),
        ),
    ]
