"""
Rule 15: the police's and the infohus's cases stay with the home municipality and its own district on that date; nobody
joins in before the police have screened; "taken over by police" closes the referral and hides it from the others.
"""

from datetime import date
from typing import Any

import pytest

from agencies.models import AreaWithin
from audit.models import Entry
from referrals.models import Referral
from tests.exchange import Answer, Exchange, Party, referral_body
from tests.invariants.attempts import APP, APPEND_ONLY, OWNER, refused, session
from tests.referrals.walks import NECESSITY, at_home, police_referral

REASON = {"reason": {"summary": "Bekymring for en ung.", "subject_aware": "no"}}
WORKERS = ("municipality", "police")


def sent(sender: Party, recipient: Party, *, home: Party | None, **changes: Any) -> Answer:
    """Try to send a referral in crime-prevention cooperation about a person of a home municipality."""
    sections = at_home(home, REASON) if home else REASON
    body = referral_body(recipient, **{"basis": NECESSITY, "sections": sections, **changes})
    return sender.as_("caseworker").create(body, Purpose="crime_prevention")


def why(answer: Answer) -> tuple[int, list[tuple[str, str]]]:
    return answer.status, [(error["pointer"], error["code"]) for error in answer.body.get("errors", [])]


@pytest.mark.parametrize("police_send", [False, True])
def test_rule_15_the_home_municipality_and_its_own_district_share_a_case(exchange: Exchange, police_send: bool) -> None:
    parties = (exchange.municipality, exchange.police)
    sender, recipient = parties[::-1] if police_send else parties
    assert sent(sender, recipient, home=exchange.municipality).status == 201


def test_rule_15_without_a_known_home_nothing_goes_and_the_attempt_is_recorded(exchange: Exchange) -> None:
    answer = sent(exchange.municipality, exchange.police, home=None)
    place = "/sections/background/municipality_of_residence"
    assert why(answer) == (422, [(place, "home_municipality_needed")])
    entry = Entry.objects.get(request_id=answer.headers["Request-Id"])
    assert (entry.outcome, entry.refusal) == ("refused", "not-covered")


def test_rule_15_a_code_that_is_no_municipality_is_no_home(exchange: Exchange) -> None:
    sections = {**REASON, "background": {"municipality_of_residence": "0411"}}  # Christiansø: a code, no municipality
    answer = sent(exchange.police, exchange.municipality, home=None, sections=sections)
    assert why(answer)[1][0][1] == "home_municipality_needed"


def test_rule_15_no_other_municipality_is_told(exchange: Exchange) -> None:
    answer = sent(exchange.police, exchange.municipality, home=exchange.stranger)
    assert ("/recipient", "not_the_home_municipality") in why(answer)[1]


def test_rule_15_nor_does_another_municipality_tell(exchange: Exchange) -> None:
    answer = sent(exchange.stranger, exchange.police, home=exchange.municipality)
    assert why(answer) == (422, [("/sender", "not_the_home_municipality")])


def test_rule_15_no_other_district_is_told(exchange: Exchange) -> None:
    elsewhere = Exchange()
    answer = sent(exchange.municipality, elsewhere.police, home=exchange.municipality)
    assert why(answer) == (422, [("/recipient", "not_the_home_district")])


def test_rule_15_two_districts_never_share_a_case(exchange: Exchange) -> None:
    answer = sent(exchange.police, Exchange().police, home=exchange.municipality)
    assert why(answer) == (422, [("/recipient", "not_the_home_district")])


def test_rule_15_it_is_the_district_on_that_date() -> None:
    """A municipality that moves to another district shares with that one from the day on, and not with the former."""
    exchange, elsewhere = Exchange(), Exchange()
    assert elsewhere.police.agency.code != exchange.police.agency.code
    lies = AreaWithin.objects.filter(municipality_code=exchange.municipality.agency.code, kind="police_district")
    lies.update(valid_to=date(2026, 1, 1))
    AreaWithin.objects.create(
        municipality_code=exchange.municipality.agency.code,
        kind="police_district",
        within_code=elsewhere.police.agency.code,
        valid_from=date(2026, 1, 2),
    )
    assert sent(exchange.municipality, elsewhere.police, home=exchange.municipality).status == 201
    assert sent(exchange.municipality, exchange.police, home=exchange.municipality).status == 422


def test_rule_15_a_case_through_an_infohus_goes_home_whatever_its_basis(exchange: Exchange) -> None:
    body = referral_body(
        exchange.stranger,
        channel="police_infohus",
        sections=at_home(exchange.municipality, REASON),
        consent={"categories": ["reason", "background"]},
    )
    answer = exchange.municipality.as_("caseworker").create(body)
    assert why(answer) == (422, [("/recipient", "not_the_home_municipality")])


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_15_not_even_raw_sql_sends_a_case_beyond_home_and_district(exchange: Exchange, role: str) -> None:
    sections = at_home(exchange.municipality, REASON)
    by = exchange.municipality.as_("caseworker")
    draft = by.create(referral_body(exchange.stranger, basis=NECESSITY, sections=sections, submit=False)).body["id"]
    elsewhere = Exchange().police
    send = "UPDATE referrals_referral SET status = 'submitted', submitted_at = now(), recipient_id = %s WHERE id = %s"
    for recipient, sent_there in ((exchange.stranger, False), (elsewhere, False), (exchange.police, True)):
        with session(role) as cursor:
            if sent_there:
                cursor.execute(send, [recipient.id, draft])
            else:
                assert refused(cursor, send, [recipient.id, draft]) == APPEND_ONLY


# --- Screening ----------------------------------------------------------------------------------------------------


def actions(party: Party, referral: str) -> list[str]:
    told = party.as_("coordinator").read(referral, Purpose="crime_prevention")
    return list(told.body["allowed_actions"])


def received(exchange: Exchange) -> str:
    """A referral of the police that the municipality has acknowledged."""
    referral = police_referral(exchange.police, exchange.municipality)
    by = exchange.municipality.as_("coordinator")
    by.headers["Purpose"] = "crime_prevention"
    assert by.step(referral, "receive").status == 200
    return referral


def test_rule_15_nobody_joins_in_before_the_police_have_screened(exchange: Exchange) -> None:
    referral = received(exchange)
    by = exchange.municipality.as_("coordinator")
    by.headers["Purpose"] = "crime_prevention"
    assert "accept" not in actions(exchange.municipality, referral)
    refused_ = by.step(referral, "accept")
    assert (refused_.status, refused_.body["code"]) == (409, "move-not-allowed")
    assert "screen" in actions(exchange.police, referral)
    assert "screen" not in actions(exchange.municipality, referral)
    assert exchange.police.as_("caseworker").step(referral, "screen", {"result": "cleared"}).status == 200
    assert by.step(referral, "accept").status == 200


def test_rule_15_while_the_police_withhold_their_answer_the_case_waits(exchange: Exchange) -> None:
    referral = received(exchange)
    officer = exchange.police.as_("caseworker")
    assert officer.step(referral, "screen", {"result": "withheld"}).status == 200
    assert "accept" not in actions(exchange.municipality, referral)
    assert officer.step(referral, "screen", {"result": "cleared"}).status == 200
    assert "accept" in actions(exchange.municipality, referral)
    assert "screen" not in actions(exchange.police, referral)


def test_rule_15_the_police_screen_what_they_receive_before_they_accept_it(exchange: Exchange) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    officer = exchange.police.as_("coordinator")
    assert officer.step(referral, "receive").status == 200
    assert officer.step(referral, "accept").status == 409
    assert officer.step(referral, "screen", {"result": "cleared"}).status == 200
    assert officer.step(referral, "accept").status == 200


def test_rule_15_nobody_but_the_police_screens(exchange: Exchange) -> None:
    referral = received(exchange)
    by = exchange.municipality.as_("coordinator")
    by.headers["Purpose"] = "crime_prevention"
    assert by.step(referral, "screen", {"result": "cleared"}).status == 409


def test_rule_15_found_to_be_theirs_alone_the_case_is_taken_over(exchange: Exchange) -> None:
    referral = received(exchange)
    taken = exchange.police.as_("caseworker").step(referral, "screen", {"result": "taken_over"})
    assert (taken.status, taken.body["status"]) == (200, "taken_over_by_police")
    told = exchange.municipality.as_("coordinator").read(referral, Purpose="crime_prevention")
    assert told.body["sections"] == {}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("status", ["accepted", "in_progress"])
def test_rule_15_not_even_raw_sql_joins_in_before_the_screening(exchange: Exchange, role: str, status: str) -> None:
    referral = received(exchange)
    update = "UPDATE referrals_referral SET status = %s WHERE id = %s"
    with session(role) as cursor:
        assert refused(cursor, update, [status, referral]) == APPEND_ONLY
    assert Referral.objects.get(pk=referral).status == "received"


# --- Taken over ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("police_sends", [False, True])
def test_rule_15_after_the_police_took_over_the_other_side_sees_that_and_nothing_else(
    exchange: Exchange, police_sends: bool
) -> None:
    parties = (exchange.municipality, exchange.police)
    referral = police_referral(*(parties[::-1] if police_sends else parties))
    officer = exchange.police.as_("caseworker")
    taken = officer.step(referral, "close", {"reason": "taken_over_by_police"})
    assert (taken.status, taken.body["allowed_actions"]) == (200, ["mark_in_error"] if police_sends else [])
    for role in ("caseworker", "coordinator"):
        other = exchange.municipality.as_(role)
        other.headers["Purpose"] = "crime_prevention"
        told = other.read(referral)
        assert (told.status, told.body["status"], told.body["sections"]) == (200, "taken_over_by_police", {})
        assert told.body["withheld"] == [
            *("contact", "identity", "background", "reason", "concern", "health"),
            *("criminal", "safety", "network", "needs", "outcome"),
        ]
        assert other.step(referral, "withdraw", {"reason": "sent_too_early"}).status == 409
        for part in ("messages", "amendments"):
            assert other.get(f"referrals/{referral}/{part}").body["results"] == []
    assert "reason" in officer.read(referral).body["sections"]


def test_rule_15_nobody_but_the_police_takes_over(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    for who in (exchange.centre.as_("coordinator"), exchange.municipality.as_("caseworker")):
        assert "take_over" not in who.read(referral).body["allowed_actions"]
        assert who.step(referral, "close", {"reason": "taken_over_by_police"}).status == 409
    officer = exchange.police.as_("caseworker")
    refused_ = officer.post(f"referrals/{referral}/close", {"reason": "taken_over_by_police"}, If_Match='"2"')
    assert refused_.status == 404
