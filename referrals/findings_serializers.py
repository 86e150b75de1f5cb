"""The wire form of findings: an auditor's question, and what looks like misuse with the entries that show it."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from api_schema import pagination
from api_schema.validation import CodeField, ReferenceField, StrictSerializer, TimeField
from referrals import inspection
from referrals.findings import Findings
from referrals.patterns.catalogue import CODES
from referrals.patterns.saved import Finding

SEVERITIES = ("critical", "high", "medium")


class FindingsBodySerializer(StrictSerializer):
    """An auditor's question, with the case it is asked in."""

    case_number = ReferenceField(required=False)
    reason = CodeField(choices=inspection.REASONS, required=False)
    pattern = CodeField(choices=CODES, required=False)
    agency = serializers.UUIDField(required=False)
    since = TimeField(required=False)
    until = TimeField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=pagination.SIZE_MAX, default=pagination.SIZE)
    cursor = serializers.CharField(max_length=1000, required=False)


class FindingSubject(serializers.Serializer[None]):
    kind = serializers.CharField()
    id = serializers.CharField()


class EvidenceEntry(serializers.Serializer[None]):
    id = serializers.UUIDField()
    leaf_hash = serializers.CharField(help_text="By this an inclusion proof is asked for.")


class EvidenceSerializer(serializers.Serializer[None]):
    """The entries that show it."""

    entries = EvidenceEntry(many=True, help_text="The newest, at most 20.")
    total = serializers.IntegerField()


class FindingSerializer(serializers.Serializer[None]):
    """Something to look into."""

    pattern = serializers.ChoiceField(choices=CODES)
    severity = serializers.ChoiceField(choices=SEVERITIES)
    agency = serializers.UUIDField(allow_null=True)
    staff = serializers.CharField(help_text="Empty where it is several, or another agency's.")
    subject = FindingSubject()
    count = serializers.IntegerField(help_text="How many different ones: cases, people, searches, entries.")
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    evidence = EvidenceSerializer()


class FoundPeriod(serializers.Serializer[None]):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()


class FindingPage(serializers.Serializer[None]):
    results = FindingSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    period = FoundPeriod()
    incomplete = serializers.ListField(
        child=serializers.CharField(),
        help_text="Patterns with more to look at than is looked at: ask for a shorter period, or one agency.",
    )


def findings_body(found: Findings) -> dict[str, Any]:
    """Return a page of findings. Another agency's staff are named to the oversight body alone."""
    return {
        **pagination.listed([_finding(each, found) for each in found.findings], found.next),
        "period": {"since": found.period.since, "until": found.period.until},
        "incomplete": list(found.incomplete),
    }


def _finding(finding: Finding, found: Findings) -> dict[str, Any]:
    return {
        "pattern": finding.pattern,
        "severity": found.severities[finding.pattern],
        "agency": _text(finding.agency),
        "staff": finding.staff if found.whole or finding.agency == found.reader else "",
        "subject": {"kind": finding.kind, "id": finding.subject},
        "count": finding.count,
        "first_at": finding.first_at,
        "last_at": finding.last_at,
        "evidence": {
            "entries": [{"id": entry, "leaf_hash": leaf} for entry, leaf in finding.evidence],
            "total": finding.total,
        },
    }


def _text(agency: UUID | None) -> str | None:
    return None if agency is None else str(agency)
