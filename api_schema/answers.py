"""Builds the answers that views give: body, ETag, receipt, and the headers that follow a disclosure."""

from typing import Any

from rest_framework.response import Response

from api_schema.headers import etag


def answer(
    body: Any,
    *,
    receipt: str,
    status: int = 200,
    version: int | None = None,
    replayed: bool = False,
    location: str = "",
) -> Response:
    """Return a recorded answer: the signed receipt always, ETag, Location and Idempotency-Replayed where they apply."""
    headers = {"Receipt": receipt}
    if version is not None:
        headers["ETag"] = etag(version)
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    if location:
        headers["Location"] = location
    return Response(body, status=status, headers=headers)
