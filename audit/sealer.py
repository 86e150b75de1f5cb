"""
The sealer at work: round after round it seals what waits and signs the tree. One process, with the log's key.

Whatever happens to it or to the database, it begins again by reading the tree and holding it against what it signed
last. `sealing` writes the tree and `publishing` signs it; here is only the order of the two.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.utils.module_loading import import_string

from audit import publishing, sealing
from audit.merkle import Edge
from audit.notes import Signer
from audit.publishing import Memory
from audit.tree import Tree

PATIENCE_SECONDS = 0.5
"""How long it waits before it tries a database again that is away, or that another sealer still holds."""

logger = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Sealer:
    """The sealer of one database's log. `begin` reads where the log stands; each `round` takes it further."""

    origin: str
    signer: Signer
    memory: Memory
    using: str = DEFAULT_DB_ALIAS
    _edge: Edge = field(default_factory=Edge)
    _signed: int = -1

    def begin(self) -> None:
        """Read the tree, and hold it against what was signed last. Raises `RolledBack` where they differ."""
        tree = Tree(self.using)
        publishing.check_key(self.signer, using=self.using)
        publishing.check_memory(self.memory, origin=self.origin, tree=tree, using=self.using)
        newest = publishing.newest(self.using)
        self._edge, self._signed = tree.edge(), newest.size if newest else -1

    def round(self, limit: int = sealing.BATCH) -> int:
        """Seal what waits, sign the tree if it is not signed yet, and return how many entries were sealed."""
        before = self._edge.size
        self._edge = sealing.seal(self._edge, using=self.using, limit=limit)
        if self._edge.size > self._signed:
            head = publishing.publish(
                self._edge, origin=self.origin, signer=self.signer, memory=self.memory, using=self.using
            )
            self._signed = head.size
        return self._edge.size - before


def configured(using: str = DEFAULT_DB_ALIAS) -> Sealer:
    """Return the sealer that the settings describe, with a first key where the log has none yet."""
    signers = import_string(settings.LEDGER_SIGNER)(settings.LEDGER_ORIGIN, Path(settings.LEDGER_KEYS_DIR))
    try:
        signer = signers.newest()
    except FileNotFoundError:
        signer = signers.make()
    memory = Memory(Path(settings.LEDGER_MEMORY))
    return Sealer(origin=settings.LEDGER_ORIGIN, signer=signer, memory=memory, using=using)


def run(make: Callable[[], Sealer], *, stop: threading.Event, every: float) -> None:
    """
    Seal until told to stop, looking every so many seconds, and through every loss of the database.

    Raises `RolledBack` where the database does not hold what was signed: that needs people, not another try.
    """
    while not stop.is_set():
        sealer = make()
        try:
            with sealing.alone(sealer.using):
                sealer.begin()
                while not stop.is_set():
                    if not sealer.round():
                        stop.wait(every)
        except sealing.AnotherSeals:
            stop.wait(PATIENCE_SECONDS)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("sealing_interrupted", kind=type(error).__name__)
            connections[sealer.using].close()
            stop.wait(PATIENCE_SECONDS)
