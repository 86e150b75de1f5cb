"""
What an index of each filter alone leaves slow: a basis, and two filters that are common apart and rare together.

The database takes two filters to be independent, so it looks for the first page of both among the newest of one: and
reads all of that where they never meet. The statistics tell it which acts rest on a basis at all.
"""

from django.db import migrations, models

TOGETHER = """
CREATE STATISTICS audit_entry_together (mcv) ON action, basis, outcome FROM audit_entry;
ALTER STATISTICS audit_entry_together SET STATISTICS 1000;
ANALYZE audit_entry;
"""
APART = "DROP STATISTICS audit_entry_together;"

REFUSED = models.Q(outcome="refused")
ON_A_BASIS = ~models.Q(basis="")
LOOKS = [
    *(f"referral.{name}" for name in ("disclose", "messages", "amendments", "attachments", "attachment")),
    *(f"referral.{name}" for name in ("list", "search", "timeline", "disclosures", "replay")),
]
WORK = models.Q(subject_kind="referral") & ~models.Q(action__in=LOOKS)


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_search_indexes")]

    operations = [
        migrations.AddIndex(
            "entry", models.Index(fields=["basis", "id"], name="audit_entry_basis", condition=ON_A_BASIS)
        ),
        migrations.AddIndex(
            "entry",
            models.Index(fields=["actor_agency", "basis", "id"], name="audit_entry_agency_basis", condition=ON_A_BASIS),
        ),
        migrations.AddIndex(
            "entry", models.Index(fields=["actor_agency", "action", "id"], name="audit_entry_agency_action")
        ),
        migrations.AddIndex(
            "entry", models.Index(fields=["action", "id"], name="audit_entry_refused_action", condition=REFUSED)
        ),
        migrations.AddIndex(
            "entry", models.Index(fields=["actor_agency", "id"], name="audit_entry_refused_agency", condition=REFUSED)
        ),
        migrations.AddIndex(
            "entry",
            models.Index(fields=["action", "basis", "id"], name="audit_entry_action_basis", condition=ON_A_BASIS),
        ),
        migrations.AddIndex(
            "entry", models.Index(fields=["subject_id", "action", "id"], name="audit_entry_work", condition=WORK)
        ),
        migrations.RunSQL(TOGETHER, APART),
    ]
