"""
Small files of each type that is taken, the harmless text by which virus scanners are tried (eicar.org), and the
requests that attach, list and fetch.
"""

import struct
import zlib
from base64 import b64encode
from typing import Any

from audit.models import Entry
from tests.exchange import Answer, Caller

EICAR = b"".join([b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$", b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!", b"$H+H*"])
"""In pieces, so that no scanner takes this file for it."""

NAME, TOLD = "Udtalelse om Prøvesen.pdf", "Markeret beskrivelse af filen"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))


def pdf(inside: bytes = b"Udtalelse") -> bytes:
    """A document that holds some bytes."""
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Length "
        + str(len(inside)).encode()
        + b" >>\nstream\n"
        + inside
        + (b"\nendstream\nendobj\ntrailer\n<< >>\n%%EOF\n")
    )


PDF = pdf()
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack("!IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\x00"))
    + _chunk(b"IEND", b"")
)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + b"\xff\xdb" + b"\x00" * 40 + b"\xff\xd9"
)


def body(content: bytes = PDF, /, **changes: Any) -> dict[str, Any]:
    """A file that would be accepted as it is."""
    return {
        "category": "needs",
        "file_name": NAME,
        "media_type": "application/pdf",
        "content": b64encode(content).decode(),
        "description": TOLD,
        **changes,
    }


def attach(by: Caller, referral: str, content: bytes = PDF, /, *, key: str = "", **changes: Any) -> Answer:
    sent = {"Idempotency_Key": key} if key else {}
    return by.create(body(content, **changes), path=f"referrals/{referral}/attachments", **sent)


def attached(by: Caller, referral: str, content: bytes = PDF, /, **changes: Any) -> str:
    made = attach(by, referral, content, **changes)
    assert made.status == 201, made
    return str(made.body["id"])


def listed(by: Caller, referral: str) -> list[dict[str, Any]]:
    told = by.get(f"referrals/{referral}/attachments")
    assert (told.status, told.body["next"]) == (200, None), told
    return list(told.body["results"])


def ids(by: Caller, referral: str) -> list[str]:
    return [file["id"] for file in listed(by, referral)]


def fetch(by: Caller, referral: str, file: str, **headers: str) -> Answer:
    return by.get(f"referrals/{referral}/attachments/{file}/content", **headers)


def entry_of(answer: Answer, action: str) -> Entry:
    return Entry.objects.get(request_id=answer.headers["Request-Id"], action=action)


def refusal_of(answer: Answer, action: str) -> tuple[str, str]:
    entry = entry_of(answer, action)
    return entry.outcome, entry.refusal


def errors(answer: Answer) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in answer.body.get("errors", [])]
