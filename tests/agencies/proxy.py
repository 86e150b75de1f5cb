"""A real nginx with the committed configuration, before the exchange in this process; and clients with certificates."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref import simple_server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections

from config.env import BASE_DIR
from tests.exchange import Answer

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
COMMITTED = BASE_DIR / "deploy" / "nginx" / "udvej.conf"
API, WWW = "api.udvej.example", "www.udvej.example"
MAIN = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/udvej.conf;
}}
"""


@dataclass(frozen=True)
class Certificate:
    """A certificate that its holder signed, with its key, as files and as PEM."""

    pem: bytes
    file: Path


def certificate(folder: Path, name: str, *, days: int = 30) -> Certificate:
    """Make a certificate for a name, valid from yesterday for so many days; a negative number is one that is over."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime.now(UTC) - timedelta(days=1 if days > 0 else 1 - days)
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(datetime.now(UTC) + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{name}.pem"
    file.write_bytes(pem + secret)
    return Certificate(pem=pem, file=file)


class Quiet(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        """Hand on every header, those with underscores, too: what Django's drops, the proxy has to have dropped."""
        return simple_server.WSGIRequestHandler.get_environ(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing: a request line names a path."""


class Server(ThreadedWSGIServer):
    daemon_threads = False
    block_on_close = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        super().process_request_thread(request, client_address)
        connections.close_all()


@contextmanager
def exchange_served() -> Iterator[int]:
    """Serve the exchange of this process over TCP for the block; yield the port."""
    server = Server(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Proxy:
    """An nginx that answers at these ports."""

    port: int
    plain: int
    host: str
    folder: Path

    def ask(
        self,
        method: str,
        path: str,
        *,
        host: str = "",
        holding: Certificate | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request over TLS, with this client certificate, to the clients' host unless another is named."""
        connection = self.connect(host or self.host, holding)
        try:
            return _ask(connection, method, path, body=body, headers=headers)
        finally:
            connection.close()

    def flood(self, path: str, times: int) -> list[Answer]:
        """Post nothing to a path so many times, over eight connections at once."""

        def post(_: int) -> list[Answer]:
            connection = self.connect(self.host, None)
            try:
                return [_ask(connection, "POST", path, body=b"") for _ in range(times // 8)]
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            return [answer for answers in pool.map(post, range(8)) for answer in answers]

    def connect(self, host: str, holding: Certificate | None) -> http.client.HTTPConnection:
        """Open a TLS connection; who the server is, these tests take for granted."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if holding is not None:
            context.load_cert_chain(holding.file)
        connection = http.client.HTTPConnection(host)
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        return connection

    def ask_in_the_clear(self, method: str, path: str, **headers: str) -> Answer:
        """Send one request without TLS."""
        connection = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=10)
        try:
            return _ask(connection, method, path, headers=headers)
        finally:
            connection.close()

    @property
    def written(self) -> str:
        """All that nginx has written anywhere."""
        return "".join(file.read_text() for file in self.folder.rglob("*.log"))


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    said = response.read()
    is_json = "json" in (response.headers.get("Content-Type") or "")
    return Answer(response.status, dict(response.headers), json.loads(said) if is_json else said)


@contextmanager
def proxied(folder: Path) -> Iterator[Proxy]:
    """Run nginx with the committed configuration on free ports, before the exchange in this process."""
    with exchange_served() as behind, nginx(folder, upstream=f"127.0.0.1:{behind}", hosts=(API, WWW)) as running:
        yield running


@contextmanager
def nginx(folder: Path, *, upstream: str, hosts: tuple[str, str]) -> Iterator[Proxy]:
    """Run nginx with the committed configuration on free ports, with certificates for its hosts, before an upstream."""
    assert NGINX is not None
    port, plain = free_port(), free_port()
    written = COMMITTED.read_text(encoding="utf-8")
    for said, meant in (
        ("server unix:/run/udvej/gunicorn.sock fail_timeout=0;", f"server {upstream} fail_timeout=0;"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80 ", f"listen 127.0.0.1:{plain} "),
        ("/etc/udvej/tls/", f"{folder}/"),
        ("/dev/null emerg", f"{folder}/server.log emerg"),
        *zip((API, WWW), hosts, strict=True),
    ):
        assert said in written, said
        written = written.replace(said, meant)
    for name, host in zip(("api", "www"), hosts, strict=True):
        made = certificate(folder, host)
        (folder / f"{name}.pem").write_bytes(made.pem)
        (folder / f"{name}.key").write_bytes(made.file.read_bytes())
    (folder / "udvej.conf").write_text(written)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "said.log").open("wb") as said_log:
        process = subprocess.Popen(command, stdout=said_log, stderr=said_log)
    try:
        _await(process, port, folder)
        yield Proxy(port=port, plain=plain, host=hosts[0], folder=folder)
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
        return port


def _await(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    for _ in range(100):
        assert process.poll() is None, (folder / "said.log").read_text()
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx does not answer")
