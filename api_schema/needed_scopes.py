"""
Which scope each operation needs: the whole table, by the operation's name in the contract.

An operation that is not in it answers nobody. Where several are named, who asks decides which of them counts: an
auditor's `audit:read` opens what a coordinator's `referrals:read` does. What every token may ask is said to be so.
"""

from api_schema.scopes import SCOPES

ANY_TOKEN: tuple[str, ...] = ()
"""Nothing personal: the directory, code lists, wordings, and the log's own hashes."""

NEEDED: dict[str, tuple[str, ...]] = {
    # the directory and the log's hashes
    "list_agencies": ANY_TOKEN,
    "read_agency": ANY_TOKEN,
    "read_code_list": ANY_TOKEN,
    "list_consent_notices": ANY_TOKEN,
    "read_checkpoint": ANY_TOKEN,
    "read_tile": ANY_TOKEN,
    "prove_inclusion": ANY_TOKEN,
    "prove_consistency": ANY_TOKEN,
    "read_keys": ANY_TOKEN,
    # referrals
    "list_referrals": ("referrals:read",),
    "search_referrals": ("referrals:read",),
    "read_referral": ("referrals:read",),
    "read_timeline": ("referrals:read",),
    "list_disclosures": ("referrals:read", "audit:read"),
    "list_messages": ("referrals:read",),
    "list_amendments": ("referrals:read",),
    "list_attachments": ("referrals:read",),
    "read_attachment": ("referrals:read",),
    "fetch_attachment": ("referrals:read",),
    "create_referral": ("referrals:write",),
    "create_batch": ("referrals:write",),
    "edit_referral": ("referrals:write",),
    "amend_referral": ("referrals:write",),
    "send_message": ("referrals:write",),
    "attach_file": ("referrals:write",),
    "mark_endangered": ("referrals:write",),
    "submit_referral": ("referrals:write",),
    "receive_referral": ("referrals:write",),
    "accept_referral": ("referrals:write",),
    "reject_referral": ("referrals:write",),
    "redirect_referral": ("referrals:write",),
    "withdraw_referral": ("referrals:write",),
    "screen_referral": ("referrals:write",),
    "start_referral": ("referrals:write",),
    "hold_referral": ("referrals:write",),
    "resume_referral": ("referrals:write",),
    "complete_referral": ("referrals:write",),
    "close_referral": ("referrals:write",),
    "assign_referral": ("referrals:write",),
    "mark_in_error_referral": ("referrals:write",),
    # tasks, persons and broken glass
    "list_tasks": ("referrals:read",),
    "read_task": ("referrals:read",),
    "finish_task": ("referrals:write",),
    "read_subject": ("referrals:read",),
    "read_access_report": ("referrals:read",),
    "list_withholdings": ("referrals:read",),
    "withhold_from_access": ("referrals:write",),
    "open_break_glass": ("referrals:write",),
    "list_break_glass": ("referrals:read", "audit:read"),
    "read_break_glass": ("referrals:read", "audit:read"),
    "review_break_glass": ("referrals:write", "audit:write"),
    # consents
    "list_consents": ("consents:read",),
    "read_consent": ("consents:read",),
    "read_consent_receipt": ("consents:read",),
    "record_consent": ("consents:write",),
    "give_consent": ("consents:write",),
    "refuse_consent": ("consents:write",),
    "withdraw_consent": ("consents:write",),
    "renew_consent": ("consents:write",),
    "invalidate_consent": ("consents:write",),
    # audit
    "list_entries": ("audit:read",),
    "search_entries": ("audit:read",),
    "list_findings": ("audit:read",),
    "search_findings": ("audit:read",),
    "list_exports": ("audit:read",),
    "read_export": ("audit:read",),
    "fetch_bundle": ("audit:read",),
    "create_export": ("audit:write",),
    # events
    "list_events": ("events:read",),
    "list_endpoints": ("notifications:read",),
    "read_endpoint": ("notifications:read",),
    "list_deliveries": ("notifications:read",),
    "register_endpoint": ("notifications:write",),
    "remove_endpoint": ("notifications:write",),
    "rotate_endpoint_secret": ("notifications:write",),
    "enable_endpoint": ("notifications:write",),
    "try_endpoint": ("notifications:write",),
    "replay_endpoint_since": ("notifications:write",),
    "replay_delivery": ("notifications:write",),
    # administration
    "read_duty_contact": ("administration:read",),
    "set_duty_contact": ("administration:write",),
    "list_self_governing_claims": ("administration:read",),
    "make_self_governing_claim": ("administration:write",),
    "approve_self_governing_claim": ("administration:write",),
    "withdraw_self_governing_claim": ("administration:write",),
}


def alternatives(needed: tuple[str, ...]) -> list[str]:
    """Return every scope that opens an operation: those it needs, and the names of their resources."""
    resources = [scope.partition(":")[0] for scope in needed]
    return [*needed, *(resource for resource in resources if resource in SCOPES)]
