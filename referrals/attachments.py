"""
Shows the files on a referral: what they are, and one's content. They leave by the same door as sections do: recorded
first, then released by the database for that entry. What a file is said to be is sealed as well as its content.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from agencies.principals import Principal
from api_schema.problems import Unavailable
from audit.facts import Receipt
from audit.log import Act
from consent import vault
from consent.categories import Category
from referrals import disclosure, scanning
from referrals.attachments_errors import NotScanned
from referrals.disclosure import Recorded, Rows, place, released
from referrals.errors import ReferralNotFound
from referrals.models import Attachment, Referral

CLEAN, NOT_SCANNED = "clean", "not_scanned"
IN_THE_CLEAR = ("id", "category", "media_type", "size", "scan_state", "written_by", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """A file as its description was shown; `served` says whether its content may be fetched now."""

    id: UUID
    category: str
    media_type: str
    size: int
    scan_state: str
    sent_by: UUID
    created_at: datetime
    served: bool
    name: str
    description: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFiles:
    """The files of one disclosure, oldest first, and the receipt of its entry."""

    files: tuple[ShownFile, ...]
    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One file's content as it was shown."""

    name: str
    media_type: str
    content: bytes
    receipt: Receipt


def describe_files(referral_id: UUID, *, to: Principal, purpose: str, only: UUID | None = None) -> ShownFiles:
    """
    Show what files a referral holds, or only one of them, as far as this reader may see their categories now.

    Raises as `disclosure.disclose` does, and `ReferralNotFound` where the one is not there or not theirs to see.
    """

    def once() -> ShownFiles:
        rows: list[Attachment] = []
        recorded = _record(referral_id, rows, only, to=to, purpose=purpose, action="referral.attachments")
        told = _told(recorded)
        files = tuple(_shown(row, _unsealed(recorded, row, told[row.id])) for row in rows)
        return ShownFiles(files=files, receipt=recorded.receipt)

    return disclosure.patiently(once)


def fetch(referral_id: UUID, file_id: UUID, *, to: Principal, purpose: str) -> Fetched:
    """
    Show one file's content. What was never scanned is shown only where the settings say so, and then recorded so.

    Raises as `describe_files` does, and `NotScanned`, recorded.
    """

    def scanned_or_allowed(act: Act, row: Attachment) -> None:
        if row.scan_state == CLEAN:
            return
        if not scanning.serves_unscanned():
            raise NotScanned
        act.detail["unscanned"] = "served"

    def once() -> Fetched:
        rows: list[Attachment] = []
        recorded = _record(
            referral_id,
            rows,
            file_id,
            to=to,
            purpose=purpose,
            action="referral.attachment",
            check=scanned_or_allowed,
        )
        (row,) = rows
        about, content = _content(recorded, row)
        return Fetched(name=about["file_name"], media_type=row.media_type, content=content, receipt=recorded.receipt)

    return disclosure.patiently(once)


def _record(
    referral_id: UUID,
    rows: list[Attachment],
    only: UUID | None,
    *,
    to: Principal,
    purpose: str,
    action: str,
    check: Callable[[Act, Attachment], None] | None = None,
) -> Recorded:
    """Record the showing of a referral's files, or of one, and leave in `rows` those that are shown."""

    def holds(referral: Referral) -> Collection[str]:
        found = Attachment.objects.filter(referral=referral).only(*IN_THE_CLEAR).order_by("id")
        rows[:] = found if only is None else found.filter(pk=only)
        return {row.category for row in rows}

    def narrow(act: Act, readable: Sequence[Category]) -> None:
        rows[:] = [row for row in rows if row.category in readable]
        if only is not None and not rows:
            raise ReferralNotFound
        for row in rows:
            if check is not None:
                check(act, row)
        act.result_ids = tuple(row.id for row in rows)

    return disclosure.record(referral_id, to=to, purpose=purpose, action=action, holds=holds, narrow=narrow)


def _told(recorded: Recorded) -> dict[UUID, bytes]:
    """Return what the files in the categories of a committed entry are said to be, sealed."""
    question = "SELECT id, about FROM referrals_release_files(%s, %s, %s)"
    return released(question, _asked(recorded), lambda rows: {file_id: bytes(about) for file_id, about in rows})


def _content(recorded: Recorded, row: Attachment) -> tuple[Any, bytes]:
    """Return what a file is said to be, and its content, as a committed entry allows. Raises `Unavailable`."""
    referral = recorded.referral

    def opened(rows: Rows) -> tuple[Any, bytes]:
        if not rows:
            raise Unavailable
        about, sealed = map(bytes, rows[0])
        belongs_to = content_place(referral.id, row.category, row.id)
        content = vault.unseal_bytes(sealed, subject=referral.subject_id, belongs_to=belongs_to)
        return _unsealed(recorded, row, about), content

    question = "SELECT about, sealed FROM referrals_release_file(%s, %s, %s, %s)"
    return released(question, [*_asked(recorded), row.id], opened)


def _unsealed(recorded: Recorded, row: Attachment, about: bytes) -> Any:
    referral = recorded.referral
    return disclosure.unsealed(referral, about, about_place(referral.id, row.category, row.id))


def _asked(recorded: Recorded) -> list[UUID]:
    return [recorded.receipt.entry, recorded.reader.agency, recorded.referral.id]


def _shown(row: Attachment, about: dict[str, Any]) -> ShownFile:
    return ShownFile(
        id=row.id,
        category=row.category,
        media_type=row.media_type,
        size=row.size,
        scan_state=row.scan_state,
        sent_by=row.written_by_id,
        created_at=row.created_at,
        served=row.scan_state == CLEAN or scanning.serves_unscanned(),
        name=about["file_name"],
        description=about["description"],
        sha256=about["sha256"],
    )


def about_place(referral_id: UUID, category: str, file_id: UUID) -> str:
    """Return what a file's sealed description is bound to."""
    return place(referral_id, f"{category}.attachment", str(file_id))


def content_place(referral_id: UUID, category: str, file_id: UUID) -> str:
    """Return what a file's sealed content is bound to; so that neither can take the other's place."""
    return place(referral_id, f"{category}.attachment.content", str(file_id))
