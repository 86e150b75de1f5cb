"""
Seals content at rest: AES-256-GCM (NIST SP 800-38D) under a key of the subject's own.

Destroying a subject's key makes everything sealed under it unreadable, in the database and in its backups, since the
keys lie outside it (`keystore`). What a sealed text belongs to is bound to it, so it can't be moved to another referral
or category. Keys are fetched for each use and never kept, so that a destroyed one is gone at once.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.module_loading import import_string

from consent.errors import KeyDestroyed, Unsealable
from consent.keystore import KEY_BITS, NONCE_BYTES, KeyEncryption, KeyGone, KeyStore, Wrapped


def make_key(subject: UUID) -> None:
    """Make a subject's key and store it, wrapped and bound to the subject."""
    keks, store, key = _keks(), _store(), AESGCM.generate_key(KEY_BITS)
    wrapped = keks.wrap(key, bound=_bound(subject))
    store.put(subject, wrapped)
    if wrapped.kek != keks.newest():  # a rotation came between, and may not have seen this key
        store.put(subject, keks.wrap(key, bound=_bound(subject)))


def seal(content: Any, *, subject: UUID, belongs_to: str) -> bytes:
    """Return JSON content sealed under the subject's key. Raises `KeyDestroyed`."""
    return seal_bytes(json.dumps(content, ensure_ascii=False).encode(), subject=subject, belongs_to=belongs_to)


def unseal(sealed: bytes, *, subject: UUID, belongs_to: str) -> Any:
    """Return the content. Raises `KeyDestroyed`, and `Unsealable` where the text was moved or altered."""
    return json.loads(unseal_bytes(sealed, subject=subject, belongs_to=belongs_to))


def seal_bytes(content: bytes, *, subject: UUID, belongs_to: str) -> bytes:
    """Return bytes sealed under the subject's key: 12-byte nonce, then ciphertext and 16-byte tag. Raises as `seal`."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(_key(subject)).encrypt(nonce, content, belongs_to.encode())


def unseal_bytes(sealed: bytes, *, subject: UUID, belongs_to: str) -> bytes:
    """Return the bytes. Raises `Unsealable` as `unseal` does."""
    try:
        return AESGCM(_key(subject)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], belongs_to.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable from error


def commitment(subject: UUID) -> str:
    """
    Return the subject's name in the ledger: HMAC-SHA-256 of their id, salted by their own key, in hexadecimal.

    Whoever holds the key can show whom an entry is about; when it is destroyed, nobody can. Raises `KeyDestroyed`.
    """
    salt = hmac.digest(_key(subject), b"ledger-name", hashlib.sha256)
    return hmac.digest(salt, subject.bytes, hashlib.sha256).hex()


def destroy_key(subject: UUID) -> None:
    """Destroy a subject's key. From here on nobody reads what was sealed under it, in whatever copy."""
    _store().destroy(subject)


def rotate() -> int:
    """
    Make a new key-encryption key and wrap every subject's key anew under it; return how many were.

    A server that runs meanwhile goes on, since each key names what wraps it. The older key-encryption keys stay until
    `retire_older`.
    """
    _keks().renew()
    return _rewrap()


def retire_older() -> int:
    """Destroy every key-encryption key but the newest that wraps nothing any more; return how many."""
    _rewrap()
    keks = _keks()
    in_use = {keks.newest(), *(wrapped.kek for wrapped in _wrapped())}
    idle = [kek for kek in keks.all() if kek not in in_use]
    for kek in idle:
        keks.retire(kek)
    return len(idle)


def _wrapped() -> Iterator[Wrapped]:
    store = _store()
    for subject in store.subjects():
        with suppress(KeyGone):
            yield store.get(subject)


def _rewrap() -> int:
    keks, store = _keks(), _store()
    newest, rewrapped = keks.newest(), 0
    for subject in list(store.subjects()):
        with suppress(KeyGone):  # destroyed meanwhile, or wrapped by what is already gone: neither comes back
            wrapped = store.get(subject)
            if wrapped.kek != newest:
                key = keks.unwrap(wrapped, bound=_bound(subject))
                rewrapped += store.replace(subject, wrapped, keks.wrap(key, bound=_bound(subject)))
    return rewrapped


def _key(subject: UUID) -> bytes:
    wrapped = _stored(subject)
    while True:
        try:
            return _keks().unwrap(wrapped, bound=_bound(subject))
        except KeyGone as error:
            before, wrapped = wrapped, _stored(subject)
            if wrapped == before:
                raise Unsealable from error  # and not wrapped anew meanwhile, by a rotation


def _stored(subject: UUID) -> Wrapped:
    try:
        return _store().get(subject)
    except KeyGone as error:
        raise KeyDestroyed from error


def _bound(subject: UUID) -> bytes:
    return f"subject-key/{subject}".encode()


@cache
def _keks() -> KeyEncryption:
    made: KeyEncryption = import_string(settings.KEY_ENCRYPTION)(settings.KEYS.folder)
    return made


@cache
def _store() -> KeyStore:
    made: KeyStore = import_string(settings.KEY_STORE)(settings.KEYS.folder / "subjects")
    return made
