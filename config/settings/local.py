"""Settings for `make run` on one machine: the embedded database unless DATABASE_URL names another."""

from config import embedded_postgres, local_keys, variables
from config.env import database
from config.settings.base import *  # noqa: F403

local_keys.ensure(KEYS_DIR)  # noqa: F405
SECRET_KEY = KEYS.secret_key()  # noqa: F405
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

_embedded = embedded_postgres.locate()
DATABASES = {"default": database(variables.DATABASE_URL.read() or _embedded.url("udvej_app"))}
if _owner := variables.OWNER_DATABASE_URL.read():
    DATABASES["owner"] = database(_owner)
METRICS_OPEN = True
WEBHOOKS_INSIDE = True

# --- The sandbox: here and nowhere else (config.checks) -------------------------------------------------------------
ROOT_URLCONF = "config.demo.urls"
_demo_file = variables.DEMO_FILE.read()
SANDBOX = {
    "base_url": variables.BASE_URL.read(),
    "demo_file": _demo_file,
    "plays": _demo_file.parent / "plays",
}
