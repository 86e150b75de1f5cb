"""What the HTTP contract offers to happen to a consent: give, refuse, withdraw, renew, invalidate."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import Principal, principal_of
from api_schema import headers
from consent import contract, following
from consent.serializers import (
    AnswerBodySerializer,
    GiveBodySerializer,
    InvalidateBodySerializer,
    RenewBodySerializer,
    WithdrawBodySerializer,
)
from consent.views import shown


class Give(APIView):
    """The person says yes to what they were asked for."""

    permission_classes = [IsPrincipal]

    @contract.give_consent
    def post(self, request: Request, consent_id: UUID) -> Response:
        by, asked = _asked(request)
        body = GiveBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return shown(following.give_consent(consent_id, body.answer(), by=by, **asked))


class Refuse(APIView):
    """The person says no to what they were asked for."""

    permission_classes = [IsPrincipal]

    @contract.refuse_consent
    def post(self, request: Request, consent_id: UUID) -> Response:
        by, asked = _asked(request)
        body = AnswerBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return shown(following.refuse_consent(consent_id, body.answer(), by=by, **asked))


class Withdraw(APIView):
    """The person withdraws, through either agency; or another revokes."""

    permission_classes = [IsPrincipal]

    @contract.withdraw_consent
    def post(self, request: Request, consent_id: UUID) -> Response:
        by, asked = _asked(request)
        body = WithdrawBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        who = body.validated_data["by"]
        return shown(following.withdraw_consent(consent_id, body.answer(), who=who, by=by, **asked))


class Renew(APIView):
    """The person renews: a new event, never an edit."""

    permission_classes = [IsPrincipal]

    @contract.renew_consent
    def post(self, request: Request, consent_id: UUID) -> Response:
        by, asked = _asked(request)
        body = RenewBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return shown(following.renew_consent(consent_id, body.answer(), by=by, **asked))


class Invalidate(APIView):
    """The agency that recorded the consent finds that it does not count."""

    permission_classes = [IsPrincipal]

    @contract.invalidate_consent
    def post(self, request: Request, consent_id: UUID) -> Response:
        by, asked = _asked(request)
        body = InvalidateBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        return shown(following.invalidate_consent(consent_id, reason=reason, by=by, **asked))


def _asked(request: Request) -> tuple[Principal, dict[str, Any]]:
    """Return who asks, and what every change says besides its body: the version that was seen, and what for."""
    by = principal_of(request)
    return by, {"seen": headers.seen_version(request), "purpose": purpose_of(request, by)}
