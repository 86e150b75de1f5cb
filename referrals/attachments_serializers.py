"""The wire form of files on a referral. A file comes as base64 in JSON, and is of its type before any act begins."""

from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api_schema.validation import CPR_SHAPED, CodeField, StrictSerializer, holds_cpr
from api_schema.words import Words
from audit.canonical import jcs
from audit.hashing import keyed
from consent.categories import CONTENT_NAMES, Category
from referrals import file_types
from referrals.attaching import File
from referrals.attachments import ShownFile
from referrals.attachments_errors import FileTooLarge
from referrals.file_types import EXTENSIONS, MEDIA_TYPES, NAME_MAX
from referrals.sections import Text

SCAN_STATES = ("clean", "not_scanned")
DESCRIPTION_MAX = 500
NOT_A_NAME = Words(
    f'Skal være et filnavn: højst {NAME_MAX} tegn, uden mapper, styretegn og tegnene / \\ : * ? " < > |.',
    f'Must be a file name: at most {NAME_MAX} characters, without folders, control characters and / \\ : * ? " < > |.',
)
OTHER_EXTENSION = Words("Skal ende på {allowed}, som typen.", "Must end in {allowed}, as the type does.")
NOT_BASE64 = Words(
    "Skal være base64 (RFC 4648, afsnit 4): én linje, med udfyldning, og ikke tom.",
    "Must be base64 (RFC 4648, section 4): one line, padded, and not empty.",
)
OTHER_TYPE = Words(
    "Filens bytes er ikke af den angivne media_type.", "The file's bytes are not of the media_type that is stated."
)
GOES_ON = Words(
    "Filen er ikke hel, eller der følger noget efter dens slutning. Gem den på ny, og send den igen.",
    "The file is not whole, or something follows its end. Save it anew and send it again.",
)


class FileNameField(serializers.CharField):
    """A plain file name: no folders, nothing that is not seen, nothing shaped like a CPR number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        try:
            name = file_types.plain_name(super().to_internal_value(data))
        except ValueError:
            raise _wrong(NOT_A_NAME, "invalid_file_name") from None
        if holds_cpr(name):
            raise _wrong(CPR_SHAPED, "cpr_not_allowed_here")
        return name


@extend_schema_field({"type": "string", "contentEncoding": "base64"})
class Base64Field(serializers.Field):  # type: ignore[type-arg]
    """
    Bytes as base64. Only the one spelling that RFC 4648 has for them is taken. No character field of DRF's: its
    validators would look at each of several million characters.
    """

    def to_internal_value(self, data: Any) -> bytes:
        limit: int = settings.ATTACHMENT_BYTES_MAX
        if not isinstance(data, str) or not data:
            raise _wrong(NOT_BASE64, "invalid_base64")
        if len(data) > len(b64encode(b"\0\0\0")) * (limit // 3 + 1):
            raise FileTooLarge(limit=limit)
        try:
            content = b64decode(data, validate=True)
        except (Error, ValueError):
            raise _wrong(NOT_BASE64, "invalid_base64") from None
        if b64encode(content).decode() != data:
            raise _wrong(NOT_BASE64, "invalid_base64")
        if len(content) > limit:
            raise FileTooLarge(limit=limit)
        return content


class AttachmentBodySerializer(StrictSerializer):
    """The body of `POST /referrals/{id}/attachments`."""

    system_members = frozenset({"id", "size", "scan_state", "sha256", "from", "created_at", "served"})
    category = CodeField(
        choices=CONTENT_NAMES,
        help_text="What the file is about: it is shown to whom this is shown. A recipient's file is `outcome`.",
    )
    file_name = FileNameField(help_text="Ends as the type does: .pdf, .png, .jpg or .jpeg.")
    media_type = CodeField(choices=MEDIA_TYPES, help_text="As the file's own bytes show it.")
    content = Base64Field(help_text="The file, at most 5 MiB before base64.")
    description = Text(max_length=DESCRIPTION_MAX, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        media_type, content = attrs["media_type"], attrs["content"]
        if not file_types.extension_fits(attrs["file_name"], media_type):
            allowed = ", ".join(EXTENSIONS[media_type])
            refused = _wrong(OTHER_EXTENSION, "other_extension", allowed=allowed)
            raise serializers.ValidationError({"file_name": refused.detail})
        if file_types.type_of(content) != media_type:
            raise serializers.ValidationError({"content": _wrong(OTHER_TYPE, "other_type").detail})
        if not file_types.ends_where_it_should(content, media_type):
            raise serializers.ValidationError({"content": _wrong(GOES_ON, "not_one_whole_file").detail})
        return attrs

    def file(self, *, to: UUID, key: str) -> File:
        """Return the validated body as a file. What it is known by under its key includes the referral."""
        data = self.validated_data
        content: bytes = data["content"]
        known = {**data, "content": sha256(content).hexdigest(), "referral": str(to)}
        return File(
            category=Category(data["category"]),
            name=data["file_name"],
            media_type=data["media_type"],
            content=content,
            description=data.get("description", ""),
            key=key,
            body_hash=keyed("idempotent-body", jcs(known)),
        )


class AttachmentSerializer(serializers.Serializer[Any]):
    """A file on a referral, shown to whom its category is shown."""

    id = serializers.UUIDField()
    category = CodeField(choices=CONTENT_NAMES)
    media_type = CodeField(choices=MEDIA_TYPES)
    size = serializers.IntegerField(help_text="Bytes.")
    scan_state = CodeField(choices=SCAN_STATES)
    file_name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    sha256 = serializers.CharField(help_text="Of the content, in hexadecimal (FIPS 180-4).")
    created_at = serializers.DateTimeField()
    served = serializers.BooleanField(help_text="Whether the content may be fetched now.")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.UUIDField(help_text="The agency that attached it.")}


def attachment_body(shown: ShownFile) -> dict[str, Any]:
    """Return a shown file as its wire form."""
    return {
        "id": str(shown.id),
        "category": shown.category,
        "media_type": shown.media_type,
        "size": shown.size,
        "scan_state": shown.scan_state,
        "file_name": shown.name,
        "description": shown.description,
        "sha256": shown.sha256,
        "from": str(shown.sent_by),
        "created_at": shown.created_at,
        "served": shown.served,
    }


def _wrong(words: Words, code: str, **values: object) -> serializers.ValidationError:
    return serializers.ValidationError(ErrorDetail(words.now(**values), code=code))
