"""What is said after submission: amendments, questions and answers, and the outcome on its own basis."""

import json
from typing import Any

import pytest

from audit.models import Entry
from tests.exchange import Answer, Exchange, consent_body
from tests.invariants.attempts import NOT_RELEASED, entry_for, withheld
from tests.referrals.walks import walk, withdraw_consent

WORK = {"codes": ["work"]}


def amend(walked: Any, sections: Any, reason: str = "corrected", **said: Any) -> Answer:
    body = {"sections": sections, "reason": reason, **said}
    answer: Answer = walked.sender.step(walked.id, "amendments", body)
    return answer


# --- Amendments ---------------------------------------------------------------------------------------------------


def test_an_amendment_takes_the_place_of_the_section_and_keeps_old_new_and_reason(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    amended = amend(walked, {"needs": WORK}, "new_information", comment="Har fået bolig.")
    assert (amended.status, amended.body["sections"]["needs"]) == (200, WORK)
    assert amend(walked, {"needs": {"codes": ["debt"]}}).status == 200
    reader = walked.coordinator
    assert reader.read(walked.id).body["sections"]["needs"] == {"codes": ["debt"]}
    told = reader.get(f"referrals/{walked.id}/amendments").body["results"]
    assert [(each["category"], each["old"], each["new"], each["reason"]) for each in told] == [
        ("needs", {"codes": ["housing"]}, WORK, "new_information"),
        ("needs", WORK, {"codes": ["debt"]}, "corrected"),
    ]
    assert told[0]["comment"] == "Har fået bolig."
    assert told[0]["from"] == exchange.municipality.id


def test_an_amended_number_goes_with_the_piece_it_was_told_in(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    assert amend(walked, {"identity": {"name": "Testperson Prøvesen", "cpr": "6202911234"}}).status == 200
    assert walked.coordinator.read(walked.id).body["sections"]["identity"]["cpr"] == "6202911234"
    (told,) = walked.coordinator.get(f"referrals/{walked.id}/amendments").body["results"]
    assert (told["old"]["cpr"], told["new"]["cpr"]) == ("6101901234", "6202911234")
    assert amend(walked, {"identity": {"name": "Testperson Prøvesen"}}).status == 200
    assert "cpr" not in walked.coordinator.read(walked.id).body["sections"]["identity"]


def test_an_amendment_is_a_disclosure_recorded_with_its_categories_and_basis(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    done = Entry.objects.filter(subject_id=walked.id, action="referral.amend")
    assert amend(walked, {"needs": WORK, "contact": {"methods": [{"channel": "sms"}]}}).status == 200
    entry = done.get()
    assert (entry.categories, entry.basis, entry.outcome) == (["contact", "needs"], "SAMTYKKE-TAVSHED", "done")
    assert entry.detail == {"move": "amend", "reason": "corrected"}


def test_a_section_that_the_consent_does_not_reach_is_not_added(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    refused = amend(walked, {"health": {"statements": [{"text": "Sover dårligt.", "kind": "reported"}]}})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/sections/health")
    assert walked.sender.get(f"referrals/{walked.id}/amendments").body["results"] == []


def test_after_a_withdrawal_nothing_is_amended_and_no_amendment_is_shown(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    assert amend(walked, {"needs": WORK}).status == 200
    assert withdraw_consent(walked.sender, walked.id).status == 200
    assert amend(walked, {"needs": {"codes": ["debt"]}}).status == 409
    assert walked.coordinator.get(f"referrals/{walked.id}/amendments").body["results"] == []
    assert len(walked.sender.get(f"referrals/{walked.id}/amendments").body["results"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"sections": {}, "reason": "corrected"}, "/sections"),
        ({"sections": {"needs": None}, "reason": "corrected"}, "/sections"),
        ({"sections": {"outcome": {"entries": []}}, "reason": "corrected"}, "/sections/outcome"),
        ({"sections": {"needs": {"codes": []}}, "reason": "corrected"}, "/sections/needs/codes"),
        ({"sections": {"needs": WORK}}, "/reason"),
        ({"sections": {"needs": WORK}, "reason": "because"}, "/reason"),
        ({"sections": {"needs": WORK}, "reason": "other"}, "/comment"),
    ],
)
def test_an_amendment_says_what_and_why(exchange: Exchange, body: Any, pointer: str) -> None:
    walked = walk(exchange, "submitted")
    refused = walked.sender.step(walked.id, "amendments", body)
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, pointer)


def test_the_recipient_does_not_amend_what_the_sender_wrote(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    body = {"sections": {"needs": WORK}, "reason": "corrected"}
    assert walked.coordinator.step(walked.id, "amendments", body).status == 409


def test_amendments_of_an_assigned_referral_are_for_those_on_duty(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    assert amend(walked, {"needs": WORK}).status == 200
    shown = {
        name: len(by.get(f"referrals/{walked.id}/amendments").body["results"])
        for name, by in (("assigned", walked.assigned), ("unassigned", walked.unassigned))
    }
    assert shown == {"assigned": 1, "unassigned": 0}


# --- Questions and answers ----------------------------------------------------------------------------------------


def ask(walked: Any, *categories: str, text: str = "Hvornår er det sikkert at ringe?") -> Answer:
    said = {"kind": "information_request", "reason": "contact_unclear", "categories": categories, "comment": text}
    answer: Answer = walked.coordinator.step(walked.id, "messages", said)
    assert answer.status == 200, answer
    return answer


def test_who_sent_it_reads_the_others_questions_under_an_entry_that_says_so(exchange: Exchange) -> None:
    """Its own content alone is no disclosure, and its entry not kept as one; a question from the other side is."""
    walked = walk(exchange, "received")
    own = walked.sender.read(walked.id)
    assert "messages" not in Entry.objects.get(request_id=own.headers["Request-Id"]).detail
    ask(walked, "contact")
    both = walked.sender.read(walked.id)
    said = Entry.objects.get(request_id=both.headers["Request-Id"]).detail
    assert (said["side"], said["messages"]) == ("sender", "yes")
    sending = exchange.municipality.id
    silent = json.dumps({"version": said["version"], "side": "sender"})
    entry = entry_for(walked.id, sending, "status", "contact", detail=silent)
    assert withheld(entry, sending, walked.id) == NOT_RELEASED


def test_questions_and_answers_are_read_by_both_and_each_reading_is_recorded(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    ask(walked, "contact")
    answered = {"kind": "information_answer", "categories": ["contact"], "comment": "Hverdage 10-14."}
    assert walked.sender.step(walked.id, "messages", answered).status == 200
    for reader in (walked.sender, walked.coordinator, walked.assigned):
        told = reader.get(f"referrals/{walked.id}/messages")
        assert [each["kind"] for each in told.body["results"]] == ["request_info", "answer_info"]
        entry = Entry.objects.get(request_id=told.headers["Request-Id"])
        assert (entry.action, entry.categories) == ("referral.messages", ["status", "contact"])


def test_after_a_withdrawal_the_recipient_reads_no_message_that_rested_on_the_consent(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    ask(walked, "contact")
    assert withdraw_consent(walked.sender, walked.id).status == 200
    assert walked.coordinator.get(f"referrals/{walked.id}/messages").body["results"] == []


def test_an_answer_that_tells_more_than_the_consent_carries_needs_a_new_basis(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    ask(walked, "health", text="Er der noget, vi skal tage hensyn til?")
    answer = {"kind": "information_answer", "categories": ["health"], "comment": "Sover dårligt."}
    refused = walked.sender.step(walked.id, "messages", answer)
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "section_not_covered")
    assert walked.sender.read(walked.id).body["status"] == "info_requested"
    wider = consent_body(exchange.centre, ["reason", "identity", "contact", "needs", "health"])
    basis = {"code": "SAMTYKKE-TAVSHED", "consent": wider}
    answered = walked.sender.step(walked.id, "messages", {**answer, "basis": basis})
    assert answered.status == 200, answered
    told = walked.coordinator.get(f"referrals/{walked.id}/messages").body["results"]
    assert told[-1]["text"] == "Sover dårligt."


def test_declining_has_no_consequence(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    before = walked.sender.read(walked.id).body
    ask(walked, "contact")
    declined = {"kind": "information_declined", "reason": "not_held"}
    after = walked.sender.step(walked.id, "messages", declined).body
    assert (before["status"], after["status"]) == ("received", "received")
    assert (after["responsible"], after["basis"]) == (before["responsible"], before["basis"])
    assert "accept" in walked.coordinator.read(walked.id).body["allowed_actions"]


def test_declining_discloses_nothing_whatever_was_asked_for(exchange: Exchange) -> None:
    """So no ground is asked of it, even where the consent does not reach what was asked about."""
    walked = walk(exchange, "received")
    ask(walked, "health", text="Er der noget, vi skal tage hensyn til?")
    declined = {
        "kind": "information_declined",
        "reason": "not_held",
        "categories": ["health"],
        "comment": "Det ved vi ikke.",
    }
    answer = walked.sender.step(walked.id, "messages", declined)
    assert (answer.status, answer.body["status"]) == (200, "received")
    entry = Entry.objects.get(subject_id=walked.id, action="referral.decline_info", outcome="done")
    assert entry.categories == []


# --- The outcome's own basis --------------------------------------------------------------------------------------

DONE = {"reason": "goals_reached", "outcome": "housing"}


def outcome_consent(exchange: Exchange, **changes: Any) -> dict[str, Any]:
    """A consent the person gave the exit centre: the outcome may be told to the municipality."""
    consent = consent_body(exchange.municipality, ["outcome"], kind="GDPR_BASIS", **changes)
    return {"code": "SAMTYKKE-GDPR", "consent": consent}


def test_without_a_ground_of_its_own_the_outcome_stays_with_the_recipient(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    walked.take("complete", body=DONE)
    told = walked.sender.read(walked.id).body
    assert ("outcome" in told["sections"], "outcome" in told["withheld"]) == (False, True)


def test_the_outcome_comes_back_on_a_basis_of_its_own_which_the_entry_names(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    walked.take("complete", body={**DONE, "report_back": outcome_consent(exchange)})
    told = walked.sender.read(walked.id)
    assert told.body["sections"]["outcome"]["entries"][-1]["outcome"] == "housing"
    entry = Entry.objects.get(request_id=told.headers["Request-Id"])
    assert (entry.basis, "outcome" in entry.categories) == ("SAMTYKKE-GDPR", True)
    assert str(entry.consent) != told.body["basis"]["consent_id"]


def test_that_consent_withdrawn_the_outcome_is_gone_and_the_rest_is_as_it_was(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    walked.take("complete", body={**DONE, "report_back": outcome_consent(exchange)})
    told = walked.sender.read(walked.id)
    consent = Entry.objects.get(request_id=told.headers["Request-Id"]).consent
    seen = walked.coordinator.get(f"consents/{consent}")
    ended = walked.coordinator.post(f"consents/{consent}/withdraw", {"method": "oral"}, If_Match=seen.etag)
    assert ended.status == 200, ended
    after = walked.sender.read(walked.id).body
    assert "outcome" not in after["sections"]
    assert after["status"] == "completed"
    assert "needs" in walked.coordinator.read(walked.id).body["sections"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"recipients": ["{centre}"]}, "consent_not_for_recipient"),
        ({"purposes": ["crime_prevention"]}, "consent_not_for_purpose"),
        ({"categories": ["needs"]}, "section_not_covered"),
        ({"kind": "CONFIDENTIALITY_WAIVER"}, "consent_of_wrong_kind"),
    ],
)
def test_a_basis_that_does_not_carry_the_outcome_is_refused_and_nothing_is_completed(
    exchange: Exchange, changes: Any, code: str
) -> None:
    walked = walk(exchange, "in_progress")
    basis = outcome_consent(exchange)
    basis["consent"] |= {name: [exchange.centre.id] if name == "recipients" else it for name, it in changes.items()}
    refused = walked.coordinator.step(walked.id, "complete", {**DONE, "report_back": basis})
    assert (refused.status, refused.body["errors"][0]["pointer"], refused.body["errors"][0]["code"]) == (
        422,
        "/report_back",
        code,
    )
    assert walked.coordinator.read(walked.id).body["status"] == "in_progress"
