"""The wire form of consents: what an agency tells of one, and what it is shown."""

from typing import Any

from rest_framework import serializers

from api_schema.validation import CodeField, ReferenceField, StrictSerializer, TimeField
from consent.actions import Told
from consent.categories import CONTENT_NAMES
from consent.records import LATE_AFTER, Given

KINDS = (
    *("GDPR_BASIS", "CONFIDENTIALITY_WAIVER", "SOCIAL_COLLECTION", "HEALTH_SL43", "PARTICIPATION", "NOTIFY_PARENT"),
)
METHODS = ("written", "digital", "oral")
PURPOSES = ("exit_support", "case_follow_up", "crime_prevention")


class GivenSerializer(StrictSerializer):
    """A consent that a person gave, as an agency tells of it."""

    kind = CodeField(choices=KINDS)
    recipients = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=20)
    purposes = serializers.ListField(child=CodeField(choices=PURPOSES), allow_empty=False, max_length=len(PURPOSES))
    categories = serializers.ListField(
        child=CodeField(choices=CONTENT_NAMES), allow_empty=False, max_length=len(CONTENT_NAMES)
    )
    given_at = TimeField()
    expires_at = TimeField(required=False)
    method = CodeField(choices=METHODS)
    given_by = CodeField(choices=["subject", "custody_holder"], default="subject")
    maturity_assessed = serializers.BooleanField(default=False)
    report_back = serializers.BooleanField(
        default=False, help_text="Whether the outcome may be told back to the agency that refers."
    )
    notice_version = ReferenceField(max_length=32, default="2026-11")
    notice_language = CodeField(choices=["da", "en"], default="da")
    notice_hash = serializers.RegexField(r"^[0-9a-f]{64}$", required=False)
    evidence_hash = serializers.RegexField(
        r"^[0-9a-f]{64}$", required=False, help_text="SHA-256 of the signed document; the document stays with you."
    )

    def given(self) -> Given:
        """Return the validated body as what `records` asks for."""
        return given_from(self.validated_data)


def given_from(data: dict[str, Any]) -> Given:
    """Return validated wire data as a `Given`."""
    lists = {name: tuple(data[name]) for name in ("recipients", "purposes", "categories")}
    return Given(**{**data, **lists})


class ConsentBodySerializer(GivenSerializer):
    """The body of `POST /consents`."""

    subject = serializers.UUIDField(help_text="subject.id of a referral of your own.")

    def given(self) -> Given:
        return given_from({name: value for name, value in self.validated_data.items() if name != "subject"})


class WithdrawBodySerializer(StrictSerializer):
    method = CodeField(choices=METHODS)


class RenewBodySerializer(StrictSerializer):
    method = CodeField(choices=METHODS)
    expires_at = TimeField(required=False)


class ConsentEventSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    registered_at = serializers.DateTimeField()
    registered_late = serializers.BooleanField(help_text="Registered more than 24 hours after it happened.")
    expires_at = serializers.DateTimeField(allow_null=True)


class ConsentSerializer(serializers.Serializer[Any]):
    """A consent as it is shown."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    subject = serializers.UUIDField()
    kind = serializers.CharField()
    state = CodeField(
        choices=["requested", "given", "refused", "renewed", "withdrawn", "revoked", "invalidated", "expired"]
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    recipients = serializers.ListField(child=serializers.UUIDField())
    purposes = serializers.ListField(child=serializers.CharField())
    categories = serializers.ListField(child=serializers.CharField())
    report_back = serializers.BooleanField()
    given_by = serializers.CharField()
    maturity_assessed = serializers.BooleanField()
    notice = serializers.DictField(child=serializers.CharField())
    registered_by = serializers.UUIDField()
    registered_at = serializers.DateTimeField()
    events = ConsentEventSerializer(many=True)


def consent_body(told: Told) -> dict[str, Any]:
    """Return a consent that was shown as its wire form."""
    consent = told.consent
    return {
        "id": str(consent.id),
        "version": consent.version,
        "subject": str(consent.subject_id),
        "kind": consent.kind,
        "state": told.state,
        "expires_at": told.expires_at,
        "recipients": [str(recipient) for recipient in consent.recipients],
        "purposes": consent.purposes,
        "categories": consent.categories,
        "report_back": consent.report_back,
        "given_by": consent.given_by,
        "maturity_assessed": consent.maturity_assessed,
        "notice": {
            "version": consent.notice_version,
            "language": consent.notice_language,
            "hash": consent.notice_hash,
        },
        "registered_by": str(consent.registered_by_id),
        "registered_at": consent.registered_at,
        "events": [
            {
                "number": event.number,
                "kind": event.kind,
                "at": event.at,
                "registered_at": event.registered_at,
                "registered_late": event.registered_at - event.at > LATE_AFTER,
                "expires_at": event.expires_at,
            }
            for event in told.events
        ],
    }
