"""A client that signs gets a token, once for each assertion; whatever is wrong with one, it is refused the same way."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization
from django.db import IntegrityError, connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from agencies import client_assertions, client_keys
from agencies.credentials import ClientKey, UsedAssertion
from agencies.models import Agency, Client
from tests.agencies.signing import (
    ASSERTION_TYPE,
    ENDPOINT,
    ISSUER,
    Ahead,
    Signer,
    b64,
    make_key,
    post_form,
    public_jwk,
    register,
)
from tests.exchange import Answer, Exchange, Party, enrol

ALGORITHMS = ["ES256", "EdDSA", "PS256", "RS256"]


@pytest.fixture(scope="module")
def shared(django_db_setup: None) -> Exchange:
    """Agencies for the tests that change nothing of them."""
    return Exchange()


@pytest.fixture(scope="module")
def signer(shared: Exchange) -> Signer:
    return Signer(shared.municipality)


def refused(answer: Answer) -> bool:
    """Say whether an answer is the one that whoever proves nothing gets, to the word."""
    assert "access_token" not in answer.body
    return (answer.status, answer.body["error"], answer.body["error_description"].split(" (")[0]) == (
        401,
        "invalid_client",
        "Authenticate with private_key_jwt",
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_client_that_signs_gets_a_token_that_works(exchange: Exchange, algorithm: str) -> None:
    answer = Signer(exchange.municipality, algorithm).ask()
    assert (answer.status, answer.body["token_type"]) == (200, "Bearer"), answer
    exchange.municipality._token = answer.body["access_token"]
    assert exchange.municipality.as_("caseworker").get("referrals").status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": ISSUER},
        {"aud": [ENDPOINT]},
        {"iat": None},
        {"nbf": Ahead(-5)},
        {"exp": Ahead(250)},
        {"extra": {"ignored": True}},
    ],
)
def test_what_the_standard_leaves_open_is_taken(signer: Signer, changed: dict[str, Any]) -> None:
    assert signer.ask(signer.assertion(**changed)).status == 200


def test_the_key_is_found_without_its_name_and_the_client_may_name_itself(signer: Signer) -> None:
    assert signer.ask(signer.assertion(header={"kid": None, "typ": None})).status == 200
    assert signer.ask(client_id=signer.party.client_id).status == 200


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "https://other.example/oauth/token"},
    "the API as the audience": {"aud": "https://api.udvej.example/"},
    "no audience": {"aud": None},
    "us and another": {"aud": [ENDPOINT, "https://other.example/"]},
    "no audience in a list": {"aud": []},
    "an audience that is no text": {"aud": {"a": 1}},
    "an address below ours": {"aud": f"{ENDPOINT}/x"},
    "ours in capitals": {"aud": ENDPOINT.upper()},
    "no issuer": {"iss": None},
    "no subject": {"sub": None},
    "another issuer": {"iss": "nobody"},
    "another subject": {"sub": "nobody"},
    "an issuer that is no text": {"iss": 7, "sub": 7},
    "an issuer in a list": {"iss": ["x"], "sub": ["x"]},
    "an issuer with a NUL": {"iss": "a\x00b", "sub": "a\x00b"},
    "ended": {"exp": Ahead(-1)},
    "no end": {"exp": None},
    "an end far ahead": {"exp": Ahead(3600)},
    "an end in a year": {"exp": Ahead(31536000)},
    "an end that is text": {"exp": "2000000000"},
    "an end that is true": {"exp": True},
    "an endless end": {"exp": float("inf")},
    "an end that is no number": {"exp": float("nan")},
    "a huge end": {"exp": 10**400},
    "a negative end": {"exp": -1},
    "made in the future": {"iat": Ahead(300)},
    "made long ago": {"iat": Ahead(-7200)},
    "made in words": {"iat": "today"},
    "not yet": {"nbf": Ahead(300)},
    "not yet, in words": {"nbf": "now"},
    "no jti": {"jti": None},
    "an empty jti": {"jti": ""},
    "a jti that is no text": {"jti": 5},
    "an endless jti": {"jti": "x" * 256},
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
def test_an_assertion_that_is_not_for_us_now_from_this_client_proves_nothing(signer: Signer, name: str) -> None:
    assert refused(signer.ask(signer.assertion(**WRONG_CLAIMS[name])))


WRONG_HEADERS: dict[str, dict[str, Any]] = {
    "an algorithm of nobody's": {"alg": "none"},
    "none in capitals": {"alg": "NONE"},
    "none with a space": {"alg": "none "},
    "no algorithm": {"alg": None},
    "an algorithm that is no text": {"alg": ["ES256"]},
    "another algorithm": {"alg": "RS256"},
    "an algorithm that is not taken": {"alg": "ES384"},
    "another key's name": {"kid": "nobody"},
    "a name that climbs": {"kid": "../../../../dev/null"},
    "a name that is SQL": {"kid": "' OR 1=1 --"},
    "a name with a NUL": {"kid": "a\x00b"},
    "an empty name": {"kid": ""},
    "an endless name": {"kid": "k" * 200},
    "a name that is a list": {"kid": ["a"]},
    "an extension": {"crit": ["exp"], "exp": 1},
    "an unencoded payload": {"b64": False},
    "another kind of token": {"typ": "at+jwt"},
    "a kind that is no text": {"typ": {"a": 1}},
}


@pytest.mark.parametrize("name", WRONG_HEADERS)
def test_a_header_that_asks_for_something_else_proves_nothing(signer: Signer, name: str) -> None:
    assert refused(signer.ask(signer.assertion(header=WRONG_HEADERS[name])))


def test_unsigned_it_proves_nothing(signer: Signer) -> None:
    whole = signer.assertion(header={"alg": "none"}, key=None)
    assert refused(signer.ask(whole))
    head, said, _ = signer.assertion().split(".")
    for unsigned in (f"{head}.{said}.", f"{head}.{said}", f"{head}.{said}.{b64(bytes(64))}"):
        assert refused(signer.ask(unsigned))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signed_with_the_public_key_as_a_password_it_proves_nothing(shared: Exchange, algorithm: str) -> None:
    signer = Signer(shared.centre, algorithm)
    public = signer.key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), der, json.dumps(signer.jwk).encode()):
        assert refused(signer.ask(signer.assertion(header={"alg": "HS256"}, key=secret)))


def test_a_key_that_the_header_brings_along_is_not_looked_at(signer: Signer) -> None:
    own = make_key("ES256")
    for brought in (
        {"jwk": public_jwk(own)},
        {"jwk": public_jwk(own), "kid": None},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/cert", "x5c": ["AAAA"]},
    ):
        assert refused(signer.ask(signer.assertion(header=brought, key=own)))


def test_another_clients_key_proves_nothing_of_this_one(shared: Exchange, signer: Signer) -> None:
    other = Signer(shared.stranger)
    named: dict[str, Any] = {"iss": signer.party.client_id, "sub": signer.party.client_id}
    assert refused(other.ask(other.assertion(**named)))
    assert refused(other.ask(other.assertion(**named, header={"kid": signer.kid})))
    assert refused(signer.ask(client_id=other.party.client_id))
    assert other.ask().status == 200


def test_a_key_that_nobody_registered_proves_nothing(shared: Exchange) -> None:
    assert refused(Signer(shared.stranger, registered=False).ask())


def test_an_assertion_is_good_once(signer: Signer) -> None:
    assertion = signer.assertion()
    assert signer.ask(assertion).status == 200
    assert refused(signer.ask(assertion))
    again = signer.assertion(jti="the same")
    other = signer.assertion(jti="the same", exp=Ahead(90))
    assert (signer.ask(again).status, refused(signer.ask(other))) == (200, True)


def test_two_clients_may_use_the_same_jti(shared: Exchange, signer: Signer) -> None:
    other = Signer(shared.police)
    assert signer.ask(signer.assertion(jti="one each")).status == 200
    assert other.ask(other.assertion(jti="one each")).status == 200


def test_handed_in_many_times_at_once_one_is_taken(signer: Signer) -> None:
    assertion = signer.assertion()

    def ask(_: int) -> int:
        try:
            return signer.ask(assertion).status
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(ask, range(16)))
    assert statuses == [200] + [401] * 15


def test_what_was_refused_has_not_used_up_the_right_ones_jti(signer: Signer) -> None:
    """Otherwise whoever guesses a jti would lock the client out."""
    own = make_key("ES256")
    assert refused(signer.ask(signer.assertion(jti="guessed", key=own)))
    assert refused(signer.ask(signer.assertion(jti="guessed", aud="https://other.example/")))
    assert signer.ask(signer.assertion(jti="guessed")).status == 200


def test_used_assertions_are_forgotten_when_they_could_not_be_used_anyway(signer: Signer) -> None:
    signer.ask(signer.assertion(jti="old"))
    client = Client.objects.get(client_id=signer.party.client_id)
    kept = UsedAssertion.objects.filter(client=client)
    before = kept.count()
    assert (client_assertions.forget_used(at=timezone.now()), kept.count()) == (0, before)
    client_assertions.forget_used(at=timezone.now() + timedelta(hours=1))
    assert kept.count() == 0


def test_a_key_follows_another_without_a_pause_and_a_retired_one_proves_nothing(exchange: Exchange) -> None:
    first, second = Signer(exchange.municipality), Signer(exchange.municipality, "EdDSA")
    assert (first.ask().status, second.ask().status) == (200, 200)
    ClientKey.objects.filter(kid=first.kid).update(retired_at=timezone.now())
    assert (refused(first.ask()), second.ask().status) == (True, 200)
    assert refused(first.ask(first.assertion(header={"kid": None})))


def test_a_key_is_not_good_before_its_day(exchange: Exchange) -> None:
    signer = Signer(exchange.municipality, registered=False)
    register(signer.party, signer.jwk, valid_from=timezone.now() + timedelta(hours=1))
    assert refused(signer.ask())


def test_a_key_is_held_to_the_algorithm_that_it_was_registered_for(exchange: Exchange) -> None:
    signer = Signer(exchange.municipality, "RS256", registered=False)
    register(signer.party, {**signer.jwk, "alg": "PS256"})
    assert refused(signer.ask())
    signer.algorithm = "PS256"
    assert signer.ask().status == 200


@pytest.mark.parametrize("who", ["client", "agency"])
def test_a_client_or_agency_that_is_stopped_gets_nothing_by_signing(exchange: Exchange, who: str) -> None:
    signer = Signer(exchange.municipality)
    if who == "client":
        Client.objects.filter(client_id=signer.party.client_id).update(active=False)
    else:
        Agency.objects.filter(pk=signer.party.id).update(active=False)
    assert refused(signer.ask())


@pytest.mark.parametrize(
    "assertion",
    [
        "x",
        "...",
        "a.b",
        "a.b.c.d",
        "e30.e30.e30",
        "bnVsbA.bnVsbA.bnVsbA",
        "W10.W10.W10",
        "eyJhbGciOiJFUzI1NiJ9..",
        "æ.ø.å",
        "a" * 9000,
        "a" * 1000 + "." + "b" * 5000 + ".c",
        b64(b"[" * 700) + "." + b64(b"[" * 3000) + ".AAAA",
        b64(b'{"alg":"ES256"}') + "." + b64(b'{"iss":' + b"9" * 3000 + b"}") + ".AAAA",
        b64(b"\xff\xfe") + ".e30.AAAA",
        " e30.e30.AAAA",
        "e30.e30.AA\nAA",
    ],
)
def test_what_is_no_assertion_proves_nothing(signer: Signer, assertion: str) -> None:
    assert refused(signer.ask(assertion))


def test_an_assertion_is_spelled_in_one_way(signer: Signer) -> None:
    """What a lenient decoder passes over would let one assertion look like many."""
    for more in ("=", "==", "\n", " ", "!", "%", "."):
        assert refused(signer.ask(f"{signer.assertion()}{more}")), more
        head, rest = signer.assertion().split(".", 1)
        assert refused(signer.ask(f"{head}{more}.{rest}")), more


def test_a_huge_request_is_refused_unread(signer: Signer) -> None:
    answer = signer.ask("a" * 40_000)
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


def test_one_method_in_a_request(signer: Signer) -> None:
    party = signer.party
    basic = "Basic " + base64.b64encode(f"{party.client_id}:{party.client_secret}".encode()).decode()
    for answer in (
        signer.ask(authorization=basic),
        signer.ask(client_id=party.client_id, client_secret=party.client_secret),
        signer.ask(authorization="Bearer abc"),
    ):
        assert (answer.status, answer.body["error"]) == (400, "invalid_request")
        assert "access_token" not in answer.body
    both = {"grant_type": "client_credentials", "client_id": party.client_id, "client_secret": party.client_secret}
    answer = post_form(both, authorization=basic)
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


def test_an_assertion_of_another_kind_proves_nothing(signer: Signer) -> None:
    assert refused(signer.ask(client_assertion_type=""))
    assert refused(signer.ask(client_assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer"))
    assert refused(post_form({"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}))
    assert refused(post_form({"grant_type": "client_credentials", "client_id": signer.party.client_id}))


def test_a_parameter_is_sent_once(signer: Signer) -> None:
    form = {
        "grant_type": "client_credentials",
        "scope": "referrals",
        "client_id": signer.party.client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signer.assertion(),
    }
    for twice, said in form.items():
        body = urlencode([*form.items(), (twice, said)])
        refusal = APIClient().post("/oauth/token", body, content_type="application/x-www-form-urlencoded")
        assert (refusal.status_code, refusal.json()["error"]) == (400, "invalid_request"), twice
    assert post_form(form).status == 200


# --- Where secrets are refused ------------------------------------------------------------------------------------


def test_where_secrets_are_refused_the_right_one_is_too_and_signing_works(
    exchange: Exchange, settings: Settings
) -> None:
    settings.CLIENT_SECRETS = "refuse"
    assert refused(exchange.municipality.fetch_token())
    party = exchange.municipality
    known = {"grant_type": "client_credentials", "client_id": party.client_id, "client_secret": party.client_secret}
    assert refused(post_form(known))
    assert Signer(party).ask().status == 200


@pytest.mark.parametrize("said", ["", "refuse", "Accept", "yes", "no"])
def test_only_one_word_lets_secrets_in(exchange: Exchange, settings: Settings, said: str) -> None:
    settings.CLIENT_SECRETS = said
    assert refused(exchange.municipality.fetch_token())


def test_the_server_says_which_methods_it_takes(exchange: Exchange, settings: Settings) -> None:
    def methods() -> list[str]:
        said = APIClient().get("/.well-known/oauth-authorization-server").json()
        assert (said["issuer"], said["token_endpoint"]) == (ISSUER, ENDPOINT)
        assert "none" not in said["token_endpoint_auth_signing_alg_values_supported"]
        return list(said["token_endpoint_auth_methods_supported"])

    assert methods() == ["private_key_jwt", "client_secret_basic", "client_secret_post"]
    settings.CLIENT_SECRETS = "refuse"
    assert methods() == ["private_key_jwt"]


# --- Which keys are registered ------------------------------------------------------------------------------------

POINT = public_jwk(make_key("ES256"))
BAD_KEYS: dict[str, object] = {
    "a private key": {**POINT, "d": "AAAA"},
    "a shared secret": {"kty": "oct", "k": "AAAA"},
    "a short RSA key": public_jwk(make_key("RS256", 1024)),
    "an RSA key with a small exponent": {**public_jwk(make_key("RS256")), "e": "Aw"},
    "another curve": {**POINT, "crv": "P-384"},
    "a point that is not on the curve": {**POINT, "x": POINT["y"]},
    "a key for encryption": {**POINT, "use": "enc"},
    "a key for another algorithm": {**POINT, "alg": "HS256"},
    "a key for none": {**POINT, "alg": "none"},
    "a key for signing with": {**POINT, "key_ops": ["sign"]},
    "a name that is no text": {**POINT, "kid": 7},
    "an endless name": {**POINT, "kid": "k" * 129},
    "a name with a NUL": {**POINT, "kid": "a\x00"},
    "no key": {},
    "a list": [POINT],
    "text": "key",
}


@pytest.mark.parametrize("name", BAD_KEYS)
@pytest.mark.no_database
def test_a_key_that_would_not_hold_is_not_registered(name: str) -> None:
    with pytest.raises(client_keys.KeyRefused):
        client_keys.checked(BAD_KEYS[name])


@pytest.mark.no_database
def test_of_a_key_the_public_members_are_kept_and_its_thumbprint_is_the_standards() -> None:
    """The example of RFC 7638 section 3.1."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr"
        "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = client_keys.checked(
        {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "x5c": ["x"]}
    )
    assert (key.kid, key.thumbprint) == ("2011-04-29", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    assert sorted(key.jwk) == ["alg", "e", "kty", "n"]


def test_a_key_is_one_clients_alone(exchange: Exchange) -> None:
    signer = Signer(exchange.municipality)
    other: Party = enrol("municipality")
    with pytest.raises(IntegrityError, match="agencies_clientkey_is_one_clients"):
        register(other, {**signer.jwk, "kid": "x"})
