"""
The typed content of each section. Facts are marked apart from assessments, and nothing here can hold a risk score:
signs are guidance for people, not a checklist (domain.md, Data categories).
"""

from datetime import date
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api_schema.validation import CodeField, StrictSerializer, holds_cpr, is_birth_date
from api_schema.words import Words
from consent.categories import SUBMITTED, Category

TEXT_MAX = 4000
OLDEST = 120
NOT_CPR = Words(
    "Skal være et CPR-nummer: ti cifre, en gyldig dato, uden kontrol af modulus 11.",
    "Must be a CPR number: ten digits with a valid date; modulus 11 is not asked for.",
)
NO_SCORE = Words(
    "Henvisninger rummer ingen risikoscore: skriv iagttagelser og vurderinger hver for sig.",
    "A referral holds no risk score: write observations and assessments apart.",
)
CPR_ELSEWHERE = Words("CPR-numre hører kun til i identity.cpr.", "CPR numbers belong in identity.cpr alone.")
CONTACT_CHANNELS = ("phone", "sms", "email", "in_person", "digital_post", "letter", "other")
STATEMENT_KINDS = ("observed", "reported", "assessed")
MILIEUS = ("right", "left", "militant_islamist", "mixed_other", "unknown")
NEEDS = (
    "housing",
    "debt",
    "income",
    "work",
    "education",
    "treatment",
    "therapy",
    "tattoo_removal",
    "new_network",
    "other",
)
SCORES = {"risk_score", "score", "risk_level", "risk", "danger_level"}


class Text(serializers.CharField):
    """Free text of a section: bounded, and without a CPR number in it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": TEXT_MAX, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if holds_cpr(text):
            raise serializers.ValidationError(ErrorDetail(CPR_ELSEWHERE.now(), code="cpr_not_allowed_here"))
        return text


class CprField(serializers.CharField):
    """
    A Danish civil registration number, stored as ten digits.

    Numbers without modulus 11 (given out since 2007) and replacement numbers (day + 60) are valid (cpr.dk).
    """

    def to_internal_value(self, data: Any) -> str:
        digits = str(data).replace("-", "").replace(" ", "")
        if not (digits.isascii() and digits.isdigit() and len(digits) == 10 and is_birth_date(digits[:6])):  # noqa: PLR2004
            raise serializers.ValidationError(ErrorDetail(NOT_CPR.now(), code="invalid_cpr"))
        return digits


def birth_year_of(number: str) -> int:
    """
    Return the year of birth that a CPR number of ten digits tells: its seventh digit says the century.

    Source: cpr.dk, "Personnummeret i CPR" (the table of the seventh digit and the year).
    """
    year, seventh = int(number[4:6]), int(number[6])
    if seventh <= 3:  # noqa: PLR2004 - the digits and years are the table's own
        return 1900 + year
    if seventh in {4, 9}:
        return (2000 if year <= 36 else 1900) + year  # noqa: PLR2004
    return (2000 if year <= 57 else 1800) + year  # noqa: PLR2004


class UnscoredSerializer(StrictSerializer):
    """The base of every body here: strict, and with a word of its own for whoever sends a score."""

    def _why(self, name: str) -> ErrorDetail:
        if name in SCORES:
            return ErrorDetail(NO_SCORE.now(), code="no_risk_score")
        return super()._why(name)


class StatementSerializer(UnscoredSerializer):
    """One thing that is said, and whether it was seen, told or concluded (law-enforcement directive art. 7)."""

    text = Text()
    kind = CodeField(choices=STATEMENT_KINDS)
    on = serializers.DateField(required=False)
    source = Text(max_length=200, required=False)  # type: ignore[assignment]


def several(of: type[UnscoredSerializer], *, most: int, required: bool = True) -> serializers.ListSerializer[Any]:
    """Return the field of a bounded list of these; one that is required holds at least one."""
    return serializers.ListSerializer(child=of(), max_length=most, required=required, allow_empty=not required)


class ContactMethodSerializer(UnscoredSerializer):
    channel = CodeField(choices=CONTACT_CHANNELS)
    value = Text(max_length=200, required=False)
    hours = Text(max_length=200, required=False)
    words_to_use = Text(max_length=400, required=False)


class ContactSerializer(UnscoredSerializer):
    """How it is safe to make contact. No channel is used that is not listed."""

    methods = several(ContactMethodSerializer, most=10)
    avoid_words = serializers.ListField(child=Text(max_length=100), required=False, max_length=20)
    must_not_know = serializers.ListField(child=Text(max_length=200), required=False, max_length=20)


class IdentitySerializer(UnscoredSerializer):
    name = Text(max_length=200)
    aliases = serializers.ListField(child=Text(max_length=200), required=False, max_length=10)
    cpr = CprField(required=False)
    address = Text(max_length=400, required=False)
    protected_address = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("protected_address") and attrs.get("address"):
            words = Words("En beskyttet adresse sendes ikke.", "A protected address is not sent.")
            raise serializers.ValidationError({"address": ErrorDetail(words.now(), code="protected_address")})
        return attrs


class BackgroundSerializer(UnscoredSerializer):
    language = serializers.RegexField(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, required=False)
    interpreter_needed = serializers.BooleanField(required=False)
    municipality_of_residence = serializers.RegexField(r"^\d{4}$", required=False)
    birth_year = serializers.IntegerField(required=False, min_value=1900, max_value=2100)

    def validate_birth_year(self, value: int) -> int:
        this_year = date.today().year  # noqa: DTZ011 - a year has no time zone worth the name here
        if not this_year - OLDEST <= value <= this_year:
            words = Words(
                "Skal være et år, et nulevende menneske er født i.", "Must be a year in which a living person was born."
            )
            raise serializers.ValidationError(ErrorDetail(words.now(), code="invalid_birth_year"))
        return value


class ReasonSerializer(UnscoredSerializer):
    summary = Text()
    subject_aware = CodeField(choices=["yes", "no", "partly"])
    subject_aware_note = Text(max_length=1000, required=False)


class ShownReasonSerializer(ReasonSerializer):
    necessity = Text(required=False, help_text="Why the disclosure was necessary, where the basis asks for it.")


class ConcernSerializer(UnscoredSerializer):
    milieu = CodeField(choices=MILIEUS)
    statements = several(StatementSerializer, most=50, required=False)


class HealthSerializer(UnscoredSerializer):
    statements = several(StatementSerializer, most=50)
    from_health_system = serializers.BooleanField(required=False)


class CriminalSerializer(UnscoredSerializer):
    statements = several(StatementSerializer, most=50)


class SafetySerializer(UnscoredSerializer):
    threatened_by_milieu = CodeField(choices=["yes", "no", "unknown"])
    statements = several(StatementSerializer, most=50, required=False)


class PersonSerializer(UnscoredSerializer):
    relation = Text(max_length=100)
    note = Text(max_length=1000, required=False)
    may_be_contacted = serializers.BooleanField()
    is_child = serializers.BooleanField(required=False)


class NetworkSerializer(UnscoredSerializer):
    people = several(PersonSerializer, most=30)


class NeedsSerializer(UnscoredSerializer):
    codes = serializers.ListField(child=CodeField(choices=NEEDS), allow_empty=False, max_length=len(NEEDS))
    note = Text(required=False)


class OutcomeEntrySerializer(UnscoredSerializer):
    """What a move said besides its code; written by moves, never by a body of its own."""

    at = serializers.DateTimeField()
    move = serializers.CharField()
    reason = serializers.CharField(required=False)
    comment = serializers.CharField(required=False)
    outcome = serializers.CharField(required=False)


class OutcomeSerializer(UnscoredSerializer):
    entries = OutcomeEntrySerializer(many=True)


SCHEMAS: dict[Category, type[UnscoredSerializer]] = {
    Category.CONTACT: ContactSerializer,
    Category.IDENTITY: IdentitySerializer,
    Category.BACKGROUND: BackgroundSerializer,
    Category.REASON: ReasonSerializer,
    Category.CONCERN: ConcernSerializer,
    Category.HEALTH: HealthSerializer,
    Category.CRIMINAL: CriminalSerializer,
    Category.SAFETY: SafetySerializer,
    Category.NETWORK: NetworkSerializer,
    Category.NEEDS: NeedsSerializer,
}
assert set(SCHEMAS) == set(SUBMITTED)  # noqa: S101 - a category without a schema must not start


class SectionsSerializer(UnscoredSerializer):
    """The sections a sender may fill, each by its own schema; in a change, null takes a section out."""

    contact = ContactSerializer(required=False, allow_null=True)
    identity = IdentitySerializer(required=False, allow_null=True)
    background = BackgroundSerializer(required=False, allow_null=True)
    reason = ReasonSerializer(required=False, allow_null=True)
    concern = ConcernSerializer(required=False, allow_null=True)
    health = HealthSerializer(required=False, allow_null=True)
    criminal = CriminalSerializer(required=False, allow_null=True)
    safety = SafetySerializer(required=False, allow_null=True)
    network = NetworkSerializer(required=False, allow_null=True)
    needs = NeedsSerializer(required=False, allow_null=True)


class ShownSectionsSerializer(SectionsSerializer):
    """The sections shown to one reader; those that are withheld or empty are left out."""

    reason = ShownReasonSerializer(required=False)
    outcome = OutcomeSerializer(required=False)
