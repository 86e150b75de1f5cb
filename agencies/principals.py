"""
Who asks: the agency, the client or person, the role, and on whose behalf. Frozen, built once a request.

It carries facts; `authentication` establishes them and `acting` holds a principal to them.
"""

from dataclasses import dataclass
from typing import cast
from uuid import UUID

from rest_framework.request import Request

from agencies.models import Kind, Role
from api_schema.scopes import holds
from audit.facts import Actor

DEFAULT_PURPOSES: dict[tuple[str, str], str] = {
    (Kind.MUNICIPALITY, Role.CASEWORKER): "exit_support",
    (Kind.MUNICIPALITY, Role.COORDINATOR): "exit_support",
    (Kind.EXIT_CENTRE, Role.COUNSELLOR): "exit_support",
    (Kind.EXIT_CENTRE, Role.COORDINATOR): "exit_support",
    (Kind.EXIT_CENTRE, Role.CASEWORKER): "exit_support",
    (Kind.POLICE_PREVENTION, Role.CASEWORKER): "crime_prevention",
    (Kind.POLICE_PREVENTION, Role.COORDINATOR): "crime_prevention",
}
"""The purpose where a role has just one (api.md, Every request)."""

OWN_PURPOSES: dict[str, str] = {Role.AUDITOR: "audit", Role.ADMINISTRATOR: "administration"}
"""The roles with a purpose of their own, whatever the agency: they have no other, and nobody else has theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """
    One asker. `user` and what follows are empty where a client names nobody on whose behalf it acts.

    `needs` is what the operation needs that is asked for, as `needed_scopes` says it; None where none is, as in a
    command: then a resource's own name is needed.
    """

    agency: UUID
    kind: str
    client: str
    scopes: frozenset[str]
    needs: tuple[str, ...] | None = None
    self_governing: bool = False
    user: int | None = None
    membership: UUID | None = None
    staff_id: str = ""
    role: str = ""
    group: int | None = None

    is_authenticated = True

    @property
    def actor(self) -> Actor:
        """The principal as the ledger names it."""
        return Actor(
            agency=self.agency,
            client=self.client,
            user="" if self.user is None else str(self.user),
            on_behalf_of=self.staff_id,
            role=self.role,
        )

    @property
    def default_purpose(self) -> str:
        """The purpose that goes without saying for this role, or the empty string where several are possible."""
        return OWN_PURPOSES.get(self.role) or DEFAULT_PURPOSES.get((self.kind, self.role), "")

    def lacks(self, resource: str) -> str | None:
        """Return the scope that is missing to do this with a resource here, or None where nothing is."""
        needs = (resource,) if self.needs is None else self.needs
        of_it = [scope for scope in needs if scope.partition(":")[0] == resource]
        if any(holds(self.scopes, scope) for scope in of_it):
            return None
        return of_it[0] if of_it else resource


def principal_of(request: Request) -> Principal:
    """Return who asks. The view's permission class has already refused a request without a principal."""
    return cast(Principal, request.user)
