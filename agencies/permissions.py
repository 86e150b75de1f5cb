"""Whether a request may reach a view at all. What it may see there is decided inside a recorded act."""

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from agencies.principals import Principal

if TYPE_CHECKING:  # rest_framework.views imports this module while it is itself being imported
    from rest_framework.views import APIView


class DenyAll(BasePermission):
    """The default: a view that names no permission answers nobody."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return False


class IsPrincipal(BasePermission):
    """Anyone with a valid token, where the operation says which scope it needs; nobody where it does not."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        answered = request.method != "OPTIONS" and hasattr(view, str(request.method).lower())
        return isinstance(request.user, Principal) and (request.user.needs is not None or not answered)


def needs_of(request: Request) -> tuple[str, ...] | None:
    """Return the scopes, any of which the operation asked for needs; None where nobody said which."""
    view = (request.parser_context or {}).get("view")
    method = getattr(view, str(request.method).lower(), None)
    found: tuple[str, ...] | None = getattr(method, "needed_scopes", None)
    return found
