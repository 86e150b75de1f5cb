"""The wire form of events, webhook endpoints and deliveries."""

from typing import Any

from rest_framework import serializers

from agencies.notifications.endpoints import Shown
from agencies.notifications.models import Delivery, DeliveryState, EndpointState, Type
from api_schema.validation import CodeField, StrictSerializer, TimeField

TYPES = tuple(Type.values)
ENDPOINT_STATES = tuple(state.value for state in EndpointState if state is not EndpointState.REMOVED)
DELIVERY_STATES = tuple(DeliveryState.values)
DISABLED_BECAUSE = ("failing", "gone")
TYPES_MEAN = "; ".join(f"`{kind.value}`: {kind.label}" for kind in Type)


class EndpointBodySerializer(StrictSerializer):
    """The body of `POST /notifications/endpoints`."""

    url = serializers.CharField(max_length=1000, help_text="https, a domain name, port 443 or 8443.")
    types = serializers.ListField(
        child=CodeField(choices=TYPES),
        required=False,
        default=list,
        max_length=len(TYPES),
        help_text="Which types of event; all of them where none is named.",
    )


class ReplayBodySerializer(StrictSerializer):
    """The body of `POST /notifications/endpoints/{id}/replay`."""

    since = TimeField(help_text="Every event told from this time on is put in line again, a thousand at most.")


class NothingSerializer(StrictSerializer):
    """A body that says nothing but itself."""


class EndpointSerializer(serializers.Serializer[Any]):
    """An endpoint as its agency is shown it."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    types = serializers.ListField(child=CodeField(choices=TYPES))
    state = CodeField(choices=ENDPOINT_STATES)
    disabled_because = CodeField(choices=DISABLED_BECAUSE, allow_null=True)
    registered_at = serializers.DateTimeField()
    failing_since = serializers.DateTimeField(allow_null=True)
    rotated_at = serializers.DateTimeField(allow_null=True)


class NewSecretSerializer(EndpointSerializer):
    """An endpoint with its new secret, which no other answer shows."""

    secret = serializers.CharField(
        required=False, help_text="`whsec_` and 32 bytes in base64, as Standard Webhooks libraries take it."
    )


class AttemptSerializer(serializers.Serializer[Any]):
    """One call."""

    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True, help_text="The HTTP status, or null where there was no answer.")
    failure = serializers.CharField(allow_null=True, help_text="`timed_out`, `tls_failed`, `no_answer`, `not_public`…")
    milliseconds = serializers.IntegerField()


class AboutSerializer(serializers.Serializer[Any]):
    """What an event is about. Read it with a token to learn what became of it."""

    id = serializers.UUIDField()
    version = serializers.IntegerField(
        required=False, help_text="The version that the event tells of, where it has one."
    )


class PayloadSerializer(serializers.Serializer[Any]):
    """What a webhook posts."""

    type = CodeField(choices=TYPES, help_text=TYPES_MEAN)
    timestamp = serializers.DateTimeField()
    data = AboutSerializer()  # type: ignore[assignment]  # the payload's own name for it


class EventSerializer(PayloadSerializer):
    """A row of the feed: the payload, with what a webhook says in `webhook-id`."""

    id = serializers.UUIDField()


class EventPageSerializer(serializers.Serializer[Any]):
    """A page of the feed."""

    results = EventSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Send it as `cursor` next time, also where nothing came.")
    checkpoint = serializers.CharField(
        allow_null=True, help_text="The ledger's newest signed head (C2SP tlog-checkpoint). Keep the newest you saw."
    )


class DeliverySerializer(serializers.Serializer[Any]):
    """One event on its way to one endpoint."""

    id = serializers.UUIDField()
    endpoint = serializers.UUIDField()
    event = serializers.UUIDField(help_text="What the webhook says in `webhook-id`.")
    type = CodeField(choices=TYPES)
    replay = serializers.BooleanField()
    state = CodeField(choices=DELIVERY_STATES)
    made_at = serializers.DateTimeField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    attempts = AttemptSerializer(many=True)


class InLineSerializer(serializers.Serializer[Any]):
    """How many deliveries were put in line."""

    deliveries = serializers.IntegerField()
    until = serializers.DateTimeField(allow_null=True, help_text="Where there are more: ask again from there.")


def endpoint_body(shown: Shown) -> dict[str, Any]:
    """Return an endpoint as its wire form, with its secret where it is new."""
    body = {
        "id": str(shown.id),
        "url": shown.url,
        "types": list(shown.types),
        "state": shown.state,
        "disabled_because": shown.disabled_because or None,
        "registered_at": shown.registered_at,
        "failing_since": shown.failing_since,
        "rotated_at": shown.rotated_at,
    }
    return body if shown.secret is None else {**body, "secret": shown.secret}


def delivery_body(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery and its attempts as their wire form."""
    return {
        "id": str(delivery.id),
        "endpoint": str(delivery.endpoint_id),
        "event": str(delivery.event.id),
        "type": delivery.event.type,
        "replay": delivery.replay,
        "state": delivery.state,
        "made_at": delivery.made_at,
        "next_attempt_at": delivery.next_at,
        "ended_at": delivery.ended_at,
        "attempts": [
            {
                "at": attempt.at,
                "status": attempt.status,
                "failure": attempt.failure or None,
                "milliseconds": attempt.milliseconds,
            }
            for attempt in delivery.tries.all()
        ],
    }
