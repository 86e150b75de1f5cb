"""What a remedy consists of."""

from dataclasses import dataclass

from api_schema.words import Words


@dataclass(frozen=True, slots=True)
class Remedy:
    """Why a problem arises, and what to do about it."""

    cause: Words
    cure: Words


def said(cause_da: str, cause_en: str, cure_da: str, cure_en: str) -> Remedy:
    """Return a remedy from its four sentences."""
    return Remedy(Words(cause_da, cause_en), Words(cure_da, cure_en))
