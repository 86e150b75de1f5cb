"""
Enrols agencies, members of staff and clients: rows only, inside whatever act is under way.

Used where reference and demo data are loaded, and by the admin; nothing here opens a transaction.
"""

from dataclasses import dataclass

from agencies import directory
from agencies.models import Agency, Client, Membership, Role, User
from agencies.secrets import new_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A client's id and secret. The secret is shown once, when it is made; only its hash is kept."""

    client_id: str
    client_secret: str


def enrol_agency(*, kind: str, code: str, name_da: str, name_en: str, offers: tuple[str, ...] = ()) -> Agency:
    """Return the agency of this kind and code, made where it is missing, with a group for each role."""
    agency = Agency.objects.filter(kind=kind, code=code).first()
    if agency is None:
        agency = Agency.objects.create(kind=kind, code=code, name_da=name_da, name_en=name_en, offers=list(offers))
    for role in Role:
        directory.role_group(agency, role)
    return agency


def enrol_member(agency: Agency, *, staff_id: str, role: Role) -> Membership:
    """Return the agency's member with this id, made where missing, with an account that can't sign in."""
    found = Membership.objects.filter(agency=agency, staff_id=staff_id).first()
    if found is not None:
        return found
    user = User(username=f"{agency.code}:{staff_id}")
    user.set_unusable_password()
    user.save()
    group = directory.role_group(agency, role)
    user.groups.add(group.group)
    return Membership.objects.create(agency=agency, user=user, role=role, role_group=group, staff_id=staff_id)


def enrol_client(agency: Agency, *, client_id: str, scopes: tuple[str, ...]) -> Secret:
    """Give the agency's client of this id a new secret and these scopes, making it where it is missing; return both."""
    secret = new_secret()
    client = Client.objects.filter(client_id=client_id, agency=agency).first() or Client(
        client_id=client_id,
        agency=agency,
        name=f"{agency.name_da}: fagsystem",
        client_type=Client.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS,
    )
    client.scopes = list(scopes)
    client.client_secret = secret
    client.save()
    return Secret(client_id=client_id, client_secret=secret)
