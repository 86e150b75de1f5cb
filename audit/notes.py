"""
Signed notes, verifier keys, checkpoints and cosignatures, byte for byte as C2SP has them.

Specified by c2sp.org/signed-note, /tlog-checkpoint and /tlog-cosignature (Ed25519, `cosignature/v1`). Pure: it knows
neither where a key lies nor who asks.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.merkle import HASH_BYTES

ED25519, COSIGNATURE = 0x01, 0x04
"""The signature types used here: a log's own signature, and a witness's timestamped one."""

NOTE_BYTES_MAX = 256 * 1024
"""Room for more than the 16 signatures that must be taken, each nearly 5 kB before base64 where it is post-quantum."""

SIGNATURES_MAX = 64
SIZE_MAX = TIME_MAX = 2**63 - 1
NAME = re.compile(r"[^\s+\x00-\x1f]+")
SIGNATURE = re.compile(rf"— ({NAME.pattern}) ([A-Za-z0-9+/]+={{0,2}})")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
KEY_ID_BYTES, PUBLIC_BYTES, SIGNATURE_BYTES, TIME_BYTES = 4, 32, 64, 8


class NoteError(ValueError):
    """A note, key or checkpoint is not what it has to be; the sentence says why."""


class Signer(Protocol):
    """What signs with a key that it never hands out: a file's, or a key service's."""

    @property
    def key(self) -> "VerifierKey":
        """The public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (RFC 8032) over a message: 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under, and the type of its signatures."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or not _is_utf8(self.name):
            raise NoteError("a key's name is UTF-8, is not empty, and has neither spaces nor plus signs")
        if self.kind not in {ED25519, COSIGNATURE} or len(self.public) != PUBLIC_BYTES:
            raise NoteError("the key is of a type that is not used here")

    @property
    def id(self) -> bytes:
        """Four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the vkey: name, key id and key."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> "VerifierKey":
        """Return the key that a vkey names. Raises `NoteError`."""
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        material = decoded(encoded)
        if not material:
            raise NoteError("a verifier key is name+id+key")
        key = cls(name, material[0], material[1:])
        if key.id.hex() != key_id:
            raise NoteError("the verifier key's id is not that of its name and key")
        return key

    def check(self, text: str, signature: bytes) -> int | None:
        """Return a cosignature's POSIX time, None for a log's own signature. Raises `NoteError` where it is forged."""
        message, time = text.encode(), None
        if self.kind == COSIGNATURE:
            time, signature = int.from_bytes(signature[:TIME_BYTES], "big"), signature[TIME_BYTES:]
            if time > TIME_MAX:
                raise NoteError(f"the time in the cosignature of {self.name} is out of range")
            message = _cosigned(text, time)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature as error:
            raise NoteError(f"the signature of {self.name} does not fit") from error
        return time


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note: the key's name and id, and the signature's bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        """Return the line, without its line feed."""
        return f"— {self.name} {b64encode(self.key_id + self.signature).decode()}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A signature that fits: by which key, and when, where it says when."""

    key: VerifierKey
    time: int | None


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read. Nothing in it is trusted before `verified` says by whom it is signed."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, raw: str | bytes) -> "Note":
        """Return a note's text and signature lines, unchecked. Raises `NoteError`."""
        try:
            whole = raw.decode() if isinstance(raw, bytes) else raw
            size = len(raw.encode() if isinstance(raw, str) else raw)
        except UnicodeError as error:
            raise NoteError("a note is UTF-8") from error
        if size > NOTE_BYTES_MAX:
            raise NoteError("the note is too large")
        if any(ord(character) < ord(" ") and character != "\n" for character in whole):
            raise NoteError("a note holds no control characters")
        text, blank, lines = whole.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise NoteError("a note is a text, an empty line, and signature lines")
        return cls(text + "\n", signature_lines(lines))

    def verified(self, known: Collection[VerifierKey]) -> tuple[Checked, ...]:
        """
        Return the signatures of known keys; those of others are passed over.

        Raises `NoteError` where one of a known key does not fit, and where none is of a known key.
        """
        by_name = {(key.name, key.id): key for key in known}
        checked = {}
        for line in self.signatures:
            key = by_name.get((line.name, line.key_id))
            if key is not None:
                checked[key] = Checked(key, key.check(self.text, line.signature))
        if not checked:
            raise NoteError("no signature is by a key that is known")
        return tuple(checked.values())

    def __str__(self) -> str:
        """Return the whole note."""
        return f"{self.text}\n" + "".join(f"{line}\n" for line in self.signatures)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log's tree: which log, how many leaves, which root; and lines that say nothing to us."""

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extension)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Return what a note's text says of a tree. Raises `NoteError`."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):  # noqa: PLR2004 - three lines and the end of the last
            raise NoteError("a checkpoint has three lines at least, and no empty one")
        size, root = lines[1], decoded(lines[2])
        if not DECIMAL.fullmatch(size) or int(size) > SIZE_MAX:
            raise NoteError("the second line of a checkpoint is the size of the tree")
        if len(root) != HASH_BYTES:
            raise NoteError("the third line of a checkpoint is the root, 32 bytes in base64")
        return cls(lines[0], int(size), root, tuple(lines[3:-1]))


def signature_lines(lines: str) -> tuple[Signature, ...]:
    """Return the signatures that some lines hold, each ended by a line feed. Raises `NoteError`."""
    *found, rest = lines.split("\n")
    if rest or not found:
        raise NoteError("a signature line ends with a line feed")
    if len(found) > SIGNATURES_MAX:
        raise NoteError("the note has too many signatures")
    return tuple(_signature(line) for line in found)


def signed(text: str, *, by: Sequence[Signer]) -> Note:
    """Return a note over a text, signed by each log key given."""
    return Note(text, tuple(Signature(each.key.name, each.key.id, each.sign(text.encode())) for each in by))


def cosigned(text: str, *, by: Signer, at: int) -> Signature:
    """Return a witness's cosignature of a checkpoint's text, stamped with a POSIX time in seconds."""
    return Signature(by.key.name, by.key.id, at.to_bytes(TIME_BYTES, "big") + by.sign(_cosigned(text, at)))


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _signature(line: str) -> Signature:
    match = SIGNATURE.fullmatch(line)
    raw = decoded(match[2]) if match else b""
    if not match or len(raw) <= KEY_ID_BYTES:
        raise NoteError("a signature line is an em dash, a name, and a key id with a signature in base64")
    return Signature(match[1], raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _is_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8: half a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeError:
        return False
    return True


def decoded(encoded: str) -> bytes:
    """Return the bytes of one base64 writing, the only one that they have. Raises `NoteError`."""
    try:
        raw = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("this is not base64") from error
    if b64encode(raw).decode() != encoded:
        raise NoteError("this is not how these bytes are written in base64")
    return raw
