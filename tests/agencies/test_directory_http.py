"""The directory of agencies and the code lists: open to any token, with nothing personal in them."""

from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.exchange import Exchange

LISTS = {
    "statuses": {"draft", "submitted", "taken_over_by_police"},
    "moves": {"submit", "accept", "mark_in_error"},
    "reasons": {"no_capacity", "taken_over_by_police", "other"},
    "legal-bases": {"SAMTYKKE-TAVSHED", "RPL115-SSP", "BL-133"},
    "categories": {"status", "identity", "outcome"},
    "purposes": {"exit_support", "investigation", "audit"},
    "channels": {"municipality", "online_anonymous"},
    "urgencies": {"routine", "soon", "acute"},
    "outcomes": {"out_of_milieu", "unknown"},
    "milieus": {"right", "left", "unknown"},
    "disposal-rules": {"MUNICIPAL_DISPOSAL", "RIGHT_TO_ERASURE"},
    "consent-kinds": {"CONFIDENTIALITY_WAIVER", "HEALTH_SL43"},
}


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    return Exchange()


@pytest.mark.parametrize("name", LISTS)
def test_a_code_list_names_its_codes_in_both_languages_with_their_dates(exchange: Exchange, name: str) -> None:
    answer = exchange.municipality.as_("caseworker").get(f"code-lists/{name}")
    assert answer.status == 200
    assert LISTS[name] <= {item["code"] for item in answer.body["results"]}
    for item in answer.body["results"]:
        assert set(item) == {"code", "scope", "label", "attributes", "valid_from", "valid_to"}
        assert item["label"]["da"]
        assert item["label"]["en"]


@pytest.mark.parametrize("name", ["nothing", "referrals", "agencies_agency", "reasons%00", "reasons'--"])
def test_a_list_that_is_not_there_is_not_found(exchange: Exchange, name: str) -> None:
    answer = exchange.municipality.as_("caseworker").get(f"code-lists/{name}")
    assert (answer.status, answer.body["code"]) == (404, "not-found")


def test_the_statuses_and_moves_of_the_lists_are_those_of_the_product(exchange: Exchange) -> None:
    from referrals.lifecycle import Move, Status

    caller = exchange.municipality.as_("caseworker")
    for name, codes in (("statuses", set(Status)), ("moves", set(Move))):
        assert {item["code"] for item in caller.get(f"code-lists/{name}").body["results"]} == {*map(str, codes)}


def test_the_directory_shows_an_agency_without_anybody_who_works_there(exchange: Exchange) -> None:
    caller = exchange.stranger.as_("caseworker")
    answer = caller.get(f"agencies/{exchange.centre.id}")
    assert answer.status == 200
    assert set(answer.body) == {"id", "kind", "code", "name", "offers", "capacity"}
    for staff in exchange.centre.staff.values():
        assert staff not in str(answer.body)
    assert exchange.centre.client_id not in str(answer.body)
    found = caller.get(f"agencies?code={exchange.centre.agency.code}&kind=exit_centre")
    assert [agency["id"] for agency in found.body["results"]] == [exchange.centre.id]
    assert caller.get(f"agencies?code={exchange.centre.agency.code}&kind=oversight").body["results"] == []


def test_every_municipality_is_in_the_directory_page_after_page(exchange: Exchange) -> None:
    caller = exchange.municipality.as_("caseworker")
    page = caller.get("agencies?kind=municipality&limit=60")
    codes = [agency["code"] for agency in page.body["results"]]
    while page.body["next"]:
        page = caller.get(f"agencies?kind=municipality&limit=60&cursor={quote(page.body['next'], safe='')}")
        codes += [agency["code"] for agency in page.body["results"]]
    assert len(codes) == len(set(codes))
    assert len([code for code in codes if code.startswith("0")]) == 98
    assert "0411" not in codes


@pytest.mark.parametrize("name", [str(uuid4()), "not-an-id", "0101", "%00"])
def test_an_agency_that_is_not_there_is_not_found(exchange: Exchange, name: str) -> None:
    answer = exchange.municipality.as_("caseworker").get(f"agencies/{name}")
    assert (answer.status, answer.body["code"]) == (404, "not-found")


@pytest.mark.parametrize("query", ["kind=school", "name=Comeback", "limit=0", "limit=1000", "cursor=x", "code=%00"])
def test_a_query_of_the_directory_that_is_not_understood_is_refused(exchange: Exchange, query: str) -> None:
    answer = exchange.municipality.as_("caseworker").get(f"agencies?{query}")
    assert (answer.status, answer.body["code"]) == (400, "malformed")


def test_a_cursor_of_one_list_is_no_good_for_another(exchange: Exchange) -> None:
    caller = exchange.municipality.as_("caseworker")
    cursor = quote(caller.get("agencies?limit=1").body["next"], safe="")
    assert caller.get(f"agencies?limit=1&kind=municipality&cursor={cursor}").status == 400
    assert caller.get(f"referrals?cursor={cursor}").status == 400


def test_nothing_in_the_directory_is_changed_through_the_api(exchange: Exchange) -> None:
    caller = exchange.municipality.as_("administrator")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("agencies", f"agencies/{exchange.municipality.id}", "code-lists/reasons"):
            answer = caller.call(method, path, {"capacity": "full"})
            assert (answer.status, answer.body["code"]) == (405, "method-not-allowed")
