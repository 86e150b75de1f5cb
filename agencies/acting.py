"""
Opens a recorded act for a principal, and holds the principal to what it may ever do.

Every act in the apps above goes through here, so scope, role, the person acted for and the purpose are checked in one
place, inside the act: a refusal is recorded like anything else that happens. To a police unit that does not prevent,
nothing is there (rule 8).
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from rest_framework.request import Request

from agencies.errors import (
    NotThere,
    OnBehalfOfRequired,
    PurposeForbidden,
    PurposeMissing,
    PurposeNotAllowed,
    RoleMayNot,
    ScopeMissing,
)
from agencies.models import WORKING_ROLES, Kind
from agencies.principals import OWN_PURPOSES, Principal
from api_schema.words import Words
from audit import log
from audit.facts import Subject

PURPOSES = (
    "exit_support",
    "case_follow_up",
    "crime_prevention",
    "child_protection",
    "averting_danger",
    "subject_access",
    "audit",
    "administration",
    "investigation",
)
"""The purposes a request may state. `investigation` may be stated, and is refused and recorded."""


def purpose_of(request: Request, by: Principal) -> str:
    """
    Return the request's purpose: the `Purpose` header, or the role's own where it has just one.

    Raises `PurposeMissing` (400) where there is neither, or the code is unknown; not to whom nothing is there at all.
    """
    purpose = request.headers.get("Purpose", by.default_purpose)
    if by.kind == Kind.POLICE:
        return purpose if purpose in PURPOSES else ""
    if not purpose and by.membership is None:
        return ""  # nobody is named yet: `acting` says so first
    if purpose not in PURPOSES:
        known = ", ".join(purpose for purpose in PURPOSES if purpose != "investigation")
        raise PurposeMissing(
            Words(f"Send headeren Purpose med en af: {known}.", f"Send a Purpose header, one of: {known}.")
        )
    return purpose


@contextmanager
def acting(
    action: str,
    *,
    by: Principal,
    about: Subject,
    purpose: str,
    scope: str = "referrals",
    roles: Collection[str] = WORKING_ROLES,
    changes: bool = True,
) -> Iterator[log.Act]:
    """
    Do one recorded thing for a principal; see `audit.log.act` for what committing and refusing mean.

    Raises `NotThere` to a police unit that does not prevent, whatever it asks; else `ScopeMissing`,
    `OnBehalfOfRequired`, `RoleMayNot`, `PurposeForbidden` or `PurposeNotAllowed`; each recorded. The purpose `audit` is
    the auditors' alone, and their only one; so is `administration` the administrators'.
    """
    with log.act(action, by=by.actor, about=about, purpose=purpose, changes=changes) as act:
        _let_in(by, scope=scope)
        if by.membership is None:
            raise OnBehalfOfRequired
        if by.role not in roles:
            raise RoleMayNot(roles=", ".join(sorted(roles)))
        if purpose == "investigation":
            raise PurposeForbidden
        reserved = purpose if purpose in OWN_PURPOSES.values() else None
        if reserved != OWN_PURPOSES.get(by.role):
            raise PurposeNotAllowed
        yield act


@contextmanager
def acting_for_nobody(action: str, *, by: Principal, about: Subject, scope: str) -> Iterator[log.Act]:
    """
    Do one recorded thing for a client itself, where nothing personal moves: nobody need be named, and none is refused.

    Raises `NotThere` to a police unit that does not prevent, and `ScopeMissing`; each recorded.
    """
    with log.act(action, by=by.actor, about=about, changes=False) as act:
        _let_in(by, scope=scope)
        yield act


def _let_in(by: Principal, *, scope: str) -> None:
    """Raise `NotThere` to a police unit that does not prevent, and `ScopeMissing` without the scope."""
    if by.kind == Kind.POLICE:
        raise NotThere
    if missing := by.lacks(scope):
        raise ScopeMissing(scope=missing)
