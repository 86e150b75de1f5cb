"""
Which addresses may be called: https, a name, and only where that name leads to the public internet.

Checked when an endpoint is registered and again at each call, and the call goes to the very address that was checked
(`calling`): a name that leads somewhere else a moment later leads nowhere (DNS rebinding). It sends nothing.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = (443, 8443)
HOST = re.compile(r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$")
PLAIN = re.compile(r"^[\x21-\x7e]{1,1000}$")
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
"""IPv4 inside IPv6 (RFC 6052, RFC 8215): what it reaches, the gateway decides; so nothing is called there."""


class NotCallable(Exception):  # noqa: N818 - it says what the address is not
    """The address is not one that may be called. `code` says why, and nothing of what the name led to."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a call goes: to this address, in the name of this host."""

    secure: bool
    host: str
    port: int
    path: str
    address: str


def target(url: str) -> Target:
    """Return where a call to this URL goes, by what its name leads to now. Raises `NotCallable`."""
    secure, host, port, path = _parts(url)
    found = _resolved(host, port)
    if not found:
        raise NotCallable("not_public")
    if not all(_allowed(address) for address in found):  # one that leads inside as well is not trusted with the rest
        raise NotCallable("not_public")
    return Target(secure=secure, host=host, port=port, path=path, address=str(found[0]))


def _parts(url: str) -> tuple[bool, str, int, str]:
    if not PLAIN.match(url):
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
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def _allowed(address: Address) -> bool:
    if settings.WEBHOOKS_INSIDE and address.is_loopback:
        return True
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in NAT64) or address.teredo is not None:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return _allowed(inner)
    reserved = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not reserved
