"""`manage.py audit_remember`: writes the sealer's lost memory anew, on the witnesses' word. Runs as it does."""

import hashlib
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string

from audit import checkpoints, recovery, sealing
from audit.notes import Checkpoint, Note, NoteError, Signer
from audit.publishing import Memory, RolledBack
from audit.recovery import NotShown
from audit.witness import HttpWitness

SECONDS = 10
ANSWER_BYTES_MAX = 64 * 1024


class Command(BaseCommand):
    help = "Write the memory of what was signed last anew, if the witnesses' checkpoints are all in the database."

    def add_arguments(self, parser: CommandParser) -> None:
        add_outside(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        memory = Memory(Path(settings.LEDGER_MEMORY))
        try:
            with sealing.alone():
                heads = outside(options["checkpoint"])
                last = recovery.remember(memory, outside=heads, origin=settings.LEDGER_ORIGIN, using=DEFAULT_DB_ALIAS)
        except (NotShown, RolledBack, sealing.AnotherSeals) as error:
            raise CommandError(f"Nothing is remembered: {error}.") from error
        self.stdout.write(f"Remembered a tree of {last.size} leaves, in {memory.file}. Start the sealer.")


def add_outside(parser: CommandParser) -> None:
    """Add the option that names checkpoints kept elsewhere."""
    parser.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        help="A file with a checkpoint that somebody else kept, cosigned; repeatable. The policy's witnesses are asked "
        "as well, and enough for its quorum have to answer where no file is given.",
    )


def outside(files: list[Path], *, enough: bool = True, using: str = DEFAULT_DB_ALIAS) -> list[Checkpoint]:
    """
    Return the heads that the policy's witnesses hold, and those of the files. Raises `NotShown`.

    Too few answers are none where `enough` have to answer and no file is given: a database that was rolled back is
    betrayed by the witness that saw most.
    """
    policy = checkpoints.policy()
    keys, signer = [witness.key for witness in policy.witnesses], newest_signer()
    own = [signer.key] if signer else []
    answered, heads = set(), []
    for witness in policy.witnesses:
        note = _held_by(witness.url) if witness.url else None
        if note is not None:
            heads.append(
                recovery.seen_outside(
                    note, origin=settings.LEDGER_ORIGIN, witnesses=[witness.key], own=own, using=using
                )
            )
            answered.add(witness.key)
    for file in files:
        try:
            note = Note.parse(file.read_text(encoding="utf-8"))
        except (OSError, NoteError) as error:
            raise NotShown(f"{file} can't be read as a checkpoint: {error}") from error
        heads.append(recovery.seen_outside(note, origin=settings.LEDGER_ORIGIN, witnesses=keys, own=own, using=using))
    if enough and not files and (policy.quorum is None or not policy.satisfied_by(answered)):
        raise NotShown("too few of the policy's witnesses answered; ask them for their checkpoint, and name the files")
    return heads


def newest_signer() -> Signer | None:
    """Return what the sealer signs with, where its folder holds a key."""
    try:
        signer: Signer = import_string(settings.LEDGER_SIGNER)(
            settings.LEDGER_ORIGIN, Path(settings.LEDGER_KEYS_DIR)
        ).newest()
    except FileNotFoundError:
        return None
    return signer


def _held_by(url: str) -> Note | None:
    """Return the newest checkpoint that a witness holds, or None where it does not answer, or holds none."""
    HttpWitness.check_address(url)
    of_log = hashlib.sha256(settings.LEDGER_ORIGIN.encode()).hexdigest()
    try:
        with urlopen(f"{url.rstrip('/')}/{of_log}/checkpoint", timeout=SECONDS) as answer:  # noqa: S310
            return Note.parse(answer.read(ANSWER_BYTES_MAX).decode())
    except (OSError, HTTPException, NoteError, UnicodeError):
        return None
