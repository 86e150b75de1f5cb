"""
Whom a referral is about: registers, links and corrects the person, and keeps by what their agency finds them again.

Inside whatever act is under way. An anonymous case holds nothing that points at anybody (rule 11), and a number is kept
as a keyed hash of the agency's own (rule 12).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from agencies.principals import Principal
from api_schema.validation import refuse
from api_schema.words import Words
from audit.hashing import keyed
from consent import records
from consent.categories import Category
from consent.models import Identifier, Mode, Subject
from referrals.errors import UnknownHere
from referrals.models import Referral
from referrals.sections import birth_year_of
from referrals.statements import Draft, Wish

CPR = "cpr"
NO_SUBJECT = Words("Personen findes ikke hos dig.", "There is no such person at your agency.")
OTHER_MODE = Words("Personen er registreret anderledes.", "The person is registered otherwise.")
OLDER = Words(
    "Personen er registreret som yngre i en anden henvisning: opret personen på ny, hvis det var forkert.",
    "The person is registered as younger in another referral: register them anew if that was wrong.",
)
NAMELESS = Words(
    "Sagen er anonym: den kan ikke rumme oplysninger, der peger på personen.",
    "The case is anonymous: it can't hold anything that identifies the person.",
)
NOT_ANONYMOUS = Words(
    "Kun en anonym sag hos dig selv kan knyttes til en ny sag.", "Only an anonymous case of your own can be linked."
)


def subject_of(draft: Draft, by: Principal) -> Subject:
    """Return whom a draft is about: a person of this agency, or a new one. Raises `UnknownHere` and `KeyDestroyed`."""
    if draft.subject_id is None:
        formerly = _linked(draft.linked, by) if draft.linked else {}
        return records.register_subject(draft.mode or Mode.IDENTIFIED, by=by, birth_year=_birth_year(draft), **formerly)
    subject = records.own_subject(draft.subject_id, by=by)
    if subject is None:
        raise UnknownHere(errors=[refuse("/subject/id", "unknown_subject", NO_SUBJECT)])
    records.check_not_erased(subject)
    if draft.mode is not None and draft.mode != subject.mode:
        raise UnknownHere(errors=[refuse("/subject/mode", "other_mode", OTHER_MODE)])
    correct_birth_year(subject, draft)
    return subject


def correct_birth_year(subject: Subject, draft: Draft) -> None:
    """
    Take over the birth year a draft tells. Raises `UnknownHere` where it makes the person older than known elsewhere.

    A number alone makes nobody older than known, nor does a year told without the number beside which it was told
    before: which of the two is wrong is not known here, so the younger stays.
    """
    year = _birth_year(draft)
    if year is not None and year != subject.birth_year:
        others = Referral.objects.filter(subject=subject).count() > 1 or draft.subject_id is not None
        older = subject.birth_year is not None and year < subject.birth_year
        if older and others and _told_year(draft) is not None:
            raise UnknownHere(errors=[refuse("/sections/background/birth_year", "older_than_known", OLDER)])
        if older and (_told_year(draft) is None or _number_lies_elsewhere(subject, draft)):
            return
        subject.birth_year = year
        subject.save(update_fields=["birth_year"])


def _number_lies_elsewhere(subject: Subject, draft: Draft) -> bool:
    return Category.IDENTITY not in draft.sections and Identifier.objects.filter(subject=subject).exists()


def check_nameless(subject: Subject, sections: Mapping[str, Any]) -> None:
    """Refuse what would name an anonymous person. Raises `UnknownHere`."""
    if subject.mode != Mode.ANONYMOUS:
        return
    if sections.get(Category.IDENTITY):
        raise UnknownHere(errors=[refuse("/sections/identity", "anonymous_case", NAMELESS)])
    if any("value" in method for method in (sections.get(Category.CONTACT) or {}).get("methods", ())):
        raise UnknownHere(errors=[refuse("/sections/contact/methods", "anonymous_case", NAMELESS)])


def check_not_asked_for(subject: Subject, about: Sequence[Category]) -> None:
    """Refuse a question or an answer about who an anonymous person is. Raises `UnknownHere`."""
    if subject.mode == Mode.ANONYMOUS and Category.IDENTITY in about:
        place = f"/categories/{about.index(Category.IDENTITY)}"
        raise UnknownHere(errors=[refuse(place, "anonymous_case", NAMELESS)])


def note_home(referral: Referral, sections: Mapping[str, Any]) -> None:
    """Set the home municipality beside the sections, for the rule that asks where the person lives (rule 15)."""
    if Category.BACKGROUND in sections:
        referral.home_municipality = (sections[Category.BACKGROUND] or {}).get("municipality_of_residence", "")


def note_number(referral: Referral, sections: Mapping[str, Any], *, by: Principal) -> None:
    """
    Keep a keyed hash of the number that a referral tells, by which the person is found again.

    It takes the place of the one that this referral told before; what another referral told stays.
    """
    if Category.IDENTITY not in sections:
        return
    forget_number(referral)
    number = (sections[Category.IDENTITY] or {}).get("cpr")
    if number:
        Identifier.objects.create(
            subject_id=referral.subject_id,
            agency_id=by.agency,
            kind=CPR,
            digest=number_digest(number, agency=by.agency),
            told_in=referral.id,
        )


def forget_number(referral: Referral) -> None:
    """Let nobody find the person by the number that this referral told."""
    Identifier.objects.filter(told_in=referral.id).delete()


def number_digest(number: str, *, agency: UUID) -> str:
    """Return the keyed hash of a CPR number at one agency; at another it is another."""
    return keyed(f"identifier:{CPR}:{agency}", number.encode())


def _linked(wish: Wish, by: Principal) -> dict[str, Any]:
    formerly = records.own_subject(wish.formerly, by=by)
    if formerly is None or formerly.mode != Mode.ANONYMOUS or formerly.erased_at is not None:
        raise UnknownHere(errors=[refuse("/subject/formerly", "not_an_anonymous_case", NOT_ANONYMOUS)])
    return {"formerly": formerly, "wished_at": wish.wished_at, "wish_method": wish.method}


def _birth_year(draft: Draft) -> int | None:
    """
    The year that the rules about age go by, known before any consent is weighed.

    It is the one told in the background, or the one of the CPR number. Where they differ, nothing is refused and the
    younger counts: an error then asks for an assessment or a custody holder too many, and never for one too few.
    """
    told = _told_year(draft)
    number = (draft.sections.get(Category.IDENTITY) or {}).get("cpr")
    years = [year for year in (told, birth_year_of(number) if number else None) if year is not None]
    return max(years, default=None)


def _told_year(draft: Draft) -> int | None:
    year: int | None = (draft.sections.get(Category.BACKGROUND) or {}).get("birth_year")
    return year
