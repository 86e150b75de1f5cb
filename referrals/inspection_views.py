"""What auditors and coordinators are offered: who was shown what. Metadata only."""

from typing import TypedDict
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import pagination, queries
from api_schema.answers import answer
from api_schema.validation import ReferenceField
from audit.receipts import signed
from audit.trails import Question
from referrals import inspection
from referrals import inspection_contract as contract
from referrals.inspection import Case, Trail
from referrals.inspection_serializers import OUTCOMES, SearchBodySerializer, as_of_body, entry_body, step_body

PAGE = ("limit", "cursor")
FILTERS = ("referral", "subject", "agency", "staff", "action", "basis", "outcome", "since", "until", *PAGE)


class Entries(APIView):
    """The ledger, for auditors."""

    permission_classes = [IsPrincipal]

    @contract.list_entries
    def get(self, request: Request) -> Response:
        queries.only(request, FILTERS)
        question = Question(
            referral=queries.uuid(request, "referral"),
            subject=queries.uuid(request, "subject"),
            agency=queries.uuid(request, "agency"),
            staff=queries.text(request, "staff"),
            action=queries.text(request, "action"),
            basis=queries.text(request, "basis"),
            outcome=queries.one_of(request, "outcome", OUTCOMES, ""),
            since=queries.time(request, "since"),
            until=queries.time(request, "until"),
        )
        by = principal_of(request)
        trail = inspection.inspect(
            question,
            case_of(request),
            by=by,
            purpose=purpose_of(request, by),
            **_page(request),
        )
        return _inspected(trail)


class EntrySearch(APIView):
    """The same question as a body, for what does not belong in an address."""

    permission_classes = [IsPrincipal]

    @contract.search_entries
    def post(self, request: Request) -> Response:
        body = SearchBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = dict(body.validated_data)
        case = Case(number=asked.pop("case_number", ""), reason=asked.pop("reason", ""))
        size, cursor = asked.pop("limit"), asked.pop("cursor", "")
        by = principal_of(request)
        purpose = purpose_of(request, by)
        trail = inspection.inspect(Question(**asked), case, by=by, purpose=purpose, size=size, cursor=cursor)
        return _inspected(trail)


class Disclosures(APIView):
    """Who was shown this referral."""

    permission_classes = [IsPrincipal]

    @contract.list_disclosures
    def get(self, request: Request, referral_id: UUID) -> Response:
        queries.only(request, PAGE)
        by = principal_of(request)
        trail = inspection.disclosures_of(
            referral_id, case_of(request), by=by, purpose=purpose_of(request, by), **_page(request)
        )
        return _told(trail)


class Timeline(APIView):
    """The steps that a referral has taken."""

    permission_classes = [IsPrincipal]

    @contract.read_timeline
    def get(self, request: Request, referral_id: UUID) -> Response:
        queries.only(request, PAGE)
        by = principal_of(request)
        trail = inspection.timeline(referral_id, by=by, purpose=purpose_of(request, by), **_page(request))
        return answer(
            pagination.listed([step_body(entry, untold=trail.untold) for entry in trail.entries], trail.next),
            receipt=signed(trail.receipt),
        )


class Asked(TypedDict):
    """Which page is asked for."""

    size: int
    cursor: str


def _page(request: Request) -> Asked:
    return Asked(size=pagination.page_size(request), cursor=request.query_params.get("cursor", ""))


def case_of(request: Request) -> Case:
    """Return the case that an auditor names in the headers. Raises DRF's ValidationError for a number that is none."""
    field = ReferenceField()
    number = request.headers.get("Audit-Case", "")
    return Case(number=field.run_validation(number) if number else "", reason=request.headers.get("Audit-Reason", ""))


def _inspected(trail: Trail) -> Response:
    bodies = [
        entry_body(entry, whole=trail.whole, reader=trail.reader) | {"as_of": as_of_body(trail.as_of.get(entry.id))}
        for entry in trail.entries
    ]
    return answer(pagination.listed(bodies, trail.next), receipt=signed(trail.receipt))


def _told(trail: Trail) -> Response:
    bodies = [entry_body(entry, whole=trail.whole, reader=trail.reader) for entry in trail.entries]
    return answer(pagination.listed(bodies, trail.next), receipt=signed(trail.receipt))
