"""Files on a referral, over HTTP: who attaches what, how it is served, and to whom it is there at all."""

import threading
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from referrals import attaching, disclosure
from tests.exchange import Answer, Exchange
from tests.referrals.clamd import Listening, clamd
from tests.referrals.files import (
    EICAR,
    JPEG,
    NAME,
    PDF,
    PNG,
    TOLD,
    attach,
    attached,
    body,
    entry_of,
    errors,
    fetch,
    ids,
    listed,
    pdf,
    refusal_of,
)
from tests.referrals.walks import ALL_CATEGORIES, walk, withdraw_consent
from tests.rules.scan import tables_holding

ALIVE = ["submitted", "received", "info_requested", "accepted", "in_progress", "on_hold"]
OVER = ["completed", "closed_unsuccessful", "rejected", "withdrawn", "consent_withdrawn", "expired", "entered_in_error"]
OUTCOME: dict[str, Any] = {"category": "outcome", "file_name": "Afslutning.pdf"}


# --- Attached, listed, fetched -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "media_type", "file_name"),
    [
        (PDF, "application/pdf", "Udtalelse om Prøvesen.pdf"),
        (PNG, "image/png", "skærm.PNG"),
        (JPEG, "image/jpeg", "billede 1.jpeg"),
        (JPEG, "image/jpeg", "billede (2).jpg"),
    ],
)
def test_a_file_is_attached_listed_and_fetched_as_it_was_sent(
    exchange: Exchange, scanner: Listening, content: bytes, media_type: str, file_name: str
) -> None:
    walked = walk(exchange, "submitted")
    made = attach(walked.sender, walked.id, content, media_type=media_type, file_name=file_name)
    assert made.status == 201, made
    file = made.body
    assert made.headers["Location"] == f"/api/v1/referrals/{walked.id}/attachments/{file['id']}"
    assert file == {
        "id": file["id"],
        "category": "needs",
        "media_type": media_type,
        "size": len(content),
        "scan_state": "clean",
        "file_name": file_name,
        "description": TOLD,
        "sha256": sha256(content).hexdigest(),
        "from": exchange.municipality.id,
        "created_at": file["created_at"],
        "served": True,
    }
    assert scanner.received == [content]
    for reader in (walked.sender, walked.coordinator):
        assert listed(reader, walked.id) == [file]
        one = reader.get(f"referrals/{walked.id}/attachments/{file['id']}")
        assert (one.status, one.body, "Receipt" in one.headers) == (200, file, True)
        got = fetch(reader, walked.id, file["id"])
        assert (got.status, got.body) == (200, content)


def test_content_is_served_for_saving_and_for_nothing_else(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "submitted")
    file = attached(walked.sender, walked.id, file_name="Ægte \u201dcitat\u201d; løn=1, 50%.pdf")
    got = fetch(walked.coordinator, walked.id, file, Accept="application/pdf")
    assert got.status == 200
    told = {name: got.headers[name] for name in ("Content-Type", "Content-Disposition", "Content-Security-Policy")}
    assert told == {
        "Content-Type": "application/pdf",
        "Content-Disposition": (
            "attachment; filename=\"attachment.pdf\"; filename*=UTF-8''"
            "%C3%86gte%20%E2%80%9Dcitat%E2%80%9D%3B%20l%C3%B8n%3D1%2C%2050%25.pdf"
        ),
        "Content-Security-Policy": "sandbox",
    }
    assert (got.headers["X-Content-Type-Options"], got.headers["Cache-Control"]) == ("nosniff", "no-store")
    assert "Receipt" in got.headers
    unknown = fetch(walked.coordinator, walked.id, str(uuid4()), Accept="application/pdf")
    assert (unknown.status, unknown.headers["Content-Type"]) == (404, "application/problem+json")


def test_each_look_is_an_entry_that_names_the_file_and_nothing_in_it(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "submitted")
    made = attach(walked.sender, walked.id)
    file = made.body["id"]
    said = entry_of(made, "referral.attach")
    assert (said.outcome, said.basis, said.categories, said.detail) == (
        "done",
        "SAMTYKKE-TAVSHED",
        ["needs"],
        {"scan_state": "clean"},
    )
    looks = [
        (entry_of(made, "referral.attachments"), ""),
        (entry_of(walked.coordinator.get(f"referrals/{walked.id}/attachments"), "referral.attachments"), said.basis),
        (entry_of(fetch(walked.coordinator, walked.id, file), "referral.attachment"), said.basis),
    ]
    for entry, basis in [*looks, (said, said.basis)]:
        assert (entry.subject_id, entry.basis, entry.outcome) == (walked.id, basis, "done")
        assert (entry.categories[-1], [str(each) for each in entry.result_ids]) == ("needs", [file])
        assert not any(secret in str(vars(entry)) for secret in (NAME, TOLD, sha256(PDF).hexdigest()))


def test_name_description_hash_and_content_stand_nowhere_in_the_database(
    exchange: Exchange, scanner: Listening
) -> None:
    walked = walk(exchange, "submitted")
    inside, name, told = (f"mærke{uuid4().hex}" for _ in range(3))
    content = pdf(inside.encode())
    attached(walked.sender, walked.id, content, file_name=f"{name}.pdf", description=told)
    for secret in (inside, name, told, sha256(content).hexdigest()):
        assert tables_holding(secret) == []


def test_a_file_without_a_description_has_an_empty_one(exchange: Exchange) -> None:
    walked = walk(exchange, "draft")
    sent = body()
    del sent["description"]
    made = walked.sender.create(sent, path=f"referrals/{walked.id}/attachments")
    assert (made.status, made.body["description"]) == (201, "")


def test_a_new_file_is_seen_by_whoever_polls_the_list(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    before = walked.coordinator.read(walked.id).body
    attached(walked.sender, walked.id)
    after = walked.coordinator.read(walked.id).body
    assert after["updated_at"] > before["updated_at"]
    assert after["version"] == before["version"]  # nobody's If-Match goes stale by it


# --- Who, when -----------------------------------------------------------------------------------------------------


def test_to_its_later_recipient_a_drafts_file_is_not_there(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "draft")
    file = attached(walked.sender, walked.id)
    assert ids(walked.sender, walked.id) == [file]
    assert walked.coordinator.get(f"referrals/{walked.id}/attachments").status == 404
    walked.take("submit")
    assert ids(walked.coordinator, walked.id) == [file]
    assert fetch(walked.coordinator, walked.id, file).body == PDF


def test_a_drafts_file_that_the_consent_does_not_cover_holds_the_submission_up(exchange: Exchange) -> None:
    walked = walk(exchange, "draft")
    attached(walked.sender, walked.id, category="health")
    refused = walked.attempt("submit", walked.sender)
    assert (refused.status, refused.body["code"]) == (422, "not-covered")
    assert errors(refused) == [("/sections/health", "section_not_covered")]


def test_a_submission_names_the_categories_of_its_files(exchange: Exchange) -> None:
    walked = walk(exchange, "draft", consent={"categories": ALL_CATEGORIES})
    attached(walked.sender, walked.id, category="network")
    submitted = walked.take("submit")
    assert "network" in entry_of(submitted, "referral.submit").categories


@pytest.mark.parametrize("status", ALIVE)
def test_while_the_referral_is_alive_each_side_attaches_its_own(
    exchange: Exchange, scanner: Listening, status: str
) -> None:
    walked = walk(exchange, status, consent={"report_back": True})
    theirs, ours = attached(walked.sender, walked.id), attached(walked.coordinator, walked.id, **OUTCOME)
    for reader in (walked.sender, walked.coordinator):
        assert ids(reader, walked.id) == [theirs, ours]
        assert fetch(reader, walked.id, ours).body == PDF


@pytest.mark.parametrize("status", OVER)
def test_once_it_is_over_nobody_attaches_anything(exchange: Exchange, scanner: Listening, status: str) -> None:
    walked = walk(exchange, status)
    for by, changes in ((walked.sender, {}), (walked.coordinator, OUTCOME)):
        refused = attach(by, walked.id, **changes)
        assert (refused.status, refused.body["code"]) == (409, "move-not-allowed")
        assert refusal_of(refused, "referral.attach") == ("refused", "move-not-allowed")
        assert refused.body["allowed_actions"] == by.read(walked.id).body["allowed_actions"]
    assert scanner.received == []


@pytest.mark.parametrize("status", ["draft", "submitted"])
def test_a_file_outside_the_ground_is_refused_once_it_would_be_shown(exchange: Exchange, status: str) -> None:
    walked = walk(exchange, status)
    answer = attach(walked.sender, walked.id, category="criminal")
    if status == "draft":
        assert answer.status == 201
        return
    assert (answer.status, answer.body["code"]) == (422, "not-covered")
    assert errors(answer) == [("/category", "section_not_covered")]
    assert refusal_of(answer, "referral.attach") == ("refused", "not-covered")
    assert listed(walked.sender, walked.id) == []


def test_a_file_for_a_purpose_the_ground_does_not_allow_is_refused(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    for by, changes, status in ((walked.sender, {}, 422), (walked.coordinator, OUTCOME, 403)):
        by.headers["Purpose"] = "child_protection"
        refused = attach(by, walked.id, **changes)
        assert (refused.status, refusal_of(refused, "referral.attach")[0]) == (status, "refused")


def test_each_side_keeps_to_its_own_categories(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    for by, category in ((walked.coordinator, "needs"), (walked.coordinator, "health"), (walked.sender, "outcome")):
        refused = attach(by, walked.id, category=category)
        assert (refused.status, refused.body["code"]) == (422, "category-not-yours")
        assert refusal_of(refused, "referral.attach") == ("refused", "category-not-yours")
    assert attach(walked.sender, walked.id, category="status").status == 422


def test_the_sender_is_shown_the_outcomes_file_only_where_the_outcome_may_go_back(
    exchange: Exchange, scanner: Listening
) -> None:
    walked = walk(exchange, "in_progress")
    file = attached(walked.assigned, walked.id, **OUTCOME)
    assert (ids(walked.assigned, walked.id), ids(walked.sender, walked.id)) == ([file], [])
    assert fetch(walked.sender, walked.id, file).status == 404


def test_who_is_not_on_duty_neither_attaches_nor_sees(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "received")
    file = attached(walked.sender, walked.id)
    assert attach(walked.unassigned, walked.id, **OUTCOME).body["code"] == "move-not-allowed"
    assert listed(walked.unassigned, walked.id) == []
    assert fetch(walked.unassigned, walked.id, file).status == 404
    assert fetch(walked.assigned, walked.id, file).status == 200


def test_an_auditor_neither_attaches_nor_sees(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "submitted")
    file = attached(walked.sender, walked.id)
    auditor = exchange.municipality.as_("auditor")
    assert attach(auditor, walked.id).status == 403
    assert fetch(auditor, walked.id, file).status == 403


def test_an_anonymous_case_takes_no_file(exchange: Exchange) -> None:
    sections = {"reason": {"summary": "Vil gerne tale.", "subject_aware": "yes"}}
    anonymous = {"subject": {"mode": "anonymous"}, "basis": {"code": "ANON"}, "sections": sections}
    walked = walk(exchange, "submitted", **anonymous)
    draft = walk(exchange, "draft", **anonymous)
    for refused in (
        attach(walked.sender, walked.id),
        attach(walked.coordinator, walked.id, **OUTCOME),
        attach(draft.sender, draft.id),
    ):
        assert (refused.status, refused.body["code"]) == (422, "anonymous-case")
        assert refusal_of(refused, "referral.attach") == ("refused", "anonymous-case")


def test_each_side_attaches_so_many_files_and_no_more(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "FILES_MAX", 2)
    walked = walk(exchange, "submitted")
    made = [attach(walked.sender, walked.id) for _ in range(3)]
    assert [answer.status for answer in made] == [201, 201, 422]
    assert made[2].body["code"] == "too-many-files"
    assert attach(walked.coordinator, walked.id, **OUTCOME).status == 201  # how many the other has is not told


# --- Not there, not yours ------------------------------------------------------------------------------------------


def same(first: Answer, second: Answer) -> None:
    new = ("Request-Id", "Receipt", "Date", "RateLimit")
    assert (first.status, first.body) == (second.status, second.body)
    lasting = [
        {name: value for name, value in answer.headers.items() if not name.startswith(new)}
        for answer in (first, second)
    ]
    assert lasting[0] == lasting[1]


def test_to_a_stranger_a_file_and_its_referral_do_not_exist(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "submitted")
    file, absent = attached(walked.sender, walked.id), str(uuid4())
    stranger = exchange.stranger.as_("coordinator")
    asks = {
        "referral.attach": lambda name: attach(stranger, name, key="k"),
        "referral.attachments": lambda name: stranger.get(f"referrals/{name}/attachments"),
        "referral.attachment": lambda name: fetch(stranger, name, file),
    }
    for action, ask in asks.items():
        foreign = ask(walked.id)
        assert foreign.status == 404
        assert refusal_of(foreign, action) == ("refused", "not-found")
        same(foreign, ask(absent))
    infected = attach(stranger, walked.id, pdf(EICAR))
    same(infected, attach(stranger, absent, pdf(EICAR)))
    assert infected.status == 404
    assert len(scanner.received) == 1  # nothing of a stranger's is even scanned


def test_another_referrals_file_is_not_there_under_ones_own(exchange: Exchange, scanner: Listening) -> None:
    mine, other = walk(exchange, "submitted"), walk(exchange, "submitted")
    theirs = walk(Exchange(), "submitted")
    for reader in (mine.sender, mine.coordinator):
        for file in (attached(other.sender, other.id), attached(theirs.sender, theirs.id)):
            for path in ("", "/content"):
                foreign = reader.get(f"referrals/{mine.id}/attachments/{file}{path}")
                same(foreign, reader.get(f"referrals/{mine.id}/attachments/{uuid4()}{path}"))
                assert foreign.status == 404


@pytest.mark.parametrize("move", ["reject", "redirect", "withdraw", "mark_in_error"])
def test_a_recipient_that_was_left_is_shown_no_file(exchange: Exchange, scanner: Listening, move: str) -> None:
    walked = walk(exchange, "submitted")
    file = attached(walked.sender, walked.id)
    walked.take(move)
    assert listed(walked.coordinator, walked.id) == []
    assert fetch(walked.coordinator, walked.id, file).status == 404
    assert ids(walked.sender, walked.id) == ([] if move == "mark_in_error" else [file])


def test_after_a_withdrawal_the_recipient_is_shown_no_file(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "in_progress", consent={"report_back": True})
    theirs, ours = attached(walked.sender, walked.id), attached(walked.coordinator, walked.id, **OUTCOME)
    assert withdraw_consent(walked.sender, walked.id).status == 200
    assert listed(walked.coordinator, walked.id) == []
    for file in (theirs, ours):
        gone = fetch(walked.coordinator, walked.id, file)
        same(gone, fetch(walked.coordinator, walked.id, str(uuid4())))
        assert gone.status == 404
    assert ids(walked.sender, walked.id) == [theirs]  # its own, and the outcome no more


@pytest.mark.parametrize("asked", ["list", "content"])
def test_a_withdrawal_between_record_and_release_stops_the_file(
    exchange: Exchange, scanner: Listening, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    walked = walk(exchange, "in_progress")
    file = attached(walked.sender, walked.id)
    record, ended = disclosure.record, list[Answer]()

    def record_then_withdraw(*args: Any, **options: Any) -> Any:
        recorded = record(*args, **options)
        if not ended and options["action"].startswith("referral.attachment"):
            ended.append(withdraw_consent(walked.sender, walked.id))
        return recorded

    monkeypatch.setattr(disclosure, "record", record_then_withdraw)
    path = "" if asked == "list" else f"/{file}/content"
    told = walked.coordinator.get(f"referrals/{walked.id}/attachments{path}")
    assert ended[0].status == 200
    assert (told.status, told.body) == (200, {"results": [], "next": None}) if asked == "list" else told.status == 404


def test_a_withdrawal_during_the_scan_stops_the_upload(exchange: Exchange, settings: Settings) -> None:
    """What was right before the scan is asked again after it, under the row's lock."""
    walked = walk(exchange, "in_progress")
    during: list[int] = []

    def withdraw(caller: Any, content: bytes) -> None:
        def run() -> None:
            during.append(withdraw_consent(walked.sender, walked.id).status)
            connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(10)
        caller.sendall(b"stream: OK\0")

    with clamd(withdraw) as listening:
        settings.CLAMAV = listening.address
        refused = attach(walked.sender, walked.id)
    assert during == [200]
    assert (refused.status, refused.body["code"]) == (409, "move-not-allowed")
    assert listed(walked.sender, walked.id) == []
