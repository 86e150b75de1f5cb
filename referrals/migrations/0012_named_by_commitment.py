"""An access report's entry names the person as the ledger does: by a commitment (consent/migrations/0008)."""

from django.db import migrations

RENAMED = """
DO $rename$
DECLARE
    written text := pg_get_functiondef('referrals_weigh(uuid, uuid, uuid)'::regprocedure);
    instead text := replace(written, 's.id::text = entry.subject_id',
        's.ledger_name = entry.subject_id AND s.ledger_name <> ''''');
BEGIN
    IF length(instead) <> length(written) + length('s.ledger_name = entry.subject_id AND s.ledger_name <> ''''')
        - length('s.id::text = entry.subject_id') THEN
        RAISE EXCEPTION 'referrals_weigh does not name the person where it did';
    END IF;
    EXECUTE instead;
END $rename$;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0011_sealed_first"), ("consent", "0008_ledger_name")]

    operations = [migrations.RunSQL(RENAMED, migrations.RunSQL.noop)]
