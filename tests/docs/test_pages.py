"""The docs page: every page is there, every link leads somewhere, and nothing on it comes from elsewhere."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from markdown_it import MarkdownIt

from config.docs.pages import ADDRESSES, DOCS, FILES, address, anchor, page
from config.docs.views import MENU

pytestmark = pytest.mark.no_database

PAGES = sorted(name for name in FILES if name.endswith(".md"))
OURS = {"/api/docs", "/api/schema", "/admin/"}
"""What the pages link to on this server, outside /docs/; tests/architecture says that these are answered."""


class Seen(HTMLParser):
    """What a page is made of: its tags, links, anchors and pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.loaded: list[str] = []
        self.alts: list[str] = []
        self.handlers: list[str] = []
        self.inline: list[str] = []
        self.labels: list[str] = []
        self._script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"]] if tag == "a" and "href" in told else []
        self.loaded += [told[name] for name in ("src", "href") if tag in ("img", "script", "link") and name in told]
        self.alts += [told.get("alt", "")] if tag == "img" else []
        self.handlers += [name for name in told if name.startswith("on") or name == "style"]
        self.labels += [told["aria-label"]] if tag == "nav" else []
        self._script = tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        self.inline += [data] if self._script and data.strip() else []

    def handle_endtag(self, tag: str) -> None:
        self._script = False


@cache
def served(path: str, language: str = "en") -> Seen:
    answer = Client().get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200, path
    return Seen(answer.content.decode())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_on_its_own(name: str) -> None:
    """Nothing of it comes from another host, no script or style stands in it, and it reads without a picture."""
    answer = Client().get(address(name))
    seen = Seen(answer.content.decode())
    assert (seen.handlers, seen.inline) == ([], [])
    assert all(each.startswith(("/static/docs/", "/docs/", "data:,")) for each in seen.loaded), seen.loaded
    assert all(len(alt) > 20 for alt in seen.alts)
    assert seen.tags.count("h1") == 1
    assert len(set(seen.ids)) == len(seen.ids)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    for link in served(address(name)).links:
        path, _, fragment = link.partition("#")
        if link.startswith("https://") or path in OURS:
            continue
        there = served(path or address(name))
        assert not fragment or fragment in there.ids, link


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_a_page_names_is_there(name: str) -> None:
    """Also one that is not served: on the page it is told without a link, and in the folder it is one."""
    inline = [
        child for token in MarkdownIt().parse(FILES[name].read_text(encoding="utf-8")) for child in token.children or ()
    ]
    named = [urlsplit(str(token.attrs.get("href") or token.attrs.get("src") or "")) for token in inline]
    paths = [link.path for link in named if not link.scheme and not link.path.startswith("/")]
    assert [path for path in paths if not (FILES[name].parent / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_of_the_markdown_is_left_over(name: str) -> None:
    made = page(name)
    assert "<!--" not in made.html
    assert "&lt;!--" not in made.html
    assert made.title


def test_every_page_can_be_reached_from_the_first() -> None:
    known, new = {"/docs/"}, ["/docs/"]
    while new:
        links = {link.partition("#")[0] for link in served(new.pop()).links}
        found = {link for link in links if link.startswith("/docs/")} - known
        known |= found
        new += found
    assert {address(name) for name in PAGES} <= known


def test_there_is_nothing_but_what_is_in_the_table() -> None:
    for rest in (
        "../README.md",
        "..%2fREADME.md",
        "users/try.sh",
        "glossary.json",
        "README",
        "users",
        "lifecycle/",
        "x",
    ):
        assert Client().get(f"/docs/{rest}").status_code == 404, rest
    assert all(file.resolve().is_relative_to(DOCS.resolve()) for file in FILES.values())
    assert len(ADDRESSES) == len(FILES)


def test_a_picture_is_a_picture_and_runs_nothing() -> None:
    answer = Client().get("/docs/lifecycle.svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert [name for name in FILES if name.endswith(".svg") and "<script" in FILES[name].read_text()] == []


def test_without_the_last_stroke_one_is_led_there() -> None:
    assert Client().get("/docs").headers["Location"] == "/docs/"


def test_what_stands_around_a_page_is_danish_or_english() -> None:
    assert all(group.links for group in MENU)
    assert served("/docs/", "da").labels == ["Indhold", "Indhold"]
    assert served("/docs/", "en").labels == ["Contents", "Contents"]


def test_the_contract_and_the_docs_lead_to_each_other() -> None:
    from api_schema.hooks import DESCRIPTION

    assert "(/docs/)" in DESCRIPTION
    assert {"/api/docs", "/api/docs/problems"} <= set(served("/docs/").links)


def test_style_and_script_are_our_own_and_load_nothing() -> None:
    for name in ("docs/docs.css", "docs/copy.js"):
        content = Path(str(finders.find(name))).read_text(encoding="utf-8")
        assert re.search(r"https?:|url\(|@import|\bimport\b|eval", content) is None, name


def test_colours_can_be_read_in_both_schemes() -> None:
    """WCAG 2.2, 1.4.3: text of at least 4.5 to 1 on whatever it stands on."""
    css = Path(str(finders.find("docs/docs.css"))).read_text(encoding="utf-8")
    schemes = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", scheme))
        for text in ("text", "quiet", "link"):
            for ground in ("page", "soft", "code"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["text"], colours["mark"]) >= 4.5
        assert contrast(colours["focus"], colours["page"]) >= 3


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("The step words", "the-step-words"),
        ("13. The police, and the infohus (§ 115)", "13-the-police-and-the-infohus--115"),
        ("15. The person's rights", "15-the-persons-rights"),
        ("`code` and ÆØÅ", "code-and-æøå"),
    ],
)
def test_an_anchor_is_as_on_github(words: str, made: str) -> None:
    assert anchor(words) == made
