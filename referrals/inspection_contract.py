"""How the committed contract describes a referral's course, who was shown it, and the ledger."""

from api_schema.describe import AUDITS, PERSONAL, one_of, operation
from referrals.contract import COMEBACK, MUNICIPALITY, PAGE_QUERIES, REFERRAL_ID, TAG
from referrals.inspection_serializers import EntryPage, InspectedPage, SearchBodySerializer, TimelinePage

LEDGER = "Ledger"
ENTRY = {
    "id": "019a9e6e-0c55-7d31-8f4c-5a0e6f1d2c3b",
    "at": "2026-11-02T10:02:13.481920Z",
    "action": "referral.disclose",
    "outcome": "done",
    "refusal": None,
    "actor": {"agency": COMEBACK["id"], "client": "comeback-demo", "role": "counsellor"},
    "on_behalf_of": "cb-ra-1",
    "subject": {"kind": "referral", "id": REFERRAL_ID},
    "purpose": "exit_support",
    "basis": {"code": "SAMTYKKE-TAVSHED", "version": 1},
    "consent": "019a9e6d-31c2-7f7e-8a3b-6f2b8a0c5d11",
    "categories": ["status", "contact", "reason", "needs"],
    "result_ids": [],
    "request_id": "b7a2c9a4-3a52-4b0e-8f7f-0a1b2c3d4e5f",
    "leaf_hash": "9f2c0d6a4be1f7c3a1b08d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a",
}
INSPECTED = {**ENTRY, "as_of": {"consent": "given", "assigned": True, "assigned_to_actor": True}}
ENTRY_QUERIES = [
    ("referral", "About this referral, or showing it."),
    ("subject", "About this person, their referrals or their consents, or showing one of these."),
    ("agency", "By this agency."),
    ("staff", "On behalf of this member of staff."),
    ("action", "Such as `referral.disclose`."),
    ("basis", "On this legal basis."),
    ("outcome", "`done` or `refused`.", one_of(("done", "refused"))),
    ("since", "At or after this time."),
    ("until", "Before this time."),
    *PAGE_QUERIES,
]

read_timeline = operation(
    "read_timeline",
    "Read the steps a referral has taken",
    description="To either side, newest first. Each step has its signed receipt.",
    tag=TAG,
    queries=PAGE_QUERIES,
    response=TimelinePage,
    got={
        "results": [
            {
                "at": "2026-11-02T09:41:07.120000Z",
                "move": "submit",
                "agency": MUNICIPALITY["id"],
                "reason": None,
                "receipt": "eyJhbGciOiJFZDI1NTE5In0.e30.c2lnbmF0dXJl",
            }
        ],
        "next": None,
    },
    traits=[PERSONAL],
)
list_disclosures = operation(
    "list_disclosures",
    "List who was shown a referral",
    description="For the parties' coordinators, and for auditors with a case.",
    tag=LEDGER,
    queries=PAGE_QUERIES,
    response=EntryPage,
    got={"results": [ENTRY], "next": None},
    traits=[PERSONAL, AUDITS],
)
list_entries = operation(
    "list_entries",
    "Inspect the ledger",
    description="For auditors. Looking is itself recorded, and needs a case number or a reason.",
    tag=LEDGER,
    response=InspectedPage,
    got={"results": [INSPECTED], "next": None},
    traits=[PERSONAL, AUDITS],
    queries=ENTRY_QUERIES,
)
search_entries = operation(
    "search_entries",
    "Inspect the ledger, the question in the body",
    tag=LEDGER,
    request=SearchBodySerializer,
    response=InspectedPage,
    sent={"case_number": "2026-0042", "referral": REFERRAL_ID},
    got={"results": [INSPECTED], "next": None},
    traits=[PERSONAL],
    problems=["audit-case-needed", "invalid", "too-large", "unsupported-media-type"],
)
