"""What the HTTP contract offers for consents."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import headers
from api_schema.answers import answer
from audit.canonical import jcs
from audit.hashing import keyed
from audit.receipts import signed
from consent import actions, contract
from consent.serializers import ConsentBodySerializer, RenewBodySerializer, WithdrawBodySerializer, consent_body


class Consents(APIView):
    """The collection: record a consent."""

    permission_classes = [IsPrincipal]

    @contract.record_consent
    def post(self, request: Request) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = ConsentBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        told = actions.record_consent(
            body.given(),
            subject_id=body.validated_data["subject"],
            by=by,
            purpose=purpose_of(request, by),
            key=key,
            body_hash=keyed("idempotent-body", jcs(request.data)),
        )
        return _shown(told, status=201)


class OneConsent(APIView):
    """One consent."""

    permission_classes = [IsPrincipal]

    @contract.read_consent
    def get(self, request: Request, consent_id: UUID) -> Response:
        by = principal_of(request)
        return _shown(actions.read_consent(consent_id, by=by, purpose=purpose_of(request, by)))


class Withdraw(APIView):
    """The person withdraws, through either agency."""

    permission_classes = [IsPrincipal]

    @contract.withdraw_consent
    def post(self, request: Request, consent_id: UUID) -> Response:
        by = principal_of(request)
        seen = headers.seen_version(request)
        body = WithdrawBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        told = actions.withdraw_consent(
            consent_id, by=by, purpose=purpose_of(request, by), seen=seen, method=body.validated_data["method"]
        )
        return _shown(told)


class Renew(APIView):
    """The person renews: a new event, never an edit."""

    permission_classes = [IsPrincipal]

    @contract.renew_consent
    def post(self, request: Request, consent_id: UUID) -> Response:
        by = principal_of(request)
        seen = headers.seen_version(request)
        body = RenewBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        told = actions.renew_consent(
            consent_id, by=by, purpose=purpose_of(request, by), seen=seen, **{"expires_at": None, **body.validated_data}
        )
        return _shown(told)


def _shown(told: actions.Told, *, status: int = 200) -> Response:
    return answer(
        consent_body(told),
        receipt=signed(told.receipt),
        status=status,
        version=told.consent.version,
        replayed=told.replayed,
        location=f"/api/v1/consents/{told.consent.id}" if status == 201 else "",  # noqa: PLR2004
    )
