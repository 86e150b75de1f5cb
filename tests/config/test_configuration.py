"""Every variable is declared once, and the page about them is what the code says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import configuration, variables
from config.env import BASE_DIR
from config.variables import Misconfigured

pytestmark = pytest.mark.no_database
ROOMS = ("config", "referrals", "consent", "agencies", "audit", "api_schema", "bench")
OTHERS = {
    "CREDENTIALS_DIRECTORY",  # systemd's, read by what reads the variables
    *("SCRIPT", "REFERRAL", "AFTER", "AS"),  # what is said to `make play`, not settings
}


def read_in(file: Path) -> Iterator[str]:
    """Return the names that a file asks the environment for: env.str("X"), os.environ["X"], os.environ.get("X")."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str(name)), *_]):
                yield name
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get" | "setdefault" | "pop"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name
            case ast.Call(func=ast.Attribute(attr="getenv"), args=[ast.Constant(value=str(name)), *_]):
                yield name
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))):
                yield name


def test_nothing_asks_for_a_variable_that_is_not_declared() -> None:
    known = {each.name for each in variables.declared()} | OTHERS
    asked = {
        f"{file.relative_to(BASE_DIR)}: {name}"
        for room in ROOMS
        for file in (BASE_DIR / room).rglob("*.py")
        for name in read_in(file)
        if name not in known
    }
    assert asked == set()


def test_each_is_declared_once() -> None:
    names = [each.name for each in variables.declared()]
    assert len(names) == len(set(names))


def test_the_page_is_what_the_code_says() -> None:
    assert configuration.PAGE.read_text(encoding="utf-8") == configuration.page()


def test_a_page_that_says_something_else_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "configuration.md"
    monkeypatch.setattr(configuration, "PAGE", page)
    assert configuration.main([]) == 1
    assert configuration.main(["--write"]) == 0
    assert configuration.main([]) == 0
    page.write_text(page.read_text().replace("1200", "600"))
    assert configuration.main([]) == 1


def test_a_value_of_another_type_is_refused_with_what_it_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(Misconfigured, match=r"PORT has to be a whole number\. It means: The port it listens on"):
        variables.PORT.read()


def test_the_environment_comes_before_a_credential_and_only_secrets_are_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("UDVEJ_METRICS_TOKEN", raising=False)
    (tmp_path / "UDVEJ_METRICS_TOKEN").write_text("from a file\n")
    (tmp_path / "PORT").write_text("99")
    monkeypatch.delenv("PORT", raising=False)
    assert variables.METRICS_TOKEN.read() == "from a file"
    assert variables.PORT.read() == 8000
    monkeypatch.setenv("UDVEJ_METRICS_TOKEN", "said")
    assert variables.METRICS_TOKEN.read() == "said"
