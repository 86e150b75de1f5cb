"""
Tokens that are over are deleted each night (`manage.py cleartokens`), and what binds them to a certificate with them.

It takes nothing from the binding's strength: whoever can write SQL as this role can write a token of their own already.
Refresh tokens, of which there are none, django-oauth-toolkit asks to forget the token that they came with.
"""

from django.db import migrations

GRANTS = """
GRANT DELETE ON agencies_tokenbinding TO udvej_app;
GRANT UPDATE (access_token_id) ON oauth2_provider_refreshtoken TO udvej_app;
"""


class Migration(migrations.Migration):
    dependencies = [("agencies", "0007_person_login")]

    operations = [migrations.RunSQL(GRANTS, migrations.RunSQL.noop)]
