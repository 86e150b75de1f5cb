"""A text in the two languages the exchange speaks. Codes are for programs and never change; words are for people."""

from dataclasses import dataclass

from django.utils.translation import get_language


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence, in Danish and in English."""

    da: str
    en: str

    def now(self, **values: object) -> str:
        """Return the sentence in the request's language (`Accept-Language`; Danish unless English is asked for)."""
        text = self.en if (get_language() or "da").startswith("en") else self.da
        return text.format(**values) if values else text
