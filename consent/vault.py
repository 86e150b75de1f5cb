"""
Seals content at rest: AES-256-GCM under a key of the subject's own, itself wrapped by a key outside the database.

Destroying a subject's wrapped key makes everything sealed under it unreadable, in the database and in its backups.
What a sealed text belongs to is bound to it, so it can't be moved to another referral or category.
"""

import json
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12
KEY_BITS = 256
WRAPPED = b"subject-key"


class Unsealable(Exception):  # noqa: N818 - names what the content is
    """Sealed content that this key does not open, or that belongs elsewhere: shredded, moved or altered."""


def new_key() -> bytes:
    """Return a new subject key, wrapped: 12-byte nonce, then ciphertext and 16-byte tag (NIST SP 800-38D)."""
    return _encrypt(settings.KEYS.vault_kek, AESGCM.generate_key(KEY_BITS), WRAPPED)


def seal(content: Any, *, wrapped_key: bytes, belongs_to: str) -> bytes:
    """Return JSON content sealed under the subject's key and bound to where it belongs."""
    key = _decrypt(settings.KEYS.vault_kek, wrapped_key, WRAPPED)
    return _encrypt(key, json.dumps(content, ensure_ascii=False).encode(), belongs_to.encode())


def unseal(sealed: bytes, *, wrapped_key: bytes, belongs_to: str) -> Any:
    """Return the content. Raises `Unsealable` where the key is destroyed or the text was moved or altered."""
    key = _decrypt(settings.KEYS.vault_kek, wrapped_key, WRAPPED)
    return json.loads(_decrypt(key, sealed, belongs_to.encode()))


def _encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise Unsealable from error
