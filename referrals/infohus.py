"""
Whose case it is on that date: the person's home municipality and its own police district (rule 15).

The infohus is the cooperation of one municipality with the police's crime-prevention unit of its district, so a
referral that the police take part in, or that comes through an infohus, goes to those two and to no other municipality
or district.
"""

from datetime import date

from agencies import directory
from agencies.models import Agency, Kind
from api_schema.validation import FieldError, refuse
from api_schema.words import Words
from referrals.errors import NotCovered
from referrals.models import Referral

CHANNEL = "police_infohus"
HOME_UNKNOWN = Words(
    "Angiv personens bopælskommune i sections.background.municipality_of_residence: en sag med politiet eller et "
    "infohus går kun til den og til dens egen politikreds.",
    "State the person's home municipality in sections.background.municipality_of_residence: a case with the police or "
    "an infohus goes to it and to its own police district alone.",
)
NO_MUNICIPALITY = Words("Koden er ikke en kommune den dag.", "The code is no municipality on that day.")
NOT_HOME = Words(
    "Kun personens bopælskommune deltager i en sag med politiet eller et infohus.",
    "Only the person's home municipality takes part in a case with the police or an infohus.",
)
NOT_DISTRICT = Words(
    "Kun bopælskommunens egen politikreds deltager i sagen.",
    "Only the police district of the home municipality takes part in the case.",
)


def concerns(referral: Referral) -> bool:
    """Say whether the police or an infohus take part: a party, the basis or the channel tells."""
    kinds = {party.kind for party in (referral.sender, referral.recipient) if party is not None}
    under_115 = referral.basis is not None and referral.basis.code.startswith("RPL115-")
    return Kind.POLICE_PREVENTION in kinds or under_115 or referral.channel == CHANNEL


def check_home(referral: Referral, *, on: date) -> None:
    """Refuse a referral of the police or an infohus beyond home municipality and district. Raises `NotCovered`."""
    if not concerns(referral):
        return
    home = referral.home_municipality
    if not home or not directory.is_municipality(home, on=on):
        words = NO_MUNICIPALITY if home else HOME_UNKNOWN
        place = "/sections/background/municipality_of_residence"
        raise NotCovered(errors=[refuse(place, "home_municipality_needed", words)])
    district = directory.home_district(home, on=on)
    errors = [
        *_beyond("/recipient", referral.recipient, home, district),
        *_beyond("/sender", referral.sender, home, district),
    ]
    if errors:
        raise NotCovered(errors=errors)


def _beyond(pointer: str, party: Agency | None, home: str, district: str | None) -> list[FieldError]:
    if party is None:
        return []
    if party.kind == Kind.MUNICIPALITY and party.code != home:
        return [refuse(pointer, "not_the_home_municipality", NOT_HOME)]
    if party.kind == Kind.POLICE_PREVENTION and party.code != district:
        return [refuse(pointer, "not_the_home_district", NOT_DISTRICT)]
    return []
