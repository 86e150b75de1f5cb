"""
How often one client may ask: a fixed window a minute, said in the RateLimit headers of every answer.

Counted in each worker's memory, so the true limit is the setting times the number of workers; it keeps one client's
runaway loop from starving the others, and is no defence against many.
"""

from threading import Lock
from time import time as seconds
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from agencies.principals import Principal
from api_schema.headers import RateLimit

if TYPE_CHECKING:  # rest_framework.views imports this module while it is itself being imported
    from rest_framework.views import APIView

WINDOW_SECONDS = 60
CLIENTS_MOST = 10_000


class PerClient(BaseThrottle):
    """DRF's throttle of every API view: `RATE_LIMIT_PER_MINUTE` requests a client, counted a minute at a time."""

    _counts: dict[tuple[str, int], int] = {}
    _lock = Lock()
    _resets_in: int = WINDOW_SECONDS

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.user, Principal):
            return True
        limit: int = settings.RATE_LIMIT_PER_MINUTE
        now = seconds()
        window = int(now // WINDOW_SECONDS)
        with self._lock:
            if len(self._counts) > CLIENTS_MOST:
                self._counts.clear()
            key = (request.user.client, window)
            self._counts[key] = self._counts.get(key, 0) + 1
            used = self._counts[key]
        self._resets_in = int((window + 1) * WINDOW_SECONDS - now) + 1
        request._request.rate_limit = RateLimit(limit=limit, remaining=max(0, limit - used), resets_in=self._resets_in)
        return used <= limit

    def wait(self) -> float:
        """Return the seconds to wait after a refusal."""
        return float(self._resets_in)
