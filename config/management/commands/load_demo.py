"""
`manage.py load_demo`: demo agencies' staff and clients, and their credentials in one file that only its owner reads.

For trying the exchange on one machine. The secrets are made anew wherever the file does not hold them.
"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from agencies.enrolment import enrol_agency, enrol_client, enrol_member
from agencies.models import Agency, Client, Kind, Role
from audit import log
from audit.facts import SYSTEM, Subject
from config.env import BASE_DIR, env

WORK = ("referrals", "consents")
STAFF: dict[tuple[str, str], dict[str, Role]] = {
    (Kind.MUNICIPALITY, "0101"): {"kk-sb-1": Role.CASEWORKER, "kk-ko-1": Role.COORDINATOR},
    (Kind.MUNICIPALITY, "0751"): {"aa-sb-1": Role.CASEWORKER, "aa-ko-1": Role.COORDINATOR},
    (Kind.MUNICIPALITY, "0461"): {"od-sb-1": Role.CASEWORKER, "od-ko-1": Role.COORDINATOR},
    (Kind.POLICE_PREVENTION, "1470"): {"kp-sb-1": Role.CASEWORKER, "kp-ko-1": Role.COORDINATOR},
    (Kind.EXIT_CENTRE, "exit-comeback"): {
        "cb-ko-1": Role.COORDINATOR,
        "cb-ra-1": Role.COUNSELLOR,
        "cb-ra-2": Role.COUNSELLOR,
        "cb-ad-1": Role.ADMINISTRATOR,
    },
}
"""Demo staff by agency; the first of each is the one named `caseworker_id` in the file."""

SCOPES = {"exit-comeback": (*WORK, "administration")}
"""What an agency's client may do besides its work: the exit centre may claim to be a self-governing institution."""

OVERSIGHT = {"ti-au-1": Role.AUDITOR, "ti-ad-1": Role.ADMINISTRATOR, "ti-ad-2": Role.ADMINISTRATOR}


class Command(BaseCommand):
    help = "Load the demo agencies' staff and clients, and write their credentials to a file."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(env.str("UDVEJ_DEMO_FILE", default=str(BASE_DIR / "var" / "demo.json")))
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        with log.act("administration.load_demo", by=SYSTEM, about=Subject("demo-data")):
            file = self._file(known)
        _write(path, file)

    def _file(self, known: dict[str, Any]) -> dict[str, Any]:
        kept = known if Client.objects.exists() else {}  # an old file tells nothing about a new database
        secrets = {entry["client_id"]: entry["client_secret"] for entry in _entries(kept)}
        agencies = [
            self._agency(Agency.objects.get(kind=kind, code=code), staff, SCOPES.get(code, WORK), secrets)
            for (kind, code), staff in STAFF.items()
        ]
        oversight = enrol_agency(
            kind=Kind.OVERSIGHT, code="tilsyn-demo", name_da="Tilsyn (demo)", name_en="Oversight (demo)"
        )
        auditor = self._agency(oversight, OVERSIGHT, ("audit", "administration"), secrets)
        return {
            "base_url": env.str("UDVEJ_BASE_URL", default="http://127.0.0.1:8000"),
            "demo_anchor": kept.get("demo_anchor", timezone.now().date().isoformat()),
            "agencies": agencies,
            "auditor": {**auditor, "auditor_id": "ti-au-1"},
        }

    def _agency(
        self, agency: Agency, staff: dict[str, Role], scopes: tuple[str, ...], secrets: dict[str, str]
    ) -> dict[str, Any]:
        for staff_id, role in staff.items():
            enrol_member(agency, staff_id=staff_id, role=role)
        client_id = f"demo-{agency.code}"
        same = agency.clients.filter(client_id=client_id, scopes=list(scopes)).exists()
        known = same and secrets.get(client_id)
        return {
            "name": agency.name_da,
            "kind": agency.kind,
            "code": agency.code,
            "agency_id": str(agency.id),
            "client_id": client_id,
            "client_secret": known or enrol_client(agency, client_id=client_id, scopes=scopes).client_secret,
            "caseworker_id": next(iter(staff)),
            "staff": {staff_id: str(role) for staff_id, role in staff.items()},
        }


def _entries(known: dict[str, Any]) -> list[dict[str, Any]]:
    return [*known.get("agencies", []), *([known["auditor"]] if "auditor" in known else [])]


def _write(path: Path, file: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    made.touch(mode=0o600)
    made.write_text(json.dumps(file, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    made.replace(path)
