"""The administration: eight models, no client data, every change an act with its entry and its history."""

from uuid import uuid4

import pytest
from auditlog.models import LogEntry
from django.test import Client as Browser

from agencies.client_admin import site
from agencies.models import Agency, Client, Membership, User
from audit.models import Entry
from tests.agencies import administering
from tests.exchange import Exchange


@pytest.fixture
def administrator(exchange: Exchange) -> User:
    return administering.administrator()


@pytest.fixture
def browser(administrator: User) -> Browser:
    return administering.browser_of(administrator)


def agency_form(agency: Agency, **changes: str) -> dict[str, str]:
    return {
        "kind": agency.kind,
        "code": agency.code,
        "name_da": agency.name_da,
        "name_en": agency.name_en,
        "offers": "",
        "capacity": "available",
        "capacity_updated_at_0": "2026-11-01",
        "capacity_updated_at_1": "08:00:00",
        "active": "on",
        **changes,
    }


def test_it_holds_agencies_memberships_clients_accounts_and_code_lists_and_nothing_else() -> None:
    held = {model._meta.label for model in site._registry}
    assert held == {
        "agencies.Agency",
        "agencies.Membership",
        "agencies.Client",
        "agencies.ClientKey",
        "agencies.DutyContact",
        "agencies.PersonLogin",
        "agencies.User",
        "agencies.CodeListItem",
    }


def test_without_signing_in_there_is_only_the_way_to_sign_in(exchange: Exchange) -> None:
    answer = Browser().get("/admin/agencies/agency/")
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/admin/login/")


def test_a_change_is_an_entry_with_the_real_actor_and_its_history(
    exchange: Exchange, browser: Browser, administrator: User
) -> None:
    agency = exchange.centre.agency
    answer = browser.post(f"/admin/agencies/agency/{agency.pk}/change/", agency_form(agency, capacity="full"))
    assert answer.status_code == 302, answer.content
    entry = Entry.objects.get(subject_kind="agencies.agency", subject_id=str(agency.pk), outcome="done")
    assert (entry.action, entry.actor_user, entry.role) == (
        "administration.change",
        str(administrator.pk),
        "administrator",
    )
    row = LogEntry.objects.get(cid=str(entry.correlation))
    assert (row.actor_id, row.changes["capacity"]) == (administrator.pk, ["available", "full"])
    assert entry.changes


def test_an_agency_is_made_as_one_that_is_not_self_governing_whatever_the_form_says(
    exchange: Exchange, browser: Browser
) -> None:
    code = f"ny-{uuid4().hex[:8]}"
    assert browser.get("/admin/agencies/agency/add/").status_code == 200
    form = agency_form(exchange.centre.agency, code=code, self_governing_approved="on")
    assert browser.post("/admin/agencies/agency/add/", form).status_code == 302
    made = Agency.objects.get(code=code)
    assert (made.kind, made.self_governing_approved) == ("exit_centre", False)
    again = browser.post(f"/admin/agencies/agency/{made.pk}/change/", {**form, "name_en": "Another"})
    made.refresh_from_db()
    assert (again.status_code, made.name_en, made.self_governing_approved) == (302, "Another", False)


def test_a_refused_form_changes_nothing(exchange: Exchange, browser: Browser) -> None:
    agency = exchange.centre.agency
    answer = browser.post(f"/admin/agencies/agency/{agency.pk}/change/", agency_form(agency, kind="secret_service"))
    assert answer.status_code == 200
    entry = Entry.objects.get(subject_kind="agencies.agency", subject_id=str(agency.pk))
    assert (entry.detail, entry.changes) == ({"saved": "no"}, "")
    agency.refresh_from_db()
    assert agency.kind == "exit_centre"


@pytest.mark.parametrize("model", ["agency", "membership", "client", "user", "codelistitem"])
def test_nothing_can_be_deleted(browser: Browser, model: str) -> None:
    assert browser.get(f"/admin/agencies/{model}/").status_code == 200
    assert browser.post(f"/admin/agencies/{model}/1/delete/", {"post": "yes"}).status_code in {302, 403}
    assert browser.post(
        f"/admin/agencies/{model}/", {"action": "delete_selected", "_selected_action": "1"}
    ).status_code in {200, 302, 403}


def test_a_new_client_is_given_a_secret_that_is_shown_once_and_kept_as_a_hash(
    exchange: Exchange, browser: Browser
) -> None:
    name = f"Fagsystem {uuid4().hex[:8]}"
    form = {"name": name, "agency": str(exchange.municipality.agency.pk), "scopes": "referrals", "active": "on"}
    answer = browser.post("/admin/agencies/client/add/", form, follow=True)
    shown = answer.content.decode().split("shown this once: ")[1].split("<")[0].strip()
    client = Client.objects.get(name=name)
    assert client.client_secret.startswith("udvej_random_secret$")
    assert shown not in client.client_secret
    exchange.municipality.client_id, exchange.municipality.client_secret = client.client_id, shown
    assert exchange.municipality.fetch_token().status == 200


def test_administrators_give_themselves_no_role(exchange: Exchange, browser: Browser, administrator: User) -> None:
    form = {
        "agency": str(exchange.centre.agency.pk),
        "user": str(administrator.pk),
        "role": "counsellor",
        "staff_id": "myself",
        "active": "on",
    }
    assert browser.post("/admin/agencies/membership/add/", form).status_code == 403
    assert not Membership.objects.filter(user=administrator).exists()
    entry = Entry.objects.filter(actor_user=str(administrator.pk)).latest("id")
    assert (entry.outcome, entry.refusal) == ("refused", "role-self-granted")


def test_a_changed_role_is_the_only_one_left(exchange: Exchange, browser: Browser) -> None:
    member = Membership.objects.get(staff_id=exchange.centre.staff["caseworker-1"])
    form = {
        "agency": str(member.agency_id),
        "user": str(member.user_id),
        "role": "counsellor",
        "staff_id": member.staff_id,
        "active": "on",
    }
    assert browser.post(f"/admin/agencies/membership/{member.pk}/change/", form).status_code == 302
    member.refresh_from_db()
    assert member.role_group.role == "counsellor"
    assert [group.role_group.role for group in member.user.groups.all()] == ["counsellor"]


def test_a_changed_password_is_an_entry(exchange: Exchange, administrator: User, browser: Browser) -> None:
    form = {"old_password": "wrong", "new_password1": "x", "new_password2": "y"}
    assert browser.post("/admin/password_change/", form).status_code == 200
    entry = Entry.objects.filter(actor_user=str(administrator.pk)).latest("id")
    assert (entry.action, entry.detail) == ("administration.password", {"saved": "no"})
