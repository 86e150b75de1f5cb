"""How the committed contract describes files on a referral."""

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from api_schema.describe import CREATES, PERSONAL, THE_ID, leads_to, operation
from referrals.attachments_serializers import AttachmentBodySerializer, AttachmentSerializer
from referrals.contract import MUNICIPALITY
from referrals.file_types import MEDIA_TYPES

TAG = "Attachments"
BODY = {
    "category": "needs",
    "file_name": "boligansøgning.pdf",
    "media_type": "application/pdf",
    "content": "JVBERi0xLjQKJSVFT0YK",
    "description": "Kopi af ansøgningen.",
}
SHOWN = {
    "id": "019a9e6f-4d3c-7b21-8e5f-2a1b3c4d5e6f",
    "category": "needs",
    "media_type": "application/pdf",
    "size": 15,
    "scan_state": "clean",
    "file_name": "boligansøgning.pdf",
    "description": "Kopi af ansøgningen.",
    "sha256": "14bcd090baf31edba64e9cbd8cdfc15f943344aa72cb3675ad8e91bfcbce03ad",
    "from": MUNICIPALITY["id"],
    "created_at": "2026-11-02T09:52:31Z",
    "served": True,
}


class AttachmentPage(serializers.Serializer[None]):
    results = AttachmentSerializer(many=True)
    next = serializers.CharField(allow_null=True)


attach_file = operation(
    "attach_file",
    "Attach a file",
    description=(
        "A PDF, PNG or JPEG of at most 5 MiB, as base64. It is scanned before it is stored, where a scanner is set up. "
        "On a shared referral a sender's file is a disclosure under its category, and needs its ground."
    ),
    tag=TAG,
    request=AttachmentBodySerializer,
    response=AttachmentSerializer,
    status=201,
    sent=BODY,
    got=SHOWN,
    traits=[PERSONAL, CREATES],
    links=leads_to(
        "read_attachment", "fetch_attachment", referral_id="$request.path.referral_id", attachment_id=THE_ID
    ),
    problems=[
        *("move-not-allowed", "file-too-large", "infected", "scanner-unavailable", "too-many-files"),
        *("category-not-yours", "anonymous-case", "not-covered", "key-destroyed"),
    ],
)
list_attachments = operation(
    "list_attachments",
    "List a referral's files",
    description="A disclosure: only files whose category basis and consent carry now, and the sender's own.",
    tag=TAG,
    response=AttachmentPage,
    got={"results": [SHOWN], "next": None},
    traits=[PERSONAL],
)
read_attachment = operation(
    "read_attachment",
    "Read what one file is",
    tag=TAG,
    response=AttachmentSerializer,
    got=SHOWN,
    traits=[PERSONAL],
)
fetch_attachment = operation(
    "fetch_attachment",
    "Fetch a file's content",
    description="The bytes, for saving. What was never scanned is a 409, unless the exchange is set up otherwise.",
    tag=TAG,
    response=OpenApiTypes.BINARY,
    got="%PDF-1.4 …",
    traits=[PERSONAL],
    problems=["not-scanned"],
    media_types=MEDIA_TYPES,
)
