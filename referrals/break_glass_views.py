"""What is offered for broken glass: to break it, to see what is flagged, and to review it."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import headers, pagination, queries
from api_schema.answers import answer
from audit.canonical import jcs
from audit.hashing import keyed
from audit.receipts import signed
from referrals import break_glass
from referrals import break_glass_contract as contract
from referrals.break_glass_serializers import (
    STATES,
    BreakGlassBodySerializer,
    ReviewSerializer,
    glass_body,
    glass_summary,
)
from referrals.inspection_views import case_of
from referrals.policy import GlassState


class BreakGlass(APIView):
    """The collection: break the glass, and see which is flagged."""

    permission_classes = [IsPrincipal]

    @contract.list_break_glass
    def get(self, request: Request) -> Response:
        queries.only(request, ("state", "limit", "cursor"))
        by = principal_of(request)
        state = queries.one_of(request, "state", STATES, "")
        page = break_glass.list_glass(
            GlassState(state) if state else None,
            case_of(request),
            by=by,
            purpose=purpose_of(request, by),
            size=pagination.page_size(request),
            cursor=request.query_params.get("cursor", ""),
        )
        rows = [glass_summary(glass, state, staff_named=named) for glass, state, named in page.rows]
        return answer(pagination.listed(rows, page.next), receipt=signed(page.receipt))

    @contract.open_break_glass
    def post(self, request: Request) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = BreakGlassBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = break_glass.break_glass(
            body.breaking(),
            by=by,
            purpose=purpose_of(request, by),
            key=key,
            body_hash=keyed("idempotent-body", jcs(request.data)),
        )
        return _shown(made.id, request, status=201, replayed=made.replayed)


class OneBreakGlass(APIView):
    """One broken glass."""

    permission_classes = [IsPrincipal]

    @contract.read_break_glass
    def get(self, request: Request, glass_id: UUID) -> Response:
        queries.only(request, ())
        return _shown(glass_id, request)


class Review(APIView):
    """Another looks at it afterwards."""

    permission_classes = [IsPrincipal]

    @contract.review_break_glass
    def post(self, request: Request, glass_id: UUID) -> Response:
        by = principal_of(request)
        seen = headers.seen_version(request)
        body = ReviewSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        break_glass.review(
            glass_id,
            verdict=body.validated_data["verdict"],
            case=case_of(request),
            by=by,
            purpose=purpose_of(request, by),
            seen=seen,
        )
        return _shown(glass_id, request)


def _shown(glass_id: UUID, request: Request, *, status: int = 200, replayed: bool = False) -> Response:
    by = principal_of(request)
    told = break_glass.read_glass(glass_id, case_of(request), to=by, purpose=purpose_of(request, by))
    return answer(
        glass_body(told),
        receipt=signed(told.receipt),
        status=status,
        version=told.version,
        replayed=replayed,
        location=f"/api/v1/break-glass/{glass_id}" if status == 201 else "",  # noqa: PLR2004
    )
