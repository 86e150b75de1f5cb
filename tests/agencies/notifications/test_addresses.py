"""Which addresses an endpoint may have: looked at when it is registered, and again at each call."""

import ipaddress
import socket
import time
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from agencies.notifications import calling
from agencies.notifications.addresses import NotCallable, target
from agencies.notifications.models import Attempt, Endpoint
from tests.agencies.notifications.receiving import subscriber, work_off
from tests.exchange import Answer, Caller, Exchange

PUBLIC = "93.184.216.34"
INSIDE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1"),
    *("fd12:3456::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::"),
    *(
        "fec0::1",
        "192.0.0.192",
        "192.88.99.1",
        "2002:808:808::",
        "3fff::1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
    ),
)


def leads_to(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """Let every name lead to these addresses, as the resolver would say it."""
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)


def why_not(url: str) -> str:
    with pytest.raises(NotCallable) as refused:
        target(url)
    return refused.value.code


def test_a_name_that_leads_to_the_public_internet_is_called_at_the_address_it_led_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leads_to(monkeypatch, PUBLIC)
    found = target("https://Sager.Example.dk:8443/udvej?a=1")
    assert (found.host, found.port, found.path, found.addresses) == ("sager.example.dk", 8443, "/udvej?a=1", (PUBLIC,))


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    leads_to(monkeypatch, address)
    assert why_not("https://sager.example.dk/") == "not_public"


def test_a_name_that_leads_inside_as_well_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, PUBLIC, "10.0.0.1")
    assert why_not("https://sager.example.dk/") == "not_public"


def test_a_name_that_leads_nowhere_is_answered_like_one_that_leads_inside(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for found in ((), ("10.0.0.1",)):
        leads_to(monkeypatch, *found)
        answers.append(registering(exchange.centre.as_("administrator"), "https://inside.example.dk/").body)
    assert answers[0] == answers[1]
    assert answers[0]["errors"][0]["code"] == "not_public"


def test_at_the_call_too_they_leave_the_same_trace(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or an administrator whose own name leads on to names inside would read from the log which of them there are."""
    caller, traces = exchange.centre.as_("administrator"), []
    for found in ((), ("10.0.0.1",)):
        leads_to(monkeypatch, PUBLIC)
        path = f"notifications/endpoints/{registering(caller, 'https://sager.example.dk/').body['id']}"
        assert caller.post(f"{path}/test", {}).status == 202
        leads_to(monkeypatch, *found)
        work_off()
        (row,) = caller.get(f"notifications/deliveries?endpoint={path.rpartition('/')[2]}").body["results"]
        endpoint = caller.get(path).body
        traces.append((row["state"], row["attempts"][0]["failure"], endpoint["state"], endpoint["failing_since"]))
    assert traces == [("waiting", "not_public", "active", None)] * 2


def registering(caller: Caller, url: str) -> Answer:
    return caller.call("POST", "notifications/endpoints", {"url": url}, Idempotency_Key=str(uuid4()))


def test_for_who_may_not_register_no_name_is_looked_up(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for party, role in ((exchange.centre, "counsellor"), (exchange.investigators, "caseworker")):
        assert registering(party.as_(role), "https://asked.example.dk/").status in {403, 404}
    assert asked == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://sager.example.dk/", "not_https"),
        ("ftp://sager.example.dk/", "not_https"),
        ("https://sager.example.dk:22/", "not_a_port"),
        ("https://sager.example.dk:99999/", "not_a_url"),
        ("https://8.8.8.8/", "not_a_name"),
        ("https://[2606:4700::1111]/", "not_a_name"),
        ("https://2130706433/", "not_a_name"),
        ("https://0x7f.1/", "not_a_name"),
        ("https://localhost/", "not_a_name"),
        ("https://localhost./", "not_a_name"),
        ("https://user:secret@sager.example.dk/", "not_a_url"),
        ("https://sager.example.dk/#x", "not_a_url"),
        ("https://sager.example.dk\\@127.0.0.1/", "not_a_url"),
        ("https://sager.example.dk/\r\nHost: inside", "not_a_url"),
        ("https://sager.example.dk/ x", "not_a_url"),
        ("https://sager.example.dk/\n", "not_a_url"),
        ("https:///udvej", "not_a_name"),
        ("", "not_a_url"),
    ],
)
def test_an_address_of_another_form_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, code: str) -> None:
    leads_to(monkeypatch, PUBLIC)
    assert why_not(url) == code


def test_every_address_of_this_table_is_known_for_what_it_is() -> None:
    """A slip of the pen in the table would test nothing."""
    assert all(ipaddress.ip_address(address) for address in (*INSIDE, PUBLIC))


def test_loopback_is_called_in_development_alone(settings: Settings) -> None:
    assert why_not("http://127.0.0.1:8080/") == "not_https"
    settings.WEBHOOKS_INSIDE = True
    assert target("http://127.0.0.1:8080/").addresses == ("127.0.0.1",)


def test_other_private_addresses_are_not_called_in_development_either(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS_INSIDE = True
    leads_to(monkeypatch, "169.254.169.254")
    assert why_not("http://metadata/") == "not_public"


def test_an_endpoint_inside_is_not_registered_and_the_answer_says_what_would_be_right(exchange: Exchange) -> None:
    caller = exchange.centre.as_("administrator")
    refused = caller.call(
        "POST",
        "notifications/endpoints",
        {"url": "http://127.0.0.1/"},
        Idempotency_Key=str(uuid4()),
        Accept_Language="en",
    )
    assert (refused.status, refused.body["code"]) == (422, "endpoint-not-valid")
    (error,) = refused.body["errors"]
    assert (error["pointer"], error["code"]) == ("/url", "not_https")
    assert error["message"] == "The address must begin with https://."
    assert not Endpoint.objects.filter(agency=exchange.centre.agency).exists()


def test_a_name_that_leads_inside_by_the_time_of_the_call_is_not_called(exchange: Exchange, settings: Settings) -> None:
    """DNS rebinding: the name was public when it was registered, and is not when it is called."""
    settings.WEBHOOKS_INSIDE = True
    with subscriber() as hook:
        caller = exchange.centre.as_("administrator")
        made = caller.call("POST", "notifications/endpoints", {"url": hook.url}, Idempotency_Key=str(uuid4()))
        exchange.municipality.as_("caseworker").submit(exchange.centre)
        settings.WEBHOOKS_INSIDE = False
        work_off()
        assert hook.received == []
    assert Attempt.objects.get(delivery__endpoint=made.body["id"]).failure == "not_https"


def test_the_call_goes_to_the_address_that_was_checked_and_not_to_what_the_name_says_then(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.WEBHOOKS_INSIDE = True
    asked: list[Any] = []
    with subscriber() as hook:
        port = int(hook.url.rsplit(":", 1)[1].split("/")[0])
        real = socket.getaddrinfo

        def once_public(host: str, *rest: Any, **more: Any) -> Any:
            asked.append(host)
            return real("127.0.0.1" if len(asked) == 1 else host, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", once_public)
        to = target(f"http://sager.example.dk:{port}/hook")
        status = calling._post(to, b"{}", {"webhook-id": "x"}, ends=time.monotonic() + 5)
    assert status == 204
    assert "sager.example.dk" not in asked[1:]
    assert hook.received[0].headers["Host"] == f"sager.example.dk:{port}"
