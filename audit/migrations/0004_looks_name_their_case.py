"""An auditor's look names the number of a case, or a code for work that has none: in the ledger itself (rule 18)."""

from django.db import migrations

CASE = """
ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_a_look_names_its_case CHECK (
    action <> 'audit.inspect' OR outcome = 'refused'
    OR coalesce(detail ->> 'case_number', '') <> '' OR coalesce(detail ->> 'case_reason', '') <> ''
);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_no_address")]

    operations = [migrations.RunSQL(CASE, migrations.RunSQL.noop)]
