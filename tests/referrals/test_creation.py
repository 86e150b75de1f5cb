"""Creating referrals: drafts, submission, replay, references, batches; and two at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from audit.models import Entry
from referrals.models import Referral
from tests.exchange import SECTIONS, Answer, Caller, Exchange, consent_body, referral_body
from tests.referrals.walks import walk

NOBODY = "01a20000-0000-7000-8000-000000000000"
SYSTEM_MEMBERS = {
    "id": NOBODY,
    "status": "accepted",
    "version": 7,
    "sender": NOBODY,
    "responsible": NOBODY,
    "responsible_since": "2026-11-01T00:00:00Z",
    "allowed_actions": ["accept"],
    "withheld": [],
    "deadlines": {},
    "created_at": "2026-11-01T00:00:00Z",
    "updated_at": "2026-11-01T00:00:00Z",
    "submitted_at": "2026-11-01T00:00:00Z",
    "not_for_investigation": False,
    "parent": NOBODY,
    "purpose": "investigation",
    "idempotency_key": "x",
    "consent": NOBODY,
    "reason_code": "no_capacity",
    "escalated": False,
    "may_work": True,
}


@pytest.fixture(scope="module")
def shared(django_db_setup: None) -> Exchange:
    """Agencies for the tests in which nothing is made."""
    return Exchange()


def at_once(*calls: Any) -> list[Answer]:
    """Make calls at the same time, each in a thread and on a connection of its own."""
    barrier = Barrier(len(calls))

    def run(call: Any) -> Answer:
        try:
            barrier.wait(timeout=10)
            answer: Answer = call()
            return answer
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def batch(by: Caller, items: Any, **headers: str) -> Answer:
    return by.post("referrals/batch", {"items": items}, **{"Idempotency_Key": str(uuid4()), **headers})


def pointers(answer: Answer) -> list[str]:
    return [error["pointer"] for error in answer.body["errors"]]


def test_an_empty_draft_is_made_of_nothing_and_cannot_be_submitted(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create({})
    assert (draft.status, draft.body["status"], draft.body["sections"]) == (201, "draft", {})
    assert draft.headers["Location"] == f"/api/v1/referrals/{draft.body['id']}"
    refused = sender.step(draft.body["id"], "submit")
    assert (refused.status, pointers(refused)) == (422, ["/recipient", "/sections/reason"])
    assert sender.read(draft.body["id"]).body["status"] == "draft"


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"recipient": NOBODY}, "unknown-reference", "/recipient"),
        ({"basis": {"code": "NO-SUCH"}}, "unknown-reference", "/basis/code"),
        ({"basis": {"code": "SAMTYKKE-TAVSHED"}}, "not-covered", "/basis"),
        ({"basis": {"code": "SAMTYKKE-TAVSHED", "consent_id": NOBODY}}, "unknown-reference", "/basis/consent_id"),
        ({"subject": {"id": NOBODY}}, "unknown-reference", "/subject/id"),
        ({"consent": {"categories": ["reason"]}}, "not-covered", "/sections/contact"),
        ({"consent": {"purposes": ["crime_prevention"]}}, "not-covered", "/basis"),
        ({"consent": {"kind": "PARTICIPATION"}}, "not-covered", "/basis"),
        ({"sections": {"needs": {"codes": ["debt"]}}}, "not-complete", "/sections/reason"),
    ],
)
def test_what_cannot_be_submitted_is_not_made_at_all(
    shared: Exchange, changes: dict[str, Any], code: str, place: str
) -> None:
    sender = shared.municipality.as_("caseworker")
    refused = sender.create(referral_body(shared.centre, **changes))
    assert (refused.status, refused.body["code"]) == (422, code)
    assert place in pointers(refused)
    assert sender.get("referrals?role=sent").body["results"] == []
    entry = Entry.objects.get(request_id=refused.headers["Request-Id"])
    assert (entry.action, entry.outcome, entry.refusal) == ("referral.submit", "refused", code)


def test_a_referral_is_not_sent_to_oneself(shared: Exchange) -> None:
    refused = shared.municipality.as_("caseworker").create({"recipient": shared.municipality.id})
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "own_agency")


@pytest.mark.parametrize("submit", [True, False])
def test_the_same_request_again_returns_the_same_referral_freshly_disclosed(exchange: Exchange, submit: bool) -> None:
    sender = exchange.municipality.as_("caseworker")
    body, key = referral_body(exchange.centre, submit=submit), str(uuid4())
    made = sender.create(body, Idempotency_Key=key)
    assert "Idempotency-Replayed" not in made.headers
    walked = sender.step(made.body["id"], "mark-in-error", {"reason": "wrong_person"})
    again = exchange.municipality.as_("coordinator").create(body, Idempotency_Key=key)
    assert (again.status, again.body["id"]) == (201, made.body["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.body["status"], again.etag, again.body["sections"]) == ("entered_in_error", walked.etag, {})
    assert again.headers["Receipt"] != made.headers["Receipt"]
    shown = Entry.objects.filter(request_id=again.headers["Request-Id"], action="referral.disclose", outcome="done")
    assert [entry.subject_id for entry in shown] == [made.body["id"]]


def test_the_order_and_spacing_of_a_replayed_body_do_not_matter(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create({"urgency": "soon", "channel": "school"}, Idempotency_Key="k1")
    again = sender.create(b'{ "channel":"school",\n "urgency" : "soon" }', Idempotency_Key="k1")
    assert (again.status, again.body["id"]) == (201, made.body["id"])


def test_a_replay_is_not_a_step_of_its_own(exchange: Exchange) -> None:
    sender, key = exchange.municipality.as_("caseworker"), str(uuid4())
    body = referral_body(exchange.centre)
    made = sender.create(body, Idempotency_Key=key)
    sender.create(body, Idempotency_Key=key)
    steps = sender.get(f"referrals/{made.body['id']}/timeline").body["results"]
    assert [step["move"] for step in steps] == ["submit"]


def test_the_same_key_with_another_body_is_refused_and_for_another_agency_it_is_free(exchange: Exchange) -> None:
    sender, stranger = exchange.municipality.as_("caseworker"), exchange.stranger.as_("caseworker")
    body = referral_body(exchange.centre, submit=False)
    made = sender.create(body, Idempotency_Key="key-1")
    other = sender.create({**body, "urgency": "acute"}, Idempotency_Key="key-1")
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")
    assert sender.read(made.body["id"]).body["urgency"] == "routine"
    theirs = stranger.create(body, Idempotency_Key="key-1")
    assert (theirs.status, theirs.body["id"] == made.body["id"]) == (201, False)


def test_a_key_that_the_exchange_itself_would_use_does_no_harm(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    assert walked.coordinator.create({}, Idempotency_Key=f"redirected:{walked.id}").status in (201, 400, 422)
    walked.take("redirect")


def test_a_key_is_needed_and_has_a_form(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    for key in ("", " ", "a b", "æ", "x" * 129, "a\x00b", "6101901234", "sag-610190-1234"):
        for path, body in [("referrals", {}), ("referrals/batch", {"items": [{}]}), ("consents", {})]:  # type: ignore[var-annotated]
            refused = sender.post(path, body, Idempotency_Key=key)
            assert (refused.status, refused.body["code"]) == (400, "malformed"), (key, path)
    assert sender.get("referrals?role=sent").body["results"] == []


@pytest.mark.parametrize(
    "key",
    [
        "a0010190-1234-4abc-8def-aaaaaaaaaaaa",
        "aaaaaaaa-aaaa-4aaa-8aaa-a0101901234a",
        "aa010190-1234-7010-8190-1234aaaaaaaa",
    ],
)
def test_a_new_uuid_is_always_a_key_whatever_its_digits_look_like(exchange: Exchange, key: str) -> None:
    assert exchange.municipality.as_("caseworker").create({}, Idempotency_Key=key).status == 201


def test_a_reference_is_used_once_by_its_sender_and_another_sender_may_use_it_too(exchange: Exchange) -> None:
    sender, stranger = exchange.municipality.as_("caseworker"), exchange.stranger.as_("caseworker")
    made = sender.create({"external_reference": "SAG-1"})
    taken = sender.create({"external_reference": "SAG-1"})
    assert (made.status, taken.status, taken.body["code"]) == (201, 409, "external-reference-taken")
    assert "SAG-1" not in str(taken.body)
    assert stranger.create({"external_reference": "SAG-1"}).status == 201
    other = sender.create({})
    path = f"referrals/{other.body['id']}"
    assert sender.call("PATCH", path, {"external_reference": "SAG-1"}, If_Match='"1"').status == 409
    assert sender.call("PATCH", path, {"external_reference": "SAG-2"}, If_Match='"1"').status == 200
    assert sender.call("PATCH", path, {"external_reference": "SAG-2"}, If_Match='"2"').status == 200


def test_what_the_system_sets_cannot_be_sent(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create({})
    for member, value in SYSTEM_MEMBERS.items():
        sent = {member: value}
        for refused in (
            sender.create({**referral_body(exchange.centre), **sent}),
            sender.call("PATCH", f"referrals/{draft.body['id']}", sent, If_Match=draft.etag),
            sender.post(f"referrals/{draft.body['id']}/submit", sent, If_Match=draft.etag),
        ):
            assert (refused.status, pointers(refused)) == (422, [f"/{member}"])
    mixed = batch(sender, [{**referral_body(exchange.centre), name: value} for name, value in SYSTEM_MEMBERS.items()])
    assert [result["problem"]["errors"][0]["pointer"] for result in mixed.body["results"]] == [
        f"/{member}" for member in SYSTEM_MEMBERS
    ]
    assert [row["id"] for row in sender.get("referrals?role=sent").body["results"]] == [draft.body["id"]]
    assert sender.read(draft.body["id"]).etag == draft.etag


def test_only_a_draft_is_edited_and_only_by_its_sender(exchange: Exchange) -> None:
    walked = walk(exchange, "draft")
    change = {"urgency": "acute"}

    def edit(by: Caller) -> Answer:
        return by.call("PATCH", f"referrals/{walked.id}", change, If_Match=walked.etag)

    assert edit(walked.coordinator).status == edit(exchange.stranger.as_("caseworker")).status == 404
    edited = edit(walked.sender)
    assert (edited.status, edited.body["urgency"], edited.etag) == (200, "acute", '"2"')
    assert edit(walked.sender).status == 412
    walked.refresh()
    walked.go("submit")
    for by, allowed in [
        (walked.sender, ["amend", "withdraw", "mark_in_error"]),
        (walked.coordinator, ["receive", "request_info", "reject", "redirect"]),
    ]:
        refused = edit(by)
        assert (refused.status, refused.body["code"]) == (409, "only-drafts-change")
        assert refused.body["allowed_actions"] == allowed
    assert walked.sender.call("PATCH", f"referrals/{walked.id}", change).status == 428


def test_a_person_registered_before_is_referred_again_with_the_same_consent(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    first = sender.create(referral_body(exchange.centre))
    consent = first.body["basis"]["consent_id"]
    basis = {"code": "SAMTYKKE-TAVSHED", "consent_id": consent}
    body = referral_body(exchange.centre, subject={"id": first.body["subject"]["id"]}, basis=basis)
    second = sender.create(body)
    assert (second.status, second.body["subject"], second.body["basis"]["consent_id"]) == (
        201,
        first.body["subject"],
        consent,
    )
    theirs = exchange.stranger.as_("caseworker").create(body)
    assert (theirs.status, pointers(theirs)) == (422, ["/subject/id"])


# --- Batches -----------------------------------------------------------------------------------------------------


def test_in_a_batch_each_item_has_its_own_result(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    whole = referral_body(exchange.centre, external_reference="B-1")
    answer = batch(
        sender,
        [
            whole,
            {},
            whole,  # its reference is taken by the first
            {"status": "accepted"},
            "no referral",
            referral_body(exchange.centre, basis={"code": "SAMTYKKE-TAVSHED"}),
            referral_body(exchange.stranger),
        ],
    )
    told = [
        (result["index"], result["status"], result.get("referral", result.get("problem"))[name])
        for result, name in zip(
            answer.body["results"], ["status", "status", "code", "code", "code", "code", "status"], strict=True
        )
    ]
    assert answer.status == 200
    assert told == [
        (0, 201, "submitted"),
        (1, 201, "draft"),
        (2, 409, "external-reference-taken"),
        (3, 422, "invalid"),
        (4, 422, "invalid"),
        (5, 422, "not-covered"),
        (6, 201, "submitted"),
    ]
    assert "sections" not in str(answer.body["results"][0])
    inbox = exchange.centre.as_("coordinator").get("referrals")
    assert [row["id"] for row in inbox.body["results"]] == [answer.body["results"][0]["referral"]["id"]]
    entries = Entry.objects.filter(request_id=answer.headers["Request-Id"]).order_by("id")
    assert [(entry.action, entry.outcome) for entry in entries] == [
        ("referral.batch", "done"),
        ("referral.submit", "done"),
        ("referral.create", "done"),
        ("referral.submit", "refused"),
        ("referral.submit", "refused"),
        ("referral.submit", "done"),
    ]


def test_a_batch_sent_again_makes_nothing_twice_and_tries_again_what_was_refused(exchange: Exchange) -> None:
    sender, key = exchange.municipality.as_("caseworker"), "batch-1"
    items = [referral_body(exchange.centre), {"status": "x"}, referral_body(exchange.centre)]
    first, again = batch(sender, items, Idempotency_Key=key), batch(sender, items, Idempotency_Key=key)
    assert [result["status"] for result in first.body["results"]] == [201, 422, 201]
    assert [result["status"] for result in again.body["results"]] == [200, 422, 200]
    made = [[r["referral"]["id"] for r in answer.body["results"] if "referral" in r] for answer in (first, again)]
    assert made[0] == made[1]
    assert len(sender.get("referrals?role=sent").body["results"]) == 2
    other = batch(sender, [{**items[0], "urgency": "acute"}], Idempotency_Key=key)
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")
    theirs = batch(exchange.stranger.as_("caseworker"), items, Idempotency_Key=key)
    assert [result["status"] for result in theirs.body["results"]] == [201, 422, 201]


def test_a_batch_is_a_list_of_one_to_five_hundred(shared: Exchange) -> None:
    bodies: list[Any] = [
        {"items": []},
        {"items": [{}] * 501},
        {"items": {}},
        {"items": None},
        {"items": "all"},
        {},
        [],
        {"items": [{}], "submit": True},
    ]
    for body in bodies:
        refused = shared.municipality.as_("caseworker").post("referrals/batch", body, Idempotency_Key="k")
        assert (refused.status, pointers(refused)) == (422, ["/items"]), body


@pytest.mark.parametrize(
    ("agency", "role", "headers", "status"),
    [
        ("municipality", "auditor", {}, 403),
        ("municipality", "caseworker", {"Purpose": "investigation"}, 403),
        ("municipality", "caseworker", {"On_Behalf_Of": "", "Purpose": "exit_support"}, 400),
        ("municipality", "caseworker", {"On_Behalf_Of": "nobody"}, 403),
        ("oversight", "auditor", {}, 403),
    ],
)
def test_who_may_not_work_on_referrals_makes_none(
    shared: Exchange, agency: str, role: str, headers: dict[str, str], status: int
) -> None:
    who = getattr(shared, agency).as_(role)
    refused = [who.create(referral_body(shared.centre), **headers), batch(who, [{}], **headers)]
    assert [answer.status for answer in refused] == [status, status]
    for answer in refused:
        entries = Entry.objects.filter(request_id=answer.headers["Request-Id"])
        assert [entry.outcome for entry in entries] == ["refused"]
    assert not Referral.objects.filter(sender=who.party.id).exists()


# --- Two at once -------------------------------------------------------------------------------------------------


def test_the_same_submission_twice_at_once_makes_one_referral(exchange: Exchange) -> None:
    sender, key = exchange.municipality.as_("caseworker"), str(uuid4())
    body = referral_body(exchange.centre)
    assert sender.party.token
    answers = at_once(*[lambda: sender.create(body, Idempotency_Key=key)] * 4)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert len(sender.get("referrals?role=sent").body["results"]) == 1


def test_the_same_reference_twice_at_once_is_taken_once(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    assert sender.party.token
    answers = at_once(*[lambda: sender.create({"external_reference": "SAG-1"})] * 4)
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]


def test_the_same_consent_twice_at_once_is_recorded_once(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    body = {"subject": subject, **consent_body(exchange.centre)}
    answers = at_once(*[lambda: sender.create(body, path="consents", Idempotency_Key="same")] * 3)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("status", "moves"),
    [("received", ("accept", "accept")), ("received", ("accept", "reject")), ("received", ("accept", "withdraw"))],
)
def test_of_two_moves_at_once_one_is_taken(exchange: Exchange, status: str, moves: tuple[str, str]) -> None:
    walked = walk(exchange, status)
    people = [walked.sender if move == "withdraw" else walked.coordinator for move in moves]
    answers = at_once(
        *[lambda move=move, who=who: walked.attempt(move, who) for move, who in zip(moves, people, strict=True)]
    )
    told = sorted(answer.status for answer in answers)
    assert told in ([200, 409], [200, 412])
    taken = next(answer for answer in answers if answer.status == 200)
    assert (walked.refresh().etag, walked.status) == (taken.etag, taken.body["status"])


def test_a_withdrawal_and_a_submission_at_once_leave_nothing_readable(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    assert coordinator.party.token
    first = sender.create(referral_body(exchange.centre))
    consent = first.body["basis"]["consent_id"]
    basis = {"code": "SAMTYKKE-TAVSHED", "consent_id": consent}
    body = referral_body(exchange.centre, subject={"id": first.body["subject"]["id"]}, basis=basis)
    made, ended = at_once(
        lambda: sender.create(body),
        lambda: sender.post(f"consents/{consent}/withdraw", {"method": "oral"}, If_Match='"1"'),
    )
    assert ended.status == 200
    assert made.status in (201, 422)
    for row in coordinator.get("referrals").body["results"]:
        told = coordinator.read(row["id"])
        assert (told.body["status"], told.body["sections"]) == ("consent_withdrawn", {})
    assert set(SECTIONS) <= set(coordinator.read(first.body["id"]).body["withheld"])
