"""How the committed contract describes the directory and the code lists."""

from rest_framework import serializers

from agencies.models import LISTED_KINDS
from agencies.serializers import AgencySerializer, CodeSerializer
from api_schema.describe import one_of, operation

TAG = "Directory"
AGENCY = {
    "id": "019a9e6c-6f7e-7a53-9d0f-3d5a6f0f1a01",
    "kind": "exit_centre",
    "code": "exit-comeback",
    "name": {"da": "Exit-Comeback", "en": "Exit-Comeback"},
    "offers": ["individual_counselling", "outreach"],
    "capacity": {"state": "available", "updated_at": "2026-11-02T08:00:00Z"},
}
CODE = {
    "code": "no_capacity",
    "scope": "reject",
    "label": {"da": "Ingen ledig plads", "en": "No capacity"},
    "attributes": {"sides": ["recipient"], "comment_required": False},
    "valid_from": "2026-01-01",
    "valid_to": None,
}


class AgencyPage(serializers.Serializer[None]):
    results = AgencySerializer(many=True)
    next = serializers.CharField(allow_null=True)


class CodePage(serializers.Serializer[None]):
    results = CodeSerializer(many=True)
    next = serializers.CharField(allow_null=True)


list_agencies = operation(
    "list_agencies",
    "List the agencies that take part",
    tag=TAG,
    response=AgencyPage,
    got={"results": [AGENCY], "next": None},
    queries=[
        ("kind", "Only this kind, such as `exit_centre`.", one_of([kind for kind, _ in LISTED_KINDS])),
        ("code", "Only this code, such as `0101`."),
        ("limit", "1-200, 50 unless given."),
        ("cursor", "`next` of the page before."),
    ],
)
read_agency = operation("read_agency", "Read one agency", tag=TAG, response=AgencySerializer, got=AGENCY)
read_code_list = operation(
    "read_code_list",
    "Read a code list",
    description="Lists: statuses, moves, reasons, legal-bases, categories, purposes, channels, urgencies, "
    "deadlines, outcomes, milieus, consent-kinds, uses, invalidations, task-results, disposal-rules, "
    "break-glass-reasons, abuse-patterns. Codes never change; a lapsed one is followed by another.",
    tag=TAG,
    response=CodePage,
    got={"results": [CODE], "next": None},
)
