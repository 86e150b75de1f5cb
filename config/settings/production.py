"""Settings for production: everything comes from the environment, and nothing has a default that is less safe."""

from config.env import database, env
from config.local_keys import Keys
from config.settings.base import *  # noqa: F403

KEYS = Keys(env.path("UDVEJ_KEYS_DIR"))
SECRET_KEY = KEYS.secret_key()
ALLOWED_HOSTS = env.list("UDVEJ_HOSTS")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
API_AUDIENCE = env.str("UDVEJ_AUDIENCE")
STATIC_ROOT = env.path("UDVEJ_STATIC_ROOT")
DATABASES = {"default": database(env.str("DATABASE_URL"))}
if _owner := env.str("OWNER_DATABASE_URL", default=""):  # set for the migrating process alone
    DATABASES["owner"] = database(_owner)

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
