"""
The ledger's tables as Django sees them. The database itself makes them append-only (migrations/0002 and 0005).

Nothing here writes: `log.act()` is the one way in for entries, and `sealing` and `publishing` for the tree over them.
"""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

REFUSED = models.Q(outcome="refused")
ON_A_BASIS = ~models.Q(basis="")
LOOKS = [
    *(f"referral.{name}" for name in ("disclose", "messages", "amendments", "attachments", "attachment")),
    *(f"referral.{name}" for name in ("list", "search", "timeline", "disclosures", "replay")),
]
"""The acts on a case that do nothing with it: most of all entries."""
WORK = models.Q(subject_kind="referral") & ~models.Q(action__in=LOOKS)


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
            models.Index(fields=["action", "id"], name="audit_entry_action"),
            models.Index(fields=["on_behalf_of", "id"], name="audit_entry_staff"),
            models.Index(fields=["id"], name="audit_entry_refused", condition=REFUSED),
            models.Index(fields=["action", "id"], name="audit_entry_refused_action", condition=REFUSED),
            models.Index(fields=["actor_agency", "id"], name="audit_entry_refused_agency", condition=REFUSED),
            models.Index(fields=["basis", "id"], name="audit_entry_basis", condition=ON_A_BASIS),
            models.Index(fields=["actor_agency", "basis", "id"], name="audit_entry_agency_basis", condition=ON_A_BASIS),
            models.Index(fields=["actor_agency", "action", "id"], name="audit_entry_agency_action"),
            models.Index(fields=["action", "basis", "id"], name="audit_entry_action_basis", condition=ON_A_BASIS),
            models.Index(fields=["subject_id", "action", "id"], name="audit_entry_work", condition=WORK),
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


class Leaf(models.Model):
    """An entry's place in the tree. It keeps the hash, so that the tree stands when an entry is pruned by a rule."""

    index = models.BigIntegerField(primary_key=True)
    entry_id = models.UUIDField(unique=True)
    leaf_hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "leaves"
        default_permissions = ()
        indexes = [models.Index(fields=["leaf_hash"], name="audit_leaf_hash")]

    def __str__(self) -> str:
        return f"{self.index} {self.entry_id}"


class Tile(models.Model):
    """A full tile of the tree (C2SP tlog-tiles): 256 hashes, and the root over them. Partial ones follow from these."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField()
    root = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class Checkpoint(models.Model):
    """A head of the tree that the log has signed (C2SP tlog-checkpoint), as the note that was signed."""

    number = models.BigAutoField(primary_key=True)
    size = models.BigIntegerField(db_index=True)
    root = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.number} of size {self.size}"


class Cosignature(models.Model):
    """A witness's signature of a checkpoint (C2SP tlog-cosignature), as the line that it answered."""

    number = models.BigAutoField(primary_key=True)
    checkpoint = models.BigIntegerField()
    witness = models.TextField()
    line = models.TextField()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="audit_cosignature_one_of_each_witness")
        ]
        indexes = [models.Index(fields=["witness", "number"], name="audit_cosignature_latest")]

    def __str__(self) -> str:
        return f"{self.witness} of {self.checkpoint}"


class LogKey(models.Model):
    """A public key that the log signs or has signed with; but for the first, with the note that handed over to it."""

    vkey = models.TextField(primary_key=True)
    number = models.SmallIntegerField(unique=True)
    size = models.BigIntegerField()
    handover = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.vkey


class Tombstone(models.Model):
    """What was pruned: by which rule, how much, and a digest over it, as the note that the log has signed."""

    number = models.BigAutoField(primary_key=True)
    rule = models.TextField()
    before = models.DateTimeField()
    count = models.BigIntegerField()
    note = models.TextField()
    at = models.DateTimeField()
    xid = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(before__lte=models.F("at") - timedelta(days=183)),
                name="audit_tombstone_waits_six_months_at_least",
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} by {self.rule}"


class Removed(models.Model):
    """A leaf whose entry was pruned, and the tombstone that says by which rule."""

    index = models.BigIntegerField(primary_key=True)
    tombstone = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name_plural = "removed"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.index)


class Strength(models.Model):
    """What a release demands of its entry: that it is committed, or that a signed checkpoint covers it too. One row."""

    name = models.TextField(primary_key=True)
    since = models.DateTimeField()

    class Meta:
        verbose_name_plural = "strengths"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(name__in=["committed", "sealed"]), name="audit_strength_is_one_that_there_is"
            )
        ]

    def __str__(self) -> str:
        return self.name
