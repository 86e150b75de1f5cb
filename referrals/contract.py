"""How the committed contract describes referrals and their steps: each operation with its words and examples."""

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from api_schema.describe import (
    CHANGES,
    CREATES,
    PERSONAL,
    THE_ID,
    THE_VERSION,
    VERSIONED,
    Query,
    leads_to,
    one_of,
    operation,
    some_of,
)
from referrals.bodies import (
    MOVE_BODIES,
    AmendSerializer,
    MessageBodySerializer,
    ReferralBodySerializer,
    ReferralChangeSerializer,
)
from referrals.lifecycle import Move
from referrals.serializers import (
    STATUSES,
    AmendmentSerializer,
    MessageSerializer,
    ReferralSerializer,
    SummarySerializer,
)

TAG, STEPS = "Referrals", "Steps"
REFERRAL_ID = "019a9e6d-2b1a-7c11-9a3e-1b2c3d4e5f61"
MUNICIPALITY = {"id": "019a9e6c-6f7e-7a53-9d0f-3d5a6f0f1b02", "code": "0101", "name": "København"}
COMEBACK = {"id": "019a9e6c-6f7e-7a53-9d0f-3d5a6f0f1a01", "code": "exit-comeback", "name": "Exit-Comeback"}
SECTIONS = {
    "reason": {"summary": "Ønsker hjælp til at komme ud af et miljø.", "subject_aware": "yes"},
    "contact": {"methods": [{"channel": "phone", "hours": "hverdage 10-14"}]},
    "needs": {"codes": ["housing", "new_network"]},
}
BODY = {
    "recipient": COMEBACK["id"],
    "external_reference": "KK-2026-00417",
    "urgency": "soon",
    "subject": {"mode": "pseudonymous"},
    "basis": {
        "code": "SAMTYKKE-TAVSHED",
        "consent": {
            "kind": "CONFIDENTIALITY_WAIVER",
            "recipients": [COMEBACK["id"]],
            "purposes": ["exit_support"],
            "categories": ["contact", "reason", "needs"],
            "given_at": "2026-11-02T09:30:00Z",
            "method": "written",
            "report_back": True,
        },
    },
    "sections": SECTIONS,
    "submit": True,
}
SUMMARY: dict[str, Any] = {
    "id": REFERRAL_ID,
    "version": 2,
    "status": "submitted",
    "sender": MUNICIPALITY,
    "recipient": COMEBACK,
    "responsible": MUNICIPALITY,
    "urgency": "soon",
    "escalated": False,
    "deadlines": {
        "acknowledge_by": "2026-11-03T09:41:07Z",
        "decide_by": "2026-11-05T09:41:07Z",
        "review_by": None,
        "paused_since": None,
    },
    "created_at": "2026-11-02T09:41:07Z",
    "updated_at": "2026-11-02T09:41:07Z",
    "submitted_at": "2026-11-02T09:41:07Z",
    "allowed_actions": ["receive", "request_info", "reject", "redirect"],
    "not_for_investigation": True,
}
REFERRAL = {
    **SUMMARY,
    "subject": {"id": "019a9e6d-2b1a-7c11-9a3e-1b2c3d4e5f60", "mode": "pseudonymous"},
    "parent": None,
    "channel": "municipality",
    "purpose": "exit_support",
    "reason": "",
    "basis": {"code": "SAMTYKKE-TAVSHED", "version": 1, "consent_id": "019a9e6d-31c2-7f7e-8a3b-6f2b8a0c5d11"},
    "sections": SECTIONS,
    "messages": [],
    "break_glass": [],
    "withheld": ["identity", "background", "concern", "health", "criminal", "safety", "network"],
}


class SummaryPage(serializers.Serializer[None]):
    results = SummarySerializer(many=True)
    next = serializers.CharField(allow_null=True)


class BatchBody(serializers.Serializer[None]):
    items = ReferralBodySerializer(many=True)


class BatchReferral(serializers.Serializer[None]):
    id = serializers.UUIDField()
    status = serializers.CharField()
    version = serializers.IntegerField()


class BatchResult(serializers.Serializer[None]):
    index = serializers.IntegerField()
    status = serializers.IntegerField(help_text="As HTTP would say it: 201, 200 for a replay, 409, 422.")
    referral = BatchReferral(required=False)
    problem = serializers.DictField(required=False)


class BatchAnswer(serializers.Serializer[None]):
    results = BatchResult(many=True)


class MessagePage(serializers.Serializer[None]):
    results = MessageSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class AmendmentPage(serializers.Serializer[None]):
    results = AmendmentSerializer(many=True)
    next = serializers.CharField(allow_null=True)


MESSAGE = {
    "category": "contact",
    "kind": "request_info",
    "reason": "contact_unclear",
    "text": "Hvornår er det sikkert at ringe?",
    "from": COMEBACK["id"],
    "at": "2026-11-02T10:15:00Z",
}
SENDING = (
    *("external-reference-taken", "unknown-reference", "not-complete", "not-covered"),
    *("consent-not-valid", "key-destroyed"),
)
STEPPING = (
    *("move-not-allowed", "reason-not-valid", "unknown-reference", "not-complete", "not-covered"),
    *("consent-not-valid", "key-destroyed"),
)
"""What refuses a draft, and what refuses a move, besides what refuses anything."""

PAGE_QUERIES: list[Query] = [("limit", "1-200, 50 unless given."), ("cursor", "`next` of the page before.")]
LIST_QUERIES: list[Query] = [
    ("role", "`received` (the agency's inbox, unless given) or `sent`.", one_of(("received", "sent"))),
    ("status", "Only these statuses, comma-separated.", some_of(STATUSES)),
    ("assigned_to", "`me`, or your agency's own id of a member of staff."),
    ("updated_since", "Changed at or after this time."),
    ("due_before", "With a deadline that runs now, to acknowledge, decide, answer or review, before this time."),
    ("external_reference", "Your own reference; with `role=sent`."),
    *PAGE_QUERIES,
]
SEEN = {"referral_id": THE_ID, "If_Match": THE_VERSION}
ON_IT = leads_to(
    *("read_referral", "read_timeline", "list_messages", "list_amendments", "list_attachments", "list_disclosures"),
    *("attach_file", "mark_endangered"),
    referral_id=THE_ID,
)
NEXT = leads_to(*(f"{move.value}_referral" for move in MOVE_BODIES), "send_message", "amend_referral", **SEEN)
OF_IT = {
    **leads_to("read_consent", "read_consent_receipt", consent_id="$response.body#/basis/consent_id"),
    **leads_to("read_subject", "read_access_report", subject_id="$response.body#/subject/id"),
}
"""What a referral's answer leads to: what is read on it, the moves on the version that was seen, consent and person."""

list_referrals = operation(
    "list_referrals",
    "List the referrals your agency received or sent",
    description="Summaries, newest first, without a personal section. The page is one entry naming each id shown.",
    tag=TAG,
    response=SummaryPage,
    got={"results": [SUMMARY], "next": None},
    traits=[PERSONAL],
    queries=LIST_QUERIES,
    links=leads_to("read_referral", referral_id="$response.body#/results/0/id"),
)
create_referral = operation(
    "create_referral",
    "Create a referral, as a draft or submitted",
    tag=TAG,
    request=ReferralBodySerializer,
    response=ReferralSerializer,
    status=201,
    sent=BODY,
    got=REFERRAL,
    traits=[PERSONAL, CREATES, VERSIONED],
    problems=SENDING,
    links={**ON_IT, **NEXT, **OF_IT, **leads_to("edit_referral", **SEEN)},
)
create_batch = operation(
    "create_batch",
    "Create up to 500 referrals, each accepted or refused on its own",
    description="Send the same request with the same key again to complete one that was cut off.",
    tag=TAG,
    request=BatchBody,
    response=BatchAnswer,
    sent={"items": [BODY]},
    got={
        "results": [{"index": 0, "status": 201, "referral": {"id": REFERRAL_ID, "status": "submitted", "version": 2}}]
    },
    traits=[PERSONAL, CREATES],
)
read_referral = operation(
    "read_referral",
    "Read a referral",
    description="A disclosure: recorded first, then shown. `withheld` names what you may not see now.",
    tag=TAG,
    response=ReferralSerializer,
    got=REFERRAL,
    traits=[PERSONAL, VERSIONED],
    links={**ON_IT, **NEXT, **OF_IT},
)
edit_referral = operation(
    "edit_referral",
    "Edit a draft",
    description="What is left out stays; a section set to null is taken out.",
    tag=TAG,
    request=ReferralChangeSerializer,
    response=ReferralSerializer,
    sent={"urgency": "acute", "sections": {"needs": None}},
    got=REFERRAL,
    traits=[PERSONAL, CHANGES],
    problems=["only-drafts-change", *SENDING],
)
send_message = operation(
    "send_message",
    "Ask for more information, answer, or decline",
    description="An open request pauses the clock. Declining has no consequence.",
    tag=TAG,
    request=MessageBodySerializer,
    response=ReferralSerializer,
    sent={"kind": "information_request", "reason": "contact_unclear", "categories": ["contact"]},
    got={**REFERRAL, "status": "info_requested"},
    traits=[PERSONAL, CHANGES],
    problems=STEPPING,
)
list_messages = operation(
    "list_messages",
    "Read the questions and answers of a referral",
    description="A disclosure: what is shown is recorded, and only what basis and consent carry now is shown.",
    tag=TAG,
    response=MessagePage,
    got={"results": [MESSAGE], "next": None},
    traits=[PERSONAL],
)
amend_referral = operation(
    "amend_referral",
    "Amend what was submitted",
    description="New content in the place of sections. The old stays, and both sides see old, new and reason.",
    tag=TAG,
    request=AmendSerializer,
    response=ReferralSerializer,
    sent={"sections": {"needs": {"codes": ["work"]}}, "reason": "corrected"},
    got=REFERRAL,
    traits=[PERSONAL, CHANGES],
    problems=STEPPING,
)
list_amendments = operation(
    "list_amendments",
    "Read what was amended, with old, new and reason",
    tag=TAG,
    response=AmendmentPage,
    got={
        "results": [
            {
                "category": "needs",
                "old": {"codes": ["housing", "new_network"]},
                "new": {"codes": ["work"]},
                "reason": "corrected",
                "from": MUNICIPALITY["id"],
                "at": "2026-11-03T08:12:00Z",
            }
        ],
        "next": None,
    },
    traits=[PERSONAL],
)
MOVE_WORDS: dict[Move, tuple[str, dict[str, Any], str]] = {
    Move.SUBMIT: ("Submit a draft to its recipient", {}, "submitted"),
    Move.RECEIVE: ("Acknowledge a referral", {}, "received"),
    Move.ACCEPT: ("Accept a referral, and take over the responsibility", {}, "accepted"),
    Move.REJECT: ("Reject a referral for a coded reason", {"reason": "no_capacity"}, "rejected"),
    Move.REDIRECT: (
        "Redirect: a linked draft to another agency, which needs a basis of its own",
        {"reason": "better_match_elsewhere", "recipient": COMEBACK["id"]},
        "redirected",
    ),
    Move.WITHDRAW: ("Withdraw a referral that is not yet accepted", {"reason": "subject_changed_mind"}, "withdrawn"),
    Move.START: ("Start the work", {}, "in_progress"),
    Move.HOLD: (
        "Let the work rest",
        {"reason": "subject_temporarily_away", "review_by": "2026-12-01T08:00:00Z"},
        "on_hold",
    ),
    Move.RESUME: ("Resume the work, or go on with another basis after a consent ended", {}, "in_progress"),
    Move.COMPLETE: ("Complete the work", {"reason": "goals_reached", "outcome": "out_of_milieu"}, "completed"),
    Move.CLOSE: ("Close without having completed", {"reason": "subject_disengaged"}, "closed_unsuccessful"),
    Move.SCREEN: (
        "Tell what the police found before others join in",
        {"result": "cleared"},
        "received",
    ),
    Move.ASSIGN: (
        "Assign to counsellors, instead of those it was assigned to",
        {"assignees": ["cb-ra-1"]},
        "received",
    ),
    Move.MARK_IN_ERROR: (
        "Mark as made in error: its content is sealed",
        {"reason": "wrong_person"},
        "entered_in_error",
    ),
}


def step(move: Move, body: Any) -> Callable[[Any], Any]:
    """Return the decorator that describes one move."""
    words, sent, status = MOVE_WORDS[move]
    return operation(
        f"{move.value}_referral",
        words,
        tag=STEPS,
        request=body,
        response=ReferralSerializer,
        sent=sent,
        got={**REFERRAL, "status": status, "version": 3},
        traits=[PERSONAL, CHANGES],
        problems=STEPPING,
        links={**leads_to("read_referral", referral_id=THE_ID), **NEXT},
    )
