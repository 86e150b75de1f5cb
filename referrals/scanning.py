"""
Asks a scanner whether a file is infected: a port, and the adapter for ClamAV's daemon.

Without a configured scanner nothing is scanned, and what is not scanned is marked so. Nothing here knows what file it
is, of whom, or what follows from the verdict.
"""

import socket
import struct
import time
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

CHUNK = 64 * 1024
REPLY_MAX = 1024
SECONDS = 20.0
"""How long a scan may take altogether; the caller's transaction is open meanwhile, but locks nothing."""

BYTES_MAX = 25 * 1024 * 1024
"""The smallest default that clamd has had for StreamMaxLength."""


@dataclass(frozen=True, slots=True)
class Clean:
    """The scanner found nothing it knows."""


@dataclass(frozen=True, slots=True)
class Infected:
    """The scanner found something; `signature` is its own name for it."""

    signature: str


class ScannerUnavailable(Exception):  # noqa: N818 - says what is the matter
    """The scanner gave no verdict: not there, too slow, or it answered something else."""


class Scanner(Protocol):
    """What looks at a file's bytes."""

    def scan(self, content: bytes) -> Clean | Infected:
        """Return the verdict. Raises `ScannerUnavailable` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Clamd:
    """
    ClamAV's daemon behind a Unix or TCP socket, by its command INSTREAM (clamd(8)): the bytes go over the socket, in
    the clear, and are never a file here.
    """

    family: socket.AddressFamily
    address: str | tuple[str, int]
    seconds: float = SECONDS
    most: int = BYTES_MAX

    def scan(self, content: bytes) -> Clean | Infected:
        """Return clamd's verdict. Raises `ScannerUnavailable`."""
        if len(content) > self.most:
            raise ScannerUnavailable("larger than the scanner takes")
        try:
            with socket.socket(self.family, socket.SOCK_STREAM) as opened:
                return _verdict(self._ask(opened, content))
        except OSError as error:
            raise ScannerUnavailable("the scanner is not reached") from error

    def _ask(self, opened: socket.socket, content: bytes) -> bytes:
        until = time.monotonic() + self.seconds
        _allow(opened, until)
        opened.connect(self.address)
        opened.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), CHUNK):
            chunk = content[start : start + CHUNK]
            _allow(opened, until)
            opened.sendall(struct.pack("!I", len(chunk)) + chunk)
        opened.sendall(struct.pack("!I", 0))
        reply = b""
        while not reply.endswith(b"\0") and len(reply) < REPLY_MAX:
            _allow(opened, until)
            received = opened.recv(REPLY_MAX)
            if not received:
                break
            reply += received
        return reply


def configured() -> Scanner | None:
    """Return the scanner that the settings name, or None. Raises ImproperlyConfigured for another form."""
    return clamd_at(settings.CLAMAV) if settings.CLAMAV else None


def serves_unscanned() -> bool:
    """Say whether what was never scanned is served all the same. Raises ImproperlyConfigured for another word."""
    if settings.ATTACHMENTS_UNSCANNED not in {"withhold", "serve"}:
        raise ImproperlyConfigured("UDVEJ_ATTACHMENTS_UNSCANNED has to be withhold or serve")
    return bool(settings.ATTACHMENTS_UNSCANNED == "serve")


def clamd_at(address: str) -> Clamd:
    """Return clamd at `unix:/path/to/socket` or `tcp:host:port`. Raises ImproperlyConfigured for another form."""
    kind, _, place = address.partition(":")
    if kind == "unix" and place.startswith("/"):
        return Clamd(socket.AF_UNIX, place)
    host, _, port = place.rpartition(":")
    if kind == "tcp" and host and port.isascii() and port.isdigit():
        bare = host.strip("[]")
        return Clamd(socket.AF_INET6 if ":" in bare else socket.AF_INET, (bare, int(port)))
    raise ImproperlyConfigured("UDVEJ_CLAMAV has to look like unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310")


def _allow(opened: socket.socket, until: float) -> None:
    """Let the next operation take what is left of the time; a socket's own timeout begins anew with each."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    opened.settimeout(left)


def _verdict(reply: bytes) -> Clean | Infected:
    """Return what a whole reply says. Whatever is not one of the two verdicts is none."""
    text = reply.decode("utf-8", "replace")
    if text == "stream: OK\0":
        return Clean()
    if text.startswith("stream: ") and text.endswith(" FOUND\0"):
        return Infected(text.removeprefix("stream: ").removesuffix(" FOUND\0"))
    raise ScannerUnavailable("the scanner gave no verdict")
