"""Each problem's `type` leads to a page of its own that says why it arises and what to do, in both languages."""

import html
import re
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.test import Client

from api_schema.drift import COMMITTED
from api_schema.problems import REGISTER, Problem
from api_schema.remedies import REMEDIES
from audit.facts import Refusal
from config import urls
from tests.exchange import Exchange

assert urls.urlpatterns  # the addresses import every room, and with it every problem
CODES = sorted(REGISTER)


def text_of(path: str) -> str:
    answer = Client().get(path)
    assert answer.status_code == 200, path
    assert answer["Content-Type"].startswith("text/html")
    return html.unescape(answer.content.decode())


def kinds(base: Any) -> set[Any]:
    return {base}.union(*(kinds(each) for each in base.__subclasses__()))


@pytest.mark.no_database
def test_every_problem_has_a_cause_and_a_cure_and_nothing_else_has() -> None:
    assert set(REMEDIES) == set(REGISTER)


@pytest.mark.no_database
def test_every_refusal_that_is_answered_with_is_among_them() -> None:
    answered = {kind for kind in kinds(Refusal) if issubclass(kind, Problem)}
    assert len(answered) > 40
    assert {kind.code for kind in answered} <= set(REMEDIES)
    assert {kind.code for kind in kinds(Problem)} == set(REMEDIES)


@pytest.mark.no_database
@pytest.mark.parametrize("code", CODES)
def test_a_problems_type_leads_to_its_page_with_cause_cure_and_example(code: str) -> None:
    kind, remedy = REGISTER[code], REMEDIES[code]
    page = text_of(f"/api/docs/problems/{code}")
    for words in (kind.title, remedy.cause, remedy.cure):
        assert words.da in page
        assert words.en in page
        assert words.da != words.en
    assert "{" not in re.sub(r"<(style|pre)>.*?</\1>", "", page, flags=re.DOTALL)
    assert f'"type": "/api/docs/problems/{code}"' in page
    assert f"HTTP/1.1 {kind.status}" in page
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.no_database
def test_every_problem_that_the_contract_documents_leads_to_its_page() -> None:
    examples = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))["components"]["examples"]
    assert len(examples) > 40
    for code, documented in examples.items():
        assert code in text_of(documented["value"]["type"])


def test_what_a_real_answer_names_as_its_type_is_a_page(exchange: Exchange) -> None:
    refused = exchange.stranger.as_("caseworker").read(str(uuid4()))
    assert REMEDIES["not-found"].cure.en in text_of(refused.body["type"])


@pytest.mark.no_database
def test_the_list_leads_to_each_of_them() -> None:
    page = text_of("/api/docs/problems")
    assert [
        code for code in CODES if f'id="{code}"' not in page or f'href="/api/docs/problems/{code}"' not in page
    ] == []


@pytest.mark.no_database
@pytest.mark.parametrize("code", ["nothing", "Not-Found", "not_found"])
def test_there_is_no_page_of_another_name(code: str) -> None:
    answer = Client().get(f"/api/docs/problems/{code}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
