"""Rule 16: each read, list, search, denial and change is in the ledger with it, or it does not happen."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import DatabaseError

from audit import log
from audit.models import Entry
from referrals.models import Referral
from tests.exchange import Answer, Exchange, consent_body, referral_body
from tests.referrals.glass import break_glass
from tests.referrals.homes import notify
from tests.referrals.walks import Walk, walk

Asked = Callable[[Walk], Answer]
DISCLOSED = ("referral.disclose", "done", "")
EXPECTED: dict[str, tuple[str, Asked, list[tuple[str, str, str]]]] = {
    "read": ("received", lambda w: w.coordinator.read(w.id), [DISCLOSED]),
    "list": ("received", lambda w: w.coordinator.get("referrals"), [("referral.list", "done", "")]),
    "timeline": (
        "received",
        lambda w: w.coordinator.get(f"referrals/{w.id}/timeline"),
        [("referral.timeline", "done", "")],
    ),
    "disclosures": (
        "received",
        lambda w: w.coordinator.get(f"referrals/{w.id}/disclosures"),
        [("referral.disclosures", "done", "")],
    ),
    "mark as endangered": (
        "received",
        lambda w: notify(w.sender, w.id),
        [("referral.endangered", "done", ""), ("task.disclose", "done", "")],
    ),
    "tasks": ("received", lambda w: w.coordinator.get("tasks"), [("task.list", "done", "")]),
    "break the glass": (
        "accepted",
        lambda w: break_glass(w.unassigned, w.id),
        [("break-glass.open", "done", ""), ("break-glass.disclose", "done", "")],
    ),
    "broken glass": ("received", lambda w: w.coordinator.get("break-glass"), [("break-glass.list", "done", "")]),
    "create": ("draft", lambda w: w.sender.create({}), [("referral.create", "done", ""), DISCLOSED]),
    "submit at once": (
        "draft",
        lambda w: w.sender.create(referral_body(w.exchange.centre)),
        [("referral.submit", "done", ""), DISCLOSED],
    ),
    "batch": (
        "draft",
        lambda w: w.sender.post("referrals/batch", {"items": [{}, {}]}, Idempotency_Key=str(uuid4())),
        [("referral.batch", "done", ""), *[("referral.create", "done", "")] * 2],
    ),
    "edit": (
        "draft",
        lambda w: w.sender.call("PATCH", f"referrals/{w.id}", {"urgency": "soon"}, If_Match=w.etag),
        [("referral.edit", "done", ""), DISCLOSED],
    ),
    **{
        move: (status, lambda w, move=move: w.take(move), [(f"referral.{move}", "done", ""), DISCLOSED])  # type: ignore[misc]
        for status, move in [
            ("draft", "submit"),
            ("submitted", "receive"),
            ("received", "assign"),
            ("received", "accept"),
            ("received", "request_info"),
            ("info_requested", "decline_info"),
            ("info_requested", "answer_info"),
            ("received", "reject"),
            ("received", "redirect"),
            ("received", "withdraw"),
            ("received", "mark_in_error"),
            ("accepted", "start"),
            ("in_progress", "hold"),
            ("on_hold", "resume"),
            ("in_progress", "complete"),
            ("in_progress", "close"),
        ]
    },
    "a stranger's read": (
        "received",
        lambda w: w.exchange.stranger.as_("caseworker").read(w.id),
        [("referral.disclose", "refused", "not-found")],
    ),
    "a stranger's step": (
        "received",
        lambda w: w.attempt("accept", w.exchange.stranger.as_("caseworker")),
        [("referral.accept", "refused", "not-found")],
    ),
    "a step that is not allowed": (
        "received",
        lambda w: w.attempt("complete", w.coordinator),
        [("referral.complete", "refused", "move-not-allowed")],
    ),
    "a stale step": (
        "received",
        lambda w: w.attempt("accept", w.coordinator, If_Match='"1"'),
        [("referral.accept", "refused", "stale-version")],
    ),
    "a step for no known reason": (
        "received",
        lambda w: w.attempt("reject", w.coordinator, {"reason": "because"}),
        [("referral.reject", "refused", "reason-not-valid")],
    ),
    "a step of an auditor": (
        "received",
        lambda w: w.attempt("accept", w.exchange.centre.as_("auditor")),
        [("referral.accept", "refused", "role-may-not")],
    ),
    "a person of another agency": (
        "received",
        lambda w: w.coordinator.read(w.id, On_Behalf_Of=w.sender.staff_id),
        [("authenticate", "refused", "on-behalf-of-unknown")],
    ),
    "record a consent": (
        "draft",
        lambda w: w.sender.create(
            {"subject": w.refresh().body["subject"]["id"], **consent_body(w.exchange.centre)}, path="consents"
        ),
        [("consent.record", "done", "")],
    ),
    "read a consent": (
        "draft",
        lambda w: w.sender.get(f"consents/{w.refresh().body['basis']['consent_id']}"),
        [("consent.read", "done", "")],
    ),
    "withdraw a consent": (
        "received",
        lambda w: w.sender.post(
            f"consents/{w.refresh().body['basis']['consent_id']}/withdraw", {"method": "oral"}, If_Match='"1"'
        ),
        [("consent.withdraw", "done", "")],
    ),
    "a consent that is not there": (
        "draft",
        lambda w: w.sender.get(f"consents/{uuid4()}"),
        [("consent.read", "refused", "not-found")],
    ),
    "look into the ledger": (
        "received",
        lambda w: w.exchange.oversight.as_("auditor").get(f"audit/entries?referral={w.id}", Audit_Case="2026-1"),
        [("audit.inspect", "done", "")],
    ),
    "look into the ledger without a case": (
        "received",
        lambda w: w.exchange.oversight.as_("auditor").get("audit/entries"),
        [("audit.inspect", "refused", "audit-case-needed")],
    ),
}


@pytest.mark.parametrize("asked", EXPECTED)
def test_rule_16_a_request_leaves_exactly_these_entries(exchange: Exchange, asked: str) -> None:
    status, ask, expected = EXPECTED[asked]
    walked = walk(exchange, status)
    answer = ask(walked)
    entries = list(Entry.objects.filter(request_id=answer.headers["Request-Id"]).order_by("id"))
    assert [(entry.action, entry.outcome, entry.refusal) for entry in entries] == expected
    for entry in entries:
        assert entry.actor_agency is not None
        assert entry.actor_client
    assert (answer.status < 400) == (expected[-1][1] == "done")
    assert ("Receipt" in answer.headers) == (expected[-1][1] == "done")


def test_rule_16_an_entry_names_who_acted_for_whom_what_for_on_which_ground_and_what_was_shown(
    exchange: Exchange,
) -> None:
    walked = walk(exchange, "received")
    read = walked.assigned.read(walked.id)
    entry = Entry.objects.get(request_id=read.headers["Request-Id"])
    assert (str(entry.actor_agency), entry.actor_client) == (exchange.centre.id, exchange.centre.client_id)
    assert (entry.on_behalf_of, entry.role, entry.purpose) == (walked.assigned.staff_id, "counsellor", "exit_support")
    assert (entry.subject_kind, entry.subject_id) == ("referral", walked.id)
    assert (entry.basis, entry.basis_version) == ("SAMTYKKE-TAVSHED", 1)
    assert str(entry.consent) == read.body["basis"]["consent_id"]
    assert sorted(entry.categories) == ["contact", "identity", "needs", "reason", "status"]


def test_rule_16_to_one_who_is_not_on_duty_the_entry_says_that_only_the_status_was_shown(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    read = walked.unassigned.read(walked.id)
    assert Entry.objects.get(request_id=read.headers["Request-Id"]).categories == ["status"]


def test_rule_16_entries_hold_names_of_fields_and_no_values(exchange: Exchange) -> None:
    marker = "Zq7Hemmelig9x"
    walked = walk(exchange, "draft", external_reference=f"SAG-{marker}")
    sections = {"reason": {"summary": marker, "subject_aware": "yes"}, "identity": {"name": marker}}
    edited = walked.sender.call("PATCH", f"referrals/{walked.id}", {"sections": sections}, If_Match=walked.etag)
    walked.etag = edited.etag
    walked.go("submit")
    walked.take("reject", body={"reason": "other", "comment": marker})
    walked.sender.get(f"referrals?role=sent&external_reference=SAG-{marker}")
    for entry in Entry.objects.filter(actor_agency__in=[exchange.municipality.id, exchange.centre.id]):
        assert marker.encode() not in bytes(entry.canonical)
        assert marker not in str(entry.detail)


def test_rule_16_a_search_by_reference_leaves_its_criterion_as_a_keyed_hash(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")

    def criterion(reference: str) -> str:
        answer = sender.get(f"referrals?role=sent&external_reference={reference}")
        return Entry.objects.get(request_id=answer.headers["Request-Id"]).criterion

    assert criterion("SAG-A") == criterion("SAG-A") != criterion("SAG-B")
    assert len(criterion("SAG-A")) == 64


def test_rule_16_where_the_entry_cannot_be_written_nothing_is_done_and_nothing_shown(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked = walk(exchange, "received")
    before = Referral.objects.filter(sender=exchange.municipality.id).count()  # type: ignore[misc]
    monkeypatch.setattr(log, "INSERT", "INSERT INTO audit_entry_that_is_not_there VALUES (%s)" + " -- %s" * 21)
    answers = [
        walked.coordinator.read(walked.id),
        walked.coordinator.get("referrals"),
        walked.attempt("accept", walked.coordinator),
        walked.sender.create({}),
        walked.exchange.stranger.as_("caseworker").read(walked.id),
    ]
    monkeypatch.undo()
    for answer in answers:
        assert (answer.status, answer.body["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"].isdigit()
        assert "sections" not in answer.body
    assert walked.refresh().body["status"] == "received"
    assert Referral.objects.filter(sender=exchange.municipality.id).count() == before  # type: ignore[misc]
    assert issubclass(log.LedgerUnavailable, DatabaseError)  # type: ignore[attr-defined]
