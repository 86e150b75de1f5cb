"""The committed nginx configuration, run: what it hands on, what it overwrites, what it refuses and does not write."""

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from pytest_django import DjangoDbBlocker, Settings
from rest_framework.test import APIClient

from agencies.models import Client
from tests.agencies.proxy import NGINX, WWW, Certificate, Proxy, certificate, proxied
from tests.agencies.signing import ASSERTION_TYPE, Signer
from tests.exchange import Answer, Exchange, Party

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


@pytest.fixture(scope="module")
def proxy(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    with proxied(tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture(autouse=True)
def behind_the_proxy(settings: Settings) -> None:
    """The settings that the configuration's first lines ask for, with an address in place of a socket."""
    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Certificate"
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    settings.ALLOWED_HOSTS = ["api.udvej.example", WWW, "testserver"]


@pytest.fixture
def own(tmp_path: Path) -> Certificate:
    return certificate(tmp_path, "client.example")


@pytest.fixture
def other(tmp_path: Path) -> Certificate:
    return certificate(tmp_path, "other.example")


def token(proxy: Proxy, party: Party, holding: Certificate | None, **headers: str) -> Answer:
    basic = base64.b64encode(f"{party.client_id}:{party.client_secret}".encode()).decode()
    sent = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded", **headers}
    return proxy.ask("POST", "/oauth/token", holding=holding, body=b"grant_type=client_credentials", headers=sent)


def referrals(proxy: Proxy, party: Party, got: Answer, holding: Certificate | None, **headers: str) -> Answer:
    sent = {
        "Authorization": f"Bearer {got.body['access_token']}",
        "On-Behalf-Of": party.staff["caseworker-1"],
        **{name.replace("_", "-"): said for name, said in headers.items()},
    }
    return proxy.ask("GET", "/api/v1/referrals", holding=holding, headers=sent)


def escaped(of: Certificate) -> str:
    return quote(of.pem.decode(), safe="")


def test_a_token_that_was_got_with_a_certificate_is_good_with_it_alone(
    proxy: Proxy, exchange: Exchange, own: Certificate, other: Certificate
) -> None:
    party = exchange.municipality
    got = token(proxy, party, own)
    assert got.status == 200, got
    assert referrals(proxy, party, got, own).status == 200
    for holding in (None, other):
        refused = referrals(proxy, party, got, holding)
        assert (refused.status, refused.body["code"]) == (401, "unauthenticated")
    party._token = got.body["access_token"]
    assert party.as_("caseworker").get("agencies").status == 401
    assert party.as_("caseworker").get("audit/checkpoint").status == 401


def test_a_client_that_signs_is_bound_too(proxy: Proxy, exchange: Exchange, own: Certificate) -> None:
    signer = Signer(exchange.municipality)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signer.assertion(),
    }
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    got = proxy.ask("POST", "/oauth/token", holding=own, body=urlencode(form).encode(), headers=sent)
    assert referrals(proxy, signer.party, got, own).status == 200
    assert referrals(proxy, signer.party, got, None).status == 401


def test_without_a_certificate_a_token_is_a_bearers(proxy: Proxy, exchange: Exchange, own: Certificate) -> None:
    got = token(proxy, exchange.municipality, None)
    assert referrals(proxy, exchange.municipality, got, None).status == 200
    assert referrals(proxy, exchange.municipality, got, own).status == 200


def test_a_client_whose_tokens_have_to_be_bound_gets_and_uses_no_other(
    proxy: Proxy, exchange: Exchange, own: Certificate
) -> None:
    party = exchange.municipality
    unbound = token(proxy, party, None)
    Client.objects.filter(client_id=party.client_id).update(certificate_bound=True)
    refused = token(proxy, party, None)
    assert (refused.status, refused.body["error"]) == (401, "invalid_client")
    assert "certificate" in refused.body["error_description"]
    assert referrals(proxy, party, unbound, None).status == 401
    assert referrals(proxy, party, unbound, own).status == 401
    assert referrals(proxy, party, token(proxy, party, own), own).status == 200


@pytest.mark.parametrize(
    "name",
    ["X-Client-Certificate", "x-client-certificate", "X_Client_Certificate", "X-Client_Certificate", "Client-Cert"],
)
def test_what_a_client_says_its_certificate_is_reaches_nobody(
    proxy: Proxy, exchange: Exchange, own: Certificate, other: Certificate, name: str
) -> None:
    """The thief has the token and the victim's certificate, which is public, and not its key."""
    party = exchange.municipality
    bound = token(proxy, party, own)
    for holding in (None, other):
        assert referrals(proxy, party, bound, holding, **{name: escaped(own)}).status == 401
    assert referrals(proxy, party, token(proxy, party, None, **{name: escaped(own)}), None).status == 200


def test_over_another_hop_the_header_is_refused(
    proxy: Proxy, exchange: Exchange, own: Certificate, settings: Settings
) -> None:
    party = exchange.municipality
    bound, unbound = token(proxy, party, own), token(proxy, party, None)
    for trusted in ([], ["unix"], ["203.0.113.7"]):
        settings.TRUSTED_PROXIES = trusted
        assert referrals(proxy, party, bound, own).status == 401
        assert referrals(proxy, party, unbound, own).status == 401
        assert token(proxy, party, own).status == 401
        assert referrals(proxy, party, unbound, None).status == 200


def test_where_no_header_is_configured_none_is_believed(
    proxy: Proxy, exchange: Exchange, own: Certificate, settings: Settings
) -> None:
    party = exchange.municipality
    bound = token(proxy, party, own)
    settings.CLIENT_CERTIFICATE_HEADER = ""
    assert referrals(proxy, party, bound, own).status == 401
    assert referrals(proxy, party, token(proxy, party, own), None).status == 200


def test_a_certificate_that_is_over_or_not_one_binds_nothing(
    proxy: Proxy, exchange: Exchange, own: Certificate, tmp_path: Path
) -> None:
    over = certificate(tmp_path, "over.example", days=-1)
    assert token(proxy, exchange.municipality, over).status == 400

    def status(said: str) -> int:
        sent = {"X-Client-Certificate": said, "Authorization": f"Bearer {exchange.municipality.token}"}
        return APIClient(headers=sent).get("/api/v1/agencies").status_code  # as if the proxy had let it by

    right = escaped(own)
    assert status(right) == status("x%0A" + right) == 200
    long = "x" * 20_000 + "%0A" + right
    for wrong in (escaped(over), "x", ":AAAA:", right * 2, long, ":" + "A" * 20_000 + ":", "%ff%fe"):
        assert status(wrong) == 401, wrong


def test_in_the_clear_nothing_is_answered(proxy: Proxy, exchange: Exchange) -> None:
    answer = proxy.ask_in_the_clear("GET", "/api/v1/agencies", Authorization=f"Bearer {exchange.municipality.token}")
    assert (answer.status, "Location" in answer.headers) == (403, False)


def test_a_host_that_is_not_ours_gets_no_connection(proxy: Proxy) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - the handshake is refused, in OpenSSL's words
        proxy.ask("GET", "/health/live", host="other.example")


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/metrics", "/health/ready", "/", "/oidc/authenticate/"])
def test_what_is_not_for_clients_is_not_there_for_them(proxy: Proxy, path: str) -> None:
    answer = proxy.ask("GET", path)
    assert (answer.status, "Request-Id" in answer.headers) == (404, False), "the exchange itself was asked"


def test_the_pages_that_tell_an_integrator_how_are(proxy: Proxy) -> None:
    assert {path: proxy.ask("GET", path).status for path in ("/docs/", "/api/docs/problems")} == {
        "/docs/": 200,
        "/api/docs/problems": 200,
    }


def test_people_sign_in_at_a_host_of_their_own_and_no_certificate_counts_there(
    proxy: Proxy, exchange: Exchange, own: Certificate
) -> None:
    assert proxy.ask("GET", "/admin/login/", host=WWW).status == 200
    assert proxy.ask("POST", "/oauth/token", host=WWW).status == 404
    bound = token(proxy, exchange.municipality, own)
    sent = {"Authorization": f"Bearer {bound.body['access_token']}", "X-Client-Certificate": escaped(own)}
    assert proxy.ask("GET", "/api/v1/agencies", host=WWW, holding=own, headers=sent).status == 401


def test_a_request_that_is_too_large_ends_at_the_proxy(proxy: Proxy) -> None:
    assert proxy.ask("POST", "/oauth/token", body=b"x" * 70_000).status == 413


def test_whoever_floods_the_token_endpoint_is_told_to_wait(proxy: Proxy) -> None:
    answers = proxy.flood("/oauth/token", 150)
    slowed = [answer for answer in answers if answer.status == 429]
    assert slowed
    assert slowed[0].body["code"] == "too-many-requests"
    assert slowed[0].headers["Retry-After"] == "1"


def test_nothing_about_a_request_is_written_down(proxy: Proxy, exchange: Exchange) -> None:
    """Neither in passing, nor when it is malformed, too large, too often, or nobody answers."""
    marker = uuid4().hex
    proxy.ask("GET", f"/api/v1/referrals/{marker}?{marker}")
    proxy.ask("GET", f"/nowhere/{marker}")
    proxy.ask("GET", f"/api/{marker}" + "x" * 9000)
    proxy.ask("POST", f"/api/{marker}", body=b"x" * 10_000_000)
    proxy.ask("GET", f"/api/{marker}", headers={"X-Long": marker + "x" * 20_000})
    proxy.flood(f"/oauth/token?{marker}", 150)
    proxy.ask_in_the_clear("GET", f"/{marker}")
    assert marker not in proxy.written
    assert "request:" not in proxy.written
