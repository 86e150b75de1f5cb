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
    """Anyone with a valid token."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return isinstance(request.user, Principal)
