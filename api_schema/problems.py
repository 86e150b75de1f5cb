"""
Every error the API can answer with, as RFC 9457 problem details, in Danish or English.

A problem says what is wrong and what would be right. It never holds a value that was sent: what is wrong with a
value is said by its place (an RFC 6901 JSON pointer) and a code.
"""

import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from api_schema.validation import FieldError, field_errors
from api_schema.words import Words

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "/api/docs/problems/"
REGISTER: dict[str, type["Problem"]] = {}
"""Every problem by its code; the docs page and the contract are made from it."""


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An error on the wire. A subclass is one documented kind of problem."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[Words] = Words("Der skete en fejl hos os", "Something failed at our end")
    detail: ClassVar[Words] = Words(
        "Se efter, om handlingen blev gjort, før du prøver igen; bliver det ved, så oplys Request-Id til driften.",
        "Read whether the act was done before you try again; if it persists, give operations the Request-Id.",
    )

    def __init__(
        self,
        *,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
        **values: object,
    ) -> None:
        super().__init__(self.code)
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.values = values

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" in cls.__dict__:
            REGISTER[cls.code] = cls

    def body(self) -> dict[str, object]:
        """Return the problem as RFC 9457 members, in the request's language."""
        body: dict[str, object] = {
            "type": f"{TYPE_BASE}{self.code}",
            "code": self.code,
            "title": self.title.now(),
            "status": self.status,
            "detail": self.detail.now(**self.values),
            **self.extra,
        }
        if self.errors:
            body["errors"] = [error.body() for error in self.errors]
        return body


class Internal(Problem):
    code = "internal"


class Malformed(Problem):
    status = 400
    code = "malformed"
    title = Words("Forespørgslen kan ikke læses", "The request cannot be read")
    detail = Words("{what}", "{what}")

    def __init__(self, what: Words, **values: object) -> None:
        super().__init__(what=what.now(**values))


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"
    title = Words("Adgangsbevis mangler eller gælder ikke", "The access token is missing or not valid")
    detail = Words(
        "Send Authorization: Bearer med et gyldigt token fra /oauth/token (client credentials), udstedt til dette API.",
        "Send Authorization: Bearer with a valid token from /oauth/token (client credentials), issued for this API.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer realm="udvej"'}, **kwargs)


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    title = Words("Det må din rolle ikke", "Your role may not do this")
    detail = Words(
        "Handlingen kræver en rolle eller et scope, som du ikke har. Forsøget er registreret.",
        "The action needs a role or a scope that you don't have. The attempt is recorded.",
    )


class NotFound(Problem):
    status = 404
    code = "not-found"
    title = Words("Findes ikke, eller er ikke din", "Not there, or not yours")
    detail = Words(
        "Der er intet her, som du har adgang til.",
        "There is nothing here that you have access to.",
    )


class MethodNotAllowed(Problem):
    status = 405
    code = "method-not-allowed"
    title = Words("Metoden findes ikke på denne adresse", "This address has no such method")
    detail = Words("Headeren Allow nævner de metoder, der findes.", "The Allow header names the methods there are.")


class NotAcceptable(Problem):
    status = 406
    code = "not-acceptable"
    title = Words("Kun JSON kan leveres", "Only JSON can be served")
    detail = Words("Send Accept: application/json.", "Send Accept: application/json.")


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = Words("Tilstanden tillader det ikke", "The state does not allow it")
    detail = Words(
        "Hent ressourcen igen, og se, hvad der er muligt.", "Read the resource again and see what is possible."
    )


class Stale(Problem):
    status = 412
    code = "stale-version"
    title = Words("Versionen er ikke den nyeste", "The version is not the newest")
    detail = Words(
        "En anden har ændret ressourcen. Hent den igen, og send dens ETag i If-Match.",
        "Someone else changed the resource. Read it again and send its ETag in If-Match.",
    )


class TooLarge(Problem):
    status = 413
    code = "too-large"
    title = Words("Forespørgslen er for stor", "The request is too large")
    detail = Words("Højst {limit} bytes. Del en batch i flere.", "At most {limit} bytes. Split a batch into several.")


class UnsupportedMediaType(Problem):
    status = 415
    code = "unsupported-media-type"
    title = Words("Indholdstypen understøttes ikke", "The content type is not supported")
    detail = Words(
        "Send application/json i UTF-8 uden Content-Encoding.",
        "Send application/json in UTF-8 without Content-Encoding.",
    )


class Invalid(Problem):
    status = 422
    code = "invalid"
    title = Words("Indholdet kan ikke bruges, som det er", "The content cannot be used as it is")
    detail = Words(
        "Se errors: hver fejl siger hvor, og hvad der ville være rigtigt.",
        "See errors: each says where, and what would be right.",
    )


class PreconditionRequired(Problem):
    status = 428
    code = "if-match-required"
    title = Words("If-Match mangler", "If-Match is missing")
    detail = Words(
        "Send ressourcens ETag i If-Match, så ingen ændring går tabt.",
        "Send the resource's ETag in If-Match, so that no change is lost.",
    )


class TooMany(Problem):
    status = 429
    code = "too-many-requests"
    title = Words("For mange forespørgsler", "Too many requests")
    detail = Words("Vent det antal sekunder, som Retry-After siger.", "Wait the number of seconds in Retry-After.")


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    title = Words("Kan ikke svare lige nu", "Cannot answer right now")
    detail = Words(
        "Intet er vist. En handling er enten gjort og registreret eller ingen af delene: send det samme igen om lidt, "
        "en ny ting med samme Idempotency-Key.",
        "Nothing was shown. An act was either done and recorded or neither: send the same again shortly, a new thing "
        "with the same Idempotency-Key.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(headers={"Retry-After": "5"}, **kwargs)


def problem_of(error: Exception) -> Problem:  # noqa: PLR0911 - one line an error kind
    """Return the problem that an exception means on the wire. An unknown one is `Internal`, and is logged."""
    match error:
        case Problem():
            return error
        case exceptions.ValidationError():
            return Invalid(errors=field_errors(error.detail))
        case exceptions.ParseError():
            return Malformed(Words("Kroppen er ikke gyldig JSON.", "The body is not valid JSON."))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Unauthenticated()
        case exceptions.PermissionDenied() | PermissionDenied():
            return Forbidden()
        case exceptions.NotFound() | Http404():
            return NotFound()
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed()
        case exceptions.NotAcceptable():
            return NotAcceptable()
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType()
        case RequestDataTooBig():
            return TooLarge(limit="8388608")
        case exceptions.Throttled():
            return TooMany(headers={"Retry-After": str(int(getattr(error, "wait", None) or 60))})
        case OperationalError() | InterfaceError():
            log.error("database_unavailable", kind=type(error).__name__)
            return Unavailable()
    log.error("unhandled", kind=type(error).__name__, place=_place(error))
    return Internal()


def _place(error: Exception) -> str:
    """Return where an error arose. Its own words may quote a value, so they are not logged."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))


def answer(error: Exception, context: dict[str, Any]) -> Response:  # noqa: ARG001 - DRF's signature
    """DRF's exception handler: every error leaves as problem+json. An open transaction is for rolling back."""
    problem = problem_of(error)
    if connection.in_atomic_block:
        connection.set_rollback(True)
    response = Response(problem.body(), status=problem.status, headers=problem.headers)
    response.content_type = MEDIA_TYPE
    response["Cache-Control"] = "no-store"
    return response


def unfilled(sentence: str) -> str:
    """Return a problem's sentence as it is documented: what a particular request fills in is left open."""
    return re.sub(r"\{\w+\}", "…", sentence)


def example(problem: type[Problem], *, danish: bool = False) -> dict[str, object]:
    """Return a problem as it is answered with; what a request fills in is left open."""
    title, detail = (words.da if danish else words.en for words in (problem.title, problem.detail))
    return {
        "type": f"{TYPE_BASE}{problem.code}",
        "code": problem.code,
        "title": title,
        "status": problem.status,
        "detail": unfilled(detail),
    }


def plain_answer(problem: Problem) -> JsonResponse:
    """Return the problem outside DRF: unknown addresses, the token endpoint's transport, a failing middleware."""
    return JsonResponse(
        problem.body(),
        status=problem.status,
        content_type=MEDIA_TYPE,
        headers={**problem.headers, "Cache-Control": "no-store"},
    )


def unknown_address(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's handler404: the same body as for a referral that is not there."""
    return plain_answer(NotFound())


def failed(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Django's handler500, for what fails outside a view: in a middleware, or in letting go of the database."""
    error = sys.exc_info()[1]
    return plain_answer(problem_of(error) if isinstance(error, Exception) else Internal())


def malformed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's handler400."""
    return plain_answer(Malformed(Words("Forespørgslen er ikke gyldig HTTP.", "The request is not valid HTTP.")))
