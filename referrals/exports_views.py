"""What auditors are offered to take along: evidence bundles."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import pagination, queries
from api_schema.answers import answer
from api_schema.headers import idempotency_key
from audit.canonical import jcs
from audit.hashing import keyed
from audit.receipts import signed
from audit.trails import Question
from referrals import exports
from referrals import exports_contract as contract
from referrals.exports_serializers import ExportBodySerializer, export_body
from referrals.inspection import Case


class Exports(APIView):
    """The agency's exports."""

    permission_classes = [IsPrincipal]

    @contract.list_exports
    def get(self, request: Request) -> Response:
        queries.only(request, ("limit", "cursor"))
        by = principal_of(request)
        size, cursor = pagination.page_size(request), request.query_params.get("cursor", "")
        page = exports.list_exports(by=by, purpose=purpose_of(request, by), size=size, cursor=cursor)
        bodies = [export_body(each) for each in page.exports]
        return answer(pagination.listed(bodies, page.next), receipt=signed(page.receipt))

    @contract.create_export
    def post(self, request: Request) -> Response:
        key = idempotency_key(request)
        body = ExportBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = dict(body.validated_data)
        case = Case(number=asked.pop("case_number", ""), reason=asked.pop("reason", ""))
        remembered = asked.pop("remembered_size", None)
        asked["entries"] = tuple(asked.pop("entries", ()))
        by = principal_of(request)
        made = exports.export(
            Question(**asked),
            case,
            remembered=remembered,
            by=by,
            purpose=purpose_of(request, by),
            key=key,
            body_hash=keyed("idempotent-body", jcs(request.data)),
        )
        shown = export_body(made.export)
        location = f"/api/v1/audit/exports/{made.export.id}"
        return answer(shown, receipt=signed(made.receipt), status=201, replayed=made.replayed, location=location)


class OneExport(APIView):
    """One of them."""

    permission_classes = [IsPrincipal]

    @contract.read_export
    def get(self, request: Request, export_id: UUID) -> Response:
        queries.only(request, ())
        by = principal_of(request)
        made = exports.read(export_id, by=by, purpose=purpose_of(request, by))
        return answer(export_body(made.export), receipt=signed(made.receipt))


class Bundle(APIView):
    """Its evidence bundle."""

    permission_classes = [IsPrincipal]

    @contract.fetch_bundle
    def get(self, request: Request, export_id: UUID) -> HttpResponse:
        queries.only(request, ())
        by = principal_of(request)
        content, receipt = exports.fetch(export_id, by=by, purpose=purpose_of(request, by))
        sent = HttpResponse(content, content_type="application/zip")
        sent["Content-Disposition"] = f'attachment; filename="udvej-evidence-{export_id}.zip"'
        sent["Receipt"] = signed(receipt)
        return sent
