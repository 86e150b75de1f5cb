"""How the committed contract describes claims that an agency is self-governing."""

from typing import Any

from rest_framework import serializers

from agencies.self_governing_serializers import (
    ApproveBodySerializer,
    ClaimBodySerializer,
    ClaimSerializer,
    WithdrawClaimBodySerializer,
)
from api_schema.describe import CREATES, PERSONAL, THE_ID, leads_to, operation

TAG = "Self-governing institutions"
BODY = {
    "evidence_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "evidence_reference": "2026-00431/7",
}
CLAIM: dict[str, Any] = {
    "id": "019a9e70-4c2e-7d1a-8f00-2b7d5a1c9e33",
    "agency": "019a9e6c-6f7e-7a53-9d0f-3d5a6f0f1a01",
    "state": "waiting",
    **BODY,
    "claimed_at": "2026-11-02T08:00:00Z",
    "claimed_by": "cb-ad-1",
    "approved_at": [],
    "withdrawn_at": None,
    "withdrawn_reason": None,
}
ONE_APPROVAL = "2026-11-03T08:00:00Z"


class ClaimPage(serializers.Serializer[None]):
    results = ClaimSerializer(many=True)
    next = serializers.CharField(allow_null=True)


list_claims = operation(
    "list_self_governing_claims",
    "List the claims that an agency is self-governing",
    description="Newest first, for the administrators of the agency and of the oversight body.",
    tag=TAG,
    response=ClaimPage,
    got={"results": [CLAIM], "next": None},
    traits=[PERSONAL],
    queries=[("limit", "1-200, 50 unless given."), ("cursor", "`next` of the page before.")],
)
make_claim = operation(
    "make_self_governing_claim",
    "Claim that an agency is self-governing",
    description="For the administrators of the agency or of the oversight body. The claim changes nothing until two "
    "administrators of the oversight body have approved it, neither of them the one who made it.",
    tag=TAG,
    request=ClaimBodySerializer,
    response=ClaimSerializer,
    status=201,
    sent=BODY,
    got=CLAIM,
    traits=[PERSONAL, CREATES],
    links=leads_to(
        *("approve_self_governing_claim", "withdraw_self_governing_claim"),
        agency_id="$request.path.agency_id",
        claim_id=THE_ID,
    ),
    problems=["claim-stands"],
)
approve_claim = operation(
    "approve_self_governing_claim",
    "Approve a claim that an agency is self-governing",
    description="For administrators of the oversight body, and not for the claimant. With the second person's approval "
    "the agency can send and receive on the basis `RPL115-3`. Approving twice is the same as once.",
    tag=TAG,
    request=ApproveBodySerializer,
    response=ClaimSerializer,
    sent={},
    got={**CLAIM, "approved_at": [ONE_APPROVAL]},
    traits=[PERSONAL],
    problems=["not-an-approver", "claim-withdrawn", "invalid"],
)
withdraw_claim = operation(
    "withdraw_self_governing_claim",
    "Withdraw a claim that an agency is self-governing",
    description="For the administrators of the agency and of the oversight body. From the answer on, nothing rests on "
    "it. Withdrawing twice is the same as once.",
    tag=TAG,
    request=WithdrawClaimBodySerializer,
    response=ClaimSerializer,
    sent={"reason": "evidence_replaced"},
    got={
        **CLAIM,
        "state": "withdrawn",
        "withdrawn_at": "2026-12-01T08:00:00Z",
        "withdrawn_reason": "evidence_replaced",
    },
    traits=[PERSONAL],
    problems=["invalid"],
)
