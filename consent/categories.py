"""The data categories: the unit of disclosure (domain.md, Data categories). Pure."""

from enum import StrEnum


class Category(StrEnum):
    STATUS = "status"
    CONTACT = "contact"
    IDENTITY = "identity"
    BACKGROUND = "background"
    REASON = "reason"
    CONCERN = "concern"
    HEALTH = "health"
    CRIMINAL = "criminal"
    SAFETY = "safety"
    NETWORK = "network"
    NEEDS = "needs"
    OUTCOME = "outcome"


ARTICLE_9 = frozenset({Category.CONCERN, Category.HEALTH})
"""Special categories of GDPR art. 9, as sections."""

ARTICLE_10 = frozenset({Category.CRIMINAL})
"""Criminal convictions and offences, GDPR art. 10."""

CONTENT = tuple(category for category in Category if category is not Category.STATUS)
"""The categories that hold content somebody wrote; `status` is computed."""

SUBMITTED = tuple(category for category in CONTENT if category is not Category.OUTCOME)
"""The categories a sender may fill; `outcome` is written by moves."""

APART = ("identity.cpr", "reason.necessity", *(f"{category.value}.message" for category in CONTENT))
"""What is sealed apart from the section it belongs to: named by the category, a dot, and the member."""

NAMES = tuple(category.value for category in Category)
CONTENT_NAMES = tuple(category.value for category in CONTENT)
"""The same as plain words, for the wire."""
