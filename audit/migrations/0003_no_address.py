"""The field history has columns for an address of whoever asked; nothing is ever stored in them (rule 11)."""

from django.db import migrations

NO_ADDRESS = """
ALTER TABLE auditlog_logentry ADD CONSTRAINT auditlog_logentry_stores_no_address
    CHECK (remote_addr IS NULL AND remote_port IS NULL);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only"), ("auditlog", "0017_add_actor_email")]

    operations = [migrations.RunSQL(NO_ADDRESS, migrations.RunSQL.noop)]
