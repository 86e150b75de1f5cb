"""
Events and the webhooks that carry them: what happened to which thing, who is called, and what came of each call.

Thin: a type, an id, a version and a time. No row here says anything about a person; whoever wants to know more reads,
with a token, and that is recorded.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from agencies.ids import UUIDv7


class Type(models.TextChoices):
    """What an event may say: which sort of thing, and that something became of it. Never what became of it."""

    REFERRAL_ARRIVED = "referral.arrived", "A referral has come to the agency"
    REFERRAL_CHANGED = "referral.changed", "A referral that the agency sends or receives has a new version"
    REFERRAL_DEADLINE = "referral.deadline", "A deadline of a referral is near, or has passed"
    CONSENT_CHANGED = "consent.changed", "A consent that the agency recorded or relies on has a new version"
    CONSENT_DEADLINE = "consent.deadline", "A consent that a referral rests on is about to end, or has ended"
    TASK_CHANGED = "task.changed", "A task is the agency's to do, or was done"
    TASK_DEADLINE = "task.deadline", "A deadline of a task is near, or has passed"
    BREAK_GLASS_CHANGED = "break-glass.changed", "The glass was broken on a referral, or that was reviewed"
    ENDPOINT_DISABLED = "endpoint.disabled", "A webhook endpoint of the agency is called no more"
    ENDPOINT_TEST = "endpoint.test", "The agency asked for a call to try its endpoint"


class Event(models.Model):
    """
    That something became of a thing, told to one agency; written in the transaction of the act that did it.

    `position` is its place in the agency's feed. It is given when the feed is first read after the act committed
    (`feed`), so that an event whose transaction ended late is never passed by.
    """

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, db_default=UUIDv7(), editable=False)
    agency = models.ForeignKey("agencies.Agency", on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=32, choices=Type)
    about = models.UUIDField()
    version = models.PositiveIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    position = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["agency", "position"], name="agencies_event_has_a_place_of_its_own"),
            models.CheckConstraint(condition=Q(type__in=Type.values), name="agencies_event_type_is_known"),
        ]
        indexes = [
            models.Index(fields=["agency", "number"], condition=Q(position=None), name="agencies_event_without_place"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class EndpointState(models.TextChoices):
    """Whether an endpoint is called."""

    ACTIVE = "active", "Called"
    DISABLED = "disabled", "Called no more until it is enabled again"
    REMOVED = "removed", "Removed by its agency, for good"


class Endpoint(models.Model):
    """An address of an agency's own system that events are posted to. Its secret is in no row: see `signing`."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    agency = models.ForeignKey("agencies.Agency", on_delete=models.PROTECT, related_name="+")
    url = models.CharField(max_length=1000)
    types = ArrayField(models.CharField(max_length=32), default=list)
    state = models.CharField(max_length=12, choices=EndpointState, default=EndpointState.ACTIVE)
    disabled_because = models.CharField(max_length=32, blank=True)
    generation = models.PositiveIntegerField(default=1, help_text="How many secrets it has had.")
    rotated_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    resting_until = models.DateTimeField(null=True)
    registered_at = models.DateTimeField(db_default=Now())
    staff_id = models.CharField(max_length=64, help_text="The id of the administrator who registered it.")
    idempotency_key = models.CharField(max_length=128)
    body_hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["agency", "idempotency_key"], name="agencies_endpoint_is_made_once_per_key"
            ),
            models.CheckConstraint(
                condition=Q(state__in=EndpointState.values), name="agencies_endpoint_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=EndpointState.DISABLED) ^ Q(disabled_because=""),
                name="agencies_endpoint_is_disabled_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class DeliveryState(models.TextChoices):
    """What has come of one event for one endpoint so far."""

    WAITING = "waiting", "To be posted, for the first time or again"
    DELIVERED = "delivered", "The endpoint answered 2xx"
    FAILED = "failed", "Every attempt was made, and none was answered 2xx"
    CANCELLED = "cancelled", "The endpoint was disabled or removed before"


class Delivery(models.Model):
    """One event on its way to one endpoint. A replay is a delivery of its own, of the same event."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    replay = models.BooleanField(db_default=False)
    state = models.CharField(max_length=12, choices=DeliveryState, db_default=DeliveryState.WAITING)
    attempts = models.PositiveIntegerField(db_default=0)
    made_at = models.DateTimeField(db_default=Now())
    next_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "event"], condition=Q(replay=False), name="agencies_delivery_is_made_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="agencies_delivery_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.WAITING) ^ Q(ended_at__isnull=False),
                name="agencies_delivery_ends_with_its_state",
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="agencies_delivery_log"),
            models.Index(fields=["endpoint"], condition=Q(state="waiting"), name="agencies_delivery_waiting"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Attempt(models.Model):
    """One call, and what came of it: the status, or a code of ours where there was none. Never what was answered."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="tries")
    number = models.IntegerField()
    at = models.DateTimeField(db_default=Now())
    status = models.PositiveSmallIntegerField(null=True)
    failure = models.CharField(max_length=32, blank=True)
    milliseconds = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="agencies_attempt_is_counted_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="agencies_attempt_is_counted_from_one"),
        ]
        ordering = [F("number").asc()]

    def __str__(self) -> str:
        return f"{self.delivery_id}:{self.number}"
