"""The wire form of what an agency tells of consents; what it is shown is in `shown`."""

from typing import Any

from rest_framework import serializers

from api_schema.validation import CodeField, ReferenceField, StrictSerializer, TimeField
from consent.categories import CONTENT_NAMES
from consent.following import Answer
from consent.law import INVALID_BECAUSE, USES
from consent.records import Given

KINDS = (
    *("GDPR_BASIS", "CONFIDENTIALITY_WAIVER", "SOCIAL_COLLECTION", "HEALTH_SL43", "PARTICIPATION", "NOTIFY_PARENT"),
)
DECISIONS = ("given", "refused", "requested")
LANGUAGES = ("da", "en")
ENTITIES = ("subject", "custody_holder", "agency")
METHODS = ("written", "digital", "oral")
PURPOSES = ("exit_support", "case_follow_up", "crime_prevention")


STAFF = "Your own id of a member of your staff."
HASH = r"^[0-9a-f]{64}$"


class MaturitySerializer(StrictSerializer):
    """Who assessed the maturity of a person of 15-17, and when."""

    assessed_by = ReferenceField(help_text=STAFF)
    assessed_at = TimeField(required=False, help_text="When the consent was given, unless told.")


class GivenSerializer(StrictSerializer):
    """A consent that a person gave, as an agency tells of it."""

    kind = CodeField(choices=KINDS)
    recipients = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=20)
    purposes = serializers.ListField(child=CodeField(choices=PURPOSES), allow_empty=False, max_length=len(PURPOSES))
    categories = serializers.ListField(
        child=CodeField(choices=CONTENT_NAMES), allow_empty=False, max_length=len(CONTENT_NAMES)
    )
    given_at = TimeField(help_text="When the person gave it, refused it or was asked for it.")
    expires_at = TimeField(required=False)
    method = CodeField(choices=METHODS)
    given_by = CodeField(choices=["subject", "custody_holder"], default="subject")
    maturity_assessed = serializers.BooleanField(default=False)
    maturity_assessment = MaturitySerializer(required=False, help_text="You, when it was given, unless told.")
    report_back = serializers.BooleanField(
        default=False, help_text="Whether the outcome may be told back to the agency that refers."
    )
    permitted_uses = serializers.ListField(child=CodeField(choices=USES), required=False, max_length=len(USES))
    forbidden_uses = serializers.ListField(
        child=CodeField(choices=USES), required=False, max_length=len(USES), help_text="`investigation` always is."
    )
    notice_version = ReferenceField(max_length=32, default="2026-11", help_text="One of /consent-notices, or another.")
    notice_language = CodeField(choices=LANGUAGES, default="da")
    notice_hash = serializers.RegexField(
        HASH, required=False, help_text="SHA-256 of the notice's text; needed where the text is not ours."
    )
    evidence_hash = serializers.RegexField(
        HASH, required=False, help_text="SHA-256 of the signed document; the document stays with you."
    )
    witness = ReferenceField(required=False, help_text=STAFF)

    def given(self) -> Given:
        """Return the validated body as what `records` asks for."""
        return given_from(self.validated_data)


def given_from(data: dict[str, Any]) -> Given:
    """Return validated wire data as a `Given`."""
    told = dict(data)
    for name in ("recipients", "purposes", "categories", "permitted_uses", "forbidden_uses"):
        told[name] = tuple(told.get(name, ()))
    assessment = told.pop("maturity_assessment", None)
    if assessment is not None:
        told |= {"maturity_assessed": True, **{f"maturity_{name}": value for name, value in assessment.items()}}
    return Given(**told)


class ConsentBodySerializer(GivenSerializer):
    """The body of `POST /consents`."""

    subject = serializers.UUIDField(help_text="subject.id of a referral of your own.")
    decision = CodeField(
        choices=DECISIONS, default="given", help_text="`requested` is answered by /give or /refuse later."
    )

    def given(self) -> Given:
        return given_from({name: value for name, value in self.validated_data.items() if name != "subject"})


class AnswerBodySerializer(StrictSerializer):
    """The person's answer to a request for consent: no."""

    method = CodeField(choices=METHODS)
    answered_at = TimeField(required=False, help_text="Now, unless told.")
    witness = ReferenceField(required=False, help_text=STAFF)
    evidence_hash = serializers.RegexField(HASH, required=False)

    def answer(self) -> Answer:
        """Return the validated body as what `following` asks for."""
        return Answer(**self.validated_data)


class GiveBodySerializer(AnswerBodySerializer):
    """The person's answer to a request for consent: yes."""

    expires_at = TimeField(required=False)


class WithdrawBodySerializer(StrictSerializer):
    method = CodeField(choices=METHODS)
    by = CodeField(choices=ENTITIES, default="subject", help_text="Another than the subject revokes: state `revoked`.")
    witness = ReferenceField(required=False, help_text=STAFF)
    evidence_hash = serializers.RegexField(HASH, required=False)

    def answer(self) -> Answer:
        """Return the validated body, without who withdrew, as what `following` asks for."""
        return Answer(**{name: value for name, value in self.validated_data.items() if name != "by"})


class RenewBodySerializer(StrictSerializer):
    method = CodeField(choices=METHODS)
    renewed_at = TimeField(required=False, help_text="Now, unless told; the period counts from it.")
    expires_at = TimeField(required=False)
    witness = ReferenceField(required=False, help_text=STAFF)
    evidence_hash = serializers.RegexField(HASH, required=False)

    def answer(self) -> Answer:
        """Return the validated body as what `following` asks for."""
        told = dict(self.validated_data)
        return Answer(answered_at=told.pop("renewed_at", None), **told)


class InvalidateBodySerializer(StrictSerializer):
    reason = CodeField(choices=INVALID_BECAUSE, help_text="See /code-lists/invalidations.")
