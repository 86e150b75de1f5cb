"""
Makes one call to one endpoint: a signed POST to the address that was checked, in the time it has, and no redirect.

The answer's body is not read: nobody needs it, and it could hold anything.
"""

import http.client
import json
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus

from agencies.notifications import addresses, signing, told
from agencies.notifications.addresses import NotCallable, Target
from agencies.notifications.models import Endpoint, Event
from audit.patience import connected, until

SECONDS = 10.0
"""For the whole call, from the connection to the status. A subscriber answers first, and works on it then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What came of a call: the status, or a code of ours where there was none; and how long it took."""

    status: int | None
    failure: str
    milliseconds: int

    @property
    def arrived(self) -> bool:
        """Whether the endpoint took it: any 2xx."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def gone(self) -> bool:
        """Whether the endpoint asked never to be called again: 410, as Standard Webhooks says."""
        return self.status == HTTPStatus.GONE


def call(endpoint: Endpoint, event: Event, *, at: datetime) -> Called:
    """Post the event to the endpoint, and return what came of it; nothing that the network does is raised."""
    content = json.dumps(told.payload(event), separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Udvej-Webhooks/1",
        "webhook-id": str(event.id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signing.signatures(endpoint, message=event.id, at=at, content=content),
    }
    started = time.monotonic()
    status, failure = None, ""
    try:
        status = _post(addresses.target(endpoint.url), content, headers, ends=started + SECONDS)
    except NotCallable as error:
        failure = error.code
    except TimeoutError:
        failure = "timed_out"
    except ssl.SSLError:
        failure = "tls_failed"
    except (OSError, http.client.HTTPException, ValueError):
        failure = "no_answer"
    return Called(status=status, failure=failure, milliseconds=round((time.monotonic() - started) * 1000))


def _post(to: Target, content: bytes, headers: dict[str, str], *, ends: float) -> int:
    connection = _connected(to, ends=ends)
    try:
        with until(ends, connection.sock):
            connection.request("POST", to.path, content, headers)
            return connection.getresponse().status
    finally:
        connection.close()


def _connected(to: Target, *, ends: float) -> http.client.HTTPConnection:
    """Return a connection to the first of the checked addresses that takes one. Raises what the last of them does."""
    tls = _tls() if to.secure else None
    for address in to.addresses[:-1]:
        soon = time.monotonic() + (ends - time.monotonic()) / 2
        with suppress(OSError):
            return connected(to.host, to.port, address=address, ends=soon, tls=tls)
    return connected(to.host, to.port, address=to.addresses[-1], ends=ends, tls=tls)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
