"""How the committed contract describes findings."""

from api_schema.describe import AUDITS, PERSONAL, one_of, operation
from referrals.contract import COMEBACK, PAGE_QUERIES, REFERRAL_ID
from referrals.findings_serializers import FindingPage, FindingsBodySerializer
from referrals.inspection_contract import ENTRY, LEDGER
from referrals.patterns.catalogue import CODES

FINDING = {
    "pattern": "A01",
    "severity": "high",
    "agency": COMEBACK["id"],
    "staff": "cb-ra-2",
    "subject": {"kind": "referral", "id": REFERRAL_ID},
    "count": 1,
    "first_at": "2026-11-02T10:02:13.481920Z",
    "last_at": "2026-11-02T10:02:13.481920Z",
    "evidence": {"entries": [{"id": ENTRY["id"], "leaf_hash": ENTRY["leaf_hash"]}], "total": 1},
}
PAGE = {
    "results": [FINDING],
    "next": None,
    "period": {"since": "2026-10-05T00:00:00Z", "until": "2026-11-04T00:00:00Z"},
    "incomplete": [],
}
FINDINGS = (
    "What looks like misuse, by pattern, newest first in each: a reason to look, and no verdict. The patterns, their "
    "thresholds, and which can't be shown and why, are in `/code-lists/abuse-patterns`. The oversight body is told of "
    "everybody, an agency's auditor of its own agency. Asking is itself recorded, and needs a case number or a reason."
)

list_findings = operation(
    "list_findings",
    "List what looks like misuse",
    description=FINDINGS,
    tag=LEDGER,
    queries=[
        ("pattern", "Of this pattern, such as `A01`.", one_of(CODES)),
        ("agency", "By this agency."),
        ("since", "At or after this time; 30 days before `until` unless given."),
        ("until", "Before this time; now unless given."),
        *PAGE_QUERIES,
    ],
    response=FindingPage,
    got=PAGE,
    traits=[PERSONAL, AUDITS],
)
search_findings = operation(
    "search_findings",
    "List what looks like misuse, the question in the body",
    description=FINDINGS,
    tag=LEDGER,
    request=FindingsBodySerializer,
    response=FindingPage,
    sent={"case_number": "2026-0042", "pattern": "A01"},
    got=PAGE,
    traits=[PERSONAL],
    problems=["audit-case-needed", "invalid", "too-large", "unsupported-media-type"],
)
