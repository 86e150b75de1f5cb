"""
Strict input: unknown members are refused, and an error names a place and a remedy, never the value that was sent.

`StrictSerializer` is the base of every body; `field_errors` turns DRF's nested errors into JSON pointers.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from api_schema.words import Words

RFC_3339 = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$", re.ASCII)
A_TIME = Words(
    "Skal være en RFC 3339-tid med tidszone, fx 2026-11-01T08:00:00Z.",
    "Must be an RFC 3339 time with its offset, such as 2026-11-01T08:00:00Z.",
)
MEMBER = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
UNKNOWN = Words("Feltet findes ikke her.", "There is no such member here.")
READ_ONLY = Words("Feltet sættes af systemet og kan ikke sendes.", "The system sets this member; it can't be sent.")
ONE_OF = Words("Skal være en af: {allowed}.", "Must be one of: {allowed}.")
CPR_SHAPED = Words(
    "Ligner et CPR-nummer. Personnumre hører kun til i sections.identity.cpr.",
    "Looks like a CPR number. Civil registration numbers belong in sections.identity.cpr alone.",
)
CPR = re.compile(r"(?<!\d)\d(?:[\W_]{0,3}\d){9}(?!\d)")
REPLACEMENT_DAY = 60
"""What is added to the day of birth in a replacement number (cpr.dk)."""


def holds_cpr(text: str) -> bool:
    """Say whether a text holds something that could be a CPR number: six digits that are a date, and four more."""
    return any(is_birth_date(re.sub(r"\D", "", match.group())[:6]) for match in CPR.finditer(text))


def is_birth_date(digits: str) -> bool:
    """Say whether six digits are day, month and year of a CPR number, a replacement number's day + 60 included."""
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    day -= REPLACEMENT_DAY if day > REPLACEMENT_DAY else 0
    for century in (1900, 2000):
        try:
            date(century + year, month, day)
        except ValueError:
            continue
        return True
    return False


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with the input: where (RFC 6901), which kind, and what would be right."""

    pointer: str
    code: str
    message: str

    def body(self) -> dict[str, str]:
        """Return the error as it goes on the wire."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message}


def field_errors(detail: Any, pointer: str = "") -> list[FieldError]:
    """Return DRF's nested error detail as a flat list, in document order."""
    return list(_flat(detail, pointer))


def _flat(detail: Any, pointer: str) -> Iterator[FieldError]:
    if isinstance(detail, Mapping):
        for member, inner in detail.items():
            here = pointer if member == "non_field_errors" else f"{pointer}/{member}"
            yield from _flat(inner, here)
    elif isinstance(detail, list) and all(isinstance(item, ErrorDetail) for item in detail):
        for item in detail:
            yield FieldError(pointer, str(item.code), str(item))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            if inner:
                yield from _flat(inner, f"{pointer}/{index}")
    else:
        yield FieldError(pointer, getattr(detail, "code", "invalid") or "invalid", str(detail))


class StrictSerializer(serializers.Serializer[Any]):
    """A body whose members are all known. One that the system sets is refused as such, not silently dropped."""

    system_members: frozenset[str] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        unknown = [name for name in data if name not in self.fields] if isinstance(data, Mapping) else []
        refused: dict[str, Any] = {_safe(name): [self._why(name)] for name in unknown}
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            detail = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
            raise ValidationError({**refused, **detail}) from None
        if refused:
            raise ValidationError(refused)
        return value

    def _why(self, name: str) -> ErrorDetail:
        if name in self.system_members:
            return ErrorDetail(READ_ONLY.now(), code="read_only")
        return ErrorDetail(UNKNOWN.now(), code="unknown_member")


def _safe(name: str) -> str:
    return name if MEMBER.match(name) and not holds_cpr(name) else "non_field_errors"


class CodeField(serializers.ChoiceField):
    """One of a fixed set of codes. Unlike DRF's own, its error lists what is allowed and does not repeat the input."""

    def fail(self, key: str, **kwargs: Any) -> Any:
        if key == "invalid_choice":
            allowed = ", ".join(map(str, self.choices))
            raise ValidationError(ErrorDetail(ONE_OF.now(allowed=allowed), code="invalid_choice"))
        return super().fail(key, **kwargs)


class TimeField(serializers.DateTimeField):
    """A point in time as RFC 3339 writes it, with its offset; a date alone says too little."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not RFC_3339.match(value):
            raise ValidationError(ErrorDetail(A_TIME.now(), code="invalid_time"))
        return super().to_internal_value(value)


class ReferenceField(serializers.CharField):
    """A short reference of somebody's own system: letters, digits and . / _ - only, and nothing shaped like a CPR."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if not re.fullmatch(r"[A-Za-z0-9ÆØÅæøå./_-]+", text):
            words = Words("Brug kun bogstaver, tal og tegnene . / _ -", "Use letters, digits and . / _ - only.")
            raise ValidationError(ErrorDetail(words.now(), code="invalid_reference"))
        if holds_cpr(text):
            raise ValidationError(ErrorDetail(CPR_SHAPED.now(), code="cpr_not_allowed_here"))
        return text


def refuse(pointer: str, code: str, words: Words, **values: object) -> FieldError:
    """Return one field error in the request's language."""
    return FieldError(pointer, code, words.now(**values))
