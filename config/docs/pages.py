"""
The pages under docs/, from Markdown to HTML: headings with addresses, links to where things are served, code to copy.

A page is asked for by name in a table made at the start, so no path of whoever asks ever reaches the disk. What can be
made from the code stands in the Markdown as a mark, such as `<!-- steps -->`, and is made when the page is.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.token import Token

from config.demo.scripts import SCRIPTS
from config.docs import glossary, lifecycle_picture
from config.env import BASE_DIR

DOCS = BASE_DIR / "docs"
HOME = "README"
FILES = {
    file.relative_to(DOCS).as_posix(): file
    for file in sorted(DOCS.rglob("*"))
    if file.suffix in {".md", ".svg"} and file.is_file()
}
"""Every page and picture there is, by its path below docs/."""

ELSEWHERE = {"api_schema/openapi.yaml": "/api/schema", "README.md": "/docs/"}
"""Files outside docs/ that are served, and where."""

MARK = re.compile(r"^<!-- (\w+) -->$", re.MULTILINE)
COMMENT = re.compile(r"^<!-- [^>]* -->\n", re.MULTILINE)  # what it says is for those who edit the page
PRINTS = "output"
SCROLLS = '<div class="wide" role="region" aria-label="Table" tabindex="0">'
"""Around a table, so that a narrow screen scrolls it alone, by keyboard as well."""

TOLD = 2
"""The level of the headings that a page's table of contents tells."""

LANGUAGES = {"sh": "Shell", "python": "Python", "json": "JSON", "js": "JavaScript", PRINTS: "Prints"}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page, for its table of contents."""

    level: int
    anchor: str
    words: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is shown. `html` was made from our own Markdown, which may hold no HTML of its own."""

    title: str
    headings: tuple[Heading, ...]
    html: str


def address(name: str) -> str:
    """Return where a file of docs/ is served, by its path there."""
    page = name.removesuffix(".md")
    if page == HOME:
        return "/docs/"
    return f"/docs/{page.removesuffix('/README')}"


ADDRESSES = {address(name).removeprefix("/docs/"): name for name in FILES}
"""What is served below /docs/, by the rest of its address."""


@cache
def page(name: str) -> Page:
    """Return a page, by its path below docs/. Raises KeyError where there is none."""
    markdown = _made_whole(FILES[name].read_text(encoding="utf-8"))
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _fence)
    tokens = parser.parse(markdown)
    headings = _headings(tokens)
    for token in tokens:
        _point(token.children or [], Path(name).parent.as_posix())
    title = next((heading.words for heading in headings if heading.level == 1), name)
    html = parser.renderer.render(tokens, parser.options, {})
    html = html.replace("<table>", f"{SCROLLS}<table>").replace("</table>", "</table></div>")
    return Page(title, tuple(heading for heading in headings if heading.level == TOLD), html)


@cache
def picture(name: str) -> bytes:
    """Return a picture, by its path below docs/. Raises KeyError where there is none."""
    return FILES[name].read_bytes()


def anchor(words: str) -> str:
    """Return a heading's anchor as GitHub makes it, so that a link holds in both places."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", words.strip().lower()))


def _made_whole(markdown: str) -> str:
    return COMMENT.sub("", MARK.sub(lambda mark: MADE[mark[1]](), markdown))


def _scripts() -> str:
    rows = [f"| `{name}` | the {script.side} {script.words} |" for name, script in SCRIPTS.items()]
    return "\n".join(["| script | what the other side does |", "|---|---|", *rows])


MADE: dict[str, Callable[[], str]] = {
    "steps": lifecycle_picture.table,
    "glossary": glossary.words,
    "codes": glossary.codes,
    "scripts": _scripts,
}
"""What a mark in a page stands for. Raises KeyError, where the page is made, for any other."""


def _headings(tokens: list[Token]) -> list[Heading]:
    """Give each heading its anchor, and return them in order."""
    found: list[Heading] = []
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        words = "".join(child.content for child in inline.children or [] if child.type in ("text", "code_inline"))
        made = anchor(words)
        same = sum(heading.anchor == made or heading.anchor.startswith(f"{made}-") for heading in found)
        made = f"{made}-{same}" if any(heading.anchor == made for heading in found) else made
        opening.attrSet("id", made)
        found.append(Heading(int(opening.tag[1]), made, words))
    return found


def _point(tokens: list[Token], folder: str) -> None:
    """Point each link and picture to where it is served; what is not served is told without a link."""
    closed = False
    for token in tokens:
        if token.type == "image":
            token.attrSet("src", _served(str(token.attrGet("src")), folder) or "")
        elif token.type == "link_open":
            href = _served(str(token.attrGet("href")), folder)
            closed = href is None
            if href is None:
                token.tag, token.attrs = "span", {}
            else:
                token.attrSet("href", href)
        elif token.type == "link_close" and closed:
            token.tag, closed = "span", False


def _served(link: str, folder: str) -> str | None:
    parts = urlsplit(link)
    if parts.scheme or link.startswith(("/", "#")):
        return link
    path = posixpath.normpath(posixpath.join("docs", folder, parts.path))
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    below = path.removeprefix("docs/")
    if not path.startswith("docs/"):
        return None
    found = next((name for name in (below, f"{below}/README.md") if name in FILES), None)
    return address(found) + fragment if found else None


def _fence(self: object, tokens: list[Token], index: int, options: object, env: object) -> str:  # noqa: ARG001
    """Render a block of code: what it is, and a button that copies it where scripts run."""
    token = tokens[index]
    language = token.info.split()[0] if token.info.strip() else "text"
    label = LANGUAGES.get(language, "")
    heading = f'<span class="kind">{escape(label)}</span>' if label else ""
    button = "" if language in (PRINTS, "text") else '<button type="button" class="copy" hidden>Copy</button>'
    return (
        f'<div class="code {escape(language)}">{heading}{button}'
        f'<pre tabindex="0"><code>{escape(token.content)}</code></pre></div>\n'
    )
