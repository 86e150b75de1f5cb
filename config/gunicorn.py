"""How gunicorn serves: threads over persistent connections, no access log (paths name referrals), a bounded request."""

import atexit
import os
import shutil
import sys
import tempfile
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from config import variables

bind = [each if each.startswith("unix:") else f"{each}:{variables.PORT.read()}" for each in variables.BIND.read()]
umask = 0o007  # a socket is for this account and its group, which the proxy's account belongs to
worker_class = "gthread"
workers = variables.WORKERS.read()
threads = variables.THREADS.read()
timeout = 60
graceful_timeout = 20
keepalive = 15
limit_request_line = 2048
limit_request_fields = 50
limit_request_field_size = 8190  # a client's certificate, escaped, as the proxy hands it on
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True


def on_starting(server: Any) -> None:
    """
    Refuse to serve what is unsafe: a ledger that is not guarded, and in production anything that `safety` finds.

    Raises SystemCheckError or SystemExit, saying what is wrong and what would be right; warnings are printed.
    """
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    if not variables.SETTINGS.said():
        sys.exit(
            "DJANGO_SETTINGS_MODULE is not set. Set it to config.settings.production to serve, or to "
            "config.settings.local to try the exchange on this machine."
        )
    _make_room_for_counts()
    django.setup()
    if not settings.PRODUCTION and not all(_loopback(address) for address in server.cfg.address):
        sys.exit(
            "These settings are for trials, and would be served to other machines. Set "
            "DJANGO_SETTINGS_MODULE=config.settings.production, or listen on 127.0.0.1."
        )
    call_command("check", "--database", "default", *(["--deploy"] if settings.PRODUCTION else []), verbosity=0)
    connections.close_all()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's shape
    """Take a worker's numbers of the moment out of the sum; what it counted stays."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _make_room_for_counts() -> None:
    """Name the folder in which workers count, empty, before anything imports prometheus_client, which looks once."""
    said = variables.METRICS_DIR.said()
    if not said:
        said = tempfile.mkdtemp(prefix="udvej-metrics-")
        atexit.register(_remove, said, master=os.getpid())
        os.environ[variables.METRICS_DIR.name] = said
    Path(said).mkdir(parents=True, exist_ok=True)
    for left_over in Path(said).glob("*.db"):
        left_over.unlink()


def _remove(folder: str, *, master: int) -> None:
    if os.getpid() == master:  # a worker that ends has inherited the same registration
        shutil.rmtree(folder, ignore_errors=True)


def _loopback(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a unix socket
    try:
        return address[0] == "localhost" or ip_address(address[0]).is_loopback
    except ValueError:
        return False
