"""
An exchange to act in, and callers that speak to it over HTTP as an integration does.

    kk = exchange.municipality.as_("caseworker")
    referral = kk.submit(exchange.centre)
    exchange.centre.as_("coordinator").step(referral, "receive")
"""

import base64
import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from agencies.enrolment import enrol_agency, enrol_client, enrol_member
from agencies.models import Agency, Area, AreaWithin, Kind, Role
from consent.naming import in_the_ledger

NUMBER = count(1)
MUNICIPALITIES = count(1500)
DISTRICTS = count(20000)
"""Codes that are nobody's: a real municipality has a 0 in front; real districts and regions lie below 1500."""

SINCE = date(2007, 1, 1)
GIVEN_AT = (timezone.now() - timedelta(days=21)).strftime("%Y-%m-%dT09:00:00Z")
SCOPES = {Kind.OVERSIGHT: ("audit", "administration", "events", "notifications")}
EVERY_SCOPE = ("referrals", "consents", "audit", "administration", "events", "notifications")
EVIDENCE = {"evidence_hash": "ab" * 32, "evidence_reference": "2026-115/3"}
STAFF = (*Role, Role.COUNSELLOR)
MORE_STAFF = {Kind.OVERSIGHT: (Role.ADMINISTRATOR, Role.ADMINISTRATOR)}
"""Two administrators approve a claim; a third one may make it."""

SECTIONS: dict[str, Any] = {
    "reason": {"summary": "Ønsker hjælp til at komme ud.", "subject_aware": "yes"},
    "identity": {"name": "Testperson Prøvesen", "cpr": "6101901234"},
    "contact": {"methods": [{"channel": "phone", "value": "00 00 00 00"}]},
    "needs": {"codes": ["housing"]},
}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any
    """The JSON body, or the bytes of another."""

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

    def rest_on(self, consent: Answer, to: "Party") -> str:
        """Submit a referral on a consent recorded before, so that the other agency sees it; return its id."""
        basis = {"code": "SAMTYKKE-TAVSHED", "consent_id": consent.body["id"]}
        reason = {"reason": SECTIONS["reason"]}
        return self.submit(to, subject={"id": consent.body["subject"]}, basis=basis, sections=reason)

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


def enrol(kind: str, code: str = "") -> Party:
    """Enrol an agency of this kind that no other test knows, with staff in every role and a client."""
    label = f"t{next(NUMBER)}-{uuid4().hex[:6]}"
    with transaction.atomic():
        agency = enrol_agency(kind=kind, code=code or label, name_da=f"Prøve {label}", name_en=f"Trial {label}")
        agency.refresh_from_db()
        staff: dict[str, str] = {}
        for role in (*STAFF, *MORE_STAFF.get(Kind(kind), ())):
            place = 1 + sum(name.startswith(f"{role}-") for name in staff)
            member = enrol_member(agency, staff_id=f"{label}-{role}-{place}", role=role)
            staff[f"{role}-{place}"] = member.staff_id
        secret = enrol_client(agency, client_id=f"client-{label}", scopes=SCOPES.get(Kind(kind), EVERY_SCOPE))
    return Party(agency, secret.client_id, secret.client_secret, staff)


def enrol_municipality(district: str) -> Party:
    """Enrol a municipality with a code of four digits that lies in this police district, since the reform of 2007."""
    code = str(next(MUNICIPALITIES))
    assert len(code) == 4, "the run has used up the codes of four digits: 8,500 municipalities"
    Area.objects.create(kind="municipality", code=code, name_da=f"Prøve {code}", valid_from=SINCE)
    AreaWithin.objects.create(municipality_code=code, kind="police_district", within_code=district, valid_from=SINCE)
    return enrol(Kind.MUNICIPALITY, code)


def enrol_prevention_unit(district: str) -> Party:
    """Enrol the prevention unit of this police district, whose code it has."""
    Area.objects.create(kind="police_district", code=district, name_da=f"Prøve {district}", valid_from=SINCE)
    return enrol(Kind.POLICE_PREVENTION, district)


class Exchange:
    """The agencies of one test."""

    def __init__(self) -> None:
        self._parties: dict[str, Party] = {}
        self._districts: dict[str, str] = {}

    def party(self, name: str, kind: str) -> Party:
        if name not in self._parties:
            match kind:
                case Kind.MUNICIPALITY:
                    home = "police" if name == "municipality" else name
                    self._parties[name] = enrol_municipality(self.district(home))
                case Kind.POLICE_PREVENTION:
                    self._parties[name] = enrol_prevention_unit(self.district(name))
                case _:
                    self._parties[name] = enrol(kind)
        return self._parties[name]

    def district(self, name: str = "police") -> str:
        """The code of a police district of this exchange's own: that of a prevention unit, or a stranger's home."""
        if name not in self._districts:
            self._districts[name] = str(next(DISTRICTS))
        return self._districts[name]

    @property
    def municipality(self) -> Party:
        """A municipality in the prevention unit's police district."""
        return self.party("municipality", Kind.MUNICIPALITY)

    @property
    def stranger(self) -> Party:
        """Another municipality in another district, with nothing to do with any referral."""
        return self.party("stranger", Kind.MUNICIPALITY)

    @property
    def police(self) -> Party:
        """The prevention unit of the municipality's police district."""
        return self.party("police", Kind.POLICE_PREVENTION)

    @property
    def investigators(self) -> Party:
        """A police unit that does not prevent."""
        return self.party("investigators", Kind.POLICE)

    @property
    def centre(self) -> Party:
        return self.party("centre", Kind.EXIT_CENTRE)

    @property
    def oversight(self) -> Party:
        return self.party("oversight", Kind.OVERSIGHT)

    def approve_self_governing(self, party: Party) -> str:
        """Make a party a self-governing institution, by evidence and two approvers; return the claim's id."""
        path = f"agencies/{party.id}/self-governing-claims"
        made = party.as_("administrator").create(EVIDENCE, path=path)
        assert made.status == 201, made
        for number in (1, 2):
            approved = self.oversight.as_("administrator", number).post(f"{path}/{made.body['id']}/approve", {})
            assert approved.status == 200, approved
        assert approved.body["state"] == "approved", approved
        return str(made.body["id"])


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


def ledger_name(person: str) -> str:
    """Return what the ledger calls a person now."""
    return str(in_the_ledger(UUID(person)).id)
