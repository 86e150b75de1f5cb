"""
The contract as it is committed, and the page that draws it. Both work offline, and cost a file read.

What is served is the file that review saw, never one drawn anew for whoever asks.
"""

from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.views import SpectacularSwaggerView

COMMITTED = Path(__file__).with_name("openapi.yaml")


@cache
def _contract() -> bytes:
    return COMMITTED.read_bytes()


def schema(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's shape
    """Return the committed OpenAPI 3.1 document, YAML."""
    return HttpResponse(_contract(), content_type="application/yaml; charset=utf-8")


class Docs(SpectacularSwaggerView):
    """Swagger UI over the committed contract."""

    url_name = "schema"
    authentication_classes: list[Any] = []
