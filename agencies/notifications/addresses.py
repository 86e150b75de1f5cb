"""
Which addresses may be called: https, a name, and only where that name leads to the public internet.

Checked when an endpoint is registered and again at each call, and the call goes to the very address that was checked
(`calling`): a name that leads somewhere else a moment later leads nowhere (DNS rebinding). It sends nothing.
"""

import ipaddress
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = (443, 8443)
HOST = re.compile(r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$")
PLAIN = re.compile(r"[\x21-\x7e]{1,1000}")
ELSEWHERE = tuple(
    map(
        ipaddress.ip_network,
        (
            *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"),  # IPv4 inside IPv6: a gateway decides what it reaches
            *("3fff::/20", "fec0::/10"),  # documentation (RFC 9637), and what was site-local (RFC 3879)
            *("192.0.0.0/24", "192.88.99.0/24"),  # protocols' own (RFC 6890), and the old 6to4 relays (RFC 7526)
        ),
    )
)
"""What Python's tables call global, or did in some of its versions, and where nothing is called all the same."""

NOT_PUBLIC = "not_public"
"""Where a name leads inside, or nowhere: which of them, and so whether it is known inside, nobody outside learns."""

RESOLVER_SECONDS, RESOLVERS = 3.0, 4
_resolvers = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")
"""A lookup has no timeout of its own; here one that hangs holds up nobody but other lookups."""


class NotCallable(Exception):  # noqa: N818 - it says what the address is not
    """The address is not one that may be called. `code` says why, and nothing of what the name led to."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a call goes: to one of these addresses, in the name of this host."""

    secure: bool
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


def target(url: str) -> Target:
    """Return where a call to this URL goes, by what its name leads to now. Raises `NotCallable`."""
    secure, host, port, path = _parts(url)
    found = _resolved(host, port)
    if not found or not all(map(_allowed, found)):  # one that leads inside as well is not trusted with the rest
        raise NotCallable(NOT_PUBLIC)
    return Target(secure=secure, host=host, port=port, path=path, addresses=tuple(map(str, found)))


def _parts(url: str) -> tuple[bool, str, int, str]:
    if not PLAIN.fullmatch(url):
        raise NotCallable("not_a_url")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise NotCallable("not_a_url") from error
    if parts.username is not None or parts.password is not None or parts.fragment or "\\" in url:
        raise NotCallable("not_a_url")
    inside: bool = settings.WEBHOOKS_INSIDE
    if parts.scheme != "https" and not (inside and parts.scheme == "http"):
        raise NotCallable("not_https")
    if not HOST.match(host) and not inside:
        raise NotCallable("not_a_name")
    secure = parts.scheme == "https"
    port = port or (443 if secure else 80)
    if port not in PORTS and not inside:
        raise NotCallable("not_a_port")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return secure, host, port, path


def _resolved(host: str, port: int) -> list[Address]:
    looked_up = _resolvers.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = looked_up.result(timeout=RESOLVER_SECONDS)
    except (OSError, UnicodeError, TimeoutError):
        looked_up.cancel()
        return []
    return list(dict.fromkeys(ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found))


def _allowed(address: Address) -> bool:
    if settings.WEBHOOKS_INSIDE and address.is_loopback:
        return True
    if any(address in network for network in ELSEWHERE):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.teredo is not None:
            return False
        if address.ipv4_mapped is not None:
            return _allowed(address.ipv4_mapped)
    reserved = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not reserved
