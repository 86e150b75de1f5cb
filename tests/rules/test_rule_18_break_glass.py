"""Rule 18: broken glass has a reason, lasts at most 60 minutes, alerts its owner, is flagged until another reviews."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from audit.models import Entry
from tests.exchange import Exchange, referral_body
from tests.invariants.attempts import (
    APP,
    APPEND_ONLY,
    CHECKED,
    CONSENT_ENDED,
    DENIED,
    NOT_RELEASED,
    OWNER,
    refused,
    rows,
    session,
    write_entry,
)
from tests.referrals.glass import (
    ALERT,
    DANGER,
    PLANT,
    WHY,
    at_the_centre,
    between_municipalities,
    break_glass,
    broken,
    neighbour,
    plant,
    planted,
    review,
)
from tests.referrals.walks import at_home, withdraw_consent

RELEASE = "SELECT category FROM referrals_release(%s, %s, %s)"


def test_rule_18_acute_danger_is_no_basis_of_a_referral_but_of_broken_glass_alone(exchange: Exchange) -> None:
    sections = at_home(exchange.municipality, {"reason": {"summary": "Akut fare.", "subject_aware": "no"}})
    body = referral_body(exchange.police, basis={"code": "VITAL"}, sections=sections)
    told = exchange.municipality.as_("caseworker").create(body, **DANGER)
    assert (told.status, told.body["errors"][0]["code"]) == (422, "only_by_broken_glass")


def test_rule_18_it_opens_what_it_was_broken_for_and_each_read_names_it(exchange: Exchange) -> None:
    referral = between_municipalities(exchange, withdrawn=True)
    officer = neighbour(exchange).as_("caseworker")
    assert officer.read(referral).body["sections"] == {}
    assert officer.read(referral, **DANGER).status == 403
    glass = broken(officer, referral)
    shown = officer.read(referral, **DANGER)
    assert (shown.status, sorted(shown.body["sections"])) == (200, ["contact", "reason"])
    entry = Entry.objects.get(request_id=shown.headers["Request-Id"])
    assert (entry.basis, entry.purpose, entry.detail["break_glass"]) == ("VITAL", "averting_danger", glass)
    assert set(entry.categories) == {"status", "contact", "reason"}
    assert officer.read(referral).body["sections"] == {}  # for another purpose it opens nothing
    assert neighbour(exchange).as_("coordinator").read(referral, **DANGER).status == 403  # nor for another person


def test_rule_18_at_the_exit_centre_it_lifts_the_assignment_and_nothing_else(exchange: Exchange) -> None:
    """Vital interests do not reach the exit centre as a recipient: what it shows still rests on the consent."""
    walked = at_the_centre(exchange)
    assert walked.unassigned.read(walked.id).body["sections"] == {}
    glass = broken(walked.unassigned, walked.id)
    shown = walked.unassigned.read(walked.id, **DANGER)
    assert sorted(shown.body["sections"]) == ["contact", "reason"]
    entry = Entry.objects.get(request_id=shown.headers["Request-Id"])
    assert (entry.basis, entry.detail["break_glass"]) == ("SAMTYKKE-TAVSHED", glass)
    assert str(entry.consent) == walked.sender.read(walked.id).body["basis"]["consent_id"]
    assert withdraw_consent(walked.sender, walked.id).status == 200
    after = walked.unassigned.read(walked.id, **DANGER)
    assert (after.status == 403) or after.body["sections"] == {}
    refused_now = break_glass(walked.unassigned, walked.id)
    assert (refused_now.status, refused_now.body["code"]) == (422, "not-covered")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"reason": None}, "/reason"),
        ({"reason": "curious"}, "/reason"),
        ({"explanation": None}, "/explanation"),
        ({"explanation": " "}, "/explanation"),
        ({"explanation": "Det er 610190-1234."}, "/explanation"),
        ({"minutes": 61}, "/minutes"),
        ({"minutes": 0}, "/minutes"),
        ({"categories": None}, "/categories"),
        ({"categories": []}, "/categories"),
        ({"categories": ["status"]}, "/categories/0"),
        ({"categories": ["reason", "reason"]}, "/categories"),
        ({"until": "2030-01-01T00:00:00Z"}, "/until"),
    ],
    ids=str,
)
def test_rule_18_without_a_reason_or_for_more_than_60_minutes_nothing_breaks(
    exchange: Exchange, changes: dict[str, Any], pointer: str
) -> None:
    walked = at_the_centre(exchange)
    answer = break_glass(walked.unassigned, walked.id, **changes)
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, pointer)
    assert walked.unassigned.read(walked.id, **DANGER).status == 403


def test_rule_18_it_lasts_60_minutes_and_less_where_less_is_asked_for(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    for asked, minutes in ((None, 60), (60, 60), (5, 5)):
        made = break_glass(walked.unassigned, walked.id, minutes=asked)
        opened, until = (datetime.fromisoformat(made.body[name]) for name in ("opened_at", "until"))
        assert timedelta(minutes=minutes, seconds=-1) < until - opened <= timedelta(minutes=minutes)
        assert abs(opened - datetime.now(UTC)) < timedelta(seconds=30)


def test_rule_18_when_its_time_is_over_nothing_is_shown(exchange: Exchange) -> None:
    referral = between_municipalities(exchange, withdrawn=True)
    officer = neighbour(exchange).as_("caseworker")
    glass = plant(officer, referral, lasts="1.5 seconds")
    shown = officer.read(referral, **DANGER)
    assert sorted(shown.body["sections"]) == ["contact", "reason"]
    entry = through_glass(neighbour(exchange).id, officer.staff_id, referral, glass)
    time.sleep(1.6)
    with session(APP) as cursor:
        assert refused(cursor, RELEASE, [entry, neighbour(exchange).id, referral]) == NOT_RELEASED
    assert officer.read(referral, **DANGER).status == 403
    listed = exchange.municipality.as_("coordinator").get("break-glass?state=unreviewed").body["results"]
    assert glass in [row["id"] for row in listed]


def test_rule_18_who_answers_for_the_referral_is_told_at_once() -> None:
    """The sender is responsible until the other accepts: it has a task, and its staff see the flag on the referral."""
    exchange = Exchange()
    referral = between_municipalities(exchange, withdrawn=True)
    officer, owner = neighbour(exchange).as_("caseworker"), exchange.municipality
    glass = broken(officer, referral)
    for told in (owner, neighbour(exchange)):
        (task,) = told.as_("coordinator").get("tasks").body["results"]
        assert (task["kind"], task["break_glass"]) == ("review_break_glass", glass)
        due = datetime.fromisoformat(task["due_by"]) - datetime.fromisoformat(task["opened_at"])
        assert timedelta(hours=71, minutes=59) < due <= timedelta(hours=72)
    for role in ("caseworker", "coordinator"):
        (flag,) = owner.as_(role).read(referral).body["break_glass"]
        assert (flag["id"], flag["agency"], flag["state"]) == (glass, neighbour(exchange).id, "open")
    assert officer.read(referral).body["break_glass"] == []
    assert review(owner.as_("coordinator"), glass).status == 200
    assert owner.as_("caseworker").read(referral).body["break_glass"] == []
    for told in (owner, neighbour(exchange)):
        assert told.as_("coordinator").get("tasks").body["results"] == []
        (done,) = told.as_("coordinator").get("tasks?state=done").body["results"]
        assert (done["break_glass"], done["done_reason"]) == (glass, "reviewed")


def test_rule_18_it_stays_flagged_until_another_has_reviewed_it() -> None:
    exchange = Exchange()
    referral = between_municipalities(exchange, withdrawn=True)
    opener, owner = neighbour(exchange).as_("coordinator"), exchange.municipality.as_("coordinator")
    glass = broken(opener, referral)

    def flagged() -> list[str]:
        return [row["id"] for row in owner.get("break-glass").body["results"]]

    assert flagged() == [glass]
    own = review(opener, glass)
    assert (own.status, own.body["code"]) == (403, "reviewed-by-another")
    assert Entry.objects.get(request_id=own.headers["Request-Id"]).refusal == "reviewed-by-another"
    assert flagged() == [glass]
    done = review(owner, glass, "justified")
    assert (done.status, done.etag) == (200, '"2"')
    assert (done.body["state"], done.body["verdict"]) == ("reviewed", "justified")
    assert flagged() == []
    assert [row["id"] for row in owner.get("break-glass?state=reviewed").body["results"]] == [glass]


def test_rule_18_nobody_reviews_their_own_where_their_own_agency_answers_for_it(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    glass = broken(walked.unassigned, walked.id)
    assert review(walked.unassigned, glass).status == 403
    assert review(walked.coordinator, glass).status == 200


def test_rule_18_what_is_found_unjustified_opens_nothing_any_more(exchange: Exchange) -> None:
    referral = between_municipalities(exchange, withdrawn=True)
    officer, agency = neighbour(exchange).as_("caseworker"), neighbour(exchange).id
    glass = broken(officer, referral)
    assert review(exchange.municipality.as_("coordinator"), glass, "not_justified").status == 200
    assert officer.read(referral, **DANGER).status == 403
    entry = through_glass(agency, officer.staff_id, referral, glass)
    with session(APP) as cursor:
        assert refused(cursor, RELEASE, [entry, agency, referral]) == NOT_RELEASED


def test_rule_18_breaking_and_reviewing_are_in_the_ledger_and_why_is_not(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    glass = broken(walked.unassigned, walked.id, minutes=10)
    assert review(walked.coordinator, glass).status == 200
    opened = Entry.objects.get(subject_id=walked.id, action="break-glass.open")
    assert (opened.basis, opened.basis_version, opened.result_ids) == ("VITAL", 1, [UUID(glass)])
    assert opened.detail | {"version": ""} == {
        "version": "",
        "reason": "danger_to_life",
        "minutes": "10",
        "opens": "contact,reason",
    }
    about = list(Entry.objects.filter(subject_kind="break-glass", subject_id=glass).order_by("id"))
    assert [entry.action for entry in about] == ["break-glass.disclose", "break-glass.review", "break-glass.disclose"]
    assert {entry.basis for entry in about} == {"VITAL"}
    assert WHY.encode() not in b"".join(bytes(entry.canonical) for entry in (opened, *about))


# --- Beneath HTTP ------------------------------------------------------------------------------------------------


def user_of(staff: str) -> str:
    return str(rows("SELECT user_id FROM agencies_membership WHERE staff_id = %s", [staff])[0][0])


def through_glass(agency: str, staff: str, referral: str, glass: str, **changes: Any) -> UUID:
    """Commit the entry of a read through broken glass, as SQL injected into the application could."""
    version = rows("SELECT version::text FROM referrals_referral WHERE id = %s", [referral])[0][0]
    columns = {
        "actor_agency": agency,
        "actor_user": user_of(staff),
        "role": "counsellor",
        "subject_kind": "referral",
        "subject_id": referral,
        "purpose": "averting_danger",
        "categories": ["reason"],
        "detail": f'{{"version": "{version}", "break_glass": "{glass}"}}',
    }
    return write_entry(**{**columns, **changes})


REVIEWED = "UPDATE referrals_breakglass SET reviewed_at = now(), verdict = 'justified', {0} WHERE id = %(open)s"
UNDONE = "reviewed_at = NULL, reviewed_by_id = NULL, reviewer_staff_id = '', verdict = ''"
ATTACKS = [
    "DELETE FROM referrals_breakglass WHERE id = %(open)s",
    "UPDATE referrals_breakglass SET until = until + interval '1 day' WHERE id = %(open)s",
    "UPDATE referrals_breakglass SET opened_at = now() WHERE id = %(open)s",
    "UPDATE referrals_breakglass SET categories = ARRAY['health'] WHERE id = %(open)s",
    "UPDATE referrals_breakglass SET user_id = (SELECT min(id) FROM agencies_user) WHERE id = %(open)s",
    "UPDATE referrals_breakglass SET owner_id = agency_id WHERE id = %(open)s",
    f"UPDATE referrals_breakglass SET {UNDONE} WHERE id = %(reviewed)s",
    "UPDATE referrals_breakglass SET verdict = 'not_justified' WHERE id = %(reviewed)s",
    "DELETE FROM referrals_breakglass WHERE id = %(reviewed)s",
    "UPDATE referrals_breakglass SET reviewer_staff_id = 'somebody' WHERE id = %(open)s",
    REVIEWED.format("reviewed_by_id = user_id, reviewer_staff_id = staff_id"),
    REVIEWED.format(
        "(reviewed_by_id, reviewer_staff_id) = (SELECT m.user_id, m.staff_id FROM agencies_membership m "
        "WHERE m.staff_id = %(caseworker)s)"
    ),
    REVIEWED.format(
        "(reviewed_by_id, reviewer_staff_id) = (SELECT m.user_id, 'cb' FROM agencies_membership m "
        "WHERE m.staff_id = %(coordinator)s)"
    ),
    "TRUNCATE referrals_breakglass CASCADE",
]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_18_beneath_http_broken_glass_is_reviewed_by_another_and_otherwise_stays(
    exchange: Exchange, role: str, attack: str
) -> None:
    walked = at_the_centre(exchange)
    done, opened = (broken(walked.unassigned, walked.id) for _ in range(2))
    assert review(walked.coordinator, done).status == 200
    people = {role: exchange.centre.staff[f"{role}-1"] for role in ("caseworker", "coordinator")}
    values = {"open": opened, "reviewed": done, **people}
    with session(role) as cursor:
        assert refused(cursor, attack, values) in ({APPEND_ONLY} if role == OWNER else {APPEND_ONLY, DENIED})


def test_rule_18_beneath_http_a_coordinator_does_not_review_their_own_either(exchange: Exchange) -> None:
    """Who may review others' may not review this one: the constraint, and not the role, refuses."""
    referral = between_municipalities(exchange)
    opener = exchange.municipality.as_("coordinator")
    glass = broken(opener, referral, categories=["outcome"])
    own = (
        "UPDATE referrals_breakglass SET reviewed_at = now(), reviewed_by_id = user_id, reviewer_staff_id = staff_id, "
        "verdict = 'justified' WHERE id = %s"
    )
    another = (
        "UPDATE referrals_breakglass SET reviewed_at = now(), (reviewed_by_id, reviewer_staff_id) = (SELECT m.user_id, "
        "m.staff_id FROM agencies_membership m WHERE m.staff_id = %s), verdict = 'fine' WHERE id = %s"
    )
    for role in (APP, OWNER):
        with session(role) as cursor:
            assert refused(cursor, own, [glass]) == CHECKED
        with session(role) as cursor:  # and a verdict is one of the two
            assert refused(cursor, another, [exchange.municipality.staff["auditor-1"], glass]) == CHECKED


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_18_beneath_http_it_lasts_60_minutes_from_the_databases_own_now(exchange: Exchange, role: str) -> None:
    walked = at_the_centre(exchange)
    staff = walked.unassigned.staff_id
    values = planted(walked.id, staff=staff)
    with session(role) as cursor:
        cursor.execute(PLANT, values)
        when = "SELECT opened_at > now() - interval '1 minute' FROM referrals_breakglass WHERE id = %(glass)s"
        cursor.execute(when, values)
        assert cursor.fetchall() == [(True,)]
        longer = planted(walked.id, lasts="61 minutes", staff=staff, opened_at="2099-01-01")
        assert refused(cursor, PLANT, longer) == APPEND_ONLY


PLANTED_WRONG: dict[str, dict[str, str]] = {
    "by an agency that is no party": {"staff": "stranger"},
    "by who does not work with cases": {"staff": "administrator"},
    "for a category that is none": {"categories": "{score}"},
    "for nothing": {"categories": "{}"},
}


@pytest.mark.parametrize("wrong", PLANTED_WRONG)
def test_rule_18_beneath_http_only_a_partys_staff_breaks_it_for_what_there_is(exchange: Exchange, wrong: str) -> None:
    walked = at_the_centre(exchange)
    people = {
        "stranger": exchange.stranger.staff["caseworker-1"],
        "administrator": exchange.centre.staff["administrator-1"],
    }
    changes: dict[str, Any] = dict(PLANTED_WRONG[wrong])
    changes["staff"] = people.get(changes.get("staff", ""), walked.unassigned.staff_id)
    for role in (APP, OWNER):
        with session(role) as cursor:
            assert refused(cursor, PLANT, planted(walked.id, **changes)) in {APPEND_ONLY, CHECKED}


@pytest.mark.parametrize("role", [APP, OWNER])
def test_rule_18_beneath_http_it_does_not_commit_without_its_owner_being_told(exchange: Exchange, role: str) -> None:
    referral = between_municipalities(exchange)
    values = planted(referral, staff=neighbour(exchange).staff["caseworker-1"])
    with session(role) as cursor:
        cursor.execute(PLANT, values)
        cursor.execute("SAVEPOINT before")
        assert refused(cursor, "SET CONSTRAINTS ALL IMMEDIATE") == APPEND_ONLY
        cursor.execute("ROLLBACK TO before")
        cursor.execute(ALERT, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_rule_18_beneath_http_an_entry_that_is_not_of_the_glass_releases_nothing(exchange: Exchange) -> None:
    referral = between_municipalities(exchange, withdrawn=True)
    officer, agency = neighbour(exchange).as_("caseworker"), neighbour(exchange).id
    glass = broken(officer, referral)

    def entry(staff: str = officer.staff_id, **changes: Any) -> UUID:
        return through_glass(agency, staff, referral, changes.pop("glass", glass), **changes)

    with session(APP) as cursor:
        cursor.execute(RELEASE, [entry(), agency, referral])
        assert cursor.fetchall() == [("reason",)]
    for forged in (
        entry(neighbour(exchange).staff["coordinator-1"]),
        entry(glass=str(uuid4())),
        entry(categories=["needs"]),
        entry(categories=["reason", "needs"]),
        entry(purpose="exit_support"),
        entry(outcome="refused", refusal="not-found"),
    ):
        with session(APP) as cursor:
            assert refused(cursor, RELEASE, [forged, agency, referral]) == NOT_RELEASED


def test_rule_18_beneath_http_at_the_exit_centre_it_carries_no_further_than_the_consent(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    agency, staff = exchange.centre.id, walked.unassigned.staff_id
    glass = broken(walked.unassigned, walked.id)
    with session(APP) as cursor:
        cursor.execute(RELEASE, [through_glass(agency, staff, walked.id, glass), agency, walked.id])
        assert cursor.fetchall() == [("reason",)]
    unasked = through_glass(agency, staff, walked.id, glass, categories=["reason", "outcome"])
    with session(APP) as cursor:
        assert refused(cursor, RELEASE, [unasked, agency, walked.id]) == NOT_RELEASED
    health = plant(walked.unassigned, walked.id, lasts="60 minutes", categories=["health"])
    beyond = through_glass(agency, staff, walked.id, health, categories=["health"])
    with session(APP) as cursor:
        assert refused(cursor, RELEASE, [beyond, agency, walked.id]) == CONSENT_ENDED
    assert withdraw_consent(walked.sender, walked.id).status == 200
    after = through_glass(agency, staff, walked.id, glass)
    with session(APP) as cursor:
        assert refused(cursor, RELEASE, [after, agency, walked.id]) in (NOT_RELEASED, CONSENT_ENDED)


def test_rule_18_beneath_http_why_it_was_broken_is_released_for_a_recorded_look_alone(exchange: Exchange) -> None:
    walked = at_the_centre(exchange)
    glass, agency = broken(walked.unassigned, walked.id), exchange.centre.id
    release = "SELECT referrals_release_explanation(%s, %s, %s)"

    def look(of: str = agency, **changes: Any) -> UUID:
        about = {"subject_kind": "break-glass", "subject_id": glass, **changes}
        return write_entry(actor_agency=of, actor_user=user_of(exchange.centre.staff["coordinator-1"]), **about)

    with session(APP) as cursor:
        cursor.execute(release, [look(), agency, glass])
        assert cursor.fetchone()[0]  # type: ignore[index]
    stranger = exchange.stranger.id
    for entry, reader in (
        (look(stranger), stranger),
        (look(), stranger),
        (look(subject_id=str(uuid4())), agency),
        (look(subject_kind="inbox", subject_id="break-glass", result_ids=[UUID(glass)]), agency),
        (look(outcome="refused", refusal="not-found"), agency),
    ):
        with session(APP) as cursor:
            assert refused(cursor, release, [entry, reader, glass]) == NOT_RELEASED
    with session(APP) as cursor:
        assert refused(cursor, "SELECT explanation FROM referrals_breakglass WHERE id = %s", [glass]) == DENIED
