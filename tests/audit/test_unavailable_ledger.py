"""A ledger that can't be written: over HTTP everything answers 503, shows nothing and leaves nothing done."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from agencies.duty_models import DutyContact
from agencies.models import SelfGoverningClaim
from audit import log
from consent.models import Consent, ConsentEvent
from referrals.models import Attachment, BreakGlass, Referral, Section, Task
from tests.exchange import EVIDENCE, Answer, Caller, Exchange, consent_body, referral_body
from tests.referrals import files
from tests.referrals.glass import breaking
from tests.referrals.homes import notification

BROKEN = "INSERT INTO no_such_ledger VALUES (%s)" + ", %s" * 21
LOOKED_UP = {
    *("agencies", "agencies/<uuid:agency_id>", "code-lists/<slug:name>", "consent-notices"),
    *("audit/checkpoint", "audit/keys", "audit/tile/<path:tile>"),
    *("audit/proofs/inclusion", "audit/proofs/consistency"),
}
"""The addresses of what is public, and not recorded."""

ENDPOINTS = "notifications/endpoints"
ENDPOINT = f"{ENDPOINTS}/<uuid:endpoint_id>"
CLAIMS = "agencies/<uuid:agency_id>/self-governing-claims"
REASON = {"reason": "other", "comment": "Ingen oplysninger."}
REQUESTS: dict[str, tuple[str, str, Any]] = {
    "GET referrals": ("sender", "referrals?role=sent", None),
    "POST referrals": ("sender", "referrals", "a referral"),
    "POST referrals/batch": ("sender", "referrals/batch", "a batch"),
    "POST referrals/search": ("sender", "referrals/search", {"identifier": {"cpr": "6101901234"}}),
    "GET referrals/<uuid:referral_id>": ("sender", "referrals/{referral}", None),
    "PATCH referrals/<uuid:referral_id>": ("sender", "referrals/{draft}", {"urgency": "soon"}),
    "POST referrals/<uuid:referral_id>/messages": (
        "recipient",
        "referrals/{referral}/messages",
        {"kind": "information_request", "reason": "contact_unclear"},
    ),
    "GET referrals/<uuid:referral_id>/attachments": ("recipient", "referrals/{referral}/attachments", None),
    "POST referrals/<uuid:referral_id>/attachments": ("sender", "referrals/{referral}/attachments", files.body()),
    "GET referrals/<uuid:referral_id>/attachments/<uuid:attachment_id>": (
        "recipient",
        "referrals/{referral}/attachments/{file}",
        None,
    ),
    "GET referrals/<uuid:referral_id>/attachments/<uuid:attachment_id>/content": (
        "recipient",
        "referrals/{referral}/attachments/{file}/content",
        None,
    ),
    "GET referrals/<uuid:referral_id>/timeline": ("sender", "referrals/{referral}/timeline", None),
    "GET referrals/<uuid:referral_id>/disclosures": ("recipient", "referrals/{referral}/disclosures", None),
    "POST referrals/<uuid:referral_id>/submit": ("sender", "referrals/{draft}/submit", {}),
    "POST referrals/<uuid:referral_id>/receive": ("recipient", "referrals/{referral}/receive", {}),
    "POST referrals/<uuid:referral_id>/accept": ("recipient", "referrals/{referral}/accept", {}),
    "POST referrals/<uuid:referral_id>/start": ("recipient", "referrals/{referral}/start", {}),
    "POST referrals/<uuid:referral_id>/resume": ("recipient", "referrals/{referral}/resume", {}),
    "POST referrals/<uuid:referral_id>/reject": ("recipient", "referrals/{referral}/reject", REASON),
    "POST referrals/<uuid:referral_id>/redirect": (
        "recipient",
        "referrals/{referral}/redirect",
        {**REASON, "recipient": "{stranger}"},
    ),
    "POST referrals/<uuid:referral_id>/withdraw": ("sender", "referrals/{referral}/withdraw", REASON),
    "POST referrals/<uuid:referral_id>/hold": ("recipient", "referrals/{referral}/hold", REASON),
    "POST referrals/<uuid:referral_id>/complete": (
        "recipient",
        "referrals/{referral}/complete",
        {**REASON, "outcome": "out_of_milieu"},
    ),
    "POST referrals/<uuid:referral_id>/close": ("recipient", "referrals/{referral}/close", REASON),
    "POST referrals/<uuid:referral_id>/screen": ("recipient", "referrals/{referral}/screen", {"result": "cleared"}),
    "GET referrals/<uuid:referral_id>/amendments": ("recipient", "referrals/{referral}/amendments", None),
    "POST referrals/<uuid:referral_id>/amendments": (
        "sender",
        "referrals/{referral}/amendments",
        {"sections": {"needs": {"codes": ["work"]}}, "reason": "corrected"},
    ),
    "GET referrals/<uuid:referral_id>/messages": ("recipient", "referrals/{referral}/messages", None),
    "POST referrals/<uuid:referral_id>/assign": ("recipient", "referrals/{referral}/assign", {"assignees": ["x"]}),
    "POST referrals/<uuid:referral_id>/mark-in-error": (
        "sender",
        "referrals/{referral}/mark-in-error",
        {"reason": "wrong_person"},
    ),
    "GET audit/entries": ("auditor", "audit/entries", None),
    "POST audit/entries/search": ("auditor", "audit/entries/search", {}),
    "GET audit/exports": ("auditor", "audit/exports", None),
    "POST audit/exports": ("auditor", "audit/exports", {"reason": "routine_inspection"}),
    "GET audit/exports/<uuid:export_id>": ("auditor", "audit/exports/{nothing}", None),
    "GET audit/exports/<uuid:export_id>/bundle": ("auditor", "audit/exports/{nothing}/bundle", None),
    "GET audit/findings": ("auditor", "audit/findings", None),
    "POST audit/findings/search": ("auditor", "audit/findings/search", {}),
    "GET subjects/<uuid:subject_id>": ("sender", "subjects/{subject}", None),
    "GET subjects/<uuid:subject_id>/access-report": ("sender", "subjects/{subject}/access-report", None),
    "GET subjects/<uuid:subject_id>/withholdings": ("sender", "subjects/{subject}/withholdings", None),
    "POST subjects/<uuid:subject_id>/withholdings": ("sender", "subjects/{subject}/withholdings", "a withholding"),
    "POST consents": ("sender", "consents", "a consent"),
    "GET consents": ("recipient", "consents", None),
    "GET consents/<uuid:consent_id>": ("sender", "consents/{consent}", None),
    "GET consents/<uuid:consent_id>/receipt": ("recipient", "consents/{consent}/receipt", None),
    "POST consents/<uuid:consent_id>/give": ("sender", "consents/{consent}/give", {"method": "oral"}),
    "POST consents/<uuid:consent_id>/refuse": ("sender", "consents/{consent}/refuse", {"method": "oral"}),
    "POST consents/<uuid:consent_id>/invalidate": ("sender", "consents/{consent}/invalidate", {"reason": "not_free"}),
    "POST consents/<uuid:consent_id>/withdraw": ("sender", "consents/{consent}/withdraw", {"method": "oral"}),
    "POST consents/<uuid:consent_id>/renew": ("sender", "consents/{consent}/renew", {"method": "oral"}),
    "GET agencies/<uuid:agency_id>/duty-contact": ("overseer", "agencies/{oversight}/duty-contact", None),
    "PUT agencies/<uuid:agency_id>/duty-contact": (
        "overseer",
        "agencies/{oversight}/duty-contact",
        {"email": "vagthavende@tilsynet.example"},
    ),
    f"GET {CLAIMS}": ("overseer", "agencies/{centre}/self-governing-claims", None),
    f"POST {CLAIMS}": ("overseer", "agencies/{stranger}/self-governing-claims", EVIDENCE),
    f"POST {CLAIMS}/<uuid:claim_id>/approve": (
        "overseer",
        "agencies/{centre}/self-governing-claims/{claim}/approve",
        {},
    ),
    f"POST {CLAIMS}/<uuid:claim_id>/withdraw": (
        "overseer",
        "agencies/{centre}/self-governing-claims/{claim}/withdraw",
        {"reason": "claimed_in_error"},
    ),
    "GET events": ("sender", "events", None),
    f"GET {ENDPOINTS}": ("overseer", "notifications/endpoints", None),
    f"POST {ENDPOINTS}": ("overseer", "notifications/endpoints", {"url": "https://sager.example.dk/udvej"}),
    f"GET {ENDPOINT}": ("overseer", "notifications/endpoints/{nothing}", None),
    f"DELETE {ENDPOINT}": ("overseer", "notifications/endpoints/{nothing}", None),
    f"POST {ENDPOINT}/rotate-secret": ("overseer", "notifications/endpoints/{nothing}/rotate-secret", {}),
    f"POST {ENDPOINT}/enable": ("overseer", "notifications/endpoints/{nothing}/enable", {}),
    f"POST {ENDPOINT}/test": ("overseer", "notifications/endpoints/{nothing}/test", {}),
    f"POST {ENDPOINT}/replay": (
        "overseer",
        "notifications/endpoints/{nothing}/replay",
        {"since": "2026-11-01T08:00:00Z"},
    ),
    "GET notifications/deliveries": ("overseer", "notifications/deliveries", None),
    "POST notifications/deliveries/<uuid:delivery_id>/replay": (
        "overseer",
        "notifications/deliveries/{nothing}/replay",
        {},
    ),
    "POST referrals/<uuid:referral_id>/endangered": ("sender", "referrals/{referral}/endangered", "a notification"),
    "GET tasks": ("sender", "tasks", None),
    "GET tasks/<uuid:task_id>": ("sender", "tasks/{nothing}", None),
    "POST tasks/<uuid:task_id>/done": ("sender", "tasks/{nothing}/done", {"reason": "duplicate"}),
    "GET break-glass": ("recipient", "break-glass", None),
    "POST break-glass": ("sender", "break-glass", "a glass"),
    "GET break-glass/<uuid:glass_id>": ("auditor", "break-glass/{nothing}", None),
    "POST break-glass/<uuid:glass_id>/review": ("recipient", "break-glass/{nothing}/review", {"verdict": "justified"}),
}
"""Verb and address → who asks, where, with which body. Some would be refused; a refusal has to be recorded as well."""


PURPOSES = {"a notification": "child_protection", "a glass": "averting_danger"}
"""For which purpose a body is sent that serves one alone."""


class Case:
    """A referral, a draft and a consent, and what of them could change."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.callers: dict[str, Caller] = {
            "sender": exchange.municipality.as_("caseworker"),
            "recipient": exchange.centre.as_("coordinator"),
            "auditor": exchange.oversight.as_("auditor"),
            "overseer": exchange.oversight.as_("administrator"),
        }
        sender = self.callers["sender"]
        made = sender.create(referral_body(exchange.centre))
        draft = sender.create(referral_body(exchange.centre, submit=False))
        claims = f"agencies/{exchange.centre.id}/self-governing-claims"
        claim = exchange.centre.as_("administrator").create(EVIDENCE, path=claims)
        self.names = {
            "centre": exchange.centre.id,
            "claim": claim.body["id"],
            "oversight": exchange.oversight.id,
            "referral": made.body["id"],
            "draft": draft.body["id"],
            "consent": made.body["basis"]["consent_id"],
            "stranger": exchange.stranger.id,
            "subject": made.body["subject"]["id"],
            "file": files.attached(sender, made.body["id"]),
            "nothing": str(uuid4()),
        }
        self.subject = made.body["subject"]["id"]
        for caller in self.callers.values():
            assert caller.party.token

    def ask(self, name: str) -> Answer:
        method = name.split(maxsplit=1)[0]
        who, path, body = REQUESTS[name]
        bodies: dict[str, Any] = {
            "a referral": referral_body(self.exchange.centre),
            "a batch": {"items": [referral_body(self.exchange.centre)] * 2},
            "a consent": {**consent_body(self.exchange.centre), "subject": self.subject},
            "a withholding": {
                "agency": self.exchange.stranger.id,
                "ground": "rhl_16",
                "review_by": (timezone.now().date() + timedelta(days=9)).isoformat(),
            },
            "a notification": notification(),
            "a glass": breaking(self.names["referral"], categories=["outcome"]),
        }
        said = bodies[body] if isinstance(body, str) else body
        if isinstance(said, dict) and "{stranger}" in said.values():
            said = {**said, "recipient": self.exchange.stranger.id}
        seen = '"1"' if "draft" in path or "consents" in path else '"2"'
        seen = '"0"' if "duty-contact" in path else seen
        headers = {"Idempotency_Key": str(uuid4()), "If_Match": seen, "Audit_Case": "2026-0042"}
        if "access-report" in path or "withholdings" in path:
            headers["Purpose"] = "subject_access"
        headers |= {"Purpose": PURPOSES[body]} if isinstance(body, str) and body in PURPOSES else {}
        return self.callers[who].call(method, path.format(**self.names), said, **headers)

    def state(self) -> list[object]:
        """Return everything of the sender's, and of the claims, that a request could have changed."""
        agency = self.exchange.municipality.agency
        claims = SelfGoverningClaim.objects.filter(agency__in=[self.exchange.centre.id, self.exchange.stranger.id])
        return [
            *claims.order_by("id").values_list("id", "withdrawn_at", "approvals"),
            *Referral.objects.filter(sender=agency).order_by("id").values_list("id", "status", "version", "updated_at"),
            *Section.objects.filter(referral__sender=agency).order_by("id").values_list("id", "category"),
            *Attachment.objects.filter(referral__sender=agency).order_by("id").values_list("id"),
            *Consent.objects.filter(registered_by=agency).order_by("id").values_list("id", "version"),
            *ConsentEvent.objects.filter(registered_by=agency).order_by("id").values_list("id", "kind"),
            *Task.objects.filter(referral__sender=agency).order_by("id").values_list("id", "version"),
            *DutyContact.objects.filter(agency=self.exchange.oversight.agency).values_list("agency", "version"),
            *BreakGlass.objects.filter(referral__sender=agency).order_by("id").values_list("id", "verdict"),
        ]


@pytest.fixture(scope="module")
def case(django_db_setup: None) -> Case:
    """One case for all the requests: none of them may change it."""
    return Case(Exchange())


def shows_nothing(answer: Answer) -> None:
    """Fail unless the answer is the problem `unavailable` and holds nothing else."""
    assert answer.status == 503, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"type", "code", "title", "status", "detail"}
    assert answer.body["code"] == "unavailable"
    assert not {"ETag", "Receipt", "Location", "Link"} & set(answer.headers)


@pytest.mark.parametrize("name", REQUESTS)
def test_what_cannot_be_recorded_is_not_done_and_not_shown(
    case: Case, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = case.state()
    monkeypatch.setattr(log, "INSERT", BROKEN)
    shows_nothing(case.ask(name))
    monkeypatch.undo()
    assert case.state() == before


def test_nor_is_a_referral_shown_when_only_the_showing_cannot_be_recorded(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The creation was recorded and stands; the answer that would have shown it was not, and is withheld."""
    sender = exchange.municipality.as_("caseworker")
    append, entries = log._append, []

    def append_once(done: log.Act, **options: Any) -> Any:
        entries.append(done.action)
        if len(entries) > 1:
            monkeypatch.setattr(log, "INSERT", BROKEN)
        return append(done, **options)

    monkeypatch.setattr(log, "_append", append_once)
    body, key = referral_body(exchange.centre), str(uuid4())
    shows_nothing(sender.post("referrals", body, Idempotency_Key=key))
    assert entries == ["referral.submit", "referral.disclose"]
    monkeypatch.undo()
    again = sender.post("referrals", body, Idempotency_Key=key)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")


@pytest.mark.parametrize("headers", [{"On_Behalf_Of": "nobody"}, {"Purpose": "investigation"}, {"On_Behalf_Of": ""}])
def test_a_refusal_that_cannot_be_recorded_is_not_given(
    case: Case, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    monkeypatch.setattr(log, "INSERT", BROKEN)
    shows_nothing(case.callers["sender"].get("referrals/" + case.names["referral"], **headers))


def test_a_referral_that_is_not_there_looks_the_same(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "INSERT", BROKEN)
    for identifier in (case.names["referral"], uuid4()):
        shows_nothing(case.exchange.stranger.as_("caseworker").get(f"referrals/{identifier}"))


def test_these_are_all_the_addresses_that_are_recorded() -> None:
    """So an address added tomorrow is tried here, or stated not to be recorded."""
    tried = {name.split()[1] for name in REQUESTS}
    assert tried | LOOKED_UP == set(_addresses(get_resolver(), ""))


def _addresses(resolver: URLResolver, above: str) -> list[str]:
    found: list[str] = []
    for pattern in resolver.url_patterns:
        path = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += _addresses(pattern, path)
        elif path.startswith("api/v1/"):
            found.append(path.removeprefix("api/v1/"))
    return found
