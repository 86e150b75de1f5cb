"""What a year's entries are searched by besides thing and agency: act, person acted for, refusals; and witnesses."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_tree_guards")]

    operations = [
        migrations.AddIndex("entry", models.Index(fields=["action", "id"], name="audit_entry_action")),
        migrations.AddIndex("entry", models.Index(fields=["on_behalf_of", "id"], name="audit_entry_staff")),
        migrations.AddIndex(
            "entry",
            models.Index(fields=["id"], name="audit_entry_refused", condition=models.Q(outcome="refused")),
        ),
        migrations.AddIndex("cosignature", models.Index(fields=["witness", "number"], name="audit_cosignature_latest")),
    ]
