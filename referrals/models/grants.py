"""
Who has been granted which rows: django-guardian's object permissions on direct foreign keys, and the lists beside them.
"""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from agencies.models import RoleGroup


class ReferralGroupObjectPermission(GroupObjectPermissionBase):
    """django-guardian's grants of a referral to an agency's role group, on a direct foreign key."""

    content_object = models.ForeignKey("referrals.Referral", on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        default_permissions = ()


class ReferralUserObjectPermission(UserObjectPermissionBase):
    """django-guardian's grants of a referral to one person: the counsellors it is assigned to."""

    content_object = models.ForeignKey("referrals.Referral", on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        default_permissions = ()


class Access(models.Model):
    """
    Which referrals a role group finds in its lists, in list order; kept in the grant's own transaction.

    The grants say who may; this table makes a page of what they may one index range.
    """

    role_group = models.ForeignKey(RoleGroup, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=12)
    listed_at = models.DateTimeField()
    referral = models.ForeignKey("referrals.Referral", on_delete=models.CASCADE, related_name="access")

    class Meta:
        verbose_name_plural = "access"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["role_group", "referral", "side"], name="referrals_access_is_listed_once"),
        ]
        indexes = [
            models.Index(fields=["role_group", "side", "-listed_at", "-referral"], name="referrals_access_list_order"),
        ]

    def __str__(self) -> str:
        return f"{self.role_group_id}:{self.referral_id}"
