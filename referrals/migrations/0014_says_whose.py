"""
An entry that says that an agency looked at its own content is one that showed it nothing else.

By what it says of that it is pruned one day (`audit_prunable`, audit/migrations/0006), and the application writes it.
So nothing is released for an entry that says `sender` to another, or that keeps silent about the other side's messages.
"""

from django.db import migrations

SAYS_WHOSE = """
CREATE OR REPLACE FUNCTION referrals_admit(p_entry uuid, p_agency uuid, p_referral uuid) RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    shown text[];
    said jsonb;
BEGIN
    PERFORM public.audit_require_sealed(p_entry);
    shown := public.referrals_weigh(p_entry, p_agency, p_referral);
    SELECT e.detail INTO said FROM public.audit_entry e WHERE e.id = p_entry;
    IF said ->> 'side' = 'sender' AND (
        NOT EXISTS (SELECT 1 FROM public.referrals_referral r WHERE r.id = p_referral AND r.sender_id = p_agency)
        OR (NOT said ? 'messages' AND EXISTS (SELECT 1 FROM public.referrals_section s
            WHERE s.referral_id = p_referral AND s.written_by_id <> p_agency
                AND s.category LIKE '%.message' AND split_part(s.category, '.', 1) = ANY (shown)))) THEN
        RAISE EXCEPTION 'the entry does not say whose content it shows' USING ERRCODE = 'UD001';
    END IF;
    RETURN shown;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0013_exports")]

    operations = [migrations.RunSQL(SAYS_WHOSE, migrations.RunSQL.noop)]
