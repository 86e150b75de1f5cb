"""A real OpenID provider (npm's oidc-provider, certified), and a browser that goes there and back."""

import html
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from django.test import Client as Browser

from config.env import BASE_DIR

COMMITTED = BASE_DIR / "tests" / "agencies" / "oidc"
INSTALLED = BASE_DIR / "var" / "oidc-provider"
CALLBACK = "http://testserver/oidc/callback/"
SECRET = "a secret of the tests alone"
NODE, NPM = shutil.which("node"), shutil.which("npm")
FORM = re.compile(r'<form[^>]*action="([^"]+)"')
PROMPT = re.compile(r'name="prompt" value="(\w+)"')


@dataclass(frozen=True)
class Running:
    """A provider that answers at its issuer."""

    issuer: str

    def authorise(self, address: str, name: str) -> str:
        """Follow a sign-in at the provider as a person of this name; return where the provider sends the browser."""
        session = requests.Session()
        answer = session.get(address, allow_redirects=False, timeout=10)
        for _ in range(12):
            if answer.is_redirect:
                there = urljoin(answer.url, answer.headers["Location"])
                if there.startswith(CALLBACK):
                    return there
                answer = session.get(there, allow_redirects=False, timeout=10)
                continue
            form, prompt = FORM.search(answer.text), PROMPT.search(answer.text)
            assert form is not None, answer.text
            assert prompt is not None, answer.text
            said = {"prompt": prompt[1], "login": name, "password": "anything"}
            there = urljoin(answer.url, html.unescape(form[1]))
            answer = session.post(there, said, allow_redirects=False, timeout=10)
        raise AssertionError("the provider does not send the browser back")


def begin(browser: Browser, *, next_page: str = "/admin/") -> str:
    """Let a browser begin to sign in; return the provider's address that it is sent to."""
    answer = browser.get("/oidc/authenticate/", {"next": next_page})
    assert answer.status_code == 302, answer.content
    return str(answer.headers["Location"])


def come_back(browser: Browser, there: str, **changed: str) -> int:
    """Let the browser come back with what the provider said, changed where a test says so; return the status."""
    said = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()} | changed
    return browser.get("/oidc/callback/", said).status_code


@contextmanager
def running() -> Iterator[Running]:
    """Install the provider from the committed lock and run it; skip where that is not possible here."""
    if NODE is None or NPM is None:
        pytest.skip("node and npm are not installed")
    _install(NPM)
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port = attempt.getsockname()[1]
    command = [NODE, "provider.mjs", str(port), CALLBACK, SECRET]
    with (INSTALLED / "provider.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=INSTALLED, stdout=subprocess.PIPE, stderr=log)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n", (INSTALLED / "provider.log").read_text()
            yield Running(issuer=f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()  # type: ignore[union-attr]


class Publishing(BaseHTTPRequestHandler):
    """Answers whatever is asked with its server's document, or sends the asker to where that is."""

    def do_GET(self) -> None:
        document: Any = self.server.document  # type: ignore[attr-defined]
        moved = document.get("moved") and not self.path.startswith("/moved")
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", f"/moved{self.path}")
        self.end_headers()
        self.wfile.write(b"" if moved else json.dumps(document).encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


@contextmanager
def discoverable(host: str = "127.0.0.1", **changed: Any) -> Iterator[str]:
    """Publish a discovery document that is right but for what is changed; yield the issuer that it is asked of."""
    server = HTTPServer((host, 0), Publishing)
    issuer = f"http://{host}:{server.server_port}"
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    server.document = {"issuer": issuer} | dict.fromkeys(names, "https://provider.example/") | changed  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _install(npm: str) -> None:
    INSTALLED.mkdir(parents=True, exist_ok=True)
    shutil.copy(COMMITTED / "provider.mjs", INSTALLED)
    done = INSTALLED / "package-lock.json.installed"
    lock = (COMMITTED / "package-lock.json").read_text()
    if done.exists() and done.read_text() == lock:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(COMMITTED / name, INSTALLED)
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    installed = subprocess.run(command, cwd=INSTALLED, check=False, capture_output=True, timeout=300)
    if installed.returncode != 0:
        pytest.skip("npm can't install the provider here")
    Path(done).write_text(lock)
