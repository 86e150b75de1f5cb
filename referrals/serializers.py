"""The wire form of referrals. It shapes what was disclosed and has nothing else to return."""

from typing import Any

from rest_framework import serializers

from agencies.acting import PURPOSES
from api_schema.validation import CodeField
from consent.categories import CONTENT_NAMES, NAMES, Category
from consent.models import Mode
from referrals.bodies import CHANNELS, URGENCIES
from referrals.disclosure import Disclosure
from referrals.lifecycle import Move, Status
from referrals.listing import Row
from referrals.sections import ShownSectionsSerializer

STATUSES = tuple(str(status) for status in Status)
MOVES = tuple(str(move) for move in Move)
MODES = tuple(str(mode) for mode in Mode)
FLAGGED = ("open", "unreviewed", "overdue")
SAYING = (str(Move.REQUEST_INFO), str(Move.ANSWER_INFO), str(Move.DECLINE_INFO))
"""The moves that say something, as a message names them."""


class MessageSerializer(serializers.Serializer[Any]):
    """A question or an answer, shown to whom its category is shown."""

    category = CodeField(choices=CONTENT_NAMES)
    kind = CodeField(choices=SAYING)
    reason = serializers.CharField(required=False)
    text = serializers.CharField()
    at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.UUIDField(help_text="The agency that says it.")}


class AmendmentSerializer(serializers.Serializer[Any]):
    """One section as it was and as it became, and why."""

    category = CodeField(choices=CONTENT_NAMES)
    old = serializers.DictField(allow_null=True, help_text="The section as it was; null where it is new.")
    new = serializers.DictField(help_text="The section from then on.")
    reason = serializers.CharField()
    comment = serializers.CharField(required=False)
    at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.UUIDField(help_text="The agency that amended.")}


class AgencyRefSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()


class SummarySerializer(serializers.Serializer[Any]):
    """A referral in a list: no personal section."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    status = CodeField(choices=STATUSES)
    sender = AgencyRefSerializer()
    recipient = AgencyRefSerializer(allow_null=True)
    responsible = AgencyRefSerializer()
    urgency = CodeField(choices=URGENCIES)
    external_reference = serializers.CharField(required=False, help_text="The sender's own; shown to the sender alone.")
    deadlines = serializers.DictField(
        child=serializers.DateTimeField(allow_null=True),
        help_text="`acknowledge_by` and `decide_by`; `review_by`: by when an open question is answered, or work on "
        "hold looked at again; `paused_since`: since when the first two stand still, while a question is open.",
    )
    escalated = serializers.BooleanField(help_text="A deadline passed and nobody decided.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    allowed_actions = serializers.ListField(child=CodeField(choices=MOVES))
    not_for_investigation = serializers.BooleanField()


class BasisShownSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    version = serializers.IntegerField()
    consent_id = serializers.UUIDField(allow_null=True)


class SubjectShownSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    mode = CodeField(choices=MODES)
    formerly = serializers.UUIDField(
        required=False, help_text="subject.id of the anonymous case linked to the person; shown to the sender alone."
    )


class FlagSerializer(serializers.Serializer[Any]):
    """Broken glass that nobody has reviewed yet. See /break-glass."""

    id = serializers.UUIDField()
    agency = serializers.UUIDField(help_text="Whose member broke it.")
    opened_at = serializers.DateTimeField()
    until = serializers.DateTimeField()
    state = CodeField(choices=FLAGGED)


class ReferralSerializer(SummarySerializer):
    """A referral as it was shown to one reader, for one purpose, at one instant."""

    subject = SubjectShownSerializer(allow_null=True)
    parent = serializers.UUIDField(allow_null=True)  # type: ignore[assignment]
    channel = CodeField(choices=CHANNELS, allow_null=True)
    purpose = CodeField(choices=PURPOSES, allow_blank=True)
    reason = serializers.CharField(help_text="The coded reason of the latest move that had one.")
    basis = BasisShownSerializer(allow_null=True)
    sections = ShownSectionsSerializer()
    messages = MessageSerializer(many=True)
    break_glass = FlagSerializer(many=True, help_text="Told to the responsible agency at the time it was broken.")
    withheld = serializers.ListField(
        child=CodeField(choices=NAMES),
        help_text="Categories you may not see now, whether or not they hold anything.",
    )


def summary_body(row: Row) -> dict[str, Any]:
    """Return a list row as its wire form."""
    return _header(row.referral, row.allowed_actions, own=row.own)


def referral_body(shown: Disclosure) -> dict[str, Any]:
    """Return a disclosed referral as its wire form."""
    referral = shown.referral
    basis = referral.basis if shown.header_readable else None
    own = shown.own
    return {
        **_header(referral, shown.allowed_actions, own=own),
        "subject": _subject(referral.subject, own=own) if shown.header_readable else None,
        "parent": str(referral.parent_id) if own and referral.parent_id else None,
        "channel": referral.channel if shown.header_readable else None,
        "purpose": referral.purpose if shown.header_readable else "",
        "reason": referral.reason_code if shown.reason_readable else "",
        "basis": basis
        and {
            "code": basis.code,
            "version": basis.version,
            "consent_id": str(referral.consent_id) if referral.consent_id else None,
        },
        "sections": shown.sections,
        "messages": shown.messages,
        "break_glass": [
            {
                "id": str(flag.id),
                "agency": str(flag.agency),
                "opened_at": flag.opened_at,
                "until": flag.until,
                "state": str(flag.state),
            }
            for flag in shown.flags
        ],
        "withheld": [str(category) for category in Category if category not in shown.readable],
    }


def _header(referral: Any, actions: tuple[Move, ...], *, own: bool) -> dict[str, Any]:
    return {
        "id": str(referral.id),
        "version": referral.version,
        "status": referral.status,
        "sender": _agency(referral.sender),
        "recipient": _agency(referral.recipient),
        "responsible": _agency(referral.responsible),
        "urgency": referral.urgency,
        **({"external_reference": referral.external_reference} if own and referral.external_reference else {}),
        "escalated": referral.escalated_at is not None,
        "deadlines": {
            "acknowledge_by": referral.acknowledge_by,
            "decide_by": referral.decide_by,
            "review_by": referral.review_by,
            "paused_since": referral.clock_paused_at if referral.status == Status.INFO_REQUESTED else None,
        },
        "created_at": referral.created_at,
        "updated_at": referral.updated_at,
        "submitted_at": referral.submitted_at,
        "allowed_actions": [str(move) for move in actions],
        "not_for_investigation": True,
    }


def _subject(subject: Any, *, own: bool) -> dict[str, str]:
    linked = {"formerly": str(subject.formerly_id)} if own and subject.formerly_id else {}
    return {"id": str(subject.id), "mode": subject.mode, **linked}


def _agency(agency: Any) -> dict[str, str] | None:
    return agency and {"id": str(agency.id), "code": agency.code, "name": agency.name_da}
