"""Breaking the glass, the flagged list and the review, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from agencies import directory
from agencies.models import Membership, Role
from audit.models import Entry
from consent import vault
from consent.models import Subject
from referrals.models import Referral
from referrals.policy import glass_state
from tests.exchange import SECTIONS, Caller, Exchange
from tests.referrals.glass import (
    DANGER,
    WHY,
    at_the_centre,
    between_municipalities,
    break_glass,
    breaking,
    broken,
    neighbour,
    plant,
    review,
)
from tests.referrals.homes import HOME, municipality, police_of
from tests.referrals.walks import police_referral, walk

CASE = {"Audit_Case": "2026-18"}
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("opened_hours_ago", "minutes", "reviewed", "state"),
    [
        (0, 60, False, "open"),
        (1, 60, False, "unreviewed"),
        (72, 60, False, "unreviewed"),
        (72.01, 60, False, "overdue"),
        (0, 60, True, "reviewed"),
        (100, 60, True, "reviewed"),
    ],
)
def test_its_state_follows_from_the_clock_and_the_review(
    opened_hours_ago: float, minutes: int, reviewed: bool, state: str
) -> None:
    opened = NOW - timedelta(hours=opened_hours_ago)
    assert glass_state(opened, opened + timedelta(minutes=minutes), NOW if reviewed else None, at=NOW) == state


def test_what_comes_of_breaking_it_is_shown_to_who_did(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    made = break_glass(walked.unassigned, walked.id, minutes=30)
    assert (made.status, made.etag) == (201, '"1"')
    assert made.headers["Location"] == f"/api/v1/break-glass/{made.body['id']}"
    assert "Receipt" in made.headers
    shown = {name: made.body[name] for name in ("referral", "reason", "explanation", "categories", "state", "verdict")}
    assert shown == {
        "referral": walked.id,
        "reason": "danger_to_life",
        "explanation": WHY,
        "categories": ["contact", "reason"],
        "state": "open",
        "verdict": None,
    }
    assert made.body["staff"] == walked.unassigned.staff_id
    assert made.body["owner"]["id"] == made.body["agency"]["id"] == exchange.centre.id
    assert walked.unassigned.get(made.headers["Location"]).body["explanation"] == WHY


def test_it_serves_one_purpose_and_other_purposes_are_refused_alike(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    for referral in (walked.id, str(uuid4())):
        answers = [
            walked.unassigned.create(breaking(referral), path="break-glass", Purpose=purpose)
            for purpose in ("", "exit_support", "investigation")
        ]
        assert [(answer.status, answer.body["code"]) for answer in answers] == [
            (403, "purpose-not-allowed"),
            (403, "purpose-not-allowed"),
            (403, "purpose-forbidden"),
        ]


def test_to_who_is_no_party_the_referral_does_not_exist(exchange: Exchange) -> None:
    referral, draft = between_municipalities(exchange), walk(exchange, "draft").id
    for who in (exchange.stranger.as_("caseworker"), exchange.police.as_("coordinator")):
        foreign, absent = break_glass(who, referral), break_glass(who, str(uuid4()))
        assert (foreign.status, foreign.body) == (404, absent.body)
    assert break_glass(exchange.centre.as_("coordinator"), draft).status == 404


Opens = list[tuple[str, str, list[str], bool]]
WHO: Opens = [
    # whose member, in which role, for which categories, whether it opens
    ("centre", "counsellor-2", ["contact"], True),
    ("centre", "counsellor-2", ["health"], False),  # the consent does not reach it
    ("centre", "counsellor-2", ["contact", "health"], False),
    ("centre", "counsellor-1", ["contact"], False),  # assigned, and reads without
    ("centre", "coordinator-1", ["contact"], False),
    ("centre", "caseworker-1", ["contact"], True),
    ("municipality", "caseworker-1", ["outcome"], True),
    ("municipality", "caseworker-1", ["contact"], False),  # its own words
    ("municipality", "coordinator-1", ["outcome", "contact"], False),
]


@pytest.mark.parametrize(("party", "who", "categories", "opens"), WHO, ids=str)
def test_it_opens_what_the_reader_does_not_see_without_it_and_the_law_carries(
    exchange: Exchange, party: str, who: str, categories: list[str], opens: bool
) -> None:
    walked = at_the_centre(exchange)
    role, _, number = who.partition("-")
    answer = break_glass(getattr(exchange, party).as_(role, int(number)), walked.id, categories=categories)
    assert answer.status == (201 if opens else 422), answer
    if not opens:
        assert answer.body["code"] == "not-covered"
        assert answer.body["errors"][-1]["pointer"] == f"/categories/{len(categories) - 1}" or "contact" in categories


@pytest.mark.parametrize(
    ("status", "opens"), [("accepted", True), ("completed", True), ("rejected", False), ("entered_in_error", False)]
)
def test_at_the_exit_centre_a_referral_that_ended_stays_closed(exchange: Exchange, status: str, opens: bool) -> None:
    walked = at_the_centre(exchange, status)
    assert break_glass(walked.unassigned, walked.id).status == (201 if opens else 422)


def test_a_referral_made_in_error_is_opened_to_nobody(exchange: Exchange) -> None:
    referral = between_municipalities(exchange)
    sender, officer = exchange.municipality.as_("caseworker"), neighbour(exchange).as_("caseworker")
    glass = broken(officer, referral)
    assert sender.step(referral, "mark-in-error", {"reason": "wrong_person"}).status == 200
    assert officer.read(referral, **DANGER).body["sections"] == {}
    assert break_glass(officer, referral).status == 422
    assert glass in [row["id"] for row in sender.party.as_("coordinator").get("break-glass").body["results"]]


def test_the_sender_is_shown_an_outcome_that_no_consent_lets_back(exchange: Exchange) -> None:
    walked = at_the_centre(exchange, "in_progress")
    walked.take("hold", body={"reason": "agreed_pause", "comment": "Indlagt."})
    assert "outcome" not in walked.sender.read(walked.id).body["sections"]
    glass = broken(walked.sender, walked.id, categories=["outcome"])
    shown = walked.sender.read(walked.id, **DANGER)
    assert shown.body["sections"]["outcome"]["entries"][0]["comment"] == "Indlagt."
    entry = Entry.objects.get(request_id=shown.headers["Request-Id"])
    assert (entry.basis, entry.detail["break_glass"]) == ("VITAL", glass)


def test_what_the_centre_wrote_itself_is_not_opened_beyond_the_assignment_unasked(exchange: Exchange) -> None:
    walked = at_the_centre(exchange, "in_progress")
    walked.take("hold", body={"reason": "agreed_pause", "comment": "Indlagt."})
    broken(walked.unassigned, walked.id)
    assert sorted(walked.unassigned.read(walked.id, **DANGER).body["sections"]) == ["contact", "reason"]


@pytest.mark.parametrize("role", ["auditor", "administrator", "integration"])
def test_only_working_staff_break_it(exchange: Exchange, role: str) -> None:
    walked = at_the_centre(exchange)
    assert break_glass(exchange.centre.as_(role), walked.id).status == 403


def test_the_same_key_and_body_break_it_once(exchange: Exchange) -> None:
    walked, key = at_the_centre(exchange), str(uuid4())

    def ask(**changes: Any) -> Any:
        body = breaking(walked.id, **changes)
        return walked.unassigned.create(body, path="break-glass", Idempotency_Key=key, **DANGER)

    first, again = ask(), ask()
    assert (first.status, again.status, first.body["id"]) == (201, 201, again.body["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    other = ask(minutes=10)
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")
    assert len(walked.coordinator.get("break-glass").body["results"]) == 1
    assert walked.unassigned.post("break-glass", breaking(walked.id), **DANGER).status == 400


# --- The flagged list, and the review ----------------------------------------------------------------------------


def test_a_list_is_for_the_coordinators_of_owner_and_opener(exchange: Exchange) -> None:
    referral = between_municipalities(exchange)
    glass = broken(exchange.municipality.as_("caseworker"), referral, categories=["outcome"])
    other = broken(neighbour(exchange).as_("caseworker"), referral)
    owner = exchange.municipality.as_("coordinator").get("break-glass")
    assert [row["id"] for row in owner.body["results"]] == [other, glass]
    assert [row["id"] for row in neighbour(exchange).as_("coordinator").get("break-glass").body["results"]] == [other]
    assert [row["staff"] for row in owner.body["results"]] == ["", exchange.municipality.staff["caseworker-1"]]
    assert "explanation" not in owner.body["results"][0]
    entry = Entry.objects.get(request_id=owner.headers["Request-Id"])
    assert (entry.action, entry.basis) == ("break-glass.list", "VITAL")
    assert [str(name) for name in entry.result_ids] == [other, glass]
    assert exchange.stranger.as_("coordinator").get("break-glass").body["results"] == []
    for role in ("caseworker", "counsellor", "administrator"):
        assert exchange.municipality.as_(role).get("break-glass", Purpose="exit_support").status == 403


def test_a_list_is_paged_and_narrowed_to_a_state(exchange: Exchange) -> None:
    referral, officer = between_municipalities(exchange), neighbour(exchange).as_("caseworker")
    over = plant(officer, referral, lasts="1 millisecond")
    made = [over, *(broken(officer, referral) for _ in range(2))]
    owner = exchange.municipality.as_("coordinator")
    assert review(owner, made[1]).status == 200

    def told(query: str = "") -> list[str]:
        return [row["id"] for row in owner.get(f"break-glass{query}").body["results"]]

    assert sorted(told()) == sorted([made[0], made[2]])
    states = ("open", "unreviewed", "overdue", "reviewed")
    assert [told(f"?state={state}") for state in states] == [[made[2]], [made[0]], [], [made[1]]]
    page = owner.get("break-glass?limit=1")
    rest = owner.get(f"break-glass?limit=1&cursor={page.body['next']}")
    assert [*page.body["results"], *rest.body["results"]][0]["id"] != rest.body["results"][0]["id"]
    assert rest.body["next"] is None
    for query in ("state=broken", "limit=0", "who=me"):
        assert owner.get(f"break-glass?{query}").status == 400
    assert owner.get(f"break-glass?state=open&cursor={page.body['next']}").status == 400


def test_auditors_see_metadata_in_a_case_and_no_explanation(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    glass = broken(walked.unassigned, walked.id)
    for party in (exchange.centre, exchange.oversight):
        auditor = party.as_("auditor")
        for path in ("break-glass", f"break-glass/{glass}"):
            without = auditor.get(path)
            assert (without.status, without.body["code"]) == (403, "audit-case-needed")
        assert glass in [row["id"] for row in auditor.get("break-glass?limit=200", **CASE).body["results"]]
        told = auditor.get(f"break-glass/{glass}", **CASE)
        assert (told.status, told.body["explanation"]) == (200, None)
        assert WHY not in str(told.body)
        entry = Entry.objects.get(request_id=told.headers["Request-Id"])
        assert (entry.detail["case_number"], "shown" in entry.detail) == ("2026-18", False)
    assert exchange.municipality.as_("auditor").get("break-glass", **CASE).body["results"] == []
    assert exchange.municipality.as_("auditor").get(f"break-glass/{glass}", **CASE).status == 404


def test_to_everyone_else_a_glass_is_not_there(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    glass = broken(walked.unassigned, walked.id)
    for who in (
        exchange.municipality.as_("coordinator"),  # the centre has accepted, and answers for it now
        exchange.stranger.as_("coordinator"),
        exchange.stranger.as_("caseworker"),
        exchange.centre.as_("caseworker"),
        walked.assigned,
    ):
        foreign, absent = who.get(f"break-glass/{glass}"), who.get(f"break-glass/{uuid4()}")
        assert (foreign.status, foreign.body) == (404, absent.body), who
        assert review(who, glass).status == (404 if who.role == "coordinator" else 403)


def test_through_another_agency_its_own_opener_does_not_find_it(exchange: Exchange) -> None:
    """A person may work in two agencies; what they did for the one is not there for the other."""
    referral = at_the_centre(exchange).id
    opener = exchange.centre.as_("counsellor", 2)
    glass = broken(opener, referral)
    person = Membership.objects.get(agency=exchange.centre.agency, staff_id=opener.staff_id)
    with transaction.atomic():
        group = directory.role_group(exchange.stranger.agency, Role.CASEWORKER)
        Membership.objects.create(
            agency=exchange.stranger.agency,
            user=person.user,
            role=Role.CASEWORKER,
            role_group=group,
            staff_id=f"{opener.staff_id}-too",
        )
    elsewhere = Caller(exchange.stranger, f"{opener.staff_id}-too", "caseworker")
    assert opener.get(f"break-glass/{glass}", **DANGER).status == 200
    found, absent = (elsewhere.get(f"break-glass/{each}", **DANGER) for each in (glass, uuid4()))
    assert (found.status, found.body) == (404, absent.body)


WHO_REVIEWS = {
    # whose member, in which role: what comes of it, and the refusal
    ("municipality", "coordinator"): (200, ""),
    ("municipality", "auditor"): (200, ""),
    ("neighbour", "auditor"): (200, ""),
    ("oversight", "auditor"): (200, ""),
    ("neighbour", "coordinator"): (403, "reviewed-by-another"),
    ("neighbour", "caseworker"): (403, "role-may-not"),  # the opener
    ("municipality", "caseworker"): (403, "role-may-not"),
    ("stranger", "coordinator"): (404, "not-found"),
    ("stranger", "auditor"): (404, "not-found"),
}


@pytest.mark.parametrize(("party", "role"), WHO_REVIEWS)
def test_a_coordinator_of_the_owner_or_an_auditor_reviews(exchange: Exchange, party: str, role: str) -> None:
    glass = broken(neighbour(exchange).as_("caseworker"), between_municipalities(exchange))
    by = (neighbour(exchange) if party == "neighbour" else getattr(exchange, party)).as_(role)
    answer, (status, code) = review(by, glass, "not_justified"), WHO_REVIEWS[party, role]
    assert (answer.status, answer.body.get("code", "")) == (status, code), answer
    assert Entry.objects.get(request_id=answer.headers["Request-Id"], action="break-glass.review").refusal == code


def test_a_review_is_of_the_version_seen_and_happens_once(exchange: Exchange) -> None:
    glass = broken(neighbour(exchange).as_("caseworker"), between_municipalities(exchange))
    owner = exchange.municipality.as_("coordinator")
    assert review(owner, glass, If_Match="").status == 428
    assert review(owner, glass, If_Match='"2"').status == 412
    assert review(owner, glass, "fine").status == 422
    assert review(exchange.oversight.as_("auditor"), glass, Audit_Case="").status == 403
    assert review(owner, glass).status == 200
    assert review(owner, glass).status == 412
    again = review(owner, glass, "not_justified", If_Match='"2"')
    assert (again.status, again.body["code"]) == (409, "already-reviewed")
    assert owner.get(f"break-glass/{glass}").body["verdict"] == "justified"


def test_the_task_to_review_is_not_done_by_saying_so(exchange: Exchange) -> None:
    broken(neighbour(exchange).as_("caseworker"), between_municipalities(exchange))
    owner = exchange.municipality.as_("coordinator")
    (task,) = owner.get("tasks").body["results"]
    read = owner.get(f"tasks/{task['id']}")
    assert (read.status, read.body["notification"], read.body["basis"]) == (200, None, None)
    done = owner.post(f"tasks/{task['id']}/done", {"reason": "duplicate"}, If_Match=read.etag)
    assert (done.status, done.body["code"]) == (409, "task-not-open")


def test_of_an_erased_person_the_glass_stays_and_why_it_was_broken_does_not(exchange: Exchange) -> None:
    referral = between_municipalities(exchange)
    glass = broken(neighbour(exchange).as_("caseworker"), referral)
    subject = Referral.objects.get(pk=referral).subject_id
    vault.destroy_key(subject)
    Subject.objects.using("owner").filter(pk=subject).update(erased_at="2026-11-20T00:00:00Z")
    told = exchange.municipality.as_("coordinator").get(f"break-glass/{glass}")
    assert (told.status, told.body["explanation"], told.body["reason"]) == (200, None, "danger_to_life")


def test_the_police_may_be_shown_what_averts_a_danger(exchange: Exchange) -> None:
    sections = {**SECTIONS, "background": {"municipality_of_residence": HOME}}
    police = police_of(HOME)
    referral = police_referral(municipality(HOME), police, sections=sections)
    officer = police.as_("caseworker")
    assert officer.read(referral, **DANGER).status == 403
    broken(officer, referral)
    assert sorted(officer.read(referral, **DANGER).body["sections"]) == ["contact", "reason"]
