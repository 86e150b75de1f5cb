"""
Who asked, for the log line, the metrics and the traces: the agency and its client, never a person.

A middleware, since the rooms below know nothing of each other: `api_schema.headers` writes the line and knows no
agency. It looks at what authentication left behind, and asks nobody anew.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from agencies.principals import Principal
from api_schema.headers import Caller


def named(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: leave the caller's agency and client on the request, once it is answered."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        who = vars(request).get("user")  # not the attribute: for a session that would ask the database
        if isinstance(who, Principal):
            request.caller = Caller(agency=str(who.agency), client=who.client)  # type: ignore[attr-defined]
        return response

    return respond
