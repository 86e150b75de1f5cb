"""
What a year's entries are searched by besides thing and agency: the act, the person acted for, and what was refused.

And a page of findings is a look like any other: it names its case (rule 18).
"""

from django.db import migrations, models

CASE = """
ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_findings_name_their_case CHECK (
    action <> 'audit.findings' OR outcome = 'refused'
    OR coalesce(detail ->> 'case_number', '') <> '' OR coalesce(detail ->> 'case_reason', '') <> ''
);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_looks_name_their_case")]

    operations = [
        migrations.AddIndex("entry", models.Index(fields=["action", "id"], name="audit_entry_action")),
        migrations.AddIndex("entry", models.Index(fields=["on_behalf_of", "id"], name="audit_entry_staff")),
        migrations.AddIndex(
            "entry",
            models.Index(fields=["id"], name="audit_entry_refused", condition=models.Q(outcome="refused")),
        ),
        migrations.RunSQL(CASE, migrations.RunSQL.noop),
    ]
