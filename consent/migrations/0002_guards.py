"""A consent is followed, never edited; so is a legal basis. Held by the database, for every role."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION consent_refuse_edit() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'consent_consent'
        AND to_jsonb(NEW) - 'version' = to_jsonb(OLD) - 'version' AND NEW.version = OLD.version + 1 THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'consent_legalbasis'
        AND to_jsonb(NEW) - 'valid_to' = to_jsonb(OLD) - 'valid_to' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is followed, never edited: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION consent_stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.registered_at := clock_timestamp();
    NEW.at := least(NEW.at, NEW.registered_at);
    RETURN NEW;
END $$;

CREATE FUNCTION consent_follow() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last public.consent_consentevent;
BEGIN
    SELECT * INTO last FROM public.consent_consentevent
        WHERE consent_id = NEW.consent_id AND id <> NEW.id ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 THEN
        RAISE EXCEPTION 'an event follows the one before it' USING ERRCODE = 'restrict_violation';
    END IF;
    IF last.kind IN ('withdrawn', 'revoked', 'refused', 'invalidated') AND NEW.kind IN ('given', 'renewed') THEN
        RAISE EXCEPTION 'a consent that has ended is not given again' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER consent_event_is_stamped BEFORE INSERT ON consent_consentevent
    FOR EACH ROW EXECUTE FUNCTION consent_stamp();
CREATE TRIGGER consent_event_follows AFTER INSERT ON consent_consentevent
    FOR EACH ROW EXECUTE FUNCTION consent_follow();
ALTER TABLE consent_consentevent ENABLE ALWAYS TRIGGER consent_event_is_stamped;
ALTER TABLE consent_consentevent ENABLE ALWAYS TRIGGER consent_event_follows;
REVOKE EXECUTE ON FUNCTION consent_stamp(), consent_follow(), consent_refuse_edit() FROM PUBLIC;
CREATE TRIGGER consent_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_consentevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER consent_consent_is_followed_not_edited BEFORE UPDATE OR DELETE ON consent_consent
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_edit();
CREATE TRIGGER consent_basis_is_followed_not_edited BEFORE UPDATE OR DELETE ON consent_legalbasis
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_edit();
CREATE TRIGGER consent_basis_is_not_emptied BEFORE TRUNCATE ON consent_legalbasis
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE consent_legalbasis ENABLE ALWAYS TRIGGER consent_basis_is_not_emptied;
ALTER TABLE consent_consentevent ENABLE ALWAYS TRIGGER consent_event_append_only;
ALTER TABLE consent_consent ENABLE ALWAYS TRIGGER consent_consent_is_followed_not_edited;
ALTER TABLE consent_legalbasis ENABLE ALWAYS TRIGGER consent_basis_is_followed_not_edited;
"""

GRANTS = """
GRANT SELECT, INSERT ON consent_subject, consent_consent, consent_consentevent, consent_legalbasis TO udvej_app;
GRANT UPDATE (birth_year) ON consent_subject TO udvej_app;
GRANT UPDATE (version) ON consent_consent TO udvej_app;
GRANT UPDATE (valid_to) ON consent_legalbasis TO udvej_app;
GRANT USAGE ON SEQUENCE consent_legalbasis_id_seq TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial"), ("audit", "0002_append_only")]

    operations = [
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
