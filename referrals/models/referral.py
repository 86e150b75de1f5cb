"""
A referral: a header, and sealed sections.

The application's role can write a section's content but can't read it back (migrations/0002).
"""

from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone

from agencies.ids import UUIDv7
from agencies.models import Agency, Kind
from agencies.principals import Principal
from consent.categories import APART, CONTENT
from consent.models import Consent, ConsentEvent, LegalBasis, Subject
from referrals.lifecycle import Status
from referrals.models.duties import BreakGlass
from referrals.models.grants import ReferralGroupObjectPermission, ReferralUserObjectPermission
from referrals.policy import Facts

HEADER = [
    "status",
    "status_before",
    "status_when_stopped",
    "version",
    "sender",
    "recipient",
    "responsible",
    "external_reference",
    "urgency",
    "basis",
    "consent",
    "outcome_basis",
    "outcome_consent",
    "screening",
    "reason_code",
]
"""The fields whose changes django-auditlog keeps: headers, never section content."""


PARTIES = ("sender", "recipient", "responsible", "subject", "basis", "outcome_basis")
"""What an answer says about a referral besides its own row."""

SCREENING = ("cleared", "withheld", "taken_over")
"""What the police found before others join in: go on, wait, or it is theirs alone (rule 15)."""


def consent_until(of: str) -> Subquery:
    """Return, for the consent that a row rests on, until when it stands: NULL where it stands no more."""
    return Subquery(ConsentEvent.objects.filter(consent=OuterRef(of)).order_by("-number").values("expires_at")[:1])


class ReferralQuerySet(models.QuerySet["Referral"]):
    """Rows by permission: every query that may end on the wire begins here."""

    def viewable_by(self, reader: Principal) -> "ReferralQuerySet":
        """Return the referrals that the reader's role group was granted, with what `facts` asks about the reader."""
        granted = ReferralGroupObjectPermission.objects.filter(content_object=OuterRef("pk"), group=reader.group)
        assigned = ReferralUserObjectPermission.objects.filter(content_object=OuterRef("pk"))
        theirs = Q(written_by=reader.agency) | Q(referral__sender=reader.agency) | ~Q(category__startswith="outcome")
        written = Section.objects.filter(theirs, referral=OuterRef("pk"))
        flagged = BreakGlass.objects.filter(referral=OuterRef("pk"), owner=reader.agency, reviewed_at=None)
        told = JSONObject(id="id", agency="agency_id", opened_at="opened_at", until="until")
        return self.filter(Exists(granted.filter(permission__codename="view_referral"))).annotate(  # type: ignore[no-redef]
            may_work=Exists(granted.filter(permission__codename="work_referral")),
            assigned=Exists(assigned),
            assigned_to_reader=Exists(assigned.filter(user=reader.user)),
            written=ArraySubquery(written.values("category").distinct()),
            consent_until=consent_until("consent"),
            unreviewed=ArraySubquery(flagged.order_by("id").values_list(told)),
        )

    def with_parties(self) -> "ReferralQuerySet":
        """Join what an answer says about the referral: agencies, subject, basis."""
        return self.select_related(*PARTIES)


class Referral(models.Model):
    """One agency asks another to help a person. Exactly one agency is responsible at any time (rule 14)."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    version = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=24, default=Status.DRAFT)
    status_before = models.CharField(max_length=24, blank=True)
    status_when_stopped = models.CharField(max_length=24, blank=True)
    sender = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    recipient = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+", null=True)
    responsible = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    responsible_since = models.DateTimeField()
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, related_name="children", null=True)
    external_reference = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=32, default="municipality")
    urgency = models.CharField(max_length=16, default="routine")
    basis = models.ForeignKey(LegalBasis, on_delete=models.PROTECT, related_name="+", null=True)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+", null=True)
    necessity_stated = models.BooleanField(default=False)
    article_9_ground = models.CharField(max_length=16, blank=True)
    article_10_ground = models.CharField(max_length=16, blank=True)
    cpr_ground = models.CharField(max_length=16, blank=True)
    outcome_basis = models.ForeignKey(LegalBasis, on_delete=models.PROTECT, related_name="+", null=True)
    outcome_consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+", null=True)
    outcome_necessity_stated = models.BooleanField(default=False)
    home_municipality = models.CharField(max_length=4, blank=True)
    screening = models.CharField(max_length=16, blank=True)
    endangered_at = models.DateTimeField(null=True)
    purpose = models.CharField(max_length=32, blank=True)
    reason_code = models.CharField(max_length=64, blank=True)
    acknowledge_by = models.DateTimeField(null=True)
    decide_by = models.DateTimeField(null=True)
    review_by = models.DateTimeField(null=True)
    clock_paused_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    idempotency_key = models.CharField(max_length=160)
    body_hash = models.CharField(max_length=64)

    may_work: bool
    consent_until: datetime | None
    assigned: bool
    assigned_to_reader: bool
    written: list[str]
    unreviewed: list[dict[str, str]]
    objects = ReferralQuerySet.as_manager()

    class Meta:
        permissions = [
            ("work_referral", "May take steps with the referral"),
            ("counsel_referral", "Is assigned to the referral"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["sender", "idempotency_key"], name="referrals_referral_is_created_once_per_key"
            ),
            models.UniqueConstraint(
                fields=["sender", "external_reference"],
                condition=~Q(external_reference=""),
                name="referrals_external_reference_is_unique_per_sender",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in Status]), name="referrals_referral_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "withdrawn", "entered_in_error"])
                | (Q(recipient__isnull=False) & Q(basis__isnull=False) & Q(submitted_at__isnull=False)),
                name="referrals_shared_referral_has_recipient_and_basis",
            ),
            models.CheckConstraint(
                condition=Q(responsible=models.F("sender"))
                | Q(recipient__isnull=False, responsible=models.F("recipient")),
                name="referrals_responsible_agency_is_a_party",
            ),
            models.CheckConstraint(
                condition=Q(recipient__isnull=True) | ~Q(recipient=models.F("sender")),
                name="referrals_referral_is_to_another_agency",
            ),
            models.CheckConstraint(
                condition=Q(screening__in=["", *SCREENING]), name="referrals_screening_result_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["acknowledge_by"], condition=Q(status="submitted"), name="referrals_due_to_acknowledge"
            ),
            models.Index(
                fields=["decide_by"], condition=Q(status__in=["submitted", "received"]), name="referrals_due_to_decide"
            ),
            models.Index(
                fields=["review_by"],
                condition=Q(status__in=["info_requested", "on_hold"]),
                name="referrals_due_to_look_at",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def facts(self) -> Facts:
        """Return what policy asks about this row and the reader it was fetched for (`viewable_by`)."""
        return Facts(
            id=self.id,
            status=Status(self.status),
            status_before=self.status_before,
            version=self.version,
            sender=self.sender_id,
            sender_kind=self.sender.kind,
            recipient=self.recipient_id,
            recipient_kind=self.recipient.kind if self.recipient else "",
            responsible=self.responsible_id,
            assigned=self.assigned,
            assigned_to_reader=self.assigned_to_reader,
            may_work=self.may_work,
            awaits_screening=self.awaits_screening(),
            erased=self.subject.erased_at is not None,
            lapsed=self.lapsed(),
        )

    def lapsed(self) -> bool:
        """Say whether the consent that the referral rests on has ended by now; expiry needs no job to take effect."""
        on_consent = self.basis is not None and self.basis.consent_kind
        return bool(on_consent) and (self.consent_until is None or self.consent_until <= timezone.now())

    def awaits_screening(self) -> bool:
        """Say whether the police are a party under § 115 and have not cleared the case for joint handling."""
        kinds = {self.sender.kind, self.recipient.kind if self.recipient else ""}
        under_115 = self.basis is not None and self.basis.code.startswith("RPL115-")
        return under_115 and Kind.POLICE_PREVENTION in kinds and self.screening != "cleared"


class Section(models.Model):
    """
    Sealed content of one data category. `part` counts its pieces: what a move adds to the outcome or to a message, and
    what an amendment puts in the place of the section.
    """

    id = models.BigAutoField(primary_key=True)
    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="sections")
    category = models.CharField(max_length=16)
    part = models.PositiveSmallIntegerField(default=0)
    sealed = models.BinaryField()
    written_by = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["referral", "category", "part"], name="referrals_section_part_is_unique"),
            models.CheckConstraint(
                condition=Q(category__in=[*(category.value for category in CONTENT), *APART]),
                name="referrals_section_category_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category}/{self.part}"


class BatchKey(models.Model):
    """The key of a batch and the keyed hash of its body, so that the same key with another body is told apart."""

    id = models.BigAutoField(primary_key=True)
    sender = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=128)
    body_hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["sender", "key"], name="referrals_batchkey_is_used_once")]

    def __str__(self) -> str:
        return str(self.id)
