"""The wire form of the ledger: an auditor's question, and an entry's metadata. Never section content."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from rest_framework import serializers

from api_schema import pagination
from api_schema.validation import CodeField, ReferenceField, StrictSerializer, TimeField
from audit.models import Entry
from audit.receipts import receipt_of, signed
from referrals import inspection
from referrals.as_of import AsOf
from referrals.deadlines import Deadline
from referrals.lifecycle import Move

OUTCOMES = ("done", "refused")


class SearchBodySerializer(StrictSerializer):
    """An auditor's question, with the case it is asked in."""

    case_number = ReferenceField(required=False)
    reason = CodeField(choices=inspection.REASONS, required=False)
    referral = serializers.UUIDField(required=False)
    subject = serializers.UUIDField(required=False)
    agency = serializers.UUIDField(required=False)
    staff = serializers.CharField(max_length=64, required=False)
    action = serializers.CharField(max_length=64, required=False)
    basis = serializers.CharField(max_length=32, required=False)
    outcome = CodeField(choices=OUTCOMES, required=False)
    since = TimeField(required=False)
    until = TimeField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=pagination.SIZE_MAX, default=pagination.SIZE)
    cursor = serializers.CharField(max_length=500, required=False)


class EntryActor(serializers.Serializer[None]):
    agency = serializers.UUIDField(allow_null=True)
    client = serializers.CharField()
    role = serializers.CharField()


class EntrySubject(serializers.Serializer[None]):
    kind = serializers.CharField()
    id = serializers.CharField()


class EntryBasis(serializers.Serializer[None]):
    code = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)


class EntrySerializer(serializers.Serializer[None]):
    """One act in the ledger: names of fields and categories, never values."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    refusal = serializers.CharField(allow_null=True)
    actor = EntryActor()
    on_behalf_of = serializers.CharField()
    subject = EntrySubject()
    purpose = serializers.CharField()
    basis = EntryBasis(allow_null=True)
    consent = serializers.UUIDField(allow_null=True)
    categories = serializers.ListField(child=serializers.CharField())
    result_ids = serializers.ListField(child=serializers.UUIDField(), help_text="For the oversight body alone.")
    request_id = serializers.CharField()
    leaf_hash = serializers.CharField(help_text="SHA-256 over 0x00 and the canonical bytes (RFC 6962), hexadecimal.")
    deadline = CodeField(
        choices=[str(deadline) for deadline in Deadline],
        required=False,
        help_text="Which deadline the exchange acted on by itself (code list `deadlines`).",
    )
    canonical = serializers.CharField(
        required=False, help_text="The bytes that are hashed (RFC 8785), as text; for the oversight body alone."
    )


class EntryAsOf(serializers.Serializer[None]):
    """What stood at the entry's time."""

    consent = serializers.CharField(
        allow_null=True, help_text="State of the consent that it rested on; null where it rested on none."
    )
    assigned = serializers.BooleanField(help_text="Whether the referral was assigned to anybody.")
    assigned_to_actor = serializers.BooleanField(
        allow_null=True, help_text="Whether to whoever acted; null where the ledger does not say."
    )


class InspectedEntrySerializer(EntrySerializer):
    """An act in the ledger as auditors see it, with what stood when it was done."""

    as_of = EntryAsOf(allow_null=True, help_text="Of an entry about a referral that the reader may know of.")


class InspectedPage(serializers.Serializer[None]):
    results = InspectedEntrySerializer(many=True)
    next = serializers.CharField(allow_null=True)


class EntryPage(serializers.Serializer[None]):
    results = EntrySerializer(many=True)
    next = serializers.CharField(allow_null=True)


class StepTaken(serializers.Serializer[None]):
    at = serializers.DateTimeField()
    move = serializers.CharField()
    agency = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    receipt = serializers.CharField()


class TimelinePage(serializers.Serializer[None]):
    results = StepTaken(many=True)
    next = serializers.CharField(allow_null=True)


def entry_body(entry: Entry, *, whole: bool, reader: UUID | None) -> dict[str, Any]:
    """Return an entry's metadata. Which other referrals a list showed is for the oversight body alone."""
    named = whole or entry.actor_agency == reader
    return {
        "id": str(entry.id),
        "at": entry.at,
        "action": entry.action,
        "outcome": entry.outcome,
        "refusal": entry.refusal or None,
        "actor": {
            "agency": str(entry.actor_agency) if entry.actor_agency else None,
            "client": entry.actor_client if named else "",
            "role": entry.role,
        },
        "on_behalf_of": entry.on_behalf_of if named else "",
        "subject": {"kind": entry.subject_kind, "id": entry.subject_id},
        "purpose": entry.purpose,
        "basis": {"code": entry.basis, "version": entry.basis_version} if entry.basis else None,
        "consent": str(entry.consent) if entry.consent else None,
        "categories": entry.categories,
        "result_ids": [str(identifier) for identifier in entry.result_ids] if whole else [],
        "request_id": entry.request_id,
        "leaf_hash": bytes(entry.leaf_hash).hex(),
        **({"deadline": entry.detail["deadline"]} if "deadline" in entry.detail else {}),
        **({"canonical": bytes(entry.canonical).decode()} if whole else {}),
    }


def as_of_body(stood: AsOf | None) -> dict[str, Any] | None:
    """Return what stood at an entry's time, or None where nothing of it is told."""
    if stood is None:
        return None
    return {"consent": stood.consent, "assigned": stood.assigned, "assigned_to_actor": stood.assigned_to_actor}


def step_body(entry: Entry, *, untold: Collection[Move]) -> dict[str, Any]:
    """
    Return one step of a timeline: the move, by which agency, and its signed receipt (rule 14).

    A stop has no reason: what the consent's entry says is why the consent ended, and is told with the consent.
    """
    own = entry.subject_kind == "referral"
    move = entry.action.removeprefix("referral.") if own else str(Move.STOP_ON_CONSENT)
    return {
        "at": entry.at,
        "move": move,
        "agency": str(entry.actor_agency) if entry.actor_agency else None,
        "reason": entry.detail.get("reason") if own and move not in untold else None,
        "receipt": signed(receipt_of(entry)),
    }
