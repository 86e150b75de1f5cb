"""
What the ledger calls a person: a commitment under their own key (ledger.md 1 and 7), given once and taken at erasure.

When the key is destroyed and the name taken, the entries stay and nobody can tell whom they are about.
"""

from django.db import migrations, models

GUARDS = """
CREATE OR REPLACE FUNCTION consent_subject_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moves constant text[] := '{birth_year,erased_at,ledger_name}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a person is erased by their key, and the row stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF to_jsonb(NEW) - moves IS DISTINCT FROM to_jsonb(OLD) - moves
        OR (OLD.erased_at IS NOT NULL AND NEW.erased_at IS DISTINCT FROM OLD.erased_at) THEN
        RAISE EXCEPTION 'a person stays who they are, and erased' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.ledger_name <> OLD.ledger_name
        AND NOT (OLD.ledger_name = '' AND NEW.erased_at IS NULL)
        AND NOT (NEW.ledger_name = '' AND NEW.erased_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the ledger calls a person by one name, until they are erased'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
GRANT UPDATE (ledger_name) ON consent_subject TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0007_shared")]

    operations = [
        migrations.AddField(
            model_name="subject",
            name="ledger_name",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="The commitment by which the ledger names the person.",
                max_length=64,
            ),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
