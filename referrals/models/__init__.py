"""
What a referral and all that belongs to it are in the database.

Only `actions`, `disclosure` and `listing`, and the acts beside them, may import this room: no view, serializer or admin
has a referral to return. The application's role can write content but can't read it back (migrations/0002).
"""

from referrals.models.conversation import Attachment
from referrals.models.duties import BreakGlass, Task, Withholding
from referrals.models.grants import Access, ReferralGroupObjectPermission, ReferralUserObjectPermission
from referrals.models.inspection import Export
from referrals.models.notices import DeadlineNotice
from referrals.models.referral import HEADER, PARTIES, BatchKey, Referral, Section, consent_until

__all__ = [
    "HEADER",
    "PARTIES",
    "Access",
    "Attachment",
    "BatchKey",
    "BreakGlass",
    "DeadlineNotice",
    "Export",
    "Referral",
    "ReferralGroupObjectPermission",
    "ReferralUserObjectPermission",
    "Section",
    "Task",
    "Withholding",
    "consent_until",
]
