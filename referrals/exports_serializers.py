"""The wire form of exports: an auditor's question as a body, and what was taken out of the ledger."""

from typing import Any

from rest_framework import serializers

from api_schema.validation import CodeField, ReferenceField, StrictSerializer, TimeField
from referrals import inspection
from referrals.exports import Export
from referrals.inspection_serializers import OUTCOMES

NAMED_MAX = 200
"""How many entries an export may name one by one."""


class ExportBodySerializer(StrictSerializer):
    """What to take out, and the case it is taken out for."""

    case_number = ReferenceField(required=False)
    reason = CodeField(choices=inspection.REASONS, required=False)
    referral = serializers.UUIDField(required=False)
    subject = serializers.UUIDField(required=False)
    agency = serializers.UUIDField(required=False)
    staff = serializers.CharField(max_length=64, required=False)
    action = serializers.CharField(max_length=64, required=False)
    basis = serializers.CharField(max_length=32, required=False)
    outcome = CodeField(choices=OUTCOMES, required=False)
    since = TimeField(required=False)
    until = TimeField(required=False)
    entries = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=NAMED_MAX,
        help_text="These entries alone, such as a finding's evidence.",
    )
    remembered_size = serializers.IntegerField(
        min_value=1, required=False, help_text="Of a checkpoint that you kept; the bundle then proves consistency."
    )


class ExportSerializer(serializers.Serializer[None]):
    """What was taken out of the ledger."""

    id = serializers.UUIDField()
    made_at = serializers.DateTimeField()
    on_behalf_of = serializers.CharField()
    case_number = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    question = serializers.DictField(help_text="The filters that were asked for, by name.")
    entries = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Of the checkpoint that the bundle is proved under.")
    remembered_size = serializers.IntegerField(allow_null=True)
    bundle = serializers.CharField(help_text="Where the bundle is fetched: application/zip.")


class ExportPage(serializers.Serializer[None]):
    results = ExportSerializer(many=True)
    next = serializers.CharField(allow_null=True)


def export_body(export: Export) -> dict[str, Any]:
    """Return an export as it is shown to its agency's auditors."""
    return {
        "id": str(export.id),
        "made_at": export.created_at,
        "on_behalf_of": export.staff_id,
        "case_number": export.case_number or None,
        "reason": export.case_reason or None,
        "question": export.question,
        "entries": export.entries,
        "size": export.size,
        "remembered_size": export.remembered,
        "bundle": f"/api/v1/audit/exports/{export.id}/bundle",
    }
