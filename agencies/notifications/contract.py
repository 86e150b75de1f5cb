"""How the committed contract describes events, webhooks and their deliveries."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, OpenApiWebhook, extend_schema
from rest_framework import serializers

from agencies.notifications.serializers import (
    DELIVERY_STATES,
    DeliverySerializer,
    EndpointBodySerializer,
    EndpointSerializer,
    EventPageSerializer,
    InLineSerializer,
    NewSecretSerializer,
    NothingSerializer,
    PayloadSerializer,
    ReplayBodySerializer,
)
from api_schema.describe import CREATES, PERSONAL, one_of, operation

TAG = "Events"
PAYLOAD: dict[str, Any] = {
    "type": "referral.changed",
    "timestamp": "2026-11-02T08:00:00.123456Z",
    "data": {"id": "019a9e70-4c2e-7d1a-8f00-2b7d5a1c9e01", "version": 4},
}
EVENT = {"id": "019a9e70-4c2e-7d1a-8f00-2b7d5a1c9e42", **PAYLOAD}
BODY = {"url": "https://sager.example.dk/udvej", "types": ["referral.arrived", "referral.changed"]}
ENDPOINT: dict[str, Any] = {
    "id": "019a9e70-4c2e-7d1a-8f00-2b7d5a1c9e51",
    **BODY,
    "state": "active",
    "disabled_because": None,
    "registered_at": "2026-11-02T08:00:00Z",
    "failing_since": None,
    "rotated_at": None,
}
WITH_SECRET = {**ENDPOINT, "secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
DELIVERY: dict[str, Any] = {
    "id": "019a9e70-4c2e-7d1a-8f00-2b7d5a1c9e61",
    "endpoint": ENDPOINT["id"],
    "event": EVENT["id"],
    "type": "referral.changed",
    "replay": False,
    "state": "waiting",
    "made_at": "2026-11-02T08:00:00Z",
    "next_attempt_at": "2026-11-02T08:00:05Z",
    "ended_at": None,
    "attempts": [{"at": "2026-11-02T08:00:00Z", "status": 503, "failure": None, "milliseconds": 41}],
}
IN_LINE = {"deliveries": 1, "until": None}
SIGNED = (
    "Signed as [Standard Webhooks](https://www.standardwebhooks.com) says: check `webhook-signature` over "
    "`{webhook-id}.{webhook-timestamp}.{body}` with the endpoint's secret, refuse a `webhook-timestamp` more than five "
    "minutes off, and remember `webhook-id`: a call that was not answered in time comes again."
)


class EndpointPage(serializers.Serializer[None]):
    results = EndpointSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class DeliveryPage(serializers.Serializer[None]):
    results = DeliverySerializer(many=True)
    next = serializers.CharField(allow_null=True)


list_events = operation(
    "list_events",
    "Read the agency's events",
    description="Oldest first, in an order that never changes. With `wait`, an empty page is held back until something "
    "comes. An event says which thing has a new version, and nothing of what became of it: read the thing. Nobody need "
    "be named in `On-Behalf-Of`. Every answer carries the ledger's newest checkpoint: keep it.",
    tag=TAG,
    response=EventPageSerializer,
    got={"results": [EVENT], "next": EVENT["id"], "checkpoint": "udvej.example/ledger\n7\n…\n"},
    queries=[
        ("cursor", "`next` of the answer before; from the very first event where there is none."),
        ("limit", "1-200, 50 unless given."),
        ("wait", "Seconds to wait for an event where there is none: 0-20, 0 unless given."),
    ],
    problems=["scope-missing"],
)
register_endpoint = operation(
    "register_endpoint",
    "Register a webhook endpoint",
    description="For the agency's administrators. Each event is posted to it from now on. The answer holds the secret "
    "that calls are signed with; no other answer does.",
    tag=TAG,
    request=EndpointBodySerializer,
    response=NewSecretSerializer,
    status=201,
    sent=BODY,
    got=WITH_SECRET,
    traits=[PERSONAL, CREATES],
    problems=["endpoint-not-valid", "too-many-endpoints"],
)
list_endpoints = operation(
    "list_endpoints",
    "List the agency's webhook endpoints",
    tag=TAG,
    response=EndpointPage,
    got={"results": [ENDPOINT], "next": None},
    traits=[PERSONAL],
)
read_endpoint = operation(
    "read_endpoint",
    "Read a webhook endpoint",
    tag=TAG,
    response=EndpointSerializer,
    got=ENDPOINT,
    traits=[PERSONAL],
)
remove_endpoint = operation(
    "remove_endpoint",
    "Remove a webhook endpoint",
    description="It is called no more, for good. What is in line for it is cancelled.",
    tag=TAG,
    response=None,
    status=204,
    traits=[PERSONAL],
)
rotate_secret = operation(
    "rotate_endpoint_secret",
    "Give a webhook endpoint a new secret",
    description="For 24 hours each call carries two signatures, by the new secret and by the one before. Asked again "
    "within ten minutes, it gives the same one; a later rotation within the 24 hours ends the first secret at once.",
    tag=TAG,
    request=NothingSerializer,
    response=NewSecretSerializer,
    sent={},
    got={**WITH_SECRET, "rotated_at": "2026-11-03T08:00:00Z"},
    traits=[PERSONAL],
    problems=["invalid"],
)
enable_endpoint = operation(
    "enable_endpoint",
    "Call a disabled webhook endpoint again",
    description="An endpoint is disabled when it answered 410, when ten attempts at one event failed, or when it "
    "failed for five days; the feed says `endpoint.disabled`. What it missed is replayed when asked for.",
    tag=TAG,
    request=NothingSerializer,
    response=EndpointSerializer,
    sent={},
    got=ENDPOINT,
    traits=[PERSONAL],
    problems=["endpoint-not-valid"],
)
try_endpoint = operation(
    "try_endpoint",
    "Have a webhook endpoint called",
    description="With an event of type `endpoint.test`, about the endpoint itself. It is in the feed as well.",
    tag=TAG,
    request=NothingSerializer,
    response=InLineSerializer,
    status=202,
    sent={},
    got=IN_LINE,
    traits=[PERSONAL],
    problems=["endpoint-is-disabled", "invalid"],
)
replay_since = operation(
    "replay_endpoint_since",
    "Have everything since a time posted again",
    description="A thousand events at most, in the order in which they were told. `until` says where to go on.",
    tag=TAG,
    request=ReplayBodySerializer,
    response=InLineSerializer,
    status=202,
    sent={"since": "2026-11-02T08:00:00Z"},
    got={"deliveries": 31, "until": None},
    traits=[PERSONAL],
    problems=["endpoint-is-disabled", "invalid"],
)
list_deliveries = operation(
    "list_deliveries",
    "Read the delivery log",
    description="Newest first: what was posted where, every attempt, and what came of it.",
    tag=TAG,
    response=DeliveryPage,
    got={"results": [DELIVERY], "next": None},
    traits=[PERSONAL],
    queries=[
        ("endpoint", "Of this endpoint alone."),
        ("state", "`waiting`, `delivered`, `failed` or `cancelled`.", one_of(DELIVERY_STATES)),
        ("limit", "1-200, 50 unless given."),
        ("cursor", "`next` of the page before."),
    ],
)
replay_delivery = operation(
    "replay_delivery",
    "Have one delivery made again",
    description="Once it has ended, in whichever state. The event keeps its id.",
    tag=TAG,
    request=NothingSerializer,
    response=InLineSerializer,
    status=202,
    sent={},
    got=IN_LINE,
    traits=[PERSONAL],
    problems=["delivery-waits", "endpoint-is-disabled", "invalid"],
)
event = OpenApiWebhook(
    "event",
    extend_schema(
        operation_id="event",
        summary="Something became of a thing",
        description="Posted to each active endpoint of the agencies concerned, in order for each thing. " + SIGNED,
        tags=[TAG],
        request=PayloadSerializer,
        parameters=[
            OpenApiParameter("webhook-id", str, OpenApiParameter.HEADER, required=True, description="The event's id."),
            OpenApiParameter(
                "webhook-timestamp", str, OpenApiParameter.HEADER, required=True, description="Unix time, in seconds."
            ),
            OpenApiParameter(
                "webhook-signature", str, OpenApiParameter.HEADER, required=True, description="`v1,…`, one or two."
            ),
        ],
        examples=[OpenApiExample("Event", value=PAYLOAD, request_only=True)],
        responses={
            "2XX": OpenApiResponse(description="Taken. Answer before you work on it: a call has ten seconds."),
            "410": OpenApiResponse(description="Never call this endpoint again: it is disabled at once."),
        },
    ),
)
