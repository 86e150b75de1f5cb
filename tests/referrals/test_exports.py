"""Evidence bundles: auditors take out what they may see, each bundle verifies without us, and each look is recorded."""

import json
import zipfile
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command

from audit import bundles, checkpoints, verification
from audit.models import Entry
from audit.verification import Diverged, Trust
from consent import vault
from referrals import exports
from tests.audit.logs import Log
from tests.exchange import Answer, Caller, Exchange

CASE = {"case_number": "2026-0042"}


def taken(caller: Caller, **asked: Any) -> Answer:
    return caller.create({**CASE, **asked}, path="audit/exports")


def bundle_of(caller: Caller, made: Answer) -> bytes:
    fetched = caller.get(made.body["bundle"].removeprefix("/api/v1/"))
    assert (fetched.status, fetched.headers["Content-Type"]) == (200, "application/zip")
    return bytes(fetched.body)


def entries_in(bundle: bytes) -> list[dict[str, Any]]:
    with zipfile.ZipFile(BytesIO(bundle)) as opened:
        return [json.loads(line) for line in opened.read("entries.jsonl").splitlines()]


@pytest.fixture
def referral(exchange: Exchange) -> str:
    made = exchange.municipality.as_("caseworker").submit(exchange.centre)
    for _ in range(2):
        exchange.centre.as_("coordinator").read(made)
    return made


def test_a_bundle_of_a_referral_verifies_with_the_published_keys_and_names_who_saw_it(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    made = taken(auditor, referral=referral)
    assert made.status == 201
    bundle = bundle_of(auditor, made)
    keys = auditor.get("audit/keys").body
    report = verification.verify_bundle(BytesIO(bundle), Trust(logs=tuple(key["vkey"] for key in keys["log"])))
    assert (report.kind, report.entries, report.size) == ("selection", made.body["entries"], made.body["size"])
    seen = [entry["action"] for entry in entries_in(bundle) if entry["subject_id"] == referral]
    assert seen == ["referral.submit", *["referral.disclose"] * 3]  # the answer to the submission is one, too
    assert {entry["subject_id"] for entry in entries_in(bundle)} == {referral}


def test_an_altered_bundle_does_not_verify(exchange: Exchange, referral: str, log_of_the_run: Log) -> None:
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    bundle = bundle_of(auditor, taken(auditor, referral=referral))
    altered = BytesIO()
    with zipfile.ZipFile(BytesIO(bundle)) as was, zipfile.ZipFile(altered, "w") as now:
        for name in was.namelist():
            content = was.read(name)
            now.writestr(
                name, content.replace(b"exit_support", b"exit-support") if name == "entries.jsonl" else content
            )
    altered.seek(0)
    with pytest.raises(Diverged, match="root"):
        verification.verify_bundle(altered)


def test_a_checkpoint_that_the_auditor_kept_is_proved_to_be_extended(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    kept = auditor.get("audit/checkpoint").body.decode()
    size = int(kept.split("\n")[1])
    exchange.centre.as_("coordinator").read(referral)
    log_of_the_run.seal()
    bundle = bundle_of(auditor, taken(auditor, referral=referral, remembered_size=size))
    assert verification.verify_bundle(BytesIO(bundle), remembered=kept).remembered == (size,)


def test_a_receipt_that_was_kept_is_found_in_the_bundle(exchange: Exchange, log_of_the_run: Log) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    receipt = exchange.centre.as_("coordinator").read(referral).headers["Receipt"]
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    bundle = bundle_of(auditor, taken(auditor, referral=referral))
    assert verification.verify_bundle(BytesIO(bundle), receipts=[receipt]).receipts


def test_taking_out_and_fetching_are_recorded_with_their_case(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    made = taken(auditor, referral=referral)
    bundle_of(auditor, made)
    said = {
        entry.action: entry
        for entry in Entry.objects.filter(on_behalf_of=auditor.staff_id, actor_agency=exchange.oversight.id)
    }
    assert said["audit.export"].detail == {
        "case_number": "2026-0042",
        "case_reason": "",
        "export": made.body["id"],
        "entries": str(made.body["entries"]),
        "size": str(made.body["size"]),
    }
    assert (said["audit.export"].subject_id, len(said["audit.export"].criterion)) == (referral, 64)
    assert said["audit.download"].detail["case_number"] == "2026-0042"
    assert said["audit.download"].subject_id == made.body["id"]


def test_without_a_case_nothing_is_taken_out(exchange: Exchange, log_of_the_run: Log) -> None:
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    refused = auditor.create({}, path="audit/exports")
    assert (refused.status, refused.body["code"]) == (403, "audit-case-needed")
    assert Entry.objects.get(request_id=refused.headers["Request-Id"]).refusal == "audit-case-needed"


@pytest.mark.parametrize(
    ("party", "role"),
    [
        ("municipality", "caseworker"),
        ("municipality", "coordinator"),
        ("centre", "counsellor"),
        ("oversight", "administrator"),
    ],
)
def test_only_auditors_take_evidence_out(exchange: Exchange, log_of_the_run: Log, party: str, role: str) -> None:
    log_of_the_run.seal()
    caller = getattr(exchange, party).as_(role)
    assert taken(caller).status == 403
    assert caller.get("audit/exports").status == 403


def test_an_agencys_own_auditor_gets_its_own_agencys_acts_and_no_other(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    log_of_the_run.seal()
    auditor = exchange.municipality.as_("auditor")
    bundle = bundle_of(auditor, taken(auditor, referral=referral))
    assert [entry["action"] for entry in entries_in(bundle)] == ["referral.submit", "referral.disclose"]
    assert {entry["actor_agency"] for entry in entries_in(bundle)} == {exchange.municipality.id}
    stranger = exchange.stranger.as_("auditor")
    assert taken(stranger, referral=referral).body["entries"] == 0


@pytest.mark.parametrize("path", ["audit/exports/{}", "audit/exports/{}/bundle"])
def test_another_agencys_export_is_not_there(exchange: Exchange, referral: str, log_of_the_run: Log, path: str) -> None:
    log_of_the_run.seal()
    made = taken(exchange.oversight.as_("auditor"), referral=referral)
    stranger = exchange.stranger.as_("auditor")
    answers = [stranger.get(path.format(each)) for each in (made.body["id"], str(uuid4()))]
    told = [(answer.status, {**answer.body, "detail": ""}) for answer in answers]
    assert told[0] == told[1]
    assert answers[0].status == 404
    assert stranger.get("audit/exports").body["results"] == []


def test_the_same_key_and_body_is_the_same_export_and_another_body_is_refused(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    log_of_the_run.seal()
    auditor, key = exchange.oversight.as_("auditor"), str(uuid4())
    first, again = (
        auditor.create({**CASE, "referral": referral}, path="audit/exports", Idempotency_Key=key) for _ in range(2)
    )
    assert (again.status, again.body["id"]) == (201, first.body["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    other = auditor.create({**CASE}, path="audit/exports", Idempotency_Key=key)
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")


def test_the_list_shows_what_the_agency_took_out_newest_first(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    made = [taken(auditor, referral=referral, action=action).body["id"] for action in ("referral.submit", "x")]
    page = auditor.get("audit/exports?limit=1").body
    rest = auditor.get(f"audit/exports?limit=100&cursor={page['next']}").body
    listed = [each["id"] for each in (*page["results"], *rest["results"])]
    assert listed[:2] == made[::-1]
    assert auditor.get(f"audit/exports/{made[0]}").body["question"] == {
        "referral": referral,
        "action": "referral.submit",
    }


def test_a_question_that_finds_too_much_is_told_to_be_asked_in_parts(
    exchange: Exchange, referral: str, log_of_the_run: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_of_the_run.seal()
    monkeypatch.setattr(exports, "ENTRIES_MAX", 2)
    refused = taken(exchange.oversight.as_("auditor"), referral=referral)
    assert (refused.status, refused.body["code"]) == (422, "export-too-large")


def test_what_is_not_sealed_yet_is_left_out(exchange: Exchange, referral: str, log_of_the_run: Log) -> None:
    log_of_the_run.seal()
    exchange.centre.as_("coordinator").read(referral)
    auditor = exchange.oversight.as_("auditor")
    before = taken(auditor, referral=referral, action="referral.disclose").body["entries"]
    log_of_the_run.seal()
    after = taken(auditor, referral=referral, action="referral.disclose").body["entries"]
    assert (before, after) == (3, 4)


@pytest.mark.parametrize("size", [1, 10**9])
def test_a_remembered_size_without_a_checkpoint_is_refused(exchange: Exchange, log_of_the_run: Log, size: int) -> None:
    log_of_the_run.write(2)
    log_of_the_run.seal()
    refused = taken(exchange.oversight.as_("auditor"), remembered_size=size, action="nothing")
    assert (refused.status, refused.body["code"]) == (404, "no-checkpoint")


def test_the_whole_log_verifies_and_names_an_entry_that_was_altered(log: Log) -> None:
    log.seal(700)
    head = checkpoints.newest(using=log.using)
    assert head
    file = BytesIO()
    assert bundles.write_whole(file, head=head, made_at=head.at, using=log.using) == 700
    trust = Trust(logs=(str(log.signer().key),))
    file.seek(0)
    report = verification.verify_bundle(file, trust, strict=True)
    assert (report.kind, report.entries, report.size, report.final) == ("whole", 700, 700, True)
    altered = BytesIO(file.getvalue().replace(b"staff-1", b"staff-2", 1))
    with pytest.raises((Diverged, verification.NotABundle)):
        verification.verify_bundle(altered, trust)


def test_a_bundle_about_a_person_names_them_by_their_commitment_alone(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    subject = exchange.municipality.as_("caseworker").read(referral).body["subject"]["id"]
    exchange.municipality.as_("coordinator").get(f"subjects/{subject}")
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    bundle = bundle_of(auditor, taken(auditor, subject=subject))
    about = [entry["subject_id"] for entry in entries_in(bundle) if entry["subject_kind"] == "subject"]
    assert about == [vault.commitment(UUID(subject))]
    with zipfile.ZipFile(BytesIO(bundle)) as opened:
        assert not [name for name in opened.namelist() if subject.encode() in opened.read(name)]


def test_an_export_about_a_person_does_not_tell_who_it_was_once_they_are_erased(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    subject = exchange.municipality.as_("caseworker").read(referral).body["subject"]["id"]
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    made = taken(auditor, subject=subject)
    assert made.body["entries"] > 0
    assert made.body["question"] == {"subject": vault.commitment(UUID(subject))}
    approver = exchange.municipality.as_("coordinator").staff_id
    call_command("erase_subject", subject, rule="MUNICIPAL_DISPOSAL", approved_by=approver)
    assert entries_in(bundle_of(auditor, made)) == []


def test_a_findings_evidence_is_taken_out_by_its_entries(exchange: Exchange, log_of_the_run: Log) -> None:
    """What looks like misuse comes with its proof: the entries that show it, and those alone."""
    for _ in range(3):
        exchange.centre.as_("auditor").get("audit/entries")  # without a case
    log_of_the_run.seal()
    auditor = exchange.oversight.as_("auditor")
    found = auditor.get(f"audit/findings?pattern=A17&agency={exchange.centre.id}", Audit_Case="2026-0042")
    (finding,) = found.body["results"]
    named = [entry["id"] for entry in finding["evidence"]["entries"]]
    made = taken(auditor, entries=named)
    assert (len(named), made.body["entries"], made.body["question"]) == (3, 3, {"entries": named})
    bundle = bundle_of(auditor, made)
    assert verification.verify_bundle(BytesIO(bundle)).entries == 3
    assert {entry["id"] for entry in entries_in(bundle)} == set(named)


def test_naming_another_agencys_entries_takes_none_of_them_out(
    exchange: Exchange, referral: str, log_of_the_run: Log
) -> None:
    log_of_the_run.seal()
    theirs = [str(entry) for entry in Entry.objects.filter(subject_id=referral).values_list("id", flat=True)]
    assert taken(exchange.stranger.as_("auditor"), entries=theirs).body["entries"] == 0


def test_an_export_names_at_most_so_many_entries(exchange: Exchange, log_of_the_run: Log) -> None:
    log_of_the_run.seal()
    refused = taken(exchange.oversight.as_("auditor"), entries=[str(uuid4()) for _ in range(201)])
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/entries")
