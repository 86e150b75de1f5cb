"""
An identifier is kept beside what it was told in, so that a correction in one case leaves what another stands on.

Nothing is kept of an anonymous or an erased person: the guard waits for an erasure under way. A wish to be linked lies in
the past.
"""

from django.db import migrations, models

GUARDS = """
CREATE OR REPLACE FUNCTION consent_identifier_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    person public.consent_subject;
BEGIN
    SELECT * INTO person FROM public.consent_subject WHERE id = NEW.subject_id FOR SHARE;
    IF person.mode = 'anonymous' THEN
        RAISE EXCEPTION 'an anonymous case has no identifier' USING ERRCODE = 'restrict_violation';
    END IF;
    IF person.erased_at IS NOT NULL THEN
        RAISE EXCEPTION 'an erased person has no identifier' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION consent_link_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before public.consent_subject;
BEGIN
    IF NEW.formerly_id IS NOT NULL THEN
        SELECT * INTO before FROM public.consent_subject WHERE id = NEW.formerly_id;
        IF before.mode IS DISTINCT FROM 'anonymous' OR before.registered_by_id IS DISTINCT FROM NEW.registered_by_id THEN
            RAISE EXCEPTION 'only an anonymous case of the same agency is linked' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.wished_at > clock_timestamp() + interval '1 minute' THEN
            RAISE EXCEPTION 'a wish lies in the past' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_keys_and_identifiers")]

    operations = [
        migrations.AddField("identifier", "told_in", models.UUIDField(null=True)),
        migrations.RunSQL("UPDATE consent_identifier SET told_in = subject_id", migrations.RunSQL.noop),
        migrations.AlterField("identifier", "told_in", models.UUIDField()),
        migrations.RemoveConstraint("identifier", "consent_identifier_is_kept_once"),
        migrations.AddConstraint(
            "identifier",
            models.UniqueConstraint(fields=["told_in", "kind"], name="consent_identifier_is_one_of_its_kind"),
        ),
        migrations.RemoveIndex("identifier", "consent_identifier_lookup"),
        migrations.AddIndex("identifier", models.Index(fields=["digest"], name="consent_identifier_by_digest")),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
