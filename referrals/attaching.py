"""
Attaches a file to a referral: one act. To the recipient a sender's file is a disclosure under its category; a
recipient's is part of the outcome.

A file is scanned before it is stored, and an infected one is never stored. Nothing here says what a file's bytes are:
`file_types` does. Nothing here shows a file: `attachments` does.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from django.utils import timezone

from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.ids import UUIDv7
from agencies.principals import Principal
from audit import log
from audit.facts import Subject
from audit.log import Act
from consent import records, vault
from consent.categories import Category
from consent.errors import KeyReused
from consent.models import Mode
from referrals import news, policy, scanning, steps
from referrals.attachments import CLEAN, NOT_SCANNED, about_place, content_place
from referrals.attachments_errors import AnonymousCase, CategoryNotYours, InfectedFile, ScannerDown, TooManyFiles
from referrals.coverage import coverage_of
from referrals.errors import MoveNotAllowed, NotCovered, ReferralNotFound
from referrals.lifecycle import STEPS, Move, Side, Status
from referrals.models import Attachment, Referral

MADE_ONCE = ("referrals_attachment_is_created_once_per_key",)
SHARED = frozenset(status for status, move in STEPS if move is Move.AMEND)
"""Where both sides work with the referral: what may be amended may be added to."""

FILES_MAX = 100
"""So many files each side attaches to a referral at most, so that a list of them is one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that somebody wants to attach: already known to be of its type."""

    category: Category
    name: str
    media_type: str
    content: bytes
    description: str
    key: str
    body_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """What came of attaching a file: its id, and whether an earlier request with the same key had attached it."""

    id: UUID
    replayed: bool


def attach(file: File, *, to: UUID, by: Principal, purpose: str) -> Attached:
    """
    Attach a file to a referral; the same key and body return the file already attached.

    Raises `ReferralNotFound`, `KeyReused`, `MoveNotAllowed`, `CategoryNotYours`, `AnonymousCase`, `TooManyFiles`,
    `InfectedFile`, `ScannerDown`, `PurposeNotAllowed` and `NotCovered`; all recorded, and nothing is stored.
    """
    return log.once_more(lambda: _attach(file, to, by=by, purpose=purpose), on=MADE_ONCE)


def _attach(file: File, referral_id: UUID, *, by: Principal, purpose: str) -> Attached:
    with acting("referral.attach", by=by, about=Subject("referral", referral_id), purpose=purpose) as act:
        found = Referral.objects.viewable_by(by).with_parties().filter(pk=referral_id)
        referral = found.first()
        if referral is None:
            raise ReferralNotFound
        made = Attachment.objects.filter(written_by=by.agency, idempotency_key=file.key)
        if earlier := made.values_list("id", "body_hash").first():
            if earlier[1] != file.body_hash:
                raise KeyReused
            act.action, act.result_ids = "referral.replay", (earlier[0],)
            return Attached(id=earlier[0], replayed=True)
        _check_may(file.category, referral, by=by)
        scan_state = _scanned(file.content)  # before anything is locked: it may take its time
        side, referral, file_id = _locked(file.category, referral, found.get, by=by)
        if Attachment.objects.filter(referral=referral, written_by=by.agency).count() >= FILES_MAX:
            raise TooManyFiles(limit=FILES_MAX)
        _check_told(act, file.category, referral, side, purpose=purpose)
        _write(file, referral, file_id, scan_state=scan_state, by=by)
        act.categories, act.result_ids = (str(file.category),), (file_id,)
        act.detail = {"scan_state": scan_state}
        return Attached(id=file_id, replayed=False)


def _locked(
    category: Category, seen: Referral, again: Callable[[], Referral], *, by: Principal
) -> tuple[Side, Referral, UUID]:
    """Return the side, the referral as its locked row is, and an id for the file."""
    if seen.consent_id is not None:
        records.hold(seen.consent_id)  # before the referral, as a withdrawal locks them
    row = Referral.objects.select_for_update().values_list("version", UUIDv7())
    version, file_id = row.get(pk=seen.pk)
    referral = seen if seen.version == version else again()
    return _check_may(category, referral, by=by), referral, file_id


def _check_may(category: Category, referral: Referral, *, by: Principal) -> Side:
    """Return the side on which the principal may attach under a category now; refuse otherwise."""
    facts = referral.facts()
    side = _side(by, facts)
    if side is None or facts.erased:
        raise MoveNotAllowed(policy.allowed_actions(by, facts))
    if (category is Category.OUTCOME) is not (side is Side.RECIPIENT):
        raise CategoryNotYours
    if referral.subject.mode == Mode.ANONYMOUS:
        raise AnonymousCase
    return side


def _side(by: Principal, facts: policy.Facts) -> Side | None:
    if not facts.may_work or not policy.on_duty(by, facts):
        return None
    if by.agency == facts.sender:
        return Side.SENDER if facts.status in SHARED | {Status.DRAFT} else None
    return Side.RECIPIENT if by.agency == facts.recipient and facts.status in SHARED else None


def _scanned(content: bytes) -> str:
    scanner = scanning.configured()
    if scanner is None:
        return NOT_SCANNED
    try:
        verdict = scanner.scan(content)
    except scanning.ScannerUnavailable as error:
        raise ScannerDown from error
    if isinstance(verdict, scanning.Infected):
        raise InfectedFile
    return CLEAN


def _check_told(act: Act, category: Category, referral: Referral, side: Side, *, purpose: str) -> None:
    """Hold what is shared to its ground: a sender's file is a disclosure (rules 1 and 2), once it is no draft."""
    if side is Side.RECIPIENT:
        if policy.OTHER_PURPOSE & set(coverage_of(referral, purpose=purpose, at=timezone.now()).because):
            raise PurposeNotAllowed
        return
    if referral.status == Status.DRAFT:
        return
    try:
        coverage = steps.check_covered(referral, frozenset({category}), purpose=purpose)
    except NotCovered as refused:
        raise NotCovered(errors=[replace(error, pointer="/category") for error in refused.errors]) from None
    steps.rest_on(act, referral, coverage.consent_version)


def _write(file: File, referral: Referral, file_id: UUID, *, scan_state: str, by: Principal) -> None:
    subject = referral.subject_id
    about = {"file_name": file.name, "description": file.description, "sha256": sha256(file.content).hexdigest()}
    Attachment.objects.create(
        id=file_id,
        referral=referral,
        category=file.category,
        media_type=file.media_type,
        size=len(file.content),
        scan_state=scan_state,
        about=vault.seal(about, subject=subject, belongs_to=about_place(referral.id, file.category, file_id)),
        sealed=vault.seal_bytes(
            file.content, subject=subject, belongs_to=content_place(referral.id, file.category, file_id)
        ),
        written_by_id=by.agency,
        idempotency_key=file.key,
        body_hash=file.body_hash,
    )
    Referral.objects.filter(pk=referral.pk).update(updated_at=timezone.now())
    news.attached(referral)
