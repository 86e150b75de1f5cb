"""
Puts released pieces together: sections as they are now, what was amended in them, and what the parties said. Pure.

A section is written whole. Its first piece is what was submitted; each further piece is an amendment that takes its
place, so that old, new and reason are all still there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from consent.categories import SUBMITTED, Category


@dataclass(frozen=True, slots=True)
class Piece:
    """One unsealed piece: what it belongs to, and which in its row it is."""

    category: str
    part: int
    content: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a reader is shown: sections by category, amendments and messages in the order they were made."""

    sections: dict[str, Any]
    amendments: list[dict[str, Any]]
    messages: list[dict[str, Any]]


def put_together(pieces: Iterable[Piece]) -> Content:
    """Return the content that these pieces make up."""
    by_name: dict[str, dict[int, Any]] = {}
    for piece in pieces:
        by_name.setdefault(piece.category, {})[piece.part] = piece.content
    sections: dict[str, Any] = {}
    amendments: list[dict[str, Any]] = []
    for category in SUBMITTED:
        row = _with_number(by_name, category)
        if row:
            amendments += _amendments(category, row)
            sections[category.value] = _as_it_is(row)
    _add_necessity(sections, by_name)
    if Category.OUTCOME in by_name:
        sections[Category.OUTCOME.value] = {"entries": _in_order(by_name[Category.OUTCOME])}
    messages = [said for name, row in by_name.items() if name.endswith(".message") for said in row.values()]
    return Content(
        sections=sections,
        amendments=sorted(amendments, key=lambda amendment: str(amendment["at"])),
        messages=sorted(messages, key=lambda message: str(message["at"])),
    )


def _with_number(by_name: dict[str, dict[int, Any]], category: Category) -> dict[int, Any]:
    """Return a section's pieces; a CPR number, sealed apart, goes with the piece it was told in."""
    row = dict(by_name.get(category, {}))
    if category is Category.IDENTITY:
        for part, number in by_name.get("identity.cpr", {}).items():
            piece = row.get(part, {} if part == 0 else {"content": {}})
            row[part] = (
                {**piece, "cpr": number} if part == 0 else {**piece, "content": {**piece["content"], "cpr": number}}
            )
    return row


def _amendments(category: Category, row: dict[int, Any]) -> list[dict[str, Any]]:
    found, old = [], row.get(0)
    for part in sorted(part for part in row if part > 0):
        piece = row[part]
        found.append({**piece, "category": category.value, "old": old, "new": piece["content"]})
        old = piece["content"]
    return [{name: value for name, value in amendment.items() if name != "content"} for amendment in found]


def _as_it_is(row: dict[int, Any]) -> Any:
    last = max(row)
    return row[last] if last == 0 else row[last]["content"]


def _add_necessity(sections: dict[str, Any], by_name: dict[str, dict[int, Any]]) -> None:
    statements = by_name.get("reason.necessity")
    if statements:
        reason = sections.setdefault(Category.REASON.value, {})
        sections[Category.REASON.value] = {**reason, "necessity": statements[max(statements)]}


def _in_order(row: dict[int, Any]) -> list[Any]:
    return [row[part] for part in sorted(row)]
