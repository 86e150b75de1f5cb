"""What the coded reference files say, and that they agree. Reads the files alone: no database, no Django."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent.law import INVALID_BECAUSE, USES

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    "consent/reference/legal_bases.json",
    "consent/reference/consent_kinds.json",
    "consent/reference/purposes.json",
    "consent/reference/categories.json",
    "consent/reference/uses.json",
    "consent/reference/invalidations.json",
    "consent/reference/disposal_rules.json",
    "referrals/reference/reasons.json",
    "referrals/reference/channels.json",
    "referrals/reference/urgencies.json",
    "referrals/reference/deadlines.json",
    "referrals/reference/outcomes.json",
    "referrals/reference/milieus.json",
    "referrals/reference/break_glass_reasons.json",
    "referrals/reference/task_results.json",
    "referrals/reference/abuse_patterns.json",
)
AGENCY_KINDS = {
    "municipality",
    "police_prevention",
    "exit_centre",
    "prison_probation",
    "psychiatry",
    "oversight",
}
OUTSIDE_KINDS = {
    "any",
    "any_public_service",
    "archive",
    "data_subject",
    "guardian",
    "health_provider",
    "research_evaluator",
    "school",
}
PURPOSES = [
    "exit_support",
    "case_follow_up",
    "crime_prevention",
    "child_protection",
    "averting_danger",
    "subject_access",
    "statistics",
    "archiving",
    "audit",
    "administration",
    "investigation",
]
CATEGORIES = [
    "status",
    "contact",
    "identity",
    "background",
    "reason",
    "concern",
    "health",
    "criminal",
    "safety",
    "network",
    "needs",
    "outcome",
]
SENSITIVE_USE = {"yes", "if_necessary", "health_only", "with_ground", "no"}
Item = dict[str, Any]


def document(name: str) -> Item:
    loaded: Item = json.loads((ROOT / name).read_text(encoding="utf-8"))
    return loaded


def items(name: str) -> list[Item]:
    found: list[Item] = document(name)["items"]
    return found


def bases() -> list[Item]:
    return items("consent/reference/legal_bases.json")


def basis(code: str) -> Item:
    (found,) = (item for item in bases() if item["code"] == code)
    return found


def codes(name: str) -> list[str]:
    return [item["code"] for item in items(name)]


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


# --- every file ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_file_says_its_version_and_its_source(name: str) -> None:
    assert list(document(name)) == ["version", "source", "items"]
    assert document(name)["version"] == "2026-11"
    assert document(name)["source"]
    assert items(name)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_utf8_with_two_spaces_and_a_last_newline(name: str) -> None:
    text = (ROOT / name).read_bytes().decode("utf-8")
    assert text == json.dumps(document(name), ensure_ascii=False, indent=2) + "\n"


@pytest.mark.parametrize("name", FILES)
def test_no_text_has_spaces_around_it(name: str) -> None:
    assert [text for text in texts(document(name)) if text != text.strip() or not text] == []


@pytest.mark.parametrize("name", FILES)
def test_each_item_is_named_in_danish_and_english(name: str) -> None:
    for item in items(name):
        bilingual = {key: item[key] for key in item if isinstance(item[key], dict) and "da" in item[key]}
        assert {"title", "label"} & bilingual.keys()
        for pair in bilingual.values():
            assert list(pair) == ["da", "en"]


@pytest.mark.parametrize("name", FILES)
def test_each_item_of_a_file_has_the_same_fields(name: str) -> None:
    assert len({tuple(item) for item in items(name)}) == 1


@pytest.mark.parametrize("name", FILES)
def test_each_item_is_valid_from_a_date(name: str) -> None:
    for item in items(name):
        starts = dt.date.fromisoformat(item["valid_from"])
        assert item["valid_to"] is None or starts <= dt.date.fromisoformat(item["valid_to"])


@pytest.mark.parametrize("name", FILES)
def test_no_code_is_given_twice(name: str) -> None:
    keys = Counter((item["code"], item.get("version"), item.get("move")) for item in items(name))
    assert [key for key, count in keys.items() if count > 1] == []


# --- legal bases --------------------------------------------------------------------------------


def test_there_are_18_legal_bases() -> None:
    assert len({(item["code"], item["version"]) for item in bases()}) == len(bases()) == 18


def test_a_basis_uses_only_known_words() -> None:
    kinds = {None, *codes("consent/reference/consent_kinds.json")}
    parties = AGENCY_KINDS | OUTSIDE_KINDS
    for item in bases():
        assert item["consent_kind"] in kinds
        assert item["sender_kinds"]
        assert set(item["sender_kinds"]) <= parties
        assert set(item["recipient_kinds"]) <= parties
        assert set(item["purposes"]) <= set(PURPOSES)
        assert item["nature"] in {"duty", "permission", "not_applicable"}
        assert item["article_9"] in SENSITIVE_USE
        assert item["article_10"] in SENSITIVE_USE - {"health_only"}
        assert item["investigation"] in {"forbidden", "to_avert_danger", "allowed", "not_applicable"}
        assert item["source"]["status"] in {"sourced", "partly_sourced", "general_knowledge"}
        assert item["source"]["note"]


def test_each_legal_consent_kind_is_used_by_a_basis() -> None:
    used = {item["consent_kind"] for item in bases()} - {None}
    assert used == {"GDPR_BASIS", "CONFIDENTIALITY_WAIVER", "SOCIAL_COLLECTION", "HEALTH_SL43"}


def test_only_a_basis_that_discloses_nothing_names_no_recipient_and_no_purpose() -> None:
    assert [item["code"] for item in bases() if not item["recipient_kinds"]] == ["POLICE-ALONE"]
    assert [item["code"] for item in bases() if not item["purposes"]] == ["POLICE-ALONE"]
    assert basis("POLICE-ALONE")["nature"] == "not_applicable"


def test_investigation_is_a_purpose_of_the_duty_to_avert_crimes_alone() -> None:
    named = [item["code"] for item in bases() if "investigation" in item["purposes"]]
    allowed = [item["code"] for item in bases() if item["investigation"] == "allowed"]
    assert named == allowed == ["STRFL-141"]


def test_crime_prevention_cooperation_is_never_for_investigation_and_needs_a_statement() -> None:
    cooperation = [item for item in bases() if item["code"].startswith("RPL115-")]
    assert len(cooperation) == 4
    for item in cooperation:
        assert item["investigation"] == "forbidden"
        assert item["necessity_statement"] is True
        assert item["nature"] == "permission"
        assert item["consent_kind"] is None


def test_section_115_stk_3_alone_asks_for_a_self_governing_institution() -> None:
    assert [item["code"] for item in bases() if item["self_governing_only"]] == ["RPL115-3"]
    for code in ("RPL115-SSP", "RPL115-PSP", "RPL115-KSP"):
        assert "exit_centre" not in basis(code)["sender_kinds"] + basis(code)["recipient_kinds"]


def test_only_the_duties_about_children_limit_the_age_and_they_end_at_17() -> None:
    limited = {item["code"]: item["subject_age"] for item in bases() if any(item["subject_age"].values())}
    assert limited == {"BL-133": {"min": None, "max": 17}, "BL-135": {"min": None, "max": 17}}


def test_the_duty_to_notify_goes_to_a_municipality_and_needs_no_consent() -> None:
    for code in ("BL-133", "BL-135"):
        assert basis(code)["recipient_kinds"] == ["municipality"]
        assert basis(code)["consent_kind"] is None
        assert basis(code)["nature"] == "duty"
        assert basis(code)["valid_from"] == "2024-01-01"


def test_health_consent_covers_health_and_nothing_criminal() -> None:
    assert (basis("SL-43-44")["article_9"], basis("SL-43-44")["article_10"]) == ("health_only", "no")


def test_an_anonymous_consultation_holds_nothing_sensitive() -> None:
    assert (basis("ANON")["article_9"], basis("ANON")["article_10"]) == ("no", "no")


# --- consent kinds, purposes, categories --------------------------------------------------------


def test_every_consent_ends_and_none_may_outlast_its_maximum() -> None:
    for item in items("consent/reference/consent_kinds.json"):
        assert 0 < item["default_days"] <= 365
        assert item["max_days"] is None or item["default_days"] <= item["max_days"]
        assert item["form"] in {"explicit", "written", "prior", "any"}
        assert item["min_own_age"] == 15


def test_written_health_consent_never_exceeds_12_months() -> None:
    (health,) = (item for item in items("consent/reference/consent_kinds.json") if item["code"] == "HEALTH_SL43")
    assert (health["form"], health["max_days"]) == ("written", 365)


def test_consent_is_a_gdpr_basis_in_one_kind_alone() -> None:
    found = [item["code"] for item in items("consent/reference/consent_kinds.json") if item["is_gdpr_legal_basis"]]
    assert found == ["GDPR_BASIS"]


def test_the_purposes_are_these_eleven() -> None:
    assert codes("consent/reference/purposes.json") == PURPOSES


def test_the_categories_are_these_twelve_in_this_order() -> None:
    assert codes("consent/reference/categories.json") == CATEGORIES


def test_concern_health_and_criminal_fall_under_articles_9_and_10() -> None:
    articles = {item["code"]: item["article"] for item in items("consent/reference/categories.json") if item["article"]}
    assert articles == {"concern": 9, "health": 9, "criminal": 10}


def test_six_categories_are_sensitive_by_nature() -> None:
    sensitive = {item["code"] for item in items("consent/reference/categories.json") if item["sensitive_by_nature"]}
    assert sensitive == {"reason", "concern", "health", "criminal", "safety", "outcome"}


def test_a_category_points_only_to_personal_data_terms() -> None:
    for item in items("consent/reference/categories.json"):
        assert all(iri.startswith("https://w3id.org/dpv/pd#") for iri in item["dpv"])


def test_uses_and_invalidations_are_the_codes_that_the_wire_knows() -> None:
    assert codes("consent/reference/uses.json") == list(USES)
    assert codes("consent/reference/invalidations.json") == list(INVALID_BECAUSE)


# --- reasons and the other lists of a referral --------------------------------------------------


def test_each_move_that_needs_a_reason_has_three_to_seven_but_a_take_over_has_one() -> None:
    moves = Counter(item["move"] for item in items("referrals/reference/reasons.json"))
    assert moves.pop("take_over") == 1
    assert set(moves) == {
        "reject",
        "redirect",
        "withdraw",
        "hold",
        "resume",
        "complete",
        "close",
        "request_info",
        "decline_info",
        "mark_in_error",
        "amend",
    }
    assert all(3 <= count <= 7 for count in moves.values())


def test_only_the_police_take_over() -> None:
    (taken,) = (item for item in items("referrals/reference/reasons.json") if item["move"] == "take_over")
    assert (taken["code"], taken["sides"]) == ("taken_over_by_police", ["police"])
    others = [item for item in items("referrals/reference/reasons.json") if item["move"] != "take_over"]
    assert all(set(item["sides"]) and set(item["sides"]) <= {"sender", "recipient", "system"} for item in others)


def test_another_reason_needs_a_comment() -> None:
    for item in items("referrals/reference/reasons.json"):
        assert item["comment_required"] is (item["code"] == "other")


@pytest.mark.parametrize(
    ("code", "unit", "lengths"),
    [("routine", "working_days", (3, 10)), ("soon", "working_days", (1, 3)), ("acute", "hours", (4, 24))],
)
def test_an_urgency_says_how_many_working_days_or_hours_there_are(
    code: str, unit: str, lengths: tuple[int, int]
) -> None:
    (found,) = (item for item in items("referrals/reference/urgencies.json") if item["code"] == code)
    assert (found[f"acknowledge_within_{unit}"], found[f"decide_within_{unit}"]) == lengths
    other = {"hours": "working_days", "working_days": "hours"}[unit]
    assert [found[f"{length}_{other}"] for length in ("acknowledge_within", "decide_within", "remind_before")] == [
        None
    ] * 3


def test_the_acute_urgency_points_to_112() -> None:
    (acute,) = (item for item in items("referrals/reference/urgencies.json") if item["code"] == "acute")
    assert "112" in acute["note"]["da"]
    assert "112" in acute["note"]["en"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "channels",
            (
                "online_anonymous phone_anonymous outreach self_in_person municipality "
                "police_infohus prison_probation family school other"
            ),
        ),
        ("outcomes", "out_of_milieu reduced_contact education_or_job housing relapse unknown"),
        ("milieus", "right left militant_islamist mixed_other unknown"),
        ("urgencies", "routine soon acute"),
    ],
)
def test_a_list_holds_these_codes(name: str, expected: str) -> None:
    assert codes(f"referrals/reference/{name}.json") == expected.split()
