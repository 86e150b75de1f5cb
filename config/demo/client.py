"""
A small HTTP client for the demo, as an integrator might write it: one agency's system, acting for one of its people.

It speaks to servers of one's own: no proxy, no redirects, and no retries. What it raises names no secret and no value.
"""

import base64
import http.client
import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 120.0
"""Long enough for a batch of a hundred on a slow machine."""

TOKEN_MARGIN_SECONDS = 30.0


class ClientError(RuntimeError):
    """The server could not be asked, or gave no token; the sentence says which request and why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with. `json` is None where the answer holds no JSON."""

    status: int
    headers: Mapping[str, str]
    json: Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: the token goes nowhere but where it was sent."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Client:
    """One agency's system. Every request is made for `on_behalf_of` and `purpose`, where they are given."""

    def __init__(
        self,
        base_url: str,
        *,
        client_id: str,
        client_secret: str,
        on_behalf_of: str = "",
        purpose: str = "",
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        if urlsplit(base_url).scheme not in {"http", "https"}:
            raise ClientError("The base URL has to begin with http:// or https://.")
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._credentials = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        acting = {"On-Behalf-Of": on_behalf_of, "Purpose": purpose}
        self._acting = {name: value for name, value in acting.items() if value}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
        self._token = ""
        self._token_ends = 0.0

    @classmethod
    def bearing(cls, base_url: str, *, token: str) -> Self:
        """Return a client that has this token and can't get another."""
        made = cls(base_url, client_id="", client_secret="")
        made._token, made._token_ends = token, math.inf
        return made

    def token(self) -> str:
        """
        Return an access token (RFC 6749 section 4.4), a fresh one where the last is about to end.

        Raises `ClientError` where the server gives none.
        """
        if time.monotonic() >= self._token_ends:
            headers = {
                "Authorization": f"Basic {self._credentials}",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            body = urlencode({"grant_type": "client_credentials"}).encode()
            answer = self._send("POST", "/oauth/token", body, headers)
            given = answer.json if isinstance(answer.json, dict) else {}
            if answer.status != http.client.OK or not given.get("access_token"):
                raise ClientError(f"POST /oauth/token gave no token: it answered {answer.status}.")
            self._token = str(given["access_token"])
            self._token_ends = time.monotonic() + float(given.get("expires_in", 0)) - TOKEN_MARGIN_SECONDS
        return self._token

    def get(
        self, path: str, *, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to a GET, whatever its status. Raises `ClientError` where there is none."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, None, headers)

    def post(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a POST of JSON, whatever its status. Raises `ClientError` where there is none."""
        return self._ask("POST", path, body, headers)

    def patch(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a PATCH of JSON, whatever its status. Raises `ClientError` where there is none."""
        return self._ask("PATCH", path, body, headers)

    def _ask(self, method: str, path: str, body: Any, headers: Mapping[str, str] | None) -> Answer:
        sent = {"Authorization": f"Bearer {self.token()}", "Accept": "application/json", **self._acting}
        if body is not None:
            sent["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self._send(method, path, content, {**sent, **(headers or {})})

    def _send(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked when the client is made
            self.base_url + path, data=content, headers=dict(headers), method=method
        )
        try:
            try:
                response = self._opener.open(request, timeout=self.timeout)
            except urllib.error.HTTPError as refused:
                response = refused
            with response:
                return Answer(response.status, response.headers, _json(response.read()))
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "reason", None) or type(error).__name__
            raise ClientError(f"{method} {path.partition('?')[0]} got no answer: {why}") from None


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
