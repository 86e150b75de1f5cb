"""
The witness that an agency runs: it cosigns a log's checkpoint only if it extends the one that it cosigned before.

Specified by c2sp.org/tlog-witness. It knows neither Django nor HTTP (audit/witness_server.py speaks that), sees nothing
of the exchange but what is submitted, and trusts the log's key alone. A checkpoint holds no personal data.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from threading import Lock

import structlog

from audit.merkle import EMPTY_ROOT, ProofError, check_consistency
from audit.notes import ED25519, Checkpoint, Note, NoteError, Signer, VerifierKey, cosigned
from audit.submission import Submission, SubmissionError
from audit.witness import SIZE_TYPE
from audit.witness_folder import Folder, FolderError

TEXT_TYPE = "text/plain; charset=utf-8"
log = structlog.get_logger(__name__)


class Suspicion(StrEnum):
    """Why a signed checkpoint was kept when it was refused."""

    FORK = "fork"
    """Another root for a size whose root is known: a proof that the log lies, for only its key can sign it."""

    UNPROVEN = "unproven"
    """The proof does not show that the tree extends the known one: the log lies, or somebody sent a wrong proof."""

    SMALLER = "smaller"
    """A tree smaller than the known one: rolled back, or only late."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: an HTTP status, the body, and its type."""

    status: HTTPStatus
    body: bytes
    kind: str = TEXT_TYPE


@dataclass(frozen=True, slots=True)
class Known:
    """The checkpoint of a log that was cosigned last, as it was kept."""

    note: bytes
    checkpoint: Checkpoint


class Witnessing:
    """One witness over one folder, for the logs whose keys it was given. A key's name is the log's origin."""

    def __init__(
        self, folder: Folder, *, signer: Signer, logs: Collection[VerifierKey], clock: Callable[[], float] = time.time
    ) -> None:
        """Raises `FolderError` where the folder is taken, or where what it remembers is damaged."""
        if any(key.kind != ED25519 for key in logs):
            raise ValueError("a log signs with a key of type 1")
        self._folder, self._signer, self._clock = folder, signer, clock
        self._keys: dict[str, list[VerifierKey]] = defaultdict(list)
        for key in logs:
            self._keys[key.name].append(key)
        self._one_at_a_time = Lock()  # what was checked must still hold when it is remembered
        folder.take()
        try:
            for origin in self._keys:
                self._known(origin)
        except FolderError:
            folder.leave()
            raise

    def add_checkpoint(self, body: bytes) -> Answer:
        """Cosign a submitted checkpoint, or refuse it with the status that the specification asks for."""
        try:
            submission = Submission.parse(body)
        except SubmissionError as error:
            return _refused(HTTPStatus.BAD_REQUEST, str(error))
        checkpoint = submission.checkpoint
        if checkpoint.origin not in self._keys:
            return _refused(HTTPStatus.NOT_FOUND, "this witness does not know the log")
        try:
            submission.note.verified(self._keys[checkpoint.origin])
        except NoteError:
            return _refused(HTTPStatus.FORBIDDEN, "the log's signature is missing or does not fit", submission)
        if submission.old > checkpoint.size:
            return _refused(HTTPStatus.BAD_REQUEST, "the old size is larger than the checkpoint's", submission)
        with self._one_at_a_time:
            return self._judged(submission)

    def checkpoint(self, origin_hash: str) -> Answer:
        """Return the newest cosigned checkpoint of the log whose origin has this SHA-256, in lower hexadecimal."""
        note = self._folder.checkpoint(origin_hash)
        if note is None:
            return Answer(HTTPStatus.NOT_FOUND, b"this witness has cosigned no checkpoint of that log\n")
        return Answer(HTTPStatus.OK, note)

    def _judged(self, submission: Submission) -> Answer:
        known = self._known(submission.checkpoint.origin)
        size = known.checkpoint.size if known else 0
        suspicion = _suspicion(submission, known.checkpoint if known else None)
        if suspicion:
            self._keep(submission, known, suspicion)
        if submission.old != size:
            return Answer(HTTPStatus.CONFLICT, f"{size}\n".encode(), SIZE_TYPE)
        if suspicion:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"refused: {suspicion}\n".encode())
        return self._cosigned(submission)

    def _cosigned(self, submission: Submission) -> Answer:
        """Sign, remember, and only then answer."""
        note, origin = submission.note, submission.checkpoint.origin
        line = cosigned(note.text, by=self._signer, at=int(self._clock()))
        own = {(key.name, key.id) for key in self._keys[origin]}
        verified = tuple(dict.fromkeys(each for each in note.signatures if (each.name, each.key_id) in own))
        self._folder.remember(_hash(origin), str(Note(note.text, (*verified, line))).encode())
        log.info("witness_cosigned", origin=origin, size=submission.checkpoint.size)
        return Answer(HTTPStatus.OK, f"{line}\n".encode())

    def _known(self, origin: str) -> Known | None:
        """Return what the folder remembers of a log. Raises `FolderError` where it is not what was cosigned."""
        raw = self._folder.checkpoint(_hash(origin))
        if raw is None:
            return None
        try:
            note = Note.parse(raw)
            note.verified([self._signer.key])
            checkpoint = Checkpoint.parse(note.text)
        except NoteError as error:
            raise FolderError("a remembered checkpoint is damaged, or of another key: do not delete it") from error
        if checkpoint.origin != origin:
            raise FolderError("a remembered checkpoint is of another log: do not delete it")
        return Known(raw, checkpoint)

    def _keep(self, submission: Submission, known: Known | None, why: Suspicion) -> None:
        checkpoint = submission.checkpoint
        kept = self._folder.keep_refused(
            _hash(checkpoint.origin),
            why=why,
            text=submission.note.text,
            submitted=str(submission).encode(),
            held=known.note if known else None,
        )
        log.error(
            "witness_refused",
            why=why.value,
            origin=checkpoint.origin,
            size=checkpoint.size,
            held=known.checkpoint.size if known else 0,
            kept=kept or "enough are kept",
        )


def _suspicion(submission: Submission, known: Checkpoint | None) -> Suspicion | None:
    """Return what is wrong with a signed checkpoint, seen from the one known; None where nothing is."""
    new, size = submission.checkpoint, known.size if known else 0
    root = EMPTY_ROOT if new.size == 0 else known.root if known and known.size == new.size else None
    if root is not None and root != new.root:
        return Suspicion.FORK
    if new.size < size:
        return Suspicion.SMALLER
    if submission.old != size:
        return None  # the proof is from a size that the submitter took for ours: it is told the right one
    if known is None or size == 0:
        return Suspicion.UNPROVEN if submission.path else None
    try:
        check_consistency(old=size, new=new.size, path=submission.path, old_root=known.root, new_root=new.root)
    except ProofError:
        return Suspicion.UNPROVEN
    return None


def _refused(status: HTTPStatus, sentence: str, submission: Submission | None = None) -> Answer:
    """Answer a submission that nobody's signature stands behind; nothing of it is written down but its size."""
    log.warning("witness_refused", status=int(status), size=submission.checkpoint.size if submission else None)
    return Answer(status, f"{sentence}\n".encode())


def _hash(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()
