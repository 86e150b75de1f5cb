"""
From a browser's session to a `Principal`: a person who signed in at the provider, acting as themselves.

A session that began with a password opens the administration and never the API. Changes need the CSRF token.
"""

from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request

from agencies.errors import OnBehalfOfUnknown
from agencies.models import Membership
from agencies.oidc import BACKEND
from agencies.permissions import needs_of
from agencies.principals import Principal
from api_schema.problems import Malformed
from api_schema.scopes import SCOPES
from api_schema.words import Words
from audit import log
from audit.facts import Actor, Subject

RESOURCES = frozenset(scope for scope in SCOPES if ":" not in scope)
NO_TOKEN = Words(
    "Send csrftoken-cookiens værdi i headeren X-CSRFToken.",
    "Send the csrftoken cookie's value in the X-CSRFToken header.",
)


def principal_of_session(request: Request) -> Principal | None:
    """
    Return the person whose session a request comes with, or None where it comes with none that opens the API.

    Whoever is a member of several agencies says as whom by `On-Behalf-Of`, with a staff id of their own. Raises
    `OnBehalfOfUnknown`, recorded, where that names nobody or several, and `Malformed` where a change has no CSRF token.
    """
    wrapped: Any = request._request
    user = getattr(wrapped, "user", None)
    if user is None or not user.is_authenticated or wrapped.session.get(BACKEND_SESSION_KEY) != BACKEND:
        return None
    check = CSRFCheck(_nothing)
    check.process_request(wrapped)
    if check.process_view(wrapped, _nothing, (), {}):
        raise Malformed(NO_TOKEN)
    memberships = Membership.objects.select_related("agency", "role_group").filter(
        user_id=user.pk, active=True, agency__active=True
    )
    if "On-Behalf-Of" in request.headers:
        memberships = memberships.filter(staff_id=request.headers["On-Behalf-Of"].replace("\x00", ""))
    found = list(memberships[:2])
    if len(found) != 1:
        refusal, by = OnBehalfOfUnknown(), Actor(client=f"browser:{user.pk}", user=str(user.pk))
        log.deny("authenticate", by=by, about=Subject("agencies.user", str(user.pk)), refusal=refusal)
        raise refusal
    member = found[0]
    return Principal(
        agency=member.agency_id,
        kind=member.agency.kind,
        client=f"browser:{user.pk}",
        scopes=RESOURCES,
        needs=needs_of(request),
        self_governing=member.agency.self_governing_approved,
        user=user.pk,
        membership=member.id,
        staff_id=member.staff_id,
        role=member.role,
        group=member.role_group.group_id,
    )


def _nothing(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's view
    return HttpResponse()
