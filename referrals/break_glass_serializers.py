"""The wire form of broken glass: why it is broken, what a review says, and how both are shown."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api_schema.validation import CodeField, StrictSerializer
from api_schema.words import Words
from consent.categories import CONTENT_NAMES, Category
from referrals.break_glass import Breaking, GlassShown, version_of
from referrals.emergency import JUSTIFIED, NOT_JUSTIFIED
from referrals.policy import REVIEW_WITHIN, GlassState
from referrals.sections import Text
from referrals.serializers import AgencyRefSerializer

MINUTES_MOST = 60
EXPLANATION_MOST = 2000
VERDICTS = (JUSTIFIED, NOT_JUSTIFIED)
STATES = tuple(str(state) for state in GlassState)
TWICE = Words("En kategori nævnes én gang.", "A category is named once.")


class BreakGlassBodySerializer(StrictSerializer):
    """The body of `POST /break-glass`: one referral, the categories that the danger makes necessary, and why."""

    referral = serializers.UUIDField()
    reason = serializers.CharField(max_length=64, help_text="See /code-lists/break-glass-reasons.")
    explanation = Text(max_length=EXPLANATION_MOST)
    minutes = serializers.IntegerField(min_value=1, max_value=MINUTES_MOST, default=MINUTES_MOST)
    categories = serializers.ListField(
        child=CodeField(choices=CONTENT_NAMES), allow_empty=False, max_length=len(CONTENT_NAMES)
    )

    def validate_categories(self, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise serializers.ValidationError(ErrorDetail(TWICE.now(), code="named_twice"))
        return value

    def breaking(self) -> Breaking:
        """Return the validated body as what `break_glass` asks for."""
        data = self.validated_data
        return Breaking(**{**data, "categories": tuple(map(Category, data["categories"]))})


class ReviewSerializer(StrictSerializer):
    """What a review found."""

    verdict = CodeField(choices=VERDICTS)


class GlassSummarySerializer(serializers.Serializer[Any]):
    """Broken glass in a list: metadata alone."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    referral = serializers.UUIDField()
    agency = AgencyRefSerializer(help_text="Whose member broke it.")
    owner = AgencyRefSerializer(help_text="Who answered for the referral then, and reviews it.")
    staff = serializers.CharField(help_text="Who broke it; told to their own agency and the oversight body.")
    reason = serializers.CharField()
    categories = serializers.ListField(child=CodeField(choices=CONTENT_NAMES))
    opened_at = serializers.DateTimeField()
    until = serializers.DateTimeField()
    review_by = serializers.DateTimeField()
    state = CodeField(choices=STATES)
    reviewed_at = serializers.DateTimeField(allow_null=True)
    verdict = CodeField(choices=VERDICTS, allow_null=True)


class GlassSerializer(GlassSummarySerializer):
    """One broken glass as it was shown to one reader."""

    explanation = serializers.CharField(
        allow_null=True, help_text="Null to auditors, and once the person the referral is about was erased."
    )


def glass_body(shown: GlassShown) -> dict[str, Any]:
    """Return broken glass that was shown as its wire form."""
    return {
        **glass_summary(shown.glass, shown.state, staff_named=shown.staff_named),
        "explanation": shown.explanation,
    }


def glass_summary(glass: Any, state: GlassState, *, staff_named: bool) -> dict[str, Any]:
    """Return broken glass as a list shows it."""
    return {
        "id": str(glass.id),
        "version": version_of(glass),
        "referral": str(glass.referral_id),
        "agency": _agency(glass.agency),
        "owner": _agency(glass.owner),
        "staff": glass.staff_id if staff_named else "",
        "reason": glass.reason_code,
        "categories": list(glass.categories),
        "opened_at": glass.opened_at,
        "until": glass.until,
        "review_by": glass.opened_at + REVIEW_WITHIN,
        "state": str(state),
        "reviewed_at": glass.reviewed_at,
        "verdict": glass.verdict or None,
    }


def _agency(agency: Any) -> dict[str, str]:
    return {"id": str(agency.id), "code": agency.code, "name": agency.name_da}
