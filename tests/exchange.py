"""
An exchange to act in, and callers that speak to it over HTTP as an integration does.

    kk = exchange.municipality.as_("caseworker")
    referral = kk.submit(exchange.centre)
    exchange.centre.as_("coordinator").step(referral, "receive")
"""

import base64
import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from agencies.enrolment import enrol_agency, enrol_client, enrol_member
from agencies.models import Agency, Kind, Role

NUMBER = count(1)
GIVEN_AT = (timezone.now() - timedelta(days=21)).strftime("%Y-%m-%dT09:00:00Z")
SCOPES = {Kind.OVERSIGHT: ("audit",)}
SECTIONS: dict[str, Any] = {
    "reason": {"summary": "Ønsker hjælp til at komme ud.", "subject_aware": "yes"},
    "identity": {"name": "Testperson Prøvesen", "cpr": "6101901234"},
    "contact": {"methods": [{"channel": "phone", "value": "00 00 00 00"}]},
    "needs": {"codes": ["housing"]},
}


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers, and the JSON body."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def etag(self) -> str:
        return self.headers["ETag"]

    def __repr__(self) -> str:
        return f"<{self.status} {json.dumps(self.body, ensure_ascii=False)[:600]}>"


@dataclass
class Caller:
    """One member of staff, through their agency's integration."""

    party: "Party"
    staff_id: str
    role: str
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request; keyword headers are spelled with underscores, an empty one is left out."""
        sent = {
            "Authorization": f"Bearer {self.party.token}",
            "On-Behalf-Of": self.staff_id,
            **self.headers,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        client = APIClient(headers={name: value for name, value in sent.items() if value})
        path = path if path.startswith("/") else f"/api/v1/{path}"
        if body is None:
            response = client.generic(method, path)
        else:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            response = client.generic(method, path, raw, content_type=sent.get("Content-Type", "application/json"))  # type: ignore[arg-type]
        content = response.content
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status_code, dict(response.headers), json.loads(content) if is_json else content)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def create(self, body: Any, **headers: str) -> Answer:
        """POST something new, with a key of its own unless one is given."""
        path = headers.pop("path", "referrals")
        return self.post(path, body, **{"Idempotency_Key": str(uuid4()), **headers})

    def submit(self, to: "Party", **changes: Any) -> str:
        """Create and submit a referral on a consent; return its id."""
        made = self.create(referral_body(to, **changes))
        assert made.status == 201, made
        return str(made.body["id"])

    def read(self, referral: str, **headers: str) -> Answer:
        return self.get(f"referrals/{referral}", **headers)

    def step(self, referral: str, move: str, body: Any = None, **headers: str) -> Answer:
        """Take a step on the version this caller reads now."""
        seen = headers.pop("If_Match", None) or self.read(referral).etag
        return self.post(f"referrals/{referral}/{move}", body or {}, If_Match=seen, **headers)


@dataclass
class Party:
    """One agency with its staff and its integration."""

    agency: Agency
    client_id: str
    client_secret: str
    staff: dict[str, str]
    _token: str = ""

    @property
    def id(self) -> str:
        return str(self.agency.id)

    @property
    def token(self) -> str:
        """A token from the token endpoint, fetched once."""
        self._token = self._token or self.fetch_token().body["access_token"]
        return self._token

    def fetch_token(self, *, secret: str = "", **form: str) -> Answer:
        basic = base64.b64encode(f"{self.client_id}:{secret or self.client_secret}".encode()).decode()
        response = APIClient(headers={"Authorization": f"Basic {basic}"}).post(
            "/oauth/token",
            "&".join(f"{name}={value}" for name, value in {"grant_type": "client_credentials", **form}.items()),
            content_type="application/x-www-form-urlencoded",
        )
        return Answer(response.status_code, dict(response.headers), json.loads(response.content))

    def as_(self, role: str, number: int = 1) -> Caller:
        """The agency's member in this role."""
        return Caller(self, self.staff[f"{role}-{number}"], role)


def enrol(kind: str) -> Party:
    """Enrol an agency of this kind that no other test knows, with staff in every role and a client."""
    number = next(NUMBER)
    code = f"t{number}-{uuid4().hex[:6]}"
    with transaction.atomic():
        agency = enrol_agency(kind=kind, code=code, name_da=f"Prøve {code}", name_en=f"Trial {code}")
        agency.refresh_from_db()
        staff: dict[str, str] = {}
        for role in (*Role, Role.COUNSELLOR):
            place = 1 + sum(name.startswith(f"{role}-") for name in staff)
            member = enrol_member(agency, staff_id=f"{code}-{role}-{place}", role=role)
            staff[f"{role}-{place}"] = member.staff_id
        secret = enrol_client(
            agency, client_id=f"client-{code}", scopes=SCOPES.get(Kind(kind), ("referrals", "consents", "audit"))
        )
    return Party(agency, secret.client_id, secret.client_secret, staff)


class Exchange:
    """The agencies of one test."""

    def __init__(self) -> None:
        self._parties: dict[str, Party] = {}

    def party(self, name: str, kind: str) -> Party:
        if name not in self._parties:
            self._parties[name] = enrol(kind)
        return self._parties[name]

    @property
    def municipality(self) -> Party:
        return self.party("municipality", Kind.MUNICIPALITY)

    @property
    def stranger(self) -> Party:
        """Another municipality, with nothing to do with any referral."""
        return self.party("stranger", Kind.MUNICIPALITY)

    @property
    def police(self) -> Party:
        return self.party("police", Kind.POLICE_PREVENTION)

    @property
    def centre(self) -> Party:
        return self.party("centre", Kind.EXIT_CENTRE)

    @property
    def oversight(self) -> Party:
        return self.party("oversight", Kind.OVERSIGHT)


def consent_body(to: Party, categories: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    """A consent that lifts confidentiality towards a party, for these categories."""
    return {
        "kind": "CONFIDENTIALITY_WAIVER",
        "recipients": [to.id],
        "purposes": ["exit_support"],
        "categories": categories or list(SECTIONS),
        "given_at": GIVEN_AT,
        "method": "written",
        **changes,
    }


def referral_body(to: Party, **changes: Any) -> dict[str, Any]:
    """A referral that would be accepted as it is; `consent` changes the consent that comes with it."""
    consent = consent_body(to, **changes.pop("consent", {}))
    return {
        "recipient": to.id,
        "subject": {"mode": "identified"},
        "basis": {"code": "SAMTYKKE-TAVSHED", "consent": consent},
        "sections": SECTIONS,
        "submit": True,
        **changes,
    }
