"""
The witness's HTTP: bytes in, `audit.witnessing.Witnessing` asked, bytes out.

It bounds what strangers may send: how much, how slowly, and how many at once. TLS is the business of a proxy before it.
"""

import re
import socket
import socketserver
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore
from typing import Any

import structlog

from audit.patience import until
from audit.submission import SUBMISSION_BYTES_MAX
from audit.witness_folder import FolderError
from audit.witnessing import Answer, Witnessing

CONNECTIONS_MAX = 64
CHECKPOINT = re.compile(r"/([0-9a-f]{64})/checkpoint")
LENGTH = re.compile(r"[0-9]{1,9}")
NOTHING_HERE = Answer(HTTPStatus.NOT_FOUND, b"there is nothing at this address\n")
log = structlog.get_logger(__name__)


class Server(ThreadingHTTPServer):
    """A server of one witness on one address. `patience` is the seconds that one request may take, waiting included."""

    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, address: tuple[str, int], witnessing: Witnessing, *, patience: float = 30.0) -> None:
        self.witnessing, self.patience = witnessing, patience
        self._room = BoundedSemaphore(CONNECTIONS_MAX)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Request)

    @property
    def port(self) -> int:
        """The port taken."""
        port: int = self.server_address[1]
        return port

    def server_bind(self) -> None:
        """Bind without asking the name service who this is."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or close it where there are too many."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """See `process_request`."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what kind of error ended a connection: it is hardly ever ours."""
        log.warning("witness_connection", kind=type(sys.exc_info()[1]).__name__)


class _Request(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "udvej-witness", ""
    wbufsize = -1  # the answer leaves in one piece

    def handle_one_request(self) -> None:
        try:
            with until(time.monotonic() + self.server.patience, self.connection):
                super().handle_one_request()
        except TimeoutError:
            self.close_connection = True

    def do_GET(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body here is not read, and must not be taken for the next request
        match = CHECKPOINT.fullmatch(self.path)
        if match is None:
            self._answer(NOTHING_HERE)
        else:
            self._answer(_asked(self.server.witnessing.checkpoint, match[1]))

    def do_POST(self) -> None:
        lengths = self.headers.get_all("Content-Length") or []
        if len(lengths) != 1 or not LENGTH.fullmatch(lengths[0]) or "Transfer-Encoding" in self.headers:
            self._unread(b"a body comes in one piece, with its length\n")
        elif int(lengths[0]) > SUBMISSION_BYTES_MAX:
            self._unread(b"the body is too large\n")
        else:
            self._read(int(lengths[0]))

    def _read(self, length: int) -> None:
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
        elif self.path == "/add-checkpoint":
            self._answer(_asked(self.server.witnessing.add_checkpoint, body))
        else:
            self._answer(NOTHING_HERE)

    def _unread(self, sentence: bytes) -> None:
        """Refuse a body that is not read, and take a little of it all the same: else the answer may be lost with it."""
        self.close_connection = True
        self._answer(Answer(HTTPStatus.BAD_REQUEST, sentence))
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        for _ in range(SUBMISSION_BYTES_MAX // 4096):
            if not self.rfile.read1(65536):
                break

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """What matters is logged by what is asked; a request line is a stranger's text."""


def _asked(ask: Callable[[Any], Answer], question: Any) -> Answer:
    """Return the answer, or 500 where the folder can't be read or written: nothing is cosigned then."""
    try:
        return ask(question)
    except (OSError, FolderError) as error:
        log.exception("witness_folder", kind=type(error).__name__)
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"this witness can't use its folder\n")
