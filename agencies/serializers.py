"""The wire form of the directory and the code lists. No personal data."""

from typing import Any

from rest_framework import serializers

from agencies.models import LISTED_KINDS, Agency, Capacity, CodeListItem
from api_schema.validation import CodeField


class NameSerializer(serializers.Serializer[Any]):
    da = serializers.CharField()
    en = serializers.CharField()


class CapacitySerializer(serializers.Serializer[Any]):
    state = CodeField(choices=[value for value, _ in Capacity.choices])
    updated_at = serializers.DateTimeField()


class AgencySerializer(serializers.Serializer[Any]):
    """An agency in the directory."""

    id = serializers.UUIDField()
    kind = CodeField(choices=[value for value, _ in LISTED_KINDS])
    code = serializers.CharField()
    name = NameSerializer()
    offers = serializers.ListField(child=serializers.CharField())
    capacity = CapacitySerializer()


class CodeSerializer(serializers.Serializer[Any]):
    """One code of a list, with its words and the dates on which it holds."""

    code = serializers.CharField()
    scope = serializers.CharField(help_text="What the code is for, where a list serves several; else empty.")
    label = NameSerializer()  # type: ignore[assignment]
    attributes = serializers.DictField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)


def agency_body(agency: Agency) -> dict[str, Any]:
    """Return an agency as its wire form."""
    return {
        "id": str(agency.id),
        "kind": agency.kind,
        "code": agency.code,
        "name": {"da": agency.name_da, "en": agency.name_en},
        "offers": agency.offers,
        "capacity": {"state": agency.capacity, "updated_at": agency.capacity_updated_at},
    }


def code_body(item: CodeListItem) -> dict[str, Any]:
    """Return a code as its wire form."""
    return {
        "code": item.code,
        "scope": item.scope,
        "label": {"da": item.label_da, "en": item.label_en},
        "attributes": item.attributes,
        "valid_from": item.valid_from,
        "valid_to": item.valid_to,
    }
