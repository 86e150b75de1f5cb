"""An operation on its way out says so, in the contract and in every answer, and is not taken away without notice."""

from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import yaml
from django.test import Client, override_settings
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_schema.deprecation import Deprecation
from api_schema.describe import operation
from api_schema.drift import COMMITTED
from api_schema.problems import NotFound

DECIDED = Deprecation(since=date(2026, 11, 1), instead="read_new", sunset=date(2027, 11, 1))
UNDECIDED = Deprecation(since=date(2026, 11, 1), instead="read_new")


class Said(serializers.Serializer[None]):
    word = serializers.CharField()


class Old(APIView):
    """A view whose operations are on their way out, one with a day on which it ends."""

    permission_classes = [AllowAny]

    @operation("read_old", "Read", tag="Test", response=Said, got={"word": "old"}, deprecated=DECIDED)
    def get(self, request: Request) -> Response:
        if "absent" in request.query_params:
            raise NotFound
        return Response({"word": "old"})

    @operation("write_old", "Write", tag="Test", response=Said, got={"word": "old"}, deprecated=UNDECIDED)
    def post(self, request: Request) -> Response:
        return Response({"word": "old"})


class New(APIView):
    """A view that stays."""

    permission_classes = [AllowAny]

    @operation("read_new", "Read", tag="Test", response=Said, got={"word": "new"})
    def get(self, request: Request) -> Response:
        return Response({"word": "new"})


urlpatterns = [path("api/v1/old", Old.as_view()), path("api/v1/new", New.as_view())]
handler404 = "api_schema.problems.unknown_address"


@pytest.fixture
def client() -> Any:
    with override_settings(ROOT_URLCONF=__name__):
        yield Client()


def test_every_answer_of_a_deprecated_operation_says_since_when_and_until_when(client: Client) -> None:
    for answer in (client.get("/api/v1/old"), client.head("/api/v1/old"), client.get("/api/v1/old?absent=1")):
        assert answer.status_code in (200, 404)
        assert answer["Deprecation"] == f"@{int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())}"
        assert parsedate_to_datetime(answer["Sunset"]) == datetime(2027, 11, 1, tzinfo=UTC)
        assert answer["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
        assert 'rel="deprecation"' in answer["Link"]
        assert 'rel="sunset"' in answer["Link"]


def test_one_whose_end_is_not_decided_has_no_sunset(client: Client) -> None:
    answer = client.post("/api/v1/old", {}, content_type="application/json")
    assert answer.status_code == 200
    assert "Deprecation" in answer
    assert "Sunset" not in answer
    assert "sunset" not in answer["Link"]


@pytest.mark.parametrize("address", ["/api/v1/new", "/api/v1/nowhere"])
def test_what_stays_says_nothing_of_the_kind(client: Client, address: str) -> None:
    assert not {"Deprecation", "Sunset", "Link"} & set(client.get(address).headers)


def test_a_method_that_is_not_there_is_not_deprecated(client: Client) -> None:
    answer = client.delete("/api/v1/old")
    assert answer.status_code == 405
    assert "Deprecation" not in answer


@pytest.mark.no_database
def test_the_contract_marks_it_with_words_and_headers() -> None:
    drawn = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    read, write, stays = (
        drawn["paths"][f"/api/v1/{p}"][m] for p, m in (("old", "get"), ("old", "post"), ("new", "get"))
    )
    assert (read["deprecated"], write["deprecated"], stays.get("deprecated")) == (True, True, None)
    assert read["description"].endswith("**Deprecated** since 2026-11-01: use `read_new`. It ends on 2027-11-01.")
    assert write["description"].endswith("**Deprecated** since 2026-11-01: use `read_new`.")
    assert {"Deprecation", "Sunset", "Link"} <= set(read["responses"]["200"]["headers"])
    assert not {"Deprecation", "Sunset"} & set(stays["responses"]["200"]["headers"])


@pytest.mark.no_database
def test_a_sunset_without_a_years_notice_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="365 days"):
        Deprecation(since=date(2026, 11, 1), instead="read_new", sunset=date(2027, 10, 31))


@pytest.mark.no_database
def test_no_committed_operation_is_served_past_its_sunset_or_points_nowhere() -> None:
    contract = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    operations = [described for methods in contract["paths"].values() for described in methods.values()]
    names = {described["operationId"] for described in operations}
    for described in operations:
        words = described["description"]
        if described.get("deprecated"):
            assert words.partition("use `")[2].partition("`")[0] in names, described["operationId"]
            ends = words.partition("It ends on ")[2].rstrip(".")
            assert not ends or date.fromisoformat(ends) > datetime.now(UTC).date(), described["operationId"]
