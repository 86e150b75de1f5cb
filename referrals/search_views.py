"""What the HTTP contract offers for finding a referral again. What is searched for stands in the body alone."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import pagination, queries
from api_schema.answers import answer
from audit.receipts import signed
from referrals import search, search_contract
from referrals.search_serializers import ReferralSearchSerializer
from referrals.serializers import summary_body


class ReferralSearch(APIView):
    """The referrals that are found by one criterion, as a list."""

    permission_classes = [IsPrincipal]

    @search_contract.search_referrals
    def post(self, request: Request) -> Response:
        queries.only(request, ())
        body = ReferralSearchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by = principal_of(request)
        page = search.search_referrals(body.sought(), to=by, purpose=purpose_of(request, by))
        return answer(
            pagination.listed([summary_body(row) for row in page.rows], page.next), receipt=signed(page.receipt)
        )
