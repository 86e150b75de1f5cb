"""
The ledger's tables as Django sees them. The database itself makes them append-only (migrations/0002).

Nothing here writes: `log.act()` is the one way in.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Entry(models.Model):
    """One act, done or refused. Names of fields and categories, never values (docs/ledger.md)."""

    id = models.UUIDField(primary_key=True, editable=False)
    xid = models.BigIntegerField()
    at = models.DateTimeField()
    db_user = models.TextField()
    action = models.TextField()
    actor_agency = models.UUIDField(null=True)
    actor_client = models.TextField(blank=True)
    actor_user = models.TextField(blank=True)
    on_behalf_of = models.TextField(blank=True)
    role = models.TextField(blank=True)
    subject_kind = models.TextField(blank=True)
    subject_id = models.TextField(blank=True)
    purpose = models.TextField(blank=True)
    basis = models.TextField(blank=True)
    basis_version = models.IntegerField(null=True)
    consent = models.UUIDField(null=True)
    consent_version = models.IntegerField(null=True)
    categories = ArrayField(models.TextField())
    outcome = models.TextField()
    refusal = models.TextField(blank=True)
    result_ids = ArrayField(models.UUIDField())
    criterion = models.TextField(blank=True)
    correlation = models.UUIDField()
    request_id = models.TextField(blank=True)
    changes = models.TextField(blank=True)
    detail = models.JSONField(default=dict)
    canonical = models.BinaryField()
    leaf_hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "entries"
        default_permissions = ()
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "id"], name="audit_entry_subject"),
            models.Index(fields=["actor_agency", "id"], name="audit_entry_agency"),
            GinIndex(fields=["result_ids"], name="audit_entry_results"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=["done", "refused"]), name="audit_entry_outcome_is_done_or_refused"
            ),
            models.CheckConstraint(
                condition=models.Q(outcome="done", refusal="") | (models.Q(outcome="refused") & ~models.Q(refusal="")),
                name="audit_entry_refusal_has_a_code",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.outcome} {self.id}"


class Pending(models.Model):
    """A committed entry that is not yet sealed into the Merkle tree. Filled by the database alone."""

    entry_id = models.UUIDField(primary_key=True)
    leaf_hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "pending"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.entry_id)
