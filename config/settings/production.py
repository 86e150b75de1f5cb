"""Settings for production: everything comes from the environment, and nothing has a default that is less safe."""

from config import variables
from config.env import database
from config.settings.base import *  # noqa: F403

variables.required([each for each in variables.declared() if each.needed])
PRODUCTION = True
try:
    SECRET_KEY = KEYS.secret_key()  # noqa: F405
except (OSError, ValueError) as error:
    raise variables.Misconfigured(
        f"{KEYS_DIR}/django-secret can't be read as a key ({error}). UDVEJ_KEYS_DIR has to name the folder of keys, "  # noqa: F405
        "owned by the account of this process; deploy/README.md says how to make one."
    ) from error
ALLOWED_HOSTS = variables.HOSTS.read()
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
CLIENT_SECRETS = variables.CLIENT_SECRETS.read() or "refuse"
STATIC_ROOT = variables.STATIC_ROOT.read()
DATABASES = {"default": database(variables.DATABASE_URL.read())}
if _owner := variables.OWNER_DATABASE_URL.read():  # set for the migrating process alone
    DATABASES["owner"] = database(_owner)

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
