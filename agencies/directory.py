"""The questions other rooms ask about agencies, their groups and the shared code lists. Nothing personal is here."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.utils import timezone

from agencies.models import (
    WORKING_ROLES,
    Agency,
    Area,
    AreaWithin,
    CodeListItem,
    Kind,
    Membership,
    Role,
    RoleGroup,
)
from api_schema.words import Words


def active_agency(agency_id: UUID) -> Agency | None:
    """Return the agency, or None where there is none, it no longer takes part, or is a police unit that never does."""
    return _listed().filter(pk=agency_id).first()


def hold(agency_id: UUID) -> None:
    """Lock an agency until the act ends, against others that count what it has; what refers to it need not wait."""
    Agency.objects.select_for_update(no_key=True).values_list("pk").get(pk=agency_id)


def agency_ids() -> Sequence[UUID]:
    """Return the ids of all agencies there are or have been."""
    return list(Agency.objects.values_list("id", flat=True).order_by("id"))


def named(ids: Collection[UUID]) -> dict[UUID, Agency]:
    """Return these agencies by their ids; also one that no longer takes part, since what it did is still its own."""
    return Agency.objects.in_bulk(list(ids))


def working_groups(agency_id: UUID) -> Sequence[RoleGroup]:
    """Return the role groups that are granted what the agency sends or receives; none where it has no part."""
    groups = RoleGroup.objects.filter(agency=agency_id, role__in=WORKING_ROLES).exclude(agency__kind=Kind.POLICE)
    return list(groups.select_related("group"))


def role_group(agency: Agency, role: str) -> RoleGroup:
    """Return the group of a role in an agency; it is made where it is missing."""
    found = RoleGroup.objects.filter(agency=agency, role=role).first()
    if found is not None:
        return found
    group, _ = Group.objects.get_or_create(name=f"{agency.id}:{role}")
    return RoleGroup.objects.create(agency=agency, role=role, group=group)


def member(agency_id: UUID, staff_id: str) -> Membership | None:
    """Return the member that an agency knows by this id, whether or not they still act for it, or None."""
    return Membership.objects.filter(agency=agency_id, staff_id=staff_id).first()


def active_member(agency_id: UUID, staff_id: str, *, roles: Sequence[Role]) -> Membership | None:
    """Return the agency's active member with this id, where they have one of these roles, or None."""
    named = Membership.objects.filter(agency=agency_id, staff_id=staff_id, role__in=roles)
    return named.filter(active=True, user__is_active=True, agency__active=True).first()


def counsellors(agency_id: UUID, staff_ids: Sequence[str]) -> Sequence[Membership]:
    """Return the active members with these ids who may be assigned to a referral."""
    return list(
        Membership.objects.filter(
            agency=agency_id,
            staff_id__in=staff_ids,
            active=True,
            user__is_active=True,
            role__in=[Role.COUNSELLOR, Role.COORDINATOR, Role.CASEWORKER],
        ).select_related("user")
    )


def valid_items(list_name: str, *, on: date, **narrowed: Any) -> Sequence[CodeListItem]:
    """Return the codes of a list that hold on a day."""
    return list(CodeListItem.objects.filter(_holds(on), list_name=list_name, **narrowed))


def code_list(list_name: str) -> Sequence[CodeListItem]:
    """Return every code of a list that has not lapsed, in the list's order."""
    holds = Q(valid_to__isnull=True) | Q(valid_to__gte=timezone.now().date())
    return list(CodeListItem.objects.filter(holds, list_name=list_name))


def labels(list_names: Collection[str]) -> dict[tuple[str, str], Words]:
    """Return the words of every code of these lists, by list and code; of a code that lapsed as well."""
    rows = CodeListItem.objects.filter(list_name__in=list_names).order_by("valid_from")
    return {(row.list_name, row.code): Words(row.label_da, row.label_en) for row in rows}


def agencies(*, kind: str = "", code: str = "", after: UUID | None = None, limit: int) -> Sequence[Agency]:
    """Return the agencies that take part, in keyset order of their ids."""
    wanted = {"kind": kind, "code": code, "id__gt": after}
    found = _listed().filter(**{name: value for name, value in wanted.items() if value})
    return list(found.order_by("id")[:limit])


def is_municipality(code: str, *, on: date) -> bool:
    """Say whether the code is a municipality's on that day; 0411 (Christiansø) is a code, and no municipality's."""
    return Area.objects.filter(_holds(on), kind="municipality", code=code).exists()


def municipality_agency(code: str) -> Agency | None:
    """Return the municipality with this code, or None where none takes part."""
    return _listed().filter(kind=Kind.MUNICIPALITY, code=code).first()


def home_district(municipality_code: str, *, on: date) -> str | None:
    """
    Return the code of the police district that a municipality lies in on that day, the first and last days of the
    period included; None where the code is no municipality's then.
    """
    lies = AreaWithin.objects.filter(_holds(on), municipality_code=municipality_code, kind="police_district")
    return lies.order_by("-valid_from").values_list("within_code", flat=True).first()


def _listed() -> QuerySet[Agency]:
    return Agency.objects.filter(active=True).exclude(kind=Kind.POLICE)


def _holds(on: date) -> Q:
    return Q(valid_from__lte=on) & (Q(valid_to__isnull=True) | Q(valid_to__gte=on))
