"""The wire form of referrals. It shapes what was disclosed and has nothing else to return."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from agencies.acting import PURPOSES
from api_schema.validation import CodeField, ReferenceField, StrictSerializer, TimeField
from api_schema.words import Words
from consent.categories import CONTENT_NAMES, NAMES, Category
from consent.models import Mode
from consent.records import NOT_YET
from consent.serializers import METHODS, GivenSerializer, given_from
from referrals.disclosure import Disclosure
from referrals.lifecycle import Move, Status
from referrals.listing import Row
from referrals.sections import SectionsSerializer, ShownSectionsSerializer, Text, UnscoredSerializer
from referrals.statements import BasisStated, Draft, Wish
from referrals.steps import MoveBody

CHANNELS = (
    *("online_anonymous", "phone_anonymous", "outreach", "self_in_person", "municipality", "police_infohus"),
    *("prison_probation", "family", "school", "other"),
)
WHOLE_SECTIONS = Words(
    "Angiv mindst én sektion med hele dens nye indhold.", "Name at least one section with all of its new content."
)
ONE_CATEGORY = Words(
    "Et svar er om én kategori: send et svar for hver, når der bliver spurgt igen.",
    "An answer is about one category: answer for each when asked again.",
)
SCREENING = ("cleared", "withheld", "taken_over")
MESSAGE_KINDS = ("information_request", "information_answer", "information_declined")
LINKED_WHEN_NEW = Words(
    "En anonym sag knyttes, når personen registreres: udelad id.",
    "An anonymous case is linked when the person is registered: leave out id.",
)
ONE_CONSENT = Words("Angiv consent eller consent_id, ikke begge.", "State consent or consent_id, not both.")
URGENCIES = ("routine", "soon", "acute")
OUTCOMES = ("out_of_milieu", "reduced_contact", "education_or_job", "housing", "relapse", "unknown")
ARTICLE_9_GROUNDS = ("art_9_2_f", "art_9_2_g")
ARTICLE_10_GROUNDS = ("dbl_8_2_2", "dbl_8_2_3", "dbl_8_2_4")
FLAGGED = ("open", "unreviewed", "overdue")
SAYING = (str(Move.REQUEST_INFO), str(Move.ANSWER_INFO), str(Move.DECLINE_INFO))
"""The moves that say something, as a message names them."""
CPR_GROUNDS = ("consent", "statute")
SYSTEM_MEMBERS = frozenset(
    {
        *("id", "status", "version", "sender", "responsible", "allowed_actions", "withheld", "deadlines"),
        *("escalated", "created_at", "updated_at", "submitted_at", "not_for_investigation", "parent", "purpose"),
    }
)


class FormerlySerializer(StrictSerializer):
    """The anonymous case that this person was, and their own wish that the two be linked (rule 11)."""

    subject = serializers.UUIDField(help_text="subject.id of your own anonymous case.")
    wished_at = TimeField()
    method = CodeField(choices=METHODS)

    def validate_wished_at(self, value: datetime) -> datetime:
        if value > timezone.now():
            raise serializers.ValidationError(ErrorDetail(NOT_YET.now(), code="in_the_future"))
        return value


class SubjectBodySerializer(StrictSerializer):
    """Whom the referral is about: a person registered before, or a new one in a mode, who may have been anonymous."""

    id = serializers.UUIDField(required=False)
    mode = CodeField(
        choices=[str(mode) for mode in Mode], required=False, help_text="`identified` unless said otherwise."
    )
    formerly = FormerlySerializer(required=False, help_text="Links an anonymous case, on the person's own wish.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "formerly" in attrs and "id" in attrs:
            raise serializers.ValidationError({"formerly": ErrorDetail(LINKED_WHEN_NEW.now(), code="linked_when_new")})
        return attrs


class BasisBodySerializer(StrictSerializer):
    """The legal basis: its code, and a consent recorded before (`consent_id`) or told with it (`consent`)."""

    code = serializers.CharField(max_length=32, help_text="See /code-lists/legal-bases.")
    consent_id = serializers.UUIDField(required=False)
    consent = GivenSerializer(required=False)
    necessity_statement = Text(
        required=False, help_text="Why the disclosure is necessary, where the basis asks for it."
    )
    article_9_ground = CodeField(
        choices=ARTICLE_9_GROUNDS, required=False, help_text="GDPR art. 9(2), where the basis needs one of its own."
    )
    article_10_ground = CodeField(
        choices=ARTICLE_10_GROUNDS, required=False, help_text="DBL § 8(2), where the basis needs one of its own."
    )
    cpr_ground = CodeField(
        choices=CPR_GROUNDS, required=False, help_text="DBL § 11(2): why a private recipient may hold the CPR number."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "consent" in attrs and "consent_id" in attrs:
            raise serializers.ValidationError({"consent": ErrorDetail(ONE_CONSENT.now(), code="one_consent")})
        return attrs


class ReferralChangeSerializer(UnscoredSerializer):
    """The body of `PATCH /referrals/{id}`: what is left out stays."""

    system_members = SYSTEM_MEMBERS | {"subject"}
    recipient = serializers.UUIDField(required=False)
    external_reference = ReferenceField(required=False)
    channel = CodeField(choices=CHANNELS, required=False)
    urgency = CodeField(choices=URGENCIES, required=False)
    basis = BasisBodySerializer(required=False)
    sections = SectionsSerializer(required=False)

    def draft(self, *, key: str = "", body_hash: str = "") -> Draft:
        """Return the validated body as a draft."""
        data = self.validated_data
        subject = data.get("subject", {})
        return Draft(
            recipient=data.get("recipient"),
            subject_id=subject.get("id"),
            mode=Mode(subject["mode"]) if "mode" in subject else None,
            linked=_wish(subject.get("formerly")),
            external_reference=data.get("external_reference"),
            channel=data.get("channel"),
            urgency=data.get("urgency"),
            basis=basis_from(data.get("basis")),
            sections=_plain(data.get("sections", {})),
            key=key,
            body_hash=body_hash,
        )


class ReferralBodySerializer(ReferralChangeSerializer):
    """The body of `POST /referrals`, and of each item of a batch."""

    system_members = SYSTEM_MEMBERS
    subject = SubjectBodySerializer(required=False)
    submit = serializers.BooleanField(default=False, help_text="Submit at once; otherwise it stays a draft.")


def basis_from(data: dict[str, Any] | None) -> BasisStated | None:
    """Return a validated basis as the sender's statement of it."""
    if data is None:
        return None
    consent = data.get("consent")
    return BasisStated(
        code=data["code"],
        consent_id=data.get("consent_id"),
        consent=given_from(consent) if consent else None,
        necessity_statement=data.get("necessity_statement", ""),
        article_9_ground=data.get("article_9_ground", ""),
        article_10_ground=data.get("article_10_ground", ""),
        cpr_ground=data.get("cpr_ground", ""),
    )


def _wish(data: dict[str, Any] | None) -> Wish | None:
    return Wish(formerly=data["subject"], wished_at=data["wished_at"], method=data["method"]) if data else None


def _plain(value: Any) -> Any:
    """Return validated content as plain JSON: dates as text, dictionaries and lists as they are."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


# --- Moves -------------------------------------------------------------------------------------------------------


class NothingToSaySerializer(StrictSerializer):
    """A move that says all it has to say by being made: `{}`."""


class ReasonedSerializer(StrictSerializer):
    """A move with a coded reason; some reasons need a comment. See /code-lists/reasons."""

    reason = serializers.CharField(max_length=64)
    comment = Text(max_length=2000, required=False)


class CloseSerializer(ReasonedSerializer):
    report_back = BasisBodySerializer(
        required=False, help_text="The basis on which the outcome may go back to the sender, where no consent says so."
    )


class CompleteSerializer(CloseSerializer):
    outcome = CodeField(choices=OUTCOMES)


class ScreenSerializer(StrictSerializer):
    """What the police found before others join in (rule 15); `taken_over` closes the shared referral."""

    result = CodeField(choices=SCREENING)


class AmendSerializer(ReasonedSerializer):
    """New content in the place of sections that were submitted; the old stays, and is shown with the reason."""

    sections = SectionsSerializer()

    def validate_sections(self, value: dict[str, Any]) -> dict[str, Any]:
        if not value or None in value.values():
            raise serializers.ValidationError(ErrorDetail(WHOLE_SECTIONS.now(), code="whole_sections"))
        return value


class HoldSerializer(ReasonedSerializer):
    review_by = TimeField(required=False)


class RedirectSerializer(ReasonedSerializer):
    recipient = serializers.UUIDField(help_text="The agency that the linked draft is addressed to.")


class ResumeSerializer(StrictSerializer):
    basis = BasisBodySerializer(required=False, help_text="Needed where a consent ended: the basis to go on with.")


class AssignSerializer(StrictSerializer):
    assignees = serializers.ListField(child=serializers.CharField(max_length=64), allow_empty=False, max_length=10)


MOVE_BODIES: dict[Move, type[StrictSerializer]] = {
    Move.SUBMIT: NothingToSaySerializer,
    Move.RECEIVE: NothingToSaySerializer,
    Move.ACCEPT: NothingToSaySerializer,
    Move.START: NothingToSaySerializer,
    Move.RESUME: ResumeSerializer,
    Move.REJECT: ReasonedSerializer,
    Move.REDIRECT: RedirectSerializer,
    Move.WITHDRAW: ReasonedSerializer,
    Move.HOLD: HoldSerializer,
    Move.COMPLETE: CompleteSerializer,
    Move.CLOSE: CloseSerializer,
    Move.SCREEN: ScreenSerializer,
    Move.ASSIGN: AssignSerializer,
    Move.MARK_IN_ERROR: ReasonedSerializer,
}
"""The moves that have an address of their own, with their bodies. `take_over` is a close with the police's reason."""


def move_body(data: dict[str, Any]) -> MoveBody:
    """Return a validated move body."""
    return MoveBody(
        reason=data.get("reason", ""),
        comment=data.get("comment", ""),
        outcome=data.get("outcome", ""),
        review_by=data.get("review_by"),
        assignees=tuple(data.get("assignees", ())),
        basis=basis_from(data.get("basis") or data.get("report_back")),
        screening=data.get("result", ""),
        sections=_plain(data.get("sections", {})),
        redirect_to=data.get("recipient"),
    )


class MessageBodySerializer(StrictSerializer):
    """A request for more information, its answer, or a refusal to give it, which has no consequence (rule 9)."""

    kind = CodeField(choices=MESSAGE_KINDS)
    reason = serializers.CharField(max_length=64, required=False)
    categories = serializers.ListField(
        child=CodeField(choices=CONTENT_NAMES), required=False, max_length=len(CONTENT_NAMES)
    )
    comment = Text(
        max_length=2000,
        required=False,
        help_text="Question or answer; about the one category named, or `reason`.",
    )
    basis = BasisBodySerializer(
        required=False, help_text="With an answer that tells more than the basis carries: the basis to go on with."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse words about several categories: they would be shown, and recorded, as being of one."""
        told = attrs["kind"] == "information_answer" and attrs.get("comment")
        if told and len(set(attrs.get("categories", ()))) > 1:
            raise serializers.ValidationError({"categories": ErrorDetail(ONE_CATEGORY.now(), code="one_category")})
        return attrs


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
    old = serializers.JSONField(allow_null=True, help_text="The section as it was; null where it is new.")
    new = serializers.JSONField(help_text="The section from then on.")
    reason = serializers.CharField()
    comment = serializers.CharField(required=False)
    at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.UUIDField(help_text="The agency that amended.")}


# --- Answers -----------------------------------------------------------------------------------------------------


class AgencyRefSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()


class SummarySerializer(serializers.Serializer[Any]):
    """A referral in a list: no personal section."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    status = CodeField(choices=[str(status) for status in Status])
    sender = AgencyRefSerializer()
    recipient = AgencyRefSerializer(allow_null=True)
    responsible = AgencyRefSerializer()
    urgency = CodeField(choices=URGENCIES)
    external_reference = serializers.CharField(required=False, help_text="The sender's own; shown to the sender alone.")
    deadlines = serializers.DictField(child=serializers.DateTimeField(allow_null=True))
    escalated = serializers.BooleanField(help_text="A deadline passed and nobody decided.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    allowed_actions = serializers.ListField(child=CodeField(choices=[str(move) for move in Move]))
    not_for_investigation = serializers.BooleanField()


class BasisShownSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    version = serializers.IntegerField()
    consent_id = serializers.UUIDField(allow_null=True)


class SubjectShownSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    mode = CodeField(choices=[str(mode) for mode in Mode])
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
