"""
`manage.py load_demo`: demo agencies' staff and clients, and their credentials in one file that only its owner reads.

For trying the exchange on one machine. A secret that the file holds is kept, in a database that was emptied as well:
whoever had set up a client against the demo goes on with it after `make reset`.
"""

import json
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import check_password
from django.core.management.base import BaseCommand
from django.utils import timezone

from agencies.enrolment import enrol_agency, enrol_client, enrol_member
from agencies.models import Agency, Client
from audit import log
from audit.facts import SYSTEM, Subject
from config import variables
from config.demo.cast import AGENCIES, OVERSIGHT, Party


class Command(BaseCommand):
    help = "Load the demo agencies' staff and clients, and write their credentials to a file."

    def handle(self, *args: Any, **options: Any) -> None:
        path = variables.DEMO_FILE.read()
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        with log.act("administration.load_demo", by=SYSTEM, about=Subject("demo-data")):
            file = self._file(known)
        _write(path, file)

    def _file(self, known: dict[str, Any]) -> dict[str, Any]:
        emptied = not Client.objects.exists()
        secrets = {entry["client_id"]: entry["client_secret"] for entry in _entries(known)}
        agencies = [_enrolled(party, secrets) for party in AGENCIES]
        auditors = [{**_enrolled(party, secrets), "auditor_id": next(iter(party.staff))} for party in OVERSIGHT]
        today = timezone.now().date().isoformat()
        return {
            "base_url": variables.BASE_URL.read(),
            "demo_anchor": today if emptied else known.get("demo_anchor", today),
            "agencies": agencies,
            "auditor": auditors[0],
            "auditors": auditors,
        }


def _enrolled(party: Party, secrets: dict[str, str]) -> dict[str, Any]:
    agency = Agency.objects.filter(kind=party.kind, code=party.code).first() or enrol_agency(
        kind=party.kind, code=party.code, name_da=party.name_da, name_en=party.name_en
    )
    for staff_id, role in party.staff.items():
        enrol_member(agency, staff_id=staff_id, role=role)
    client_id = f"demo-{agency.code}"
    return {
        "name": agency.name_da,
        "kind": agency.kind,
        "code": agency.code,
        "agency_id": str(agency.id),
        "client_id": client_id,
        "client_secret": _secret(agency, client_id=client_id, scopes=party.scopes, known=secrets.get(client_id)),
        "caseworker_id": next(iter(party.staff)),
        "staff": {staff_id: str(role) for staff_id, role in party.staff.items()},
    }


def _secret(agency: Agency, *, client_id: str, scopes: tuple[str, ...], known: str | None) -> str:
    """Return the client's secret: the one that the file knows, whatever the database has by now, or else a new one."""
    client = agency.clients.filter(client_id=client_id, scopes=list(scopes)).first()
    if known and client is not None and check_password(known, client.client_secret):
        return known
    made = enrol_client(agency, client_id=client_id, scopes=scopes).client_secret
    if not known:
        return made
    client = agency.clients.get(client_id=client_id)
    client.client_secret = known
    client.save()
    return known


def _entries(known: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every agency that the file knows; one of before it listed the oversight bodies names one."""
    return [*known.get("agencies", []), *known.get("auditors", [known["auditor"]] if "auditor" in known else [])]


def _write(path: Path, file: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    made.touch(mode=0o600)
    made.write_text(json.dumps(file, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    made.replace(path)
