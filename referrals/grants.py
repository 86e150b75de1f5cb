"""
Gives agencies and people their rows: django-guardian's object permissions, and the list rows that go with them.

Grant and list row are written in the same transaction as the move that gives them, by the acts in `actions`.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from django.contrib.auth.models import Permission

from agencies import directory
from agencies.models import Membership
from referrals.lifecycle import Side
from referrals.models import Access, Referral, ReferralGroupObjectPermission, ReferralUserObjectPermission

GRANTED = ("view_referral", "work_referral")


def grant_to_agency(referral: Referral, agency_id: UUID, *, side: Side, at: datetime) -> None:
    """Let the working role groups of an agency see and work on the referral, and find it in their lists from now."""
    groups = directory.working_groups(agency_id)
    for codename in GRANTED:
        ReferralGroupObjectPermission.objects.assign_perm_to_many(
            _permission(codename), [group.group for group in groups], referral, ignore_conflicts=True
        )
    Access.objects.bulk_create(
        [Access(role_group=group, side=side, listed_at=at, referral=referral) for group in groups],
        ignore_conflicts=True,
    )


@cache
def _permission(codename: str) -> Permission:
    return Permission.objects.get(content_type__app_label="referrals", codename=codename)


def assign(referral: Referral, members: Sequence[Membership]) -> None:
    """Assign the referral to these members and to nobody else."""
    ReferralUserObjectPermission.objects.filter(content_object=referral).exclude(
        user__in=[member.user for member in members]
    ).delete()
    for member in members:
        ReferralUserObjectPermission.objects.assign_perm("counsel_referral", member.user, referral)
