"""Where a municipality lies on a day, and which agency it is: both dates of a period are days on which it holds."""

from datetime import date, timedelta
from itertools import count

import pytest

from agencies import directory
from agencies.models import Agency, Area, AreaWithin
from tests.exchange import Exchange

TODAY = date(2026, 11, 22)
FIRST, LAST = date(2020, 3, 1), date(2024, 2, 29)
NEXT_FIRST = date(2024, 3, 1)
A_DAY = timedelta(days=1)
CODES = count(1)


@pytest.fixture
def moved() -> str:
    """A municipality that was in one district, then in another, and then was no more."""
    code = f"M{next(CODES)}"
    Area.objects.create(kind="municipality", code=code, name_da="Prøve", valid_from=FIRST, valid_to=TODAY)
    AreaWithin.objects.bulk_create(
        AreaWithin(municipality_code=code, kind=kind, within_code=within, valid_from=begins, valid_to=ends)
        for kind, within, begins, ends in (
            ("police_district", "D-before", FIRST, LAST),
            ("police_district", "D-after", NEXT_FIRST, TODAY),
            ("region", "R", FIRST, None),
        )
    )
    return code


@pytest.mark.parametrize(
    ("on", "district"),
    [
        (FIRST - A_DAY, None),
        (FIRST, "D-before"),
        (LAST - A_DAY, "D-before"),
        (LAST, "D-before"),
        (NEXT_FIRST, "D-after"),
        (TODAY, "D-after"),
        (TODAY + A_DAY, None),
    ],
)
def test_a_municipality_lies_in_the_district_of_that_day(moved: str, on: date, district: str | None) -> None:
    assert directory.home_district(moved, on=on) == district


@pytest.mark.parametrize(
    ("on", "is_one"), [(FIRST - A_DAY, False), (FIRST, True), (LAST, True), (TODAY, True), (TODAY + A_DAY, False)]
)
def test_a_code_is_a_municipalitys_from_its_first_day_to_its_last(moved: str, on: date, is_one: bool) -> None:
    assert directory.is_municipality(moved, on=on) is is_one


def test_of_two_periods_that_overlap_the_later_one_holds(moved: str) -> None:
    AreaWithin.objects.create(
        municipality_code=moved, kind="police_district", within_code="D-corrected", valid_from=NEXT_FIRST + A_DAY
    )
    assert directory.home_district(moved, on=NEXT_FIRST) == "D-after"
    assert directory.home_district(moved, on=NEXT_FIRST + A_DAY) == "D-corrected"


@pytest.mark.parametrize(
    ("code", "district"), [("0101", "1470"), ("0751", "1461"), ("0461", "1465"), ("0400", "1471"), ("0183", "1469")]
)
def test_the_real_ones_lie_where_they_do(code: str, district: str) -> None:
    assert directory.home_district(code, on=TODAY) == district
    assert directory.home_district(code, on=date(2027, 1, 1)) == district
    assert directory.home_district(code, on=date(2006, 12, 31)) is None
    assert directory.is_municipality(code, on=TODAY)
    agency = directory.municipality_agency(code)
    assert agency is not None
    assert (agency.kind, agency.code) == ("municipality", code)


@pytest.mark.parametrize("code", ["0411", "1470", "1084", "9999", "", "101"])
def test_what_is_no_municipality_has_no_district_and_is_no_agency(code: str) -> None:
    """0411 is Christiansø's code, and Christiansø is no municipality; 1470 is a police district, 1084 a region."""
    assert directory.is_municipality(code, on=TODAY) is False
    assert directory.home_district(code, on=TODAY) is None
    assert directory.municipality_agency(code) is None


def test_a_municipality_that_no_longer_takes_part_is_no_agency(exchange: Exchange) -> None:
    code = exchange.stranger.agency.code
    assert directory.municipality_agency(code) == exchange.stranger.agency
    Agency.objects.filter(pk=exchange.stranger.agency.pk).update(active=False)
    assert directory.municipality_agency(code) is None


def test_an_exchange_has_a_district_of_its_own_with_its_municipality_and_its_prevention_unit(
    exchange: Exchange,
) -> None:
    """What the tests of other rooms rest on."""
    home = directory.home_district(exchange.municipality.agency.code, on=TODAY)
    assert home == exchange.police.agency.code == exchange.district()
    assert home != directory.home_district(exchange.stranger.agency.code, on=TODAY)
    assert home != Exchange().district()
    assert directory.is_municipality(exchange.stranger.agency.code, on=TODAY)
    assert len(exchange.municipality.agency.code) == 4
