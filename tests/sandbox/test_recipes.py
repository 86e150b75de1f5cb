"""Every recipe runs as it stands, with curl and with Python, and prints what it says it prints."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from config.embedded_postgres import CHECKOUT
from tests.sandbox.conftest import Demo

pytestmark = pytest.mark.no_database

DOCS = CHECKOUT / "docs"
RECIPES = sorted(file for file in (DOCS / "recipes").glob("*.md") if file.name != "README.md")
OTHER = DOCS / "recipes" / "another-language.md"
STARTS = sorted((DOCS / "start").glob("*.md"))
MARK = "--- this block is over ---"
SAYS_THAT = {"sh": f"echo '{MARK}'\n", "python": f"\nprint({MARK!r})\n"}
SECONDS = 120
MEANT_TO_BE_REFUSED = {"caseworkers": ["invalid"], "exit-staff": [], "auditors": []}
"""The problems that the guides' examples show: the second item of a batch."""


@dataclass(frozen=True)
class Block:
    """One block of a page, and what the page says it prints; None where it says nothing about that."""

    code: str
    prints: str | None


def blocks(file: Path, language: str) -> list[Block]:
    fences = [token for token in MarkdownIt().parse(file.read_text(encoding="utf-8")) if token.type == "fence"]
    found = []
    for fence, following in zip(fences, [*fences[1:], None], strict=True):
        if fence.info.strip() == language:
            said = following if following is not None and following.info.strip() == "output" else None
            found.append(Block(fence.content, said.content if said else None))
    return found


def run(told: list[Block], language: str, demo: Demo) -> list[str]:
    """Run a page's blocks of one language after each other, as somebody would who pastes them into one terminal."""
    command = ["/bin/sh", "-eu", "-s"] if language == "sh" else [sys.executable, "-"]
    done = subprocess.run(
        command,
        input="".join(block.code + SAYS_THAT[language] for block in told),
        cwd=CHECKOUT,
        env={**os.environ, "UDVEJ_DEMO_FILE": str(demo.server.demo_file), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout.split(f"{MARK}\n")[:-1]


def agrees(printed: str, said: str) -> bool:
    """Say whether what was printed is what the page says; "…" stands for the rest of a line."""
    pattern = re.escape(said.strip()).replace("…", "[^\\n]*")
    return re.fullmatch(pattern, printed.strip()) is not None


@pytest.mark.parametrize("language", ["sh", "python"])
@pytest.mark.parametrize("file", [file for file in RECIPES if file != OTHER], ids=lambda file: file.stem)
def test_a_recipe_prints_what_it_says(file: Path, language: str, demo: Demo) -> None:
    told = blocks(file, language)
    assert told, f"{file.name} has nothing to run in {language}"
    for block, printed in zip(told, run(told, language, demo), strict=True):
        assert block.prints is not None, f"the recipe does not say what this prints:\n{block.code}"
        assert agrees(printed, block.prints), f"printed:\n{printed}\nsaid:\n{block.prints}"


@pytest.mark.parametrize("file", [*STARTS, DOCS / "sandbox.md"], ids=lambda file: file.stem)
def test_a_quick_start_prints_what_it_says(file: Path, demo: Demo) -> None:
    told = blocks(file, "sh")
    assert told
    for block, printed in zip(told, run(told, "sh", demo), strict=True):
        assert "/api/docs/problems/" not in printed
        if block.prints is not None:
            assert agrees(printed, block.prints), f"printed:\n{printed}\nsaid:\n{block.prints}"


@pytest.mark.parametrize("name", MEANT_TO_BE_REFUSED)
def test_the_examples_of_the_guides_run(name: str, demo: Demo) -> None:
    """Where curl is refused it says so, and ends as if it were not."""
    printed = "".join(run(blocks(DOCS / "users" / f"{name}.md", "sh"), "sh", demo))
    assert re.findall(r'"type": ?"/api/docs/problems/([a-z-]+)"', printed) == MEANT_TO_BE_REFUSED[name]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_another_language_needs_nothing_but_what_the_page_says(demo: Demo, tmp_path: Path) -> None:
    (program,) = blocks(OTHER, "js")
    file = tmp_path / "walk.mjs"
    file.write_text(program.code, encoding="utf-8")
    done = subprocess.run(
        ["node", str(file)],
        env={**os.environ, "UDVEJ_DEMO_FILE": str(demo.server.demo_file)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert program.prints is not None
    assert agrees(done.stdout, program.prints), done.stdout


def test_nothing_is_left_out() -> None:
    jobs = {"first-call", "submit", "attach", "follow", "answer", "withdraw-consent", "receive", "complete"}
    assert {file.stem for file in RECIPES if file != OTHER} == jobs | {
        "who-saw-what",
        "verify-receipt",
        "batch",
        "events",
        "webhooks",
    }
    listed = (DOCS / "recipes" / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in RECIPES if f"({file.name})" not in listed] == []


@pytest.mark.parametrize(
    ("printed", "said", "same"),
    [
        ("a\nb\n", "a\nb", True),
        ("a\nc\n", "a\nb", False),
        ("id 0198c1de\nb\n", "id …\nb", True),
        ("id 0198c1de\nmore\nb\n", "id …\nb", False),
        ("", "a", False),
    ],
)
def test_what_is_printed_is_held_against_what_is_said(printed: str, said: str, same: bool) -> None:
    assert agrees(printed, said) is same
