"""What an event says, on either way: the payload that Standard Webhooks describes, and nothing besides."""

from typing import Any

from agencies.notifications.models import Event


def payload(event: Event) -> dict[str, Any]:
    """Return what is posted: the type, the time, and which thing in which version."""
    about = {"id": str(event.about)}
    return {
        "type": event.type,
        "timestamp": event.at.isoformat().replace("+00:00", "Z"),
        "data": about if event.version is None else {**about, "version": event.version},
    }


def listed(event: Event) -> dict[str, Any]:
    """Return a row of the feed: the payload, with the id that a webhook carries in its header `webhook-id`."""
    return {"id": str(event.id), **payload(event)}
