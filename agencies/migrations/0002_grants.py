"""
What the application's role may do with agencies, accounts, tokens and sessions. Everything not named is refused.

It deletes no account, agency, membership or client: whoever has acted is deactivated.
"""

from django.db import migrations

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON agencies_agency, agencies_user, agencies_membership, agencies_client,
    agencies_codelistitem, agencies_area, agencies_areawithin TO udvej_app;
GRANT SELECT, INSERT ON agencies_rolegroup, auth_group TO udvej_app;
GRANT SELECT, INSERT, DELETE ON agencies_user_groups, agencies_user_user_permissions TO udvej_app;
GRANT SELECT ON auth_permission, auth_group_permissions, django_content_type, django_migrations TO udvej_app, udvej_reader;
GRANT SELECT, INSERT ON django_admin_log TO udvej_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session TO udvej_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON oauth2_provider_accesstoken TO udvej_app;
GRANT SELECT ON oauth2_provider_refreshtoken, oauth2_provider_idtoken, oauth2_provider_grant TO udvej_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auditlog", "0017_add_actor_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL(GRANTS, migrations.RunSQL.noop)]
