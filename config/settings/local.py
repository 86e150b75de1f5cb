"""Settings for `make run` on one machine: the embedded database unless DATABASE_URL names another."""

from config import embedded_postgres, local_keys
from config.env import BASE_DIR, database, env
from config.settings.base import *  # noqa: F403

local_keys.ensure(KEYS_DIR)  # noqa: F405
SECRET_KEY = KEYS.secret_key()  # noqa: F405
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

_embedded = embedded_postgres.locate()
DATABASES = {"default": database(env.str("DATABASE_URL", default="") or _embedded.url("udvej_app"))}
if _owner := env.str("OWNER_DATABASE_URL", default=""):
    DATABASES["owner"] = database(_owner)
METRICS_OPEN = True
WEBHOOKS_INSIDE = True

# --- The sandbox: here and nowhere else (config.checks) -------------------------------------------------------------
ROOT_URLCONF = "config.demo.urls"
_demo_file = env.path("UDVEJ_DEMO_FILE", default=BASE_DIR / "var" / "demo.json")
SANDBOX = {
    "base_url": env.str("UDVEJ_BASE_URL", default="http://127.0.0.1:8000"),
    "demo_file": _demo_file,
    "plays": _demo_file.parent / "plays",
}
