"""What the parties send each other besides sections: files, sealed like everything else."""

from django.db import models
from django.db.models import Q

from agencies.ids import UUIDv7
from agencies.models import Agency
from consent.categories import CONTENT
from referrals.file_types import MEDIA_TYPES


class Attachment(models.Model):
    """
    A file under the category it belongs to, so that it reaches whom that category reaches.

    Its name, description and hash are sealed beside the content; in the clear are its type, size and scan state.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    referral = models.ForeignKey("referrals.Referral", on_delete=models.PROTECT, related_name="attachments")
    category = models.CharField(max_length=16)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    scan_state = models.CharField(max_length=16)
    about = models.BinaryField()
    sealed = models.BinaryField()
    written_by = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.CharField(max_length=160)
    body_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["written_by", "idempotency_key"], name="referrals_attachment_is_created_once_per_key"
            ),
            models.CheckConstraint(
                condition=Q(category__in=[category.value for category in CONTENT]),
                name="referrals_attachment_category_is_known",
            ),
            models.CheckConstraint(
                condition=Q(scan_state__in=["clean", "not_scanned"]), name="referrals_attachment_is_never_infected"
            ),
            models.CheckConstraint(
                condition=Q(media_type__in=MEDIA_TYPES), name="referrals_attachment_type_is_one_that_is_served"
            ),
            models.CheckConstraint(condition=Q(size__gt=0), name="referrals_attachment_is_not_empty"),
        ]
        indexes = [models.Index(fields=["referral", "id"], name="referrals_attachment_order")]

    def __str__(self) -> str:
        return str(self.id)
