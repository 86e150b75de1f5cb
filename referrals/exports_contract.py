"""How the committed contract describes evidence bundles."""

from drf_spectacular.types import OpenApiTypes

from api_schema.describe import CREATES, PERSONAL, THE_ID, leads_to, operation
from referrals.contract import PAGE_QUERIES, REFERRAL_ID
from referrals.exports_serializers import ExportBodySerializer, ExportPage, ExportSerializer
from referrals.inspection_contract import LEDGER

ID = "019a9e6e-7c11-7b0a-9d41-3f2b8a0c5d22"
EXPORT = {
    "id": ID,
    "made_at": "2026-11-02T10:30:00.120000Z",
    "on_behalf_of": "ti-au-1",
    "case_number": "2026-0042",
    "reason": None,
    "question": {"referral": REFERRAL_ID},
    "entries": 17,
    "size": 20852163,
    "remembered_size": 20852014,
    "bundle": f"/api/v1/audit/exports/{ID}/bundle",
}

create_export = operation(
    "create_export",
    "Take evidence out of the ledger",
    description="What a question finds, as a bundle that verifies without us. Entries that no checkpoint covers yet, "
    "those of the last second or so, are left out. An agency's own auditor gets its own agency's acts.",
    tag=LEDGER,
    status=201,
    request=ExportBodySerializer,
    response=ExportSerializer,
    sent={"case_number": "2026-0042", "referral": REFERRAL_ID, "remembered_size": 20852014},
    got=EXPORT,
    traits=[PERSONAL, CREATES],
    links=leads_to("read_export", "fetch_bundle", export_id=THE_ID),
    problems=["audit-case-needed", "export-too-large", "idempotency-key-reused", "no-checkpoint"],
)
list_exports = operation(
    "list_exports",
    "List what your agency took out of the ledger",
    tag=LEDGER,
    queries=PAGE_QUERIES,
    response=ExportPage,
    got={"results": [EXPORT], "next": None},
    traits=[PERSONAL],
)
read_export = operation(
    "read_export",
    "Read what an export is",
    tag=LEDGER,
    response=ExportSerializer,
    got=EXPORT,
    traits=[PERSONAL],
)
fetch_bundle = operation(
    "fetch_bundle",
    "Fetch an export's evidence bundle",
    description="A ZIP file; its README says how to check it. Each time it is fetched is recorded.",
    tag=LEDGER,
    response=OpenApiTypes.BINARY,
    got="the bytes",
    media_types=["application/zip"],
    traits=[PERSONAL],
)
