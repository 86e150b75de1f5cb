"""
What makes it unsafe to serve with production settings: Django's deployment checks of our own, one sentence each.

`manage.py check --deploy` runs them, and gunicorn does not start where one of them is an error. Each looks at what the
process itself sees: its settings, its environment, the files it can read. What needs the database stands at the end,
and is asked with `--database default`. `checks` asks whether the ledger is guarded, which holds everywhere.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Doubt
from django.db import DatabaseError, connections

from agencies.models import Client
from audit import checkpoints
from config import variables
from config.local_keys import FIRST_KEK, RANDOM, RECEIPTS

TAG = "udvej"
FILES = "consent.keystore.FileKeyEncryption"
SECRET_CHARACTERS = 32
RANDOM_BYTES = 32
SERVES = "udvej_app"
SSL_MODES = ("require", "verify-ca", "verify-full")
DEMO = "demo-"


@register(TAG, deploy=True)
def served_safely(**kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django's shape
    """Return what is unsafe in the settings, the environment and the files of this process."""
    return [
        *_settings(),
        *_hosts(),
        *_roles(),
        *_connection(settings.DATABASES["default"]),
        *_keys(),
        *_log_key(),
        *_watched(),
        *_files(),
        *_witnesses(),
        *_traces(),
        *_clients(),
        *_sent(),
    ]


@register(Tags.database, deploy=True)
def connected_safely(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Return what is unsafe in the database as this process meets it; asked for with `--database default`."""
    return [message for alias in databases or () if alias == "default" for message in _database(alias)]


def _error(number: int, wrong: str, right: str) -> Error:
    return Error(wrong, hint=right, id=f"udvej.E{number}")


def _warning(number: int, wrong: str, right: str) -> Doubt:
    return Doubt(wrong, hint=right, id=f"udvej.W{number}")


def _settings() -> Iterator[CheckMessage]:
    if not settings.PRODUCTION:
        yield _error(
            101,
            "These are not the production settings.",
            "Set DJANGO_SETTINGS_MODULE=config.settings.production; the others are for one's own machine.",
        )
    if settings.DEBUG:
        yield _error(102, "DEBUG is on: an error's page would show personal data.", "Leave DEBUG False.")
    if settings.RATE_LIMIT_PER_MINUTE < 1:
        yield _error(
            103,
            f"UDVEJ_RATE_LIMIT_PER_MINUTE is {settings.RATE_LIMIT_PER_MINUTE}: no client could send anything.",
            "Set a number of requests a minute, such as 1200.",
        )
    if settings.LEDGER_ORIGIN.partition("/")[0].endswith(".example"):
        yield _error(
            104,
            f"UDVEJ_LEDGER_ORIGIN is {settings.LEDGER_ORIGIN!r}, a name for trials, and the log's name never changes.",
            "Choose a name of your own domain before the first entry, such as api.example.dk/ledger.",
        )


def _hosts() -> Iterator[CheckMessage]:
    for host in settings.ALLOWED_HOSTS:
        if "*" in host or host.startswith("."):
            yield _error(
                105,
                f"UDVEJ_HOSTS holds the wildcard {host!r}.",
                "Name each host that the exchange answers to, in full.",
            )
    if not settings.ALLOWED_HOSTS:
        yield _error(106, "UDVEJ_HOSTS names no host.", "Name each host that the exchange answers to.")
    audience = urlsplit(settings.API_AUDIENCE)
    if audience.scheme != "https" or not audience.hostname:
        yield _error(
            107,
            f"UDVEJ_AUDIENCE is {settings.API_AUDIENCE!r}, which is no https address.",
            "Tokens are sent to this address: make it one with TLS, such as https://api.example.dk/.",
        )


def _roles() -> Iterator[CheckMessage]:
    for variable, role in ((variables.OWNER_DATABASE_URL, "owns"), (variables.SEALER_DATABASE_URL, "seals")):
        if variable.said():
            yield _error(
                108,
                f"{variable.name} is set: whoever takes over this process {role} the ledger as well.",
                f"Set {variable.name} for the process that needs it alone, and not where the exchange is served.",
            )


def _connection(default: dict[str, Any]) -> Iterator[CheckMessage]:
    if default["USER"] != SERVES:
        yield _error(
            109,
            f"DATABASE_URL connects as {default['USER']!r}.",
            f"The server connects as {SERVES}, which can't alter a table or the ledger (config/roles.sql).",
        )
    if not _near(str(default["HOST"])) and default["OPTIONS"].get("sslmode") not in SSL_MODES:
        yield _error(
            110,
            "DATABASE_URL names a database on another host, and lets the connection be without TLS.",
            "Add ?sslmode=verify-full&sslrootcert=… to it.",
        )


def _keys() -> Iterator[CheckMessage]:
    folder = Path(settings.KEYS_DIR)
    if not folder.is_dir():
        yield _error(111, f"The folder of keys {folder} is not there.", "UDVEJ_KEYS_DIR has to name it.")
        return
    if not _own(folder):
        yield _error(
            112,
            f"The folder of keys {folder} is open to others, or not this account's.",
            f"chown it to the account that serves, and chmod 700 {folder}.",
        )
    for file in sorted(each for each in folder.iterdir() if each.is_file()):
        if not _own(file):
            yield _error(
                113,
                f"The key {file.name} can be read by others, or is not this account's.",
                f"chown it to the account that serves, and chmod 600 {file}. If others may have read it, replace it.",
            )
    wrapping = [FIRST_KEK] if settings.KEY_ENCRYPTION == FILES else []  # a key service has its own
    for name in (*RANDOM, *wrapping, RECEIPTS):
        found = sorted(folder.glob("vault-kek-*")) if name == FIRST_KEK else [folder / name]
        if not all(each.is_file() for each in found) or not found:
            yield _error(
                114, f"The key {name} is missing from {folder}.", "Restore it; never make it anew (README, Keys)."
            )
        elif name != RECEIPTS and not all(_random(each) for each in found):
            yield _error(115, f"The key {name} is not {RANDOM_BYTES} random bytes.", "Restore it from its backup.")


def _log_key() -> Iterator[CheckMessage]:
    folder = Path(settings.LEDGER_KEYS_DIR)
    try:
        readable = [each.name for each in folder.glob("log-*.pem") if os.access(each, os.R_OK)]
    except PermissionError:
        return
    if readable:
        yield _error(
            116,
            f"The serving process can read the log's key in {folder}: it could sign a ledger of its own.",
            "Seal under another account, and give the folder to that account alone (deploy/README.md).",
        )


def _watched() -> Iterator[CheckMessage]:
    if settings.METRICS_OPEN:
        yield _error(117, "/metrics answers to anybody.", "Leave METRICS_OPEN False, and set UDVEJ_METRICS_TOKEN.")
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < SECRET_CHARACTERS:
        yield _error(
            118,
            f"UDVEJ_METRICS_TOKEN has fewer than {SECRET_CHARACTERS} characters.",
            "Make one with: openssl rand -hex 32.",
        )


def _files() -> Iterator[CheckMessage]:
    if settings.ATTACHMENTS_UNSCANNED not in ("withhold", "serve"):
        yield _error(
            119,
            f"UDVEJ_ATTACHMENTS_UNSCANNED is {settings.ATTACHMENTS_UNSCANNED!r}.",
            "It is `withhold` or `serve`.",
        )
    if settings.ATTACHMENTS_UNSCANNED == "serve":
        yield _warning(
            120,
            "Files that no scanner has looked at are handed out (UDVEJ_ATTACHMENTS_UNSCANNED=serve).",
            "Set up a scanner (UDVEJ_CLAMAV), and withhold what it has not seen.",
        )
    kind, _, address = settings.CLAMAV.partition(":")
    if kind == "tcp" and not _near(address.rpartition(":")[0]):
        yield _warning(
            121, "Files go to the virus scanner on another host in the clear.", "Run the scanner on this host."
        )


def _witnesses() -> Iterator[CheckMessage]:
    right = "Have others run a witness (docs/witness.md), and name them in the file of UDVEJ_LEDGER_POLICY."
    try:
        quorum = checkpoints.policy.__wrapped__().quorum
    except (OSError, ValueError) as error:
        yield _error(122, f"The witnesses' policy {settings.LEDGER_POLICY} can't be read: {error}.", right)
        return
    if quorum is None:
        yield _warning(123, "No witness watches the log: the ledger could be rewritten unseen by anybody else.", right)


def _traces() -> Iterator[CheckMessage]:
    address = urlsplit(variables.TRACES_ENDPOINT.read())
    if address.scheme == "http" and not _near(address.hostname or ""):
        yield _warning(
            124,
            "Traces go to another host in the clear.",
            "Make OTEL_EXPORTER_OTLP_ENDPOINT an https address, or run a collector on this host.",
        )


def _clients() -> Iterator[CheckMessage]:
    if settings.CLIENT_SECRETS not in ("accept", "refuse"):
        yield _error(128, f"UDVEJ_CLIENT_SECRETS is {settings.CLIENT_SECRETS!r}.", "It is `accept` or `refuse`.")
    if settings.CLIENT_SECRETS == "accept":
        yield _warning(
            129,
            "Clients may get tokens with a secret that travels (UDVEJ_CLIENT_SECRETS=accept).",
            "Have them sign (docs/sign-in.md), and refuse secrets.",
        )
    if settings.CLIENT_CERTIFICATE_HEADER and not settings.TRUSTED_PROXIES:
        yield _error(
            133,
            "UDVEJ_CLIENT_CERTIFICATE_HEADER is set, and no proxy is believed: whoever shows a certificate is refused.",
            "Name the proxy in UDVEJ_TRUSTED_PROXIES: its address, or unix for a socket.",
        )


def _sent() -> Iterator[CheckMessage]:
    """What leaves the exchange by itself: webhooks, and mail to duty contacts."""
    if settings.WEBHOOKS_INSIDE:
        yield _error(
            130,
            "Webhooks may be posted to this machine itself, over http.",
            "Leave WEBHOOKS_INSIDE False: an agency's administrator could reach what is not theirs.",
        )
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        yield _warning(
            131,
            "Mail to duty contacts is only written out: nobody is told that something waits.",
            "Set UDVEJ_EMAIL_URL, such as smtp://user:password@mail.example.dk:587?tls=starttls.",
        )
    elif not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL or _near(settings.EMAIL_HOST)):
        yield _error(
            132,
            "Mail goes to another host in the clear, and its password with it.",
            "Leave tls=none out of UDVEJ_EMAIL_URL.",
        )
    if urlsplit(settings.DUTY_SIGN_IN).scheme != "https":
        yield _warning(
            134,
            f"Mails to duty contacts name {settings.DUTY_SIGN_IN} as the place to sign in.",
            "Set UDVEJ_BASE_URL to the exchange's own address, such as https://api.example.dk.",
        )


def _database(alias: str) -> Iterator[CheckMessage]:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = session_user")
            user, superuser = cursor.fetchone()
    except DatabaseError as error:
        yield _error(125, f"The database can't be asked: {type(error).__name__}.", "DATABASE_URL has to reach it.")
        return
    if superuser or user != SERVES:
        what = "a superuser" if superuser else "another role than the one that serves"
        yield _error(
            126, f"The database lets us in as {user}, {what}.", f"Connect as {SERVES}, as config/roles.sql makes it."
        )
        return
    try:
        demo = Client.objects.using(alias).filter(client_id__startswith=DEMO).exists()
    except DatabaseError:
        return  # its tables are not there: the guards say so
    if demo:
        yield _error(
            127,
            "The database holds the demo agencies' clients, whose secrets lie in a file.",
            "Serve another database: demo data is never taken out of a ledger again.",
        )


def _own(path: Path) -> bool:
    found = path.stat()
    return found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077


def _random(file: Path) -> bool:
    try:
        key = bytes.fromhex(file.read_text().strip())
    except (OSError, ValueError):
        return False
    return len(key) >= RANDOM_BYTES and len(set(key)) > RANDOM_BYTES // 4


def _near(host: str) -> bool:
    """Return whether a host is this one: a socket's folder, a loopback address, or none said."""
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
