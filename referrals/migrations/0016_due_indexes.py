"""What is due is found by an index of what still runs, however much has ended. Made beside those who write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently can't be in a transaction
    dependencies = [("referrals", "0015_deadline_notices")]

    operations = [
        AddIndexConcurrently(
            model_name="referral",
            index=models.Index(
                condition=models.Q(("status", "submitted")),
                fields=["acknowledge_by"],
                name="referrals_due_to_acknowledge",
            ),
        ),
        AddIndexConcurrently(
            model_name="referral",
            index=models.Index(
                condition=models.Q(("status__in", ["submitted", "received"])),
                fields=["decide_by"],
                name="referrals_due_to_decide",
            ),
        ),
        AddIndexConcurrently(
            model_name="referral",
            index=models.Index(
                condition=models.Q(("status__in", ["info_requested", "on_hold"])),
                fields=["review_by"],
                name="referrals_due_to_look_at",
            ),
        ),
        AddIndexConcurrently(
            model_name="task",
            index=models.Index(
                condition=models.Q(("done_at", None)),
                fields=["due_by"],
                name="referrals_task_due",
            ),
        ),
    ]
