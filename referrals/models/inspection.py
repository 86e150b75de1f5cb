"""What an auditor took out of the ledger: the question and its case, from which the bundle is made anew each time."""

from django.db import models

from agencies.ids import UUIDv7
from agencies.models import Agency


class Export(models.Model):
    """A question to the ledger that was answered with an evidence bundle. It holds no entry, and no copy of one."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    staff_id = models.CharField(max_length=64)
    case_number = models.CharField(max_length=64, blank=True)
    case_reason = models.CharField(max_length=32, blank=True)
    question = models.JSONField(help_text="The filters, by name; ids and codes.")
    size = models.BigIntegerField(help_text="The size of the checkpoint that it is proved under.")
    remembered = models.BigIntegerField(null=True, help_text="The size of an older checkpoint that the asker kept.")
    entries = models.IntegerField()
    idempotency_key = models.CharField(max_length=64)
    body_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["agency", "idempotency_key"], name="referrals_export_is_made_once_per_key"),
            models.CheckConstraint(
                condition=~models.Q(case_number="") | ~models.Q(case_reason=""),
                name="referrals_export_names_its_case",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
