"""
From a bearer token to a `Principal`, or 401 (RFC 6750). One SQL statement, whoever asks.

The token's hash is looked up together with its client, agency and the member of staff it acts for; a token that is
unknown, expired, issued for another audience, or whose client or agency is no longer active, is nobody's; so is one
that is bound to another certificate than the request came with (RFC 8705 section 3).
"""

import hashlib
import re
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings
from django.db.models import FilteredRelation, Q
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from agencies.certificates import CertificateRefused, presented
from agencies.errors import OnBehalfOfUnknown
from agencies.permissions import needs_of
from agencies.principals import Principal
from agencies.sessions import principal_of_session
from api_schema.problems import Unauthenticated
from audit import log
from audit.facts import Subject

operations = structlog.get_logger("udvej.clients")
BEARER = re.compile(r"^Bearer ([A-Za-z0-9._~+/=-]{16,255})$", re.IGNORECASE)
STAFF_ID = re.compile(r"^[\w.@-]{1,64}$")
CLIENT = "application"
MEMBER = "member"
COLUMNS = {
    "resource": "resource",
    "scope": "scope",
    "bound_to": "binding__thumbprint",
    "certificate_bound": f"{CLIENT}__certificate_bound",
    "client": f"{CLIENT}__client_id",
    "agency": f"{CLIENT}__agency_id",
    "kind": f"{CLIENT}__agency__kind",
    "self_governing": f"{CLIENT}__agency__self_governing_approved",
    "membership": f"{MEMBER}__id",
    "user": f"{MEMBER}__user_id",
    "user_active": f"{MEMBER}__user__is_active",
    "staff_id": f"{MEMBER}__staff_id",
    "role": f"{MEMBER}__role",
    "group": f"{MEMBER}__role_group__group_id",
}


class BearerAuthentication(BaseAuthentication):
    """DRF's authentication class of every API view."""

    def authenticate(self, request: Request) -> tuple[Principal, str] | None:
        """
        Return the principal and the token's kind, or a person's session, or None where neither was sent.

        Raises `Unauthenticated` for a token that is nobody's, and `OnBehalfOfUnknown`, recorded, where the person named
        is not an active member of the token's own agency.
        """
        header = request.headers.get("Authorization", "")
        if not header:
            person = principal_of_session(request)
            return None if person is None else (person, "session")
        match = BEARER.match(header)
        row = _row(match.group(1), request.headers.get("On-Behalf-Of", "")) if match else None
        if row is None or row["resource"] != [settings.API_AUDIENCE]:
            raise Unauthenticated
        if not _holds_the_certificate(row, request):
            raise Unauthenticated
        principal = replace(_principal(row), needs=needs_of(request))
        if "On-Behalf-Of" in request.headers and principal.membership is None:
            refusal = OnBehalfOfUnknown()
            log.deny("authenticate", by=principal.actor, about=Subject("agency", principal.agency), refusal=refusal)
            raise refusal
        return principal, "bearer"

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of RFC 6750 section 3."""
        return 'Bearer realm="udvej"'


def _holds_the_certificate(row: dict[str, Any], request: Request) -> bool:
    """Say whether a bound token comes with its certificate, and an unbound one is a client's that may have those."""
    try:
        certificate = presented(request.META)
    except CertificateRefused as refused:
        operations.warning("certificate_refused", client=row["client"], reason=refused.reason)
        return False
    if row["bound_to"] is None:
        return not row["certificate_bound"]
    return bool(row["bound_to"] == certificate)


def _row(token: str, staff_id: str) -> dict[str, Any] | None:
    of_client = f"{CLIENT}__agency__memberships"
    named = staff_id if STAFF_ID.match(staff_id) else ""
    tokens = get_access_token_model().objects.annotate(
        member=FilteredRelation(
            of_client,
            condition=Q(**{f"{of_client}__staff_id": named, f"{of_client}__active": True}),
        )
    )
    found: dict[str, Any] | None = (
        tokens.filter(
            token_checksum=hashlib.sha256(token.encode()).hexdigest(),
            expires__gt=timezone.now(),
            application__active=True,
            application__agency__active=True,
        )
        .values(*COLUMNS.values())
        .first()
    )
    return found and {name: found[column] for name, column in COLUMNS.items()}


def _principal(row: dict[str, Any]) -> Principal:
    of_client = Principal(
        agency=row["agency"],
        kind=row["kind"],
        client=row["client"],
        scopes=frozenset(row["scope"].split()),
        self_governing=row["self_governing"],
    )
    if not row["user_active"]:
        return of_client
    return replace(
        of_client,
        user=row["user"],
        membership=row["membership"],
        staff_id=row["staff_id"],
        role=row["role"],
        group=row["group"],
    )
