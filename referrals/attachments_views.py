"""What the HTTP contract offers for files on a referral: attach, list, describe, fetch."""

from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import headers, pagination, queries
from api_schema.answers import answer
from audit.receipts import signed
from referrals import attaching, attachments, attachments_contract
from referrals.attachments_serializers import AttachmentBodySerializer, attachment_body
from referrals.file_types import EXTENSIONS


class AnythingAccepted(JSONRenderer):
    """For an answer that is no JSON: whatever the caller accepts, a problem is still told as one."""

    media_type = "*/*"


class Attachments(APIView):
    """The files of one referral."""

    permission_classes = [IsPrincipal]

    @attachments_contract.list_attachments
    def get(self, request: Request, referral_id: UUID) -> Response:
        by = principal_of(request)
        queries.only(request, ())
        told = attachments.describe_files(referral_id, to=by, purpose=purpose_of(request, by))
        listed = pagination.listed([attachment_body(file) for file in told.files], None)
        return answer(listed, receipt=signed(told.receipt))

    @attachments_contract.attach_file
    def post(self, request: Request, referral_id: UUID) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = AttachmentBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        file = body.file(to=referral_id, key=key)
        made = attaching.attach(file, to=referral_id, by=by, purpose=purpose_of(request, by))
        return _described(request, referral_id, made.id, status=201, replayed=made.replayed)


class OneAttachment(APIView):
    """One file, described."""

    permission_classes = [IsPrincipal]

    @attachments_contract.read_attachment
    def get(self, request: Request, referral_id: UUID, attachment_id: UUID) -> Response:
        queries.only(request, ())
        return _described(request, referral_id, attachment_id)


class Content(APIView):
    """One file's bytes. They are for saving: no browser shows or runs them in this address's name."""

    permission_classes = [IsPrincipal]
    renderer_classes = [AnythingAccepted]

    @attachments_contract.fetch_attachment
    def get(self, request: Request, referral_id: UUID, attachment_id: UUID) -> HttpResponse:
        by = principal_of(request)
        queries.only(request, ())
        told = attachments.fetch(referral_id, attachment_id, to=by, purpose=purpose_of(request, by))
        return HttpResponse(
            told.content,
            content_type=told.media_type,
            headers={
                "Content-Disposition": _disposition(told.name, told.media_type),
                "Content-Security-Policy": "sandbox",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
                "Receipt": signed(told.receipt),
            },
        )


def _described(
    request: Request, referral_id: UUID, attachment_id: UUID, *, status: int = 200, replayed: bool = False
) -> Response:
    """Return the file's description, freshly disclosed to whoever asks."""
    by = principal_of(request)
    told = attachments.describe_files(referral_id, to=by, purpose=purpose_of(request, by), only=attachment_id)
    location = f"/api/v1/referrals/{referral_id}/attachments/{attachment_id}"
    return answer(
        attachment_body(told.files[0]),
        receipt=signed(told.receipt),
        status=status,
        replayed=replayed,
        location=location if status == 201 else "",  # noqa: PLR2004
    )


def _disposition(name: str, media_type: str) -> str:
    """Return the header that has the bytes saved under their name (RFC 6266 section 4, RFC 8187), whatever is in it."""
    plain = f"attachment{EXTENSIONS[media_type][0]}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
