"""
What a trait of an operation adds to its description: headers that are sent and answered, and problems.

`describe` names the traits, `hooks` writes them out; a problem that no trait brings, an operation names itself.
"""

from collections.abc import Collection, Iterable
from typing import Any

from api_schema import describe


def header(name: str, description: str, example: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    """Return a header parameter of a request."""
    return {
        "in": "header",
        "name": name,
        "description": description,
        "required": required,
        "schema": {"type": "string", **schema},
        "example": example,
    }


LANGUAGE = header("Accept-Language", "`da` or `en`, for messages and labels.", "en")
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    describe.PERSONAL: [
        header(
            "On-Behalf-Of",
            "Your agency's own id of the person you act for.",
            "kk-sb-1",
            required=True,
            pattern=r"^[\w.@-]{1,64}$",
            maxLength=64,
        ),
        header(
            "Purpose",
            "What for; see /code-lists/purposes. May be left out where the role has one.",
            "exit_support",
            maxLength=64,
        ),
    ],
    describe.CREATES: [
        header(
            "Idempotency-Key",
            "New for each thing you create.",
            "5f0e1c6e-8a55-4f0e-9d8e-0a6c2b9d7f10",
            required=True,
            pattern=r"^[\x21-\x7e]{1,128}$",
            maxLength=128,
        )
    ],
    describe.CHANGES: [
        header(
            "If-Match",
            "The ETag of the version you saw.",
            '"3"',
            required=True,
            pattern=r'^(W/)?"[0-9]{1,9}"$',
            maxLength=13,
        )
    ],
    describe.AUDITS: [
        header(
            "Audit-Case", "The case number that the look belongs to; this or Audit-Reason.", "2026-0042", maxLength=64
        ),
        header("Audit-Reason", "A code for a look without a case number.", "routine_inspection", maxLength=64),
    ],
}
CODES_OF_HEADERS = {"Purpose": "Purpose", "Audit-Reason": "AuditReason"}
"""Headers that are one of a set of codes, and the set's name among the schemas."""

PROBLEMS_OF_A_BODY = ("invalid", "too-large", "unsupported-media-type")
"""What any request with a body can be answered with."""

PROBLEMS: dict[str, tuple[str, ...]] = {
    "": (
        *("malformed", "unauthenticated", "on-behalf-of-unknown", "not-found", "not-acceptable"),
        *("too-many-requests", "internal", "unavailable"),
    ),
    describe.PERSONAL: (
        *("scope-missing", "role-may-not", "on-behalf-of-required"),
        *("purpose-missing", "purpose-forbidden", "purpose-not-allowed"),
    ),
    describe.CREATES: ("idempotency-key-reused", *PROBLEMS_OF_A_BODY),
    describe.CHANGES: ("stale-version", "if-match-required", *PROBLEMS_OF_A_BODY),
    describe.AUDITS: ("audit-case-needed", "invalid"),
}
ANSWERED: dict[str, dict[str, str]] = {
    "": {
        "Request-Id": "The request's id, for talking to operations about it.",
        "RateLimit": "What is left of this minute's requests, and when it begins anew.",
        "RateLimit-Policy": "How many requests a minute a client has.",
    },
    describe.PERSONAL: {"Receipt": "Signed promise that the ledger includes this act (compact JWS, RFC 7515)."},
    describe.CREATES: {"Idempotency-Replayed": "`true` where an earlier request with the same key made it."},
    describe.CHANGES: {"ETag": "The version, for If-Match."},
    describe.DEPRECATED: {
        "Deprecation": "Since when the operation is deprecated (RFC 9745).",
        "Sunset": "When the operation ends, where that is decided (RFC 8594).",
        "Link": "Where its deprecation is told of.",
    },
    describe.VERSIONED: {"ETag": "The version, for If-Match."},
}
ANSWERED_WITH_A_PROBLEM: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "How to authenticate (RFC 6750 section 3)."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}
"""What a problem of this status is answered with besides what every answer has."""

TAGS = {
    "Tokens": "Getting an access token.",
    "Directory": "The agencies that take part, and the code lists.",
    "Referrals": "Referrals: drafts, what is read, questions and amendments.",
    "Steps": "The moves of a referral's life, one address each.",
    "Attachments": "Files on a referral.",
    "Consents": "What a person consented to, and what became of it.",
    "Insight": "A person's own insight: what is registered, and who saw it.",
    "Tasks": "What an agency has to do, and the notification about an endangered minor.",
    "Break-glass": "Access in acute danger, and its review.",
    "Events": "Learning that something changed: the feed, webhooks, and their deliveries.",
    "Ledger": "Who did what, for those who inspect it.",
    "Log": "The ledger's hashes, proofs and keys.",
    "Self-governing institutions": "Claims that an agency is self-governing, and their approval.",
}
PLACES = {
    "agency_id": "The agency's id.",
    "attachment_id": "The file's id.",
    "claim_id": "The claim's id.",
    "consent_id": "The consent's id.",
    "delivery_id": "The delivery's id.",
    "endpoint_id": "The endpoint's id.",
    "export_id": "The export's id.",
    "glass_id": "The broken glass's id.",
    "name": "The list's name, such as `reasons`.",
    "referral_id": "The referral's id.",
    "subject_id": "The person's id, `subject.id` of a referral.",
    "task_id": "The task's id.",
    "tile": "Level, index and width of the tile.",
}
"""What the placeholders of the addresses stand for."""


def headers(*traits: str) -> dict[str, Any]:
    """Return the headers that an operation with these traits answers with, each a reference to where it is told."""
    return written({name: text for trait in traits for name, text in ANSWERED.get(trait, {}).items()})


def written(names: Iterable[str]) -> dict[str, Any]:
    """Return references to what `documented_headers` tells of these headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(names)}


def documented_headers(used: Collection[str]) -> dict[str, Any]:
    """Return the headers of these names as OpenAPI headers."""
    told = {
        name: text for each in (*ANSWERED.values(), *ANSWERED_WITH_A_PROBLEM.values()) for name, text in each.items()
    }
    return {
        name: {"description": text, "schema": {"type": "string"}} for name, text in sorted(told.items()) if name in used
    }
