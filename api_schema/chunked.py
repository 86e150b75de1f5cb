"""
Lets a body come in chunks (RFC 9112 section 7.1), as clients send one whose length they do not know beforehand.

Django reads as much as Content-Length says, so that a body in chunks would be an empty one to it, without a word.
"""

from collections.abc import Iterable
from io import BytesIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def reading_chunks(application: WSGIApplication, *, most: int) -> WSGIApplication:
    """
    Return a WSGI application that gives `application` a body in chunks as one of known length.

    Of a body of more than `most` bytes it is given one byte more than that, which it refuses as too large.
    """

    def respond(request: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if request.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked":
            body = request["wsgi.input"].read(most + 1)
            request = {**request, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        return application(request, start_response)

    return respond
