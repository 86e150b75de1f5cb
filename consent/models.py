"""
Subjects, their sealed identifiers, legal bases, notices, and consents with their events.

A consent is never edited, only followed by events; a legal basis is never rewritten, only followed by a version. The
database holds both to it (migrations/0002).
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from agencies.ids import UUIDv7
from agencies.models import Agency

SCHEMA_VERSION = "https://w3id.org/dpv/schema/dpv-27560#record"
"""What a record conforms to: ISO/IEC TS 27560:2023 in DPV's profile (dct:conformsTo in DPV's guide)."""


class Mode(models.TextChoices):
    """How much the exchange knows about who the person is."""

    IDENTIFIED = "identified", "Identificeret"
    PSEUDONYMOUS = "pseudonymous", "Pseudonym"
    ANONYMOUS = "anonymous", "Anonym"


class Subject(models.Model):
    """
    The person a referral is about, as one agency knows them: an opaque id.

    The key that seals their content lies outside the database (`keystore`). `formerly` is the anonymous case of theirs,
    linked on their own recorded wish (rule 11).
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    mode = models.CharField(max_length=16, choices=Mode)
    registered_by = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    birth_year = models.PositiveSmallIntegerField(null=True)
    formerly = models.ForeignKey("self", on_delete=models.PROTECT, related_name="+", null=True)
    wished_at = models.DateTimeField(null=True)
    wish_method = models.CharField(max_length=24, blank=True)
    erased_at = models.DateTimeField(
        null=True, help_text="When the key was destroyed; the content opens nowhere since."
    )
    ledger_name = models.CharField(
        max_length=64, blank=True, db_default="", help_text="The commitment by which the ledger names the person."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="consent_subject_mode_is_known"),
            models.CheckConstraint(
                condition=Q(formerly__isnull=True) | (Q(wished_at__isnull=False) & ~Q(wish_method="")),
                name="consent_subject_is_linked_on_their_own_wish",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Identifier(models.Model):
    """
    By what an agency finds a person it knows: a keyed hash, under a key of that agency's own.

    The same number at two agencies gives two hashes, so not even the database tells that both know the person. It is
    kept for each case that it was told in, whose id is opaque here: what one case corrects, another still stands on.
    """

    id = models.BigAutoField(primary_key=True)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="identifiers")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    told_in = models.UUIDField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["told_in", "kind"], name="consent_identifier_is_one_of_its_kind"),
        ]
        indexes = [models.Index(fields=["digest"], name="consent_identifier_by_digest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class LegalBasis(models.Model):
    """A ground for disclosure, in one version. A disclosure names code and version, so the past stays as it was."""

    code = models.CharField(max_length=32)
    version = models.PositiveSmallIntegerField(default=1)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    title_da = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    statute = models.TextField()
    regime = models.TextField(blank=True)
    nature = models.CharField(max_length=16)
    carries = models.CharField(
        max_length=16, default="referral", help_text="What goes on it; `anonymous` is a referral of nobody known."
    )
    consent_kind = models.CharField(max_length=32, blank=True)
    sender_kinds = ArrayField(models.CharField(max_length=32))
    recipient_kinds = ArrayField(models.CharField(max_length=32))
    article_9 = models.CharField(max_length=16)
    article_10 = models.CharField(max_length=16)
    subject_age_min = models.PositiveSmallIntegerField(null=True, blank=True)
    subject_age_max = models.PositiveSmallIntegerField(null=True, blank=True)
    purposes = ArrayField(models.CharField(max_length=32))
    purpose_limits_da = models.TextField(blank=True)
    purpose_limits_en = models.TextField(blank=True)
    necessity_statement = models.BooleanField(default=False)
    investigation = models.CharField(max_length=16)
    self_governing_only = models.BooleanField(default=False)
    source = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "legal bases"
        ordering = ["code", "version"]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="consent_legalbasis_version_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class Notice(models.Model):
    """A text that tells the person what they consent to, in one version and language. It is never rewritten."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    version = models.CharField(max_length=32)
    language = models.CharField(max_length=8)
    title = models.CharField(max_length=200)
    text = models.TextField()
    hash = models.CharField(max_length=64, help_text="SHA-256 of the text's UTF-8 bytes, in hexadecimal.")
    legal_review = models.CharField(max_length=16)
    valid_from = models.DateField()

    class Meta:
        default_permissions = ()
        ordering = ["version", "language"]
        constraints = [
            models.UniqueConstraint(fields=["version", "language"], name="consent_notice_version_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.language}"


class Kind(models.TextChoices):
    """What a consent is for in law (code list consent-kinds)."""

    GDPR_BASIS = "GDPR_BASIS"
    CONFIDENTIALITY_WAIVER = "CONFIDENTIALITY_WAIVER"
    SOCIAL_COLLECTION = "SOCIAL_COLLECTION"
    HEALTH_SL43 = "HEALTH_SL43"
    PARTICIPATION = "PARTICIPATION"
    NOTIFY_PARENT = "NOTIFY_PARENT"


class Consent(models.Model):
    """
    A record of a subject's choice, with the fields of ISO/IEC TS 27560 as W3C DPV's guide maps them, and some of ours.

    What the record says of law, storage and rights is stored with it, so that a later change of them does not rewrite
    it. `version` counts its events; it is the ETag, and the row that a withdrawal and a release both lock.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="consents")
    registered_by = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=32)
    recipients = ArrayField(models.UUIDField())
    purposes = ArrayField(models.CharField(max_length=32))
    categories = ArrayField(models.CharField(max_length=16))
    report_back = models.BooleanField(default=False)
    given_by = models.CharField(max_length=24)
    maturity_assessed = models.BooleanField(default=False)
    maturity_assessed_by = models.CharField(
        max_length=64, default="", db_default="", blank=True, help_text="The agency's own id of the assessor."
    )
    maturity_assessed_at = models.DateTimeField(null=True)
    permitted_uses = ArrayField(models.CharField(max_length=32), default=list, db_default=[])
    forbidden_uses = ArrayField(models.CharField(max_length=32), default=list, db_default=[])
    schema_version = models.CharField(max_length=64, default=SCHEMA_VERSION, db_default=SCHEMA_VERSION)
    controllers = ArrayField(models.UUIDField(), default=list, db_default=[])
    storage_location = models.CharField(max_length=8, default="DK", db_default="DK")
    retention = models.CharField(max_length=32, default="disposal_rule", db_default="disposal_rule")
    jurisdiction = models.CharField(max_length=8, default="DK", db_default="DK")
    withdrawal_method = models.CharField(max_length=32, default="either_agency", db_default="either_agency")
    rights = ArrayField(models.CharField(max_length=16), default=list, db_default=[])
    lawful_basis = ArrayField(models.CharField(max_length=48), default=list, db_default=[])
    notice_version = models.CharField(max_length=32)
    notice_language = models.CharField(max_length=8)
    notice_hash = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=160)
    body_hash = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=1)
    registered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["registered_by", "idempotency_key"], name="consent_consent_is_created_once_per_key"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="consent_consent_kind_is_known"),
            models.CheckConstraint(
                condition=Q(given_by__in=["subject", "custody_holder"]), name="consent_consent_giver_is_known"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Shared(models.Model):
    """
    That a consent came to another agency's knowledge: something rested on it between the two, or does.

    To be named as a recipient tells an agency nothing yet (rule 13). Never edited or removed: who was told once may
    always read it, and receive a withdrawal.
    """

    id = models.BigAutoField(primary_key=True)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="shared")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    shared_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["consent", "agency"], name="consent_shared_is_said_once"),
        ]

    def __str__(self) -> str:
        return f"{self.consent_id} {self.agency_id}"


class EventKind(models.TextChoices):
    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    RENEWED = "renewed"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    INVALIDATED = "invalidated"


class Entity(models.TextChoices):
    """Who did what an event tells of; a custody holder is known by the role alone."""

    SUBJECT = "subject"
    CUSTODY_HOLDER = "custody_holder"
    AGENCY = "agency"


class ConsentEvent(models.Model):
    """Something that happened to a consent. Never edited or removed; the consent's state is computed from these."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=EventKind)
    at = models.DateTimeField(help_text="When it happened.")
    registered_at = models.DateTimeField(help_text="When the exchange was told.")
    expires_at = models.DateTimeField(null=True, help_text="Until when a given or renewed consent holds.")
    method = models.CharField(max_length=24)
    evidence_hash = models.CharField(max_length=64, blank=True)
    entity = models.CharField(max_length=16, choices=Entity, default="", db_default="", blank=True)
    witness = models.CharField(
        max_length=64, default="", db_default="", blank=True, help_text="The agency's own id of who was there."
    )
    reason = models.CharField(
        max_length=32, default="", db_default="", blank=True, help_text="Why it was invalidated, as a code."
    )
    registered_by = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        ordering = ["consent", "number"]
        constraints = [
            models.UniqueConstraint(fields=["consent", "number"], name="consent_event_number_is_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=["given", "renewed"], expires_at__isnull=False, expires_at__gt=models.F("at"))
                | (~Q(kind__in=["given", "renewed"]) & Q(expires_at__isnull=True)),
                name="consent_event_given_or_renewed_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(at__lte=models.F("registered_at")), name="consent_event_is_registered_after_it_happened"
            ),
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="consent_event_kind_is_known"),
            models.CheckConstraint(condition=Q(entity__in=["", *Entity.values]), name="consent_event_entity_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"
