"""
The ledger, guarded by the database itself.

The database stamps what a caller must not choose (id, time, transaction, database user, canonical bytes, leaf hash),
queues each entry for sealing in the same transaction, and refuses UPDATE, DELETE and TRUNCATE to every role, the owner
included, in replica mode too. django-auditlog's history table is append-only in the same way.
"""

from django.db import migrations

CANONICAL = """
CREATE FUNCTION audit_detail_json(detail jsonb) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT '{' || coalesce(string_agg(to_json(key)::text || ':' || to_json(value)::text, ',' ORDER BY key COLLATE "C"), '') || '}'
    FROM jsonb_each_text(detail)
$$;

CREATE FUNCTION audit_canonical(e audit_entry) RETURNS bytea LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT convert_to(concat(
        '{"action":', to_json(e.action),
        ',"actor_agency":', coalesce(to_json(e.actor_agency)::text, 'null'),
        ',"actor_client":', to_json(e.actor_client),
        ',"actor_user":', to_json(e.actor_user),
        ',"at":"', to_char(e.at AT TIME ZONE interval '0', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        '","basis":', to_json(e.basis),
        ',"basis_version":', coalesce(e.basis_version::text, 'null'),
        ',"categories":', array_to_json(e.categories),
        ',"changes":', to_json(e.changes),
        ',"consent":', coalesce(to_json(e.consent)::text, 'null'),
        ',"consent_version":', coalesce(e.consent_version::text, 'null'),
        ',"correlation":', to_json(e.correlation),
        ',"criterion":', to_json(e.criterion),
        ',"db_user":', to_json(e.db_user),
        ',"detail":', public.audit_detail_json(e.detail),
        ',"id":', to_json(e.id),
        ',"on_behalf_of":', to_json(e.on_behalf_of),
        ',"outcome":', to_json(e.outcome),
        ',"purpose":', to_json(e.purpose),
        ',"refusal":', to_json(e.refusal),
        ',"request_id":', to_json(e.request_id),
        ',"result_ids":', array_to_json(e.result_ids),
        ',"role":', to_json(e.role),
        ',"subject_id":', to_json(e.subject_id),
        ',"subject_kind":', to_json(e.subject_kind),
        ',"v":1,"xid":"', e.xid::text, '"}'
    ), 'UTF8')
$$;
"""

STAMP = """
ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_detail_is_flat_text CHECK (
    jsonb_typeof(detail) = 'object'
    AND NOT jsonb_path_exists(detail, 'strict $.* ? (@.type() != "string")')
    AND NOT jsonb_path_exists(detail, '$.keyvalue() ? (!(@.key like_regex "^[a-z_]{1,40}$"))')
);

CREATE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.id := uuidv7();
    NEW.xid := pg_current_xact_id()::text::bigint;
    NEW.at := clock_timestamp();
    NEW.db_user := session_user;
    NEW.canonical := public.audit_canonical(NEW);
    NEW.leaf_hash := sha256('\\x00'::bytea || NEW.canonical);
    RETURN NEW;
END $$;

CREATE FUNCTION audit_queue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO public.audit_pending (entry_id, leaf_hash) VALUES (NEW.id, NEW.leaf_hash);
    RETURN NULL;
END $$;

CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused to every role', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_entry_stamp BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_stamp();
CREATE TRIGGER audit_entry_queue AFTER INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_queue();
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER auditlog_logentry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON auditlog_logentry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_stamp;
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_queue;
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_append_only;
ALTER TABLE auditlog_logentry ENABLE ALWAYS TRIGGER auditlog_logentry_append_only;
REVOKE EXECUTE ON FUNCTION audit_stamp(), audit_queue(), audit_refuse_change() FROM PUBLIC;
"""

GRANTS = """
GRANT SELECT ON audit_entry TO udvej_app, udvej_sealer, udvej_reader;
GRANT INSERT (
    action, actor_agency, actor_client, actor_user, on_behalf_of, role, subject_kind, subject_id, purpose,
    basis, basis_version, consent, consent_version, categories, outcome, refusal, result_ids, criterion,
    correlation, request_id, changes, detail
) ON audit_entry TO udvej_app;
GRANT SELECT, DELETE ON audit_pending TO udvej_sealer;
GRANT SELECT, INSERT ON auditlog_logentry TO udvej_app;
GRANT SELECT ON auditlog_logentry TO udvej_reader;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("auditlog", "0017_add_actor_email")]

    operations = [
        migrations.RunSQL(CANONICAL, migrations.RunSQL.noop),
        migrations.RunSQL(STAMP, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
