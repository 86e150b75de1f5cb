"""
Record first, then release: the application's role can write a section but not read it back.

`referrals_release` hands out sealed sections for one ledger entry: committed, at most five seconds old, naming this
referral, this agency and these categories, and resting on a consent that stands at this instant. The consent's row is
locked FOR SHARE, so a withdrawal either waits for the release or stops it.
"""

from django.db import migrations

RELEASE = """
CREATE FUNCTION referrals_consent_stands(p_consent uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last_kind text;
    last_end timestamptz;
BEGIN
    PERFORM 1 FROM public.consent_consent WHERE id = p_consent FOR SHARE;
    SELECT kind, expires_at INTO last_kind, last_end FROM public.consent_consentevent
        WHERE consent_id = p_consent ORDER BY number DESC LIMIT 1;
    RETURN coalesce(last_kind IN ('given', 'renewed') AND last_end > clock_timestamp(), false);
END $$;

CREATE FUNCTION referrals_release(p_entry uuid, p_agency uuid)
RETURNS TABLE (category varchar, part smallint, sealed bytea) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entry public.audit_entry;
    referral public.referrals_referral;
    rests_on_consent boolean;
    agency_kind text;
    on_consent boolean;
    consent_locked uuid;
BEGIN
    SELECT * INTO entry FROM public.audit_entry WHERE id = p_entry;
    IF p_agency IS NULL OR entry.id IS NULL OR entry.xid = pg_current_xact_id()::text::bigint THEN
        RAISE EXCEPTION 'nothing is released before its entry is committed' USING ERRCODE = 'UD001';
    END IF;
    IF entry.at < clock_timestamp() - interval '5 seconds' THEN
        RAISE EXCEPTION 'the entry is too old to release anything' USING ERRCODE = 'UD001';
    END IF;
    IF entry.outcome <> 'done' OR entry.subject_kind <> 'referral' OR entry.actor_agency IS DISTINCT FROM p_agency THEN
        RAISE EXCEPTION 'the entry is not of this disclosure' USING ERRCODE = 'UD001';
    END IF;
    -- The consent is locked before the referral, as a withdrawal locks them; then nothing here is older than the locks.
    SELECT r.consent_id INTO consent_locked FROM public.referrals_referral r WHERE r.id = entry.subject_id::uuid
        AND CASE WHEN p_agency = r.sender_id THEN 'outcome' = ANY (entry.categories) ELSE true END;
    PERFORM 1 FROM public.consent_consent WHERE id = consent_locked FOR SHARE;
    SELECT * INTO referral FROM public.referrals_referral WHERE id = entry.subject_id::uuid FOR SHARE;
    IF (consent_locked IS NOT NULL AND referral.consent_id IS DISTINCT FROM consent_locked)
        OR entry.detail ->> 'version' <> referral.version::text THEN
        RAISE EXCEPTION 'the referral has changed since the entry was made' USING ERRCODE = 'UD001';
    END IF;
    IF referral.id IS NULL OR referral.status = 'entered_in_error'
        OR NOT (
            p_agency = referral.sender_id
            OR coalesce(p_agency = referral.recipient_id AND referral.submitted_at IS NOT NULL, false)
        ) THEN
        IF entry.categories <@ ARRAY['status'] THEN
            RETURN;
        END IF;
        RAISE EXCEPTION 'the agency is not a party to the referral' USING ERRCODE = 'UD001';
    END IF;
    SELECT kind INTO agency_kind FROM public.agencies_agency WHERE id = p_agency;
    IF (referral.status = 'taken_over_by_police' AND agency_kind <> 'police_prevention' AND NOT entry.categories <@ ARRAY['status'])
        OR (p_agency <> referral.sender_id AND NOT entry.categories <@ ARRAY['status', 'outcome']
            AND referral.status IN ('rejected', 'redirected', 'withdrawn', 'expired', 'consent_withdrawn')) THEN
        RAISE EXCEPTION 'the agency has no task with the referral any more' USING ERRCODE = 'UD001';
    END IF;
    SELECT consent_kind <> '' INTO on_consent FROM public.consent_legalbasis WHERE id = referral.basis_id;
    rests_on_consent := coalesce(on_consent, false) AND CASE
        WHEN p_agency = referral.sender_id THEN 'outcome' = ANY (entry.categories)
        ELSE NOT entry.categories <@ ARRAY['status', 'outcome']
    END;
    IF rests_on_consent AND NOT public.referrals_consent_stands(referral.consent_id) THEN
        RAISE EXCEPTION 'the consent does not stand' USING ERRCODE = 'UD002';
    END IF;
    RETURN QUERY SELECT s.category, s.part, s.sealed FROM public.referrals_section s
        WHERE s.referral_id = referral.id AND split_part(s.category, '.', 1) = ANY (entry.categories)
            AND (s.category <> 'outcome' OR p_agency = referral.sender_id OR s.written_by_id = p_agency)
        ORDER BY s.category, s.part;
END $$;

REVOKE EXECUTE ON FUNCTION referrals_release(uuid, uuid), referrals_consent_stands(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION referrals_release(uuid, uuid) TO udvej_app;
"""

GUARDS = """
CREATE FUNCTION referrals_section_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    now_status text;
BEGIN
    SELECT status INTO now_status FROM public.referrals_referral
        WHERE id = CASE WHEN TG_OP = 'INSERT' THEN NEW.referral_id ELSE OLD.referral_id END;
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a section is written anew, never edited' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' AND now_status <> 'draft' THEN
        RAISE EXCEPTION 'only a draft can be edited' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' AND now_status <> 'draft' AND NEW.category NOT IN ('outcome', 'reason.necessity')
        AND NEW.category NOT LIKE '%.message' THEN
        RAISE EXCEPTION 'only a draft can be edited' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;

CREATE FUNCTION referrals_header_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.status = 'draft' AND OLD.status <> 'draft' THEN
        RAISE EXCEPTION 'what was submitted never becomes a draft again' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER referrals_referral_stays_submitted BEFORE UPDATE ON referrals_referral
    FOR EACH ROW EXECUTE FUNCTION referrals_header_guard();
ALTER TABLE referrals_referral ENABLE ALWAYS TRIGGER referrals_referral_stays_submitted;

CREATE FUNCTION referrals_parties_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.sender_id, NEW.subject_id, NEW.parent_id, NEW.idempotency_key, NEW.body_hash, NEW.created_at)
        IS DISTINCT FROM
        (OLD.id, OLD.sender_id, OLD.subject_id, OLD.parent_id, OLD.idempotency_key, OLD.body_hash, OLD.created_at)
        OR (OLD.status <> 'draft' AND NEW.recipient_id IS DISTINCT FROM OLD.recipient_id) THEN
        RAISE EXCEPTION 'a referral keeps its parties and its person' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status IN ('completed', 'closed_unsuccessful', 'rejected', 'redirected', 'withdrawn', 'expired',
        'entered_in_error', 'taken_over_by_police') AND NEW.status NOT IN (OLD.status, 'entered_in_error') THEN
        RAISE EXCEPTION 'what has ended is not reopened' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER referrals_referral_keeps_its_parties AFTER UPDATE ON referrals_referral
    FOR EACH ROW EXECUTE FUNCTION referrals_parties_guard();
ALTER TABLE referrals_referral ENABLE ALWAYS TRIGGER referrals_referral_keeps_its_parties;
CREATE TRIGGER referrals_section_is_not_emptied BEFORE TRUNCATE ON referrals_section
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE referrals_section ENABLE ALWAYS TRIGGER referrals_section_is_not_emptied;
CREATE TRIGGER referrals_section_only_drafts_change BEFORE INSERT OR UPDATE OR DELETE ON referrals_section
    FOR EACH ROW EXECUTE FUNCTION referrals_section_guard();
ALTER TABLE referrals_section ENABLE ALWAYS TRIGGER referrals_section_only_drafts_change;
REVOKE EXECUTE ON FUNCTION referrals_section_guard(), referrals_header_guard(), referrals_parties_guard()
    FROM PUBLIC;
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON referrals_referral TO udvej_app;
GRANT SELECT (id, referral_id, category, part, written_by_id), INSERT, DELETE ON referrals_section TO udvej_app;
GRANT SELECT, INSERT ON referrals_batchkey TO udvej_app;
GRANT USAGE ON SEQUENCE referrals_batchkey_id_seq TO udvej_app;
GRANT SELECT, INSERT ON referrals_referralgroupobjectpermission, referrals_access TO udvej_app;
GRANT SELECT, INSERT, DELETE ON referrals_referraluserobjectpermission TO udvej_app;
GRANT USAGE ON SEQUENCE referrals_section_id_seq, referrals_referralgroupobjectpermission_id_seq,
    referrals_referraluserobjectpermission_id_seq, referrals_access_id_seq TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0001_initial"), ("audit", "0002_append_only"), ("consent", "0002_guards")]

    operations = [
        migrations.RunSQL(RELEASE, migrations.RunSQL.noop),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
