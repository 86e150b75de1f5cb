"""
Every release asks first whether its entry is as strongly recorded as the exchange demands (audit/migrations/0006).

The functions that weigh stay as they were, under names of their own that nobody may call; those that may be called ask
`audit_require_sealed` and then them.
"""

from django.db import migrations

SEALED_FIRST = """
ALTER FUNCTION referrals_admit(uuid, uuid, uuid) RENAME TO referrals_weigh;
ALTER FUNCTION referrals_release_task(uuid, uuid, uuid) RENAME TO referrals_weigh_task;
ALTER FUNCTION referrals_release_explanation(uuid, uuid, uuid) RENAME TO referrals_weigh_explanation;
ALTER FUNCTION referrals_weigh_task(uuid, uuid, uuid) SECURITY INVOKER;
ALTER FUNCTION referrals_weigh_explanation(uuid, uuid, uuid) SECURITY INVOKER;
REVOKE EXECUTE ON FUNCTION referrals_weigh_task(uuid, uuid, uuid), referrals_weigh_explanation(uuid, uuid, uuid)
    FROM udvej_app;

CREATE FUNCTION referrals_admit(p_entry uuid, p_agency uuid, p_referral uuid) RETURNS text[] LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM public.audit_require_sealed(p_entry);
    RETURN public.referrals_weigh(p_entry, p_agency, p_referral);
END $$;

CREATE FUNCTION referrals_release_task(p_entry uuid, p_agency uuid, p_task uuid) RETURNS bytea LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM public.audit_require_sealed(p_entry);
    RETURN public.referrals_weigh_task(p_entry, p_agency, p_task);
END $$;

CREATE FUNCTION referrals_release_explanation(p_entry uuid, p_agency uuid, p_glass uuid) RETURNS bytea
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM public.audit_require_sealed(p_entry);
    RETURN public.referrals_weigh_explanation(p_entry, p_agency, p_glass);
END $$;

REVOKE EXECUTE ON FUNCTION referrals_admit(uuid, uuid, uuid), referrals_release_task(uuid, uuid, uuid),
    referrals_release_explanation(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION referrals_release_task(uuid, uuid, uuid),
    referrals_release_explanation(uuid, uuid, uuid) TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0010_home"), ("audit", "0006_tree_guards")]

    operations = [migrations.RunSQL(SEALED_FIRST, migrations.RunSQL.noop)]
