"""
Writes a referral's own rows: the header, its sealed sections, its basis; inside whatever act is under way.

Nothing here opens a transaction or decides who may; `actions` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.models import Agency
from agencies.principals import Principal
from api_schema.validation import refuse
from api_schema.words import Words
from consent import grounds, records, vault
from consent.categories import Category
from consent.errors import KeyReused
from consent.models import Consent, LegalBasis, Mode, Subject
from referrals.disclosure import place
from referrals.errors import UnknownHere
from referrals.lifecycle import Status
from referrals.models import BatchKey, Referral, Section

CPR, NECESSITY = "identity.cpr", "reason.necessity"
STORED_UNDER: dict[str, list[str]] = {Category.IDENTITY: [Category.IDENTITY, CPR]}
"""The categories that lie in more than one sealed piece."""

NO_AGENCY = Words("Modtageren findes ikke i /agencies.", "The recipient is not in /agencies.")
NOT_SELF = Words("Modtageren skal være en anden end dig selv.", "The recipient must be another agency than yours.")
NO_SUBJECT = Words("Personen findes ikke hos dig.", "There is no such person at your agency.")
NO_BASIS = Words("Hjemlen findes ikke: se /code-lists/legal-bases.", "No such basis: see /code-lists/legal-bases.")
NO_CONSENT = Words(
    "Samtykket findes ikke på denne person hos dig.", "There is no such consent of this person at your agency."
)
OTHER_MODE = Words("Personen er registreret anderledes.", "The person is registered otherwise.")
OLDER = Words(
    "Personen er registreret som yngre i en anden henvisning: opret personen på ny, hvis det var forkert.",
    "The person is registered as younger in another referral: register them anew if that was wrong.",
)
NAMELESS = Words(
    "Sagen er anonym: den kan ikke rumme oplysninger, der peger på personen.",
    "The case is anonymous: it can't hold anything that identifies the person.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisStated:
    """The legal basis as the sender states it: a code, and a consent recorded before or told with it."""

    code: str
    consent_id: UUID | None = None
    consent: records.Given | None = None
    necessity_statement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a sender writes. Left out of a change, a member stays; a section set to None is taken out."""

    recipient: UUID | None = None
    subject_id: UUID | None = None
    mode: Mode | None = None
    external_reference: str | None = None
    channel: str | None = None
    urgency: str | None = None
    basis: BasisStated | None = None
    sections: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    body_hash: str = ""


def write_new(draft: Draft, *, by: Principal, parent: Referral | None = None) -> Referral:
    """
    Write a new draft of the principal's agency, and return it.

    Raises `UnknownHere` where the draft refers to something that is not there for this agency.
    """
    now = timezone.now()
    referral = Referral(
        sender_id=by.agency,
        responsible_id=by.agency,
        responsible_since=now,
        subject=_subject(draft, by),
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
    return referral


def rewrite(referral: Referral, draft: Draft, *, by: Principal) -> None:
    """Write the changes of a draft into its rows and count its version up. Raises `UnknownHere`."""
    _correct_birth_year(referral.subject, draft)
    _set_header(referral, draft, by)
    if draft.basis is not None:
        key = f"with {referral.id} {referral.version}"
        _set_basis(referral, draft.basis, key=key, body_hash=draft.body_hash, by=by)
    _write_sections(referral, draft, by, replacing=True)
    touch(referral)


def restate_basis(referral: Referral, stated: BasisStated, *, by: Principal) -> None:
    """Let the referral rest on another basis or consent than before. Raises `UnknownHere`."""
    key = f"with {referral.id} {referral.version}"
    _set_basis(referral, stated, key=key, body_hash=referral.body_hash, by=by)
    if stated.necessity_statement:
        _add_necessity(referral, stated.necessity_statement, by)


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
    part = Section.objects.filter(referral=referral, category=Category.OUTCOME).count()
    _sealed(referral, Category.OUTCOME, {**content, "at": at.isoformat()}, by, part=part).save()


def add_message(
    referral: Referral, about: Category, content: Mapping[str, Any], *, by: Principal, at: datetime
) -> None:
    """Seal a question or an answer under the category it is about, so that it reaches whom that category reaches."""
    name = f"{about.value}.message"
    part = Section.objects.filter(referral=referral, category=name).count()
    _sealed(referral, name, {"category": about.value, **content, "at": at.isoformat()}, by, part=part).save()


def written_categories(referral: Referral) -> frozenset[Category]:
    """Return the categories that hold content; not the content, which the application can't read back."""
    names = Section.objects.filter(referral=referral).values_list("category", flat=True)
    return frozenset(Category(name.partition(".")[0]) for name in names)


def _subject(draft: Draft, by: Principal) -> Subject:
    if draft.subject_id is None:
        return records.register_subject(draft.mode or Mode.IDENTIFIED, by=by, birth_year=_birth_year(draft))
    subject = records.own_subject(draft.subject_id, by=by)
    if subject is None:
        raise UnknownHere(errors=[refuse("/subject/id", "unknown_subject", NO_SUBJECT)])
    if draft.mode is not None and draft.mode != subject.mode:
        raise UnknownHere(errors=[refuse("/subject/mode", "other_mode", OTHER_MODE)])
    _correct_birth_year(subject, draft)
    return subject


def _set_header(referral: Referral, draft: Draft, by: Principal) -> None:
    if draft.recipient is not None:
        referral.recipient = _recipient(draft.recipient, by)
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


def _basis(stated: BasisStated) -> LegalBasis:
    basis = grounds.newest_basis(stated.code, on=timezone.now().date())
    if basis is None:
        raise UnknownHere(errors=[refuse("/basis/code", "unknown_basis", NO_BASIS)])
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
    if referral.subject.mode == Mode.ANONYMOUS and draft.sections.get(Category.IDENTITY):
        raise UnknownHere(errors=[refuse("/sections/identity", "anonymous_case", NAMELESS)])
    if referral.subject.mode == Mode.ANONYMOUS and _names_a_way(draft.sections.get(Category.CONTACT)):
        raise UnknownHere(errors=[refuse("/sections/contact/methods", "anonymous_case", NAMELESS)])
    contents = {category: dict(content) for category, content in draft.sections.items() if content is not None}
    stored = {name: part for category, content in contents.items() for name, part in _apart(category, content).items()}
    if draft.basis is not None and draft.basis.necessity_statement:
        stored[NECESSITY] = draft.basis.necessity_statement
    if replacing:
        gone = {name for category in draft.sections for name in STORED_UNDER.get(category, [category])}
        gone |= {NECESSITY} if draft.basis is not None else set()
        Section.objects.filter(referral=referral, category__in=gone | set(stored)).delete()
    Section.objects.bulk_create([_sealed(referral, name, content, by) for name, content in stored.items()])


def _names_a_way(contact: Mapping[str, Any] | None) -> bool:
    """Say whether a number or an address is given; how and when to meet may be said of an anonymous person."""
    return any("value" in method for method in (contact or {}).get("methods", ()))


def _apart(category: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return what a section is stored as: a CPR number lies apart from the rest of the identity (rule 12)."""
    number = content.pop("cpr", None) if category == Category.IDENTITY else None
    return {category: content, **({CPR: number} if number else {})}


def _birth_year(draft: Draft) -> int | None:
    """The year that the rules about age go by, known before any consent is weighed."""
    year: int | None = (draft.sections.get(Category.BACKGROUND) or {}).get("birth_year")
    return year


def _correct_birth_year(subject: Subject, draft: Draft) -> None:
    year = _birth_year(draft)
    if year is not None and year != subject.birth_year:
        others = Referral.objects.filter(subject=subject).count() > 1 or draft.subject_id is not None
        if subject.birth_year is not None and year < subject.birth_year and others:
            raise UnknownHere(errors=[refuse("/sections/background/birth_year", "older_than_known", OLDER)])
        subject.birth_year = year
        subject.save(update_fields=["birth_year"])


def _add_necessity(referral: Referral, statement: str, by: Principal) -> None:
    part = Section.objects.filter(referral=referral, category=NECESSITY).count()
    _sealed(referral, NECESSITY, statement, by, part=part).save()


def _sealed(referral: Referral, category: str, content: Any, by: Principal, *, part: int = 0) -> Section:
    key = bytes(referral.subject.wrapped_key)
    sealed = vault.seal(content, wrapped_key=key, belongs_to=place(referral.id, category, part))
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


def is_draft(referral: Referral) -> bool:
    """Say whether the referral can still be edited."""
    return referral.status == Status.DRAFT
