"""
How a person reads their own data in Danish: names of fields, codes in words, dates as they are written. Pure.

Codes that a code list holds are not here; they are data.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

HERE = ZoneInfo("Europe/Copenhagen")
MONTHS = (
    *("januar", "februar", "marts", "april", "maj", "juni"),
    *("juli", "august", "september", "oktober", "november", "december"),
)
YES, NO = "Ja", "Nej"

FIELDS: dict[str, str] = {
    "address": "Adresse",
    "aliases": "Andre navne",
    "at": "Hvornår",
    "avoid_words": "Ord, der skal undgås",
    "birth_year": "Fødselsår",
    "channel": "Hvordan",
    "codes": "Behov",
    "comment": "Bemærkning",
    "cpr": "CPR-nummer",
    "entries": "Skridt",
    "from_health_system": "Oplyst af sundhedsvæsenet",
    "hours": "Tidspunkter",
    "interpreter_needed": "Tolk nødvendig",
    "is_child": "Barn",
    "kind": "Slags",
    "language": "Sprog",
    "may_be_contacted": "Må kontaktes",
    "methods": "Sikker kontakt",
    "milieu": "Miljø",
    "move": "Hvad der skete",
    "municipality_of_residence": "Bopælskommune",
    "must_not_know": "Må ikke få noget at vide",
    "name": "Navn",
    "necessity": "Hvorfor det var nødvendigt",
    "note": "Note",
    "on": "Dato",
    "outcome": "Udfald",
    "people": "Person",
    "protected_address": "Beskyttet adresse",
    "reason": "Begrundelse",
    "relation": "Relation",
    "source": "Kilde",
    "statements": "Udsagn",
    "subject_aware": "Personen ved det",
    "subject_aware_note": "Om det, personen ved",
    "summary": "Resumé",
    "text": "Tekst",
    "threatened_by_milieu": "Truet af miljøet",
    "value": "Nummer eller adresse",
    "words_to_use": "Ord, der kan bruges",
}
"""Every member of every section, as the person reads it."""

SAID: dict[str, dict[str, str]] = {
    "channel": {
        "phone": "Telefon",
        "sms": "Sms",
        "email": "E-mail",
        "in_person": "Personligt møde",
        "digital_post": "Digital Post",
        "letter": "Brev",
        "other": "Andet",
    },
    "kind": {"observed": "Iagttaget", "reported": "Fortalt af andre", "assessed": "Vurderet"},
    "subject_aware": {"yes": YES, "no": NO, "partly": "Delvist"},
    "threatened_by_milieu": {"yes": YES, "no": NO, "unknown": "Vides ikke"},
    "codes": {
        "housing": "Bolig",
        "debt": "Gæld",
        "income": "Forsørgelse",
        "work": "Arbejde",
        "education": "Uddannelse",
        "treatment": "Behandling",
        "therapy": "Terapi",
        "tattoo_removal": "Fjernelse af tatoveringer",
        "new_network": "Nyt netværk",
        "other": "Andet",
    },
}
"""Codes of sections that no code list holds, by their member."""

LISTED: dict[str, str] = {"milieu": "milieus", "outcome": "outcomes", "reason": "reasons", "move": "moves"}
"""Members of sections whose codes a code list holds, and which."""

MODES = {
    "identified": "Med navn",
    "pseudonymous": "Under et pseudonym",
    "anonymous": "Anonymt: her er ingen oplysninger om, hvem du er",
}
GIVEN_BY = {"subject": "Dig selv", "custody_holder": "Indehaveren af forældremyndigheden"}
MESSAGES = {
    "request_info": "Spørgsmål",
    "answer_info": "Svar",
    "decline_info": "Afslag på at svare",
}
Listed = Callable[[str, str], str]
"""Returns a code's Danish words, from its list."""


def day(value: date) -> str:
    """Return a date as Danes write it: 2. november 2026. A moment is the day it was in Denmark."""
    here = value.astimezone(HERE) if isinstance(value, datetime) else value
    return f"{here.day}. {MONTHS[here.month - 1]} {here.year}"


def moment(value: datetime) -> str:
    """Return a moment in Danish time: 2. november 2026 kl. 10.02."""
    here = value.astimezone(HERE)
    return f"{day(value)} kl. {here:%H.%M}"


def fields(content: Any, listed: Listed) -> list[list[Any]]:
    """Return what a section says, as pairs of a name and a text; a list's items, numbered, hold pairs of their own."""
    return [
        pair
        for name, value in (content.items() if isinstance(content, dict) else ())
        for pair in _field(name, value, listed)
    ]


def _field(name: str, value: Any, listed: Listed) -> list[list[Any]]:
    label = FIELDS.get(name, name)
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return [[f"{label} {place}", fields(each, listed)] for place, each in enumerate(value, start=1)]
    return [[label, _text(name, value, listed)]]


def _text(name: str, value: Any, listed: Listed) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, list):
        return ", ".join(_text(name, each, listed) for each in value)
    text = str(value)
    if name == "at":
        return moment(datetime.fromisoformat(text))
    if name == "on":
        return day(date.fromisoformat(text))
    if name in SAID:
        return SAID[name].get(text, text)
    return listed(LISTED[name], text) if name in LISTED else text
