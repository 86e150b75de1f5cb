"""What the exchange did by itself because of a deadline: each once, however many watches there are."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from referrals.deadlines import Deadline, Step


class DeadlineNotice(models.Model):
    """
    That a deadline was reminded of, escalated, or let something expire. The database stamps when; never edited.

    A deadline that moves, as one does that stood still, is another one: `due_at` says which it was.
    """

    id = models.BigAutoField(primary_key=True)
    referral = models.ForeignKey("referrals.Referral", on_delete=models.PROTECT, related_name="+")
    task = models.ForeignKey("referrals.Task", on_delete=models.PROTECT, related_name="+", null=True)
    deadline = models.CharField(max_length=24)
    step = models.CharField(max_length=12)
    due_at = models.DateTimeField()
    given_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["referral", "task", "deadline", "step", "due_at"],
                nulls_distinct=False,
                name="referrals_deadline_is_told_once",
            ),
            models.CheckConstraint(
                condition=Q(deadline__in=[str(deadline) for deadline in Deadline]),
                name="referrals_deadlinenotice_deadline_is_known",
            ),
            models.CheckConstraint(
                condition=Q(step__in=[str(step) for step in Step]), name="referrals_deadlinenotice_step_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.deadline}"
