"""The wire form of claims that an agency is self-governing."""

from typing import Any

from rest_framework import serializers

from agencies.models import WithdrawalReason
from agencies.self_governing import STATES, Claim, Evidence
from api_schema.validation import CodeField, ReferenceField, StrictSerializer

REASONS = tuple(WithdrawalReason.values)


class ClaimBodySerializer(StrictSerializer):
    """The body of `POST /agencies/{id}/self-governing-claims`."""

    evidence_hash = serializers.RegexField(
        r"\A[0-9a-f]{64}\Z", help_text="SHA-256 of the document, in hex; the document stays with you."
    )
    evidence_reference = ReferenceField(help_text="Where the document is kept: a journal number of your own.")

    def evidence(self) -> Evidence:
        """Return the validated body as what `self_governing` asks for."""
        return Evidence(**self.validated_data)


class ApproveBodySerializer(StrictSerializer):
    """An approval says nothing but itself."""


class WithdrawClaimBodySerializer(StrictSerializer):
    reason = CodeField(choices=REASONS)


class ClaimSerializer(serializers.Serializer[Any]):
    """A claim as it is shown."""

    id = serializers.UUIDField()
    agency = serializers.UUIDField()
    state = CodeField(choices=STATES)
    evidence_hash = serializers.CharField()
    evidence_reference = serializers.CharField()
    claimed_at = serializers.DateTimeField()
    claimed_by = serializers.CharField(
        allow_null=True, help_text="The claimant's staff id: for their own agency and the oversight body."
    )
    approved_at = serializers.ListField(
        child=serializers.DateTimeField(), help_text="When each approval was given; two are needed."
    )
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    withdrawn_reason = CodeField(choices=REASONS, allow_null=True)


def claim_body(claim: Claim) -> dict[str, Any]:
    """Return a claim as its wire form."""
    return {
        "id": str(claim.id),
        "agency": str(claim.agency),
        "state": claim.state,
        "evidence_hash": claim.evidence_hash,
        "evidence_reference": claim.evidence_reference,
        "claimed_at": claim.claimed_at,
        "claimed_by": claim.claimed_by,
        "approved_at": list(claim.approved_at),
        "withdrawn_at": claim.withdrawn_at,
        "withdrawn_reason": claim.withdrawn_reason or None,
    }
