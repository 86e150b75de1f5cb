"""Keyed hashes: what lets two equal values be seen to be equal without saying what they are (RFC 2104)."""

import hashlib
import hmac

from django.conf import settings


def keyed(purpose: str, value: bytes) -> str:
    """
    Return HMAC-SHA-256 of a value under a key of its own for each purpose, as 64 hexadecimal characters.

    Keyed always: a plain hash of a CPR number is enumerated in minutes.
    """
    key = hmac.digest(settings.KEYS.keyed_hash, purpose.encode(), hashlib.sha256)
    return hmac.digest(key, value, hashlib.sha256).hex()
