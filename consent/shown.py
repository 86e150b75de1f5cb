"""The wire form of consents, their lists and notices, as they are shown. It shapes what was told and has no more."""

from typing import Any

from rest_framework import serializers

from api_schema.validation import CodeField
from consent.law import LATE_AFTER
from consent.listing import STATES, Page
from consent.models import Notice
from consent.serializers import ENTITIES, LANGUAGES
from consent.told import Party, Record, ToldEvent

SHOWN_STATES = (*STATES, "unknown")
PARTY_ROLES = ("subject", "custody_holder", "controller", "recipient", "authority")


class ConsentEventSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    registered_at = serializers.DateTimeField()
    registered_late = serializers.BooleanField(help_text="Registered more than 24 hours after it happened.")
    expires_at = serializers.DateTimeField(allow_null=True)
    entity = CodeField(choices=ENTITIES, help_text="Who did it.")
    method = serializers.CharField(allow_blank=True)
    witness = serializers.CharField(allow_blank=True, help_text="Shown to the agency whose staff it is.")
    evidence_hash = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    registered_by = serializers.UUIDField()


class PartySerializer(serializers.Serializer[Any]):
    """An organisation by name; a person by opaque id, a custody holder by role alone."""

    role = CodeField(choices=PARTY_ROLES)
    id = serializers.UUIDField(allow_null=True)
    name = serializers.DictField(child=serializers.CharField(), allow_null=True)
    contact = serializers.CharField(allow_null=True)


class ShownMaturitySerializer(serializers.Serializer[Any]):
    assessed_by = serializers.CharField()
    assessed_at = serializers.DateTimeField(allow_null=True)


class ConsentSummarySerializer(serializers.Serializer[Any]):
    """A consent in a list."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    subject = serializers.UUIDField()
    kind = serializers.CharField()
    state = CodeField(choices=SHOWN_STATES)
    expires_at = serializers.DateTimeField(allow_null=True)
    recipients = serializers.ListField(child=serializers.UUIDField())
    registered_by = serializers.UUIDField()
    registered_at = serializers.DateTimeField()


class ConsentSerializer(ConsentSummarySerializer):
    """A consent record as it is shown (ISO/IEC TS 27560, and the exchange's own members)."""

    as_of = serializers.DateTimeField(help_text="The instant whose state this is.")
    purposes = serializers.ListField(child=serializers.CharField())
    categories = serializers.ListField(child=serializers.CharField())
    special_category = serializers.BooleanField(help_text="Whether GDPR art. 9 protects some of it.")
    report_back = serializers.BooleanField()
    given_by = serializers.CharField()
    maturity_assessed = serializers.BooleanField()
    maturity_assessment = ShownMaturitySerializer(allow_null=True, help_text="Shown to the agency that recorded it.")
    permitted_uses = serializers.ListField(child=serializers.CharField())
    forbidden_uses = serializers.ListField(child=serializers.CharField())
    notice = serializers.DictField(child=serializers.CharField(allow_blank=True))
    schema_version = serializers.CharField()
    controllers = serializers.ListField(child=serializers.UUIDField())
    storage_location = serializers.CharField(help_text="ISO 3166-1.")
    retention = serializers.CharField()
    jurisdiction = serializers.CharField(help_text="ISO 3166-1.")
    withdrawal_method = serializers.CharField()
    rights = serializers.ListField(child=serializers.CharField(), help_text="Codes of DPV's EU-GDPR extension.")
    lawful_basis = serializers.ListField(child=serializers.CharField(), help_text="Codes of DPV's EU-GDPR extension.")
    parties = PartySerializer(many=True)
    events = ConsentEventSerializer(many=True)


class ConsentPageSerializer(serializers.Serializer[Any]):
    results = ConsentSummarySerializer(many=True)
    next = serializers.CharField(allow_null=True)


class NoticeSerializer(serializers.Serializer[Any]):
    """A text for the person, in one version and language. A version never changes."""

    version = serializers.CharField()
    language = CodeField(choices=LANGUAGES)
    title = serializers.CharField()
    text = serializers.CharField()
    hash = serializers.CharField(help_text="SHA-256 of the text's UTF-8 bytes.")
    valid_from = serializers.DateField()
    legal_review = serializers.CharField(help_text="`pending` until a lawyer has reviewed the version.")


class NoticePageSerializer(serializers.Serializer[Any]):
    results = NoticeSerializer(many=True)
    next = serializers.CharField(allow_null=True)


SAME = (
    *(
        "version",
        "kind",
        "state",
        "expires_at",
        "registered_at",
        "as_of",
        "special_category",
        "report_back",
        "given_by",
    ),
    *("maturity_assessed", "schema_version", "storage_location", "retention", "jurisdiction", "withdrawal_method"),
)
LISTS = ("purposes", "categories", "permitted_uses", "forbidden_uses", "rights", "lawful_basis")
"""The members that are on the wire as they are in the record."""


def consent_body(record: Record) -> dict[str, Any]:
    """Return a consent that was shown as its wire form."""
    maturity = record.maturity
    return {
        "id": str(record.id),
        "subject": str(record.subject),
        "registered_by": str(record.registered_by),
        "recipients": [str(recipient) for recipient in record.recipients],
        "controllers": [str(controller) for controller in record.controllers],
        **{name: getattr(record, name) for name in SAME},
        **{name: list(getattr(record, name)) for name in LISTS},
        "maturity_assessment": {"assessed_by": maturity.assessed_by, "assessed_at": maturity.assessed_at}
        if maturity
        else None,
        "notice": {
            "version": record.notice_version,
            "language": record.notice_language,
            "hash": record.notice_hash,
        },
        "parties": [_party(party) for party in record.parties],
        "events": [_event(event) for event in record.events],
    }


def page_body(page: Page) -> list[dict[str, Any]]:
    """Return the rows of a page that was shown as their wire form."""
    return [
        {
            "id": str(row.id),
            "version": row.version,
            "subject": str(row.subject),
            "kind": row.kind,
            "state": row.state,
            "expires_at": row.expires_at,
            "recipients": [str(recipient) for recipient in row.recipients],
            "registered_by": str(row.registered_by),
            "registered_at": row.registered_at,
        }
        for row in page.rows
    ]


def notice_body(notice: Notice) -> dict[str, Any]:
    """Return a notice as its wire form."""
    members = ("version", "language", "title", "text", "hash", "valid_from", "legal_review")
    return {name: getattr(notice, name) for name in members}


def _party(party: Party) -> dict[str, Any]:
    return {
        "role": party.role,
        "id": str(party.id) if party.id else None,
        "name": dict(party.name) if party.name else None,
        "contact": party.contact,
    }


def _event(event: ToldEvent) -> dict[str, Any]:
    same = (
        *("number", "kind", "at", "registered_at", "expires_at", "entity"),
        *("method", "witness", "evidence_hash", "reason"),
    )
    return {
        **{name: getattr(event, name) for name in same},
        "registered_late": event.registered_at - event.at > LATE_AFTER,
        "registered_by": str(event.registered_by),
    }
