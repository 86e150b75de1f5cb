"""How the committed contract describes consents."""

from api_schema.describe import CHANGES, CREATES, PERSONAL, VERSIONED, operation
from consent.serializers import ConsentBodySerializer, ConsentSerializer, RenewBodySerializer, WithdrawBodySerializer

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
CONSENT = {
    "id": CONSENT_ID,
    "version": 1,
    "subject": BODY["subject"],
    "kind": "CONFIDENTIALITY_WAIVER",
    "state": "given",
    "expires_at": "2027-11-02T09:30:00Z",
    "recipients": [AGENCY_ID],
    "purposes": ["exit_support"],
    "categories": ["contact", "needs", "reason"],
    "report_back": True,
    "given_by": "subject",
    "maturity_assessed": False,
    "notice": {"version": "2026-11", "language": "da", "hash": ""},
    "registered_by": "019a9e6c-6f7e-7a53-9d0f-3d5a6f0f1b02",
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

record_consent = operation(
    "record_consent",
    "Record a consent that a person gave",
    tag=TAG,
    request=ConsentBodySerializer,
    response=ConsentSerializer,
    status=201,
    sent=BODY,
    got=CONSENT,
    traits=[PERSONAL, CREATES, VERSIONED],
)
read_consent = operation(
    "read_consent", "Read a consent", tag=TAG, response=ConsentSerializer, got=CONSENT, traits=[PERSONAL, VERSIONED]
)
withdraw_consent = operation(
    "withdraw_consent",
    "Record that the person withdrew",
    description="Through either agency. From the answer on, no read shows what rested on the consent.",
    tag=TAG,
    request=WithdrawBodySerializer,
    response=ConsentSerializer,
    sent={"method": "oral"},
    got={**CONSENT, "version": 2, "state": "withdrawn", "expires_at": None},
    traits=[PERSONAL, CHANGES],
)
renew_consent = operation(
    "renew_consent",
    "Record that the person renewed",
    tag=TAG,
    request=RenewBodySerializer,
    response=ConsentSerializer,
    sent={"method": "written"},
    got={**CONSENT, "version": 2, "state": "renewed"},
    traits=[PERSONAL, CHANGES],
)
