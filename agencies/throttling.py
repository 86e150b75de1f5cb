"""
How often one client may ask: so often a minute, over all workers, said in the RateLimit headers of every answer.

It keeps one client's runaway loop from starving the others. A client is counted once it has proven itself, so nobody
uses up another's requests. Failures are counted by address, and only what fails again is told to wait: whoever presents
the right credential gets through, however much was tried before them (docs/decisions/0037).
"""

from collections.abc import Mapping
from time import time as seconds
from typing import TYPE_CHECKING, Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from agencies import counting
from agencies.certificates import over_the_proxy
from agencies.counting import WINDOW_SECONDS
from agencies.principals import Principal
from api_schema.headers import RateLimit

if TYPE_CHECKING:  # rest_framework.views imports this module while it is itself being imported
    from rest_framework.views import APIView


class PerClient(BaseThrottle):
    """DRF's throttle of every API view: `RATE_LIMIT_PER_MINUTE` requests a client, counted a minute at a time."""

    _resets_in: int = WINDOW_SECONDS

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.user, Principal):
            return True
        used, limit = counted(counting.client(request.user.client), most=settings.RATE_LIMIT_PER_MINUTE)
        self._resets_in = limit.resets_in
        request._request.rate_limit = limit
        return used <= limit.limit

    def wait(self) -> float:
        """Return the seconds to wait after a refusal."""
        return float(self._resets_in)


def counted(who: str, *, most: int) -> tuple[int, RateLimit]:
    """Count one request of an asker; return how many there are in this minute, and what the headers say of it."""
    minute, resets_in = _minute()
    used = counting.requests.count(who, minute=minute)
    return used, RateLimit(limit=most, remaining=max(0, most - used), resets_in=resets_in)


def failures(meta: Mapping[str, Any], *, about: str = "", more: int = 1) -> tuple[int, int]:
    """
    Count one more failure from the address that a request comes from, or none; return how many, and when they end.

    The address itself is kept nowhere: it is counted under a keyed name that is another one each minute.
    """
    minute, resets_in = _minute()
    who = counting.failures_from(_address(meta), about=about, minute=minute)
    return counting.failures.count(who, minute=minute, more=more), resets_in


def _address(meta: Mapping[str, Any]) -> str:
    """Return the address that a request comes from, as the proxy says, where one is configured."""
    said = meta.get("HTTP_X_REAL_IP") if over_the_proxy(meta) else None
    return str(said or meta.get("REMOTE_ADDR", ""))


def _minute() -> tuple[int, int]:
    now = seconds()
    minute = int(now // WINDOW_SECONDS)
    return minute, int((minute + 1) * WINDOW_SECONDS - now) + 1
