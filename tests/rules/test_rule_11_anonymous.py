"""Rule 11: an anonymous case takes no identifier; no address and no user agent of whoever asked is stored anywhere."""

import json
import logging
from typing import Any
from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.core.management import call_command
from django.db import connections
from django.test import Client
from rest_framework.test import APIClient

from agencies.models import User
from audit import facts, log
from audit.facts import SYSTEM
from audit.models import Entry
from consent.models import Subject
from tests.exchange import Caller, Exchange, referral_body
from tests.invariants.attempts import APP, APPEND_ONLY, CHECKED, DENIED, OWNER, refused, session
from tests.rules.scan import tables_holding

ADDRESS, FORWARDED, BROWSER = "203.0.113.77", "198.51.100.23", "Markeret-Browser/7.1"
REASON = {"reason": {"summary": "Vil gerne tale med nogen.", "subject_aware": "yes"}}
ANONYMOUS = {"subject": {"mode": "anonymous"}, "basis": {"code": "ANON"}, "sections": REASON}


def test_rule_11_an_anonymous_case_takes_no_identity(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    sections = {**REASON, "identity": {"name": "Testperson"}}
    refused = sender.create({**ANONYMOUS, "sections": sections})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/sections/identity")
    assert "Testperson" not in str(refused.body)


def test_rule_11_an_anonymous_case_takes_no_number_to_call(exchange: Exchange) -> None:
    """How to meet may be said; a number or an address points to a person."""
    methods = [{"channel": "phone", "value": "12 34 56 78"}]
    refused = exchange.municipality.as_("caseworker").create(
        {**ANONYMOUS, "sections": {**REASON, "contact": {"methods": methods}}}
    )
    assert refused.status == 422


def test_rule_11_an_anonymous_case_is_sent_and_read_without_anybody_being_named(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create({**ANONYMOUS, "recipient": exchange.centre.id, "submit": True})
    told = exchange.centre.as_("coordinator").read(made.body["id"])
    assert (told.body["subject"]["mode"], told.body["sections"]) == ("anonymous", REASON)


def test_rule_11_an_anonymous_case_is_neither_asked_nor_told_who_it_is(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    referral = sender.create({**ANONYMOUS, "recipient": exchange.centre.id, "submit": True}).body["id"]
    asked = {"kind": "information_request", "reason": "contact_unclear", "comment": "Hvem er det?"}
    refused = coordinator.step(referral, "messages", {**asked, "categories": ["reason", "identity"]})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/categories/1")
    assert coordinator.step(referral, "messages", asked).status == 200
    answered = {"kind": "information_answer", "categories": ["identity"], "comment": "Testperson"}
    refused = sender.step(referral, "messages", answered)
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "anonymous_case")
    amended = {"sections": {"identity": {"name": "Testperson"}}, "reason": "corrected"}
    assert sender.step(referral, "amendments", amended).status in (409, 422)


# --- An anonymous case that is linked to a named one -------------------------------------------------------------

WISHED_AT = "2026-11-01T09:00:00Z"


def anonymous_case(by: Caller) -> str:
    made = by.create(ANONYMOUS)
    assert made.status == 201, made
    return str(made.body["subject"]["id"])


def wish(case: str, **changes: Any) -> dict[str, Any]:
    return {"subject": case, "wished_at": WISHED_AT, "method": "oral", **changes}


def test_rule_11_a_named_case_is_linked_to_an_anonymous_one_on_the_persons_recorded_wish(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    case = anonymous_case(sender)
    made = sender.create(referral_body(exchange.centre, subject={"mode": "identified", "formerly": wish(case)}))
    assert (made.status, made.body["subject"]["formerly"]) == (201, case)
    referral = made.body["id"]
    assert sender.read(referral).body["subject"]["formerly"] == case
    entry = Entry.objects.get(subject_id=referral, action="referral.submit")
    assert entry.detail == {"linked": "yes"}
    person = Subject.objects.get(pk=made.body["subject"]["id"])
    assert (person.wish_method, person.wished_at and person.wished_at.isoformat()) == (
        "oral",
        "2026-11-01T09:00:00+00:00",
    )
    told = coordinator.read(referral).body
    assert set(told["subject"]) == {"id", "mode"}
    assert case not in str(told)


def test_rule_11_the_anonymous_case_itself_tells_nothing_of_the_link(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create(ANONYMOUS)
    before = sender.read(made.body["id"]).body
    linked = {"mode": "identified", "formerly": wish(made.body["subject"]["id"])}
    assert sender.create({"subject": linked}).status == 201
    assert sender.read(made.body["id"]).body == before


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"wished_at": None}, "/subject/formerly/wished_at", "null"),
        ({"wished_at": "2096-01-01T00:00:00Z"}, "/subject/formerly/wished_at", "in_the_future"),
        ({"wished_at": "2026-11-01"}, "/subject/formerly/wished_at", "invalid_time"),
        ({"method": "guessed"}, "/subject/formerly/method", "invalid_choice"),
        ({"by": "caseworker"}, "/subject/formerly/by", "unknown_member"),
    ],
)
def test_rule_11_without_a_wish_that_was_told_there_is_no_link(
    exchange: Exchange, changes: dict[str, Any], pointer: str, code: str
) -> None:
    sender = exchange.municipality.as_("caseworker")
    linked = {"mode": "identified", "formerly": wish(anonymous_case(sender), **changes)}
    refused = sender.create({"subject": linked})
    assert (refused.status, refused.body["errors"]) == (422, [{**refused.body["errors"][0], "pointer": pointer}])
    assert refused.body["errors"][0]["code"] == code


@pytest.mark.parametrize("left_out", ["wished_at", "method", "subject"])
def test_rule_11_a_wish_is_told_whole(exchange: Exchange, left_out: str) -> None:
    sender = exchange.municipality.as_("caseworker")
    told = {name: value for name, value in wish(anonymous_case(sender)).items() if name != left_out}
    refused = sender.create({"subject": {"mode": "identified", "formerly": told}})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, f"/subject/formerly/{left_out}")


def test_rule_11_only_an_anonymous_case_of_ones_own_is_linked_and_another_is_as_none(exchange: Exchange) -> None:
    sender, stranger = exchange.municipality.as_("caseworker"), exchange.stranger.as_("caseworker")
    foreign, named = anonymous_case(stranger), sender.create({}).body["subject"]["id"]
    pseudonymous = sender.create({"subject": {"mode": "pseudonymous"}}).body["subject"]["id"]
    answers = [
        sender.create({"subject": {"mode": "identified", "formerly": wish(case)}})
        for case in (foreign, str(uuid4()), named, pseudonymous)
    ]
    assert {answer.status for answer in answers} == {422}
    assert all(answer.body == answers[0].body for answer in answers)


def test_rule_11_a_person_who_is_known_already_is_not_linked_afterwards(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    known = sender.create({}).body["subject"]["id"]
    refused = sender.create({"subject": {"id": known, "formerly": wish(anonymous_case(sender))}})
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "linked_when_new")


def test_rule_11_an_erased_anonymous_case_is_not_linked(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    case = anonymous_case(sender)
    approver = exchange.municipality.as_("coordinator").staff_id
    call_command("erase_subject", case, rule="RIGHT_TO_ERASURE", approved_by=approver, verbosity=0)
    refused = sender.create({"subject": {"mode": "identified", "formerly": wish(case)}})
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "not_an_anonymous_case")


# --- Beneath HTTP ------------------------------------------------------------------------------------------------

LINK = (
    "INSERT INTO consent_subject (mode, registered_by_id, formerly_id, wished_at, wish_method, created_at) "
    "VALUES ('identified', %(agency)s, %(case)s, {0}, now())"
)
IDENTIFIER = (
    "INSERT INTO consent_identifier (subject_id, agency_id, kind, digest, told_in) "
    "VALUES (%(case)s, %(agency)s, 'cpr', 'd', %(referral)s)"
)
SECTION = (
    "INSERT INTO referrals_section (referral_id, category, part, sealed, written_by_id) "
    "VALUES (%(referral)s, '{0}', 0, '', %(agency)s)"
)
FILE = (
    "INSERT INTO referrals_attachment (referral_id, category, media_type, size, scan_state, about, sealed, "
    "written_by_id, idempotency_key, body_hash, created_at) "
    "VALUES (%(referral)s, 'identity', 'image/png', 1, 'clean', '', convert_to(repeat('x', 29), 'UTF8'), "
    "%(agency)s, 'k', '', now())"
)
LINKED_LATER = (
    "UPDATE consent_subject SET formerly_id = %(case)s, wished_at = now(), wish_method = 'oral' WHERE id = %(named)s"
)
WISHED = LINK.format("now(), 'oral'")
ATTACKS = {
    "an identifier of somebody anonymous": (IDENTIFIER, APPEND_ONLY),
    "a name": (SECTION.format("identity"), APPEND_ONLY),
    "a number": (SECTION.format("identity.cpr"), APPEND_ONLY),
    "a message about who it is": (SECTION.format("identity.message"), APPEND_ONLY),
    "a file about who it is": (FILE, APPEND_ONLY),
    "a link without a wish": (LINK.format("NULL, ''"), CHECKED),
    "a link without how it was told": (LINK.format("now(), ''"), CHECKED),
    "a link on a wish to come": (LINK.format("now() + interval '1 day', 'oral'"), APPEND_ONLY),
    "a link by another agency": (WISHED.replace("%(agency)s", "%(stranger)s"), APPEND_ONLY),
    "a link to somebody named": (WISHED.replace("%(case)s", "%(named)s"), APPEND_ONLY),
    "a link made afterwards": (LINKED_LATER, APPEND_ONLY),
    "a name given afterwards": ("UPDATE consent_subject SET mode = 'identified' WHERE id = %(case)s", APPEND_ONLY),
    "an identifier moved to somebody anonymous": (
        "UPDATE consent_identifier SET subject_id = %(case)s WHERE agency_id = %(agency)s",
        APPEND_ONLY,
    ),
}
"""What is tried, and how the owner is refused; the application may not even ask for an UPDATE of these columns."""


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize("attack", ATTACKS)
def test_rule_11_the_database_refuses_it_too(exchange: Exchange, role: str, attack: str) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create(ANONYMOUS).body
    named = sender.create({"sections": {"identity": {"name": "Testperson", "cpr": "6101901234"}}}).body
    values = {
        "agency": exchange.municipality.id,
        "stranger": exchange.stranger.id,
        "case": made["subject"]["id"],
        "referral": made["id"],
        "named": named["subject"]["id"],
    }
    statement, state = ATTACKS[attack]
    if role == APP and statement.startswith("UPDATE"):
        state = DENIED
    with session(role) as cursor:
        assert refused(cursor, statement, values) == state


def test_rule_11_the_same_is_let_through_where_somebody_is_named(exchange: Exchange) -> None:
    """So the attacks above are refused for what they say they are."""
    sender = exchange.municipality.as_("caseworker")
    case, named = sender.create(ANONYMOUS).body, sender.create({}).body
    values = {
        "agency": exchange.municipality.id,
        "case": named["subject"]["id"],
        "referral": named["id"],
    }
    with session(APP) as cursor:
        for attack, (statement, _) in ATTACKS.items():
            if statement.startswith("INSERT") and "link" not in attack:
                cursor.execute(statement.encode(), values)
        cursor.execute(WISHED.encode(), {**values, "case": case["subject"]["id"]})


# --- Whoever asked -----------------------------------------------------------------------------------------------


def test_rule_11_no_address_and_no_user_agent_is_stored_anywhere(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sender = exchange.municipality.as_("caseworker")
    client = APIClient(
        REMOTE_ADDR=ADDRESS,
        headers={
            "Authorization": f"Bearer {sender.party.token}",
            "On-Behalf-Of": sender.staff_id,
            "User-Agent": BROWSER,
            "X-Forwarded-For": FORWARDED,
            "X-Real-IP": FORWARDED,
            "Forwarded": f"for={FORWARDED}",
        },
    )
    body = json.dumps({**ANONYMOUS, "recipient": exchange.centre.id, "submit": True})
    key = {"Idempotency-Key": str(uuid4())}
    made = client.generic("POST", "/api/v1/referrals", body, content_type="application/json", headers=key)
    assert made.status_code == 201
    referral = json.loads(made.content)["id"]
    assert client.generic("GET", f"/api/v1/referrals/{referral}").status_code == 200
    assert client.generic("GET", f"/api/v1/referrals/{uuid4()}").status_code == 404
    consent = client.generic("GET", f"/api/v1/consents/{uuid4()}")
    assert consent.status_code == 404
    for marker in (ADDRESS, FORWARDED, BROWSER):
        assert tables_holding(marker) == [], marker
        assert marker not in caplog.text


def test_rule_11_nor_is_that_of_whoever_administers(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    password = uuid4().hex
    with log.act("test.enrol", by=SYSTEM, about=facts.Subject("user")):
        user = User.objects.create_superuser(f"admin-{uuid4().hex[:8]}", password=password)
    browser = Client(REMOTE_ADDR=ADDRESS, headers={"User-Agent": BROWSER, "X-Forwarded-For": FORWARDED})
    signed_in = browser.post("/admin/login/", {"username": user.username, "password": password})
    assert (signed_in.status_code, browser.get("/admin/agencies/agency/").status_code) == (302, 200)
    agency = exchange.stranger.agency
    form = {
        **{name: getattr(agency, name) for name in ("kind", "code", "name_da", "name_en")},
        "offers": "",
        "capacity": "full",
        "active": "on",
        "capacity_updated_at_0": "2026-11-01",
        "capacity_updated_at_1": "08:00:00",
    }
    assert browser.post(f"/admin/agencies/agency/{agency.pk}/change/", form).status_code == 302
    assert LogEntry.objects.filter(object_pk=str(agency.pk), actor=user).exists()
    for marker in (ADDRESS, FORWARDED, BROWSER):
        assert tables_holding(marker) == [], marker
        assert marker not in caplog.text


@pytest.mark.parametrize("column", ["remote_addr", "remote_port"])
def test_rule_11_the_field_history_refuses_an_address(column: str) -> None:
    value = {"remote_addr": "'203.0.113.77'", "remote_port": "443"}[column]
    row = f"jsonb_build_object('id', 1000000 + id, '{column}', {value})"
    told = f"SELECT (jsonb_populate_record(t, {row})).* FROM auditlog_logentry t LIMIT 1"
    for role in (APP, OWNER):
        with session(role) as cursor:
            assert refused(cursor, f"INSERT INTO auditlog_logentry {told}") == CHECKED


def test_rule_11_a_malformed_forwarding_header_does_no_harm(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    made = sender.create(ANONYMOUS, X_Forwarded_For="not, an; address", Forwarded="for=<script>")
    assert made.status == 201


def test_the_scan_finds_what_is_stored(exchange: Exchange) -> None:
    """The scan above sees every table and column: it finds a value where there is one."""
    marker = exchange.municipality.agency.name_da
    assert "agencies_agency" in tables_holding(marker)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 1")
