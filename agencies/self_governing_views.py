"""What administrators are offered: claims, with evidence, that an agency is a self-governing institution."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies import self_governing, self_governing_contract
from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from agencies.self_governing_serializers import (
    ApproveBodySerializer,
    ClaimBodySerializer,
    WithdrawClaimBodySerializer,
    claim_body,
)
from api_schema import headers, pagination, queries
from api_schema.answers import answer
from audit.canonical import jcs
from audit.hashing import keyed
from audit.receipts import signed


class SelfGoverningClaims(APIView):
    """The claims about one agency."""

    permission_classes = [IsPrincipal]

    @self_governing_contract.list_claims
    def get(self, request: Request, agency_id: UUID) -> Response:
        queries.only(request, ("limit", "cursor"))
        by = principal_of(request)
        page = self_governing.claims_of(
            agency_id,
            by=by,
            purpose=purpose_of(request, by),
            size=pagination.page_size(request),
            cursor=request.query_params.get("cursor", ""),
        )
        body = pagination.listed([claim_body(claim) for claim in page.claims], page.next)
        return answer(body, receipt=signed(page.receipt))

    @self_governing_contract.make_claim
    def post(self, request: Request, agency_id: UUID) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = ClaimBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        told = self_governing.claim(
            agency_id,
            body.evidence(),
            by=by,
            purpose=purpose_of(request, by),
            key=key,
            body_hash=keyed("idempotent-body", jcs(request.data)),
        )
        return _shown(told, status=201)


class ApproveClaim(APIView):
    """One person of the oversight body approves."""

    permission_classes = [IsPrincipal]

    @self_governing_contract.approve_claim
    def post(self, request: Request, agency_id: UUID, claim_id: UUID) -> Response:
        by = principal_of(request)
        ApproveBodySerializer(data=request.data).is_valid(raise_exception=True)
        return _shown(self_governing.approve(agency_id, claim_id, by=by, purpose=purpose_of(request, by)))


class WithdrawClaim(APIView):
    """The claim is taken back."""

    permission_classes = [IsPrincipal]

    @self_governing_contract.withdraw_claim
    def post(self, request: Request, agency_id: UUID, claim_id: UUID) -> Response:
        by = principal_of(request)
        body = WithdrawClaimBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        told = self_governing.withdraw(agency_id, claim_id, by=by, purpose=purpose_of(request, by), reason=reason)
        return _shown(told)


def _shown(told: self_governing.Told, *, status: int = 200) -> Response:
    return answer(claim_body(told.claim), receipt=signed(told.receipt), status=status, replayed=told.replayed)
