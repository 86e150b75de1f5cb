"""Municipalities by their real codes, with staff and a client of one test's own; and notifications about a minor."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from agencies import directory
from agencies.enrolment import enrol_client, enrol_member
from agencies.models import Agency, Kind, Role
from tests.exchange import Answer, Caller, Party

YEAR = datetime.now(UTC).year
HOME, ELSEWHERE, APART = "0101", "0751", "0825"
CHILD, ADULT = YEAR - 14, YEAR - 30
CHILDS = {"Purpose": "child_protection"}
TOLD = "Fortæller, at han bliver slået derhjemme."
STATEMENT = {"text": TOLD, "kind": "reported", "on": "2026-10-01", "source": "Samtale"}


def municipality(code: str = HOME) -> Party:
    """The municipality that the reference data enrolled under this code, with new staff and a new client."""
    return _enrolled(Kind.MUNICIPALITY, code)


def police_of(code: str = HOME) -> Party:
    """The prevention unit of a municipality's own police district, with new staff and a new client."""
    district = directory.home_district(code, on=datetime.now(UTC).date())
    return _enrolled(Kind.POLICE_PREVENTION, str(district))


def _enrolled(kind: str, code: str) -> Party:
    agency = Agency.objects.get(kind=kind, code=code)
    mark = uuid4().hex[:8]
    with transaction.atomic():
        staff = {f"{role}-1": enrol_member(agency, staff_id=f"{mark}-{role}", role=role).staff_id for role in Role}
        secret = enrol_client(agency, client_id=f"client-{mark}", scopes=("referrals", "consents", "audit"))
    return Party(agency, secret.client_id, secret.client_secret, staff)


def notification(**changes: Any) -> dict[str, Any]:
    """What a reporter tells; a change to None leaves a member out."""
    body = {"home_municipality": HOME, "birth_year": CHILD, "statements": [STATEMENT], **changes}
    return {name: value for name, value in body.items() if value is not None}


def notify(by: Caller, referral: str, **changes: Any) -> Answer:
    """Mark the person of a referral as endangered."""
    return by.create(notification(**changes), path=f"referrals/{referral}/endangered", **CHILDS)


def notified(by: Caller, referral: str, **changes: Any) -> str:
    """Mark the person of a referral as endangered; return the task's id."""
    made = notify(by, referral, **changes)
    assert made.status == 201, made
    return str(made.body["id"])
