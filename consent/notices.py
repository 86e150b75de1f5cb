"""The texts that tell a person what they consent to: in versions, in Danish and English, each with its hash."""

import hashlib
from collections.abc import Sequence

from consent.models import Notice


def digest(text: str) -> str:
    """Return the SHA-256 (FIPS 180-4) of a text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def notices() -> Sequence[Notice]:
    """Return every version there was, newest first, in each language."""
    return list(Notice.objects.order_by("-valid_from", "-version", "language"))


def ours(version: str, language: str) -> Notice | None:
    """Return our text of a version and language, or None where the version is somebody else's."""
    return Notice.objects.filter(version=version, language=language).first()
