"""What the geographic reference files say, on any date. Reads the files alone: no database, no Django."""

import csv
import datetime as dt
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "agencies" / "reference"
FILES = (
    "municipalities.csv",
    "municipality_districts.csv",
    "municipality_regions.csv",
    "police_districts.csv",
    "regions.csv",
    "special_areas.csv",
)
LAST_DAY_OF_FIVE_REGIONS = dt.date(2026, 12, 31)
FIRST_DAY_OF_FOUR_REGIONS = dt.date(2027, 1, 1)
DATES = (
    dt.date(2007, 1, 1),
    dt.date(2016, 2, 29),
    dt.date(2026, 11, 22),
    LAST_DAY_OF_FIVE_REGIONS,
    FIRST_DAY_OF_FOUR_REGIONS,
    dt.date(2050, 6, 1),
)
Row = dict[str, str]


def rows(name: str) -> list[Row]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def valid(row: Row, on: dt.date) -> bool:
    """Both ends are days on which the row holds; an empty valid_to is open."""
    starts = dt.date.fromisoformat(row["valid_from"])
    ends = dt.date.fromisoformat(row["valid_to"]) if row["valid_to"] else dt.date.max
    return starts <= on <= ends


def valid_rows(name: str, on: dt.date) -> list[Row]:
    return [row for row in rows(name) if valid(row, on)]


def region_of(code: str, on: dt.date) -> list[str]:
    links = valid_rows("municipality_regions.csv", on)
    return [link["region_code"] for link in links if link["municipality_code"] == code]


def district_of(code: str, on: dt.date) -> list[str]:
    links = valid_rows("municipality_districts.csv", on)
    return [link["police_district_code"] for link in links if link["municipality_code"] == code]


@pytest.mark.parametrize("on", DATES)
def test_there_are_98_municipalities(on: dt.date) -> None:
    codes = [row["code"] for row in valid_rows("municipalities.csv", on)]
    assert len(codes) == len(set(codes)) == 98


def test_a_municipality_code_is_four_digits() -> None:
    codes = [row["code"] for row in rows("municipalities.csv")]
    assert all(len(code) == 4 and code.isdigit() for code in codes)


@pytest.mark.parametrize("on", DATES)
def test_there_are_12_police_districts(on: dt.date) -> None:
    codes = {row["code"] for row in valid_rows("police_districts.csv", on)}
    assert codes == {str(code) for code in range(1460, 1472)}


@pytest.mark.parametrize(
    ("on", "codes"),
    [
        (LAST_DAY_OF_FIVE_REGIONS, {"1081", "1082", "1083", "1084", "1085"}),
        (FIRST_DAY_OF_FOUR_REGIONS, {"1081", "1082", "1083", "OESTDANMARK"}),
    ],
)
def test_five_regions_become_four_on_new_years_day_2027(on: dt.date, codes: set[str]) -> None:
    assert {row["code"] for row in valid_rows("regions.csv", on)} == codes


def test_only_the_code_of_region_oestdanmark_is_a_placeholder() -> None:
    marks = {row["code"]: row["is_placeholder_code"] for row in rows("regions.csv")}
    assert set(marks.values()) == {"yes", "no"}
    assert [code for code, mark in marks.items() if mark == "yes"] == ["OESTDANMARK"]


def test_a_region_that_ends_names_the_one_that_follows_it_the_next_day() -> None:
    regions = {row["code"]: row for row in rows("regions.csv")}
    ended = {code: row for code, row in regions.items() if row["valid_to"]}
    assert set(ended) == {"1084", "1085"}
    for row in ended.values():
        next_day = dt.date.fromisoformat(row["valid_to"]) + dt.timedelta(days=1)
        assert regions[row["successor_code"]]["valid_from"] == next_day.isoformat()


@pytest.mark.parametrize("on", DATES)
def test_each_municipality_has_exactly_one_region(on: dt.date) -> None:
    regions = {row["code"] for row in valid_rows("regions.csv", on)}
    for municipality in valid_rows("municipalities.csv", on):
        (region,) = region_of(municipality["code"], on)
        assert region in regions


@pytest.mark.parametrize("on", DATES)
def test_each_municipality_has_exactly_one_police_district(on: dt.date) -> None:
    districts = {row["code"] for row in valid_rows("police_districts.csv", on)}
    for municipality in valid_rows("municipalities.csv", on):
        (district,) = district_of(municipality["code"], on)
        assert district in districts


@pytest.mark.parametrize("name", ["municipality_regions.csv", "municipality_districts.csv"])
def test_the_links_of_a_municipality_have_neither_gap_nor_overlap(name: str) -> None:
    by_municipality: dict[str, list[Row]] = {}
    for row in rows(name):
        by_municipality.setdefault(row["municipality_code"], []).append(row)
    assert set(by_municipality) == {row["code"] for row in rows("municipalities.csv")}
    for links in by_municipality.values():
        links.sort(key=lambda link: link["valid_from"])
        assert links[0]["valid_from"] == "2007-01-01"
        assert links[-1]["valid_to"] == ""
        for earlier, later in pairwise(links):
            ended = dt.date.fromisoformat(earlier["valid_to"])
            assert dt.date.fromisoformat(later["valid_from"]) == ended + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("on", "sizes"),
    [
        (
            LAST_DAY_OF_FIVE_REGIONS,
            {"1081": 11, "1082": 19, "1083": 22, "1084": 29, "1085": 17},
        ),
        (
            FIRST_DAY_OF_FOUR_REGIONS,
            {"1081": 11, "1082": 19, "1083": 22, "OESTDANMARK": 46},
        ),
    ],
)
def test_the_regions_have_these_many_municipalities(on: dt.date, sizes: dict[str, int]) -> None:
    links = valid_rows("municipality_regions.csv", on)
    assert Counter(link["region_code"] for link in links) == sizes


def test_the_police_districts_have_these_many_municipalities() -> None:
    links = valid_rows("municipality_districts.csv", FIRST_DAY_OF_FOUR_REGIONS)
    assert Counter(link["police_district_code"] for link in links) == {
        "1460": 9,
        "1461": 7,
        "1462": 11,
        "1463": 7,
        "1464": 8,
        "1465": 10,
        "1466": 7,
        "1467": 10,
        "1468": 13,
        "1469": 11,
        "1470": 4,
        "1471": 1,
    }


@pytest.mark.parametrize(
    ("name", "district", "region_before", "region_after"),
    [
        ("København", "1470", "1084", "OESTDANMARK"),
        ("Ishøj", "1469", "1084", "OESTDANMARK"),
        ("Roskilde", "1467", "1085", "OESTDANMARK"),
        ("Bornholm", "1471", "1084", "OESTDANMARK"),
        ("Odense", "1465", "1083", "1083"),
        ("Skanderborg", "1463", "1082", "1082"),
        ("Thisted", "1462", "1081", "1081"),
    ],
)
def test_a_municipality_may_change_region_and_keep_its_police_district(
    name: str, district: str, region_before: str, region_after: str
) -> None:
    (code,) = (row["code"] for row in rows("municipalities.csv") if row["name"] == name)
    before, after = LAST_DAY_OF_FIVE_REGIONS, FIRST_DAY_OF_FOUR_REGIONS
    assert (district_of(code, before), region_of(code, before)) == ([district], [region_before])
    assert (district_of(code, after), region_of(code, after)) == ([district], [region_after])


def test_christiansoe_is_no_municipality() -> None:
    for name in ("municipality_regions.csv", "municipality_districts.csv"):
        assert "0411" not in {row["municipality_code"] for row in rows(name)}
    assert "0411" not in {row["code"] for row in rows("municipalities.csv")}


@pytest.mark.parametrize(
    ("on", "nearest_region"),
    [(LAST_DAY_OF_FIVE_REGIONS, "1084"), (FIRST_DAY_OF_FOUR_REGIONS, "OESTDANMARK")],
)
def test_christiansoe_is_policed_from_bornholm(on: dt.date, nearest_region: str) -> None:
    (area,) = valid_rows("special_areas.csv", on)
    assert (area["code"], area["name"]) == ("0411", "Christiansø")
    assert area["police_district_code"] == "1471"
    assert area["nearest_region_code"] == nearest_region


@pytest.mark.parametrize("name", FILES)
def test_each_row_names_its_source_and_its_first_day(name: str) -> None:
    for row in rows(name):
        assert row["source"]
        assert dt.date.fromisoformat(row["valid_from"]).year > 1900
        assert not row["valid_to"] or row["valid_from"] <= row["valid_to"]


@pytest.mark.parametrize("name", ["police_districts.csv", "regions.csv"])
def test_a_name_is_given_in_danish_and_english(name: str) -> None:
    assert all(row["name_da"] and row["name_en"] for row in rows(name))


@pytest.mark.parametrize("name", FILES)
def test_no_value_has_spaces_around_it(name: str) -> None:
    text = (HERE / name).read_bytes().decode("utf-8")
    assert text.endswith("\n")
    assert "\r" not in text
    for row in rows(name):
        assert all(value == value.strip() for value in row.values())


def test_danish_letters_are_themselves() -> None:
    names = {row["name"] for row in rows("municipalities.csv")}
    assert {"København", "Ærø", "Aabenraa", "Tårnby"} <= names
