"""The texts that tell a person what they consent to: versions that never change, each with its hash."""

import hashlib
import json
from typing import Any

import pytest
from django.core.management import call_command

from config.env import BASE_DIR
from consent.models import Notice
from tests.exchange import Answer, Exchange, consent_body
from tests.invariants.attempts import APP, APPEND_ONLY, CHECKED, DENIED, OWNER, TAKEN, refusal, refused, session

FILE = BASE_DIR / "consent" / "reference" / "notices.json"
OTHER = "c" * 64


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    return Exchange()


def record(exchange: Exchange, **changes: Any) -> Answer:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    return sender.create({"subject": subject, **consent_body(exchange.centre), **changes}, path="consents")


def test_the_file_is_utf8_with_two_spaces_and_says_that_a_lawyer_must_review_it() -> None:
    text = FILE.read_bytes().decode("utf-8")
    document = json.loads(text)
    assert text == json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    assert "lawyer must review" in document["source"]
    for item in document["items"]:
        assert list(item) == ["version", "valid_from", "legal_review", "title", "text"]
        assert list(item["text"]) == list(item["title"]) == ["da", "en"]


@pytest.mark.parametrize(
    "words",
    [
        ("hvilke slags oplysninger", "which kinds of information"),
        ("Hvorfor", "Why"),
        ("højst 12 måneder", "at most 12 months"),
        ("sige stop senere, når du vil", "say stop later, whenever you want"),
        ("Det får ingen følger for dig", "Nothing bad comes of it for you"),
        ("Datatilsynet", "Datatilsynet"),
        ("aldrig bruges til at efterforske", "never be used to investigate"),
        ("forældremyndigheden", "custody"),
    ],
)
def test_a_notice_says_in_both_languages_what_a_person_must_know(words: tuple[str, str]) -> None:
    (item,) = json.loads(FILE.read_text(encoding="utf-8"))["items"]
    assert words[0] in item["text"]["da"]
    assert words[1] in item["text"]["en"]


def test_anyone_with_a_token_reads_the_notices_and_can_check_their_hashes(exchange: Exchange) -> None:
    listed = exchange.oversight.as_("auditor").get("consent-notices", On_Behalf_Of="")
    assert (listed.status, listed.body["next"]) == (200, None)
    assert [(notice["version"], notice["language"]) for notice in listed.body["results"]] == [
        ("2026-11", "da"),
        ("2026-11", "en"),
    ]
    for notice in listed.body["results"]:
        assert notice["hash"] == hashlib.sha256(notice["text"].encode()).hexdigest()
        assert notice["legal_review"] == "pending"
    assert exchange.oversight.as_("auditor").get("consent-notices?version=2026-11").status == 400


@pytest.mark.parametrize("language", ["da", "en"])
def test_a_consent_on_our_notice_gets_our_hash(exchange: Exchange, language: str) -> None:
    ours = Notice.objects.get(version="2026-11", language=language).hash
    for told in ({}, {"notice_hash": ours}):
        made = record(exchange, notice_language=language, **told)
        assert (made.status, made.body["notice"]["hash"]) == (201, ours)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"notice_hash": OTHER}, 422),
        ({"notice_version": "aarhus-3"}, 422),
        ({"notice_version": "aarhus-3", "notice_hash": OTHER}, 201),
    ],
)
def test_a_consent_on_another_text_brings_its_hash(exchange: Exchange, told: dict[str, str], status: int) -> None:
    made = record(exchange, **told)
    assert made.status == status
    if status == 201:
        assert made.body["notice"] == {"version": "aarhus-3", "language": "da", "hash": OTHER}
    else:
        assert [error["pointer"] for error in made.body["errors"]] == ["/notice_hash"]


def test_a_notice_that_is_there_is_not_loaded_again() -> None:
    before = list(Notice.objects.values_list("id", "hash"))
    call_command("load_reference")
    assert list(Notice.objects.values_list("id", "hash")) == before


NEW = (
    "INSERT INTO consent_notice (version, language, title, text, hash, legal_review, valid_from) "
    "VALUES (%s, 'da', 'Prøve', %s, %s, 'pending', '2026-11-01')"
)


@pytest.mark.parametrize("column", ["version", "language", "title", "text", "hash", "legal_review", "valid_from"])
def test_nobody_rewrites_a_notice(exchange: Exchange, column: str) -> None:
    value = "valid_from - 1" if column == "valid_from" else f"left(md5({column}), 5)"
    for role, with_ in ((APP, DENIED), (OWNER, APPEND_ONLY)):
        with session(role) as cursor:
            assert refused(cursor, f"UPDATE consent_notice SET {column} = {value}") == with_
        for statement in ("DELETE FROM consent_notice", "TRUNCATE consent_notice"):
            with session(role) as cursor:
                assert refused(cursor, statement) == with_
    with session(OWNER, replica=True) as cursor:
        assert refused(cursor, "DELETE FROM consent_notice") == APPEND_ONLY


def test_a_notices_hash_is_the_hash_of_its_text_whoever_writes_it(exchange: Exchange) -> None:
    for role in (APP, OWNER):
        with session(role) as cursor:
            error = refusal(cursor, NEW, ["2099-01", "Tekst", OTHER])
            assert (error.sqlstate, error.diag.constraint_name) == (CHECKED, "consent_notice_hash_is_of_its_text")
        with session(role) as cursor:
            right = hashlib.sha256("Tekst: æøå".encode()).hexdigest()
            cursor.execute(NEW, ["2099-01", "Tekst: æøå", right])
            assert refused(cursor, NEW, ["2099-01", "Tekst: æøå", right]) == TAKEN
