"""What the synthetic referrals are, and that the API would take them. Reads the file alone: no database, no server."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from api_schema.validation import CPR, REPLACEMENT_DAY
from config.management.commands.load_demo_referrals import GIVEN_AT, REFERRALS, ready_body, recipient_codes
from consent.categories import CONTENT
from referrals.bodies import ReferralBodySerializer

DATA = json.loads(REFERRALS.read_text(encoding="utf-8"))
ITEMS: list[dict[str, Any]] = DATA["items"]
BODIES: list[dict[str, Any]] = [item["body"] for item in ITEMS]
SUBMITTED = [body for body in BODIES if body["submit"]]
ANCHOR = date(2026, 11, 22)
AGENCY_IDS = {"exit-comeback": "0198c1de-0000-7000-8000-000000000001"}
ADULT_IN_2026 = 2026 - 19
"""Whoever was born in this year or before is 18 on any day of 2026; see rule 6."""

LABELS = re.compile(
    r"ekstremist|terrorist|fanatiker|kriminel|misbruger|narkoman|tilhænger|radikaliseret|farlig\b|psykopat", re.I
)
"""Words that make a person into a thing; a caseworker describes what was seen and said."""


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string of a value with where it stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, f"{path}/{index}")
    elif isinstance(value, str):
        yield path, value


def cprs() -> Iterator[tuple[str, dict[str, Any]]]:
    for body in BODIES:
        if cpr := body["sections"].get("identity", {}).get("cpr"):
            yield cpr, body["sections"]


def test_there_are_three_hundred_from_three_municipalities():
    assert Counter(item["sender"] for item in ITEMS) == {"0101": 120, "0751": 110, "0461": 70}


def test_most_are_submitted_and_the_rest_are_drafts():
    assert 0.8 < len(SUBMITTED) / len(ITEMS) < 0.9
    assert any("basis" not in body for body in BODIES if not body["submit"])


def test_every_mode_urgency_and_milieu_occurs():
    assert {body["subject"]["mode"] for body in BODIES} == {"identified", "pseudonymous", "anonymous"}
    assert {body["urgency"] for body in BODIES} == {"routine", "soon", "acute"}
    milieus = {body["sections"]["concern"]["milieu"] for body in BODIES if "concern" in body["sections"]}
    assert milieus == {"right", "left", "militant_islamist", "mixed_other", "unknown"}


def test_every_cpr_is_a_replacement_number_of_the_birth_year():
    found = list(cprs())
    assert len(found) > 50
    assert len({cpr for cpr, _ in found}) == len(found)
    for cpr, sections in found:
        day, month, year = int(cpr[:2]) - REPLACEMENT_DAY, int(cpr[2:4]), int(cpr[4:6])
        assert 1 <= day <= 28
        century = 1900 if cpr[7] in "0123" else 2000
        born = date(century + year, month, day)
        assert born.year == sections.get("background", {}).get("birth_year", born.year)
        assert 15 <= ANCHOR.year - born.year <= 46


def test_nothing_else_looks_like_a_cpr():
    looking = [path for path, text in texts(DATA) if CPR.search(text) and not path.endswith("/identity/cpr")]
    assert looking == []


def test_every_address_and_number_is_one_that_nobody_has():
    for body in BODIES:
        for method in body["sections"].get("contact", {}).get("methods", []):
            assert re.fullmatch(r"00( \d\d){3}|[a-z.-]+@post\.example", method.get("value", "00 00 00 00"))
        assert ", 0000 " in body["sections"].get("identity", {}).get("address", ", 0000 ")


def test_references_are_unique_per_sender():
    references = [(item["sender"], item["body"]["external_reference"]) for item in ITEMS]
    assert len(set(references)) == len(ITEMS)


def test_who_is_anonymous_is_not_named():
    anonymous = [body for body in BODIES if body["subject"]["mode"] == "anonymous"]
    for body in anonymous:
        assert "identity" not in body["sections"]
        assert "municipality_of_residence" not in body["sections"].get("background", {})
        assert not any("value" in method for method in body["sections"].get("contact", {}).get("methods", []))


@pytest.mark.parametrize("body", SUBMITTED, ids=lambda body: body["external_reference"])
def test_a_consent_covers_what_is_submitted(body):
    consent = body["basis"]["consent"]
    assert body["basis"]["code"] == "SAMTYKKE-TAVSHED"
    assert consent["kind"] == "CONFIDENTIALITY_WAIVER"
    assert body["recipient"] in consent["recipients"]
    assert consent["purposes"] == ["exit_support"]
    assert {"reason", *body["sections"]} <= set(consent["categories"]) <= set(CONTENT)


def test_a_consent_was_given_before_the_referral_and_still_stands():
    for item in ITEMS:
        if consent := item["body"].get("basis", {}).get("consent"):
            assert max(1, item["days_ago"]) <= consent["given_days_ago"] <= 300


def test_who_may_be_under_eighteen_has_a_maturity_assessment():
    young = [body for body in BODIES if body["sections"].get("background", {}).get("birth_year", 0) > ADULT_IN_2026]
    consents = [body["basis"]["consent"] for body in young if "consent" in body.get("basis", {})]
    assert len(consents) > 5
    assert all(consent.get("maturity_assessed") for consent in consents)


def test_no_two_tell_the_same_story():
    summaries = [body["sections"]["reason"]["summary"] for body in BODIES]
    assert len(set(summaries)) == len(summaries)
    sentences = Counter(sentence for summary in summaries for sentence in re.split(r"(?<=\.) ", summary))
    assert max(sentences.values()) < 12


def test_no_text_labels_a_person():
    assert [path for path, text in texts(BODIES) if LABELS.search(text)] == []


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body["external_reference"])
def test_the_api_would_take_it(body):
    told = ReferralBodySerializer(data=ready_body(body, agency_ids=AGENCY_IDS, anchor=ANCHOR))
    assert told.is_valid(), told.errors
    assert told.draft().sections.keys() == body["sections"].keys()


def test_the_same_anchor_makes_the_same_body():
    body = next(body for body in SUBMITTED if body["basis"]["consent"]["given_days_ago"] == 1)
    ready = ready_body(body, agency_ids=AGENCY_IDS, anchor=ANCHOR)
    assert ready == ready_body(body, agency_ids=AGENCY_IDS, anchor=ANCHOR)
    assert ready["basis"]["consent"]["given_at"] == "2026-11-21T09:00:00Z"
    assert ready["basis"]["consent"]["recipients"] == [AGENCY_IDS["exit-comeback"]]
    assert datetime.combine(ANCHOR, GIVEN_AT).tzinfo == UTC


def test_resolving_leaves_the_data_as_it_was():
    before = json.dumps(BODIES)
    for body in BODIES:
        ready_body(body, agency_ids=AGENCY_IDS, anchor=ANCHOR)
    assert json.dumps(BODIES) == before


def test_the_agencies_named_are_those_the_demo_has():
    assert recipient_codes(ITEMS) == set(AGENCY_IDS)


def test_the_file_stays_small():
    assert REFERRALS.stat().st_size < 1_200_000
