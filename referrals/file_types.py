"""
Which type a file's bytes have, and whether a name may go with them. Pure: it knows no referral and no request.

It looks at a file's first bytes and at its end. It doesn't open the file, and doesn't say that it is harmless: that is
the scanner's word (`scanning`).
"""

import unicodedata
from collections.abc import Mapping

import puremagic

PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
EXTENSIONS: Mapping[str, tuple[str, ...]] = {PDF: (".pdf",), PNG: (".png",), JPEG: (".jpg", ".jpeg")}
"""The types that are taken, with what their names may end in."""

MEDIA_TYPES = tuple(EXTENSIONS)
NAME_MAX = 120
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
JPEG_END = b"\xff\xd9"
PDF_END, PDF_END_WITHIN = b"%%EOF", 1024
NOT_IN_A_NAME = frozenset('/\\:*?"<>|')
"""What separates folders, or can't be in a name on some system."""

NOT_PRINTED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories of what is not seen: controls, and what turns the direction of text around."""


def type_of(content: bytes) -> str:
    """Return the media type that a file's first bytes show, or "" where they show none that is known."""
    try:
        return puremagic.from_string(content, mime=True)
    except (puremagic.PureError, ValueError):
        return ""


def ends_where_it_should(content: bytes, media_type: str) -> bool:
    """Say whether nothing comes after the file's own end: one file that is two is taken as neither."""
    if media_type == PNG:
        return content.endswith(PNG_END)
    if media_type == JPEG:
        return content.rstrip(b"\x00").endswith(JPEG_END)
    return PDF_END in content[-PDF_END_WITHIN:]


def plain_name(name: str) -> str:
    """Return a file name in one spelling (NFC). Raises ValueError where it is no plain name."""
    name = unicodedata.normalize("NFC", name)
    if not 1 <= len(name) <= NAME_MAX or name != name.strip(" .") or any(map(_may_not_stand, name)):
        raise ValueError("not a plain file name")
    return name


def extension_fits(name: str, media_type: str) -> bool:
    """Say whether a name ends as names of this type do, and has something before that."""
    return any(name.lower().endswith(each) and len(name) > len(each) for each in EXTENSIONS[media_type])


def _may_not_stand(char: str) -> bool:
    return char in NOT_IN_A_NAME or unicodedata.category(char) in NOT_PRINTED
