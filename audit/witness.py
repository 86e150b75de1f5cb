"""
Asking one witness to cosign a checkpoint: the port, and its adapter for C2SP's tlog-witness over HTTP.

Specified by c2sp.org/tlog-witness. It reads no tree and keeps no state: the caller brings the sizes and the proof, and
decides what a refusal means.
"""

import http.client
import ipaddress
import ssl
import time
from collections.abc import Sequence
from http import HTTPStatus
from threading import Lock
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from audit.notes import (
    COSIGNATURE,
    DECIMAL,
    SIZE_MAX,
    Checkpoint,
    Note,
    NoteError,
    Signature,
    VerifierKey,
    signature_lines,
)
from audit.patience import connected, until
from audit.submission import Submission

SIZE_TYPE = "text/x.tlog.size"
ANSWER_BYTES_MAX = 64 * 1024
SECONDS = 10.0


class NotCosigned(Exception):  # noqa: N818 - it says what did not happen; nothing need be broken
    """A witness has not cosigned. The sentence says why, and quotes nothing that the witness said."""


class WitnessHolds(NotCosigned):
    """The witness holds a tree of another size than the proof starts from: ask again from that size."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the witness holds a tree of size {size}")
        self.size = size


class WitnessRefused(NotCosigned):
    """The witness answered, and did not cosign, or not so that it can be verified."""


class WitnessUnreachable(NotCosigned):
    """No whole answer came in time."""


class Witness(Protocol):
    """One witness that can be asked."""

    @property
    def key(self) -> VerifierKey:
        """The key by which its cosignatures are verified."""
        ...

    def ask(self, note: Note, *, old: int, path: Sequence[bytes]) -> tuple[Signature, ...]:
        """
        Submit a log's signed checkpoint, and return the witness's cosignatures of it: one at least, verified.

        `old` is the size that the witness holds as far as is known, else 0. `path` is the consistency proof from there,
        empty where `old` is 0 or the checkpoint's own size. Raises `WitnessHolds` with the size to start from instead,
        `WitnessRefused`, or `WitnessUnreachable`.
        """
        ...


class HttpWitness:
    """
    A witness behind its submission prefix: https, or http on this machine's loopback address.

    It asks one question at a time and keeps the connection for the next, as the specification advises. It follows no
    redirect and uses no proxy. `seconds` is how long a whole question may take, once the host's name is resolved.
    """

    def __init__(
        self, key: VerifierKey, url: str, *, seconds: float = SECONDS, tls: ssl.SSLContext | None = None
    ) -> None:
        parts, secure = self.check_address(url)
        if key.kind != COSIGNATURE:
            raise ValueError("a witness cosigns with a key of type 4")
        self.key = key
        self._host, self._port = str(parts.hostname), parts.port or (443 if secure else 80)
        self._path = f"{parts.path.rstrip('/')}/add-checkpoint"
        self._seconds = seconds
        self._tls = (tls or ssl.create_default_context()) if secure else None
        self._kept: http.client.HTTPConnection | None = None
        self._one_at_a_time = Lock()

    @staticmethod
    def check_address(url: str) -> tuple[SplitResult, bool]:
        """Return a prefix's parts, and whether it is https. Raises ValueError for one that can't be asked safely."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        if not parts.hostname or parts.query or parts.fragment or parts.username is not None:
            raise ValueError("a witness's address looks like https://host/prefix")
        if not secure and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
            raise ValueError("a witness is asked over https, or over http on the loopback address")
        return parts, secure

    def ask(self, note: Note, *, old: int, path: Sequence[bytes]) -> tuple[Signature, ...]:
        """See `Witness.ask`."""
        submission = Submission(old, tuple(path), note, Checkpoint.parse(note.text))
        with self._one_at_a_time:
            status, kind, body = self._posted(str(submission).encode())
        if status == HTTPStatus.CONFLICT:
            raise WitnessHolds(_size(kind, body))
        if status != HTTPStatus.OK:
            raise WitnessRefused(f"the witness answered {status}")
        return self._own(note, body)

    def close(self) -> None:
        """Close the connection that is kept. The next question opens another."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _own(self, note: Note, body: bytes) -> tuple[Signature, ...]:
        """Return the lines by this witness's key, verified. Those by other keys are passed over."""
        try:
            lines = signature_lines(body.decode())
            own = tuple(line for line in lines if (line.name, line.key_id) == (self.key.name, self.key.id))
            times = [self.key.check(note.text, line.signature) for line in own]
        except (NoteError, UnicodeError) as error:
            raise WitnessRefused("the witness answered with something other than its cosignature") from error
        if not times or not all(times):
            raise WitnessRefused("the witness answered without its cosignature, or with one that bears no time")
        return own

    def _posted(self, body: bytes) -> tuple[int, str, bytes]:
        ends = time.monotonic() + self._seconds
        try:
            if self._kept is not None:
                try:
                    return self._exchanged(self._kept, body, ends)
                except ConnectionError:
                    self.close()  # it was closed while idle; and who is asked twice answers the second time
            self._kept = connected(self._host, self._port, ends=ends, tls=self._tls)
            return self._exchanged(self._kept, body, ends)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise WitnessUnreachable(f"the witness gave no whole answer ({type(error).__name__})") from error

    def _exchanged(self, connection: http.client.HTTPConnection, body: bytes, ends: float) -> tuple[int, str, bytes]:
        with until(ends, connection.sock):
            connection.request("POST", self._path, body, {"Content-Type": "text/plain; charset=utf-8"})
            answer = connection.getresponse()
            read = answer.read(ANSWER_BYTES_MAX + 1)
        if answer.length or len(read) > ANSWER_BYTES_MAX:
            raise http.client.IncompleteRead(b"")
        if answer.will_close:
            self.close()
        return answer.status, answer.headers.get_content_type(), read


def _size(kind: str, body: bytes) -> int:
    """Return the size in the answer 409: a decimal number and a line feed. Raises `WitnessRefused`."""
    said = body.decode("ascii", "replace")
    digits = said.removesuffix("\n")
    if kind != SIZE_TYPE or said == digits or not DECIMAL.fullmatch(digits) or int(digits) > SIZE_MAX:
        raise WitnessRefused("the witness answered 409 without the size that it holds")
    return int(digits)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
