"""
One integration on behalf of one member of staff, over HTTP; whatever it asks and is told goes into the history.

A refusal (4xx) is certainly not done. A 5xx, a broken connection and silence are `unknown`, whatever the answer says:
between a commit and its answer anything may have died. Nothing is retried here.
"""

import json
import random
import re
import string
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.crash.history import FAIL, OK, UNKNOWN, History

TIMEOUT = 15
WAIT = 0.1
"""Seconds after an unknown outcome, so that the history is not one of refused connections."""

TOKEN_LASTS = 400
"""Seconds after which a new token is fetched; the exchange gives them 600."""

MARK = re.compile(r"\b(?:mark|word)[a-z]{20}\b")
"""Words that stand for content: wherever one of them is seen, what was written with it is shown."""


def marked(kind: str) -> str:
    """Return a word that was never said before: a `mark` in a section, or a `word` in a message."""
    return kind + "".join(random.SystemRandom().choices(string.ascii_lowercase, k=20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A definite answer."""

    status: int
    body: Any
    etag: str

    @property
    def ok(self) -> bool:
        return self.status < httpx.codes.BAD_REQUEST


class Client:
    """Asks as one person; not shared between threads."""

    def __init__(self, name: str, party: dict[str, Any], role: str, *, base_url: str, history: History) -> None:
        self.name, self.party, self.agency = name, party, party["id"]
        self.staff_id = party["staff"][role]
        self._history = history
        self._http = httpx.Client(base_url=base_url, timeout=TIMEOUT)
        self._token, self._token_until = "", 0.0

    def close(self) -> None:
        self._http.close()

    def ask(
        self,
        kind: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        **asked: Any,
    ) -> Reply | None:
        """Send one request; return its definite answer, or None where it is unknown what became of it."""
        token = self._valid_token()
        if token is None:
            return None
        request = str(uuid4())
        sent = {
            "Authorization": f"Bearer {token}",
            "On-Behalf-Of": self.staff_id,
            "Request-Id": request,
            **(headers or {}),
        }
        n = self._history.invoke(self.name, kind, agency=self.agency, staff=self.staff_id, request=request, **asked)
        try:
            answer = self._http.request(method, f"/api/v1/{path}", json=body, headers=sent)
        except httpx.TransportError as error:
            self._history.end(n, self.name, UNKNOWN, error=type(error).__name__)
            time.sleep(WAIT)
            return None
        told = _told(answer)
        outcome = UNKNOWN if answer.is_server_error else FAIL if answer.is_client_error else OK
        self._history.end(n, self.name, outcome, **told)
        if outcome == UNKNOWN:
            time.sleep(WAIT)
            return None
        return Reply(status=answer.status_code, body=_json(answer), etag=answer.headers.get("ETag", ""))

    def read(self, referral: str, *, kind: str = "read", part: str = "", **asked: Any) -> Reply | None:
        """Read a referral, or one part of it."""
        return self.ask(kind, "GET", f"referrals/{referral}{part}", referral=referral, **asked)

    def step(self, referral: str, move: str, path: str, body: Any, *, seen: str, **asked: Any) -> Reply | None:
        """Take one step of a referral, on the version that was seen."""
        headers = {"If-Match": seen}
        facts = {"referral": referral, "writes": f"referral.{move}", **asked}
        return self.ask(move, "POST", f"referrals/{referral}/{path}", body, headers=headers, **facts)

    def create(self, kind: str, path: str, body: Any, *, key: str, **asked: Any) -> Reply | None:
        """Create something under a key of the caller's."""
        return self.ask(kind, "POST", path, body, headers={"Idempotency-Key": key}, key=key, **asked)

    def _valid_token(self) -> str | None:
        """Return a token, fetched anew in good time; None while none is to be had."""
        if time.monotonic() < self._token_until:
            return self._token
        asked = time.monotonic()
        try:
            answer = self._http.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(self.party["client_id"], self.party["client_secret"]),
            )
        except httpx.TransportError:
            return None
        if answer.status_code != httpx.codes.OK:
            return None
        self._token, self._token_until = answer.json()["access_token"], asked + TOKEN_LASTS
        return self._token


def _json(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content)
    except ValueError:
        return None


def _told(answer: httpx.Response) -> dict[str, Any]:
    """Return what of an answer the history keeps: what it promised, and what it showed."""
    body = _json(answer)
    body = body if isinstance(body, dict) else {}
    basis = body.get("basis") if isinstance(body.get("basis"), dict) else None
    etag = answer.headers.get("ETag", "").strip('"')
    told = {
        "status": answer.status_code,
        "code": body.get("code", ""),
        "id": body.get("id", ""),
        "version": int(etag) if etag.isdigit() else None,
        "receipt": answer.headers.get("Receipt", ""),
        "replayed": answer.headers.get("Idempotency-Replayed") == "true",
        "shown": _shown(body),
        "marks": sorted(set(MARK.findall(answer.text))),
        "rests_on": basis["consent_id"] if basis else None,
    }
    return {name: value for name, value in told.items() if value not in (None, "", [], False)}


def _shown(body: dict[str, Any]) -> list[str]:
    """Return the categories of which an answer shows content."""
    sections = body.get("sections")
    pieces = [piece for name in ("messages", "results") for piece in body.get(name) or []]
    said = {piece["category"] for piece in pieces if isinstance(piece, dict) and "category" in piece}
    return sorted({*(sections if isinstance(sections, dict) else ()), *said})
