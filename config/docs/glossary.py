"""
The glossary, made from one file of words, docs/glossary.json, and from the code lists themselves.

A word that names a code says which; tests hold it against what the code list calls it.
"""

import json
from dataclasses import dataclass
from functools import cache

from agencies.models import Kind, Role
from config.env import BASE_DIR

FILE = BASE_DIR / "docs" / "glossary.json"
LISTS = {
    "statuses": ("Statuses of a referral", "referrals/reference/statuses.json"),
    "moves": ("Moves", "referrals/reference/moves.json"),
    "urgencies": ("Urgencies", "referrals/reference/urgencies.json"),
    "categories": ("Data categories: the sections of a referral", "consent/reference/categories.json"),
    "purposes": ("Purposes", "consent/reference/purposes.json"),
    "consent-kinds": ("Kinds of consent", "consent/reference/consent_kinds.json"),
    "outcomes": ("Outcomes", "referrals/reference/outcomes.json"),
}
"""The code lists that the glossary shows: heading and file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word in both languages, and what it means. `list` and `code` where it is what a code list calls a code."""

    en: str
    da: str
    means_en: str
    means_da: str
    list: str = ""
    code: str = ""


@cache
def glossary() -> tuple[Word, ...]:
    """Return every word, in the order of the file."""
    return tuple(Word(**word) for word in json.loads(FILE.read_text(encoding="utf-8"))["words"])


@cache
def code_list(name: str) -> dict[str, dict[str, str]]:
    """Return a code list's labels by code. `kinds` and `roles` are those of agencies and their members."""
    if name in ("kinds", "roles"):
        return {item.value: {"da": str(item.label)} for item in (Kind if name == "kinds" else Role)}
    items = json.loads((BASE_DIR / LISTS[name][1]).read_text(encoding="utf-8"))["items"]
    return {item["code"]: item["label"] for item in items}


def words() -> str:
    """Return the words as a Markdown table, by the alphabet of the English."""
    rows = []
    for word in sorted(glossary(), key=lambda word: word.en.lower()):
        code = f" (`{word.code}`)" if word.code else ""
        danish = _within_a_sentence(word.da)
        rows.append(f"| **{word.en}** | *{danish}* | {word.means_en}{code} | {word.means_da} |")
    return "\n".join(["| English | Dansk | means | betyder |", "|---|---|---|---|", *rows])


def _within_a_sentence(word: str) -> str:
    return word[0].lower() + word[1:]


def codes() -> str:
    """Return each code list as a heading and a Markdown table."""
    parts = []
    for name, (heading, _) in LISTS.items():
        rows = [f"| `{code}` | {label['en']} | {label['da']} |" for code, label in code_list(name).items()]
        parts.append("\n".join([f"## {heading}", "", "| code | English | Dansk |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)
