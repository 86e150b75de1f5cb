"""How the committed contract describes an agency's duty contact."""

from agencies.duty_serializers import DutyContactBodySerializer, DutyContactSerializer
from api_schema.describe import CHANGES, PERSONAL, VERSIONED, operation

TAG = "Duty contacts"
BODY = {"email": "vagthavende@kommunen.example"}
CONTACT = {"agency": "019a9e6c-6f7e-7a53-9d0f-3d5a6f0f1a01", **BODY}

read_duty_contact = operation(
    "read_duty_contact",
    "Read whom the exchange tells that something waits",
    description="The mailbox of your agency's duty contact (vagthavende), for the agency's administrators. It is told "
    "before a deadline and when one has passed, and where to sign in; never how many, whom or what it is about. "
    "Version 0 is one that nobody has set.",
    tag=TAG,
    response=DutyContactSerializer,
    got=CONTACT,
    traits=[PERSONAL, VERSIONED],
)
set_duty_contact = operation(
    "set_duty_contact",
    "Say whom the exchange tells that something waits",
    description="For the agency's administrators. A function mailbox that several people read: one at a provider of "
    "private mail is refused. Empty, nobody is told, and the deadlines pass all the same.",
    tag=TAG,
    request=DutyContactBodySerializer,
    response=DutyContactSerializer,
    sent=BODY,
    got=CONTACT,
    traits=[PERSONAL, CHANGES],
    problems=["invalid"],
)
