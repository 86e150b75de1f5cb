"""A subscriber to try with: it listens on the loopback address, keeps what it is sent, and answers as it is told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.db import connection
from procrastinate.contrib.django import app
from standardwebhooks import Webhook


@dataclass
class Received:
    """One call as it came in."""

    path: str
    headers: dict[str, str]
    content: bytes

    def verified(self, secret: str) -> Any:
        """The payload, where the signature is by this secret. Raises `WebhookVerificationError` where it is not."""
        return Webhook(secret).verify(self.content, self.headers)


@dataclass
class Subscriber:
    """What it was sent, oldest first; `answers` are the statuses to give, the last of them from then on."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=lambda: [204])
    dripping: bool = False

    def of(self, about: str) -> list[Received]:
        """What it was sent about one thing."""
        return [each for each in self.received if about.encode() in each.content]


@contextmanager
def subscriber() -> Iterator[Subscriber]:
    """Run a subscriber for the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            made.received.append(Received(self.path, dict(self.headers.items()), content))
            if made.dripping:
                self._drip()
                return
            status = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            self.send_response(status)
            if status in {301, 302, 307}:
                self.send_header("Location", f"{made.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _drip(self) -> None:
            for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 600:
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.05)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Subscriber(url=f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def work_off() -> None:
    """Let a worker do every job whose time has come, as `manage.py procrastinate worker` does, and stop."""
    database = connection.settings_dict
    kept = database["CONN_MAX_AGE"]
    database["CONN_MAX_AGE"] = 0  # the worker's threads end with it, and leave no connection open
    try:
        while _due():  # one that stood in line behind another may be left when the worker finds nothing to take
            with app.replace_connector(app.connector.get_worker_connector()) as worker:  # type: ignore[attr-defined]
                worker.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)
    finally:
        database["CONN_MAX_AGE"] = kept


def _due() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs job WHERE status = 'todo' AND coalesce(scheduled_at, now()) "
            "<= now() AND NOT EXISTS (SELECT FROM procrastinate_jobs earlier WHERE earlier.lock = job.lock "
            "AND earlier.id < job.id AND earlier.status IN ('todo', 'doing')))"
        )
        return bool(cursor.fetchone()[0])


def pass_time() -> None:
    """Let the time of every waiting job come, and let no endpoint rest any longer."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")
        cursor.execute("UPDATE agencies_endpoint SET resting_until = NULL WHERE resting_until IS NOT NULL")
