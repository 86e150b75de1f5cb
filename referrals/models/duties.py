"""What the law puts beside a referral: tasks to be done, broken glass, and what is withheld from insight."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from agencies.ids import UUIDv7
from agencies.models import Agency, User
from consent.categories import CONTENT_NAMES
from consent.models import LegalBasis, Subject


class BreakGlass(models.Model):
    """
    One person's emergency access to one referral: a reason, at most 60 minutes, and somebody else's review (rule 18).

    The database stamps when it was opened; only the review is ever added.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    referral = models.ForeignKey("referrals.Referral", on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    staff_id = models.CharField(max_length=64)
    reason_code = models.CharField(max_length=64)
    explanation = models.BinaryField(help_text="Why, in words; sealed.")
    categories = ArrayField(models.CharField(max_length=16))
    opened_at = models.DateTimeField()
    until = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    reviewer_staff_id = models.CharField(max_length=64, blank=True)
    verdict = models.CharField(max_length=32, blank=True)
    idempotency_key = models.CharField(max_length=160)
    body_hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "break glass"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "idempotency_key"], name="referrals_breakglass_is_opened_once_per_key"
            ),
            models.CheckConstraint(condition=Q(until__gt=F("opened_at")), name="referrals_breakglass_ends"),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True) | ~Q(reviewed_by=F("user")),
                name="referrals_breakglass_is_reviewed_by_another",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_at__isnull=True, reviewed_by__isnull=True, verdict="")
                | (Q(reviewed_at__isnull=False, reviewed_by__isnull=False) & ~Q(verdict="")),
                name="referrals_breakglass_review_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(categories__contained_by=list(CONTENT_NAMES), categories__len__gt=0),
                name="referrals_breakglass_names_what_it_opens",
            ),
            models.CheckConstraint(
                condition=Q(verdict__in=["", "justified", "not_justified"]),
                name="referrals_breakglass_verdict_is_known",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "id"], name="referrals_breakglass_owner"),
            models.Index(fields=["agency", "id"], name="referrals_breakglass_agency"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Task(models.Model):
    """
    Something an agency has to do because of a referral, whatever becomes of the referral and of any consent.

    A notification about an endangered minor (barnets lov § 133) carries what is told in itself, sealed.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    kind = models.CharField(max_length=32)
    referral = models.ForeignKey("referrals.Referral", on_delete=models.PROTECT, related_name="tasks")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Whose task it is.")
    opened_by = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(auto_now_add=True)
    due_by = models.DateTimeField()
    basis = models.ForeignKey(LegalBasis, on_delete=models.PROTECT, related_name="+", null=True)
    break_glass = models.ForeignKey(BreakGlass, on_delete=models.PROTECT, related_name="+", null=True)
    categories = ArrayField(models.CharField(max_length=16), default=list)
    sealed = models.BinaryField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by_staff = models.CharField(max_length=64, blank=True)
    done_reason = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(default=1)
    idempotency_key = models.CharField(max_length=160)
    body_hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["opened_by", "idempotency_key"], name="referrals_task_is_opened_once_per_key"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["notify_home_municipality", "review_break_glass"]),
                name="referrals_task_kind_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(kind="notify_home_municipality") | Q(sealed__isnull=False, basis__isnull=False),
                name="referrals_notification_has_content_and_basis",
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, done_by_staff="", done_reason="")
                | (Q(done_at__isnull=False) & ~Q(done_reason="")),
                name="referrals_task_is_done_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["agency", "-id"], name="referrals_task_list_order"),
            models.Index(fields=["due_by"], condition=Q(done_at=None), name="referrals_task_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


GROUNDS = ("dbl_22_1", "dbl_22_2", "rhl_16")
"""On what something may be withheld from a person: DBL § 22(1) and (2), and retshåndhævelsesloven § 16."""


class Withholding(models.Model):
    """
    A decision that one agency's looks are left out of a person's access report: on which ground, and until when it is
    looked at again. Followed by a newer one, never edited (GDPR art. 15 and 23; DBL § 22; retshåndhævelsesloven § 16).
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", help_text="Whose looks.")
    ground = models.CharField(max_length=32)
    review_by = models.DateField()
    stated_by = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    staff_id = models.CharField(max_length=64)
    stated_at = models.DateTimeField(auto_now_add=True)
    idempotency_key = models.CharField(max_length=160)
    body_hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["stated_by", "idempotency_key"], name="referrals_withholding_is_stated_once_per_key"
            ),
            models.CheckConstraint(condition=Q(ground__in=GROUNDS), name="referrals_withholding_ground_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.ground} {self.id}"
