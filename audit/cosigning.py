"""
Has witnesses cosign the newest checkpoint, beside the sealer and never in its way.

A witness that is away or slow delays nothing but its own cosignature; whether enough of them have signed is for the
policy to say (`quorum`). One that refuses may have seen a fork: that is logged as an error each time.
"""

import threading
from collections.abc import Sequence

import structlog
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

from audit.checkpoints import policy
from audit.models import Checkpoint, Cosignature
from audit.notes import Note
from audit.publishing import newest
from audit.tree import Tree
from audit.witness import HttpWitness, NotCosigned, Witness, WitnessHolds, WitnessUnreachable

logger = structlog.get_logger(__name__)
WRITE = "INSERT INTO audit_cosignature (checkpoint, witness, line) VALUES (%s, %s, %s)"
PATIENCE_SECONDS = 2.0
"""How long it leaves witnesses alone after a round in which one of them did not cosign."""


def witnesses() -> list[HttpWitness]:
    """Return the witnesses that the policy names with an address, to be asked over HTTP."""
    return [HttpWitness(witness.key, witness.url) for witness in policy().witnesses if witness.url]


def cosign(asked: Sequence[Witness], *, tree: Tree, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Ask each witness that has not cosigned the newest checkpoint, and store what it answers; say whether all have."""
    head = newest(using)
    if head is None:
        return True
    have = set(Cosignature.objects.using(using).filter(checkpoint=head.number).values_list("witness", flat=True))
    missing = [witness for witness in asked if str(witness.key) not in have]
    answers = [_cosigned(witness, head, tree, using) for witness in missing]
    return all(answers)


def run(asked: Sequence[Witness], *, stop: threading.Event, every: float, using: str = DEFAULT_DB_ALIAS) -> None:
    """
    Go on asking until told to stop, through every loss of a witness and of the database.

    A fault of ours is logged and tried again: a thread that ended by it would be missed by nobody for a minute.
    """
    tree = Tree(using)
    while not stop.is_set():
        try:
            all_have = cosign(asked, tree=tree, using=using)
        except (DatabaseError, InterfaceError):
            all_have, tree = False, Tree(using)
            connections[using].close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are asked again
            logger.error("cosigning_failed", kind=type(error).__name__)  # noqa: TRY400 - no stack, which holds values
            all_have = False
        stop.wait(every if all_have else max(every, PATIENCE_SECONDS))
    connections[using].close()


def _cosigned(witness: Witness, head: Checkpoint, tree: Tree, using: str) -> bool:
    note, name = Note.parse(head.note), witness.key.name
    held = _held(witness, using)
    for _ in range(2):
        if held > head.size:
            logger.error("witness_holds_a_larger_tree", witness=name, held=held, size=head.size)
            return False
        try:
            lines = witness.ask(note, old=held, path=tree.consistency(held, head.size))
        except WitnessHolds as error:
            held = error.size
        except WitnessUnreachable:
            logger.warning("witness_unreachable", witness=name)
            return False
        except NotCosigned as error:
            logger.error("witness_refused", witness=name, size=head.size, why=str(error))  # noqa: TRY400 - no stack
            return False
        else:
            with connections[using].cursor() as cursor:
                cursor.executemany(WRITE, [(head.number, str(witness.key), str(line)) for line in lines[:1]])
            return True
    return False


def _held(witness: Witness, using: str) -> int:
    """Return the size of the tree that a witness cosigned last, as far as is known here."""
    latest = Cosignature.objects.using(using).filter(witness=str(witness.key)).order_by("-number").first()
    row = Checkpoint.objects.using(using).filter(pk=latest.checkpoint).first() if latest else None
    return row.size if row else 0
