"""The directory of agencies and the code lists: what an integrator looks up. Open to any token; nothing personal."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies import contract, directory
from agencies.models import LISTED_KINDS
from agencies.permissions import IsPrincipal
from agencies.serializers import agency_body, code_body
from api_schema import pagination, queries
from api_schema.problems import NotFound


class Agencies(APIView):
    """Every agency that takes part."""

    permission_classes = [IsPrincipal]

    @contract.list_agencies
    def get(self, request: Request) -> Response:
        queries.only(request, ("kind", "code", "limit", "cursor"))
        size = pagination.page_size(request)
        kind = queries.one_of(request, "kind", [kind for kind, _ in LISTED_KINDS], "")
        code = queries.text(request, "code")
        bound_to = f"agencies:{kind}:{code}"
        cursor = request.query_params.get("cursor", "")
        after = UUID(pagination.decode(cursor, bound_to=bound_to)[0]) if cursor else None
        found = directory.agencies(kind=kind, code=code, after=after, limit=size + 1)
        shown, more = pagination.page(found, size=size, position=lambda agency: (str(agency.id),), bound_to=bound_to)
        return Response(pagination.listed([agency_body(agency) for agency in shown], more))


class OneAgency(APIView):
    """One agency."""

    permission_classes = [IsPrincipal]

    @contract.read_agency
    def get(self, request: Request, agency_id: UUID) -> Response:
        agency = directory.active_agency(agency_id)
        if agency is None:
            raise NotFound
        return Response(agency_body(agency))


class CodeList(APIView):
    """One code list, as it is today and as it will be."""

    permission_classes = [IsPrincipal]

    @contract.read_code_list
    def get(self, request: Request, name: str) -> Response:
        items = directory.code_list(name)
        if not items:
            raise NotFound
        return Response(pagination.listed([code_body(item) for item in items], None))
