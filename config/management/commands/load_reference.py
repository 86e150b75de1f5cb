"""`manage.py load_reference`: put the reference data into the database. It can be run again; what is there stays."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from agencies.enrolment import enrol_agency
from agencies.models import Area, AreaWithin, CodeListItem, Kind
from audit import log
from audit.facts import SYSTEM, Subject
from config.env import BASE_DIR
from consent.models import LegalBasis, Notice
from consent.notices import digest

AREAS = {
    "municipality": "municipalities",
    "police_district": "police_districts",
    "region": "regions",
    "special_area": "special_areas",
}
WITHIN = {
    "region": ("municipality_regions", "region_code"),
    "police_district": ("municipality_districts", "police_district_code"),
}
LISTS = {
    "categories": "consent/reference/categories.json",
    "purposes": "consent/reference/purposes.json",
    "consent-kinds": "consent/reference/consent_kinds.json",
    "disposal-rules": "consent/reference/disposal_rules.json",
    "legal-bases": "consent/reference/legal_bases.json",
    "uses": "consent/reference/uses.json",
    "invalidations": "consent/reference/invalidations.json",
    "reasons": "referrals/reference/reasons.json",
    "channels": "referrals/reference/channels.json",
    "urgencies": "referrals/reference/urgencies.json",
    "deadlines": "referrals/reference/deadlines.json",
    "outcomes": "referrals/reference/outcomes.json",
    "milieus": "referrals/reference/milieus.json",
    "statuses": "referrals/reference/statuses.json",
    "moves": "referrals/reference/moves.json",
    "break-glass-reasons": "referrals/reference/break_glass_reasons.json",
    "task-results": "referrals/reference/task_results.json",
    "abuse-patterns": "referrals/reference/abuse_patterns.json",
}
NOTICES = "consent/reference/notices.json"
COMEBACK_OFFERS = ("individual_counselling", "outreach", "anonymous_online", "anonymous_telephone")


class Command(BaseCommand):
    help = "Load the reference data: areas, agencies, code lists, legal bases, consent notices."

    def handle(self, *args: Any, **options: Any) -> None:
        with log.act("administration.load_reference", by=SYSTEM, about=Subject("reference-data")) as act:
            load_areas()
            load_agencies()
            load_legal_bases()
            load_notices()
            load_code_lists()
            act.detail = {"lists": ",".join(sorted(LISTS))}


def load_areas() -> None:
    """Load municipalities, districts and regions, and which lies in which, with their dates."""
    for kind, name in AREAS.items():
        Area.objects.bulk_create(
            (
                Area(
                    kind=kind,
                    code=row["code"],
                    name_da=row.get("name_da") or row["name"],
                    name_en=row.get("name_en", ""),
                    **_dates(row),
                    source=row["source"],
                )
                for row in _rows(name)
            ),
            ignore_conflicts=True,
        )
    for kind, (name, column) in WITHIN.items():
        AreaWithin.objects.bulk_create(
            (
                AreaWithin(
                    municipality_code=row["municipality_code"],
                    kind=kind,
                    within_code=row[column],
                    **_dates(row),
                    source=row["source"],
                )
                for row in _rows(name)
            ),
            ignore_conflicts=True,
        )


def load_agencies() -> None:
    """Load the 98 municipalities, the 12 districts' prevention units, and Exit-Comeback."""
    for area in Area.objects.filter(kind="municipality"):
        enrol_agency(kind=Kind.MUNICIPALITY, code=area.code, name_da=area.name_da, name_en=area.name_da)
    for area in Area.objects.filter(kind="police_district"):
        enrol_agency(kind=Kind.POLICE_PREVENTION, code=area.code, name_da=area.name_da, name_en=area.name_en)
    enrol_agency(
        kind=Kind.EXIT_CENTRE,
        code="exit-comeback",
        name_da="Exit-Comeback",
        name_en="Exit-Comeback",
        offers=COMEBACK_OFFERS,
    )


def load_legal_bases() -> None:
    """Load each version of each legal basis that is not there yet; a version that is there is never rewritten."""
    known = set(LegalBasis.objects.values_list("code", "version"))
    for item in _items(LISTS["legal-bases"]):
        if (item["code"], item["version"]) in known:
            continue
        LegalBasis.objects.create(
            code=item["code"],
            version=item["version"],
            **_dates(item),
            title_da=item["title"]["da"],
            title_en=item["title"]["en"],
            statute=item["statute"],
            regime=item["regime"],
            nature=item["nature"],
            carries=item["carries"],
            consent_kind=item["consent_kind"] or "",
            sender_kinds=item["sender_kinds"],
            recipient_kinds=item["recipient_kinds"],
            article_9=item["article_9"],
            article_10=item["article_10"],
            subject_age_min=item["subject_age"]["min"],
            subject_age_max=item["subject_age"]["max"],
            purposes=item["purposes"],
            purpose_limits_da=item["purpose_limits"]["da"],
            purpose_limits_en=item["purpose_limits"]["en"],
            necessity_statement=item["necessity_statement"],
            investigation=item["investigation"],
            self_governing_only=item["self_governing_only"],
            source=f"{item['source']['status']}: {item['source']['note']}",
        )


def load_notices() -> None:
    """Load each version of the consent notice, in each language, that is not there yet, with the hash of its text."""
    known = set(Notice.objects.values_list("version", "language"))
    for item in _items(NOTICES):
        for language, text in item["text"].items():
            if (item["version"], language) in known:
                continue
            Notice.objects.create(
                version=item["version"],
                language=language,
                title=item["title"][language],
                text=text,
                hash=digest(text),
                legal_review=item["legal_review"],
                valid_from=item["valid_from"],
            )


def load_code_lists() -> None:
    """Load every code that is not there yet."""
    known = set(CodeListItem.objects.values_list("list_name", "scope", "code"))
    for list_name, path in LISTS.items():
        for position, item in enumerate(_items(path)):
            scope = item.get("move", "") if list_name == "reasons" else ""
            if (list_name, scope, item["code"]) in known:
                continue
            words = item.get("label") or item["title"]
            apart = {"code", "label", "title", "move", "valid_from", "valid_to", "source"}
            CodeListItem.objects.create(
                list_name=list_name,
                scope=scope,
                code=item["code"],
                position=position,
                label_da=words["da"],
                label_en=words["en"],
                attributes={name: value for name, value in item.items() if name not in apart},
                **_dates(item),
            )


def _rows(name: str) -> Iterator[dict[str, str]]:
    path = BASE_DIR / "agencies" / "reference" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _items(path: str) -> Iterable[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(Path(BASE_DIR, path).read_text(encoding="utf-8"))["items"]
    return items


def _dates(row: dict[str, Any]) -> dict[str, Any]:
    return {"valid_from": row["valid_from"], "valid_to": row["valid_to"] or None}
