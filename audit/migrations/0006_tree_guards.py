"""
The tree over the ledger, guarded by the database itself.

What the sealer writes must follow from what is there: leaves without a gap and with their entries' hashes, tiles of
leaves that exist, checkpoints that never shrink; nothing leaves the queue without its leaf. All of it is append-only.
An entry is deleted under a tombstone alone, by a rule that covers it, and not before the shortest period is over.
"""

from django.db import migrations

SEAL = """
CREATE FUNCTION audit_leaf_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    first bigint;
    last bigint;
    many bigint;
BEGIN
    SELECT min(f.index), max(f.index), count(*) INTO first, last, many FROM fresh f;
    IF many = 0 THEN
        RETURN NULL;
    END IF;
    IF first <> (SELECT coalesce(max(l.index), -1) + 1 FROM public.audit_leaf l WHERE l.index < first)
        OR last - first + 1 <> many OR (SELECT max(l.index) FROM public.audit_leaf l) > last THEN
        RAISE EXCEPTION 'leaves follow each other without a gap' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM fresh f LEFT JOIN public.audit_entry e ON e.id = f.entry_id
        WHERE e.leaf_hash IS DISTINCT FROM f.leaf_hash) THEN
        RAISE EXCEPTION 'a leaf is the hash of an entry' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_tile_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    below bytea;
BEGIN
    IF NEW.level = 0 THEN
        SELECT string_agg(l.leaf_hash, ''::bytea ORDER BY l.index) INTO below FROM public.audit_leaf l
            WHERE l.index >= NEW.index * 256 AND l.index < (NEW.index + 1) * 256;
    ELSE
        SELECT string_agg(t.root, ''::bytea ORDER BY t.index) INTO below FROM public.audit_tile t
            WHERE t.level = NEW.level - 1 AND t.index >= NEW.index * 256 AND t.index < (NEW.index + 1) * 256;
    END IF;
    IF below IS DISTINCT FROM NEW.hashes OR length(NEW.hashes) <> 8192 OR length(NEW.root) <> 32 THEN
        RAISE EXCEPTION 'a tile is what lies below it' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION audit_checkpoint_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.at := clock_timestamp();
    IF NEW.size < coalesce((SELECT max(c.size) FROM public.audit_checkpoint c), 0)
        OR NEW.size > coalesce((SELECT max(l.index) + 1 FROM public.audit_leaf l), 0) THEN
        RAISE EXCEPTION 'a checkpoint never shrinks, and covers leaves that exist' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION audit_stamp_time() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION audit_pending_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM gone g LEFT JOIN public.audit_leaf l ON l.entry_id = g.entry_id
        WHERE l.leaf_hash IS DISTINCT FROM g.leaf_hash) THEN
        RAISE EXCEPTION 'an entry leaves the queue when it is sealed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER audit_leaf_guard AFTER INSERT ON audit_leaf REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION audit_leaf_guard();
CREATE TRIGGER audit_tile_guard BEFORE INSERT ON audit_tile FOR EACH ROW EXECUTE FUNCTION audit_tile_guard();
CREATE TRIGGER audit_checkpoint_guard BEFORE INSERT ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_checkpoint_guard();
CREATE TRIGGER audit_cosignature_stamp BEFORE INSERT ON audit_cosignature
    FOR EACH ROW EXECUTE FUNCTION audit_stamp_time();
CREATE TRIGGER audit_logkey_stamp BEFORE INSERT ON audit_logkey FOR EACH ROW EXECUTE FUNCTION audit_stamp_time();
CREATE TRIGGER audit_pending_guard AFTER DELETE ON audit_pending REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION audit_pending_guard();
CREATE TRIGGER audit_pending_append_only BEFORE UPDATE OR TRUNCATE ON audit_pending
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_tile_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_tile
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_cosignature_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_cosignature
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_logkey_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logkey
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER audit_leaf_guard;
ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER audit_leaf_append_only;
ALTER TABLE audit_tile ENABLE ALWAYS TRIGGER audit_tile_guard;
ALTER TABLE audit_tile ENABLE ALWAYS TRIGGER audit_tile_append_only;
ALTER TABLE audit_checkpoint ENABLE ALWAYS TRIGGER audit_checkpoint_guard;
ALTER TABLE audit_checkpoint ENABLE ALWAYS TRIGGER audit_checkpoint_append_only;
ALTER TABLE audit_cosignature ENABLE ALWAYS TRIGGER audit_cosignature_stamp;
ALTER TABLE audit_cosignature ENABLE ALWAYS TRIGGER audit_cosignature_append_only;
ALTER TABLE audit_logkey ENABLE ALWAYS TRIGGER audit_logkey_stamp;
ALTER TABLE audit_logkey ENABLE ALWAYS TRIGGER audit_logkey_append_only;
ALTER TABLE audit_pending ENABLE ALWAYS TRIGGER audit_pending_guard;
ALTER TABLE audit_pending ENABLE ALWAYS TRIGGER audit_pending_append_only;
"""

PRUNE = """
-- What a rule lets go. Use entries: what was refused, and looks that showed nobody another agency's content. Whose it
-- was is as the application says it, and a release holds it to that (referrals/migrations/0014).
CREATE FUNCTION audit_prunable(p_rule text, e audit_entry) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.changes = '' AND CASE p_rule
        WHEN 'use-entries' THEN e.outcome = 'refused'
            OR e.action IN ('referral.search', 'audit.inspect', 'audit.findings', 'audit.export', 'audit.download')
            OR (e.action IN ('referral.disclose', 'referral.messages', 'referral.amendments')
                AND e.detail ->> 'side' = 'sender' AND NOT 'outcome' = ANY (e.categories)
                AND NOT e.detail ?| ARRAY['messages', 'break_glass'])
        ELSE false END
$$;

CREATE FUNCTION audit_removed_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM public.audit_tombstone t, public.audit_leaf l, public.audit_entry e
        WHERE t.number = NEW.tombstone AND l.index = NEW.index AND e.id = l.entry_id
            AND l.index < (SELECT max(c.size) FROM public.audit_checkpoint c)
            AND e.at < t.before AND public.audit_prunable(t.rule, e)) THEN
        RAISE EXCEPTION 'no rule lets this entry go' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION audit_entry_prune_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM public.audit_leaf l JOIN public.audit_removed r ON r.index = l.index
            JOIN public.audit_tombstone t ON t.number = r.tombstone
        WHERE l.entry_id = OLD.id AND t.xid = pg_current_xact_id()::text::bigint
            AND OLD.at < t.before AND public.audit_prunable(t.rule, OLD)) THEN
        RAISE EXCEPTION 'no tombstone lets this entry go' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION audit_entry_refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM public.audit_tombstone t
        WHERE t.xid = pg_current_xact_id_if_assigned()::text::bigint) THEN
        RETURN NULL;  -- a pruning: each row is weighed by audit_entry_prune_guard
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused to every role', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION audit_tombstone_stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.at := clock_timestamp();
    NEW.xid := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;

CREATE TRIGGER audit_tombstone_stamp BEFORE INSERT ON audit_tombstone
    FOR EACH ROW EXECUTE FUNCTION audit_tombstone_stamp();
CREATE TRIGGER audit_tombstone_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_tombstone
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_removed_guard BEFORE INSERT ON audit_removed
    FOR EACH ROW EXECUTE FUNCTION audit_removed_guard();
CREATE TRIGGER audit_removed_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_removed
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
DROP TRIGGER audit_entry_append_only ON audit_entry;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse_change();
CREATE TRIGGER audit_entry_prune_guard BEFORE DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_prune_guard();
ALTER TABLE audit_tombstone ENABLE ALWAYS TRIGGER audit_tombstone_stamp;
ALTER TABLE audit_tombstone ENABLE ALWAYS TRIGGER audit_tombstone_append_only;
ALTER TABLE audit_removed ENABLE ALWAYS TRIGGER audit_removed_guard;
ALTER TABLE audit_removed ENABLE ALWAYS TRIGGER audit_removed_append_only;
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_append_only;
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_prune_guard;
"""

LOOKS = """
ALTER TABLE audit_entry DROP CONSTRAINT audit_entry_a_look_names_its_case;
ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_a_look_names_its_case CHECK (
    action NOT IN ('audit.inspect', 'audit.findings', 'audit.export', 'audit.download') OR outcome = 'refused'
    OR coalesce(detail ->> 'case_number', '') <> '' OR coalesce(detail ->> 'case_reason', '') <> ''
);
"""

CHECKABLE = """
-- An entry that the format does not know would stand in the log for ever, and no verifier would get past it.
ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_can_be_checked_by_anyone CHECK (
    octet_length(canonical) <= 1000000
    AND coalesce(array_ndims(categories), 1) = 1 AND array_position(categories, NULL) IS NULL
    AND coalesce(array_ndims(result_ids), 1) = 1 AND array_position(result_ids, NULL) IS NULL
    AND changes ~ '^([0-9a-f]{64})?$' AND criterion ~ '^([0-9a-f]{64})?$'
    AND coalesce(basis_version, 0) >= 0 AND coalesce(consent_version, 0) >= 0
);
"""

STRENGTH = """
INSERT INTO audit_strength (name, since) VALUES ('committed', now());
CREATE UNIQUE INDEX audit_strength_is_one ON audit_strength ((true));

-- What every release asks of its entry first (ledger.md 5): with the strength `sealed`, a signed checkpoint covers it.
CREATE FUNCTION audit_require_sealed(p_entry uuid) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (SELECT s.name FROM public.audit_strength s) IS DISTINCT FROM 'committed' AND NOT EXISTS (
        SELECT 1 FROM public.audit_leaf l WHERE l.entry_id = p_entry
            AND l.index < (SELECT max(c.size) FROM public.audit_checkpoint c)) THEN
        RAISE EXCEPTION 'no signed checkpoint covers the entry yet' USING ERRCODE = 'UD003';
    END IF;
END $$;

-- How many entries no checkpoint covers yet, and since when the oldest of them waits; counts to 100,000 at most.
CREATE FUNCTION audit_waiting() RETURNS TABLE (entries bigint, since timestamptz) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH waiting AS (
        SELECT l.entry_id FROM public.audit_leaf l
            WHERE l.index >= coalesce((SELECT max(c.size) FROM public.audit_checkpoint c), 0)
        UNION ALL
        SELECT p.entry_id FROM public.audit_pending p
    ), counted AS (SELECT entry_id FROM waiting LIMIT 100000)
    SELECT (SELECT count(*) FROM counted), (SELECT e.at FROM public.audit_entry e WHERE e.id = (
        SELECT least(
            (SELECT p.entry_id FROM public.audit_pending p ORDER BY p.entry_id LIMIT 1),
            (SELECT l.entry_id FROM public.audit_leaf l
                WHERE l.index >= coalesce((SELECT max(c.size) FROM public.audit_checkpoint c), 0)
                ORDER BY l.index LIMIT 1))))
$$;
"""

GRANTS = """
REVOKE EXECUTE ON FUNCTION audit_leaf_guard(), audit_tile_guard(), audit_checkpoint_guard(), audit_stamp_time(),
    audit_pending_guard(), audit_prunable(text, audit_entry), audit_removed_guard(), audit_entry_prune_guard(),
    audit_entry_refuse_change(), audit_tombstone_stamp(), audit_require_sealed(uuid), audit_waiting() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_prunable(text, audit_entry) TO udvej_sealer;
GRANT EXECUTE ON FUNCTION audit_waiting() TO udvej_app, udvej_sealer, udvej_reader;
GRANT SELECT ON audit_leaf, audit_tile, audit_checkpoint, audit_cosignature, audit_logkey, audit_tombstone,
    audit_removed, audit_strength TO udvej_app, udvej_sealer, udvej_reader;
GRANT SELECT ON audit_pending TO udvej_reader;
GRANT SELECT ON auditlog_logentry TO udvej_sealer;
GRANT INSERT ON audit_leaf, audit_tile, audit_removed TO udvej_sealer;
GRANT INSERT (number, size, root, note) ON audit_checkpoint TO udvej_sealer;
GRANT INSERT (number, checkpoint, witness, line) ON audit_cosignature TO udvej_sealer;
GRANT INSERT (vkey, number, size, handover) ON audit_logkey TO udvej_sealer;
GRANT INSERT (number, rule, before, count, note) ON audit_tombstone TO udvej_sealer;
GRANT DELETE ON audit_entry TO udvej_sealer;
GRANT INSERT (
    action, actor_agency, actor_client, actor_user, on_behalf_of, role, subject_kind, subject_id, purpose,
    basis, basis_version, consent, consent_version, categories, outcome, refusal, result_ids, criterion,
    correlation, request_id, changes, detail
) ON audit_entry TO udvej_sealer;
GRANT SELECT ON django_migrations TO udvej_sealer, udvej_reader;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_the_tree")]

    operations = [
        migrations.RunSQL(SEAL, migrations.RunSQL.noop),
        migrations.RunSQL(PRUNE, migrations.RunSQL.noop),
        migrations.RunSQL(LOOKS, migrations.RunSQL.noop),
        migrations.RunSQL(CHECKABLE, migrations.RunSQL.noop),
        migrations.RunSQL(STRENGTH, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
