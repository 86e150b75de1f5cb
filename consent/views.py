"""What the HTTP contract offers for consents: record one, list them, read one, its receipt, and the notices."""

from typing import Any
from uuid import UUID

from django.utils.translation import get_language
from rest_framework.renderers import JSONRenderer
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
from consent import actions, contract, listing, notices, plain_receipts, receipts
from consent.rendering import LinkedData, PlainText
from consent.serializers import KINDS, ConsentBodySerializer
from consent.shown import consent_body, notice_body, page_body
from consent.telling import Told


class Consents(APIView):
    """The collection: record a consent, or list those that concern the agency."""

    permission_classes = [IsPrincipal]

    @contract.list_consents
    def get(self, request: Request) -> Response:
        by = principal_of(request)
        queries.only(request, ("subject", "state", "kind", "limit", "cursor"))
        wanted = listing.Wanted(
            subject=queries.uuid(request, "subject"),
            state=queries.one_of(request, "state", listing.STATES, ""),
            kind=queries.one_of(request, "kind", KINDS, ""),
            size=pagination.page_size(request),
            cursor=request.query_params.get("cursor", ""),
        )
        page = listing.list_consents(wanted, to=by, purpose=purpose_of(request, by))
        return answer(pagination.listed(page_body(page), page.next), receipt=signed(page.receipt))

    @contract.record_consent
    def post(self, request: Request) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = ConsentBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        told = actions.record_consent(
            body.given(),
            subject_id=body.validated_data["subject"],
            by=by,
            purpose=purpose_of(request, by),
            key=key,
            body_hash=keyed("idempotent-body", jcs(request.data)),
        )
        return shown(told, status=201)


class OneConsent(APIView):
    """One consent, as it is or as it was known at an instant."""

    permission_classes = [IsPrincipal]

    @contract.read_consent
    def get(self, request: Request, consent_id: UUID) -> Response:
        by = principal_of(request)
        queries.only(request, ("at",))
        at = queries.time(request, "at")
        return shown(actions.read_consent(consent_id, by=by, purpose=purpose_of(request, by), at=at))


class ReceiptOfConsent(APIView):
    """A consent as the receipt that the person is owed: linked data, or text to read."""

    permission_classes = [IsPrincipal]
    renderer_classes = [LinkedData, PlainText, JSONRenderer]

    @contract.read_receipt
    def get(self, request: Request, consent_id: UUID) -> Response:
        by = principal_of(request)
        queries.only(request, ())
        told, wording = actions.read_receipt(consent_id, by=by, purpose=purpose_of(request, by))
        body: Any
        if isinstance(request.accepted_renderer, PlainText):
            language = "en" if (get_language() or "da").startswith("en") else "da"
            body = plain_receipts.text(told.record, wording, language=language)
        else:
            issued = told.receipt
            body = receipts.document(told.record, wording, entry=issued.entry, issued_at=issued.at)
        return answer(body, receipt=signed(told.receipt), version=told.record.version)


class Notices(APIView):
    """The texts that tell a person what they consent to. Nothing personal."""

    permission_classes = [IsPrincipal]

    @contract.list_notices
    def get(self, request: Request) -> Response:
        queries.only(request, ())
        return Response(pagination.listed([notice_body(notice) for notice in notices.notices()], None))


def shown(told: Told, *, status: int = 200) -> Response:
    """Return the answer that shows a consent."""
    return answer(
        consent_body(told.record),
        receipt=signed(told.receipt),
        status=status,
        version=told.record.version,
        replayed=told.replayed,
        location=f"/api/v1/consents/{told.record.id}" if status == 201 else "",  # noqa: PLR2004
    )
