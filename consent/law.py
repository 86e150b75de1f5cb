"""
What follows from a consent's kind and categories: lawful basis, rights, special categories, uses. Pure.

The codes of law are those of W3C DPV's EU-GDPR extension. What follows is stored with each record when it is made.
"""

from collections.abc import Collection
from datetime import timedelta

from consent.categories import ARTICLE_9, Category
from consent.coverage import ENDS, GIVES

LATE_AFTER = timedelta(hours=24)
"""Registered more than this after it was given, a consent is flagged (rule 5)."""

SPECIAL = ARTICLE_9 | {Category.REASON}
"""The categories that reveal what GDPR art. 9 protects; `reason` says why somebody leaves a political milieu."""

WRITTEN_KINDS = frozenset({"HEALTH_SL43"})
"""The kinds that the law wants in writing (Sundhedsloven § 44)."""

WRITTEN = frozenset({"written", "digital"})

FORBIDDEN_ALWAYS = "investigation"
"""No consent permits it, whatever a record says (rule 8; domain.md, Legal bases)."""

USES = ("contact_person", "contact_family", "onward_disclosure", "evaluation", "research", "investigation")

INVALID_BECAUSE = (
    "recorded_in_error",
    "wrong_person",
    "not_informed",
    "not_free",
    "given_by_wrong_person",
    "form_missing",
)

RIGHTS = ("A7-3", "A13", "A14", "A15", "A16", "A17", "A18")
TO_OBJECT, TO_COMPLAIN = "A21", "A77"


def special_category(categories: Collection[str]) -> bool:
    """Say whether a consent is about special categories of personal data (GDPR art. 9)."""
    return bool(set(categories) & SPECIAL)


def lawful_basis(kind: str, categories: Collection[str]) -> list[str]:
    """
    Return the GDPR grounds of what the consent allows.

    Only GDPR_BASIS is itself a ground; an authority that asks to lift confidentiality acts on art. 6(1)(e), and its
    art. 9 ground is not the consent's to say (reference/consent_kinds.json).
    """
    if kind != "GDPR_BASIS":
        return ["A6-1-e-official-authority"]
    return ["A6-1-a-explicit-consent", *(["A9-2-a"] if special_category(categories) else [])]


def rights(kind: str) -> list[str]:
    """Return the person's rights (GDPR chapter III, art. 7(3) and 77); to object, where consent is not the ground."""
    return [*RIGHTS, *([] if kind == "GDPR_BASIS" else [TO_OBJECT]), TO_COMPLAIN]


def allowed_actions(state: str, *, own: bool) -> list[str]:
    """Return what may happen next to a consent in a state; a recipient may only pass a withdrawal on."""
    if state in {"requested", "expired", *GIVES}:
        mine = ["give", "refuse"] if state == "requested" else ["renew"]
        return [*(mine if own else []), "withdraw", *(["invalidate"] if own else [])]
    return ["invalidate"] if own and state in ENDS - {"invalidated"} else []
