"""
Signs webhooks as Standard Webhooks says (github.com/standard-webhooks/standard-webhooks): HMAC-SHA-256, `v1`.

A secret stands in no row: it follows from the exchange's keyed-hash key, the endpoint and how many secrets the endpoint
has had. So no copy of the database can sign.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from standardwebhooks import Webhook

from agencies.notifications.models import Endpoint
from audit.hashing import keyed

BOTH_FOR = timedelta(hours=24)
"""How long after a rotation the secret before signs as well, so that a subscriber can change without missing a call."""


def secret_of(endpoint: UUID, generation: int) -> str:
    """Return the endpoint's secret of a generation, as a subscriber configures it: `whsec_` and 32 bytes in base64."""
    key = bytes.fromhex(keyed("webhook-secret", f"{endpoint}:{generation}".encode()))
    return f"whsec_{b64encode(key).decode()}"


def signatures(endpoint: Endpoint, *, message: UUID, at: datetime, content: bytes) -> str:
    """Return the `webhook-signature` header of a call: one signature, two in the hours after a rotation."""
    return " ".join(
        Webhook(secret_of(endpoint.id, generation)).sign(str(message), at, content.decode())
        for generation in _generations(endpoint, at=at)
    )


def _generations(endpoint: Endpoint, *, at: datetime) -> Sequence[int]:
    if endpoint.rotated_at is not None and at < endpoint.rotated_at + BOTH_FOR:
        return (endpoint.generation, endpoint.generation - 1)
    return (endpoint.generation,)
