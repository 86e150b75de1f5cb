"""What the docs draw and list from the code: the lifecycle, the glossary, the sandbox's scripts and agencies."""

import re
import xml.etree.ElementTree as ET

import pytest

from agencies.models import Kind, Role
from config.demo.cast import AGENCIES, OVERSIGHT
from config.demo.scripts import SCRIPTS
from config.docs import glossary, lifecycle_picture
from config.docs.pages import FILES, page
from consent.categories import Category
from referrals.lifecycle import STEPS, Move, Status

pytestmark = pytest.mark.no_database


def test_the_committed_picture_is_the_one_that_the_steps_make() -> None:
    """Write it anew with `python -m config.docs.lifecycle_picture`."""
    assert FILES["lifecycle.svg"].read_text(encoding="utf-8") == lifecycle_picture.picture()


def test_the_picture_shows_every_status_and_every_move() -> None:
    told = [text.text or "" for text in ET.fromstring(lifecycle_picture.picture()).iter() if text.tag.endswith("}text")]
    words = set(re.findall(r"[a-z_]+", " ".join(told)))
    assert {str(status) for status in Status} <= set(told)
    assert {str(move) for move in Move} <= words


def test_every_arrow_is_a_step_and_every_step_between_boxes_is_an_arrow() -> None:
    drawn = lifecycle_picture.picture().count('class="line"')
    between = {
        frozenset((status, to))
        for (status, move), step in STEPS.items()
        for to in lifecycle_picture._destinations(status, step)
        if {status, to} <= set(lifecycle_picture.PLACES) and status != to and not lifecycle_picture._fans_out(move)
    }
    assert drawn == len(between) == 8


def test_the_table_under_it_names_each_step_once() -> None:
    rows = lifecycle_picture.table().splitlines()[2:]
    steps = 0
    for row in rows:
        sources = row.split("|")[3]
        steps += len(Status) - 1 if "any other" in sources else len(re.findall(r"`\w+`", sources))
    assert steps == len(STEPS)


@pytest.mark.parametrize("word", glossary.glossary(), ids=lambda word: word.en)
def test_a_word_that_names_a_code_is_what_the_code_list_calls_it(word: glossary.Word) -> None:
    assert bool(word.list) is bool(word.code)
    if word.list:
        label = glossary.code_list(word.list)[word.code]
        assert word.da == label["da"]
        assert word.en == label.get("en", word.en).lower()


def test_the_glossary_has_every_kind_of_agency_and_every_role() -> None:
    told = {(word.list, word.code) for word in glossary.glossary()}
    assert {("kinds", kind.value) for kind in Kind} <= told
    assert {("roles", role.value) for role in Role} <= told
    assert {word.en for word in glossary.glossary()} >= WORDS


WORDS = {
    *("agency", "membership", "subject", "referral", "section", "legal basis", "consent", "disclosure", "denial"),
    *("ledger", "enquiry"),
}
"""The words that the whole project is written with."""


def test_a_word_is_explained_once_and_in_both_languages() -> None:
    words = glossary.glossary()
    assert len({word.en for word in words}) == len(words)
    assert all(word.da and word.means_en and word.means_da for word in words)


def test_the_glossary_page_lists_every_status_category_and_move() -> None:
    html = page("glossary.md").html
    for code in (*Status, *Category, *Move):
        assert f"<code>{code}</code>" in html, code


def test_the_sandbox_page_names_every_script_and_every_agency_of_the_demo() -> None:
    html = page("sandbox.md").html
    for name in (*SCRIPTS, *(party.code for party in (*AGENCIES, *OVERSIGHT))):
        assert f"<code>{name}</code>" in html, name
