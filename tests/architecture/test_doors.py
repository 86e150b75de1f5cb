"""
The few doors of the house, and that nothing goes around them: read from the product's own source and addresses.

Each list is literal. A new name on one of them is a decision, made here.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from agencies.permissions import DenyAll, IsPrincipal
from agencies.principals import Principal
from config.env import BASE_DIR
from tests.exchange import Exchange

ROOMS = ("agencies", "api_schema", "audit", "config", "consent", "referrals")
PRODUCT = sorted([BASE_DIR / "manage.py", *(file for room in ROOMS for file in (BASE_DIR / room).rglob("*.py"))])

MAY_IMPORT_REFERRALS = {
    "referrals/actions.py",
    "referrals/apps.py",
    "referrals/as_of.py",
    "referrals/attaching.py",
    "referrals/attachments.py",
    "referrals/break_glass.py",
    "referrals/coverage.py",
    "referrals/deadline_notices.py",
    "referrals/disclosure.py",
    "referrals/drafts.py",
    "referrals/emergency.py",
    "referrals/endangered.py",
    "referrals/exports.py",
    "referrals/grants.py",
    "referrals/infohus.py",
    "referrals/insight.py",
    "referrals/insight_told.py",
    "referrals/inspection.py",
    "referrals/listing.py",
    "referrals/news.py",
    "referrals/overdue.py",
    "referrals/persons.py",
    "referrals/search.py",
    "referrals/steps.py",
    "referrals/tasks.py",
    "referrals/withholdings.py",
}
"""The acts and the doors out: whoever is not named has no referral to return."""

MAY_OPEN_A_TRANSACTION = {
    f"audit/{room}.py" for room in ("bundles", "checking", "log", "publishing", "recovery", "sealing")
}
TRANSACTIONS = {"atomic", "non_atomic_requests", "set_autocommit", "savepoint", "savepoint_commit", "on_commit"}
MAY_UNSEAL = {"referrals/attachments.py", "referrals/disclosure.py"}
MAY_RELEASE = {"referrals/attachments.py", "referrals/disclosure.py"}
MAY_WRITE_ENTRIES = {"audit/log.py"}

MAY_READ_THE_ENVIRONMENT = {
    "api_schema/drift.py",
    "config/demo/play.py",
    "config/backup.py",
    "config/gunicorn.py",
    "config/reset.py",
    "config/online.py",
    "config/run.py",
    "config/serving.py",
    "config/with_database.py",
    "config/wsgi.py",
    "manage.py",
}
"""What starts processes. A setting is read by `config/variables.py`, through environs, and nowhere else."""

MAY_READ_SETTINGS = {
    "config/configuration.py",
    "config/env.py",
    "config/gunicorn.py",
    "config/metrics.py",
    "config/safety.py",
    "config/backup.py",
    "config/management/commands/load_demo.py",
    "config/management/commands/load_demo_referrals.py",
    "config/settings/base.py",
    "config/settings/local.py",
    "config/settings/production.py",
    "config/settings/test.py",
}

OPEN_ADDRESSES = {
    "oauth/token",
    "api/schema",
    "api/docs",
    "api/docs/problems",
    "api/docs/problems/<slug:code>",
    ".well-known/jwks.json",
    ".well-known/oauth-authorization-server",
    "docs",
    "docs/",
    "docs/<path:rest>",
    "oidc/authenticate/",
    "oidc/callback/",
    "oidc/logout/",
    "health/live",
    "health/ready",
    "metrics",
    "admin/",
}
"""What answers outside /api/v1."""

PUBLIC = "api/v1/audit/keys"
"""The one address below /api/v1 that asks for no token: public keys."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def name_of(file: Path) -> str:
    return file.relative_to(BASE_DIR).as_posix()


def is_migration_or_command(file: Path) -> bool:
    return "migrations" in file.parts or "commands" in file.parts


@cache
def parsed(file: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))))


def imports(file: Path) -> set[str]:
    """Return every module and every name of a module that a file imports, wherever in the file it does."""
    found = set()
    package = name_of(file).removesuffix(".py").split("/")[:-1]
    for node in parsed(file):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def uses(file: Path, *names: str) -> bool:
    """Say whether a file speaks any of these names as code: a name, an attribute, or something imported."""
    for node in parsed(file):
        if isinstance(node, ast.Name) and node.id in names:
            return True
        if isinstance(node, ast.Attribute) and node.attr in names:
            return True
        if isinstance(node, ast.ImportFrom | ast.Import) and any(alias.name in names for alias in node.names):
            return True
    return False


def says(file: Path, text: str) -> bool:
    """Say whether a string of a file, its docstrings apart, holds a text."""
    docs = {id(node.value) for node in parsed(file) if isinstance(node, ast.Expr)}
    strings = [
        node.value
        for node in parsed(file)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]
    return any(text in string for string in strings)


def addresses(resolver: URLResolver, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every address that is answered at, with its view."""
    for pattern in resolver.url_patterns:
        path = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback


API = {path: view for path, view in addresses(get_resolver()) if path.startswith("api/v1/") and path != PUBLIC}


@pytest.mark.no_database
def test_only_acts_and_doors_import_the_referrals_rows() -> None:
    importing = {name_of(file) for file in PRODUCT if any(_is_rows(name) for name in imports(file))}
    itself = {name for name in importing if name.startswith("referrals/models/")}
    assert importing - itself == MAY_IMPORT_REFERRALS


def _is_rows(name: str) -> bool:
    return name == "referrals.models" or name.startswith("referrals.models.")


@pytest.mark.no_database
def test_nobody_finds_the_referrals_rows_by_another_name() -> None:
    """Django hands out any model by its name to whoever asks its registry."""
    asking = {
        name_of(file) for file in PRODUCT if uses(file, "get_model", "get_models") and file.parts[-2] != "migrations"
    }
    assert asking == set()


@pytest.mark.no_database
def test_only_the_ledger_opens_a_transaction() -> None:
    opening = {name_of(file) for file in PRODUCT if not is_migration_or_command(file) and uses(file, *TRANSACTIONS)}
    assert opening == MAY_OPEN_A_TRANSACTION
    assert [alias for alias, options in settings.DATABASES.items() if options.get("ATOMIC_REQUESTS")] == []


@pytest.mark.no_database
@pytest.mark.parametrize("word", ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "SET ROLE", "session_replication_role"])
def test_nor_does_anyone_by_sql(word: str) -> None:
    saying = {name_of(file) for file in PRODUCT if not is_migration_or_command(file) and says(file, word)}
    assert saying - {"config/checks.py"} == set()


@pytest.mark.no_database
def test_the_doors_alone_unseal_content() -> None:
    opening = {name_of(file) for file in PRODUCT if uses(file, "unseal", "unseal_bytes")} - {"consent/vault.py"}
    assert opening == MAY_UNSEAL


@pytest.mark.no_database
def test_the_doors_alone_ask_the_database_to_release_it() -> None:
    asking = {
        name_of(file) for file in PRODUCT if not is_migration_or_command(file) and says(file, "referrals_release")
    }
    assert asking - {"config/checks.py"} == MAY_RELEASE


@pytest.mark.no_database
def test_one_file_writes_entries() -> None:
    writing = {
        name_of(file) for file in PRODUCT if not is_migration_or_command(file) and says(file, "INTO audit_entry")
    }
    assert writing == MAY_WRITE_ENTRIES
    assert not [name_of(file) for file in PRODUCT if "Entry.objects.create" in file.read_text(encoding="utf-8")]


@pytest.mark.no_database
def test_only_what_starts_processes_reads_the_environment() -> None:
    reading = {name_of(file) for file in PRODUCT if uses(file, "environ", "environb", "getenv", "putenv", "unsetenv")}
    assert reading == MAY_READ_THE_ENVIRONMENT


@pytest.mark.no_database
def test_settings_and_demo_commands_read_it_through_the_one_reader() -> None:
    assert {name_of(file) for file in PRODUCT if "environs" in imports(file)} == {"config/variables.py"}
    reading = {name_of(file) for file in PRODUCT if {"config.variables", "config.env.env"} & set(imports(file))}
    assert reading == MAY_READ_SETTINGS


@pytest.mark.no_database
def test_the_product_knows_nothing_of_where_it_was_designed() -> None:
    """What is beside the checkout is not there on another machine."""
    elsewhere = "/".join(["..", "shared"])
    files = [BASE_DIR / "Makefile", BASE_DIR / "README.md", BASE_DIR / "pyproject.toml", BASE_DIR / ".ci" / "run"]
    files += [file for room in (*ROOMS, "docs", "requirements") for file in (BASE_DIR / room).rglob("*")]
    mentioned = [
        name_of(file)
        for file in [*files, BASE_DIR / "manage.py"]
        if file.is_file()
        and "__pycache__" not in file.parts
        and elsewhere in file.read_text(encoding="utf-8", errors="replace")
    ]
    assert mentioned == []


# --- Who may reach a view -----------------------------------------------------------------------------------------


class Unguarded(APIView):
    """A view whose author forgot to say who may."""

    def get(self, request: Request) -> Response:
        return Response({"shown": True})


def test_a_view_that_names_no_permission_answers_nobody(exchange: Exchange) -> None:
    assert Unguarded.permission_classes == [DenyAll]
    anybody: Any = Principal(agency=uuid4(), kind="municipality", client="c", scopes=frozenset({"referrals"}))
    for user in (None, anybody):
        request = APIRequestFactory().get("/")
        force_authenticate(request, user=user)
        assert Unguarded.as_view()(request).status_code in (401, 403)


@pytest.mark.no_database
@pytest.mark.parametrize("path", API)
def test_each_view_says_itself_who_may(path: str) -> None:
    view = getattr(API[path], "cls", None)
    assert view is not None, "not one of DRF's views"
    assert issubclass(view, APIView)
    saying = next(each for each in view.__mro__ if "permission_classes" in vars(each))
    assert saying.__module__.partition(".")[0] in ROOMS
    assert view.permission_classes == [
        IsAuthenticated if path.startswith("api/v1/audit/") and saying.__module__ == "audit.views" else IsPrincipal
    ]
    assert [each.__module__ for each in view.authentication_classes] == ["agencies.authentication"]


@pytest.mark.no_database
def test_so_does_every_view_class_that_has_no_address_yet() -> None:
    silent = []
    for file in PRODUCT:
        for node in parsed(file):
            bases = (
                {base.id for base in node.bases if isinstance(base, ast.Name)}
                if isinstance(node, ast.ClassDef)
                else set()
            )
            if isinstance(node, ast.ClassDef) and any(base.endswith(("APIView", "ViewSet")) for base in bases):
                named = {
                    target.id
                    for each in node.body
                    if isinstance(each, ast.Assign)
                    for target in each.targets
                    if isinstance(target, ast.Name)
                }
                silent += [] if "permission_classes" in named else [f"{name_of(file)}:{node.name}"]
    assert silent == []


@pytest.mark.parametrize("path", API)
def test_without_a_token_nothing_is_answered(path: str) -> None:
    """Whatever the method, and whether or not what the address names is there."""
    address = "/" + path.replace("<slug:name>", "statuses").replace("<path:tile>", "0/000")
    address = re.sub(r"<uuid:\w+>", lambda _: str(uuid4()), address)
    assert "<" not in address, "this test does not know how to ask there"
    for method in METHODS:
        answer = APIClient().generic(method, address, "{}", content_type="application/json")
        assert (method, answer.status_code) == (method, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_but_public_keys_are_and_nothing_private_is_among_them() -> None:
    answer = APIClient().get(f"/{PUBLIC}")
    assert answer.status_code == 200
    assert [sorted(key) for key in answer.json()["receipts"]["keys"]] == [["alg", "crv", "kid", "kty", "use", "x"]]
    assert "PRIVATE" not in answer.content.decode()


@pytest.mark.parametrize(
    "token",
    [
        "Bearer ",
        "Bearer x",
        "Bearer " + "x" * 40,
        "Bearer " + "x" * 4000,
        "Basic eDp5",
        "Token abc",
        "bearer\t" + "y" * 40,
    ],
)
def test_nor_with_a_token_that_is_none(token: str) -> None:
    client = APIClient(headers={"Authorization": token})
    assert client.get("/api/v1/referrals").status_code == 401
    assert client.get("/api/v1/agencies").status_code == 401


@pytest.mark.no_database
def test_these_are_all_the_addresses_outside_the_api() -> None:
    outside = {path for path, _ in addresses(get_resolver()) if not path.startswith("api/v1/")}
    assert {"admin/" if path.startswith("admin/") else path for path in outside} == OPEN_ADDRESSES


def test_the_administration_shows_nothing_to_a_stranger() -> None:
    for path, _ in addresses(get_resolver()):
        if path.startswith("admin/") and "<" not in path and "(" not in path:
            answer = APIClient().get(f"/{path}")
            assert answer.status_code == 302 or "login" in path, path
