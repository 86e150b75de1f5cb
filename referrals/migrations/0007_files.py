"""What a file on a referral can't be, whoever writes it: of another type, empty, the wrong party's, too late."""

from django.db import migrations, models

GUARD = """
CREATE FUNCTION referrals_attachment_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    referral public.referrals_referral;
BEGIN
    SELECT * INTO referral FROM public.referrals_referral WHERE id = NEW.referral_id FOR SHARE;
    IF NOT coalesce(CASE NEW.category
        WHEN 'outcome' THEN NEW.written_by_id = referral.recipient_id AND referral.status <> 'draft'
        ELSE NEW.written_by_id = referral.sender_id END
        AND referral.status IN
            ('draft', 'submitted', 'received', 'info_requested', 'accepted', 'in_progress', 'on_hold'), false) THEN
        RAISE EXCEPTION 'a file is attached by the party whose category it is, while the referral is alive'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM public.consent_subject s WHERE s.id = referral.subject_id AND s.mode = 'anonymous') THEN
        RAISE EXCEPTION 'an anonymous case holds no file' USING ERRCODE = 'restrict_violation';
    END IF;
    IF octet_length(NEW.sealed) <> NEW.size + 28 THEN
        RAISE EXCEPTION 'a file is as long as its row says' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER referrals_attachment_is_its_partys BEFORE INSERT ON referrals_attachment
    FOR EACH ROW EXECUTE FUNCTION referrals_attachment_guard();
ALTER TABLE referrals_attachment ENABLE ALWAYS TRIGGER referrals_attachment_is_its_partys;
REVOKE EXECUTE ON FUNCTION referrals_attachment_guard() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0006_insight")]

    operations = [
        migrations.AddConstraint(
            model_name="attachment",
            constraint=models.CheckConstraint(
                condition=models.Q(("media_type__in", ("application/pdf", "image/png", "image/jpeg"))),
                name="referrals_attachment_type_is_one_that_is_served",
            ),
        ),
        migrations.AddConstraint(
            model_name="attachment",
            constraint=models.CheckConstraint(
                condition=models.Q(("size__gt", 0)), name="referrals_attachment_is_not_empty"
            ),
        ),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
