"""What the agency that registered a person is offered, so that the person gets insight (rule 19)."""

from typing import Any
from uuid import UUID

from rest_framework.renderers import BaseRenderer, JSONRenderer
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
from referrals import access_report_pdf, insight, insight_contract, withholdings
from referrals.insight_bodies import access_report_body, subject_body, withholding_body
from referrals.insight_serializers import STAFF, WithholdBodySerializer

FILENAME = "indsigt.pdf"
"""What the report is called where it is saved; a name of a person has no place in it."""


class PdfRenderer(BaseRenderer):
    """Serves a PDF as it is, and a problem as JSON, which is what its content type says."""

    media_type = "application/pdf"
    format = "pdf"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if isinstance(data, bytes):
            return data
        rendered: bytes = JSONRenderer().render(data, "application/json", renderer_context)
        return rendered


class OneSubject(APIView):
    """A person, as the caller's agency registered them."""

    permission_classes = [IsPrincipal]

    @insight_contract.read_subject
    def get(self, request: Request, subject_id: UUID) -> Response:
        queries.only(request, ())
        by = principal_of(request)
        told = insight.read_subject(subject_id, by=by, purpose=purpose_of(request, by))
        return answer(subject_body(told), receipt=signed(told.receipt))


class AccessReport(APIView):
    """All that the agency holds about a person, and who saw it: as JSON, or as a PDF to hand over."""

    permission_classes = [IsPrincipal]
    renderer_classes = [JSONRenderer, PdfRenderer]

    @insight_contract.read_access_report
    def get(self, request: Request, subject_id: UUID) -> Response:
        queries.only(request, ("staff",))
        own_staff = queries.one_of(request, "staff", STAFF, "masked") == "own"
        by = principal_of(request)
        form = request.accepted_renderer.format
        report = insight.access_report(
            subject_id, to=by, purpose=purpose_of(request, by), own_staff=own_staff, form=form
        )
        if form != PdfRenderer.format:
            return answer(access_report_body(report), receipt=signed(report.receipt))
        response = answer(access_report_pdf.pdf(report), receipt=signed(report.receipt))
        response["Content-Disposition"] = f'attachment; filename="{FILENAME}"'
        response["Content-Language"] = "da"
        return response


class Withholdings(APIView):
    """Whose looks are left out of a person's access report, why, and until when."""

    permission_classes = [IsPrincipal]

    @insight_contract.list_withholdings
    def get(self, request: Request, subject_id: UUID) -> Response:
        queries.only(request, ("limit", "cursor"))
        by = principal_of(request)
        page = withholdings.list_withholdings(
            subject_id,
            by=by,
            purpose=purpose_of(request, by),
            size=pagination.page_size(request),
            cursor=request.query_params.get("cursor", ""),
        )
        bodies = [withholding_body(row, today=page.today) for row in page.withholdings]
        return answer(pagination.listed(bodies, page.next), receipt=signed(page.receipt))

    @insight_contract.withhold
    def post(self, request: Request, subject_id: UUID) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = WithholdBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        stated = withholdings.withhold(
            subject_id,
            **body.validated_data,
            by=by,
            purpose=purpose_of(request, by),
            key=key,
            body_hash=keyed("idempotent-body", jcs({"subject": str(subject_id), "body": request.data})),
        )
        return answer(
            withholding_body(stated.withholding, today=stated.receipt.at.date()),
            receipt=signed(stated.receipt),
            status=201,
            replayed=stated.replayed,
        )
