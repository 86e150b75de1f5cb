"""
Agencies, the people and programs that act for them, and the code lists everyone shares.

No client data lives here. Nobody is deleted: whoever has acted is deactivated, so that history keeps its names.
"""

from typing import Any

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AbstractApplication

import agencies.credentials
import agencies.duty_models
import agencies.notifications.models  # noqa: F401 - the rows of all three are this app's, and Django finds them here
from agencies.ids import UUIDv7


class Kind(models.TextChoices):
    """What kind of organisation takes part (domain.md, Words)."""

    MUNICIPALITY = "municipality", "Kommune"
    POLICE_PREVENTION = "police_prevention", "Politiets forebyggende enhed"
    POLICE = "police", "Politiet, anden enhed"
    EXIT_CENTRE = "exit_centre", "Exitcenter"
    PRISON_PROBATION = "prison_probation", "Kriminalforsorgen"
    PSYCHIATRY = "psychiatry", "Psykiatrien"
    OVERSIGHT = "oversight", "Tilsyn"


LISTED_KINDS = tuple((kind.value, str(kind.label)) for kind in Kind if kind is not Kind.POLICE)
"""
The kinds that the directory knows. A police unit that does not prevent is enrolled so that its attempts are recorded;
it has no part in anything (rule 8).
"""

PUBLIC_KINDS = (Kind.MUNICIPALITY, Kind.POLICE_PREVENTION, Kind.PRISON_PROBATION, Kind.PSYCHIATRY)
"""
The kinds whose staff are in public service: what a legal basis for `any_public_service` admits. Not the exit centre,
whose legal form is unknown, and not the oversight body, which sends and receives nothing.
"""


class Role(models.TextChoices):
    """What a member may do in the agency."""

    CASEWORKER = "caseworker", "Sagsbehandler"
    COORDINATOR = "coordinator", "Koordinator"
    COUNSELLOR = "counsellor", "Rådgiver"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "Administrator"
    INTEGRATION = "integration", "Integration"


WORKING_ROLES = (Role.CASEWORKER, Role.COORDINATOR, Role.COUNSELLOR)
"""The roles whose groups are granted the referrals that their agency sends or receives."""


class Capacity(models.TextChoices):
    AVAILABLE = "available", "Ledig"
    WAITLIST = "waitlist", "Venteliste"
    FULL = "full", "Fuldt"


class User(AbstractUser):
    """A person's account. Members of staff that act through an integration have one that can't sign in."""


class WrittenByDatabase(models.BooleanField):  # type: ignore[type-arg]
    """
    A column that the application reads and the database alone writes, by a trigger (migrations/0003).

    Django leaves a generated column out of each INSERT and UPDATE, and reads it back; so the application needs no
    privilege to write this one, and has none.
    """

    generated = True
    db_returning = True
    expression = models.Value(False)
    """What Django's validation of constraints may take its value to be: no constraint of a table names it."""


class Agency(models.Model):
    """An organisation that takes part in the exchange."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    kind = models.CharField(max_length=32, choices=Kind)
    code = models.CharField(max_length=32, help_text="Municipality code, police district code, or a short name.")
    name_da = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    offers = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    capacity = models.CharField(max_length=16, choices=Capacity, default=Capacity.AVAILABLE)
    capacity_updated_at = models.DateTimeField(default=timezone.now)
    self_governing_approved = WrittenByDatabase(
        db_default=False,
        editable=False,
        help_text="Retsplejeloven § 115, stk. 3. False until evidence and two different approvers set it.",
    )
    active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "agencies"
        ordering = ["kind", "code"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "code"], name="agencies_agency_code_is_unique_in_its_kind"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="agencies_agency_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.name_da


class RoleGroup(models.Model):
    """The group of everyone with one role in one agency: what object permissions are granted to."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="role_groups")
    role = models.CharField(max_length=16, choices=Role)
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="role_group")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["agency", "role"], name="agencies_rolegroup_is_one_per_agency_and_role")
        ]

    def __str__(self) -> str:
        return f"{self.agency_id}:{self.role}"


class Membership(models.Model):
    """A person's one role in one agency, under the id by which that agency itself knows the person."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role_group = models.ForeignKey(RoleGroup, on_delete=models.PROTECT, related_name="memberships", editable=False)
    role = models.CharField(max_length=16, choices=Role)
    staff_id = models.CharField(max_length=64, help_text="The agency's own id of this person; not a CPR number.")
    active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "staff_id"], name="agencies_membership_staff_id_is_unique"),
            models.UniqueConstraint(fields=["agency", "user"], name="agencies_membership_is_one_role_per_agency"),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} ({self.role})"


class WithdrawalReason(models.TextChoices):
    """Why a claim that an agency is self-governing was withdrawn."""

    NO_LONGER = "no_longer_self_governing", "Er ikke længere selvejende"
    EVIDENCE_REPLACED = "evidence_replaced", "Dokumentationen er afløst"
    EVIDENCE_INSUFFICIENT = "evidence_insufficient", "Dokumentationen er ikke tilstrækkelig"
    IN_ERROR = "claimed_in_error", "Oprettet ved en fejl"


class SelfGoverningClaim(models.Model):
    """
    Somebody's claim, with evidence, that an agency is a self-governing institution (retsplejeloven § 115, stk. 3).

    Never edited; withdrawn once at most. The document itself stays where the reference says; its hash is here.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="self_governing_claims")
    evidence_hash = models.CharField(max_length=64, help_text="SHA-256 of the document, in hex.")
    evidence_reference = models.CharField(max_length=64, help_text="Where the document is kept.")
    claimed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    staff_id = models.CharField(max_length=64, help_text="The id under which the claimant acted.")
    registered_by = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    claimed_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.CharField(max_length=32, choices=WithdrawalReason, blank=True)
    idempotency_key = models.CharField(max_length=128)
    body_hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["agency"], condition=Q(withdrawn_at__isnull=True), name="agencies_one_standing_claim_per_agency"
            ),
            models.UniqueConstraint(
                fields=["registered_by", "idempotency_key"], name="agencies_claim_is_made_once_per_key"
            ),
            models.CheckConstraint(
                condition=Q(evidence_hash__regex=r"^[0-9a-f]{64}$") & ~Q(evidence_reference=""),
                name="agencies_claim_has_evidence",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | Q(withdrawn_at__isnull=False, withdrawn_reason__in=WithdrawalReason.values),
                name="agencies_claim_is_withdrawn_for_a_known_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class SelfGoverningApproval(models.Model):
    """One person's approval of a claim. Two different people's, neither of them the claimant's, make it hold."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    claim = models.ForeignKey(SelfGoverningClaim, on_delete=models.PROTECT, related_name="approvals")
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["claim", "approved_by"], name="agencies_claim_is_approved_once_by_each")
        ]

    def __str__(self) -> str:
        return f"{self.claim_id} by {self.approved_by_id}"


class Client(AbstractApplication):
    """An integration: a program that acts for one agency, always on behalf of a named member of its staff."""

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="clients")
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    previous_secret = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    certificate_bound = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Gets tokens over mTLS only, bound to the certificate (RFC 8705 section 3.4).",
    )
    active = models.BooleanField(default=True)

    class Meta(AbstractApplication.Meta):
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"

    def is_usable(self, request: Any) -> bool:
        """Say whether the client may get a token now: it and its agency are active."""
        return self.active and self.agency.active


class CodeListItem(models.Model):
    """One code of one shared list, with its words and the dates on which it holds. A correction is a data change."""

    list_name = models.CharField(max_length=40)
    scope = models.CharField(max_length=40, blank=True, help_text="What the code is for, where a list serves several.")
    code = models.CharField(max_length=64)
    position = models.PositiveSmallIntegerField(default=0)
    label_da = models.CharField(max_length=200)
    label_en = models.CharField(max_length=200)
    attributes = models.JSONField(default=dict, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["list_name", "scope", "position", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["list_name", "scope", "code", "valid_from"], name="agencies_codelistitem_is_unique_from_a_date"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=models.F("valid_from")),
                name="agencies_codelistitem_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.list_name}/{self.code}"


class Area(models.Model):
    """A municipality, police district, region or special area, on the dates it exists. Both dates are inclusive."""

    kind = models.CharField(max_length=24)
    code = models.CharField(max_length=16)
    name_da = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    source = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "code", "valid_from"], name="agencies_area_is_unique_from_a_date")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name_da}"


class AreaWithin(models.Model):
    """Which police district or region a municipality lies in, on which dates. Both dates are inclusive."""

    municipality_code = models.CharField(max_length=16)
    kind = models.CharField(max_length=24)
    within_code = models.CharField(max_length=16)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    source = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "areas within"
        constraints = [
            models.UniqueConstraint(
                fields=["municipality_code", "kind", "valid_from"], name="agencies_areawithin_is_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.municipality_code} in {self.within_code}"
