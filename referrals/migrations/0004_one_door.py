"""
One door for all that a referral holds: sections, messages, files and tasks, each for one committed entry.

`referrals_admit` decides for every path: the entry is committed, fresh, and of this referral, agency and person; the
agency still has a task with the referral; and the legal basis, or the consent it needs, carries each category at this
instant. The consent's row stays locked FOR SHARE until the caller's transaction ends, which is when its answer is
ready, so a withdrawal is acknowledged after every answer that it did not stop.
"""

from django.db import migrations

GROUND = """
DROP FUNCTION referrals_release(uuid, uuid);
DROP FUNCTION referrals_consent_stands(uuid);

CREATE FUNCTION referrals_admits(p_kinds text[], p_kind text, p_self_governing boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p_kind = ANY (p_kinds) OR 'any' = ANY (p_kinds) OR ('any_public_service' = ANY (p_kinds) AND (
        p_kind IN ('municipality', 'police_prevention', 'prison_probation', 'psychiatry')
        OR (p_kind = 'exit_centre' AND p_self_governing)))
$$;

CREATE FUNCTION referrals_consent_stands(p_consent uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT e.kind IN ('given', 'renewed') AND e.expires_at > clock_timestamp()
        FROM public.consent_consentevent e WHERE e.consent_id = p_consent ORDER BY e.number DESC LIMIT 1), false)
$$;

-- Whether a basis, and the consent it needs, carries these categories from one agency to another now (rules 1, 2, 8, 10).
CREATE FUNCTION referrals_require_ground(
    p_basis bigint, p_consent uuid, p_subject uuid, p_from uuid, p_to uuid, p_purpose text, p_categories text[],
    p_necessity boolean, p_article_9 text, p_article_10 text
) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    basis public.consent_legalbasis;
    consent public.consent_consent;
    sender public.agencies_agency;
    recipient public.agencies_agency;
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
    SELECT * INTO basis FROM public.consent_legalbasis WHERE id = p_basis;
    SELECT * INTO sender FROM public.agencies_agency WHERE id = p_from;
    SELECT * INTO recipient FROM public.agencies_agency WHERE id = p_to;
    -- What is unknown (NULL) is refused, here and wherever an objection is asked about below.
    IF coalesce(basis.id IS NULL OR sender.id IS NULL OR recipient.id IS NULL
        OR NOT (basis.carries = 'referral' OR (basis.carries = 'anonymous'
            AND EXISTS (SELECT 1 FROM public.consent_subject s WHERE s.id = p_subject AND s.mode = 'anonymous')))
        OR today < basis.valid_from OR today > coalesce(basis.valid_to, 'infinity'::date)
        OR NOT public.referrals_admits(basis.sender_kinds, sender.kind, sender.self_governing_approved)
        OR NOT public.referrals_admits(basis.recipient_kinds, recipient.kind, recipient.self_governing_approved)
        OR NOT p_purpose = ANY (basis.purposes)
        OR (basis.necessity_statement AND NOT p_necessity)
        OR (basis.self_governing_only AND sender.kind = 'exit_centre' AND NOT sender.self_governing_approved)
        OR (basis.self_governing_only AND recipient.kind = 'exit_centre' AND NOT recipient.self_governing_approved)
        OR (p_categories && ARRAY['concern', 'health'] AND (basis.article_9 IN ('no', 'not_applicable')
            OR (basis.article_9 = 'with_ground' AND p_article_9 = '')))
        OR ('concern' = ANY (p_categories) AND basis.article_9 = 'health_only')
        OR ('criminal' = ANY (p_categories) AND (basis.article_10 IN ('no', 'not_applicable')
            OR (basis.article_10 = 'with_ground' AND p_article_10 = ''))), true) THEN
        RAISE EXCEPTION 'the legal basis does not carry the disclosure' USING ERRCODE = 'UD002';
    END IF;
    IF basis.consent_kind = '' THEN
        RETURN;
    END IF;
    SELECT * INTO consent FROM public.consent_consent WHERE id = p_consent FOR SHARE;
    IF coalesce(consent.id IS NULL OR consent.kind <> basis.consent_kind OR consent.subject_id <> p_subject
        OR NOT p_to = ANY (consent.recipients) OR NOT p_purpose = ANY (consent.purposes)
        OR NOT p_categories <@ consent.categories::text[] OR NOT public.referrals_consent_stands(consent.id), true) THEN
        RAISE EXCEPTION 'the consent does not carry the disclosure' USING ERRCODE = 'UD002';
    END IF;
END $$;
"""

GLASS = """
-- What is asked of an entry that shows something through broken glass, besides what `referrals_admit` asks.
CREATE FUNCTION referrals_require_glass(p_entry public.audit_entry, p_agency uuid, p_referral uuid, p_shown text[])
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    glass public.referrals_breakglass;
    referral public.referrals_referral;
    basis public.consent_legalbasis;
    mine public.agencies_agency;
    other public.agencies_agency;
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    sends boolean;
    apart boolean;
BEGIN
    SELECT * INTO glass FROM public.referrals_breakglass b WHERE b.id::text = p_entry.detail ->> 'break_glass';
    SELECT * INTO referral FROM public.referrals_referral r WHERE r.id = p_referral;
    sends := referral.sender_id = p_agency;
    SELECT * INTO mine FROM public.agencies_agency a WHERE a.id = p_agency;
    SELECT * INTO other FROM public.agencies_agency a
        WHERE a.id = CASE WHEN sends THEN referral.recipient_id ELSE referral.sender_id END;
    SELECT * INTO basis FROM public.consent_legalbasis b WHERE b.code = 'VITAL' AND b.valid_from <= today
        AND today <= coalesce(b.valid_to, 'infinity'::date) ORDER BY b.version DESC LIMIT 1;
    IF coalesce(glass.id IS NULL OR referral.id IS NULL OR basis.id IS NULL OR p_entry.subject_kind <> 'referral'
        OR p_entry.purpose <> 'averting_danger' OR NOT p_entry.purpose = ANY (basis.purposes)
        OR glass.verdict = 'not_justified' OR clock_timestamp() >= glass.until, true) THEN
        RAISE EXCEPTION 'no glass is broken for this' USING ERRCODE = 'UD001';
    END IF;
    -- What the recipient wrote itself it reads without the glass, but for those the case is not assigned to.
    SELECT referral.status = 'consent_withdrawn' OR (p_entry.role <> 'coordinator'
        AND bool_and(p.user_id::text <> p_entry.actor_user)) INTO apart
        FROM public.referrals_referraluserobjectpermission p WHERE p.content_object_id = p_referral;
    IF NOT sends AND 'outcome' = ANY (p_shown) AND coalesce(apart, false)
        AND NOT 'outcome' = ANY (glass.categories::text[]) THEN
        RAISE EXCEPTION 'no glass is broken for this' USING ERRCODE = 'UD001';
    END IF;
    IF public.referrals_admits(basis.recipient_kinds, mine.kind, mine.self_governing_approved)
        AND public.referrals_admits(basis.sender_kinds, other.kind, other.self_governing_approved) THEN
        RETURN;
    END IF;
    -- The basis does not reach this agency: the glass lifts the assignment, and nothing else.
    IF sends THEN
        IF 'outcome' = ANY (p_shown) THEN
            RAISE EXCEPTION 'vital interests do not carry this to the agency' USING ERRCODE = 'UD002';
        END IF;
        RETURN;
    END IF;
    IF referral.status IN ('rejected', 'redirected', 'withdrawn', 'expired', 'consent_withdrawn') THEN
        RAISE EXCEPTION 'the agency has no task with the referral any more' USING ERRCODE = 'UD001';
    END IF;
    PERFORM public.referrals_require_ground(referral.basis_id, referral.consent_id, referral.subject_id,
        referral.sender_id, p_agency, referral.purpose, array_remove(p_shown, 'outcome'),
        referral.necessity_stated, referral.article_9_ground, referral.article_10_ground);
END $$;
"""

ADMIT = """
CREATE FUNCTION referrals_admit(p_entry uuid, p_agency uuid, p_referral uuid) RETURNS text[] LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entry public.audit_entry;
    referral public.referrals_referral;
    member record;
    glass public.referrals_breakglass;
    shown text[];
    rests_on uuid;
    sends boolean;
    purpose text;
BEGIN
    SELECT * INTO entry FROM public.audit_entry WHERE id = p_entry;
    IF p_agency IS NULL OR entry.id IS NULL OR entry.xid = pg_current_xact_id_if_assigned()::text::bigint THEN
        RAISE EXCEPTION 'nothing is released before its entry is committed' USING ERRCODE = 'UD001';
    END IF;
    IF entry.at < clock_timestamp() - interval '5 seconds' THEN
        RAISE EXCEPTION 'the entry is too old to release anything' USING ERRCODE = 'UD001';
    END IF;
    IF entry.purpose = 'investigation' THEN
        RAISE EXCEPTION 'nothing here is for investigation' USING ERRCODE = 'UD001';
    END IF;
    IF entry.outcome <> 'done' OR entry.actor_agency IS DISTINCT FROM p_agency OR NOT (
        (entry.subject_kind = 'referral' AND entry.subject_id = p_referral::text)
        OR (entry.subject_kind = 'subject' AND entry.purpose = 'subject_access' AND p_referral = ANY (entry.result_ids)
            AND EXISTS (SELECT 1 FROM public.referrals_referral r
                JOIN public.consent_subject s ON r.subject_id IN (s.id, s.formerly_id)
                WHERE r.id = p_referral AND r.sender_id = p_agency AND s.registered_by_id = p_agency
                AND s.id::text = entry.subject_id))) THEN
        RAISE EXCEPTION 'the entry is not of this disclosure' USING ERRCODE = 'UD001';
    END IF;
    SELECT m.role, m.user_id, a.kind INTO member FROM public.agencies_membership m
        JOIN public.agencies_user u ON u.id = m.user_id AND u.is_active
        JOIN public.agencies_agency a ON a.id = m.agency_id AND a.active
        WHERE m.agency_id = p_agency AND m.user_id::text = entry.actor_user AND m.active
            AND m.role IN ('caseworker', 'coordinator', 'counsellor');
    IF member.user_id IS NULL THEN
        RAISE EXCEPTION 'the person does not work at the agency' USING ERRCODE = 'UD001';
    END IF;
    shown := array_remove(entry.categories, 'status');
    -- A person's insight is one entry about several referrals; it names those of which the outcome comes along.
    IF entry.subject_kind = 'subject'
        AND NOT p_referral::text = ANY (string_to_array(coalesce(entry.detail ->> 'outcome_of', ''), ',')) THEN
        shown := array_remove(shown, 'outcome');
    END IF;
    -- The consent is locked before the referral, as a withdrawal locks them; then nothing here is older than the locks.
    SELECT r.sender_id = p_agency, CASE
        WHEN r.sender_id = p_agency AND NOT 'outcome' = ANY (shown) THEN NULL
        WHEN r.sender_id = p_agency AND r.outcome_basis_id IS NOT NULL THEN r.outcome_consent_id
        ELSE r.consent_id END
        INTO sends, rests_on FROM public.referrals_referral r WHERE r.id = p_referral;
    PERFORM 1 FROM public.consent_consent WHERE id = rests_on FOR SHARE;
    SELECT * INTO referral FROM public.referrals_referral WHERE id = p_referral FOR SHARE;
    IF entry.subject_kind = 'referral' AND entry.detail ->> 'version' IS DISTINCT FROM referral.version::text THEN
        RAISE EXCEPTION 'the referral has changed since the entry was made' USING ERRCODE = 'UD001';
    END IF;
    IF coalesce(referral.id IS NULL OR referral.status = 'entered_in_error' OR NOT (p_agency = referral.sender_id OR (
        p_agency = referral.recipient_id AND referral.submitted_at IS NOT NULL AND referral.status <> 'draft')), true) THEN
        IF shown = '{}' THEN
            RETURN shown;
        END IF;
        RAISE EXCEPTION 'the agency is not a party to the referral' USING ERRCODE = 'UD001';
    END IF;
    IF shown <> '{}' AND referral.status = 'taken_over_by_police' AND member.kind <> 'police_prevention' THEN
        RAISE EXCEPTION 'the agency has no task with the referral any more' USING ERRCODE = 'UD001';
    END IF;
    IF entry.detail ? 'break_glass' THEN
        SELECT * INTO glass FROM public.referrals_breakglass b WHERE b.id::text = entry.detail ->> 'break_glass';
        IF coalesce(entry.purpose <> 'averting_danger' OR glass.referral_id IS DISTINCT FROM p_referral
            OR glass.agency_id IS DISTINCT FROM p_agency OR glass.user_id IS DISTINCT FROM member.user_id
            OR glass.until <= clock_timestamp()
            OR (sends AND 'outcome' = ANY (shown) AND NOT 'outcome' = ANY (glass.categories))
            OR (NOT sends AND NOT shown <@ (glass.categories::text[] || '{outcome}'::text[])), true) THEN
            RAISE EXCEPTION 'no glass is broken for this' USING ERRCODE = 'UD001';
        END IF;
        IF shown <> '{}' THEN
            PERFORM public.referrals_require_glass(entry, p_agency, p_referral, shown);
        END IF;
        RETURN shown;
    END IF;
    IF sends AND NOT 'outcome' = ANY (shown) OR shown = '{}' THEN
        RETURN shown;
    END IF;
    -- What may come back for the work may be shown to the person; insight is no purpose of the work.
    purpose := CASE entry.subject_kind WHEN 'subject' THEN referral.purpose ELSE entry.purpose END;
    IF sends AND referral.outcome_basis_id IS NOT NULL THEN
        PERFORM public.referrals_require_ground(referral.outcome_basis_id, referral.outcome_consent_id,
            referral.subject_id, referral.recipient_id, referral.sender_id, purpose, '{outcome}',
            referral.outcome_necessity_stated, '', '');
    ELSIF sends THEN
        -- It comes back on the permission in the consent that carries the referral itself, and while that does.
        PERFORM public.referrals_require_ground(referral.basis_id, referral.consent_id, referral.subject_id,
            referral.sender_id, referral.recipient_id, purpose, '{}', referral.necessity_stated, '', '');
        IF NOT EXISTS (SELECT 1 FROM public.consent_consent c JOIN public.consent_legalbasis b ON b.consent_kind <> ''
            WHERE c.id = referral.consent_id AND b.id = referral.basis_id AND c.report_back) THEN
            RAISE EXCEPTION 'the outcome has no ground of its own' USING ERRCODE = 'UD002';
        END IF;
    ELSE
        IF referral.status IN ('rejected', 'redirected', 'withdrawn', 'expired', 'consent_withdrawn')
            AND NOT shown <@ ARRAY['outcome'] THEN
            RAISE EXCEPTION 'the agency has no task with the referral any more' USING ERRCODE = 'UD001';
        END IF;
        IF member.role <> 'coordinator' AND EXISTS (SELECT 1 FROM public.referrals_referraluserobjectpermission p
            WHERE p.content_object_id = p_referral) AND NOT EXISTS (
            SELECT 1 FROM public.referrals_referraluserobjectpermission p
            WHERE p.content_object_id = p_referral AND p.user_id = member.user_id) THEN
            RAISE EXCEPTION 'the referral is assigned to somebody else' USING ERRCODE = 'UD001';
        END IF;
        IF NOT shown <@ ARRAY['outcome'] THEN
            PERFORM public.referrals_require_ground(referral.basis_id, referral.consent_id, referral.subject_id,
                referral.sender_id, p_agency, entry.purpose, array_remove(shown, 'outcome'),
                referral.necessity_stated, referral.article_9_ground, referral.article_10_ground);
        END IF;
    END IF;
    RETURN shown;
END $$;
"""

RELEASE = """
CREATE FUNCTION referrals_release(p_entry uuid, p_agency uuid, p_referral uuid)
RETURNS TABLE (category varchar, part smallint, sealed bytea) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    shown text[] := public.referrals_admit(p_entry, p_agency, p_referral);
BEGIN
    RETURN QUERY SELECT s.category, s.part, s.sealed FROM public.referrals_section s
        JOIN public.referrals_referral r ON r.id = s.referral_id
        WHERE s.referral_id = p_referral AND split_part(s.category, '.', 1) = ANY (shown)
            AND (s.category NOT LIKE 'outcome%' OR p_agency = r.sender_id OR s.written_by_id = p_agency)
        ORDER BY s.category, s.part;
END $$;

-- The other side's files flow as its sections do: to the recipient as content, and to the sender as the outcome alone.
CREATE FUNCTION referrals_release_files(p_entry uuid, p_agency uuid, p_referral uuid)
RETURNS TABLE (id uuid, about bytea) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    shown text[] := public.referrals_admit(p_entry, p_agency, p_referral);
BEGIN
    RETURN QUERY SELECT a.id, a.about FROM public.referrals_attachment a
        JOIN public.referrals_referral r ON r.id = a.referral_id
        WHERE a.referral_id = p_referral AND a.category = ANY (shown)
            AND (a.written_by_id = p_agency OR (a.category = 'outcome') = (p_agency = r.sender_id)) ORDER BY a.id;
END $$;

CREATE FUNCTION referrals_release_file(p_entry uuid, p_agency uuid, p_referral uuid, p_file uuid)
RETURNS TABLE (about bytea, sealed bytea) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    shown text[] := public.referrals_admit(p_entry, p_agency, p_referral);
    unscanned boolean;
BEGIN
    SELECT coalesce(e.detail ->> 'unscanned' = 'served', false) INTO unscanned FROM public.audit_entry e WHERE e.id = p_entry;
    RETURN QUERY SELECT a.about, a.sealed FROM public.referrals_attachment a
        JOIN public.referrals_referral r ON r.id = a.referral_id
        WHERE a.id = p_file AND a.referral_id = p_referral AND a.category = ANY (shown)
            AND (a.written_by_id = p_agency OR (a.category = 'outcome') = (p_agency = r.sender_id))
            AND (a.scan_state = 'clean' OR unscanned);
END $$;

-- A task is for the agency whose task it is, and for the one that opened it. No consent is asked for (rule 7).
CREATE FUNCTION referrals_release_task(p_entry uuid, p_agency uuid, p_task uuid) RETURNS bytea LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entry public.audit_entry;
    task public.referrals_task;
BEGIN
    SELECT * INTO entry FROM public.audit_entry WHERE id = p_entry;
    SELECT * INTO task FROM public.referrals_task WHERE id = p_task;
    IF p_agency IS NULL OR entry.id IS NULL OR entry.xid = pg_current_xact_id_if_assigned()::text::bigint
        OR entry.at < clock_timestamp() - interval '5 seconds' OR entry.outcome <> 'done'
        OR entry.actor_agency IS DISTINCT FROM p_agency OR entry.subject_kind <> 'task'
        OR entry.subject_id IS DISTINCT FROM p_task::text OR task.id IS NULL
        OR NOT p_agency IN (task.agency_id, task.opened_by_id)
        OR NOT task.categories::text[] <@ entry.categories OR NOT EXISTS (
            SELECT 1 FROM public.agencies_membership m JOIN public.agencies_user u ON u.id = m.user_id AND u.is_active
            JOIN public.agencies_agency a ON a.id = m.agency_id AND a.active
            WHERE m.agency_id = p_agency AND m.user_id::text = entry.actor_user AND m.active) THEN
        RAISE EXCEPTION 'the entry is not of this disclosure' USING ERRCODE = 'UD001';
    END IF;
    RETURN task.sealed;
END $$;

CREATE FUNCTION referrals_release_explanation(p_entry uuid, p_agency uuid, p_glass uuid) RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entry public.audit_entry;
    glass public.referrals_breakglass;
BEGIN
    SELECT * INTO entry FROM public.audit_entry WHERE id = p_entry;
    SELECT * INTO glass FROM public.referrals_breakglass WHERE id = p_glass;
    IF p_agency IS NULL OR entry.id IS NULL OR entry.xid = pg_current_xact_id_if_assigned()::text::bigint
        OR entry.at < clock_timestamp() - interval '5 seconds' OR entry.outcome <> 'done'
        OR entry.actor_agency IS DISTINCT FROM p_agency OR entry.subject_kind <> 'break-glass'
        OR glass.id IS NULL OR NOT coalesce(entry.subject_id = p_glass::text OR p_glass = ANY (entry.result_ids), false)
        OR NOT p_agency IN (glass.owner_id, glass.agency_id) OR NOT EXISTS (
            SELECT 1 FROM public.agencies_membership m JOIN public.agencies_user u ON u.id = m.user_id AND u.is_active
            JOIN public.agencies_agency a ON a.id = m.agency_id AND a.active
            WHERE m.agency_id = p_agency AND m.user_id::text = entry.actor_user AND m.active) THEN
        RAISE EXCEPTION 'the entry is not of this disclosure' USING ERRCODE = 'UD001';
    END IF;
    RETURN glass.explanation;
END $$;

REVOKE EXECUTE ON FUNCTION referrals_admits(text[], text, boolean), referrals_consent_stands(uuid),
    referrals_require_ground(bigint, uuid, uuid, uuid, uuid, text, text[], boolean, text, text),
    referrals_require_glass(audit_entry, uuid, uuid, text[]), referrals_admit(uuid, uuid, uuid),
    referrals_release(uuid, uuid, uuid), referrals_release_files(uuid, uuid, uuid),
    referrals_release_file(uuid, uuid, uuid, uuid), referrals_release_task(uuid, uuid, uuid),
    referrals_release_explanation(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION referrals_release(uuid, uuid, uuid), referrals_release_files(uuid, uuid, uuid),
    referrals_release_file(uuid, uuid, uuid, uuid), referrals_release_task(uuid, uuid, uuid),
    referrals_release_explanation(uuid, uuid, uuid) TO udvej_app;
"""

GUARDS = """
CREATE OR REPLACE FUNCTION referrals_section_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    referral public.referrals_referral;
BEGIN
    SELECT * INTO referral FROM public.referrals_referral
        WHERE id = CASE WHEN TG_OP = 'INSERT' THEN NEW.referral_id ELSE OLD.referral_id END FOR SHARE;
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a section is written anew, never edited' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' AND referral.status <> 'draft' THEN
        RAISE EXCEPTION 'only a draft can be edited' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' AND referral.status <> 'draft' AND NEW.category NOT IN ('outcome', 'reason.necessity')
        AND NEW.category NOT LIKE '%.message' THEN
        -- An amendment: a further piece beside the first, by the sender, while the referral is alive.
        IF NEW.part = 0 OR NEW.written_by_id <> referral.sender_id
            OR referral.status NOT IN ('submitted', 'received', 'info_requested', 'accepted', 'in_progress', 'on_hold') THEN
            RAISE EXCEPTION 'only a draft can be edited' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;

CREATE OR REPLACE FUNCTION referrals_header_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.status = 'draft' AND OLD.status <> 'draft' THEN
        RAISE EXCEPTION 'what was submitted never becomes a draft again' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status IN ('accepted', 'in_progress', 'on_hold', 'completed') AND NEW.screening <> 'cleared'
        AND (CASE OLD.status WHEN 'consent_withdrawn' THEN OLD.status_when_stopped ELSE OLD.status END)
            NOT IN ('accepted', 'in_progress', 'on_hold', 'completed')
        AND EXISTS (SELECT 1 FROM public.consent_legalbasis b WHERE b.id = NEW.basis_id AND b.code LIKE 'RPL115-%')
        AND EXISTS (SELECT 1 FROM public.agencies_agency a
            WHERE a.id IN (NEW.sender_id, NEW.recipient_id) AND a.kind = 'police_prevention') THEN
        RAISE EXCEPTION 'nobody joins in before the police have screened' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.responsible_id IS DISTINCT FROM OLD.responsible_id
            AND NOT (NEW.status = 'accepted' AND NEW.responsible_id = NEW.recipient_id))
        OR (NEW.status = 'accepted' AND OLD.status = 'received' AND NEW.responsible_id <> NEW.recipient_id) THEN
        RAISE EXCEPTION 'responsibility moves with the acceptance, and not otherwise' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.endangered_at IS NOT NULL AND NEW.endangered_at IS DISTINCT FROM OLD.endangered_at THEN
        RAISE EXCEPTION 'that a minor was marked as endangered stays' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION referrals_glass_stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.opened_at := clock_timestamp();
    IF NEW.until > NEW.opened_at + interval '60 minutes' OR NEW.reviewed_at IS NOT NULL THEN
        RAISE EXCEPTION 'broken glass lasts at most 60 minutes, and is reviewed later' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION referrals_glass_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.reviewed_at IS NOT NULL
        OR to_jsonb(NEW) - '{reviewed_at,reviewed_by_id,reviewer_staff_id,verdict}'::text[]
            <> to_jsonb(OLD) - '{reviewed_at,reviewed_by_id,reviewer_staff_id,verdict}'::text[] THEN
        RAISE EXCEPTION 'broken glass is reviewed once, and nothing else of it changes' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.reviewed_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION referrals_task_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.done_at IS NOT NULL
        OR to_jsonb(NEW) - '{done_at,done_by_staff,done_reason,version}'::text[]
            <> to_jsonb(OLD) - '{done_at,done_by_staff,done_reason,version}'::text[] THEN
        RAISE EXCEPTION 'a task is done once, and nothing else of it changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER referrals_breakglass_is_stamped BEFORE INSERT ON referrals_breakglass
    FOR EACH ROW EXECUTE FUNCTION referrals_glass_stamp();
CREATE TRIGGER referrals_breakglass_is_only_reviewed BEFORE UPDATE OR DELETE ON referrals_breakglass
    FOR EACH ROW EXECUTE FUNCTION referrals_glass_guard();
CREATE TRIGGER referrals_breakglass_is_not_emptied BEFORE TRUNCATE ON referrals_breakglass
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER referrals_task_is_only_done BEFORE UPDATE OR DELETE ON referrals_task
    FOR EACH ROW EXECUTE FUNCTION referrals_task_guard();
CREATE TRIGGER referrals_task_is_not_emptied BEFORE TRUNCATE ON referrals_task
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER referrals_attachment_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON referrals_attachment
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER referrals_withholding_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON referrals_withholding
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE referrals_breakglass ENABLE ALWAYS TRIGGER referrals_breakglass_is_stamped;
ALTER TABLE referrals_breakglass ENABLE ALWAYS TRIGGER referrals_breakglass_is_only_reviewed;
ALTER TABLE referrals_breakglass ENABLE ALWAYS TRIGGER referrals_breakglass_is_not_emptied;
ALTER TABLE referrals_task ENABLE ALWAYS TRIGGER referrals_task_is_only_done;
ALTER TABLE referrals_task ENABLE ALWAYS TRIGGER referrals_task_is_not_emptied;
ALTER TABLE referrals_attachment ENABLE ALWAYS TRIGGER referrals_attachment_append_only;
ALTER TABLE referrals_withholding ENABLE ALWAYS TRIGGER referrals_withholding_append_only;
REVOKE EXECUTE ON FUNCTION referrals_glass_stamp(), referrals_glass_guard(), referrals_task_guard() FROM PUBLIC;
"""

GRANTS = """
GRANT SELECT (id, referral_id, category, media_type, size, scan_state, written_by_id, idempotency_key, body_hash,
    created_at), INSERT ON referrals_attachment TO udvej_app;
GRANT SELECT (id, referral_id, agency_id, owner_id, user_id, staff_id, reason_code, categories, opened_at, until,
    reviewed_at, reviewed_by_id, reviewer_staff_id, verdict, idempotency_key, body_hash), INSERT,
    UPDATE (reviewed_at, reviewed_by_id, reviewer_staff_id, verdict) ON referrals_breakglass TO udvej_app;
GRANT SELECT (id, kind, referral_id, agency_id, opened_by_id, opened_at, due_by, basis_id, break_glass_id, categories,
    done_at, done_by_staff, done_reason, version, idempotency_key, body_hash), INSERT,
    UPDATE (done_at, done_by_staff, done_reason, version) ON referrals_task TO udvej_app;
GRANT SELECT, INSERT ON referrals_withholding TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("referrals", "0003_conversation_and_duties"),
        ("referrals", "0002_release"),
        ("consent", "0006_carries"),
    ]

    operations = [
        migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (GROUND, GLASS, ADMIT, RELEASE, GUARDS, GRANTS)
    ]
