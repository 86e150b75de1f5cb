"""How the committed contract describes broken glass and its review."""

from typing import Any

from rest_framework import serializers

from api_schema.describe import (
    AUDITS,
    CHANGES,
    CREATES,
    PERSONAL,
    THE_ID,
    THE_VERSION,
    VERSIONED,
    leads_to,
    one_of,
    operation,
)
from referrals.break_glass_serializers import (
    STATES,
    BreakGlassBodySerializer,
    GlassSerializer,
    GlassSummarySerializer,
    ReviewSerializer,
)
from referrals.contract import COMEBACK, PAGE_QUERIES, REFERRAL_ID

TAG = "Break-glass"
EXPLANATION = "Han ringer og siger, at han vil gøre en ende på det; hans rådgiver kan ikke træffes."
BODY = {
    "referral": REFERRAL_ID,
    "reason": "danger_to_life",
    "explanation": EXPLANATION,
    "minutes": 30,
    "categories": ["contact", "safety"],
}
SUMMARY: dict[str, Any] = {
    "id": "019a9e70-11d4-7c0e-8b5f-6a7b8c9d0e1f",
    "version": 1,
    "referral": REFERRAL_ID,
    "agency": COMEBACK,
    "owner": COMEBACK,
    "staff": "cb-ra-2",
    "reason": "danger_to_life",
    "categories": ["contact", "safety"],
    "opened_at": "2026-11-14T22:41:09Z",
    "until": "2026-11-14T23:11:09Z",
    "review_by": "2026-11-17T22:41:09Z",
    "state": "open",
    "reviewed_at": None,
    "verdict": None,
}
GLASS = {**SUMMARY, "explanation": EXPLANATION}


class GlassPage(serializers.Serializer[None]):
    results = GlassSummarySerializer(many=True)
    next = serializers.CharField(allow_null=True)


open_break_glass = operation(
    "open_break_glass",
    "Break the glass on a referral",
    description="For acute and concrete danger; at most 60 minutes. Then read the referral, with the purpose "
    "`averting_danger` as here. Who answers for the referral is told at once, and another reviews it within 72 hours.",
    tag=TAG,
    request=BreakGlassBodySerializer,
    response=GlassSerializer,
    status=201,
    sent=BODY,
    got=GLASS,
    traits=[PERSONAL, CREATES, VERSIONED],
    links={
        **leads_to("read_break_glass", glass_id=THE_ID),
        **leads_to("review_break_glass", glass_id=THE_ID, If_Match=THE_VERSION),
    },
    problems=["not-covered", "reason-not-valid", "key-destroyed"],
)
list_break_glass = operation(
    "list_break_glass",
    "List the broken glass that is flagged",
    description="For coordinators of the responsible agency and of the opener's, and for auditors with a case.",
    tag=TAG,
    response=GlassPage,
    got={"results": [SUMMARY], "next": None},
    traits=[PERSONAL, AUDITS],
    queries=[
        ("state", "`open`, `unreviewed`, `overdue` or `reviewed`; the first three unless given.", one_of(STATES)),
        *PAGE_QUERIES,
    ],
)
read_break_glass = operation(
    "read_break_glass",
    "Read one broken glass",
    description="To who may list it, and to its opener. Auditors see metadata, and no explanation.",
    tag=TAG,
    response=GlassSerializer,
    got=GLASS,
    traits=[PERSONAL, VERSIONED, AUDITS],
)
review_break_glass = operation(
    "review_break_glass",
    "Review broken glass",
    description="By a coordinator of the agency that was responsible, or an auditor with a case; never by the opener. "
    "A glass that is found unjustified opens nothing any more.",
    tag=TAG,
    request=ReviewSerializer,
    response=GlassSerializer,
    sent={"verdict": "justified"},
    got={
        **GLASS,
        "version": 2,
        "state": "reviewed",
        "reviewed_at": "2026-11-15T09:02:30Z",
        "verdict": "justified",
    },
    traits=[PERSONAL, CHANGES, AUDITS],
    problems=["already-reviewed", "reviewed-by-another"],
)
