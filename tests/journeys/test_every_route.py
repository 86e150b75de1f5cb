"""
Every route of the committed contract, asked by every role: nothing personal leaves but through the door, and each time
an entry says so.

The case holds a marker of its own in each category. Wherever one turns up in an answer, the answer's signed receipt has
to name an entry of that request, done, by that agency, with that category. A route that is added to the contract and
not to the table below fails the first test.
"""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pypdf
import pypdf.errors
import pytest
import yaml

from audit.models import Entry
from config.env import BASE_DIR
from consent.models import Consent
from referrals.models import Referral
from tests.exchange import Answer, Caller, Exchange, consent_body, referral_body
from tests.referrals import files
from tests.referrals.glass import breaking, broken
from tests.referrals.walks import ALL_CATEGORIES, EVERYTHING, Walk, walk

CONTRACT = yaml.safe_load((BASE_DIR / "api_schema" / "openapi.yaml").read_text(encoding="utf-8"))
ROUTES = {
    f"{method.upper()} {path.removeprefix('/api/v1/')}"
    for path, operations in CONTRACT["paths"].items()
    for method in operations
    if path.startswith("/api/v1/") and method in ("get", "post", "put", "patch", "delete")
}


def marker(category: str) -> str:
    """The word that stands in this category of the case, and nowhere else."""
    return f"kanarie{category}"


def said(category: str) -> list[dict[str, str]]:
    return [{"text": marker(category), "kind": "reported"}]


SECTIONS: dict[str, Any] = {
    **EVERYTHING,
    "contact": {"methods": [{"channel": "sms", "value": "00 00 00 00", "hours": marker("contact")}]},
    "identity": {"name": marker("identity"), "cpr": "6101901234"},
    "background": {"language": "da-knrbkgr", "birth_year": 2010},
    "reason": {"summary": marker("reason"), "subject_aware": "yes"},
    "concern": {"milieu": "unknown", "statements": said("concern")},
    "health": {"statements": said("health")},
    "criminal": {"statements": said("criminal")},
    "safety": {"threatened_by_milieu": "unknown", "statements": said("safety")},
    "network": {"people": [{"relation": marker("network"), "may_be_contacted": True}]},
    "needs": {"codes": ["housing"], "note": marker("needs")},
}
MARKERS = {
    **{category: [marker(category)] for category in ALL_CATEGORIES},
    "identity": [marker("identity"), "6101901234", "610190-1234"],
    "background": ["knrbkgr"],
}
PEOPLE = [
    *(("stranger", "caseworker", 1), ("stranger", "coordinator", 1), ("stranger", "auditor", 1)),
    *(("investigators", "caseworker", 1), ("police", "caseworker", 1)),
    *(("oversight", "auditor", 1), ("oversight", "administrator", 1)),
    *(("centre", "auditor", 1), ("centre", "administrator", 1), ("centre", "integration", 1)),
    *(("municipality", "auditor", 1), ("municipality", "administrator", 1), ("municipality", "integration", 1)),
    *(("centre", "counsellor", 2), ("centre", "counsellor", 1), ("centre", "coordinator", 1)),
    *(("municipality", "counsellor", 1), ("municipality", "coordinator", 1), ("municipality", "caseworker", 1)),
]
"""Everybody who asks, those with nothing to do with the case first: an act that succeeds changes it."""

PARTIES = {"municipality", "centre"}
ADULT_PURPOSE = {"administrator": "administration", "auditor": ""}


@dataclass(frozen=True)
class Case:
    """One referral with a marker in each category, and everything that belongs to it."""

    walked: Walk
    names: dict[str, str]

    @property
    def exchange(self) -> Exchange:
        return self.walked.exchange


Body = Callable[[Case], Any]


@dataclass(frozen=True)
class Ask:
    """How a route is asked: in which state of the case, with which body, for which purpose."""

    status: str = "in_progress"
    body: Body | None = None
    purpose: str = "exit_support"
    versioned: str = ""
    seen_by: frozenset[str] = frozenset()
    """Which parties this route shows a marker to at least once; the walk is blind where it shows none."""


def plain(value: Any) -> Body:
    return lambda _case: value


REASONED = {"reason": "subject_disengaged"}
BOTH, SENDER, RECIPIENT = frozenset(PARTIES), frozenset({"municipality"}), frozenset({"centre"})


def a_referral(case: Case) -> Any:
    agreed = {"categories": ALL_CATEGORIES, "maturity_assessed": True}
    return referral_body(case.exchange.centre, sections=SECTIONS, consent=agreed)


def a_file(case: Case) -> Any:
    return files.body(files.pdf(marker("needs").encode()), description=marker("needs"))


def move(body: Any, status: str, seen_by: frozenset[str]) -> Ask:
    return Ask(status, plain(body), versioned="referral", seen_by=seen_by)


def of_a_consent(body: Any) -> Ask:
    return Ask(body=plain(body), versioned="consent")


ASKED: dict[str, Ask] = {
    "GET agencies": Ask(),
    "GET agencies/{agency_id}": Ask(),
    "GET agencies/{agency_id}/duty-contact": Ask(),
    "PUT agencies/{agency_id}/duty-contact": Ask(body=plain({"email": "vagthavende@kommunen.example"})),
    "GET agencies/{agency_id}/self-governing-claims": Ask(),
    "POST agencies/{agency_id}/self-governing-claims": Ask(
        body=plain({"evidence_hash": "ab" * 32, "evidence_reference": "2026-115/3"})
    ),
    "POST agencies/{agency_id}/self-governing-claims/{claim_id}/approve": Ask(body=plain({})),
    "POST agencies/{agency_id}/self-governing-claims/{claim_id}/withdraw": Ask(body=plain({"reason": "other"})),
    "GET audit/checkpoint": Ask(),
    "GET audit/entries": Ask(),
    "GET audit/exports": Ask(),
    "POST audit/exports": Ask(body=lambda case: {"case_number": "2026-0042", "referral": case.names["referral_id"]}),
    "GET audit/exports/{export_id}": Ask(),
    "GET audit/exports/{export_id}/bundle": Ask(),
    "GET audit/keys": Ask(),
    "GET audit/proofs/inclusion": Ask(),
    "GET audit/proofs/consistency": Ask(),
    "GET audit/tile/{tile}": Ask(),
    "POST audit/entries/search": Ask(body=plain({"case_number": "2026-0042", "limit": 5})),
    "GET audit/findings": Ask(),
    "POST audit/findings/search": Ask(body=plain({"case_number": "2026-0042", "limit": 5})),
    "GET break-glass": Ask(),
    "POST break-glass": Ask(
        body=lambda case: breaking(case.names["referral_id"], categories=["contact"]), purpose="averting_danger"
    ),
    "GET break-glass/{glass_id}": Ask(),
    "POST break-glass/{glass_id}/review": Ask(body=plain({"verdict": "justified"}), versioned="glass"),
    "GET code-lists/{name}": Ask(),
    "GET consent-notices": Ask(),
    "GET consents": Ask(),
    "POST consents": Ask(body=lambda case: {**consent_body(case.exchange.centre), "subject": case.names["subject_id"]}),
    "GET consents/{consent_id}": Ask(),
    "GET consents/{consent_id}/receipt": Ask(),
    "POST consents/{consent_id}/give": of_a_consent({"given_at": "2026-11-01T09:00:00Z", "method": "oral"}),
    "POST consents/{consent_id}/refuse": of_a_consent({"method": "oral"}),
    "POST consents/{consent_id}/renew": of_a_consent({"method": "oral"}),
    "POST consents/{consent_id}/invalidate": of_a_consent({"reason": "other"}),
    "POST consents/{consent_id}/withdraw": of_a_consent({"method": "oral"}),
    "GET events": Ask(),
    "GET notifications/deliveries": Ask(),
    "POST notifications/deliveries/{delivery_id}/replay": Ask(body=plain({})),
    "GET notifications/endpoints": Ask(),
    "POST notifications/endpoints": Ask(body=plain({"url": "https://sager.example.dk/udvej"})),
    "GET notifications/endpoints/{endpoint_id}": Ask(),
    "DELETE notifications/endpoints/{endpoint_id}": Ask(),
    "POST notifications/endpoints/{endpoint_id}/enable": Ask(body=plain({})),
    "POST notifications/endpoints/{endpoint_id}/replay": Ask(body=plain({"since": "2026-11-01T08:00:00Z"})),
    "POST notifications/endpoints/{endpoint_id}/rotate-secret": Ask(body=plain({})),
    "POST notifications/endpoints/{endpoint_id}/test": Ask(body=plain({})),
    "GET referrals": Ask(),
    "POST referrals": Ask(body=a_referral, seen_by=frozenset({"stranger", "municipality"})),
    "POST referrals/batch": Ask(body=lambda case: {"items": [a_referral(case)]}),
    "POST referrals/search": Ask(body=plain({"identifier": {"cpr": "6101901234"}})),
    "GET referrals/{referral_id}": Ask(seen_by=BOTH),
    "PATCH referrals/{referral_id}": Ask("draft", plain({"urgency": "acute"}), versioned="referral", seen_by=SENDER),
    "GET referrals/{referral_id}/amendments": Ask(seen_by=BOTH),
    "POST referrals/{referral_id}/amendments": move(
        {"sections": {"needs": SECTIONS["needs"]}, "reason": "corrected"}, "in_progress", SENDER
    ),
    "GET referrals/{referral_id}/attachments": Ask(seen_by=BOTH),
    "POST referrals/{referral_id}/attachments": Ask("in_progress", a_file, seen_by=SENDER),
    "GET referrals/{referral_id}/attachments/{attachment_id}": Ask(seen_by=BOTH),
    "GET referrals/{referral_id}/attachments/{attachment_id}/content": Ask(seen_by=BOTH),
    "GET referrals/{referral_id}/disclosures": Ask(),
    "POST referrals/{referral_id}/endangered": Ask(
        body=lambda case: {
            "home_municipality": case.exchange.municipality.agency.code,
            "statements": said("concern"),
        },
        purpose="child_protection",
        seen_by=BOTH,
    ),
    "GET referrals/{referral_id}/messages": Ask(seen_by=BOTH),
    "POST referrals/{referral_id}/messages": move(
        {"kind": "information_request", "reason": "contact_unclear", "categories": ["contact"]}, "received", RECIPIENT
    ),
    "GET referrals/{referral_id}/timeline": Ask(),
    "POST referrals/{referral_id}/submit": move({}, "draft", SENDER),
    "POST referrals/{referral_id}/receive": move({}, "submitted", RECIPIENT),
    "POST referrals/{referral_id}/accept": move({}, "received", RECIPIENT),
    "POST referrals/{referral_id}/start": move({}, "accepted", RECIPIENT),
    "POST referrals/{referral_id}/hold": move({"reason": "agreed_pause"}, "in_progress", RECIPIENT),
    "POST referrals/{referral_id}/resume": move({}, "on_hold", RECIPIENT),
    "POST referrals/{referral_id}/complete": move(
        {"reason": "goals_reached", "outcome": "unknown", "comment": marker("outcome")}, "in_progress", RECIPIENT
    ),
    "POST referrals/{referral_id}/close": move({"reason": "contact_lost"}, "in_progress", RECIPIENT),
    "POST referrals/{referral_id}/reject": move({"reason": "no_capacity"}, "submitted", frozenset()),
    "POST referrals/{referral_id}/redirect": Ask(
        "submitted",
        lambda case: {"reason": "better_match_elsewhere", "recipient": case.exchange.stranger.id},
        versioned="referral",
    ),
    "POST referrals/{referral_id}/withdraw": move({"reason": "subject_changed_mind"}, "submitted", SENDER),
    "POST referrals/{referral_id}/assign": Ask(
        "in_progress",
        lambda case: {"assignees": [case.walked.assigned.staff_id]},
        versioned="referral",
        seen_by=RECIPIENT,
    ),
    "POST referrals/{referral_id}/screen": move({"result": "cleared"}, "received", frozenset()),
    "POST referrals/{referral_id}/mark-in-error": move({"reason": "wrong_person"}, "submitted", frozenset()),
    "GET subjects/{subject_id}": Ask(purpose="subject_access"),
    "GET subjects/{subject_id}/access-report": Ask(purpose="subject_access", seen_by=SENDER),
    "GET subjects/{subject_id}/withholdings": Ask(purpose="subject_access"),
    "POST subjects/{subject_id}/withholdings": Ask(
        body=lambda case: {"agency": case.exchange.centre.id, "ground": "dbl_22_1", "review_by": "2027-01-15"},
        purpose="subject_access",
    ),
    "GET tasks": Ask(purpose="child_protection"),
    "GET tasks/{task_id}": Ask(purpose="child_protection", seen_by=BOTH),
    "POST tasks/{task_id}/done": Ask(
        body=plain({"reason": "received_and_assessed"}),
        purpose="child_protection",
        versioned="task",
        seen_by=SENDER,
    ),
}
"""Each route, and how it is asked."""

OWN_WORDS = "POST referrals"
"""What tells whoever asks what they said themselves just now."""

NOTHING_PERSONAL = {
    *("GET agencies", "GET agencies/{agency_id}", "GET code-lists/{name}", "GET consent-notices"),
    *("GET audit/checkpoint", "GET audit/keys", "GET audit/tile/{tile}"),
    *("GET audit/proofs/inclusion", "GET audit/proofs/consistency"),
}
"""What shows facts about agencies and lists alone, and writes no entry."""

RECORDED = (200, 201, 403, 404, 409, 412)
"""The answers that an act gave; what is malformed is turned away before one begins."""


def test_every_route_of_the_contract_is_asked_here() -> None:
    assert set(ASKED) == ROUTES


@dataclass
class Seen:
    """What one walk of a route found."""

    statuses: dict[int, int] = field(default_factory=dict)
    markers: dict[str, set[str]] = field(default_factory=dict)


def prepared(exchange: Exchange, status: str) -> Case:
    """A case in a status, with a message, an amendment, a file, a task and a claim beside it."""
    drafted = referral_body(exchange.centre, sections=SECTIONS)["basis"]["consent"]
    basis = {
        "code": "SAMTYKKE-TAVSHED",
        "consent": {
            **drafted,
            "categories": ALL_CATEGORIES,
            "maturity_assessed": True,
            "report_back": True,
        },
    }
    walked = walk(exchange, "received" if status == "in_progress" else status, sections=SECTIONS, basis=basis)
    told = walked.sender.read(walked.id).body
    names = {
        "referral_id": walked.id,
        "subject_id": told["subject"]["id"],
        "consent_id": told["basis"]["consent_id"],
        "agency_id": exchange.centre.id,
        "name": "statuses",
        "tile": "0/000",
        **{name: str(uuid4()) for name in ("attachment_id", "task_id", "claim_id", "glass_id", "export_id")},
        **{name: str(uuid4()) for name in ("endpoint_id", "delivery_id")},
    }
    case = Case(walked, names)
    made = walked.sender.create(a_file(case), path=f"referrals/{walked.id}/attachments")
    names["attachment_id"] = made.body.get("id", names["attachment_id"])
    if status == "in_progress":
        _talk(case)
    return case


def _talk(case: Case) -> None:
    """Ask and answer before the work begins, amend after, and notify about the minor."""
    walked, names = case.walked, case.names
    asked = {"kind": "information_request", "reason": "contact_unclear", "categories": ["contact"]}
    for by, words in (
        (walked.coordinator, {**asked, "comment": marker("contact")}),
        (walked.sender, {"kind": "information_answer", "categories": ["contact"], "comment": marker("contact")}),
    ):
        assert by.step(walked.id, "messages", words).status == 200
    walked.refresh()
    walked.go("accept", "start")
    amended = {"sections": {"needs": SECTIONS["needs"]}, "reason": "corrected"}
    assert walked.sender.step(walked.id, "amendments", amended).status == 200
    notified = ASKED["POST referrals/{referral_id}/endangered"].body
    assert notified is not None
    path = f"referrals/{walked.id}/endangered"
    made = walked.coordinator.create(notified(case), path=path, Purpose="child_protection")
    assert made.status == 201, made
    names["task_id"] = made.body["id"]
    names["glass_id"] = broken(walked.unassigned, walked.id, categories=["contact"])


def ask(route: str, case: Case, by: Caller, purpose: str) -> Answer:
    """Ask a route as somebody would who knows the case's names."""
    method, path = route.split(" ", 1)
    asked = ASKED[route]
    body = asked.body(case) if asked.body else None
    headers = {
        "Idempotency_Key": str(uuid4()),
        "Audit_Case": "2026-0042",
        "Purpose": ADULT_PURPOSE.get(by.role, purpose),
        "If_Match": _version(asked.versioned, case),
    }
    return by.call(method, path.format(**case.names), body, **headers)


def _version(of: str, case: Case) -> str:
    match of:
        case "referral":
            return f'"{Referral.objects.get(pk=case.names["referral_id"]).version}"'
        case "consent":
            return f'"{Consent.objects.get(pk=case.names["consent_id"]).version}"'
        case "task" | "glass":
            return '"1"'
    return ""


def text_of(answer: Answer) -> str:
    """Return all that an answer says, whatever it is written in."""
    if answer.headers.get("Content-Type", "").startswith("application/pdf"):
        with suppress(pypdf.errors.PyPdfError, ValueError):  # a file that only looks like one is read as it is
            return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.body)).pages)
    if answer.headers.get("Content-Type", "").startswith("application/zip"):
        with zipfile.ZipFile(io.BytesIO(answer.body)) as bundle:
            return "".join(bundle.read(name).decode("latin-1") for name in bundle.namelist())
    if isinstance(answer.body, bytes):
        return answer.body.decode("latin-1")
    return json.dumps(answer.body, ensure_ascii=False)


def shown_in(answer: Answer) -> set[str]:
    """Return the categories of which a marker turns up in an answer's body; none may be in its headers."""
    for name, value in answer.headers.items():
        assert not any(word in value for words in MARKERS.values() for word in words), name
    text = text_of(answer)
    return {category for category, words in MARKERS.items() if any(word in text for word in words)}


def entry_of(receipt: str) -> str:
    """Return the id of the entry that a receipt promises."""
    payload = receipt.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["entry"])


def _empty_feed(route: str, answer: Answer) -> bool:
    """A poll of the feed that nothing came of shows nothing, and is not recorded."""
    return route == "GET events" and answer.status == 200 and answer.body["results"] == []


def hold(route: str, by: Caller, party: str, answer: Answer) -> set[str]:
    """Hold an answer to what the door promises, and return the categories it showed."""
    shown = shown_in(answer)
    entries = {str(entry.id): entry for entry in Entry.objects.filter(request_id=answer.headers["Request-Id"])}
    if route in NOTHING_PERSONAL:
        assert not shown
        return shown
    assert answer.status < 500, answer
    if answer.status in RECORDED and not _empty_feed(route, answer):
        assert entries, (route, party, by.role, answer)
    if shown:
        assert answer.status in (200, 201), answer
        assert party in PARTIES or route == OWN_WORDS, (route, party, by.role, shown)
        entry = entries[entry_of(answer.headers["Receipt"])]
        assert (entry.outcome, str(entry.actor_agency), entry.on_behalf_of) == ("done", by.party.id, by.staff_id)
        assert shown <= set(entry.categories), (route, by.role, shown - set(entry.categories))
    return shown


@pytest.fixture(scope="module")
def crowd(django_db_setup: None) -> Exchange:
    """The agencies of all the walks."""
    return Exchange()


@pytest.fixture(scope="module")
def lasting(crowd: Exchange) -> Case:
    """The case that is only read."""
    return prepared(crowd, "in_progress")


@pytest.mark.parametrize("route", sorted(ASKED))
def test_nothing_personal_leaves_but_through_the_door(
    crowd: Exchange, lasting: Case, settings: Any, route: str
) -> None:
    settings.ATTACHMENTS_UNSCANNED = "serve"  # no scanner is asked here, and a file that is withheld shows nothing
    asked = ASKED[route]
    case = lasting if route.startswith("GET") else prepared(crowd, asked.status)
    seen = Seen()
    for name, role, number in PEOPLE:
        by = getattr(crowd, name).as_(role, number)
        answer = ask(route, case, by, asked.purpose)
        seen.statuses[answer.status] = seen.statuses.get(answer.status, 0) + 1
        for category in hold(route, by, name, answer):
            seen.markers.setdefault(name, set()).add(category)
    assert set(seen.markers) == set(asked.seen_by), (route, seen)


@pytest.mark.parametrize("form", ["application/pdf", "application/json"])
def test_a_person_s_report_shows_what_its_entry_names_in_either_form(lasting: Case, form: str) -> None:
    by, path = lasting.walked.sender, f"subjects/{lasting.names['subject_id']}/access-report"
    answer = by.get(path, Accept=form, Purpose="subject_access")
    assert answer.status == 200, answer
    assert {"identity", "reason", "needs"} <= hold(
        "GET subjects/{subject_id}/access-report", by, "municipality", answer
    )
