"""Who takes part in the demo exchange, and that loading them twice changes nothing that an integrator has set up."""

import base64
import json
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from agencies.models import Kind, Role
from api_schema.validation import holds_cpr
from config.demo.cast import AGENCIES, OVERSIGHT
from tests.exchange import Exchange

EVERYONE = (*AGENCIES, *OVERSIGHT)


@pytest.mark.no_database
def test_there_are_several_of_each_kind_and_one_police_unit_that_does_not_prevent() -> None:
    kinds = Counter(party.kind for party in EVERYONE)
    assert kinds.pop(Kind.POLICE) == 1
    assert set(kinds) == set(Kind) - {Kind.POLICE}
    assert min(kinds.values()) >= 2


@pytest.mark.no_database
def test_every_role_is_played_wherever_it_can_be() -> None:
    for party in AGENCIES:
        working = Role.COUNSELLOR if party.kind == Kind.EXIT_CENTRE else Role.CASEWORKER
        others = {Role.COORDINATOR, Role.AUDITOR, Role.ADMINISTRATOR, Role.INTEGRATION}
        assert set(party.staff.values()) == {working, *others}, party.code
    for party in OVERSIGHT:
        assert Counter(party.staff.values()) == {Role.AUDITOR: 1, Role.ADMINISTRATOR: 2}, party.code


@pytest.mark.no_database
def test_a_staff_id_is_one_persons_and_says_nothing_about_them() -> None:
    ids = [staff_id for party in EVERYONE for staff_id in party.staff]
    assert len(set(ids)) == len(ids)
    assert not any(holds_cpr(staff_id) for staff_id in ids)


@pytest.mark.no_database
def test_who_is_not_in_the_reference_data_says_that_it_is_a_demo() -> None:
    invented = [party for party in EVERYONE if party.name_da]
    assert all("demo" in party.name_da and "demo" in party.name_en for party in invented)
    assert {party.kind for party in EVERYONE} - {party.kind for party in invented} == {
        Kind.MUNICIPALITY,
        Kind.POLICE_PREVENTION,
    }


def test_the_demo_file_names_them_all_and_keeps_the_secrets_when_written_again(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "demo.json"
    monkeypatch.setenv("UDVEJ_DEMO_FILE", str(file))
    call_command("load_demo")
    first = json.loads(file.read_text(encoding="utf-8"))
    assert [agency["code"] for agency in first["agencies"]] == [party.code for party in AGENCIES]
    assert [agency["code"] for agency in first["auditors"]] == [party.code for party in OVERSIGHT]
    assert first["auditor"] == first["auditors"][0]
    assert file.stat().st_mode & 0o077 == 0
    call_command("load_demo")
    assert json.loads(file.read_text(encoding="utf-8")) == first


def test_a_database_that_does_not_know_the_clients_yet_gets_the_secrets_of_the_file(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "demo.json"
    monkeypatch.setenv("UDVEJ_DEMO_FILE", str(file))
    known = {"client_id": "demo-psykiatri-vest", "client_secret": "a-secret-that-somebody-has-set-up-already"}
    file.write_text(json.dumps({"agencies": [known]}), encoding="utf-8")
    call_command("load_demo")
    loaded = json.loads(file.read_text(encoding="utf-8"))
    secret = {each["client_id"]: each["client_secret"] for each in loaded["agencies"]}
    assert secret["demo-psykiatri-vest"] == known["client_secret"]
    assert len(set(secret.values())) == len(secret)
    credentials = base64.b64encode(f"demo-psykiatri-vest:{known['client_secret']}".encode()).decode()
    asking = APIClient(headers={"Authorization": f"Basic {credentials}"})
    form = "application/x-www-form-urlencoded"
    assert asking.post("/oauth/token", "grant_type=client_credentials", content_type=form).status_code == 200
