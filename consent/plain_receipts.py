"""
The receipt of a consent in plain words, Danish or English, for the person to keep. Pure.

It says what was agreed and how to stop it. It names no member of staff and no person: whoever holds the paper may
be seen with it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from consent.told import Party, Record, Wording, Words

STATES: dict[str, Words] = {
    "unknown": {"da": "Der er ikke registreret noget endnu.", "en": "Nothing has been recorded yet."},
    "requested": {
        "da": "Du er blevet spurgt. Du har ikke svaret endnu.",
        "en": "You were asked. You have not answered.",
    },
    "given": {"da": "Du har sagt ja.", "en": "You said yes."},
    "renewed": {"da": "Du har sagt ja igen.", "en": "You said yes again."},
    "refused": {"da": "Du har sagt nej.", "en": "You said no."},
    "withdrawn": {"da": "Du har trukket dit ja tilbage.", "en": "You took your yes back."},
    "revoked": {
        "da": "Samtykket er trukket tilbage af en anden end dig.",
        "en": "Somebody other than you took the consent back.",
    },
    "expired": {"da": "Samtykket er udløbet. Det gælder ikke længere.", "en": "The consent has ended by itself."},
    "invalidated": {
        "da": "Samtykket gælder ikke, fordi der var en fejl.",
        "en": "The consent does not count, because there was a mistake.",
    },
}
STANDING = {"given", "renewed"}
HEADINGS: dict[str, Words] = {
    "title": {"da": "Kvittering for dit samtykke", "en": "Receipt for your consent"},
    "state": {"da": "Sådan er det nu", "en": "How it is now"},
    "kind": {"da": "Hvad du er spurgt om", "en": "What you were asked"},
    "categories": {"da": "Hvad der må deles", "en": "What may be shared"},
    "purposes": {"da": "Hvad det må bruges til", "en": "What it may be used for"},
    "from": {"da": "Hvem der deler", "en": "Who shares it"},
    "to": {"da": "Hvem der må få det at vide", "en": "Who may be told"},
    "back": {"da": "Besked tilbage", "en": "Telling them how it went"},
    "permitted": {"da": "Det må de også", "en": "They may also"},
    "forbidden": {"da": "Det må de ikke", "en": "They may not"},
    "events": {"da": "Hvad der er sket", "en": "What has happened"},
    "withdraw": {"da": "Du kan altid sige stop", "en": "You can always say stop"},
    "complain": {"da": "Hvis du vil klage", "en": "If you want to complain"},
    "proof": {"da": "Til dig, der vil kontrollere", "en": "If you want to check"},
}
BACK: dict[bool, Words] = {
    True: {
        "da": "Den, der deler, må få at vide, hvordan det går.",
        "en": "Those who share may be told how it goes.",
    },
    False: {
        "da": "Den, der deler, må ikke få at vide, hvordan det går.",
        "en": "Those who share may not be told how it goes.",
    },
}
UNTIL: Words = {"da": "Det gælder til {day}. Så stopper det af sig selv.", "en": "It lasts until {day}. Then it stops."}
WITHDRAW: Words = {
    "da": "Sig det til den, der deler, eller til den, der har fået noget at vide. Du behøver ikke sige hvorfor. Det "
    "har ingen følger for dig. Fra da af bliver der ikke vist mere. Det, de allerede har set, kan ikke gøres uset.",
    "en": "Tell those who share, or those who were told. You don't have to say why. Nothing bad comes of it for you. "
    "From then on no more is shown. What they have already seen can't be unseen.",
}
COMPLAIN: Words = {
    "da": "Du kan klage til {name}: {contact}. Det er gratis.",
    "en": "You can complain to {name}: {contact}. It is free.",
}
RIGHTS: Words = {
    "da": "Du kan også bede om at se, hvad der står om dig, og hvem der har set det, og om at få fejl rettet.",
    "en": "You can also ask to see what is written about you and who has seen it, and have mistakes put right.",
}
HAPPENED: dict[str, Words] = {
    "requested": {"da": "du blev spurgt", "en": "you were asked"},
    "given": {"da": "ja", "en": "yes"},
    "refused": {"da": "nej", "en": "no"},
    "renewed": {"da": "ja igen", "en": "yes again"},
    "withdrawn": {"da": "trukket tilbage af dig", "en": "taken back by you"},
    "revoked": {"da": "trukket tilbage af en anden", "en": "taken back by somebody else"},
    "invalidated": {"da": "fundet ugyldigt", "en": "found not to count"},
}
CUSTODY: Words = {
    "da": "Den, der har forældremyndigheden, har svaret for dig.",
    "en": "Somebody with custody of you answered for you.",
}
NOTICE: Words = {
    "da": "Du fik teksten i version {version}. Dens kontroltal (SHA-256): {hash}",
    "en": "You got the text in version {version}. Its check number (SHA-256): {hash}",
}
NUMBER: Words = {"da": "Samtykkets nummer: {id}", "en": "The consent's number: {id}"}
MONTHS: dict[str, tuple[str, ...]] = {
    "da": (
        *("januar", "februar", "marts", "april", "maj", "juni"),
        *("juli", "august", "september", "oktober", "november", "december"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


def text(record: Record, wording: Wording, *, language: str) -> str:
    """Return the receipt as readable text in `da` or `en`, with a heading over each part and a last newline."""
    authority = next(party for party in record.parties if party.role == "authority")
    named = {"name": (authority.name or {}).get(language, ""), "contact": authority.contact or ""}
    proof = [NUMBER[language].format(id=record.id)]
    proof.append(NOTICE[language].format(version=record.notice_version, hash=record.notice_hash))
    parts = [
        ("state", _state(record, language)),
        ("kind", [wording.kind[language]]),
        ("categories", _bullets(words[language] for words in wording.categories.values())),
        ("purposes", _bullets(words[language] for words in wording.purposes.values())),
        ("from", _bullets(_names(record, "controller", language, but={*record.recipients}))),
        ("to", _bullets(_names(record, "recipient", language))),
        ("back", [BACK[record.report_back][language]]),
        ("permitted", _bullets(wording.uses[code][language] for code in record.permitted_uses)),
        ("forbidden", _bullets(wording.uses[code][language] for code in record.forbidden_uses)),
        ("events", _events(record, language)),
        ("withdraw", [WITHDRAW[language]] if record.state in STANDING | {"requested"} else []),
        ("complain", [COMPLAIN[language].format(**named), RIGHTS[language]]),
        ("proof", proof),
    ]
    title = HEADINGS["title"][language]
    lines = [title, "=" * len(title)]
    for name, said in parts:
        if said:
            heading = HEADINGS[name][language]
            lines += ["", heading, "-" * len(heading), *said]
    return "\n".join(lines) + "\n"


def _state(record: Record, language: str) -> list[str]:
    said = [STATES[record.state][language]]
    if record.expires_at:
        said.append(UNTIL[language].format(day=_day(record.expires_at, language)))
    if record.given_by == "custody_holder" and record.state != "requested":
        said.append(CUSTODY[language])
    return said


def _events(record: Record, language: str) -> list[str]:
    return _bullets(f"{_day(event.at, language)}: {HAPPENED[event.kind][language]}" for event in record.events)


def _names(record: Record, role: str, language: str, but: Iterable[object] = ()) -> list[str]:
    parties: list[Party] = [party for party in record.parties if party.role == role and party.id not in set(but)]
    return [party.name[language] if party.name else str(party.id) for party in parties]


def _bullets(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _day(at: datetime, language: str) -> str:
    at = at.astimezone(UTC)
    dot = "." if language == "da" else ""
    return f"{at.day}{dot} {MONTHS[language][at.month - 1]} {at.year}"
