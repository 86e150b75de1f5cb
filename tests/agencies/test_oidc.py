"""People sign in at a provider that really runs, as accounts that are here; nobody gets one by signing in."""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import requests
from django.contrib.sessions.models import Session
from django.core.exceptions import SuspiciousOperation
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import Settings

from agencies import oidc
from agencies.credentials import PersonLogin
from agencies.models import Agency, Membership, User
from audit import log
from audit.facts import SYSTEM, Subject
from audit.models import Entry
from tests.agencies.administering import administrator
from tests.agencies.provider import SECRET, Running, begin, come_back, discoverable, running
from tests.agencies.signing import b64, make_key, public_jwk, sign
from tests.exchange import Exchange
from tests.rules.scan import tables_holding


@pytest.fixture(scope="module")
def provider() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(autouse=True)
def configured(provider: Running, settings: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = provider.issuer, "udvej"
    settings.OIDC_CLIENT_SECRET_FILE = str(secret)


@pytest.fixture
def browser() -> Browser:
    return Browser(enforce_csrf_checks=True)


def known(user: User, provider: Running) -> str:
    """Make a login for an account, as an administrator does; return the name that signs in."""
    name = f"person-{uuid4().hex[:8]}"
    with log.act("test.enrol", by=SYSTEM, about=Subject("user")):
        PersonLogin.objects.create(user=user, issuer=provider.issuer, subject=name)
    return name


def member(exchange: Exchange, role: str = "caseworker") -> Membership:
    staff_id = exchange.municipality.staff[f"{role}-1"]
    return Membership.objects.select_related("user").get(agency_id=exchange.municipality.id, staff_id=staff_id)


def signed_in(browser: Browser, provider: Running, name: str) -> int:
    return come_back(browser, provider.authorise(begin(browser), name))


def asked(browser: Browser, path: str = "referrals", **headers: str) -> Any:
    return browser.get(f"/api/v1/{path}", headers={name.replace("_", "-"): said for name, said in headers.items()})


def test_a_person_with_a_login_signs_in_and_acts_as_themselves(
    exchange: Exchange, provider: Running, browser: Browser
) -> None:
    caseworker = member(exchange)
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    assert signed_in(browser, provider, known(caseworker.user, provider)) == 302
    answer = asked(browser, f"referrals/{referral}")
    assert answer.status_code == 200
    entry = Entry.objects.filter(request_id=answer.headers["Request-Id"], outcome="done").latest("id")
    assert (entry.actor_user, entry.on_behalf_of) == (str(caseworker.user_id), caseworker.staff_id)
    assert (entry.actor_client, entry.role) == (f"browser:{caseworker.user_id}", "caseworker")
    entry = Entry.objects.get(action="person.sign_in", actor_user=str(caseworker.user_id))
    assert entry.outcome == "done"
    assert asked(browser, f"referrals/{exchange.stranger.as_('caseworker').submit(exchange.centre)}").status_code == 404


def test_signing_in_makes_no_account(exchange: Exchange, provider: Running, browser: Browser) -> None:
    accounts = User.objects.count()
    assert signed_in(browser, provider, f"nobody-{uuid4().hex[:6]}") == 403
    assert User.objects.count() == accounts
    assert asked(browser).status_code == 401


@pytest.mark.parametrize("what", ["login", "account", "another issuer's"])
def test_a_login_or_account_that_is_over_signs_nobody_in(
    exchange: Exchange, provider: Running, browser: Browser, what: str
) -> None:
    user = member(exchange).user
    name = known(user, provider)
    if what == "login":
        PersonLogin.objects.filter(user=user).update(active=False)
    elif what == "account":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        PersonLogin.objects.filter(user=user).update(active=False)
        PersonLogin.objects.create(user=user, issuer="https://other.example", subject=name)
    assert signed_in(browser, provider, name) == 403
    assert asked(browser).status_code == 401


@pytest.mark.parametrize("what", ["login", "account", "membership", "agency", "provider"])
def test_what_is_ended_ends_the_session_from_the_next_request_on(
    exchange: Exchange, provider: Running, browser: Browser, settings: Settings, what: str
) -> None:
    who = member(exchange)
    assert signed_in(browser, provider, known(who.user, provider)) == 302
    assert asked(browser).status_code == 200
    match what:
        case "login":
            PersonLogin.objects.filter(user=who.user).update(active=False)
        case "account":
            User.objects.filter(pk=who.user_id).update(is_active=False)
        case "membership":
            Membership.objects.filter(pk=who.pk).update(active=False)
        case "agency":
            Agency.objects.filter(pk=who.agency_id).update(active=False)
        case "provider":
            settings.OIDC_ISSUER = ""
    assert asked(browser).status_code == (403 if what in ("membership", "agency") else 401)


def test_on_behalf_of_is_oneself_or_nobody(exchange: Exchange, provider: Running, browser: Browser) -> None:
    who = member(exchange)
    assert signed_in(browser, provider, known(who.user, provider)) == 302
    assert asked(browser, On_Behalf_Of=who.staff_id).status_code == 200
    for other in (exchange.municipality.staff["coordinator-1"], exchange.centre.staff["caseworker-1"], "x", "a\x00"):
        refused = asked(browser, On_Behalf_Of=other)
        assert refused.status_code == 403
        entry = Entry.objects.get(request_id=refused.headers["Request-Id"])
        assert (entry.action, entry.outcome, entry.actor_user) == ("authenticate", "refused", str(who.user_id))


def test_a_change_needs_the_csrf_token(exchange: Exchange, provider: Running, browser: Browser) -> None:
    who = member(exchange)
    assert signed_in(browser, provider, known(who.user, provider)) == 302
    headers = {"Idempotency-Key": str(uuid4())}

    def create(**more: str) -> Any:
        said = {**headers, **{name.replace("_", "-"): value for name, value in more.items()}}
        return browser.post("/api/v1/referrals", json.dumps({}), content_type="application/json", headers=said)

    refused = create()
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed")
    assert create(X_CSRFToken="x" * 32).status_code == 400
    assert browser.get("/oidc/logout/").status_code == 405
    token = browser.cookies["csrftoken"].value
    assert create(X_CSRFToken=token).status_code == 201


def test_a_session_that_began_with_a_password_never_opens_the_api(exchange: Exchange, browser: Browser) -> None:
    user = member(exchange).user
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert asked(browser).status_code == 401


def test_whoever_signs_out_is_out(exchange: Exchange, provider: Running) -> None:
    browser = Browser()
    assert signed_in(browser, provider, known(member(exchange).user, provider)) == 302
    assert asked(browser).status_code == 200
    kept = browser.cookies["sessionid"].value
    assert browser.post("/oidc/logout/").status_code == 204
    assert asked(browser).status_code == 401
    assert not Session.objects.filter(session_key=kept).exists()


def test_a_session_lasts_eight_hours_whatever_is_done_in_it(
    exchange: Exchange, provider: Running, browser: Browser
) -> None:
    assert signed_in(browser, provider, known(member(exchange).user, provider)) == 302

    def end() -> datetime:
        ends: datetime = Session.objects.get(session_key=browser.cookies["sessionid"].value).expire_date
        return ends

    first = end()
    assert timedelta(hours=7, minutes=58) < first - timezone.now() <= timedelta(hours=8)
    begin(browser)  # which writes to the session
    assert end() == first


def test_the_administration_is_for_administrators_and_takes_no_password(
    exchange: Exchange, provider: Running, browser: Browser
) -> None:
    answer = browser.get("/admin/agencies/agency/", follow=False)
    assert answer.status_code == 302
    login = browser.get("/admin/login/?next=/admin/agencies/agency/")
    assert login.headers["Location"].startswith("/oidc/authenticate/?next=")
    user = member(exchange).user
    name = known(user, provider)
    assert signed_in(browser, provider, name) == 302
    assert browser.get("/admin/", follow=True).status_code == 403
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    assert browser.get("/admin/agencies/agency/").status_code == 200
    form = {"username": administrator(password="a long enough password").username, "password": "a long enough password"}
    posted = Browser().post("/admin/login/", form)
    assert posted.status_code == 302
    assert posted.headers["Location"].startswith("/oidc/")


def test_no_token_and_no_name_of_the_providers_is_kept(exchange: Exchange, provider: Running, browser: Browser) -> None:
    there = provider.authorise(begin(browser), known(member(exchange).user, provider))
    assert come_back(browser, there) == 302
    session = Session.objects.get(session_key=browser.cookies["sessionid"].value).get_decoded()
    assert {key for key in session if key.startswith("oidc")} <= {
        "oidc_states",
        "oidc_login_next",
        "oidc_id_token_expiration",
    }
    assert session["oidc_states"] == {}
    assert tables_holding(parse_qs(urlsplit(there).query)["code"][0]) == []


def test_the_way_there_has_state_nonce_and_a_challenge(browser: Browser, provider: Running) -> None:
    there = urlsplit(begin(browser))
    asked_for = parse_qs(there.query)
    assert f"{there.scheme}://{there.netloc}" == provider.issuer
    assert (asked_for["response_type"], asked_for["scope"]) == (["code"], ["openid"])
    assert asked_for["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked_for[name][0]) >= 32


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_after_signing_in_nobody_is_sent_elsewhere(
    exchange: Exchange, provider: Running, browser: Browser, to: str
) -> None:
    there = provider.authorise(begin(browser, next_page=to), known(member(exchange).user, provider))
    said = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
    assert browser.get("/oidc/callback/", said).headers["Location"] == "/admin/"


def test_another_browsers_or_an_old_or_a_changed_way_back_signs_nobody_in(
    exchange: Exchange, provider: Running, browser: Browser
) -> None:
    name = known(member(exchange).user, provider)
    there = provider.authorise(begin(browser), name)
    victim = Browser()
    assert come_back(victim, there) == 403
    begin(victim)
    assert come_back(victim, there) == 400
    assert come_back(browser, there, state="x" * 32) == 400
    assert come_back(browser, there, code="x" * 43) in (400, 403)
    fresh = provider.authorise(begin(browser), name)
    assert come_back(browser, fresh) == 302
    assert come_back(Browser(), fresh) == 403
    assert come_back(browser, fresh) == 400
    assert asked(victim).status_code == 401


def test_a_code_without_its_verifier_is_worth_nothing(exchange: Exchange, provider: Running, browser: Browser) -> None:
    there = provider.authorise(begin(browser), known(member(exchange).user, provider))
    session = browser.session
    for state in session["oidc_states"].values():
        state["code_verifier"] = "v" * 64
    session.save()
    assert come_back(browser, there) == 400
    assert asked(browser).status_code == 401


def test_a_token_for_another_nonce_is_not_for_us(exchange: Exchange, provider: Running, browser: Browser) -> None:
    name = known(member(exchange).user, provider)
    there = provider.authorise(begin(browser), name)
    session = browser.session
    for state in session["oidc_states"].values():
        state["nonce"] = "n" * 32
    session.save()
    assert come_back(browser, there) == 400
    assert asked(browser).status_code == 401


CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://other.example"},
    "another audience": {"aud": "another"},
    "several audiences and no party": {"aud": ["udvej", "another"]},
    "another party": {"aud": ["udvej", "another"], "azp": "another"},
    "over": {"exp": 1},
    "no end": {"exp": None},
    "made in the future": {"iat": 4_000_000_000},
    "made long ago": {"iat": 1},
    "another nonce": {"nonce": "other"},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
}


@pytest.mark.parametrize("name", ["right", *CLAIMS])
def test_a_claim_that_is_not_for_this_sign_in_is_refused(provider: Running, name: str) -> None:
    now = int(time.time())
    right = {"iss": provider.issuer, "aud": "udvej", "exp": now + 60, "iat": now, "nonce": "mine", "sub": "s"}
    assert oidc._is_for_us(right | CLAIMS.get(name, {}), nonce="mine") == (name == "right")
    assert not oidc._is_for_us(right, nonce=None)


def test_a_token_that_the_provider_did_not_sign_is_refused(provider: Running) -> None:
    """By another key under the provider's key's name, by none, and by the public key as a password."""
    published = requests.get(oidc.discovered()["jwks_uri"], timeout=10).json()["keys"]
    now = int(time.time())
    claims = {"iss": provider.issuer, "aud": "udvej", "exp": now + 60, "iat": now, "nonce": "mine", "sub": "s"}
    assert oidc._is_for_us(claims, nonce="mine")
    for key in published:
        brought = public_jwk(make_key("RS256"), kid=key["kid"])
        for head, signing in (
            ({"alg": "RS256", "kid": key["kid"]}, make_key("RS256")),
            ({"alg": "RS256", "kid": key["kid"], "jwk": brought}, make_key("RS256")),
            ({"alg": "RS256"}, make_key("RS256")),
            ({"alg": "ES256", "kid": key["kid"]}, make_key("ES256")),
            ({"alg": "none", "kid": key["kid"]}, None),
            ({"alg": "HS256", "kid": key["kid"]}, json.dumps(key).encode()),
            ({"alg": "HS256", "kid": key["kid"]}, SECRET.encode()),
        ):
            said = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
            token = f"{said}.{b64(sign(signing, head['alg'], said.encode()) or b'x')}"
            with pytest.raises(SuspiciousOperation, match="not the provider's"):
                oidc.Provider().verify_token(token, nonce="mine")


@pytest.mark.parametrize("issuer", ["http://provider.example", "https://127.0.0.1:1", "http://127.0.0.1:1", "ftp://x"])
def test_a_provider_that_is_not_there_or_not_private_signs_nobody_in(
    browser: Browser, settings: Settings, issuer: str
) -> None:
    settings.OIDC_ISSUER = issuer
    answer = browser.get("/oidc/authenticate/")
    assert answer.status_code == 503


DOCUMENTS: dict[str, dict[str, Any]] = {
    "at a host that others listen to": {"host": "127.0.0.2"},
    "of another issuer": {"issuer": "https://other.example"},
    "moved elsewhere": {"moved": True},
    "without an endpoint": {"authorization_endpoint": None},
    "signing in where others listen": {"authorization_endpoint": "http://provider.example/"},
    "tokens where others listen": {"token_endpoint": "http://provider.example/"},
    "keys where others listen": {"jwks_uri": "http://provider.example/"},
}


@pytest.mark.parametrize("name", ["right", *DOCUMENTS])
def test_a_provider_is_believed_by_its_own_document_over_a_private_way(
    browser: Browser, settings: Settings, name: str
) -> None:
    with discoverable(**DOCUMENTS.get(name, {})) as settings.OIDC_ISSUER:
        assert browser.get("/oidc/authenticate/").status_code == (302 if name == "right" else 503)


def test_where_no_provider_is_configured_the_way_is_not_there(browser: Browser, settings: Settings) -> None:
    settings.OIDC_ISSUER = ""
    for path in ("/oidc/authenticate/", "/oidc/callback/?code=a&state=b"):
        assert browser.get(path).status_code == 404
    assert Browser().post("/oidc/logout/").status_code == 404
    assert browser.get("/admin/login/").status_code == 200
