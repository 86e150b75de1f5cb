"""Rule 8: a § 115 disclosure needs a necessity statement, is never for investigation, and is for prevention alone."""

from typing import Any
from uuid import uuid4

import pytest

from agencies import directory
from agencies.acting import acting
from agencies.errors import NotThere
from agencies.models import Membership
from agencies.principals import Principal
from audit.facts import Subject
from audit.models import Entry
from tests.exchange import Caller, Exchange, consent_body, referral_body
from tests.invariants import attempts
from tests.referrals.walks import MOVES, at_home, police_referral

REASON = {"reason": {"summary": "Bekymring for en ung.", "subject_aware": "no"}}


@pytest.mark.parametrize("code", ["RPL115-SSP", "RPL115-PSP", "RPL115-KSP"])
@pytest.mark.parametrize("statement", [None, "", " ", "Nødvendigt."])
def test_rule_08_without_a_necessity_statement_nothing_goes(
    exchange: Exchange, code: str, statement: str | None
) -> None:
    basis = {"code": code, **({} if statement is None else {"necessity_statement": statement})}
    made = exchange.municipality.as_("caseworker").create(
        referral_body(exchange.police, basis=basis, sections=at_home(exchange.municipality, REASON)),
        Purpose="crime_prevention",
    )
    assert made.status == (201 if statement == "Nødvendigt." else 422)


def test_rule_08_the_statement_is_stored_and_shown_with_the_reason(exchange: Exchange) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    told = exchange.police.as_("caseworker").read(referral)
    assert told.body["sections"]["reason"]["necessity"].startswith("Uden oplysningerne")


def test_rule_08_every_answer_about_a_referral_carries_not_for_investigation(exchange: Exchange) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    officer = exchange.police.as_("caseworker")
    assert officer.read(referral).body["not_for_investigation"] is True
    assert officer.get("referrals").body["results"][0]["not_for_investigation"] is True


def test_rule_08_for_investigation_nothing_is_shown_done_or_listed_and_each_attempt_is_recorded(
    exchange: Exchange,
) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    officer = exchange.police.as_("caseworker")
    etag = officer.read(referral).etag
    officer.headers["Purpose"] = "investigation"
    for method, path, body in [  # type: ignore[var-annotated]
        ("GET", f"referrals/{referral}", None),
        ("GET", "referrals", None),
        ("GET", f"referrals/{referral}/timeline", None),
        ("POST", f"referrals/{referral}/receive", {}),
        ("POST", "referrals", {}),
        ("POST", "referrals/batch", {"items": [{}]}),
        ("PATCH", f"referrals/{referral}", {"urgency": "acute"}),
    ]:
        refused = officer.call(method, path, body, If_Match=etag, Idempotency_Key="key")
        assert (refused.status, refused.body["code"]) == (403, "purpose-forbidden"), path
        entry = Entry.objects.get(request_id=refused.headers["Request-Id"])
        assert (entry.outcome, entry.refusal, entry.purpose) == ("refused", "purpose-forbidden", "investigation")
        assert entry.on_behalf_of == officer.staff_id


def test_rule_08_an_auditor_does_not_look_for_an_investigation_either(exchange: Exchange) -> None:
    auditor = exchange.oversight.as_("auditor")
    for refused in (
        auditor.get("audit/entries?limit=1", Purpose="investigation", Audit_Case="2026-1"),
        auditor.post("audit/entries/search", {"case_number": "2026-1", "limit": 1}, Purpose="investigation"),
    ):
        assert (refused.status, refused.body.get("code")) == (403, "purpose-forbidden")
        assert Entry.objects.get(request_id=refused.headers["Request-Id"]).outcome == "refused"


# --- Police units that do not prevent -----------------------------------------------------------------------------

NOTHING = {"type": "/api/docs/problems/not-found", "code": "not-found", "status": 404}


def asked(exchange: Exchange, referral: str, consent: str, subject: str) -> list[tuple[str, str, Any, dict[str, str]]]:
    """Return every request there is about a referral and a consent: method, path, body, headers."""
    key, seen = {"Idempotency_Key": str(uuid4())}, {"If_Match": '"1"'}
    claims = f"agencies/{exchange.centre.id}/self-governing-claims"
    more: dict[str, Any] = {"redirect": {"recipient": exchange.centre.id}, "assign": {"assignees": ["somebody"]}}
    return [
        ("GET", "referrals", None, {}),
        ("GET", "referrals?role=sent", None, {}),
        ("POST", "referrals", referral_body(exchange.centre), key),
        ("POST", "referrals", {}, {"Idempotency_Key": str(uuid4())}),
        ("POST", "referrals/batch", {"items": [{}]}, key),
        ("GET", f"referrals/{referral}", None, {}),
        ("PATCH", f"referrals/{referral}", {"urgency": "acute"}, seen),
        *[
            ("POST", f"referrals/{referral}/{path}", {**body, **more.get(move, {})}, seen)
            for move, (path, body) in MOVES.items()
        ],
        ("GET", f"referrals/{referral}/timeline", None, {}),
        ("GET", f"referrals/{referral}/disclosures", None, {}),
        ("POST", "consents", {"subject": subject, **consent_body(exchange.centre)}, key),
        ("GET", f"consents/{consent}", None, {}),
        ("POST", f"consents/{consent}/withdraw", {"method": "oral"}, seen),
        ("POST", f"consents/{consent}/renew", {"method": "oral"}, seen),
        ("GET", "audit/entries?limit=1", None, {"Audit_Case": "2026-1"}),
        ("GET", claims, None, {}),
    ]


def same_but_for_time(by: Caller, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[Any, ...]:
    """Return what is answered, without what is new in every answer, and the methods that the address has for all."""
    answer = by.call(method, path, body, **headers)
    new = ("Request-Id", "RateLimit", "Allow")
    lasting = {name: "" if name.startswith(new) else value for name, value in answer.headers.items()}
    return answer.status, answer.body, lasting


@pytest.mark.parametrize(
    ("role", "purpose"),
    [
        ("caseworker", ""),
        ("caseworker", "crime_prevention"),
        ("coordinator", "investigation"),
        ("coordinator", "gossip"),
        ("auditor", ""),
        ("administrator", ""),
    ],
)
def test_rule_08_to_a_police_unit_that_does_not_prevent_nothing_is_there(
    exchange: Exchange, role: str, purpose: str
) -> None:
    """Whatever it asks, and for whatever purpose: the answer to what is not there, to the byte; and it is recorded."""
    made = exchange.municipality.as_("caseworker").create(referral_body(exchange.centre))
    names = made.body["id"], made.body["basis"]["consent_id"], made.body["subject"]["id"]
    officer, stranger = exchange.investigators.as_(role), exchange.stranger.as_("caseworker")
    missing = same_but_for_time(stranger, "GET", f"referrals/{uuid4()}", None, {})
    assert (missing[0], {name: missing[1][name] for name in NOTHING}) == (404, NOTHING)
    own = {"auditor": "audit", "administrator": "administration"}.get(role, "")
    stated = {"": own, "gossip": ""}.get(purpose, purpose)
    for method, path, body, headers in asked(exchange, *names):
        before = Entry.objects.filter(actor_agency=exchange.investigators.id).count()
        told = same_but_for_time(officer, method, path, body, {**headers, "Purpose": purpose})
        assert told == missing, (method, path)
        entries = Entry.objects.filter(actor_agency=exchange.investigators.id).order_by("-id")
        assert entries.count() == before + 1, (method, path)
        assert (entries[0].outcome, entries[0].refusal, entries[0].on_behalf_of) == (
            *("refused", "not-found"),
            officer.staff_id,
        )
        assert entries[0].purpose == stated


def test_rule_08_nor_does_it_take_part_as_anybodys_recipient(exchange: Exchange) -> None:
    """As one that is not in the directory, in the same words; and in the directory it is not."""
    sender = exchange.municipality.as_("caseworker")
    unit = exchange.investigators

    def wrong(recipient: str) -> list[Any]:
        basis = {"code": "RPL115-PSP", "necessity_statement": "Nødvendigt."}
        body = {**referral_body(exchange.centre, basis=basis, sections=REASON), "recipient": recipient}
        referral = sender.create(body, Purpose="crime_prevention")
        draft = sender.create({"recipient": recipient})
        subject = sender.create({}).body["subject"]["id"]
        consent = sender.create(
            {"subject": subject, **consent_body(exchange.centre), "recipients": [recipient]}, path="consents"
        )
        return [(each.status, each.body) for each in (referral, draft, consent, sender.get(f"agencies/{recipient}"))]

    assert wrong(unit.id) == wrong(str(uuid4()))
    assert [status for status, _ in wrong(unit.id)] == [422, 422, 422, 404]
    assert sender.get(f"agencies?code={unit.agency.code}").body["results"] == []
    assert sender.get("agencies?kind=police").status == 400
    claim = f"agencies/{unit.id}/self-governing-claims"
    assert exchange.oversight.as_("administrator").get(claim).status == 404


def test_rule_08_its_members_hold_tokens_and_read_the_code_lists(exchange: Exchange) -> None:
    officer = exchange.investigators.as_("caseworker")
    assert officer.get("code-lists/reasons").status == 200
    assert exchange.investigators.fetch_token().status == 200


def test_rule_08_a_row_forced_on_it_shows_it_nothing(exchange: Exchange) -> None:
    """Beneath HTTP: granted, listed and named as recipient by the owner, the unit still sees nothing through HTTP."""
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    unit = exchange.investigators
    member = Membership.objects.get(staff_id=unit.as_("caseworker").staff_id)
    granted = (
        "INSERT INTO referrals_referralgroupobjectpermission (content_object_id, group_id, permission_id) "
        "SELECT content_object_id, %(group)s, permission_id FROM referrals_referralgroupobjectpermission "
        "WHERE content_object_id = %(referral)s GROUP BY 1, 3"
    )
    listed = (
        "INSERT INTO referrals_access (referral_id, role_group_id, side, listed_at) "
        "SELECT referral_id, %(role_group)s, 'recipient', listed_at FROM referrals_access "
        "WHERE referral_id = %(referral)s LIMIT 1"
    )
    values = {"group": member.role_group.group_id, "role_group": member.role_group_id, "referral": referral}
    with attempts.session(attempts.OWNER) as cursor:
        cursor.execute(granted, values)
        cursor.execute(listed, values)
        cursor.execute("COMMIT")
    officer = unit.as_("caseworker")
    officer.headers["Purpose"] = "exit_support"
    for refused in (officer.read(referral), officer.get("referrals"), officer.get(f"referrals/{referral}/timeline")):
        assert (refused.status, refused.body["code"]) == (404, "not-found")
    entry = attempts.write_entry(
        actor_agency=unit.id,
        subject_kind="referral",
        subject_id=referral,
        actor_user=str(Membership.objects.get(staff_id=officer.staff_id).user_id),
        purpose="exit_support",
        categories=["reason"],
        detail='{"version": "2"}',
    )
    with attempts.session(attempts.APP) as cursor:
        assert (
            attempts.refused(cursor, "SELECT * FROM referrals_release(%s, %s, %s)", [entry, unit.id, referral])
            == attempts.NOT_RELEASED
        )


def test_rule_08_no_act_begins_for_it_whoever_calls(exchange: Exchange) -> None:
    unit = exchange.investigators
    officer = Membership.objects.get(staff_id=unit.as_("coordinator").staff_id)
    principal = Principal(
        agency=unit.agency.id,
        kind=unit.agency.kind,
        client=unit.client_id,
        scopes=frozenset({"referrals"}),
        user=officer.user_id,
        membership=officer.id,
        staff_id=officer.staff_id,
        role=officer.role,
    )
    begun = []
    with (
        pytest.raises(NotThere),
        acting("referral.create", by=principal, about=Subject("referral"), purpose="crime_prevention"),
    ):
        begun.append("something")
    assert begun == []
    assert Entry.objects.filter(actor_agency=unit.agency.id, action="referral.create").latest("id").outcome == "refused"
    assert list(directory.working_groups(unit.agency.id)) == []
    assert directory.active_agency(unit.agency.id) is None


def test_rule_08_a_prevention_unit_that_becomes_another_unit_sees_nothing_from_then_on(exchange: Exchange) -> None:
    theirs = Exchange()
    referral = police_referral(theirs.municipality, theirs.police)
    officer = theirs.police.as_("caseworker")
    assert officer.read(referral).status == 200
    with attempts.session(attempts.OWNER) as cursor:
        cursor.execute("UPDATE agencies_agency SET kind = 'police' WHERE id = %s", [theirs.police.id])
        cursor.execute("COMMIT")
    assert officer.read(referral).status == 404
    assert theirs.municipality.as_("caseworker").read(referral).status == 200
