"""
Every environment variable of the exchange, declared once: its type, its default, what it means, and who needs it.

The settings read them from here, and docs/configuration.md is written from here (`python -m config.configuration`). A
secret may lie in a file instead: CREDENTIALS_DIRECTORY names the folder, as systemd's LoadCredential and containers'
secrets do, and the file has the variable's own name. Nothing here imports Django.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from environs import Env, EnvError

BASE_DIR = Path(__file__).resolve().parent.parent
CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
T = TypeVar("T")
env = Env()


class Misconfigured(RuntimeError):  # noqa: N818 - says what is the matter
    """The environment does not say what it has to; the sentences say which variable, and what would be right."""


class Process(StrEnum):
    """Which process needs a variable."""

    ALL = "all"
    SERVE = "server"
    SEAL = "sealer"
    MIGRATE = "migration"
    TRIAL = "`make run` alone"


@dataclass(frozen=True, kw_only=True)
class Variable(Generic[T]):
    """
    One variable. `default` is what holds where it is not set; `shown` says that default in words where it varies.

    `needed` says that production does not start without it.
    """

    name: str
    kind: str
    default: T
    meaning: str
    where: tuple[Process, ...]
    parse: Callable[[str], T]
    needed: bool = False
    secret: bool = False
    shown: str = ""

    def read(self) -> T:
        """Return its value, or its default where it is not set or empty. Raises `Misconfigured` for another type."""
        said = self.said()
        if not said:
            return self.default
        try:
            return self.parse(said)
        except (EnvError, ValueError) as error:
            raise Misconfigured(f"{self.name} has to be {self.kind}. It means: {self.meaning}") from error

    def said(self) -> str:
        """Return what the environment, or for a secret its credential's file, says; empty where neither does."""
        said = env.str(self.name, default="")
        folder = env.str(CREDENTIALS_DIRECTORY, default="")
        if said or not self.secret or not folder:
            return said
        try:
            return (Path(folder) / self.name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""


def required(variables: Sequence[Variable[object]]) -> None:
    """Raise `Misconfigured`, naming each of the variables that is not set, with what it means."""
    missing = [variable for variable in variables if not variable.said()]
    if missing:
        sentences = "\n".join(f"  {each.name} is not set. It has to be {each.kind}: {each.meaning}" for each in missing)
        raise Misconfigured(
            f"Production does not start without these:\n{sentences}\ndocs/configuration.md has them all."
        )


def _text(name: str, meaning: str, *, default: str = "", kind: str = "text", **more: object) -> Variable[str]:
    return Variable(name=name, kind=kind, default=default, meaning=meaning, parse=str, **_where(more))  # type: ignore[arg-type]


def _path(name: str, meaning: str, *, default: Path, **more: object) -> Variable[Path]:
    return Variable(name=name, kind="a path", default=default, meaning=meaning, parse=Path, **_where(more))  # type: ignore[arg-type]


def _integer(name: str, meaning: str, *, default: int, **more: object) -> Variable[int]:
    return Variable(name=name, kind="a whole number", default=default, meaning=meaning, parse=int, **_where(more))  # type: ignore[arg-type]


def _number(name: str, meaning: str, *, default: float, **more: object) -> Variable[float]:
    return Variable(name=name, kind="a number", default=default, meaning=meaning, parse=float, **_where(more))  # type: ignore[arg-type]


def _names(name: str, meaning: str, *, default: Sequence[str] = (), **more: object) -> Variable[list[str]]:
    kind = "names with commas between them"
    return Variable(name=name, kind=kind, default=list(default), meaning=meaning, parse=_split, **_where(more))  # type: ignore[arg-type]


def _split(said: str) -> list[str]:
    return [each.strip() for each in said.split(",") if each.strip()]


def _where(more: dict[str, object]) -> dict[str, object]:
    return {"where": (Process.SERVE,)} | more


EVERY = (Process.ALL,)
URL = "a URL like postgresql://role:password@host:5432/database"

# --- Which exchange this is -------------------------------------------------------------------------------------------
SETTINGS = _text(
    "DJANGO_SETTINGS_MODULE",
    "`config.settings.production`, or `config.settings.local` to try it. The server does not start without it.",
    kind="a module's name",
    default="config.settings.local",
    where=EVERY,
    needed=True,
)
HOSTS = _names("UDVEJ_HOSTS", "The host names it answers to. No wildcards.", where=EVERY, needed=True)
AUDIENCE = _text(
    "UDVEJ_AUDIENCE",
    "The audience its tokens are issued for, such as `https://api.example.dk/`.",
    kind="an https address",
    default="https://api.udvej.example/",
    where=EVERY,
    needed=True,
)
ISSUER = _text(
    "UDVEJ_ISSUER",
    "The issuer's name that clients sign their assertions for (RFC 7523), with the token endpoint below it; the "
    "audience without its closing slash unless it is set.",
    kind="an https address",
    where=EVERY,
)
CLIENT_SECRETS = _text(
    "UDVEJ_CLIENT_SECRETS",
    "Whether clients may get tokens with a secret: `accept` or `refuse`; refused, they sign (docs/sign-in.md).",
    kind="`accept` or `refuse`",
    shown="`refuse` in production, `accept` elsewhere",
    where=EVERY,
)
CLIENT_CERTIFICATE_HEADER = _text(
    "UDVEJ_CLIENT_CERTIFICATE_HEADER",
    "The header in which the proxy hands on a client's certificate, as deploy/nginx sets it. Empty: none is believed.",
    kind="a header's name",
    where=EVERY,
)
TRUSTED_PROXIES = _names(
    "UDVEJ_TRUSTED_PROXIES",
    "The addresses of the proxies whose headers are believed, or `unix` for a socket; comma-separated.",
    where=EVERY,
)
OIDC_ISSUER = _text(
    "UDVEJ_OIDC_ISSUER",
    "The OpenID provider that people sign in at (docs/sign-in.md). Empty: with a password, at /admin/ alone.",
    kind="an https address",
    where=EVERY,
)
OIDC_CLIENT_ID = _text("UDVEJ_OIDC_CLIENT_ID", "What that provider knows the exchange by.", where=EVERY)
OIDC_CLIENT_SECRET_FILE = _text(
    "UDVEJ_OIDC_CLIENT_SECRET_FILE", "The file of the secret that it gave.", kind="a path", where=EVERY
)
STATIC_ROOT = _path(
    "UDVEJ_STATIC_ROOT",
    "The folder of static files: the docs page, the administration.",
    default=BASE_DIR / "var" / "static",
    shown="`var/static`",
    where=EVERY,
    needed=True,
)

# --- The database -----------------------------------------------------------------------------------------------------
DATABASE_URL = _text(
    "DATABASE_URL",
    "The database, as `udvej_app` for the server and what runs beside it, as `udvej_sealer` for the sealer, and as "
    "`udvej_reader` for `audit_verify`.",
    kind=URL,
    where=EVERY,
    needed=True,
    secret=True,
    shown="the embedded database",
)
OWNER_DATABASE_URL = _text(
    "OWNER_DATABASE_URL",
    "The same database as `udvej_owner`. The server refuses to start where it can see it.",
    kind=URL,
    where=(Process.MIGRATE,),
    secret=True,
)
SEALER_DATABASE_URL = _text(
    "SEALER_DATABASE_URL",
    "The same database as `udvej_sealer`. In production the sealer's own process has that as its `DATABASE_URL`.",
    kind=URL,
    where=(Process.TRIAL,),
    secret=True,
)

# --- Keys -------------------------------------------------------------------------------------------------------------
KEYS_DIR = _path(
    "UDVEJ_KEYS_DIR",
    "The folder of keys. It belongs to the account that serves, and nobody else may enter it.",
    default=BASE_DIR / "var" / "keys",
    shown="`var/keys`",
    where=EVERY,
    needed=True,
)
LEDGER_ORIGIN = _text(
    "UDVEJ_LEDGER_ORIGIN",
    "The log's name, such as `api.example.dk/ledger`. It never changes.",
    default="udvej.example/ledger",
    where=EVERY,
    needed=True,
)
LEDGER_KEYS_DIR = _path(
    "UDVEJ_LEDGER_KEYS_DIR",
    "The folder of the log's key. It belongs to the sealer's account; the server must not be able to read it.",
    default=BASE_DIR / "var" / "keys" / "log",
    shown="`log` in the folder of keys",
    where=(Process.SEAL,),
)
LEDGER_MEMORY = _path(
    "UDVEJ_LEDGER_MEMORY",
    "The file in which the sealer remembers what it signed last. Not in the database, and not in its backups.",
    default=BASE_DIR / "var" / "ledger" / "signed-last.json",
    shown="`var/ledger/signed-last.json`",
    where=(Process.SEAL,),
)
LEDGER_POLICY = _text(
    "UDVEJ_LEDGER_POLICY",
    "The file that says which witnesses cosign the log, and what quorum (docs/ledger.md, section 10). Without it "
    "nobody outside could tell that the log was rewritten: the server warns.",
    kind="a path",
    where=(Process.SERVE, Process.SEAL),
)
LEDGER_SECONDS = _number(
    "UDVEJ_LEDGER_SECONDS", "Seconds between the sealer's looks at the queue.", default=0.2, where=(Process.SEAL,)
)

# --- How it serves ----------------------------------------------------------------------------------------------------
BIND = _names(
    "UDVEJ_BIND",
    "The addresses it listens on, such as `127.0.0.1`, or `unix:/run/udvej/gunicorn.sock` for a socket. `0.0.0.0` only "
    "in a container that nothing but the proxy reaches: whoever reaches it directly can say that a request came over "
    "TLS.",
    default=["127.0.0.1"],
    shown="`127.0.0.1`",
)
PORT = _integer("PORT", "The port it listens on, at each address that is no socket.", default=8000)
WORKERS = _integer("UDVEJ_WORKERS", "Processes that serve.", default=2)
THREADS = _integer("UDVEJ_THREADS", "Requests that each of them serves at once.", default=8)
RATE_LIMIT = _integer(
    "UDVEJ_RATE_LIMIT_PER_MINUTE",
    "Requests that a client may send in a minute, over all workers.",
    default=1200,
)
TOKENS_PER_MINUTE = _integer(
    "UDVEJ_TOKENS_PER_MINUTE", "Tokens that a client may ask for in a minute; it needs one in ten.", default=60
)

# --- Files ------------------------------------------------------------------------------------------------------------
CLAMAV = _text(
    "UDVEJ_CLAMAV",
    "The virus scanner: `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`. Files go to it in the clear, so keep it "
    "on the same host. Empty: nothing is scanned.",
)
ATTACHMENTS_UNSCANNED = _text(
    "UDVEJ_ATTACHMENTS_UNSCANNED",
    "What happens with files that were never scanned: `withhold` or `serve` (decision 0023).",
    kind="`withhold` or `serve`",
    default="withhold",
)

# --- Duty contacts ----------------------------------------------------------------------------------------------------
EMAIL_URL = _text(
    "UDVEJ_EMAIL_URL",
    "How mail to duty contacts is sent: `smtp://user:password@host:587?tls=starttls`, `tls=implicit` (RFC 8314), or "
    "`console:`, which only writes it out.",
    kind="a URL",
    default="console:",
    secret=True,
    where=EVERY,
)
EMAIL_FROM = _text(
    "UDVEJ_EMAIL_FROM", "The sender of that mail.", kind="a mail address", default="udvej@udvej.example", where=EVERY
)

BASE_URL = _text(
    "UDVEJ_BASE_URL",
    "The exchange's own address, such as `https://api.example.dk`; mails to duty contacts name it, and the demo file.",
    kind="an address",
    default="http://127.0.0.1:8000",
    where=EVERY,
)

# --- What operators watch ---------------------------------------------------------------------------------------------
METRICS_TOKEN = _text(
    "UDVEJ_METRICS_TOKEN",
    "The bearer token of `/metrics`, 32 characters or more. Without one `/metrics` answers nobody.",
    secret=True,
)
METRICS_DIR = _path(
    "PROMETHEUS_MULTIPROC_DIR",
    "The folder in which the workers add up what they counted; emptied at each start.",
    default=Path(),
    shown="a temporary folder, made at each start",
)
TRACES_ENDPOINT = _text(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "Where traces are sent as OTLP over HTTP, such as `https://collector.example.dk:4318`. Empty: no traces are made.",
    kind="an address",
)
TRACES_RATIO = _number(
    "UDVEJ_TRACES_RATIO",
    "Which part of the requests is traced, where the caller has not decided: from 0 to 1.",
    default=1.0,
)

# --- Trials -----------------------------------------------------------------------------------------------------------
DEMO_FILE = _path(
    "UDVEJ_DEMO_FILE",
    "The file of the demo agencies' credentials.",
    default=BASE_DIR / "var" / "demo.json",
    shown="`var/demo.json`",
    where=(Process.TRIAL,),
)
TEST_NAME = _text(
    "UDVEJ_TEST_NAME",
    "The name of the tests' own database server; two runs at once each need one.",
    default="test",
    where=(Process.TRIAL,),
)


def declared() -> list[Variable[object]]:
    """Return every variable, in the order declared."""
    return [each for each in globals().values() if isinstance(each, Variable)]
