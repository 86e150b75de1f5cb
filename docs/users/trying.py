"""
For trying the recipes in Python against `make run`, from the project's own folder:

    from docs.users.trying import System, agency

It needs the standard library alone, so it may be copied. It is the Python equal of try.sh.
"""

import base64
import json
import os
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any, NamedTuple

DEMO = json.loads(Path(os.environ.get("UDVEJ_DEMO_FILE") or "var/demo.json").read_text(encoding="utf-8"))
BASE = DEMO["base_url"]


class Answer(NamedTuple):
    """An answer: the status, the headers, and the JSON, or the bytes where it is none."""

    status: int
    headers: Any
    body: Any


def agency(code: str, field: str) -> str:
    """Return what var/demo.json says about a demo agency: client_id, client_secret, agency_id, ..."""
    parties = {party["code"]: party for party in [*DEMO["agencies"], *DEMO["auditors"]]}
    return str(parties[code][field])


class System:
    """An agency's case system, acting for one member of its staff."""

    def __init__(self, code: str, staff: str) -> None:
        self.staff = staff
        credentials = f"{agency(code, 'client_id')}:{agency(code, 'client_secret')}".encode()
        headers = {"Authorization": "Basic " + base64.b64encode(credentials).decode()}
        answer = send("POST", BASE + "/oauth/token", b"grant_type=client_credentials", headers)
        self.token = answer.body["access_token"]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request below /api/v1; If_Match="..." and the like are further headers."""
        return self.send(method, "/api/v1" + path, body, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request to any address of the server."""
        sent = {
            "Authorization": f"Bearer {self.token}",
            "On-Behalf-Of": self.staff,
            "Idempotency-Key": str(uuid.uuid4()),  # a new one for each thing that is created
            **({"Content-Type": "application/json"} if body is not None else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return send(method, BASE + path, None if body is None else json.dumps(body).encode(), sent)


def send(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    """Send one request; an error status is an answer like any other."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)  # noqa: S310 - our own server
    try:
        response = urllib.request.urlopen(request)  # noqa: S310
    except urllib.error.HTTPError as refused:
        response = refused
    with response:
        content = response.read()
    try:
        return Answer(response.status, response.headers, json.loads(content))
    except ValueError:
        return Answer(response.status, response.headers, content)
