"""
The administration of agencies, memberships, clients and code lists, and of nothing else: no client data is in it.

Every change is an act with a ledger entry and a field history. Nothing is deleted; what is over is made inactive.
"""

from typing import Any
from urllib.parse import urlencode

from auditlog.mixins import AuditlogHistoryAdminMixin
from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from agencies import directory, duty
from agencies.duty_models import DutyContact
from agencies.models import Agency, CodeListItem, Membership, Role, User
from agencies.throttling import failures
from api_schema.words import Words
from audit import log
from audit.facts import Actor, Refusal, Subject

PASSWORD_FAILURES_MOST = 10
WAIT = Words("Vent et minut, før du prøver igen.", "Wait a minute before you try again.")


class SelfGranted(Refusal, PermissionDenied):
    """Administrators give themselves no role in an agency."""

    code = "role-self-granted"


class NotAFunction(Refusal, PermissionDenied):
    """A duty contact is reached by a function mailbox, not by a person's own."""

    code = "personal-mailbox"


class Administration(AdminSite):
    """A site of its own, so that no library's models are in it."""

    site_header = "Udvej"
    site_title = "Udvej"
    index_title = "Administration"

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        """Let administrators change their own password; a recorded act like any other change."""
        if request.method != "POST":
            return super().password_change(request, extra_context)
        actor = Actor(user=str(request.user.pk), role="administrator")
        with log.act("administration.password", by=actor, about=Subject("agencies.user", str(request.user.pk))) as act:
            response: HttpResponse = super().password_change(request, extra_context)
            act.detail = {"saved": "yes" if response.status_code == 302 else "no"}  # noqa: PLR2004
        return response

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Let people sign in: at the provider, where one is configured, and then with no password."""
        if not settings.OIDC_ISSUER:
            return self._with_a_password(request, extra_context)
        if request.user.is_authenticated:
            raise PermissionDenied  # signed in, and no administrator: the provider would only send them back
        return HttpResponseRedirect(f"/oidc/authenticate/?{urlencode({'next': request.GET.get('next', '/admin/')})}")

    def _with_a_password(self, request: HttpRequest, extra_context: dict[str, Any] | None) -> HttpResponse:
        """Take a password, or let an address that failed too often for this account wait; and no other address."""
        if request.method != "POST":
            return super().login(request, extra_context)
        about = f"password:{request.POST.get('username', '').casefold()}"
        failed, wait = failures(request.META, about=about, more=0)
        if failed >= PASSWORD_FAILURES_MOST:
            return HttpResponse(WAIT.now(), status=429, content_type="text/plain", headers={"Retry-After": str(wait)})
        response = super().login(request, extra_context)
        if not request.user.is_authenticated:
            failures(request.META, about=about)
        return response


site = Administration(name="admin")


class RecordedAdmin(AuditlogHistoryAdminMixin, ModelAdmin):  # type: ignore[type-arg, misc]
    """Administers one model; each submission is one act, and a refused form changes nothing."""

    show_auditlog_history_link = True
    actions = None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        actor = Actor(user=str(request.user.pk), role="administrator")
        known = self.get_object(request, unquote(object_id)) if object_id else None
        about = Subject(self.model._meta.label_lower, str(known.pk) if known else "")
        with log.act("administration.change", by=actor, about=about) as act:
            response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
            saved = response.status_code == 302 and (known is not None or object_id is None)  # noqa: PLR2004
            act.detail = {"saved": "yes" if saved else "no", **self.told(request)}
        return response

    def told(self, request: HttpRequest) -> dict[str, str]:
        """Return what else the entry says of the form that was sent: codes, never a value."""
        return {}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AgencyAdmin(RecordedAdmin):
    list_display = ("name_da", "kind", "code", "capacity", "active")
    list_filter = ("kind", "active")
    search_fields = ("name_da", "code")
    readonly_fields = ("self_governing_approved",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for role in Role:
            directory.role_group(obj, role)


class MembershipAdmin(RecordedAdmin):
    list_display = ("staff_id", "agency", "role", "active")
    list_filter = ("role", "active")
    search_fields = ("staff_id",)
    autocomplete_fields = ("agency", "user")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """
        Save the membership, and keep the account in the group of this role and of no other in the agency.

        Raises `SelfGranted`, recorded, where administrators would give themselves a role.
        """
        if obj.user_id == request.user.pk:
            raise SelfGranted
        group = directory.role_group(obj.agency, obj.role)
        obj.role_group = group
        super().save_model(request, obj, form, change)
        obj.user.groups.remove(*[other.group for other in obj.agency.role_groups.exclude(pk=group.pk)])
        obj.user.groups.add(group.group)


class UserAdmin(RecordedAdmin):
    """Accounts, found by name when a membership is made; made inactive, never deleted."""

    fields = ("username", "is_active")
    list_display = ("username", "is_active")
    search_fields = ("username",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)


class DutyContactAdmin(RecordedAdmin):
    """Whom the exchange tells that something waits for an agency: a function mailbox, never a person's own."""

    fields = ("agency", "email")
    list_display = ("agency", "email")
    autocomplete_fields = ("agency",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("agency",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the contact as a version of its own. Raises `NotAFunction`, recorded, for a private mailbox."""
        if duty.personal(obj.email):
            raise NotAFunction
        obj.version += 1
        super().save_model(request, obj, form, change)


class CodeListItemAdmin(RecordedAdmin):
    list_display = ("list_name", "scope", "code", "label_da", "valid_from", "valid_to")
    list_filter = ("list_name",)
    search_fields = ("code", "label_da", "label_en")


site.register(Agency, AgencyAdmin)
site.register(Membership, MembershipAdmin)
site.register(DutyContact, DutyContactAdmin)
site.register(User, UserAdmin)
site.register(CodeListItem, CodeListItemAdmin)
