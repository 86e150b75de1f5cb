"""Evidence bundles made by hand, from the exchange's own arithmetic and notes: true ones, and forged ones."""

import io
import json
import zipfile
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.canonical import COLUMNS, entry_bytes, leaf_hash
from audit.merkle import complete_root, consistency_path, inclusion_path, range_root
from audit.notes import COSIGNATURE, ED25519, Checkpoint, Note, VerifierKey, cosigned, signed

ORIGIN = "udvej.example/ledger"
Members = dict[str, bytes]


@dataclass(frozen=True)
class Signer:
    """A key pair that is the same in every run."""

    key: VerifierKey
    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


def signer(label: str, *, name: str = ORIGIN, kind: int = ED25519) -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(sha256(label.encode()).digest())
    return Signer(VerifierKey(name, kind, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)), private)


def witness(label: str) -> Signer:
    return signer(label, name=f"{label}.example/witness", kind=COSIGNATURE)


FIRST, SECOND, STRANGER = signer("first"), signer("second"), signer("stranger")
W1, W2 = witness("w1"), witness("w2")
RECEIPTS = signer("receipts")
PRUNED_AT = "2026-06-01T00:00:00Z"


def id_of(number: int) -> str:
    return str(UUID(int=(0x01A1A602 << 96) | (0x7 << 76) | (0x8 << 60) | number))


def entry(number: int, **fields: object) -> bytes:
    """Return the canonical bytes of an entry."""
    text = dict.fromkeys(COLUMNS, "")
    said: dict[str, object] = {
        **text,
        "id": id_of(number),
        "correlation": id_of(10_000 + number),
        "xid": 48_000 + number,
        "at": f"2026-11-04T10:02:{number:02}.481920Z",
        "action": "referral.disclose",
        "actor_agency": None,
        "actor_client": "comeback-prod",
        "basis_version": 1,
        "categories": ["status", "contact"],
        "consent": None,
        "consent_version": None,
        "db_user": "udvej_app",
        "detail": {"version": str(number), "reason": "Å"},
        "outcome": "done",
        "result_ids": [],
        "role": "counsellor",
        "subject_id": id_of(20_000),
        "subject_kind": "referral",
    }
    return entry_bytes({**said, **fields})


ENTRIES = tuple(entry(number) for number in range(20))


def subtree(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    return lambda height, place: complete_root(leaves[place << height : place + 1 << height])


def hashes(entries: Sequence[bytes]) -> list[bytes]:
    return [leaf_hash(each) for each in entries]


def root(entries: Sequence[bytes], size: int | None = None) -> bytes:
    return range_root(0, len(entries) if size is None else size, subtree(hashes(entries)))


def note_of(text: str, *by: Signer) -> str:
    return str(signed(text, by=by))


def checkpoint(entries: Sequence[bytes], *by: Signer, size: int | None = None, origin: str = ORIGIN) -> str:
    """Return a checkpoint of the first entries, signed by logs and cosigned by witnesses."""
    size = len(entries) if size is None else size
    text = str(Checkpoint(origin, size, root(entries, size)))
    note = signed(text, by=[each for each in by if each.key.kind == ED25519])
    lines = [cosigned(text, by=each, at=1_795_000_000) for each in by if each.key.kind == COSIGNATURE]
    return str(Note(note.text, (*note.signatures, *lines)))


def handover(old: Signer, new: Signer, size: int, *by: Signer, entries: Sequence[bytes] = ENTRIES, **said: str) -> str:
    """Return a hand-over, signed by both keys unless others are named."""
    values = {"origin": ORIGIN, "root": b64encode(root(entries, size)).decode(), "at": "2026-05-01T00:00:00Z", **said}
    lines = ["udvej log key hand-over v1", values["origin"], str(old.key), str(new.key), str(size), values["root"]]
    return note_of("\n".join([*lines, values["at"]]) + "\n", *(by or (old, new)))


def tombstone(rule: str, removed: dict[int, bytes], *by: Signer, count: int | None = None, at: str = PRUNED_AT) -> str:
    digest = sha256(b"".join(index.to_bytes(8, "big") + leaf for index, leaf in sorted(removed.items()))).digest()
    said = [rule, "2024-06-01T00:00:00Z", str(len(removed) if count is None else count), b64encode(digest).decode(), at]
    return note_of("\n".join(["udvej tombstone v1", ORIGIN, *said]) + "\n", *(by or (FIRST,)))


def receipt(number: int, *, by: Signer = RECEIPTS, typ: str = "udvej-receipt+jws", **said: str) -> str:
    """Return a receipt of one of the entries."""
    header = {"alg": "Ed25519", "typ": typ, "kid": _thumbprint(RECEIPTS)}
    leaf = leaf_hash(entry(number)).hex()
    claims = {"at": json.loads(entry(number))["at"], "entry": id_of(number), "leaf": leaf, **said}
    text = ".".join(_base64url(json.dumps(each, separators=(",", ":")).encode()) for each in (header, claims))
    return f"{text}.{_base64url(by.sign(text.encode()))}"


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _thumbprint(by: Signer) -> str:
    return _base64url(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(by.key.public)}"}}'.encode()).digest())


JWKS = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": _base64url(RECEIPTS.key.public), "use": "sig"}]})


def policy(*logs: Signer, quorum: str = "both", witnesses: Sequence[Signer] = (W1, W2)) -> str:
    lines = [f"log {each.key}" for each in logs]
    lines += [f"witness w{number} {each.key}" for number, each in enumerate(witnesses, 1)]
    return "\n".join([*lines, "group both all w1 w2", f"quorum {quorum}", ""])


def jsonl(*objects: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in objects)


@dataclass(frozen=True)
class Log:
    """A log as it truly was; `whole` and `selection` are its bundles' members, to be forged where a test says so."""

    entries: tuple[bytes, ...] = ENTRIES
    signers: tuple[Signer, ...] = (FIRST, W1, W2)
    logs: tuple[Signer, ...] = (FIRST,)
    handovers: tuple[str, ...] = ()
    quorum: str = "both"
    removed: dict[int, int] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Log":
        return replace(self, **changes)

    def whole(self) -> Members:
        """Return the members of a bundle of the whole log; removed entries (index: tombstone) stand in their lists."""
        kept = [each for index, each in enumerate(self.entries) if index not in self.removed]
        leaves = hashes(self.entries)
        lines = [{"index": at, "leaf": leaves[at].hex(), "tombstone": self.removed[at]} for at in sorted(self.removed)]
        tombstones = [
            {"tombstone": each, "note": tombstone(f"USE-{each}M", self.leaves_of(each))}
            for each in sorted(set(self.removed.values()))
        ]
        return {
            **self._common("whole", kept),
            "removed.jsonl": jsonl(*lines),
            "tombstones.jsonl": jsonl(*tombstones),
        }

    def leaves_of(self, number: int) -> dict[int, bytes]:
        """Return the leaf hashes that a tombstone accounts for."""
        leaves = hashes(self.entries)
        return {index: leaves[index] for index, each in self.removed.items() if each == number}

    def selection(self, *indices: int, old: int | None = None) -> Members:
        """Return the members of a bundle of chosen entries."""
        tree, size = subtree(hashes(self.entries)), len(self.entries)
        proofs = [{"index": at, "path": [each.hex() for each in inclusion_path(at, size, tree)]} for at in indices]
        members = {
            **self._common("selection", [self.entries[at] for at in indices]),
            "proofs.jsonl": jsonl(*proofs),
        }
        if old is not None:
            path = [each.hex() for each in consistency_path(old, size, tree)]
            members["consistency.json"] = json.dumps({"old": old, "path": path}).encode()
        return members

    def _common(self, kind: str, entries: Sequence[bytes]) -> Members:
        manifest = {"bundle": "udvej-evidence-1", "origin": ORIGIN, "size": len(self.entries), "kind": kind}
        return {
            "README.md": b"# An evidence bundle\n",
            "manifest.json": json.dumps(
                {**manifest, "entries": len(entries), "made_at": "2026-11-20T12:00:00Z"}
            ).encode(),
            "checkpoint": checkpoint(self.entries, *self.signers).encode(),
            "policy": policy(*self.logs, quorum=self.quorum).encode(),
            "handovers.jsonl": jsonl(*({"note": each} for each in self.handovers)),
            "receipts.jwks.json": JWKS.encode(),
            "entries.jsonl": b"".join(each + b"\n" for each in entries),
        }


def zipped(members: Members, *, method: int = zipfile.ZIP_STORED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as bundle:
        for name, raw in members.items():
            bundle.writestr(name, raw)
    file.seek(0)
    return file
