"""Marking a minor as endangered, and the tasks that come of it, over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from agencies.models import Agency
from audit.models import Entry
from consent import vault
from consent.models import Subject
from referrals.models import Referral
from tests.exchange import SECTIONS, Exchange, referral_body
from tests.referrals.homes import (
    ADULT,
    APART,
    CHILD,
    CHILDS,
    ELSEWHERE,
    HOME,
    STATEMENT,
    YEAR,
    municipality,
    notification,
    notified,
    notify,
)
from tests.referrals.walks import walk

CONSENT = {"categories": [*SECTIONS, "background"], "maturity_assessed": True, "given_by": "custody_holder"}


def known(exchange: Exchange, **background: Any) -> str:
    """Submit a referral that tells of the person's background; return its id."""
    sections = {**SECTIONS, "background": background}
    consent = {**CONSENT, "given_by": "subject"} if background.get("birth_year") == ADULT else CONSENT
    return exchange.municipality.as_("caseworker").submit(exchange.centre, sections=sections, consent=consent)


def test_what_is_known_of_the_person_need_not_be_stated_again(exchange: Exchange) -> None:
    referral = known(exchange, birth_year=CHILD, municipality_of_residence=HOME)
    made = notify(exchange.centre.as_("counsellor"), referral, home_municipality=None, birth_year=None)
    assert (made.status, made.body["kind"], made.body["state"]) == (201, "notify_home_municipality", "open")
    assert made.body["notification"] == {
        "home_municipality": HOME,
        "birth_year": CHILD,
        "statements": [STATEMENT],
    }
    assert made.body["referral"] == referral
    assert made.headers["Location"] == f"/api/v1/tasks/{made.body['id']}"
    assert made.etag == '"1"'


def test_what_is_not_known_is_asked_for(exchange: Exchange) -> None:
    reason = {"reason": {"summary": "Ønsker hjælp.", "subject_aware": "yes"}}
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre, sections=reason)
    refused = notify(exchange.centre.as_("counsellor"), referral, home_municipality=None, birth_year=None)
    assert (refused.status, refused.body["code"]) == (422, "not-complete")
    assert [error["pointer"] for error in refused.body["errors"]] == ["/home_municipality", "/birth_year"]


@pytest.mark.parametrize(
    ("years", "status"), [(30, 422), (20, 422), (19, 422), (18, 201), (17, 201), (1, 201)], ids=str
)
def test_only_who_can_be_under_18_is_a_minor(exchange: Exchange, years: int, status: int) -> None:
    """The birthday of the 18th year may still be to come."""
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    answer = notify(exchange.centre.as_("counsellor"), referral, birth_year=YEAR - years)
    assert answer.status == status, answer
    if status == 422:
        assert (answer.body["code"], answer.body["errors"][0]["pointer"]) == ("not-covered", "/birth_year")


def test_a_registered_adult_is_no_minor_unless_the_reporter_says_otherwise(exchange: Exchange) -> None:
    """The duty follows what the reporter has reason to believe; the entry tells that the year was stated."""
    referral = known(exchange, birth_year=ADULT, municipality_of_residence=HOME)
    by = exchange.centre.as_("counsellor")
    assert notify(by, referral, birth_year=None).status == 422
    assert notify(by, referral, birth_year=CHILD).status == 201
    entry = Entry.objects.get(subject_id=referral, action="referral.endangered", outcome="done")
    assert entry.detail["age"] == "stated"
    assert Referral.objects.get(pk=referral).subject.birth_year == ADULT


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"home_municipality": "0411"}, "/home_municipality", "not_a_municipality"),
        ({"home_municipality": "9999"}, "/home_municipality", "not_a_municipality"),
        ({"home_municipality": "101"}, "/home_municipality", "invalid"),
        ({"birth_year": YEAR + 1}, "/birth_year", "invalid_birth_year"),
        ({"statements": []}, "/statements", "empty"),
        ({"statements": None}, "/statements", "required"),
        ({"statements": [{**STATEMENT, "text": "Nr. 610190-1234"}]}, "/statements/0/text", "cpr_not_allowed_here"),
        ({"statements": [{**STATEMENT, "kind": "guessed"}]}, "/statements/0/kind", "invalid_choice"),
        ({"risk_score": 5}, "/risk_score", "no_risk_score"),
        ({"parents": True}, "/parents", "unknown_member"),
    ],
    ids=str,
)
def test_a_notification_that_is_wrong_says_where(
    exchange: Exchange, changes: dict[str, Any], pointer: str, code: str
) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    refused = notify(exchange.centre.as_("counsellor"), referral, **changes)
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, pointer), refused
    assert refused.body["errors"][0]["code"] == code
    assert Referral.objects.get(pk=referral).endangered_at is None


def test_a_municipality_that_takes_no_part_is_notified_by_its_own_channel(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    Agency.objects.filter(kind="municipality", code=APART).update(active=False)
    try:
        refused = notify(exchange.centre.as_("counsellor"), referral, home_municipality=APART)
    finally:
        Agency.objects.filter(kind="municipality", code=APART).update(active=True)
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "takes_no_part")
    assert "kanal" in refused.body["errors"][0]["message"]


def test_another_purpose_than_the_childs_is_refused_and_recorded(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    by, path = exchange.centre.as_("counsellor"), f"referrals/{referral}/endangered"
    assert by.create(notification(), path=path).body["code"] == "purpose-not-allowed"
    assert by.create(notification(), path=path, Purpose="investigation").body["code"] == "purpose-forbidden"
    task = notified(by, referral)
    home = municipality().as_("caseworker")
    for purpose, code in {"": "purpose-not-allowed", "investigation": "purpose-forbidden"}.items():
        for answer in (
            home.get(f"tasks/{task}", Purpose=purpose),
            home.post(f"tasks/{task}/done", {"reason": "duplicate"}, If_Match='"1"', Purpose=purpose),
        ):
            assert (answer.status, answer.body["code"]) == (403, code)
    refusals = Entry.objects.filter(subject_id=task, outcome="refused").values_list("refusal", flat=True)
    assert sorted(refusals) == ["purpose-forbidden"] * 2 + ["purpose-not-allowed"] * 2


@pytest.mark.parametrize("status", ["draft", "entered_in_error"])
def test_a_draft_and_an_error_are_not_notified_from(exchange: Exchange, status: str) -> None:
    walked = walk(exchange, status)
    refused = notify(walked.sender, walked.id)
    assert (refused.status, refused.body["code"]) == (409, "not-notifiable")


def test_to_who_is_no_party_the_referral_does_not_exist(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    for who in (exchange.stranger.as_("caseworker"), exchange.police.as_("caseworker")):
        foreign, absent = notify(who, walked.id), notify(who, str(uuid4()))
        assert (foreign.status, foreign.body) == (404, absent.body)
    draft = walk(exchange, "draft")
    assert notify(exchange.centre.as_("coordinator"), draft.id).status == 404


@pytest.mark.parametrize("role", ["auditor", "administrator", "integration"])
def test_only_working_staff_notify_and_see_tasks(exchange: Exchange, role: str) -> None:
    walked = walk(exchange, "received")
    task, home = notified(walked.coordinator, walked.id), municipality()
    assert notify(exchange.centre.as_(role), walked.id).status == 403
    for path in ("tasks", f"tasks/{task}", f"tasks/{uuid4()}"):
        assert home.as_(role).get(path, **CHILDS).status == 403


def test_the_same_key_and_body_notify_once(exchange: Exchange) -> None:
    walked, other = walk(exchange, "received"), walk(exchange, "received")
    by, key = walked.coordinator, str(uuid4())

    def ask(referral: str, **changes: Any) -> Any:
        path = f"referrals/{referral}/endangered"
        return by.create(notification(**changes), path=path, Idempotency_Key=key, **CHILDS)

    first, again = ask(walked.id), ask(walked.id)
    assert (first.status, again.status, first.body) == (201, 201, again.body)
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    for differing in (ask(walked.id, home_municipality=ELSEWHERE), ask(other.id)):
        assert (differing.status, differing.body["code"]) == (422, "idempotency-key-reused")
    assert by.post(f"referrals/{walked.id}/endangered", notification(), **CHILDS).status == 400


def test_a_second_notification_is_another_task_and_the_mark_stays(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    before = walked.refresh().body["version"]
    first = notified(walked.coordinator, walked.id)
    marked = Referral.objects.get(pk=walked.id)
    second = notified(walked.sender, walked.id, home_municipality=ELSEWHERE)
    assert first != second
    again = Referral.objects.get(pk=walked.id)
    assert (again.endangered_at, again.version) == (marked.endangered_at, before + 1)


def test_a_list_of_tasks_is_the_agencys_own_newest_first_and_paged(exchange: Exchange) -> None:
    walked, home = walk(exchange, "received"), municipality(ELSEWHERE)
    by = home.as_("coordinator")
    made = [notified(walked.coordinator, walked.id, home_municipality=ELSEWHERE) for _ in range(3)]
    page = by.get("tasks?limit=2")
    assert [row["id"] for row in page.body["results"]] == made[:0:-1]
    rest = by.get(f"tasks?limit=2&cursor={page.body['next']}")
    assert rest.body["results"][0]["id"] == made[0]
    entry = Entry.objects.filter(action="task.list", on_behalf_of=by.staff_id).order_by("id").first()
    assert entry is not None
    assert [str(name) for name in entry.result_ids] == made[:0:-1]
    assert "notification" not in page.body["results"][0]
    for other, query in ((home.as_("caseworker"), ""), (by, "state=done&")):
        assert other.get(f"tasks?{query}cursor={page.body['next']}").status == 400
    for query in ("state=maybe", "limit=0", "kind=x"):
        assert by.get(f"tasks?{query}").status == 400
    assert exchange.centre.as_("coordinator").get("tasks").body["results"] == []


def test_a_task_is_done_once_for_a_coded_reason(exchange: Exchange) -> None:
    walked, home = walk(exchange, "received"), municipality()
    task = notified(walked.coordinator, walked.id)
    caseworker = home.as_("caseworker")

    def done(reason: str = "forwarded", by: Any = caseworker, **headers: str) -> Any:
        return by.post(f"tasks/{task}/done", {"reason": reason}, **{"If_Match": '"1"', **CHILDS, **headers})

    assert done(If_Match="").status == 428
    assert done(If_Match='"2"').status == 412
    assert (done("bored").status, done("bored").body["code"]) == (422, "reason-not-valid")
    assert done(by=home.as_("counsellor")).status == 403
    assert done(by=walked.coordinator).status == 404
    finished = done()
    assert (finished.status, finished.etag, finished.body["state"]) == (200, '"2"', "done")
    assert finished.body["done_reason"] == "forwarded"
    assert done().status == 412
    again = done(If_Match='"2"')
    assert (again.status, again.body["code"]) == (409, "task-not-open")
    assert task in [row["id"] for row in caseworker.get("tasks?state=done").body["results"]]
    assert task not in [row["id"] for row in caseworker.get("tasks").body["results"]]


def test_who_opened_it_reads_its_own_for_whatever_purpose(exchange: Exchange) -> None:
    walked = walk(exchange, "received")
    task = notified(walked.coordinator, walked.id)
    read = walked.coordinator.get(f"tasks/{task}")
    assert (read.status, read.body["notification"]["statements"]) == (200, [STATEMENT])


def test_of_an_erased_person_the_task_stays_and_tells_nothing(exchange: Exchange) -> None:
    walked, home = walk(exchange, "received"), municipality()
    task = notified(walked.coordinator, walked.id)
    subject = Referral.objects.get(pk=walked.id).subject_id
    vault.destroy_key(subject)
    Subject.objects.using("owner").filter(pk=subject).update(erased_at="2026-11-20T00:00:00Z")
    told = home.as_("caseworker").get(f"tasks/{task}", **CHILDS)
    assert (told.status, told.body["notification"], told.body["state"]) == (200, None, "open")
    entry = Entry.objects.filter(subject_id=task).order_by("-id").first()
    assert entry is not None
    assert entry.categories == []
    assert notify(walked.coordinator, walked.id).body["code"] == "not-notifiable"


def test_an_anonymous_minor_is_notified_about_too(exchange: Exchange) -> None:
    """A promise of anonymity gives way to the duty."""
    sections = {"reason": SECTIONS["reason"]}
    referral = exchange.municipality.as_("caseworker").create(
        referral_body(exchange.centre, subject={"mode": "anonymous"}, sections=sections)
    )
    assert referral.status == 201, referral
    assert notify(exchange.centre.as_("counsellor"), referral.body["id"]).status == 201
