"""The scanner's port and ClamAV's adapter, over real sockets: a verdict is only what the scanner said in full."""

import os
import socket
import time
from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from referrals.scanning import Clamd, Clean, Infected, ScannerUnavailable, clamd_at, configured, serves_unscanned
from tests.referrals.clamd import OK, Answering, clamd
from tests.referrals.files import EICAR, JPEG, PDF, PNG, pdf

pytestmark = pytest.mark.no_database
REAL = os.environ.get("UDVEJ_TEST_CLAMAV", "")


@pytest.mark.parametrize("over", ["unix", "tcp"])
def test_the_scanner_is_sent_the_whole_file_and_its_verdict_is_returned(over: str) -> None:
    large = pdf(bytes(range(256)) * 5000)
    with clamd(over=over) as scanner:
        port = clamd_at(scanner.address)
        assert [port.scan(content) for content in (PDF, large, b"x")] == [Clean(), Clean(), Clean()]
        assert port.scan(pdf(EICAR)) == Infected("Eicar-Test-Signature")
    assert scanner.received == [PDF, large, b"x", pdf(EICAR)]


def say(words: bytes) -> Answering:
    return lambda caller, _content: caller.sendall(words)


NO_VERDICT: dict[str, Answering] = {
    "nothing": lambda _caller, _content: None,
    "half a verdict": say(b"stream: OK"),
    "an error": say(b"stream: Can't allocate memory ERROR\0"),
    "a limit": say(b"INSTREAM size limit exceeded. ERROR\0"),
    "a virus called OK": say(b"stream: OK OK\0"),
    "two verdicts": say(b"stream: OK\0stream: OK\0"),
    "no end of words": say(b"stream: " + b"O" * 5000),
    "something else": say(b"HTTP/1.1 200 OK\r\n\r\n"),
    "not text": say(b"\xff\xfe\0"),
}


@pytest.mark.parametrize("answer", NO_VERDICT)
def test_whatever_is_no_verdict_is_none(answer: str) -> None:
    with clamd(NO_VERDICT[answer]) as scanner, pytest.raises(ScannerUnavailable):
        clamd_at(scanner.address).scan(PDF)


def test_a_scanner_that_hangs_up_in_the_middle_gave_no_verdict() -> None:
    with clamd(reads=False, answer=lambda _caller, _content: None) as scanner, pytest.raises(ScannerUnavailable):
        clamd_at(scanner.address).scan(b"x" * 5_000_000)


@pytest.mark.parametrize("drip", [False, True])
def test_a_scanner_that_is_too_slow_gave_no_verdict(drip: bool) -> None:
    """Also where it sends something now and then: the time is for all of it."""

    def slowly(caller: socket.socket, content: bytes) -> None:
        for letter in OK:
            time.sleep(0.1)
            caller.sendall(bytes([letter]) if drip else b"")

    with clamd(slowly) as scanner:
        started = time.monotonic()
        with pytest.raises(ScannerUnavailable):
            replace(clamd_at(scanner.address), seconds=0.3).scan(PDF)
        assert time.monotonic() - started < 0.9


def test_a_scanner_that_is_not_there_gave_no_verdict() -> None:
    with clamd() as gone:
        pass
    with clamd(over="tcp") as gone_too:
        pass
    for address in (gone.address, gone_too.address):
        with pytest.raises(ScannerUnavailable):
            clamd_at(address).scan(PDF)


def test_what_is_larger_than_the_scanner_takes_is_not_sent() -> None:
    with clamd() as scanner:
        with pytest.raises(ScannerUnavailable):
            replace(clamd_at(scanner.address), most=len(PDF) - 1).scan(PDF)
        assert replace(clamd_at(scanner.address), most=len(PDF)).scan(PDF) == Clean()
    assert scanner.received == [PDF]


def test_without_a_setting_there_is_no_scanner(settings: Settings) -> None:
    settings.CLAMAV = ""
    assert configured() is None
    settings.CLAMAV = "unix:/run/clamav/clamd.ctl"
    assert configured() == Clamd(socket.AF_UNIX, "/run/clamav/clamd.ctl")


def test_a_scanners_address_has_one_of_two_forms() -> None:
    assert clamd_at("tcp:127.0.0.1:3310") == Clamd(socket.AF_INET, ("127.0.0.1", 3310))
    assert clamd_at("tcp:[::1]:3310") == Clamd(socket.AF_INET6, ("::1", 3310))
    for wrong in (
        "clamav",
        "unix:",
        "unix:clamd.ctl",
        "tcp:3310",
        "tcp:host",
        "tcp:host:port",
        "tcp::3310",
        "http://x",
    ):
        with pytest.raises(ImproperlyConfigured):
            clamd_at(wrong)


def test_what_is_unscanned_is_withheld_or_served_and_nothing_between(settings: Settings) -> None:
    for word, serves in (("withhold", False), ("serve", True)):
        settings.ATTACHMENTS_UNSCANNED = word
        assert serves_unscanned() is serves
    for wrong in ("", "Serve", "true", "yes"):
        settings.ATTACHMENTS_UNSCANNED = wrong
        with pytest.raises(ImproperlyConfigured):
            serves_unscanned()


@pytest.mark.skipif(not REAL, reason="UDVEJ_TEST_CLAMAV names no clamd (unix:/path or tcp:host:port) to try")
def test_a_real_clamd_gives_the_same_verdicts() -> None:
    """Its signatures have to know EICAR's text anywhere in a file."""
    real = clamd_at(REAL)
    assert [real.scan(content) for content in (PDF, PNG, JPEG)] == [Clean(), Clean(), Clean()]
    assert isinstance(real.scan(pdf(EICAR)), Infected)
    assert isinstance(real.scan(EICAR), Infected)
    assert real.scan(pdf(b"x" * 5_000_000)) == Clean()
