"""How the committed contract describes the search for referrals."""

from api_schema.describe import PERSONAL, operation
from referrals.contract import SUMMARY, TAG, SummaryPage
from referrals.search_serializers import ReferralSearchSerializer

search_referrals = operation(
    "search_referrals",
    "Search by reference, external reference or identifier",
    description="Inside what you may see now; answers as the list does. Exactly one criterion: it is in the body so "
    "that it is in no address, and in the ledger as a keyed hash. `external_reference` finds what you sent yourself. "
    "An identifier finds the persons you registered, and what you received while you may read their identity.",
    tag=TAG,
    request=ReferralSearchSerializer,
    response=SummaryPage,
    sent={"identifier": {"cpr": "610190-1234"}, "limit": 50},
    got={"results": [SUMMARY], "next": None},
    traits=[PERSONAL],
    problems=["invalid", "too-large", "unsupported-media-type"],
)
