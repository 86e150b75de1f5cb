"""
Writes a referral's own rows: the header, its sealed sections, its basis; inside whatever act is under way.

Nothing here opens a transaction or decides who may; `actions` does.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from agencies import directory
from agencies.models import Agency, Kind
from agencies.principals import Principal
from api_schema.validation import refuse
from api_schema.words import Words
from consent import grounds, records, vault
from consent.categories import Category
from consent.errors import KeyReused
from consent.models import Consent, LegalBasis, Mode
from referrals import persons
from referrals.disclosure import place
from referrals.emergency import VITAL
from referrals.errors import NotCovered, UnknownHere
from referrals.lifecycle import Status
from referrals.models import Attachment, BatchKey, Referral, Section
from referrals.statements import BasisStated, Draft

CPR, NECESSITY = "identity.cpr", "reason.necessity"
STORED_UNDER: dict[str, list[str]] = {Category.IDENTITY: [Category.IDENTITY, CPR]}
"""The categories that lie in more than one sealed piece."""

NO_AGENCY = Words("Modtageren findes ikke i /agencies.", "The recipient is not in /agencies.")
NOT_SELF = Words("Modtageren skal være en anden end dig selv.", "The recipient must be another agency than yours.")
ONLY_IN_AN_EMERGENCY = Words(
    "Akut fare er ingen hjemmel for en henvisning: brug POST /break-glass på en henvisning, du er part i.",
    "Acute danger is no basis for a referral: use POST /break-glass on a referral that you are a party to.",
)
NO_BASIS = Words("Hjemlen findes ikke: se /code-lists/legal-bases.", "No such basis: see /code-lists/legal-bases.")
CPR_KEPT = Words(
    "En privat myndighed må kun opbevare CPR-nummeret med samtykke eller hjemmel i lov: angiv basis.cpr_ground.",
    "A private agency keeps the CPR number only on consent or by statute: state basis.cpr_ground.",
)
NO_CONSENT = Words(
    "Samtykket findes ikke på denne person hos dig.", "There is no such consent of this person at your agency."
)


def write_new(draft: Draft, *, by: Principal, parent: Referral | None = None) -> Referral:
    """
    Write a new draft of the principal's agency, and return it.

    Raises `UnknownHere` where the draft refers to something that is not there for this agency, and `NotCovered` where
    a private one has no ground to keep the CPR number.
    """
    now = timezone.now()
    referral = Referral(
        sender_id=by.agency,
        responsible_id=by.agency,
        responsible_since=now,
        subject=persons.subject_of(draft, by),
        parent=parent,
        updated_at=now,
        idempotency_key=draft.key,
        body_hash=draft.body_hash,
    )
    _set_header(referral, draft, by)
    if draft.basis is not None:
        _set_basis(referral, draft.basis, key=f"with {draft.key}", body_hash=draft.body_hash, by=by)
    referral.save()
    _write_sections(referral, draft, by, replacing=False)
    _check_number_kept(referral, by)
    return referral


def rewrite(referral: Referral, draft: Draft, *, by: Principal) -> None:
    """Write a draft's changes into its rows and count its version up. Raises as `write_new`, and `KeyDestroyed`."""
    records.check_not_erased(referral.subject)
    persons.correct_birth_year(referral.subject, draft)
    _set_header(referral, draft, by)
    if draft.basis is not None:
        key = f"with {referral.id} {referral.version}"
        _set_basis(referral, draft.basis, key=key, body_hash=draft.body_hash, by=by)
    _write_sections(referral, draft, by, replacing=True)
    _check_number_kept(referral, by)
    touch(referral)


def restate_basis(referral: Referral, stated: BasisStated, *, by: Principal) -> None:
    """Let the referral rest on another basis or consent than before. Raises as `write_new`."""
    key = f"with {referral.id} {referral.version}"
    _set_basis(referral, stated, key=key, body_hash=referral.body_hash, by=by)
    if stated.necessity_statement:
        _add_necessity(referral, stated.necessity_statement, by)
    _check_number_kept(referral, by)


def write_child(parent: Referral, *, recipient: UUID | None, by: Principal) -> Referral:
    """
    Write an empty draft linked to a redirected referral, and return it. Its content needs a basis of its own, so none
    is carried over.
    """
    draft = Draft(
        recipient=recipient,
        mode=Mode(parent.subject.mode),
        urgency=parent.urgency,
        channel=parent.channel,
        key=f"redirected {parent.id}",
    )
    return write_new(draft, by=by, parent=parent)


def touch(referral: Referral) -> None:
    """Count the version up and save the header, with its history."""
    referral.version += 1
    referral.updated_at = timezone.now()
    referral.save()


def add_outcome(referral: Referral, content: Mapping[str, Any], *, by: Principal, at: datetime) -> None:
    """Seal one more piece of the outcome: what a move said besides its code."""
    part = _pieces(referral, Category.OUTCOME)
    _sealed(referral, Category.OUTCOME, {**content, "at": at.isoformat()}, by, part=part).save()


def add_message(
    referral: Referral, about: Category, content: Mapping[str, Any], *, by: Principal, at: datetime
) -> None:
    """Seal a question or an answer under the category it is about, so that it reaches whom that category reaches."""
    name = f"{about.value}.message"
    part = _pieces(referral, name)
    _sealed(referral, name, {"category": about.value, **content, "at": at.isoformat()}, by, part=part).save()


def written_categories(referral: Referral) -> frozenset[Category]:
    """Return the categories that hold content or files; not what they hold, which the application can't read back."""
    names = Section.objects.filter(referral=referral).values_list("category", flat=True)
    files = Attachment.objects.filter(referral=referral).values_list("category", flat=True)
    return frozenset(Category(name.partition(".")[0]) for name in names.union(files))


def _set_header(referral: Referral, draft: Draft, by: Principal) -> None:
    if draft.recipient is not None:
        referral.recipient = _recipient(draft.recipient, by)
    persons.note_home(referral, draft.sections)
    for name in ("external_reference", "channel", "urgency"):
        value = getattr(draft, name)
        if value is not None:
            setattr(referral, name, value)


def _recipient(agency_id: UUID, by: Principal) -> Agency:
    if agency_id == by.agency:
        raise UnknownHere(errors=[refuse("/recipient", "own_agency", NOT_SELF)])
    agency = directory.active_agency(agency_id)
    if agency is None:
        raise UnknownHere(errors=[refuse("/recipient", "unknown_agency", NO_AGENCY)])
    return agency


def _set_basis(referral: Referral, stated: BasisStated, *, key: str, body_hash: str, by: Principal) -> None:
    referral.basis = _basis(stated)
    told = _consent(referral, stated, key=key, body_hash=body_hash, by=by)
    referral.consent = told if referral.basis.consent_kind else None  # a basis that needs none rests on none
    referral.necessity_stated = bool(stated.necessity_statement)
    referral.article_9_ground, referral.article_10_ground = stated.article_9_ground, stated.article_10_ground
    referral.cpr_ground = stated.cpr_ground


def set_outcome_basis(referral: Referral, stated: BasisStated, *, by: Principal) -> None:
    """Let the outcome go back to the sender on a basis of its own, stated by the recipient. Raises `UnknownHere`."""
    referral.outcome_basis = _basis(stated, "/report_back/code")
    key = f"outcome of {referral.id} {referral.version}"
    told = _consent(referral, stated, key=key, body_hash=referral.body_hash, by=by)
    referral.outcome_consent = told if referral.outcome_basis.consent_kind else None
    referral.outcome_necessity_stated = bool(stated.necessity_statement)
    if stated.necessity_statement:
        said = {"move": "report_back", "comment": stated.necessity_statement}
        add_outcome(referral, said, by=by, at=timezone.now())


def _basis(stated: BasisStated, pointer: str = "/basis/code") -> LegalBasis:
    if stated.code == VITAL:
        raise UnknownHere(errors=[refuse(pointer, "only_by_broken_glass", ONLY_IN_AN_EMERGENCY)])
    basis = grounds.newest_basis(stated.code, on=timezone.now().date())
    if basis is None:
        raise UnknownHere(errors=[refuse(pointer, "unknown_basis", NO_BASIS)])
    return basis


def _consent(referral: Referral, stated: BasisStated, *, key: str, body_hash: str, by: Principal) -> Consent | None:
    if stated.consent is not None:
        return records.register_consent(stated.consent, subject=referral.subject, by=by, key=key, body_hash=body_hash)
    if stated.consent_id is None:
        return None
    consent = Consent.objects.filter(pk=stated.consent_id, subject=referral.subject_id, registered_by=by.agency).first()
    if consent is None:
        raise UnknownHere(errors=[refuse("/basis/consent_id", "unknown_consent", NO_CONSENT)])
    return consent


def _write_sections(referral: Referral, draft: Draft, by: Principal, *, replacing: bool) -> None:
    persons.check_nameless(referral.subject, draft.sections)
    contents = {category: dict(content) for category, content in draft.sections.items() if content is not None}
    stored = {name: part for category, content in contents.items() for name, part in _apart(category, content).items()}
    if draft.basis is not None and draft.basis.necessity_statement:
        stored[NECESSITY] = draft.basis.necessity_statement
    if replacing:
        gone = {name for category in draft.sections for name in STORED_UNDER.get(category, [category])}
        gone |= {NECESSITY} if draft.basis is not None else set()
        Section.objects.filter(referral=referral, category__in=gone | set(stored)).delete()
    Section.objects.bulk_create([_sealed(referral, name, content, by) for name, content in stored.items()])
    persons.note_number(referral, draft.sections, by=by)


def amend(
    referral: Referral, sections: Mapping[str, Any], *, reason: str, comment: str, by: Principal, at: datetime
) -> None:
    """Seal new content beside the old of each section, with why; the latest piece is the section as it is now."""
    persons.check_nameless(referral.subject, sections)
    said = {"reason": reason, "comment": comment, "from": str(by.agency), "at": at.isoformat()}
    for category, content in sections.items():
        stored = _apart(category, dict(content))
        part = max(1, _pieces(referral, category))
        why = {name: value for name, value in said.items() if value}
        pieces = {category: {**why, "content": stored.pop(category)}, **stored}
        Section.objects.bulk_create([_sealed(referral, name, piece, by, part=part) for name, piece in pieces.items()])
    persons.note_home(referral, sections)
    persons.note_number(referral, sections, by=by)
    _check_number_kept(referral, by)


def _pieces(referral: Referral, category: str) -> int:
    """Return the number of the next piece of a category."""
    last = Section.objects.filter(referral=referral, category=category).aggregate(last=Max("part"))["last"]
    return 0 if last is None else last + 1


def _apart(category: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return what a section is stored as: a CPR number lies apart from the rest of the identity (rule 12)."""
    number = content.pop("cpr", None) if category == Category.IDENTITY else None
    return {category: content, **({CPR: number} if number else {})}


def _add_necessity(referral: Referral, statement: str, by: Principal) -> None:
    part = _pieces(referral, NECESSITY)
    _sealed(referral, NECESSITY, statement, by, part=part).save()


def _sealed(referral: Referral, category: str, content: Any, by: Principal, *, part: int = 0) -> Section:
    sealed = vault.seal(content, subject=referral.subject_id, belongs_to=place(referral.id, category, part))
    return Section(referral=referral, category=category, part=part, sealed=sealed, written_by_id=by.agency)


def claim_batch_key(key: str, body_hash: str, *, by: Principal) -> None:
    """Keep a batch's key with what its body is known by. Raises `KeyReused` where it came with another body before."""
    claimed = BatchKey.objects.filter(sender=by.agency, key=key).first()
    if claimed is None:
        BatchKey.objects.create(sender_id=by.agency, key=key, body_hash=body_hash)
    elif claimed.body_hash != body_hash:
        raise KeyReused


def has_section(referral: Referral, category: Category) -> bool:
    """Say whether the section itself is filled in, and not only what is sealed apart from it."""
    return Section.objects.filter(referral=referral, category=category.value).exists()


def has_number(referral: Referral) -> bool:
    """Say whether a CPR number is told."""
    return Section.objects.filter(referral=referral, category=CPR).exists()


def number_has_ground(referral: Referral) -> bool:
    """Say whether a private agency may hold the CPR number: on consent, or by statute (DBL § 11(2))."""
    return bool(referral.cpr_ground) or (referral.basis is not None and referral.basis.consent_kind != "")


def _check_number_kept(referral: Referral, by: Principal) -> None:
    """Refuse a number that a private sender has no ground to keep. Raises `NotCovered`."""
    if by.kind == Kind.EXIT_CENTRE and has_number(referral) and not number_has_ground(referral):
        raise NotCovered(errors=[refuse("/sections/identity/cpr", "cpr_needs_ground", CPR_KEPT)])


def is_draft(referral: Referral) -> bool:
    """Say whether the referral can still be edited."""
    return referral.status == Status.DRAFT
