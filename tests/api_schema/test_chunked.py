"""A body that comes in chunks is read like any other. To Django alone it would be an empty one."""

import json
from io import BytesIO
from typing import Any
from uuid import uuid4
from wsgiref.util import setup_testing_defaults

import pytest
from django.conf import settings

from config.wsgi import application
from tests.exchange import Caller, Exchange, referral_body


def sent_in_chunks(caller: Caller, body: bytes) -> tuple[int, Any]:
    """Return status and body of what the application answers to what gunicorn makes of chunks: a stream that ends."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/referrals",
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_HOST": "testserver",
        "HTTP_AUTHORIZATION": f"Bearer {caller.party.token}",
        "HTTP_ON_BEHALF_OF": caller.staff_id,
        "HTTP_IDEMPOTENCY_KEY": str(uuid4()),
        "wsgi.input": BytesIO(body),
    }
    setup_testing_defaults(environ)
    answered: list[Any] = []
    content = b"".join(application(environ, lambda *told: answered.extend(told)))  # type: ignore[arg-type]
    return int(answered[0].split()[0]), json.loads(content)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (None, 201, None),
        ({"nonsense": True}, 422, "invalid"),
        ({"external_reference": "x" * (settings.REQUEST_BYTES_MAX + 1)}, 413, "too-large"),
    ],
)
def test_a_body_in_chunks_is_read_like_any_other(exchange: Exchange, body: Any, status: int, code: str | None) -> None:
    caller = exchange.municipality.as_("caseworker")
    sent = json.dumps(body or referral_body(exchange.centre)).encode()
    answered, told = sent_in_chunks(caller, sent)
    assert answered == status, told
    assert told.get("code") == code
    if code is None:
        assert told["status"] == "submitted"
        assert told["sections"]["contact"]
