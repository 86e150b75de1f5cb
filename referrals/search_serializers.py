"""The wire form of a search: exactly one criterion, and which page. No error repeats what was searched for."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api_schema import pagination
from api_schema.validation import ReferenceField, StrictSerializer
from api_schema.words import Words
from referrals.search import By, Sought
from referrals.sections import CprField

ONE_CRITERION = Words(
    "Angiv netop én af: reference, external_reference, identifier.",
    "State exactly one of: reference, external_reference, identifier.",
)


class IdentifierSerializer(StrictSerializer):
    """By what a person is known. Today a CPR number, in any of its spellings."""

    cpr = CprField()


class ReferralSearchSerializer(StrictSerializer):
    """The body of `POST /referrals/search`."""

    reference = serializers.UUIDField(required=False, help_text="The referral's id.")
    external_reference = ReferenceField(required=False, help_text="Your own reference of a referral you sent.")
    identifier = IdentifierSerializer(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=pagination.SIZE_MAX, default=pagination.SIZE)
    cursor = serializers.CharField(max_length=500, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({str(kind) for kind in By} & set(attrs)) != 1:
            raise serializers.ValidationError(ErrorDetail(ONE_CRITERION.now(), code="one_criterion"))
        return attrs

    def sought(self) -> Sought:
        """Return the validated body as what is searched for."""
        data = self.validated_data
        kind = next(kind for kind in By if kind in data)
        value = data["identifier"]["cpr"] if kind is By.IDENTIFIER else str(data[kind])
        return Sought(kind=kind, value=value, size=data["limit"], cursor=data.get("cursor", ""))
