"""Who gets a token, what it is good for, and who is nobody."""

import base64
import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from rest_framework.test import APIClient

from agencies.credentials import TokenBinding
from agencies.models import Agency, Client, Membership, User
from audit.models import Entry
from tests.exchange import EVERY_SCOPE, Answer, Exchange, Party
from tests.rules.scan import tables_holding

AccessToken = get_access_token_model()


@pytest.fixture(scope="module")
def shared(django_db_setup: None) -> Exchange:
    """Agencies for the tests that change nothing of them."""
    return Exchange()


def nobody(answer: Answer) -> bool:
    """Say whether an answer is the one that a token of nobody gets."""
    return (answer.status, answer.body["code"], answer.headers["WWW-Authenticate"]) == (
        401,
        "unauthenticated",
        'Bearer realm="udvej"',
    )


def ask_for_token(authorization: str, form: str) -> Any:
    return APIClient(headers={"Authorization": authorization} if authorization else {}).post(
        "/oauth/token", form, content_type="application/x-www-form-urlencoded"
    )


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def stored(token: str) -> Any:
    return AccessToken.objects.filter(token_checksum=hashlib.sha256(token.encode()).hexdigest())


def test_a_client_with_its_secret_gets_a_short_lived_token_with_its_scopes(exchange: Exchange) -> None:
    answer = exchange.municipality.fetch_token()
    assert (answer.status, answer.body["token_type"], answer.body["expires_in"]) == (200, "Bearer", 600)
    assert set(answer.body["scope"].split()) == set(EVERY_SCOPE)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "refresh_token" not in answer.body


@pytest.mark.parametrize(
    ("client", "secret"),
    [("mine", "wrong"), ("mine", ""), ("mine", "theirs"), ("nobody", "mine"), ("", ""), ("mine' OR '1'='1", "x")],
)
def test_a_client_that_is_not_known_by_its_secret_gets_none(shared: Exchange, client: str, secret: str) -> None:
    mine, theirs = shared.municipality, shared.stranger
    client_id = mine.client_id if client == "mine" else client
    given = {"mine": mine.client_secret, "theirs": theirs.client_secret}.get(secret, secret)
    answer = ask_for_token(basic(client_id, given), "grant_type=client_credentials")
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer x", "Basic \x00"])
def test_who_does_not_say_who_they_are_gets_none(shared: Exchange, authorization: str) -> None:
    answer = ask_for_token(authorization, "grant_type=client_credentials")
    assert answer.status_code in (400, 401)
    assert "access_token" not in answer.content.decode()


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        (
            {"grant_type": "authorization_code", "code": "x", "redirect_uri": "https://x.example"},
            "unsupported_grant_type",
        ),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"scope": "referrals admin"}, "invalid_scope"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"resource": "https://api.udvej.example"}, "invalid_target"),
        ({"resource": "https://api.udvej.example/&resource=https://other.example/"}, "invalid_target"),
    ],
)
def test_a_request_for_something_else_than_this_apis_token_is_refused(
    shared: Exchange, form: dict[str, str], error: str
) -> None:
    answer = shared.municipality.fetch_token(**form)
    assert (answer.status in (400, 401), "access_token" in answer.body) == (True, False), answer
    assert answer.body["error"] in (error, "unauthorized_client", "invalid_request", "invalid_grant")


def test_a_token_for_this_api_by_name_is_a_token_for_this_api(exchange: Exchange) -> None:
    answer = exchange.municipality.fetch_token(resource="https://api.udvej.example/")
    assert answer.status == 200
    exchange.municipality._token = answer.body["access_token"]
    assert exchange.municipality.as_("caseworker").get("referrals").status == 200


def test_a_client_gets_no_scope_that_it_was_not_given_and_may_ask_for_fewer(exchange: Exchange) -> None:
    refused = exchange.oversight.fetch_token(scope="referrals")
    assert (refused.status, refused.body["error"]) == (400, "invalid_scope")
    fewer = exchange.municipality.fetch_token(scope="consents")
    assert fewer.body["scope"] == "consents"
    exchange.municipality._token = fewer.body["access_token"]
    caseworker, auditor = exchange.municipality.as_("caseworker"), exchange.municipality.as_("auditor")
    for refused in (
        caseworker.get("referrals"),
        caseworker.create({}),
        auditor.get("audit/entries", Audit_Case="1"),
    ):
        assert (refused.status, refused.body["code"]) == (403, "scope-missing")
        assert Entry.objects.get(request_id=refused.headers["Request-Id"]).refusal == "scope-missing"


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer ",
        "Bearer x",
        "Bearer 0000000000000000000000000000",
        "Bearer {token}x",
        "Bearer {token} {token}",
        "Bearer {half}",
        "Token {token}",
        "{token}",
        "Basic {token}",
        "bearer\t{token}",
        "Bearer {token}\r\nOn-Behalf-Of: x",
        "Bearer " + "a" * 5000,
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        "Bearer æøå",
        "Bearer {token}\x00",
        "Bearer {checksum}",
    ],
)
def test_what_is_not_exactly_a_token_is_nobodys(shared: Exchange, authorization: str) -> None:
    token = shared.municipality.token
    checksum = hashlib.sha256(token.encode()).hexdigest()
    sent = authorization.format(token=token, half=token[:-1], checksum=checksum)
    for path in ("referrals", "agencies", "code-lists/reasons"):
        assert nobody(shared.municipality.as_("caseworker").get(path, Authorization=sent))


def test_without_a_token_nothing_of_the_api_answers(shared: Exchange) -> None:
    caller = shared.municipality.as_("caseworker")
    for method, path in [
        ("GET", "referrals"),
        ("POST", "referrals"),
        ("POST", "referrals/batch"),
        ("POST", "consents"),
        ("GET", "agencies"),
        ("GET", "code-lists/reasons"),
        ("GET", "audit/entries"),
        ("POST", "audit/entries/search"),
        ("OPTIONS", "referrals"),
    ]:
        assert nobody(caller.call(method, path, {} if method == "POST" else None, Authorization="")), path


def test_a_session_or_a_basic_password_is_no_token(shared: Exchange) -> None:
    mine = shared.municipality
    assert nobody(mine.as_("caseworker").get("referrals", Authorization=basic(mine.client_id, mine.client_secret)))


def test_an_expired_token_is_nobodys(exchange: Exchange) -> None:
    caller = exchange.municipality.as_("caseworker")
    assert caller.get("referrals").status == 200
    assert stored(exchange.municipality.token).update(expires=timezone.now() - timedelta(seconds=1)) == 1
    assert nobody(caller.get("referrals"))


@pytest.mark.parametrize("resource", [["https://other.example/"], [], ["https://api.udvej.example/", "https://o.dk/"]])
def test_a_token_for_another_audience_is_nobodys(exchange: Exchange, resource: list[str]) -> None:
    caller = exchange.municipality.as_("caseworker")
    assert caller.get("referrals").status == 200
    assert stored(exchange.municipality.token).update(resource=resource) == 1
    assert nobody(caller.get("referrals"))


def deactivate_client(party: Party) -> None:
    Client.objects.filter(client_id=party.client_id).update(active=False)


def deactivate_agency(party: Party) -> None:
    Agency.objects.filter(pk=party.id).update(active=False)


@pytest.mark.parametrize("deactivate", [deactivate_client, deactivate_agency])
def test_a_client_that_no_longer_takes_part_gets_no_token_and_those_it_has_are_nobodys(
    exchange: Exchange, deactivate: Any
) -> None:
    caller = exchange.municipality.as_("caseworker")
    assert caller.get("referrals").status == 200
    deactivate(exchange.municipality)
    assert nobody(caller.get("referrals"))
    assert exchange.municipality.fetch_token().status in (400, 401)
    other = exchange.stranger.as_("caseworker")
    if deactivate is deactivate_agency:
        assert other.get(f"agencies/{exchange.municipality.id}").status == 404
        assert other.create({"recipient": exchange.municipality.id}).status == 422


def test_a_member_or_account_that_is_no_longer_active_acts_for_nobody(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    first, second = exchange.centre.as_("counsellor", 1), exchange.centre.as_("counsellor", 2)
    assert first.read(referral).status == second.read(referral).status == 200
    Membership.objects.filter(agency=exchange.centre.id, staff_id=first.staff_id).update(active=False)  # type: ignore[misc]
    User.objects.filter(memberships__staff_id=second.staff_id, memberships__agency=exchange.centre.id).update(  # type: ignore[misc]
        is_active=False
    )
    for who in (first, second):
        refused = who.read(referral)
        assert (refused.status, refused.body["code"]) == (403, "on-behalf-of-unknown")
    assert exchange.centre.as_("coordinator").read(referral).status == 200


def test_secrets_and_tokens_are_stored_as_hashes_alone(exchange: Exchange) -> None:
    party = exchange.municipality
    token = party.token
    kept = Client.objects.get(client_id=party.client_id).client_secret
    assert kept.startswith("udvej_random_secret$")
    assert party.client_secret not in kept
    assert stored(token).count() == 1
    for secret in (party.client_secret, token):
        assert tables_holding(secret) == []


# --- On behalf of whom -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "another agency's",
        "nobody",
        "x" * 65,
        "x" * 10000,
        "a\r\nPurpose: investigation",
        "a\x00b",
        "%s%s",
        "' OR 1=1 --",
        "*",
        "æøå\u202e",
        "a b",
    ],
)
def test_an_integration_acts_for_no_one_but_its_own_agencys_staff(shared: Exchange, name: str) -> None:
    caller = shared.municipality.as_("caseworker")
    foreign = shared.stranger.as_("caseworker").staff_id
    for ask in (
        lambda **headers: caller.get("referrals", **headers),
        lambda **headers: caller.create({}, **headers),
        lambda **headers: caller.get("agencies", **headers),
    ):
        refused = ask(On_Behalf_Of=foreign if name == "another agency's" else name)
        assert (refused.status, refused.body["code"]) == (403, "on-behalf-of-unknown")
        assert name not in str(refused.body) or name in ("a b", "*")
        entry = Entry.objects.get(request_id=refused.headers["Request-Id"])
        assert (entry.action, entry.outcome, entry.on_behalf_of) == ("authenticate", "refused", "")
        assert str(entry.actor_agency) == shared.municipality.id


def test_a_staff_id_is_the_agencys_own_to_the_letter(shared: Exchange) -> None:
    caller = shared.municipality.as_("caseworker")
    for name in (caller.staff_id.upper(), f"{caller.staff_id}x", caller.staff_id[:-1]):
        assert caller.get("referrals", On_Behalf_Of=name).status == 403


def test_personal_data_moves_on_behalf_of_a_named_person_or_not_at_all(shared: Exchange) -> None:
    caller = shared.municipality.as_("caseworker")
    referral = caller.submit(shared.centre)
    for refused in (
        caller.read(referral, On_Behalf_Of=""),
        caller.get("referrals", On_Behalf_Of="", Purpose="exit_support"),
        caller.create({}, On_Behalf_Of="", Purpose="exit_support"),
    ):
        assert (refused.status, refused.body["code"]) == (400, "on-behalf-of-required")
    assert caller.get("agencies", On_Behalf_Of="").status == 200


# --- What for ----------------------------------------------------------------------------------------------------

DEFAULTS = [
    ("municipality", "caseworker", "exit_support"),
    ("municipality", "coordinator", "exit_support"),
    ("municipality", "counsellor", None),
    ("centre", "caseworker", "exit_support"),
    ("centre", "coordinator", "exit_support"),
    ("centre", "counsellor", "exit_support"),
    ("police", "caseworker", "crime_prevention"),
    ("police", "coordinator", "crime_prevention"),
    ("police", "counsellor", None),
]


@pytest.mark.parametrize(("agency", "role", "purpose"), DEFAULTS)
def test_the_purpose_goes_without_saying_where_the_role_has_one(
    shared: Exchange, agency: str, role: str, purpose: str | None
) -> None:
    answer = getattr(shared, agency).as_(role).get("referrals")
    if purpose is None:
        assert (answer.status, answer.body["code"]) == (400, "purpose-missing")
    else:
        assert answer.status == 200
        assert Entry.objects.get(request_id=answer.headers["Request-Id"]).purpose == purpose


@pytest.mark.parametrize("purpose", ["curiosity", "EXIT_SUPPORT", "exit_support ", "exit_support,audit", "æ", "a\x00"])
def test_an_unknown_purpose_is_refused(shared: Exchange, purpose: str) -> None:
    refused = shared.municipality.as_("caseworker").get("referrals", Purpose=purpose)
    if purpose.strip() == "exit_support":
        return  # surrounding white space is not part of a header's value (RFC 9110 section 5.5)
    assert (refused.status, refused.body["code"]) == (400, "purpose-missing")
    assert purpose not in str(refused.body) or purpose == "æ"


def test_for_investigation_nothing_is_done_and_the_attempt_is_recorded(shared: Exchange) -> None:
    for party, role in [(shared.municipality, "caseworker"), (shared.police, "coordinator")]:
        refused = party.as_(role).get("referrals", Purpose="investigation")
        assert (refused.status, refused.body["code"]) == (403, "purpose-forbidden")
        entry = Entry.objects.get(request_id=refused.headers["Request-Id"])
        assert (entry.outcome, entry.purpose, entry.on_behalf_of) == (
            "refused",
            "investigation",
            party.as_(role).staff_id,
        )


def test_what_is_over_is_tidied_away_and_what_is_good_stays(exchange: Exchange) -> None:
    """As the nightly unit does it, with the application's own rights; a binding goes with its token."""
    over = [exchange.municipality.fetch_token().body["access_token"] for _ in range(2)]
    good = [exchange.municipality.fetch_token().body["access_token"] for _ in range(2)]
    for bound in (over[1], good[1]):
        TokenBinding.objects.create(token=stored(bound).get(), thumbprint="A" * 43)
    gone = [stored(each).get().pk for each in over]
    AccessToken.objects.filter(pk__in=gone).update(expires=timezone.now() - timedelta(seconds=1))
    past = Session.objects.create(session_key=uuid4().hex, session_data="", expire_date=timezone.now())
    call_command("cleartokens")
    call_command("clearsessions")
    assert [stored(each).exists() for each in (*over, *good)] == [False, False, True, True]
    assert not TokenBinding.objects.filter(token_id__in=gone).exists()
    assert TokenBinding.objects.filter(token=stored(good[1]).get()).exists()
    assert not Session.objects.filter(pk=past.pk).exists()
