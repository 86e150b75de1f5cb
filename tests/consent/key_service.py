"""
Stand-ins behind the vault's two ports: a key-management service that never hands out a key, a store that dies, and
ports in the middle of whose work something else happens.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consent.keystore import FileKeyEncryption, FileKeyStore, KeyGone, Wrapped


class KeyService:
    """What a KMS does, in memory: it names its keys as it likes, and wraps and unwraps."""

    held: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def __init__(self, folder: Path) -> None:
        if not self.held:
            self.renew()

    def newest(self) -> str:
        return list(self.held)[-1]

    def all(self) -> list[str]:
        return list(self.held)

    def wrap(self, key: bytes, *, bound: bytes) -> Wrapped:
        self.asked.append("wrap")
        nonce = os.urandom(12)
        return Wrapped(self.newest(), nonce + AESGCM(self.held[self.newest()]).encrypt(nonce, key, bound))

    def unwrap(self, wrapped: Wrapped, *, bound: bytes) -> bytes:
        self.asked.append("unwrap")
        try:
            return AESGCM(self.held[wrapped.kek]).decrypt(wrapped.key[:12], wrapped.key[12:], bound)
        except (KeyError, InvalidTag) as error:
            raise KeyGone from error

    def renew(self) -> str:
        name = f"projects/udvej/keys/kek/versions/{len(self.asked)}-{len(self.held)}"
        self.held[name] = AESGCM.generate_key(256)
        return name

    def retire(self, kek: str) -> None:
        del self.held[kek]


class Died(BaseException):
    """What stands for kill -9: no `except Exception` sees it."""


class DyingStore(FileKeyStore):
    """A file store whose process dies at a moment that a test names."""

    replaced: ClassVar[int] = 0
    dies_after: ClassVar[int | None] = None
    dies_instead_of_destroying: ClassVar[bool] = False

    def replace(self, subject: UUID, old: Wrapped, new: Wrapped) -> bool:
        if DyingStore.replaced == DyingStore.dies_after:
            raise Died
        DyingStore.replaced += 1
        return super().replace(subject, old, new)

    def destroy(self, subject: UUID) -> None:
        if DyingStore.dies_instead_of_destroying:
            raise Died
        super().destroy(subject)


class Interrupted:
    """What happens once, right after the named call."""

    after: ClassVar[dict[str, Callable[[], None]]] = {}

    @classmethod
    def now(cls, call: str) -> None:
        if call in cls.after:
            cls.after.pop(call)()


class InterruptedEncryption(FileKeyEncryption):
    def wrap(self, key: bytes, *, bound: bytes) -> Wrapped:
        wrapped = super().wrap(key, bound=bound)
        Interrupted.now("wrap")
        return wrapped

    def unwrap(self, wrapped: Wrapped, *, bound: bytes) -> bytes:
        key = super().unwrap(wrapped, bound=bound)
        Interrupted.now("unwrap")
        return key


class InterruptedStore(FileKeyStore):
    def put(self, subject: UUID, wrapped: Wrapped) -> None:
        super().put(subject, wrapped)
        Interrupted.now("put")

    def get(self, subject: UUID) -> Wrapped:
        wrapped = super().get(subject)
        Interrupted.now("get")
        return wrapped
