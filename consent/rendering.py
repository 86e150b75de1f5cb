"""The two forms of a receipt on the wire. A problem stays problem+json, whichever form was asked for."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer


class LinkedData(JSONRenderer):
    """JSON-LD 1.1 (W3C), whose registered media type is application/ld+json."""

    media_type = "application/ld+json"
    format = "jsonld"


class PlainText(BaseRenderer):
    """Text for a person to read, UTF-8."""

    media_type = "text/plain"
    format = "text"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if isinstance(data, str):
            return data.encode()
        return bytes(JSONRenderer().render(data, "application/json", renderer_context))
