"""Settings for the tests: a database of their own, made and thrown away by tests/conftest.py."""

from config import embedded_postgres, local_keys, variables
from config.env import BASE_DIR, database
from config.local_keys import Keys
from config.settings.base import *  # noqa: F403

KEYS_DIR = BASE_DIR / "var" / "test-keys"
local_keys.ensure(KEYS_DIR)
KEYS = Keys(KEYS_DIR)
SECRET_KEY = KEYS.secret_key()
ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
CLAMAV, ATTACHMENTS_UNSCANNED = "", "withhold"  # each test that scans has a scanner of its own
RATE_LIMIT_PER_MINUTE = 1_000_000  # a client that several tests share is not held up by them
TOKENS_PER_MINUTE = FAILURES_PER_MINUTE = 1_000_000
RATE_LIMIT_SHARED_SECONDS = 0  # no thread holds on to the database; a test of it starts its own

CLUSTER = variables.TEST_NAME.read()  # two runs at once each take a server of their own
_embedded = embedded_postgres.locate(CLUSTER)
DATABASES = {
    "default": database(_embedded.url("udvej_app", "test")),
    "owner": database(_embedded.url("udvej_owner", "test")),
}
