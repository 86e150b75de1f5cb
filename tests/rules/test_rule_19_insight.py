"""Rule 19: one call returns a person's data, consents, recipients, and who saw what; each call is one entry."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from audit.models import Entry
from consent import vault
from consent.models import Subject
from referrals import withholdings
from tests.exchange import Answer, Caller, Exchange, Party, consent_body, ledger_name, referral_body
from tests.referrals.walks import EVERYTHING, Walk, body_of_everything, police_referral, walk, withdraw_consent
from tests.rules.test_rule_13_not_there_or_not_yours import same

SAID_AT_THE_END = "Er flyttet til en anden by."
COMPLETED = {"reason": "goals_reached", "outcome": "housing", "comment": SAID_AT_THE_END}


def subject_of(walked: Walk) -> str:
    return str(walked.sender.read(walked.id).body["subject"]["id"])


def asking(party: Party, role: str = "caseworker") -> Caller:
    """A member of staff who gives access to the person."""
    caller = party.as_(role)
    caller.headers["Purpose"] = "subject_access"
    return caller


def report(exchange: Exchange, subject: str, query: str = "", **headers: str) -> Answer:
    return asking(exchange.municipality).get(f"subjects/{subject}/access-report{query}", **headers)


def told(exchange: Exchange, subject: str, query: str = "") -> Any:
    answer = report(exchange, subject, query)
    assert answer.status == 200, answer
    return answer.body


def withhold(exchange: Exchange, subject: str, agency: Party, ground: str = "rhl_16", days: int = 90) -> Answer:
    body = {"agency": agency.id, "ground": ground, "review_by": review_by(days)}
    return asking(exchange.municipality, "coordinator").create(body, path=f"subjects/{subject}/withholdings")


def review_by(days: int) -> str:
    return (timezone.now().date() + timedelta(days=days)).isoformat()


def entry_of(answer: Answer) -> Entry:
    """The one entry of a request."""
    return Entry.objects.get(request_id=answer.headers["Request-Id"])


def looks(body: Any) -> set[tuple[str | None, str]]:
    return {(look["agency"]["id"], look["action"]["code"]) for look in body["seen_by"]["entries"]}


def test_rule_19_the_report_holds_all_that_was_written_and_what_became_of_it(exchange: Exchange) -> None:
    made = exchange.municipality.as_("caseworker").create(body_of_everything(exchange.centre))
    person = made.body["subject"]["id"]
    (referral,) = told(exchange, person)["referrals"]
    assert referral["sections"] == EVERYTHING
    assert (referral["content"], referral["status"]["code"]) == ("shown", "submitted")
    assert (referral["sender"]["id"], referral["recipient"]["id"]) == (exchange.municipality.id, exchange.centre.id)
    assert referral["basis"]["code"] == "SAMTYKKE-TAVSHED"


def test_rule_19_corrections_and_messages_are_there_with_old_and_new(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    amended = {"reason": "new_information", "sections": {"needs": {"codes": ["work"]}}}
    assert walked.sender.step(walked.id, "amendments", amended).status == 200
    walked.refresh()
    walked.take(
        "request_info", body={"kind": "information_request", "reason": "contact_unclear", "comment": "Hvornår?"}
    )
    (referral,) = told(exchange, subject_of(walked))["referrals"]
    (amendment,) = referral["amendments"]
    assert (amendment["old"], amendment["new"]) == ({"codes": ["housing"]}, {"codes": ["work"]})
    assert referral["sections"]["needs"] == {"codes": ["work"]}
    assert [message["text"] for message in referral["messages"]] == ["Hvornår?"]


def test_rule_19_each_consent_is_there_with_its_events_and_its_state_now(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    person = subject_of(walked)
    (before,) = told(exchange, person)["consents"]
    assert (before["state"]["code"], [event["kind"] for event in before["events"]]) == ("given", ["given"])
    assert withdraw_consent(walked.coordinator, walked.id).status == 200
    (after,) = told(exchange, person)["consents"]
    assert (after["state"]["code"], [event["kind"] for event in after["events"]]) == (
        "withdrawn",
        ["given", "withdrawn"],
    )
    assert [recipient["id"] for recipient in after["recipients"]] == [exchange.centre.id]
    assert [purpose["code"] for purpose in after["purposes"]] == ["exit_support"]


def test_rule_19_what_both_sides_did_and_saw_is_there(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    person = subject_of(walked)
    walked.coordinator.read(walked.id)
    walked.coordinator.get("referrals?role=received")
    walked.sender.get(f"referrals/{walked.id}/timeline")
    consent = walked.sender.read(walked.id).body["basis"]["consent_id"]
    assert walked.coordinator.get(f"consents/{consent}").status == 200
    found = looks(told(exchange, person))
    sent, received = exchange.municipality.id, exchange.centre.id
    assert {
        *((sent, "referral.create"), (sent, "referral.submit"), (sent, "referral.timeline")),
        *((received, "referral.receive"), (received, "referral.assign"), (received, "referral.disclose")),
        *((received, "referral.list"), (received, "consent.read")),
    } <= found
    again = told(exchange, person)
    assert (sent, "subject.access-report") in looks(again), "an earlier report is itself a look"


def test_rule_19_an_auditors_look_is_there_as_well(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    auditor = exchange.oversight.as_("auditor")
    assert auditor.get(f"audit/entries?referral={walked.id}", Audit_Case="2026-19").status == 200
    assert (exchange.oversight.id, "audit.inspect") in looks(told(exchange, subject_of(walked)))


def test_rule_19_a_look_says_when_for_what_on_which_ground_and_at_what(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    read = walked.coordinator.read(walked.id)
    entry = entry_of(read)
    entries = told(exchange, subject_of(walked))["seen_by"]["entries"]
    look = next(look for look in entries if look["at"] == entry.at.isoformat().replace("+00:00", "Z"))
    assert look["agency"] == {"id": exchange.centre.id, "kind": "exit_centre", "name": exchange.centre.agency.name_da}
    assert look["purpose"]["code"] == "exit_support"
    assert [category["code"] for category in look["categories"]] == ["status", "contact", "identity", "reason", "needs"]
    assert (look["basis"]["code"], look["basis"]["version"]) == ("SAMTYKKE-TAVSHED", 1)
    assert (look["referrals"], look["action"]["words"]) == ([walked.id], "Læste henvisningen")


def test_rule_19_it_is_summed_up_by_agency_and_purpose(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    body = told(exchange, subject_of(walked))
    rows = body["seen_by"]["by_agency_and_purpose"]
    keys = [(row["agency"]["id"], row["purpose"]["code"]) for row in rows]
    assert len(keys) == len(set(keys))
    assert {(exchange.municipality.id, "exit_support"), (exchange.centre.id, "exit_support")} <= set(keys)
    assert sum(row["times"] for row in rows) == len(body["seen_by"]["entries"])


def test_rule_19_a_recipient_is_named_from_the_moment_it_was_sent_to(exchange: Exchange) -> None:
    """Whether or not anybody there ever looked."""
    made = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre))
    person = made.body["subject"]["id"]
    (recipient,) = told(exchange, person)["recipients"]
    assert (recipient["agency"]["id"], recipient["purpose"]["code"]) == (exchange.centre.id, "exit_support")
    assert recipient["basis"]["code"] == "SAMTYKKE-TAVSHED"
    assert {category["code"] for category in recipient["categories"]} == {"contact", "identity", "reason", "needs"}
    assert recipient["first_at"] == recipient["last_at"]
    exchange.centre.as_("coordinator").read(made.body["id"])
    (recipient,) = told(exchange, person)["recipients"]
    assert (recipient["times"], recipient["first_at"] < recipient["last_at"]) == (2, True)


def test_rule_19_a_draft_has_no_recipients(exchange: Exchange) -> None:
    draft = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre, submit=False))
    body = told(exchange, draft.body["subject"]["id"])
    assert (body["recipients"], len(body["referrals"])) == ([], 1)


def test_rule_19_another_persons_looks_and_referrals_are_not_there(exchange: Exchange) -> None:
    walked, other = walk(exchange, "received"), walk(exchange, "received")
    walked.coordinator.get("referrals?role=received")
    body = told(exchange, subject_of(walked))
    for identifier in (other.id, subject_of(other)):
        assert identifier not in str(body)


def test_rule_19_refused_attempts_are_left_out_and_that_is_said(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    assert exchange.stranger.as_("caseworker").read(walked.id).status == 404
    body = told(exchange, subject_of(walked))
    assert exchange.stranger.id not in str(body)
    assert any("afvist" in note for note in body["seen_by"]["notes"])


# --- Staff ---------------------------------------------------------------------------------------------------------


def everyone(exchange: Exchange) -> list[str]:
    return [staff for party in (exchange.municipality, exchange.centre) for staff in party.staff.values()]


def test_rule_19_no_member_of_staff_is_named(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    answer = report(exchange, subject_of(walked))
    assert answer.status == 200
    assert [staff for staff in everyone(exchange) if staff in str(answer.body)] == []
    assert entry_of(answer).detail["staff"] == "masked"


def test_rule_19_the_own_agencys_staff_are_named_where_it_asks_and_that_is_recorded(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    answer = report(exchange, subject_of(walked), "?staff=own")
    for look in answer.body["seen_by"]["entries"]:
        assert (look["agency"]["id"] == exchange.municipality.id) is ("staff" in look)
    assert walked.sender.staff_id in str(answer.body)
    assert [staff for staff in exchange.centre.staff.values() if staff in str(answer.body)] == []
    assert entry_of(answer).detail["staff"] == "own"


@pytest.mark.parametrize("query", ["?staff=all", "?staff=own&name=x", "?name=x"])
def test_rule_19_nobody_else_is_named_whatever_is_asked(exchange: Exchange, query: str) -> None:
    assert report(exchange, str(uuid4()), query).status == 400


def test_rule_19_an_access_report_is_among_the_disclosures_of_each_referral_it_shows(exchange: Exchange) -> None:
    first = walk(exchange, "received")
    second = walk(exchange, "received", subject={"id": subject_of(first)})
    other = walk(exchange, "received")
    entry = entry_of(report(exchange, subject_of(first)))
    sender = exchange.municipality.as_("coordinator")
    listed = {
        each.id: [row["id"] for row in sender.get(f"referrals/{each.id}/disclosures").body["results"]]
        for each in (first, second, other)
    }
    assert {each: str(entry.id) in rows for each, rows in listed.items()} == {
        first.id: True,
        second.id: True,
        other.id: False,
    }
    case = {"Audit_Case": "2026-19"}
    seen = exchange.oversight.as_("auditor").get(f"referrals/{first.id}/disclosures", **case).body["results"]
    assert "subject.access-report" in [row["action"] for row in seen]


# --- What is withheld ----------------------------------------------------------------------------------------------


def test_rule_19_withheld_looks_are_told_as_withheld_with_ground_and_date(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    person = subject_of(walked)
    assert withhold(exchange, person, exchange.centre).status == 201
    answer = report(exchange, person)
    body = answer.body
    (item,) = body["withheld"]
    assert (item["withheld"], item["ground"]["code"], item["review_by"]) == (True, "rhl_16", review_by(90))
    assert item["ground"]["statute"] == "Retshåndhævelsesloven § 16"
    assert set(item) == {"withheld", "ground", "review_by"}
    assert exchange.centre.id not in str([body["seen_by"], body["recipients"]])
    assert (exchange.municipality.id, "referral.submit") in looks(body)
    assert "subject.withhold" not in str(body)
    assert entry_of(answer).detail["withheld"] == "rhl_16"


def test_rule_19_an_agency_whose_looks_are_withheld_is_named_nowhere_in_the_report(exchange: Exchange) -> None:
    """Not as the recipient, as who answers for the referral, in what was said, or in a consent."""
    walked = walk(exchange, "received")
    walked.take(
        "request_info", body={"kind": "information_request", "reason": "contact_unclear", "comment": "Hvornår?"}
    )
    walked.go("answer_info", "accept")
    person = subject_of(walked)
    withhold(exchange, person, exchange.centre)
    body = told(exchange, person)
    assert exchange.centre.id not in str(body)
    assert exchange.centre.agency.name_da not in str(body)
    (referral,) = body["referrals"]
    assert (referral["recipient"], referral["recipient_withheld"]) == (None, body["withheld"][0])
    assert (referral["responsible"]["id"], referral["responsible"]["name"]) == (None, "Oplyses ikke nu")
    assert (referral["status"]["code"], referral["messages"][0]["from"]) == ("accepted", None)


@pytest.mark.parametrize("withheld", [True, False])
def test_rule_19_that_the_police_took_over_is_not_told_where_the_police_are_withheld(
    exchange: Exchange, withheld: bool
) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    officer = exchange.police.as_("caseworker")
    officer.headers["Purpose"] = "crime_prevention"
    assert officer.step(referral, "close", {"reason": "taken_over_by_police"}).status == 200
    person = exchange.municipality.as_("caseworker").read(referral).body["subject"]["id"]
    if withheld:
        withhold(exchange, person, exchange.police)
    body = told(exchange, person)
    (found,) = body["referrals"]
    assert ("taken_over_by_police" in str(body)) is not withheld
    assert (exchange.police.id in str(body)) is not withheld
    assert found["status"]["code"] == (None if withheld else "taken_over_by_police")
    if withheld:
        assert (found["status"]["words"], found["content"]) == ("Oplyses ikke nu", "not_told_now")


def test_rule_19_a_draft_to_an_agency_that_is_withheld_names_it_no_more_than_a_referral(exchange: Exchange) -> None:
    draft = walk(exchange, "draft")
    withhold(exchange, subject_of(draft), exchange.centre)
    body = told(exchange, subject_of(draft))
    assert exchange.centre.id not in str(body)
    assert body["referrals"][0]["recipient_withheld"] == body["withheld"][0]


def test_rule_19_the_ground_is_said_in_english_too(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    person = subject_of(walked)
    withhold(exchange, person, exchange.centre, "dbl_22_2")
    words = {
        language: report(exchange, person, Accept_Language=language).body["withheld"][0]["ground"]["words"]
        for language in ("da", "en")
    }
    assert "offentlige interesser" in words["da"]
    assert "public interests" in words["en"]


def test_rule_19_the_newest_statement_about_an_agency_stands(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    person = subject_of(walked)
    withhold(exchange, person, exchange.centre, "rhl_16", 90)
    withhold(exchange, person, exchange.centre, "dbl_22_1", 30)
    (item,) = told(exchange, person)["withheld"]
    assert (item["ground"]["code"], item["review_by"]) == ("dbl_22_1", review_by(30))


def test_rule_19_after_its_review_nothing_is_withheld(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    person = subject_of(walked)
    withhold(exchange, person, exchange.centre, days=30)
    today = timezone.now().date()
    stands = {days: set(withholdings.standing([UUID(person)], on=today + timedelta(days=days))) for days in (0, 30, 31)}
    assert stands == {0: {exchange.centre.agency.id}, 30: {exchange.centre.agency.id}, 31: set()}


def test_rule_19_an_agency_that_never_looked_leaves_nothing_to_withhold(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    person = subject_of(walked)
    withhold(exchange, person, exchange.stranger)
    assert told(exchange, person)["withheld"] == []


# --- The outcome ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agreed", [True, False])
def test_rule_19_the_outcome_is_there_on_its_ground_alone(exchange: Exchange, agreed: bool) -> None:
    walked = walk(exchange, "in_progress", consent={"report_back": agreed})
    walked.take("complete", body=COMPLETED)
    answer = report(exchange, subject_of(walked))
    (referral,) = answer.body["referrals"]
    assert ("outcome" in referral["sections"], SAID_AT_THE_END in str(answer.body)) == (agreed, agreed)
    assert referral["withheld"] == ([] if agreed else ["outcome"])
    assert (referral["reason"] is not None) is agreed
    assert ("outcome" in entry_of(answer).categories) is agreed


def test_rule_19_one_referrals_outcome_does_not_bring_anothers_along(exchange: Exchange) -> None:
    first = walk(exchange, "in_progress", consent={"report_back": True})
    person = subject_of(first)
    second = walk(exchange, "in_progress", subject={"id": person})
    first.take("complete", body=COMPLETED)
    second.take("complete", body={**COMPLETED, "comment": "Det her er ikke til afsenderen."})
    answer = report(exchange, person)
    shown = {row["id"]: "outcome" in row["sections"] for row in answer.body["referrals"]}
    assert shown == {first.id: True, second.id: False}
    assert "ikke til afsenderen" not in str(answer.body)
    assert entry_of(answer).detail["outcome_of"] == first.id


def test_rule_19_an_outcome_on_a_basis_of_its_own_is_there(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    given = {**consent_body(exchange.municipality, ["outcome"]), "kind": "GDPR_BASIS"}
    basis = {"code": "SAMTYKKE-GDPR", "consent": given}
    walked.take("complete", body={**COMPLETED, "report_back": basis})
    person = subject_of(walked)
    assert "outcome" in walked.sender.read(walked.id).body["sections"]
    assert SAID_AT_THE_END in str(told(exchange, person))
    consent = told(exchange, person)["consents"][-1]
    seen = walked.coordinator.get(f"consents/{consent['id']}")
    gone = walked.coordinator.post(f"consents/{consent['id']}/withdraw", {"method": "oral"}, If_Match=seen.etag)
    assert gone.status == 200
    assert SAID_AT_THE_END not in str(told(exchange, person))


def test_rule_19_after_a_withdrawal_the_outcome_is_gone(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress", consent={"report_back": True})
    walked.take("complete", body=COMPLETED)
    person = subject_of(walked)
    assert SAID_AT_THE_END in str(told(exchange, person))
    assert withdraw_consent(walked.sender, walked.id).status == 200
    assert SAID_AT_THE_END not in str(told(exchange, person))


# --- Whose report, and who may ask ---------------------------------------------------------------------------------


def test_rule_19_another_agencys_person_is_answered_as_one_that_is_not_there(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    person = subject_of(walked)
    for party in (exchange.centre, exchange.stranger):
        for path in ("", "/access-report", "/access-report?staff=own"):
            foreign = asking(party).get(f"subjects/{person}{path}")
            same(foreign, asking(party).get(f"subjects/{uuid4()}{path}"))
            assert foreign.status == 404
            assert (entry_of(foreign).outcome, entry_of(foreign).refusal) == ("refused", "not-found")
        pdf = {"Accept": "application/pdf"}
        foreign = asking(party).get(f"subjects/{person}/access-report", **pdf)
        same(foreign, asking(party).get(f"subjects/{uuid4()}/access-report", **pdf))
        assert (foreign.status, foreign.headers["Content-Type"]) == (404, "application/problem+json")
        coordinator = asking(party, "coordinator")
        body = {"agency": exchange.centre.id, "ground": "rhl_16", "review_by": review_by(9)}
        path = "subjects/{}/withholdings"
        same(coordinator.get(path.format(person)), coordinator.get(path.format(uuid4())))
        same(
            coordinator.create(body, path=path.format(person)),
            coordinator.create(body, path=path.format(uuid4())),
        )


@pytest.mark.parametrize(
    ("purpose", "code"),
    [("exit_support", "purpose-not-allowed"), ("investigation", "purpose-forbidden"), ("audit", "purpose-not-allowed")],
)
def test_rule_19_another_purpose_is_refused_and_recorded(exchange: Exchange, purpose: str, code: str) -> None:
    walked = walk(exchange, "received")
    for person in (subject_of(walked), str(uuid4())):
        answer = report(exchange, person, Purpose=purpose)
        assert (answer.status, answer.body["code"]) == (403, code)
        entry = entry_of(answer)
        assert (entry.action, entry.outcome, entry.refusal) == ("subject.access-report", "refused", code)


@pytest.mark.parametrize(
    ("role", "report_is", "withholding_is"),
    [
        ("caseworker", 200, 403),
        ("coordinator", 200, 200),
        ("counsellor", 200, 403),
        ("auditor", 403, 403),
        ("administrator", 403, 403),
    ],
)
def test_rule_19_who_may(exchange: Exchange, role: str, report_is: int, withholding_is: int) -> None:
    person = subject_of(walk(exchange, "received"))
    caller = asking(exchange.municipality, role)
    assert caller.get(f"subjects/{person}").status == report_is
    assert caller.get(f"subjects/{person}/access-report").status == report_is
    assert caller.get(f"subjects/{person}/withholdings").status == withholding_is


@pytest.mark.parametrize("form", ["json", "pdf"])
def test_rule_19_one_call_is_one_entry_that_names_all_it_shows(exchange: Exchange, form: str) -> None:
    first = walk(exchange, "in_progress")
    person = subject_of(first)
    second = walk(exchange, "draft", subject={"id": person})
    answer = report(exchange, person, Accept=f"application/{form}")
    assert answer.status == 200
    entry = entry_of(answer)
    assert (entry.action, entry.subject_kind, entry.subject_id) == (
        "subject.access-report",
        "subject",
        ledger_name(person),
    )
    assert (entry.purpose, entry.basis, entry.basis_version) == ("subject_access", "ART15", 1)
    assert {str(identifier) for identifier in entry.result_ids} == {first.id, second.id}
    assert entry.categories == ["status", "contact", "identity", "reason", "needs"]
    assert entry.detail["form"] == form
    assert str(entry.id) in _payload(answer.headers["Receipt"])


def _payload(receipt: str) -> str:
    part = receipt.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


# --- Persons of other kinds ----------------------------------------------------------------------------------------


def test_rule_19_of_an_erased_person_the_report_says_so_and_who_saw_what(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    person = subject_of(walked)
    vault.destroy_key(Subject.objects.get(pk=person).id)
    Subject.objects.filter(pk=person).update(erased_at=timezone.now())
    answer = report(exchange, person)
    body = answer.body
    assert body["subject"]["erased_at"] is not None
    (referral,) = body["referrals"]
    assert (referral["content"], referral["sections"]) == ("erased", {})
    assert referral["withheld"] == ["contact", "identity", "reason", "needs", "outcome"]
    assert (exchange.centre.id, "referral.disclose") in looks(body)
    assert entry_of(answer).categories == ["status"]


def test_rule_19_a_referral_made_in_error_stays_sealed_beside_one_that_is_shown(exchange: Exchange) -> None:
    wrong = walk(exchange, "entered_in_error")
    person = subject_of(wrong)
    right = walk(exchange, "received", subject={"id": person})
    rows = {row["id"]: row for row in told(exchange, person)["referrals"]}
    assert (rows[wrong.id]["content"], rows[wrong.id]["sections"]) == ("entered_in_error", {})
    assert "identity" in rows[right.id]["sections"]


def test_rule_19_an_anonymous_person_has_a_report_that_names_nobody(exchange: Exchange) -> None:
    reason = {"reason": {"summary": "Vil tale med nogen.", "subject_aware": "yes"}}
    body = {"subject": {"mode": "anonymous"}, "basis": {"code": "ANON"}, "sections": reason}
    made = exchange.municipality.as_("caseworker").create({**body, "recipient": exchange.centre.id, "submit": True})
    found = told(exchange, made.body["subject"]["id"])
    assert (found["subject"]["mode"], found["subject"]["birth_year"]) == ("anonymous", None)
    assert found["referrals"][0]["sections"] == reason


def test_rule_19_a_linked_anonymous_case_is_in_the_report_and_not_the_other_way(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    reason = {"reason": {"summary": "Vil tale med nogen.", "subject_aware": "yes"}}
    before = sender.create({"subject": {"mode": "anonymous"}, "basis": {"code": "ANON"}, "sections": reason})
    nameless = before.body["subject"]["id"]
    wish = {"subject": nameless, "wished_at": timezone.now().isoformat(), "method": "oral"}
    named = sender.create(referral_body(exchange.centre, subject={"mode": "identified", "formerly": wish}))
    person = named.body["subject"]["id"]
    body = told(exchange, person)
    assert body["subject"]["formerly"] == nameless
    assert {row["id"] for row in body["referrals"]} == {before.body["id"], named.body["id"]}
    assert "Vil tale med nogen." in str(body)
    alone = told(exchange, nameless)
    assert [row["id"] for row in alone["referrals"]] == [before.body["id"]]
    assert person not in str(alone)


def test_rule_19_a_person_as_they_are_registered_holds_ids_and_states(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    person = subject_of(walked)
    answer = walked.sender.get(f"subjects/{person}")
    assert answer.status == 200
    assert answer.body["referrals"] == [{"id": walked.id, "status": "received"}]
    assert [consent["state"] for consent in answer.body["consents"]] == ["given"]
    assert "Testperson" not in str(answer.body)
    entry = entry_of(answer)
    assert (entry.action, entry.categories, [str(each) for each in entry.result_ids]) == (
        "subject.read",
        ["status", "background"],  # the number told a year of birth
        [walked.id],
    )
