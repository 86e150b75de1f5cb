"""How the committed contract describes consents."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from api_schema.describe import (
    CHANGES,
    CREATES,
    PERSONAL,
    THE_ID,
    THE_VERSION,
    VERSIONED,
    leads_to,
    needing,
    one_of,
    operation,
)
from consent.listing import STATES
from consent.serializers import (
    KINDS,
    AnswerBodySerializer,
    ConsentBodySerializer,
    GiveBodySerializer,
    InvalidateBodySerializer,
    RenewBodySerializer,
    WithdrawBodySerializer,
)
from consent.shown import ConsentPageSerializer, ConsentSerializer, NoticePageSerializer

TAG = "Consents"
CONSENT_ID = "019a9e6d-31c2-7f7e-8a3b-6f2b8a0c5d11"
AGENCY_ID = "019a9e6c-6f7e-7a53-9d0f-3d5a6f0f1a01"
BODY = {
    "subject": "019a9e6d-2b1a-7c11-9a3e-1b2c3d4e5f60",
    "kind": "CONFIDENTIALITY_WAIVER",
    "recipients": [AGENCY_ID],
    "purposes": ["exit_support"],
    "categories": ["contact", "reason", "needs"],
    "given_at": "2026-11-02T09:30:00Z",
    "method": "written",
    "report_back": True,
}
SENDER_ID = "019a9e6c-6f7e-7a53-9d0f-3d5a6f0f1b02"
SUMMARY = {
    "id": CONSENT_ID,
    "version": 1,
    "subject": BODY["subject"],
    "kind": "CONFIDENTIALITY_WAIVER",
    "state": "given",
    "expires_at": "2027-11-02T09:30:00Z",
    "recipients": [AGENCY_ID],
    "registered_by": SENDER_ID,
    "registered_at": "2026-11-02T09:41:07Z",
}
CONSENT: dict[str, Any] = {
    **SUMMARY,
    "as_of": "2026-11-03T08:00:00Z",
    "purposes": ["exit_support"],
    "categories": ["contact", "needs", "reason"],
    "special_category": True,
    "report_back": True,
    "given_by": "subject",
    "maturity_assessed": False,
    "maturity_assessment": None,
    "permitted_uses": ["contact_person"],
    "forbidden_uses": ["investigation"],
    "notice": {
        "version": "2026-11",
        "language": "da",
        "hash": "a3f42fa679a96502487b2a114c61303f09da1e1d4001edf1d4753ce827eaccc9",
    },
    "schema_version": "https://w3id.org/dpv/schema/dpv-27560#record",
    "controllers": [SENDER_ID, AGENCY_ID],
    "storage_location": "DK",
    "retention": "disposal_rule",
    "jurisdiction": "DK",
    "withdrawal_method": "either_agency",
    "rights": ["A7-3", "A13", "A14", "A15", "A16", "A17", "A18", "A21", "A77"],
    "lawful_basis": ["A6-1-e-official-authority"],
    "parties": [
        {"role": "subject", "id": BODY["subject"], "name": None, "contact": None},
        {
            "role": "recipient",
            "id": AGENCY_ID,
            "name": {"da": "Exit-Comeback", "en": "Exit-Comeback"},
            "contact": None,
        },
    ],
    "events": [
        {
            "number": 1,
            "kind": "given",
            "at": "2026-11-02T09:30:00Z",
            "registered_at": "2026-11-02T09:41:07Z",
            "registered_late": False,
            "expires_at": "2027-11-02T09:30:00Z",
            "entity": "subject",
            "method": "written",
            "witness": "kk-sb-1",
            "evidence_hash": "",
            "reason": "",
            "registered_by": SENDER_ID,
        }
    ],
}
REQUESTED = {**CONSENT, "state": "requested", "expires_at": None}
NOTICE = {
    "version": "2026-11",
    "language": "en",
    "title": "Consent to share information about you",
    "text": "Consent to share information about you\n\nWhat you say yes to\n…",
    "hash": "3dfbc188c59f566d7e2be7eb78ccecfeb0b05ff0031444f4d7ba6494ded6b80c",
    "valid_from": "2026-11-01",
    "legal_review": "pending",
}
RECEIPT = {
    "@context": {"dpv": "https://w3id.org/dpv#", "dct": "http://purl.org/dc/terms/"},
    "@id": "urn:uuid:019a9e70-11aa-7bbb-8ccc-0123456789ab",
    "@type": "dpv:ConsentReceipt",
    "dct:identifier": "019a9e70-11aa-7bbb-8ccc-0123456789ab",
    "dpv:hasRecordOfActivity": {"@id": f"urn:uuid:{CONSENT_ID}", "@type": "dpv:ConsentRecord"},
}
RECEIPT_TEXT = "Receipt for your consent\n========================\n\nHow it is now\n-------------\nYou said yes.\n"

ON_IT = {
    **leads_to("read_consent", "read_consent_receipt", consent_id=THE_ID),
    **leads_to(
        *(f"{kind}_consent" for kind in ("give", "refuse", "withdraw", "renew", "invalidate")),
        consent_id=THE_ID,
        If_Match=THE_VERSION,
    ),
}
"""What a consent's answer leads to."""

list_consents = operation(
    "list_consents",
    "List the consents that concern the agency",
    description="Those it recorded, and those that something sent to it or by it rests or rested on; newest first.",
    tag=TAG,
    response=ConsentPageSerializer,
    got={"results": [SUMMARY], "next": None},
    traits=[PERSONAL],
    queries=[
        ("subject", "Only of this person."),
        ("state", "Only in this state now, such as `requested` or `expired`.", one_of(STATES)),
        ("kind", "Only of this kind; see /code-lists/consent-kinds.", one_of(KINDS)),
        ("limit", "1-200, 50 unless given."),
        ("cursor", "`next` of the page before."),
    ],
)
list_notices = operation(
    "list_consent_notices",
    "List the texts that tell a person what they consent to",
    description="Each version, in Danish and English, with its hash. Newest first. A version never changes.",
    tag=TAG,
    response=NoticePageSerializer,
    got={"results": [NOTICE], "next": None},
)
record_consent = operation(
    "record_consent",
    "Record what a person consented to, refused, or was asked",
    description="A `requested` consent is answered by /give or /refuse.",
    tag=TAG,
    request=ConsentBodySerializer,
    response=ConsentSerializer,
    status=201,
    sent=BODY,
    got=CONSENT,
    traits=[PERSONAL, CREATES, VERSIONED],
    links=ON_IT,
    problems=["consent-not-valid", "key-destroyed"],
)
read_consent = operation(
    "read_consent",
    "Read a consent",
    description="Its state is computed from its events: now, or as it was known at an instant.",
    tag=TAG,
    response=ConsentSerializer,
    got=CONSENT,
    traits=[PERSONAL, VERSIONED],
    links=ON_IT,
    queries=[("at", "RFC 3339. What was registered later is left out.")],
)


def read_receipt(method: Callable[..., Any]) -> Any:
    """Describe a receipt, which comes in two media types; otherwise as `describe.operation` does."""
    described = extend_schema(
        operation_id="read_consent_receipt",
        summary="Read the receipt of a consent",
        description="For the person: JSON-LD in the terms of W3C DPV, after ISO/IEC TS 27560; or, with "
        "`Accept: text/plain`, plain words in Danish or English. Reading it is a disclosure.",
        tags=[TAG],
        responses={
            (200, "application/ld+json"): OpenApiResponse(OpenApiTypes.OBJECT, description="As asked."),
            (200, "text/plain"): OpenApiResponse(OpenApiTypes.STR, description="As asked."),
        },
        examples=[
            OpenApiExample("Linked data", value=RECEIPT, response_only=True, media_type="application/ld+json"),
            OpenApiExample("Text", value=RECEIPT_TEXT, response_only=True, media_type="text/plain"),
        ],
        extensions={"x-traits": [PERSONAL, VERSIONED], "x-problems": [], "x-operation": "read_consent_receipt"},
    )
    return needing("read_consent_receipt", described(method))


give_consent = operation(
    "give_consent",
    "Record that the person said yes to what they were asked",
    tag=TAG,
    request=GiveBodySerializer,
    response=ConsentSerializer,
    sent={"method": "digital"},
    got={**CONSENT, "version": 2},
    traits=[PERSONAL, CHANGES],
    problems=["consent-move-not-allowed", "consent-not-valid", "key-destroyed"],
)
refuse_consent = operation(
    "refuse_consent",
    "Record that the person said no to what they were asked",
    tag=TAG,
    request=AnswerBodySerializer,
    response=ConsentSerializer,
    sent={"method": "oral"},
    got={**REQUESTED, "version": 2, "state": "refused"},
    traits=[PERSONAL, CHANGES],
    problems=["consent-move-not-allowed", "consent-not-valid", "key-destroyed"],
)
withdraw_consent = operation(
    "withdraw_consent",
    "Record that the person withdrew, or that another revoked",
    description="Through either agency. From the answer on, no read shows what rested on the consent.",
    tag=TAG,
    request=WithdrawBodySerializer,
    response=ConsentSerializer,
    sent={"method": "oral"},
    got={**CONSENT, "version": 2, "state": "withdrawn", "expires_at": None},
    traits=[PERSONAL, CHANGES],
    problems=["consent-ended", "consent-move-not-allowed", "consent-not-valid", "key-destroyed"],
)
renew_consent = operation(
    "renew_consent",
    "Record that the person renewed",
    description="The period counts from `renewed_at`, which lies between what happened to the consent last and now.",
    tag=TAG,
    request=RenewBodySerializer,
    response=ConsentSerializer,
    sent={"method": "written"},
    got={**CONSENT, "version": 2, "state": "renewed"},
    traits=[PERSONAL, CHANGES],
    problems=["consent-ended", "consent-move-not-allowed", "consent-not-valid", "key-destroyed"],
)
invalidate_consent = operation(
    "invalidate_consent",
    "Record that a consent does not count",
    description="By the agency that recorded it. It ends; what was disclosed on it stays in the ledger.",
    tag=TAG,
    request=InvalidateBodySerializer,
    response=ConsentSerializer,
    sent={"reason": "recorded_in_error"},
    got={**CONSENT, "version": 2, "state": "invalidated", "expires_at": None},
    traits=[PERSONAL, CHANGES],
    problems=["consent-ended", "consent-move-not-allowed"],
)
