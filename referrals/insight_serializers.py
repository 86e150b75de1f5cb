"""The fields of a person's insight on the wire: what a coordinator states, and what a person is told."""

from typing import Any

from rest_framework import serializers

from api_schema.validation import CodeField, StrictSerializer
from consent.categories import NAMES
from consent.models import Mode
from referrals import insight_words
from referrals.insight_told import Shown
from referrals.lifecycle import Status
from referrals.sections import ShownSectionsSerializer
from referrals.serializers import AmendmentSerializer, MessageSerializer

GROUNDS = tuple(insight_words.GROUNDS)
STAFF = ("masked", "own")


class WithholdBodySerializer(StrictSerializer):
    """A decision that one agency's looks are left out of a person's access report."""

    agency = serializers.UUIDField(help_text="Whose looks; see /agencies.")
    ground = CodeField(choices=GROUNDS)
    review_by = serializers.DateField(help_text="When it is looked at again: after today, within six months.")


class NamedAgencySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(
        allow_null=True, help_text="Null where the exchange itself acted, and where the agency is not told now."
    )
    kind = serializers.CharField(allow_null=True, help_text="As in /agencies; null where the id is.")
    name = serializers.CharField()


class CodeWithWordsSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    words = serializers.CharField()


class BasisWithWordsSerializer(CodeWithWordsSerializer):
    version = serializers.IntegerField(allow_null=True)


class GroundSerializer(CodeWithWordsSerializer):
    statute = serializers.CharField()


class WithholdingSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    agency = serializers.UUIDField()
    ground = GroundSerializer()
    review_by = serializers.DateField()
    stated_at = serializers.DateTimeField()
    stated_by = serializers.CharField(help_text="Your agency's own id of the person who decided.")
    lapsed = serializers.BooleanField(help_text="The date of its review has passed: it withholds nothing any more.")


class WithholdingPage(serializers.Serializer[Any]):
    results = WithholdingSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class SubjectReferralSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = CodeField(choices=[str(status) for status in Status])


class SubjectConsentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.CharField(help_text="As in /consents/{id}.")


class RegisteredPersonSerializer(serializers.Serializer[Any]):
    """A person as the agency registered them."""

    id = serializers.UUIDField()
    mode = CodeField(choices=[str(mode) for mode in Mode])
    birth_year = serializers.IntegerField(allow_null=True)
    formerly = serializers.UUIDField(allow_null=True, help_text="Their anonymous case, linked on their own wish.")
    registered_at = serializers.DateTimeField()
    erased_at = serializers.DateTimeField(allow_null=True)


class SubjectSerializer(RegisteredPersonSerializer):
    referrals = SubjectReferralSerializer(many=True)
    consents = SubjectConsentSerializer(many=True)


class FileSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    category = CodeWithWordsSerializer()
    media_type = serializers.CharField()
    size = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class StatusInReportSerializer(CodeWithWordsSerializer):
    code = serializers.CharField(allow_null=True, help_text="Null where it would tell a recipient that is withheld.")


class MessageInReportSerializer(MessageSerializer):
    def get_fields(self) -> dict[str, Any]:
        who = serializers.UUIDField(allow_null=True, help_text="The agency that says it; null where it is withheld.")
        return {**super().get_fields(), "from": who}


class WithheldSerializer(serializers.Serializer[Any]):
    withheld = serializers.BooleanField()
    ground = GroundSerializer()
    review_by = serializers.DateField()


class ReferralInReportSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = StatusInReportSerializer()
    sender = NamedAgencySerializer()
    recipient = NamedAgencySerializer(allow_null=True)
    recipient_withheld = WithheldSerializer(allow_null=True, help_text="Why the recipient is not told now, if so.")
    responsible = NamedAgencySerializer()
    purpose = CodeWithWordsSerializer(allow_null=True)
    basis = BasisWithWordsSerializer(allow_null=True)
    consent = serializers.UUIDField(allow_null=True)
    channel = CodeWithWordsSerializer()
    urgency = CodeWithWordsSerializer()
    reason = CodeWithWordsSerializer(allow_null=True)
    external_reference = serializers.CharField()
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField()
    content = CodeField(choices=[str(shown) for shown in Shown])
    content_words = serializers.CharField()
    sections = ShownSectionsSerializer()
    amendments = AmendmentSerializer(many=True)
    messages = MessageInReportSerializer(many=True)
    files = FileSerializer(many=True)
    withheld = serializers.ListField(
        child=CodeField(choices=NAMES), help_text="Categories that the agency itself may not read now."
    )


class EventInReportSerializer(serializers.Serializer[Any]):
    """What happened to a consent, and when; the staff who witnessed it are not named."""

    number = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    registered_at = serializers.DateTimeField()
    registered_late = serializers.BooleanField(help_text="Registered more than 24 hours after it happened.")
    expires_at = serializers.DateTimeField(allow_null=True)


class ConsentInReportSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = CodeWithWordsSerializer()
    state = CodeWithWordsSerializer()
    expires_at = serializers.DateTimeField(allow_null=True)
    recipients = NamedAgencySerializer(many=True)
    purposes = CodeWithWordsSerializer(many=True)
    categories = CodeWithWordsSerializer(many=True)
    report_back = serializers.BooleanField()
    given_by = serializers.CharField()
    registered_by = NamedAgencySerializer()
    registered_at = serializers.DateTimeField()
    events = EventInReportSerializer(many=True)


class GroupSerializer(serializers.Serializer[Any]):
    agency = NamedAgencySerializer()
    purpose = CodeWithWordsSerializer(allow_null=True)
    times = serializers.IntegerField()
    categories = CodeWithWordsSerializer(many=True)
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class RecipientSerializer(GroupSerializer):
    basis = BasisWithWordsSerializer(allow_null=True)


class LookSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    agency = NamedAgencySerializer()
    action = CodeWithWordsSerializer()
    purpose = CodeWithWordsSerializer(allow_null=True)
    categories = CodeWithWordsSerializer(many=True)
    basis = BasisWithWordsSerializer(allow_null=True)
    referrals = serializers.ListField(child=serializers.UUIDField())
    staff = serializers.CharField(required=False, help_text="Your own agency's staff alone, with `staff=own`.")


class SeenSerializer(serializers.Serializer[Any]):
    by_agency_and_purpose = GroupSerializer(many=True)
    entries = LookSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())


class LegalNoteSerializer(serializers.Serializer[Any]):
    law = serializers.CharField()
    rights = serializers.ListField(child=serializers.CharField())
    complaint = serializers.CharField()
    sources = serializers.CharField()
    retention = serializers.CharField()
    automated_decisions = serializers.CharField()


class AccessReportSerializer(serializers.Serializer[Any]):
    """All that is told to a person, as of one instant."""

    made_at = serializers.DateTimeField()
    controller = NamedAgencySerializer()
    basis = BasisWithWordsSerializer()
    subject = RegisteredPersonSerializer()
    referrals = ReferralInReportSerializer(many=True)
    consents = ConsentInReportSerializer(many=True)
    recipients = RecipientSerializer(many=True)
    seen_by = SeenSerializer()
    withheld = WithheldSerializer(many=True, help_text="What is left out of `recipients` and `seen_by`, and why.")
    about = LegalNoteSerializer()
