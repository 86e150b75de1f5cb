"""
The scopes there are: what a token is good for, by resource and verb. Words for the contract and the token endpoint.

A resource's own name is the union of its verbs: `referrals` is `referrals:read` and `referrals:write`.
"""

SCOPES = {
    "referrals": "All that referrals:read and referrals:write allow",
    "referrals:read": "Read the referrals that the agency sends or receives, its tasks, persons and broken glass",
    "referrals:write": "Create and work on referrals, their files, tasks and persons; break the glass",
    "consents": "All that consents:read and consents:write allow",
    "consents:read": "Read consents and their receipts",
    "consents:write": "Record consents, and what follows",
    "audit": "All that audit:read and audit:write allow",
    "audit:read": "Inspect the ledger, its findings and exports (auditors)",
    "audit:write": "Make evidence bundles, and review broken glass (auditors)",
    "administration": "All that administration:read and administration:write allow",
    "administration:read": "Read the claims that an agency is self-governing, and its duty contact (administrators)",
    "administration:write": "Claim, approve and withdraw that an agency is self-governing, and set its duty contact "
    "(administrators)",
    "events": "All that events:read allows",
    "events:read": "Follow the feed of events",
    "notifications": "All that notifications:read and notifications:write allow",
    "notifications:read": "See the addresses that events are sent to, and their deliveries",
    "notifications:write": "Change the addresses that events are sent to, and have events sent again",
}
VERBS = ("read", "write")


def holds(granted: frozenset[str], needed: str) -> bool:
    """Say whether scopes that were granted hold the one that is needed: itself, or its resource's own name."""
    return needed in granted or needed.partition(":")[0] in granted


def grantable(registered: list[str]) -> list[str]:
    """Return what a client that is registered with these scopes may ask for: them, and each verb of a resource."""
    parts = [f"{resource}:{verb}" for resource in registered if ":" not in resource for verb in VERBS]
    return [*registered, *(part for part in parts if part in SCOPES and part not in registered)]
