"""Whom to tell at an agency when something waits, and what has still to be told: a function mailbox, and an outbox."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class DutyContact(models.Model):
    """The mailbox of an agency's duty contact (vagthavende): a function's, not a person's. Empty: there is none."""

    agency = models.OneToOneField("agencies.Agency", on_delete=models.PROTECT, primary_key=True, related_name="+")
    email = models.EmailField(
        max_length=254, blank=True, help_text="A function mailbox that several people read; never a person's own."
    )
    version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.agency_id)


class DutyNotice(models.Model):
    """
    That something waits for an agency, written in the transaction of the act that made it wait; told after it.

    It names nobody and nothing: of whom and of what, the exchange tells whoever signs in.
    """

    id = models.BigAutoField(primary_key=True)
    agency = models.ForeignKey("agencies.Agency", on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=12, help_text="remind, escalate or expire.")
    made_at = models.DateTimeField(db_default=Now())
    next_try_at = models.DateTimeField(db_default=Now())
    tries = models.PositiveIntegerField(default=0)
    taken_by = models.UUIDField(null=True, help_text="Which try to send took it last.")
    told_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(step__in=["remind", "escalate", "expire"]), name="agencies_dutynotice_step_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(told_at=None), name="agencies_dutynotice_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.agency_id}"
