"""
How fast a whole bundle verifies, beside what hashing its bytes alone would take in the same language.

    .venv/bin/python -m bench.verification [--entries 1000000] [--rounds 5]

*Raw* is a tight loop of `hashlib.sha256` over the same leaves, and over as many 65-byte nodes, all prepared in memory.
*Verify* is `verify_bundle` as anybody runs it: it opens the ZIP file, checks its checksum, splits the lines, hashes
leaves and tree, and checks the signatures; once stored, once deflated, where unpacking comes on top. They run in turn,
so that a busy machine slows all; seconds of computing (CPU) leave out what others took. One table is printed, and
var/bench/verification.json written. It says nothing of other machines.
"""

import argparse
import json
import platform
import time
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.merkle import Edge
from audit.notes import ED25519, Checkpoint, VerifierKey, signed
from audit.verification import Trust, verify_bundle

ORIGIN = "bench.example/ledger"
RESULTS = Path(__file__).resolve().parent.parent / "var" / "bench"
BLOCK = 50_000
"""How many raw inputs are in memory at once."""

ENTRY = (
    '{{"action":"referral.disclose","actor_agency":"01a0f67a-3fd0-7d44-8f21-7b9a4c2e6d01","actor_client":"comeback-prod",'
    '"actor_user":"412","at":"2026-11-04T10:02:13.481920Z","basis":"SAMTYKKE-TAVSHED","basis_version":1,"categories":'
    '["status","contact","reason","needs"],"changes":"","consent":"{consent}","consent_version":null,"correlation":'
    '"{correlation}","criterion":"","db_user":"udvej_app","detail":{{"version":"3"}},"id":"{id}","on_behalf_of":"cb-ra-1",'
    '"outcome":"done","purpose":"exit_support","refusal":"","request_id":"{request}","result_ids":[],"role":"counsellor",'
    '"subject_id":"{subject}","subject_kind":"referral","v":1,"xid":"{xid}"}}'
)


class Times(NamedTuple):
    """Seconds by the clock on the wall, and seconds that this process was computing."""

    wall: float
    cpu: float


class Signer:
    """A log's key for this run only."""

    def __init__(self) -> None:
        """Make a key."""
        self._private = Ed25519PrivateKey.generate()
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = VerifierKey(ORIGIN, ED25519, public)

    def sign(self, message: bytes) -> bytes:
        """Return the signature over a message."""
        return self._private.sign(message)


def entries(count: int) -> Iterator[bytes]:
    """Yield synthetic entries of the documented form, each with ids of its own."""
    for number in range(count):
        seed = sha256(number.to_bytes(8, "big")).digest() + sha256(number.to_bytes(9, "big")).digest()
        ids = [str(UUID(bytes=seed[at : at + 16])) for at in (0, 16, 32, 48)]
        own = f"01a1a602-{number >> 16 & 0xFFFF:04x}-7b52-9c1d-{number:012x}"
        names = dict(zip(("consent", "correlation", "request", "subject"), ids, strict=True))
        yield ENTRY.format(id=own, xid=48_000 + number, **names).encode()


def make(path: Path, *, count: int, method: int) -> Trust:
    """Write a bundle of a whole log, and return the trust to verify it by."""
    signer, edge = Signer(), Edge()
    with zipfile.ZipFile(path, "w", method, compresslevel=6) as bundle:
        with bundle.open("entries.jsonl", "w", force_zip64=True) as member:
            for entry in entries(count):
                member.write(entry + b"\n")
                edge.append([sha256(b"\x00" + entry).digest()])
        said = {"bundle": "udvej-evidence-1", "origin": ORIGIN, "size": count, "kind": "whole", "entries": count}
        public = b64encode(bytes(32), b"-_").decode().rstrip("=")
        others = {
            "README.md": "A synthetic bundle.\n",
            "manifest.json": json.dumps({**said, "made_at": datetime.now(UTC).isoformat()}),
            "checkpoint": str(signed(str(Checkpoint(ORIGIN, count, edge.root())), by=[signer])),
            "policy": f"log {signer.key}\nquorum none\n",
            "receipts.jwks.json": json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": public}]}),
            **dict.fromkeys(("handovers.jsonl", "removed.jsonl", "tombstones.jsonl"), ""),
        }
        for name, text in others.items():
            bundle.writestr(name, text)
    return Trust(logs=(str(signer.key),))


def raw(count: int) -> Times:
    """Return what hashing the leaves and as many nodes takes, all inputs prepared outside the clock."""
    total, block = Times(0, 0), []
    for number, entry in enumerate(entries(count), 1):
        block.append(b"\x00" + entry)
        if len(block) == BLOCK or number == count:
            inputs = [*block, *(b"\x01" + leaf[-64:] for leaf in block)]
            some = timed(partial(hashed, inputs))
            total, block = Times(total.wall + some.wall, total.cpu + some.cpu), []
    return total


def hashed(inputs: list[bytes]) -> list[bytes]:
    """Return the hash of each input: the loop that everything is compared with."""
    return [sha256(each).digest() for each in inputs]


def timed(work: Callable[[], object]) -> Times:
    """Return how long the work takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Times(time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    """Make the bundles, measure in turn, print the table and write it down."""
    asked = argparse.ArgumentParser(description="How fast a whole bundle verifies, beside bare SHA-256.")
    asked.add_argument("--entries", type=int, default=1_000_000)
    asked.add_argument("--rounds", type=int, default=5)
    options = asked.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    measured: dict[str, list[Times]] = {"raw": []}
    bundles = {}
    for name, method in {"stored": zipfile.ZIP_STORED, "deflated": zipfile.ZIP_DEFLATED}.items():
        path = RESULTS / f"{name}.zip"
        bundles[name] = (path, make(path, count=options.entries, method=method))
        measured[name] = []
    for _ in range(options.rounds):
        measured["raw"].append(raw(options.entries))
        for name, (path, trust) in bundles.items():
            measured[name].append(timed(partial(verify_bundle, path, trust)))
    length, python = len(next(entries(1))), platform.python_version()
    print(f"{options.entries} entries of {length} bytes, {options.rounds} rounds in turn, Python {python}")
    print("             wall s    CPU s   entries/s   of raw, wall (least to most)   of raw, CPU (least to most)")
    for name, times in measured.items():
        wall, cpu = median(each.wall for each in times), median(each.cpu for each in times)
        shares = "   ".join(f"{share(measured['raw'], times, clock):>28}" for clock in ("wall", "cpu"))
        print(f"{name:10} {wall:8.2f} {cpu:8.2f} {options.entries / wall:11.0f} {shares}")
    result = {"entries": options.entries, "python": python}
    seconds = {name: [each._asdict() for each in times] for name, times in measured.items()}
    (RESULTS / "verification.json").write_text(json.dumps({**result, "seconds": seconds}, indent=1) + "\n")
    for path, _ in bundles.values():
        path.unlink()


def share(raw_times: list[Times], times: list[Times], clock: str) -> str:
    """Return which part of the raw rate was reached, round by round."""
    parts = [getattr(own, clock) / getattr(each, clock) for own, each in zip(raw_times, times, strict=True)]
    return f"{median(parts):.0%} ({min(parts):.0%} to {max(parts):.0%})"


if __name__ == "__main__":
    main()
