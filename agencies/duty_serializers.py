"""The wire form of an agency's duty contact."""

from typing import Any

from rest_framework import serializers

from agencies.duty import Contact
from api_schema.validation import StrictSerializer


class DutyContactBodySerializer(StrictSerializer):
    """The body of `PUT /agencies/{id}/duty-contact`."""

    email = serializers.EmailField(
        max_length=254,
        allow_blank=True,
        help_text="A function mailbox that several people read, never a person's own. Empty: nobody is told.",
    )


class DutyContactSerializer(serializers.Serializer[Any]):
    """Whom the exchange tells that something waits."""

    agency = serializers.UUIDField()
    email = serializers.CharField(help_text="Empty where nobody is told.")


def contact_body(contact: Contact) -> dict[str, Any]:
    """Return a duty contact as its wire form."""
    return {"agency": str(contact.agency), "email": contact.email}
