"""One secret or key follows another without a pause, and what ends has ended at once; each change is an entry."""

import json
from datetime import timedelta
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.db import ProgrammingError
from django.test import Client as Browser
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from agencies.credentials import ClientKey
from agencies.models import Client
from audit.models import Entry
from tests.agencies.administering import administrator, browser_of
from tests.agencies.signing import Signer
from tests.exchange import Exchange, Party
from tests.rules.scan import tables_holding


@pytest.fixture
def browser(exchange: Exchange) -> Browser:
    return browser_of(administrator())


def change_secret(browser: Browser, party: Party, how: str, **changes: str) -> str:
    """Change the client's secret in the administration; return the new one, or nothing where none was shown."""
    client = Client.objects.get(client_id=party.client_id)
    form = {"name": client.name, "agency": party.id, "scopes": ",".join(client.scopes), "active": "on", "secret": how}
    answer = browser.post(f"/admin/agencies/client/{client.pk}/change/", {**form, **changes}, follow=True)
    _, shown, rest = answer.content.decode().partition("shown this once: ")
    return rest.split("<")[0].strip() if shown else ""


def entry_of(client_id: str) -> Entry:
    client = Client.objects.get(client_id=client_id)
    return Entry.objects.filter(subject_kind="agencies.client", subject_id=str(client.pk)).latest("id")


def status(party: Party, secret: str) -> int:
    return party.fetch_token(secret=secret).status


def test_while_one_secret_follows_another_both_are_good(exchange: Exchange, browser: Browser) -> None:
    party = exchange.municipality
    first = party.client_secret
    token = party.token
    second = change_secret(browser, party, "follow")
    assert (status(party, first), status(party, second)) == (200, 200)
    assert party.token == token
    assert party.as_("caseworker").get("referrals").status == 200
    assert entry_of(party.client_id).detail == {"saved": "yes", "secret": "follow"}
    for secret in (first, second):
        assert tables_holding(secret) == []
    client = Client.objects.filter(client_id=party.client_id)
    client.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    assert (status(party, first), status(party, second)) == (401, 200)


def test_two_secrets_are_good_and_no_more(exchange: Exchange, browser: Browser) -> None:
    party = exchange.municipality
    first = party.client_secret
    second = change_secret(browser, party, "follow")
    third = change_secret(browser, party, "follow")
    assert [status(party, secret) for secret in (first, second, third)] == [401, 200, 200]


def test_a_replaced_secret_ends_at_once_and_its_tokens_with_it(exchange: Exchange, browser: Browser) -> None:
    party = exchange.municipality
    first, caseworker = party.client_secret, party.as_("caseworker")
    assert caseworker.get("referrals").status == 200
    second = change_secret(browser, party, "replace")
    assert (status(party, first), status(party, second)) == (401, 200)
    assert caseworker.get("referrals").status == 401
    assert entry_of(party.client_id).detail["secret"] == "replace"


def test_a_client_that_signs_needs_no_secret(exchange: Exchange, browser: Browser) -> None:
    party = exchange.municipality
    signer = Signer(party)
    assert party.as_("caseworker").get("referrals").status == 200
    assert change_secret(browser, party, "end") == ""
    assert status(party, party.client_secret) == 401
    assert party.as_("caseworker").get("referrals").status == 401
    assert signer.ask().status == 200


def test_a_client_that_is_made_inactive_has_no_token_any_more(exchange: Exchange, browser: Browser) -> None:
    party = exchange.municipality
    assert party.as_("caseworker").get("referrals").status == 200
    change_secret(browser, party, "", active="")
    assert party.as_("caseworker").get("referrals").status == 401
    assert status(party, party.client_secret) == 401


@pytest.mark.parametrize("how", ["rotate", "follow'--"])
def test_an_unknown_wish_changes_nothing(exchange: Exchange, browser: Browser, how: str) -> None:
    assert change_secret(browser, exchange.municipality, how) == ""
    assert status(exchange.municipality, exchange.municipality.client_secret) == 200
    assert entry_of(exchange.municipality.client_id).detail == {"saved": "no"}


def test_a_scope_that_is_not_known_is_given_to_nobody(exchange: Exchange, browser: Browser) -> None:
    before = Client.objects.get(client_id=exchange.municipality.client_id).scopes
    change_secret(browser, exchange.municipality, "", scopes="referrals,everything")
    assert Client.objects.get(client_id=exchange.municipality.client_id).scopes == before
    change_secret(browser, exchange.municipality, "", scopes="referrals:read,consents")
    assert exchange.municipality.fetch_token().body["scope"] == "referrals:read consents"


# --- Keys ---------------------------------------------------------------------------------------------------------


def add_key(browser: Browser, party: Party, jwk: Any) -> bool:
    client = Client.objects.get(client_id=party.client_id)
    form = {
        "client": str(client.pk),
        "jwk": json.dumps(jwk),
        "valid_from_0": "2026-01-01",
        "valid_from_1": "08:00:00",
        "retired_at_0": "",
        "retired_at_1": "",
    }
    answer = browser.post("/admin/agencies/clientkey/add/", form)
    assert answer.status_code in (200, 302)
    return answer.status_code == 302


def test_a_key_is_registered_and_retired_in_the_administration(exchange: Exchange, browser: Browser) -> None:
    first = Signer(exchange.municipality, registered=False)
    second = Signer(exchange.municipality, "EdDSA", registered=False)
    assert first.ask().status == 401
    assert add_key(browser, exchange.municipality, first.jwk)
    assert add_key(browser, exchange.municipality, {"keys": [second.jwk]})
    assert (first.ask().status, second.ask().status) == (200, 200)
    row = ClientKey.objects.get(kid=first.kid)
    page = f"/admin/agencies/clientkey/{row.pk}/change/"
    assert browser.get(page).status_code == 200
    ended = {"retired_at_0": "2026-01-02", "retired_at_1": "08:00:00"}
    assert browser.post(page, {**ended, "jwk": json.dumps(second.jwk), "kid": "other"}).status_code == 302
    assert (first.ask().status, second.ask().status) == (401, 200)
    row.refresh_from_db()
    assert (row.kid, row.jwk["kty"]) == (first.kid, "EC")
    entry = Entry.objects.filter(subject_kind="agencies.clientkey", subject_id=str(row.pk)).latest("id")
    assert (entry.action, entry.detail) == ("administration.change", {"saved": "yes"})
    assert "retired_at" in LogEntry.objects.get(cid=str(entry.correlation)).changes


def test_a_key_that_would_not_hold_or_is_anothers_is_refused_in_words(exchange: Exchange, browser: Browser) -> None:
    signer = Signer(exchange.municipality, registered=False)
    assert not add_key(browser, exchange.municipality, {**signer.jwk, "d": "AAAA"})
    assert not add_key(browser, exchange.municipality, {"kty": "oct", "k": "AAAA"})
    assert not add_key(browser, exchange.municipality, {"keys": [signer.jwk, signer.jwk]})
    assert not add_key(browser, exchange.municipality, {"keys": []})
    assert add_key(browser, exchange.municipality, signer.jwk)
    assert not add_key(browser, exchange.municipality, signer.jwk)
    assert not add_key(browser, exchange.stranger, {**signer.jwk, "kid": "another name"})


def test_the_application_itself_can_not_edit_a_key(exchange: Exchange) -> None:
    signer, other = Signer(exchange.municipality), Signer(exchange.stranger)
    for change in ({"jwk": other.jwk}, {"client": Client.objects.get(client_id=other.party.client_id)}, {"kid": "x"}):
        with pytest.raises(ProgrammingError, match="permission denied"):
            ClientKey.objects.filter(kid=signer.kid).update(**change)
    with pytest.raises(ProgrammingError, match="permission denied"):
        ClientKey.objects.filter(kid=signer.kid).delete()


def test_a_stopped_clients_tokens_are_nobodys_even_if_it_starts_again(exchange: Exchange, browser: Browser) -> None:
    """What is ended by an administrator's wish does not come back by another."""
    party = exchange.municipality
    assert party.as_("caseworker").get("referrals").status == 200
    change_secret(browser, party, "end", active="")
    change_secret(browser, party, "")
    assert party.as_("caseworker").get("referrals").status == 401
    client = Client.objects.get(client_id=party.client_id)
    assert not get_access_token_model().objects.filter(application=client, expires__gt=timezone.now()).exists()
