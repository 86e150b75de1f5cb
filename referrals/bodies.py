"""What callers send: drafts, moves and messages, each read by a typed body of its own."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from api_schema.validation import CodeField, ReferenceField, StrictSerializer, TimeField
from api_schema.words import Words
from consent.categories import CONTENT_NAMES
from consent.models import Mode
from consent.records import NOT_YET
from consent.serializers import METHODS, GivenSerializer, given_from
from referrals.lifecycle import Move
from referrals.sections import SectionsSerializer, Text, UnscoredSerializer
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
