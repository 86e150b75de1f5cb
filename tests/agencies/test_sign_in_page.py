"""The recipes of docs/sign-in.md, run as they stand there, against a server; and that what the page names is there."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pytest_django import DjangoDbBlocker

from agencies.certificates import thumbprint
from api_schema.scopes import SCOPES
from config import variables
from config.env import BASE_DIR
from tests.agencies.proxy import exchange_served
from tests.agencies.signing import ISSUER, register
from tests.exchange import Exchange, Party

PAGE = (BASE_DIR / "docs" / "sign-in.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TOOLS = [name for name in ("bash", "curl", "openssl", "basenc") if shutil.which(name) is None]


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with exchange_served() as port:
        yield f"http://127.0.0.1:{port}"


def run(command: list[str], folder: Path, *, party: Party, address: str = "") -> str:
    """Run a recipe in a folder, with what it takes from the environment; return what it prints."""
    said = {"CLIENT_ID": party.client_id, "ISSUER": ISSUER, "UDVEJ": address, "PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=folder, env=said, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_good(said: str, party: Party) -> bool:
    """Say whether a recipe printed a token of the scope it asked for, and the token works."""
    answer = json.loads(said)
    party._token = answer["access_token"]
    return bool(answer["scope"] == "referrals:read" and party.as_("caseworker").get("referrals").status == 200)


@pytest.mark.skipif(bool(TOOLS), reason=f"not installed: {TOOLS}")
def test_with_openssl_and_curl_a_key_is_made_and_a_token_got(exchange: Exchange, address: str, tmp_path: Path) -> None:
    make, get, certificate = SHELL
    party = exchange.municipality
    run(["bash", "-euc", make], tmp_path, party=party)
    register(party, json.loads((tmp_path / "public.jwk").read_text()))
    assert is_good(run(["bash", "-euc", get], tmp_path, party=party, address=address), party)
    run(["bash", "-euc", certificate], tmp_path, party=party)
    assert thumbprint(quote((tmp_path / "tls.pem").read_text(), safe=""))
    ssl.create_default_context().load_cert_chain(tmp_path / "tls.pem", tmp_path / "tls.key")


def test_with_python_a_key_is_made_and_a_token_got(exchange: Exchange, address: str, tmp_path: Path) -> None:
    make, get = PYTHON
    party = exchange.municipality
    run([sys.executable, "-c", make], tmp_path, party=party)
    register(party, json.loads((tmp_path / "public.jwk").read_text()))
    assert is_good(run([sys.executable, "-c", get], tmp_path, party=party, address=address), party)


@pytest.mark.no_database
def test_the_page_names_every_resource_that_there_is() -> None:
    table = PAGE.split("| resource |", 1)[1].split("\n\n", 1)[0]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert named == {scope.partition(":")[0] for scope in SCOPES}


@pytest.mark.no_database
def test_the_page_names_settings_that_are_read() -> None:
    declared = {each.name for each in variables.declared()}
    assert set(re.findall(r"UDVEJ_[A-Z_]+", PAGE)) <= declared
