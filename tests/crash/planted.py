"""
The product with a bug of a kind that a history checker has to catch, chosen by UDVEJ_PLANTED; for the tests alone.

`rolled_back`: an answer is shown whose entry was rolled back. `stale`: a consent is looked up once, and what it opened
is shown from memory, on an entry that is in order. `lost`: a consent's record or withdrawal is acknowledged, and rolled
back. The database itself stops blunter bugs: it releases nothing for an entry that is not committed.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from structlog.contextvars import bound_contextvars

from audit import log
from audit.facts import Actor, Subject
from config.wsgi import application as product

Starts = Callable[..., Any]
WHOLE = re.compile(r"^/api/v1/referrals/([0-9a-f-]{36})$")
CONSENT = re.compile(r"^/api/v1/consents(/[0-9a-f-]{36}/withdraw)?$")
EVERY = 3
"""One answer in so many is wrong, in each process: a bug that always showed would be caught by any test."""

_shown: dict[tuple[str, str, str], tuple[list[tuple[str, str]], bytes]] = {}
_turn = iter(range(1, 1_000_000))
_lock = threading.Lock()


def application(environ: dict[str, Any], start_response: Starts) -> Iterable[bytes]:
    """Serve as the product does, but for the planted bug."""
    match os.environ["UDVEJ_PLANTED"]:
        case "rolled_back" | "stale" as bug:
            return _from_memory(environ, start_response, keep=bug == "stale")
        case "lost":
            return _lost(environ, start_response)
        case unknown:
            raise ValueError(unknown)


def _from_memory(environ: dict[str, Any], start_response: Starts, *, keep: bool) -> Iterable[bytes]:
    path = WHOLE.match(environ["PATH_INFO"])
    if path is None or environ["REQUEST_METHOD"] != "GET" or "HTTP_PURPOSE" in environ:
        return product(environ, start_response)
    place = (path.group(1), environ.get("HTTP_ON_BEHALF_OF", ""), environ.get("HTTP_AUTHORIZATION", ""))
    if place in _shown and _is_turn():
        headers, body = _shown[place]
        receipt = _entry(json.loads(body), headers, environ, keep=keep)
        start_response("200 OK", [*headers, ("Receipt", receipt)])
        return [body]
    status, headers, body = _answered(environ)
    if status.startswith("200") and json.loads(body)["sections"]:
        _shown[place] = ([pair for pair in headers if pair[0] != "Receipt"], body)
    start_response(status, headers)
    return [body]


def _entry(body: dict[str, Any], headers: list[tuple[str, str]], environ: dict[str, Any], *, keep: bool) -> str:
    """Write the entry of a disclosure, keep it or roll it back, and return its receipt."""
    from agencies.models import Membership
    from audit.receipts import signed

    member = Membership.objects.get(staff_id=environ["HTTP_ON_BEHALF_OF"])
    by = Actor(agency=member.agency_id, on_behalf_of=member.staff_id, role=member.role, user=str(member.user_id))
    act = log.Act(action="referral.disclose", by=by, about=Subject("referral", body["id"]), purpose="exit_support")
    act.categories = tuple(body["sections"])
    act.consent = UUID(body["basis"]["consent_id"]) if body["basis"] else None
    with bound_contextvars(request_id=environ.get("HTTP_REQUEST_ID", str(uuid4()))), transaction.atomic():
        receipt = log._append(act, refusal="", changes="")
        transaction.set_rollback(not keep)
    return signed(receipt)


def _lost(environ: dict[str, Any], start_response: Starts) -> Iterable[bytes]:
    asked = environ["REQUEST_METHOD"] == "POST" and CONSENT.match(environ["PATH_INFO"])
    _forgetful.now = bool(asked) and _is_turn()
    try:
        return product(environ, start_response)
    finally:
        _forgetful.now = False


@contextmanager
def _atomic(**how: Any) -> Iterator[None]:
    """Do what a transaction does, and roll it back in place of committing it where this thread is forgetful."""
    with transaction.atomic(**how):
        yield
        transaction.set_rollback(getattr(_forgetful, "now", False))


_forgetful = threading.local()
vars(log)["transaction"] = SimpleNamespace(atomic=_atomic)  # what every act commits by


def _answered(environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    started: list[tuple[Any, ...]] = []
    body: Any = product(environ, lambda *start: started.append(start))  # type: ignore[arg-type]
    content = b"".join(body)
    body.close()
    return started[0][0], started[0][1], content


def _is_turn() -> bool:
    with _lock:
        return next(_turn) % EVERY == 0
