"""How the committed contract describes a person's insight: each operation with its words and examples."""

from typing import Any

from drf_spectacular.types import OpenApiTypes

from api_schema.describe import CREATES, PERSONAL, one_of, operation
from referrals.contract import COMEBACK, MUNICIPALITY, REFERRAL_ID, SECTIONS
from referrals.insight_serializers import (
    AccessReportSerializer,
    SubjectSerializer,
    WithholdBodySerializer,
    WithholdingPage,
    WithholdingSerializer,
)

TAG = "Insight"
SUBJECT_ID = "019a9e6d-2b1a-7c11-9a3e-1b2c3d4e5f60"
CONSENT_ID = "019a9e6d-31c2-7f7e-8a3b-6f2b8a0c5d11"
SENDER = {"id": MUNICIPALITY["id"], "kind": "municipality", "name": MUNICIPALITY["name"]}
RECIPIENT = {"id": COMEBACK["id"], "kind": "exit_centre", "name": COMEBACK["name"]}
WAIVER = {"code": "SAMTYKKE-TAVSHED", "words": "Consent that lifts the duty of confidentiality", "version": 1}
SUPPORT = {"code": "exit_support", "words": "Help to leave the milieu"}
NAMED = [{"code": "reason", "words": "Reason"}, {"code": "needs", "words": "Needs"}]
GROUND = {
    "code": "rhl_16",
    "words": "Your interest in the information gives way to the tasks of the police or to the rights of others.",
    "statute": "Retshåndhævelsesloven § 16",
}
PERSON: dict[str, Any] = {
    "id": SUBJECT_ID,
    "mode": "pseudonymous",
    "birth_year": None,
    "formerly": None,
    "registered_at": "2026-11-02T09:41:07Z",
    "erased_at": None,
}
GROUP = {
    "agency": RECIPIENT,
    "purpose": SUPPORT,
    "times": 1,
    "categories": NAMED,
    "first_at": "2026-11-02T10:02:13.481920Z",
    "last_at": "2026-11-02T10:02:13.481920Z",
}
REPORT: dict[str, Any] = {
    "made_at": "2026-11-20T08:00:00Z",
    "controller": SENDER,
    "basis": {"code": "ART15", "words": "Access by the data subject", "version": 1},
    "subject": PERSON,
    "referrals": [
        {
            "id": REFERRAL_ID,
            "status": {"code": "in_progress", "words": "In progress"},
            "sender": SENDER,
            "recipient": RECIPIENT,
            "recipient_withheld": None,
            "responsible": RECIPIENT,
            "purpose": SUPPORT,
            "basis": WAIVER,
            "consent": CONSENT_ID,
            "channel": {"code": "municipality", "words": "Municipality"},
            "urgency": {"code": "soon", "words": "Soon"},
            "reason": None,
            "external_reference": "KK-2026-00417",
            "created_at": "2026-11-02T09:41:07Z",
            "submitted_at": "2026-11-02T09:41:07Z",
            "updated_at": "2026-11-05T12:00:00Z",
            "content": "shown",
            "content_words": "The content is shown here.",
            "sections": SECTIONS,
            "amendments": [],
            "messages": [],
            "files": [],
            "withheld": ["outcome"],
        }
    ],
    "consents": [
        {
            "id": CONSENT_ID,
            "kind": {"code": "CONFIDENTIALITY_WAIVER", "words": "Waiver of confidentiality towards named recipients"},
            "state": {"code": "given", "words": "Given"},
            "expires_at": "2027-11-02T09:30:00Z",
            "recipients": [RECIPIENT],
            "purposes": [SUPPORT],
            "categories": NAMED,
            "report_back": True,
            "given_by": "subject",
            "registered_by": SENDER,
            "registered_at": "2026-11-02T09:41:07Z",
            "events": [
                {
                    "number": 1,
                    "kind": "given",
                    "at": "2026-11-02T09:30:00Z",
                    "registered_at": "2026-11-02T09:41:07Z",
                    "registered_late": False,
                    "expires_at": "2027-11-02T09:30:00Z",
                }
            ],
        }
    ],
    "recipients": [{**GROUP, "basis": WAIVER}],
    "seen_by": {
        "by_agency_and_purpose": [GROUP],
        "entries": [
            {
                "at": "2026-11-02T10:02:13.481920Z",
                "agency": RECIPIENT,
                "action": {"code": "referral.disclose", "words": "Read the referral"},
                "purpose": SUPPORT,
                "categories": NAMED,
                "basis": WAIVER,
                "referrals": [REFERRAL_ID],
            }
        ],
        "notes": ["Attempts to see data that were refused showed nothing and are not listed."],
    },
    "withheld": [{"withheld": True, "ground": GROUND, "review_by": "2027-03-01"}],
    "about": {
        "law": "This report is made under article 15 of the General Data Protection Regulation.",
        "rights": ["You can ask to have wrong data corrected."],
        "complaint": "You can complain to Datatilsynet, the Danish data protection agency.",
        "sources": "The content of the referrals was written by the agency itself.",
        "retention": "What a public authority holds is deleted only under a disposal rule.",
        "automated_decisions": "No automated decisions are made about you, and no profile is made.",
    },
}
STATEMENT = {"agency": COMEBACK["id"], "ground": "rhl_16", "review_by": "2027-03-01"}
WITHHOLDING = {
    "id": "019a9e6f-0c55-7d31-8f4c-5a0e6f1d2c3b",
    "agency": COMEBACK["id"],
    "ground": GROUND,
    "review_by": "2027-03-01",
    "stated_at": "2026-11-20T07:55:00Z",
    "stated_by": "kk-ko-1",
    "lapsed": False,
}
ACCESS = "`Purpose: subject_access` alone; another is 403 and recorded. "

read_subject = operation(
    "read_subject",
    "Read how your agency registered a person",
    description="For the agency that registered the person; to anyone else there is no such person. No content.",
    tag=TAG,
    response=SubjectSerializer,
    got={
        **PERSON,
        "referrals": [{"id": REFERRAL_ID, "status": "in_progress"}],
        "consents": [{"id": CONSENT_ID, "state": "given"}],
    },
    traits=[PERSONAL],
)
read_access_report = operation(
    "read_access_report",
    "Make a person's access report",
    description=(
        "Data, consents, recipients, and who saw what, by agency and purpose (GDPR art. 15). With `Accept: "
        "application/pdf` an accessible PDF (PDF/UA-1) in Danish, to hand to the person. " + ACCESS + "Staff are not "
        "named; `staff=own` names your own agency's, and that is recorded. Looks that are withheld are left out and "
        "told as withheld, with ground and date of review. One call is one entry in the ledger, on the basis `ART15`."
    ),
    tag=TAG,
    response=AccessReportSerializer,
    files={"application/pdf": OpenApiTypes.BINARY},
    got=REPORT,
    traits=[PERSONAL],
    queries=[("staff", "`masked` (the default), or `own`: name your own agency's staff.", one_of(("masked", "own")))],
    problems=["not-acceptable"],
)
withhold = operation(
    "withhold_from_access",
    "State that an agency's looks are left out of a person's access report",
    description=(
        "For a coordinator of the agency that registered the person. The newest statement about an agency stands, "
        "until its `review_by`; from the day after, it withholds nothing. " + ACCESS
    ),
    tag=TAG,
    request=WithholdBodySerializer,
    response=WithholdingSerializer,
    status=201,
    sent=STATEMENT,
    got=WITHHOLDING,
    traits=[PERSONAL, CREATES],
    problems=["unknown-reference"],
)
list_withholdings = operation(
    "list_withholdings",
    "List what is withheld from a person's access report",
    description="For a coordinator of the agency that registered the person; newest first. " + ACCESS,
    tag=TAG,
    response=WithholdingPage,
    got={"results": [WITHHOLDING], "next": None},
    traits=[PERSONAL],
    queries=[("limit", "1-200, 50 unless given."), ("cursor", "Where to go on: the last page's `next`.")],
)
