"""
An agency is a self-governing institution (retsplejeloven § 115, stk. 3) where two people approved a claim with
evidence, neither of them the claimant; and a police unit that does not prevent is a kind of its own (rule 8).

The column follows from the claims and can be written by nobody directly: the application has no privilege for it, and
a trigger refuses every other value to every role, in replica mode too. Each approval locks its claim, so that of two
at the same time the later one counts both.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import agencies.models

FOLLOWS = """
UPDATE agencies_agency SET self_governing_approved = false WHERE self_governing_approved;
ALTER TABLE agencies_agency ALTER COLUMN self_governing_approved SET DEFAULT false;
"""

GUARDS = """
CREATE FUNCTION agencies_self_governing(p_agency uuid) RETURNS boolean LANGUAGE sql VOLATILE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM public.agencies_selfgoverningclaim c
        JOIN public.agencies_selfgoverningapproval a ON a.claim_id = c.id AND a.approved_by_id <> c.claimed_by_id
        WHERE c.agency_id = p_agency AND c.withdrawn_at IS NULL
        GROUP BY c.id HAVING count(DISTINCT a.approved_by_id) >= 2
    )
$$;

CREATE FUNCTION agencies_self_governing_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.self_governing_approved IS DISTINCT FROM public.agencies_self_governing(NEW.id) THEN
        RAISE EXCEPTION 'an agency is self-governing by evidence and two approvers, and by nothing else'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION agencies_claim_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.claimed_at := clock_timestamp();
        NEW.withdrawn_at := NULL;
        NEW.withdrawn_reason := '';
        RETURN NEW;
    END IF;
    IF OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL
        AND to_jsonb(NEW) - ARRAY['withdrawn_at', 'withdrawn_reason']
            = to_jsonb(OLD) - ARRAY['withdrawn_at', 'withdrawn_reason'] THEN
        NEW.withdrawn_at := clock_timestamp();
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a claim is withdrawn once, and never edited' USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION agencies_approval_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    claim public.agencies_selfgoverningclaim;
BEGIN
    SELECT * INTO claim FROM public.agencies_selfgoverningclaim WHERE id = NEW.claim_id FOR UPDATE;
    IF claim.id IS NULL OR claim.withdrawn_at IS NOT NULL THEN
        RAISE EXCEPTION 'only a claim that stands is approved' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.approved_by_id = claim.claimed_by_id THEN
        RAISE EXCEPTION 'nobody approves a claim of their own' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM public.agencies_membership m
        JOIN public.agencies_agency g ON g.id = m.agency_id AND g.active AND g.kind = 'oversight'
        JOIN public.agencies_user u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id = NEW.approved_by_id AND m.active AND m.role = 'administrator'
    ) THEN
        RAISE EXCEPTION 'a claim is approved by administrators of the oversight body' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.approved_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION agencies_self_governing_follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    about uuid;
BEGIN
    IF TG_TABLE_NAME = 'agencies_selfgoverningclaim' THEN
        about := NEW.agency_id;
    ELSE
        SELECT agency_id INTO about FROM public.agencies_selfgoverningclaim WHERE id = NEW.claim_id;
    END IF;
    UPDATE public.agencies_agency SET self_governing_approved = public.agencies_self_governing(about)
        WHERE id = about AND self_governing_approved IS DISTINCT FROM public.agencies_self_governing(about);
    RETURN NULL;
END $$;

REVOKE EXECUTE ON FUNCTION agencies_self_governing(uuid), agencies_self_governing_guard(), agencies_claim_guard(),
    agencies_approval_guard(), agencies_self_governing_follow() FROM PUBLIC;

CREATE TRIGGER agencies_agency_self_governing_follows_from_claims AFTER INSERT OR UPDATE ON agencies_agency
    FOR EACH ROW EXECUTE FUNCTION agencies_self_governing_guard();
CREATE TRIGGER agencies_claim_is_never_edited BEFORE INSERT OR UPDATE ON agencies_selfgoverningclaim
    FOR EACH ROW EXECUTE FUNCTION agencies_claim_guard();
CREATE TRIGGER agencies_claim_is_kept BEFORE DELETE OR TRUNCATE ON agencies_selfgoverningclaim
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER agencies_claim_is_followed AFTER UPDATE ON agencies_selfgoverningclaim
    FOR EACH ROW EXECUTE FUNCTION agencies_self_governing_follow();
CREATE TRIGGER agencies_approval_is_by_another BEFORE INSERT ON agencies_selfgoverningapproval
    FOR EACH ROW EXECUTE FUNCTION agencies_approval_guard();
CREATE TRIGGER agencies_approval_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON agencies_selfgoverningapproval
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER agencies_approval_is_followed AFTER INSERT ON agencies_selfgoverningapproval
    FOR EACH ROW EXECUTE FUNCTION agencies_self_governing_follow();
ALTER TABLE agencies_agency ENABLE ALWAYS TRIGGER agencies_agency_self_governing_follows_from_claims;
ALTER TABLE agencies_selfgoverningclaim ENABLE ALWAYS TRIGGER agencies_claim_is_never_edited;
ALTER TABLE agencies_selfgoverningclaim ENABLE ALWAYS TRIGGER agencies_claim_is_kept;
ALTER TABLE agencies_selfgoverningclaim ENABLE ALWAYS TRIGGER agencies_claim_is_followed;
ALTER TABLE agencies_selfgoverningapproval ENABLE ALWAYS TRIGGER agencies_approval_is_by_another;
ALTER TABLE agencies_selfgoverningapproval ENABLE ALWAYS TRIGGER agencies_approval_append_only;
ALTER TABLE agencies_selfgoverningapproval ENABLE ALWAYS TRIGGER agencies_approval_is_followed;
"""

GRANTS = """
REVOKE INSERT, UPDATE ON agencies_agency FROM udvej_app;
GRANT INSERT (id, kind, code, name_da, name_en, offers, capacity, capacity_updated_at, active)
    ON agencies_agency TO udvej_app;
GRANT UPDATE (kind, code, name_da, name_en, offers, capacity, capacity_updated_at, active)
    ON agencies_agency TO udvej_app;
GRANT SELECT, INSERT ON agencies_selfgoverningclaim, agencies_selfgoverningapproval TO udvej_app;
GRANT UPDATE (withdrawn_at, withdrawn_reason) ON agencies_selfgoverningclaim TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0002_grants"),
        ("audit", "0002_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="SelfGoverningApproval",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=agencies.models.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("approved_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SelfGoverningClaim",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=agencies.models.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("evidence_hash", models.CharField(help_text="SHA-256 of the document, in hex.", max_length=64)),
                ("evidence_reference", models.CharField(help_text="Where the document is kept.", max_length=64)),
                ("staff_id", models.CharField(help_text="The id under which the claimant acted.", max_length=64)),
                ("claimed_at", models.DateTimeField(auto_now_add=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "withdrawn_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_longer_self_governing", "Er ikke længere selvejende"),
                            ("evidence_replaced", "Dokumentationen er afløst"),
                            ("evidence_insufficient", "Dokumentationen er ikke tilstrækkelig"),
                            ("claimed_in_error", "Oprettet ved en fejl"),
                        ],
                        max_length=32,
                    ),
                ),
                ("idempotency_key", models.CharField(max_length=128)),
                ("body_hash", models.CharField(max_length=64)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.RemoveConstraint(
            model_name="agency",
            name="agencies_agency_kind_is_known",
        ),
        migrations.AlterField(
            model_name="agency",
            name="kind",
            field=models.CharField(
                choices=[
                    ("municipality", "Kommune"),
                    ("police_prevention", "Politiets forebyggende enhed"),
                    ("police", "Politiet, anden enhed"),
                    ("exit_centre", "Exitcenter"),
                    ("prison_probation", "Kriminalforsorgen"),
                    ("psychiatry", "Psykiatrien"),
                    ("oversight", "Tilsyn"),
                ],
                max_length=32,
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FOLLOWS, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="agency",
                    name="self_governing_approved",
                    field=agencies.models.WrittenByDatabase(
                        db_default=False,
                        editable=False,
                        help_text="Retsplejeloven § 115, stk. 3. False until evidence and two different approvers set it.",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="agency",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "municipality",
                            "police_prevention",
                            "police",
                            "exit_centre",
                            "prison_probation",
                            "psychiatry",
                            "oversight",
                        ],
                    )
                ),
                name="agencies_agency_kind_is_known",
            ),
        ),
        migrations.AddField(
            model_name="selfgoverningapproval",
            name="approved_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="selfgoverningclaim",
            name="agency",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="self_governing_claims", to="agencies.agency"
            ),
        ),
        migrations.AddField(
            model_name="selfgoverningclaim",
            name="claimed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="selfgoverningclaim",
            name="registered_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="agencies.agency"
            ),
        ),
        migrations.AddField(
            model_name="selfgoverningapproval",
            name="claim",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="approvals", to="agencies.selfgoverningclaim"
            ),
        ),
        migrations.AddConstraint(
            model_name="selfgoverningclaim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at__isnull", True)),
                fields=("agency",),
                name="agencies_one_standing_claim_per_agency",
            ),
        ),
        migrations.AddConstraint(
            model_name="selfgoverningclaim",
            constraint=models.UniqueConstraint(
                fields=("registered_by", "idempotency_key"), name="agencies_claim_is_made_once_per_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="selfgoverningclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("evidence_hash__regex", "^[0-9a-f]{64}$"), models.Q(("evidence_reference", ""), _negated=True)
                ),
                name="agencies_claim_has_evidence",
            ),
        ),
        migrations.AddConstraint(
            model_name="selfgoverningclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("withdrawn_at__isnull", True), ("withdrawn_reason", "")),
                    models.Q(
                        ("withdrawn_at__isnull", False),
                        (
                            "withdrawn_reason__in",
                            [
                                "no_longer_self_governing",
                                "evidence_replaced",
                                "evidence_insufficient",
                                "claimed_in_error",
                            ],
                        ),
                    ),
                    _connector="OR",
                ),
                name="agencies_claim_is_withdrawn_for_a_known_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="selfgoverningapproval",
            constraint=models.UniqueConstraint(
                fields=("claim", "approved_by"), name="agencies_claim_is_approved_once_by_each"
            ),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
