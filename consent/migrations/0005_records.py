"""
Whole consent records: the fields of ISO/IEC TS 27560, the order of a consent's events, and notices in versions.

What the law says of a consent is held here too, for whoever writes: its order, its form, its period and who may give
it. Rows from before keep what they said; the columns get a default, and no row is edited.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

import agencies.models

ORDER = """
CREATE OR REPLACE FUNCTION consent_follow() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last public.consent_consentevent;
    terms public.consent_consent;
    birth_year integer;
    eldest integer;
BEGIN
    SELECT * INTO last FROM public.consent_consentevent
        WHERE consent_id = NEW.consent_id AND id <> NEW.id ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(last.number, 0) + 1 THEN
        RAISE EXCEPTION 'an event follows the one before it' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT (CASE coalesce(last.kind, '')
        WHEN '' THEN NEW.kind IN ('requested', 'given', 'refused')
        WHEN 'requested' THEN NEW.kind IN ('given', 'refused', 'withdrawn', 'revoked', 'invalidated')
        WHEN 'given' THEN NEW.kind IN ('renewed', 'withdrawn', 'revoked', 'invalidated')
        WHEN 'renewed' THEN NEW.kind IN ('renewed', 'withdrawn', 'revoked', 'invalidated')
        WHEN 'invalidated' THEN false
        ELSE NEW.kind = 'invalidated'
    END) THEN
        RAISE EXCEPTION 'a consent that is % is not %', coalesce(last.kind, 'new'), NEW.kind
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.kind NOT IN ('given', 'renewed') THEN
        RETURN NULL;
    END IF;
    SELECT * INTO terms FROM public.consent_consent WHERE id = NEW.consent_id;
    IF terms.kind = 'HEALTH_SL43' AND NEW.expires_at > NEW.at + interval '8760 hours' THEN
        RAISE EXCEPTION 'a consent to share health information ends within twelve months (Sundhedsloven section 44)'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_health_ends_within_twelve_months';
    END IF;
    IF terms.kind = 'HEALTH_SL43' AND NEW.method = 'oral' THEN
        RAISE EXCEPTION 'a consent to share health information is written (Sundhedsloven section 44)'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_health_is_written';
    END IF;
    SELECT s.birth_year INTO birth_year FROM public.consent_subject s WHERE s.id = terms.subject_id;
    eldest := extract(year FROM NEW.at AT TIME ZONE 'UTC') - birth_year;
    IF terms.given_by = 'subject' AND (eldest < 15 OR (eldest - 1 < 18 AND NOT terms.maturity_assessed)) THEN
        RAISE EXCEPTION 'under 15 a custody holder consents; at 15-17 the maturity was assessed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_is_given_by_who_may';
    END IF;
    IF terms.given_by = 'custody_holder' AND eldest - 1 >= 18 THEN
        RAISE EXCEPTION 'an adult consents for themselves'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_is_given_by_who_may';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION consent_whole() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.maturity_assessed IS DISTINCT FROM
        (NEW.maturity_assessed_by <> '' AND NEW.maturity_assessed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a maturity assessment says who made it and when'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_maturity_says_who_and_when';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION consent_whole() FROM PUBLIC;

CREATE TRIGGER consent_consent_is_whole BEFORE INSERT ON consent_consent
    FOR EACH ROW EXECUTE FUNCTION consent_whole();
ALTER TABLE consent_consent ENABLE ALWAYS TRIGGER consent_consent_is_whole;
"""

NOTICES = """
ALTER TABLE consent_notice ADD CONSTRAINT consent_notice_hash_is_of_its_text
    CHECK (hash = encode(sha256(convert_to(text, 'UTF8')), 'hex'));
CREATE TRIGGER consent_notice_is_never_rewritten BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_notice
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE consent_notice ENABLE ALWAYS TRIGGER consent_notice_is_never_rewritten;
GRANT SELECT, INSERT ON consent_notice TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0002_grants"),
        ("audit", "0002_append_only"),
        ("consent", "0004_identifiers_told_in"),
    ]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=agencies.models.UUIDv7(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.CharField(max_length=32)),
                ("language", models.CharField(max_length=8)),
                ("title", models.CharField(max_length=200)),
                ("text", models.TextField()),
                (
                    "hash",
                    models.CharField(help_text="SHA-256 of the text's UTF-8 bytes, in hexadecimal.", max_length=64),
                ),
                ("legal_review", models.CharField(max_length=16)),
                ("valid_from", models.DateField()),
            ],
            options={
                "ordering": ["version", "language"],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="consent",
            name="controllers",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="forbidden_uses",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=32), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="jurisdiction",
            field=models.CharField(db_default="DK", default="DK", max_length=8),
        ),
        migrations.AddField(
            model_name="consent",
            name="lawful_basis",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=48), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="maturity_assessed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="consent",
            name="maturity_assessed_by",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="The agency's own id of the assessor.", max_length=64
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="permitted_uses",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=32), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="retention",
            field=models.CharField(db_default="disposal_rule", default="disposal_rule", max_length=32),
        ),
        migrations.AddField(
            model_name="consent",
            name="rights",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=16), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="schema_version",
            field=models.CharField(
                db_default="https://w3id.org/dpv/schema/dpv-27560#record",
                default="https://w3id.org/dpv/schema/dpv-27560#record",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="storage_location",
            field=models.CharField(db_default="DK", default="DK", max_length=8),
        ),
        migrations.AddField(
            model_name="consent",
            name="withdrawal_method",
            field=models.CharField(db_default="either_agency", default="either_agency", max_length=32),
        ),
        migrations.AddField(
            model_name="consentevent",
            name="entity",
            field=models.CharField(
                blank=True,
                choices=[("subject", "Subject"), ("custody_holder", "Custody Holder"), ("agency", "Agency")],
                db_default="",
                default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="consentevent",
            name="reason",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Why it was invalidated, as a code.", max_length=32
            ),
        ),
        migrations.AddField(
            model_name="consentevent",
            name="witness",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="The agency's own id of who was there.", max_length=64
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "GDPR_BASIS",
                            "CONFIDENTIALITY_WAIVER",
                            "SOCIAL_COLLECTION",
                            "HEALTH_SL43",
                            "PARTICIPATION",
                            "NOTIFY_PARENT",
                        ],
                    )
                ),
                name="consent_consent_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consent",
            constraint=models.CheckConstraint(
                condition=models.Q(("given_by__in", ["subject", "custody_holder"])),
                name="consent_consent_giver_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["requested", "given", "refused", "renewed", "withdrawn", "revoked", "invalidated"])
                ),
                name="consent_event_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="consentevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("entity__in", ["", "subject", "custody_holder", "agency"])),
                name="consent_event_entity_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(fields=("version", "language"), name="consent_notice_version_is_unique"),
        ),
        migrations.RunSQL(ORDER, migrations.RunSQL.noop),
        migrations.RunSQL(NOTICES, migrations.RunSQL.noop),
    ]
