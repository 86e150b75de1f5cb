"""What auditors are offered besides the ledger itself: what in it looks like misuse."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import pagination, queries
from api_schema.answers import answer
from audit.receipts import signed
from referrals import findings_contract as contract
from referrals.findings import Sought, find
from referrals.findings_serializers import FindingsBodySerializer, findings_body
from referrals.inspection import Case
from referrals.inspection_views import case_of
from referrals.patterns.catalogue import CODES


class Findings(APIView):
    """What looks like misuse."""

    permission_classes = [IsPrincipal]

    @contract.list_findings
    def get(self, request: Request) -> Response:
        queries.only(request, ("pattern", "agency", "since", "until", "limit", "cursor"))
        sought = Sought(
            pattern=queries.one_of(request, "pattern", CODES, ""),
            agency=queries.uuid(request, "agency"),
            since=queries.time(request, "since"),
            until=queries.time(request, "until"),
        )
        size, cursor = pagination.page_size(request), request.query_params.get("cursor", "")
        return _found(request, sought, case_of(request), size=size, cursor=cursor)


class FindingsSearch(APIView):
    """The same question as a body."""

    permission_classes = [IsPrincipal]

    @contract.search_findings
    def post(self, request: Request) -> Response:
        body = FindingsBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = dict(body.validated_data)
        case = Case(number=asked.pop("case_number", ""), reason=asked.pop("reason", ""))
        size, cursor = asked.pop("limit"), asked.pop("cursor", "")
        return _found(request, Sought(**asked), case, size=size, cursor=cursor)


def _found(request: Request, sought: Sought, case: Case, *, size: int, cursor: str) -> Response:
    by = principal_of(request)
    found = find(sought, case, by=by, purpose=purpose_of(request, by), size=size, cursor=cursor)
    return answer(findings_body(found), receipt=signed(found.receipt))
