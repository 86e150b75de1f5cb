"""Looks up the words of a record's codes in the code lists, as they were on the day it was registered."""

from collections.abc import Iterable

from agencies import directory
from agencies.models import CodeListItem
from consent.told import Record, Wording, Words


def of(record: Record) -> Wording:
    """Return the words of a record's codes, in Danish and English; a code without words stands for itself."""
    on = record.registered_at.date()
    categories = directory.valid_items("categories", on=on, code__in=record.categories)
    kinds = _words(directory.valid_items("consent-kinds", on=on, code=record.kind), [record.kind])
    uses = [*record.permitted_uses, *record.forbidden_uses]
    return Wording(
        categories=_words(categories, record.categories),
        purposes=_words(directory.valid_items("purposes", on=on, code__in=record.purposes), record.purposes),
        uses=_words(directory.valid_items("uses", on=on, code__in=uses), uses),
        kind=kinds[record.kind],
        terms={item.code: tuple(item.attributes.get("dpv", ())) for item in categories},
    )


def _words(items: Iterable[CodeListItem], codes: Iterable[str]) -> dict[str, Words]:
    known = {item.code: {"da": item.label_da, "en": item.label_en} for item in items}
    return {code: known.get(code, {"da": code, "en": code}) for code in codes}
