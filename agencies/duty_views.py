"""What administrators are offered: whom the exchange tells that something waits for their agency."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies import duty, duty_contract
from agencies.acting import purpose_of
from agencies.duty_serializers import DutyContactBodySerializer, contact_body
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import headers
from api_schema.answers import answer
from audit.receipts import signed


class DutyContact(APIView):
    """The mailbox of one agency's duty contact."""

    permission_classes = [IsPrincipal]

    @duty_contract.read_duty_contact
    def get(self, request: Request, agency_id: UUID) -> Response:
        by = principal_of(request)
        return _shown(duty.read_contact(agency_id, by=by, purpose=purpose_of(request, by)))

    @duty_contract.set_duty_contact
    def put(self, request: Request, agency_id: UUID) -> Response:
        by = principal_of(request)
        seen = headers.seen_version(request)
        body = DutyContactBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        email = body.validated_data["email"]
        return _shown(duty.set_contact(agency_id, email, by=by, purpose=purpose_of(request, by), seen=seen))


def _shown(contact: duty.Contact) -> Response:
    return answer(contact_body(contact), receipt=signed(contact.receipt), version=contact.version)
