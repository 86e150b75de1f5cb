"""
Which certificate a request came with (RFC 8705), as the proxy says that ended its TLS; and by whom that is believed.

The header is read only where it is configured, and only over the hop from the configured proxy; anywhere else it is
refused, not overlooked. That somebody holds the certificate's private key, TLS has proven. Who they are it does not
say: a token that is bound to it is good with it, and with no other.
"""

import binascii
import hashlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.utils import timezone

HEADER_MOST = 16 * 1024
END = "-----END CERTIFICATE-----"
UNIX_SOCKET = "unix"
"""How a setting names a proxy that speaks over a socket of this host, and so has no address."""


class CertificateRefused(Exception):  # noqa: N818 - what happened to it
    """A certificate was said to be there, and it can't be believed. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def presented(meta: Mapping[str, Any]) -> str | None:
    """
    Return the thumbprint (`x5t#S256`, RFC 8705 section 3.1) of the certificate that a request came with, or None.

    Raises `CertificateRefused` where the header comes from elsewhere than the proxy, or holds no certificate of today.
    """
    name = settings.CLIENT_CERTIFICATE_HEADER
    sent = meta.get("HTTP_" + name.upper().replace("-", "_")) if name else None
    if not sent:
        return None
    if not over_the_proxy(meta):
        raise CertificateRefused("not_over_the_proxy")
    return thumbprint(str(sent))


def over_the_proxy(meta: Mapping[str, Any]) -> bool:
    """Say whether a request comes from a configured proxy, so that what the proxy adds to it is the proxy's word."""
    return (meta.get("REMOTE_ADDR") or UNIX_SOCKET) in settings.TRUSTED_PROXIES


def thumbprint(header: str) -> str:
    """
    Return the thumbprint of the certificate in a header: nginx's escaped PEM, or RFC 9440's `:base64:`.

    Raises `CertificateRefused` for anything else, for several, and for one that is not valid now.
    """
    if len(header) > HEADER_MOST:
        raise CertificateRefused("too_long")
    try:
        if header.startswith(":") and header.endswith(":"):
            certificate = x509.load_der_x509_certificate(b64decode(header[1:-1], validate=True))
        else:
            pem = unquote(header, errors="strict")
            if pem.count(END) != 1:
                raise CertificateRefused("form")
            certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
    except (ValueError, binascii.Error):
        raise CertificateRefused("form") from None
    if not certificate.not_valid_before_utc <= timezone.now() <= certificate.not_valid_after_utc:
        raise CertificateRefused("dates")
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
