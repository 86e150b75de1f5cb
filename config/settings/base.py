"""Settings that hold everywhere. Deny by default: a view that names no permission answers nobody."""

import structlog

from config import variables
from config.env import email
from config.local_keys import Keys

PRODUCTION = False
KEYS_DIR = variables.KEYS_DIR.read()
KEYS = Keys(KEYS_DIR)

DEBUG = False
ALLOWED_HOSTS: list[str] = []
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "agencies.User"

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "auditlog",
    "oauth2_provider",
    "procrastinate.contrib.django",
    "api_schema",
    "audit",
    "agencies",
    "consent",
    "referrals",
    "config",
]

TRACES_ENDPOINT = variables.TRACES_ENDPOINT.read()
TRACES_RATIO = variables.TRACES_RATIO.read()
MIDDLEWARE = [
    *(["config.traces.traced"] if TRACES_ENDPOINT else []),  # not even imported where nobody asks for traces
    "config.counting.counted",
    "api_schema.headers.request_context",  # names and logs an answer that is lost with its locks, too
    "audit.log.answering",
    "config.callers.named",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Who may ask -------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
    "agencies.oidc.Provider",
]
ANONYMOUS_USER_NAME = None  # guardian's anonymous account would be a principal nobody vouches for
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "agencies.secrets.RandomSecretHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 14}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
OAUTH2_PROVIDER_APPLICATION_MODEL = "agencies.Client"
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
    "CLIENT_SECRET_HASHER": "udvej_random_secret",
    "CLIENT_SECRET_GENERATOR_CLASS": "agencies.secrets.SecretGenerator",
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "OAUTH2_VALIDATOR_CLASS": "agencies.tokens.Validator",
    "SCOPES_BACKEND_CLASS": "agencies.tokens.ClientScopes",
    "ALLOWED_GRANT_TYPES": ["client-credentials"],
}
SESSION_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # a new secret is shown, not sent along
OIDC_ISSUER = variables.OIDC_ISSUER.read()  # where people sign in; empty: with a password, at /admin/ alone
OIDC_CLIENT_ID = variables.OIDC_CLIENT_ID.read()
OIDC_CLIENT_SECRET_FILE = variables.OIDC_CLIENT_SECRET_FILE.read()
SESSION_COOKIE_SAMESITE = "Lax" if OIDC_ISSUER else "Strict"  # a provider's way back is from another site
SESSION_COOKIE_AGE = 8 * 60 * 60
CSRF_COOKIE_SAMESITE = "Strict"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
X_FRAME_OPTIONS = "DENY"

# --- The wire ----------------------------------------------------------------------------------------------------
API_AUDIENCE = variables.AUDIENCE.read()
OAUTH_ISSUER = variables.ISSUER.read() or API_AUDIENCE.rstrip("/")  # the token endpoint is below it
CLIENT_SECRETS = variables.CLIENT_SECRETS.read() or "accept"  # or: refuse; then clients sign (RFC 7523)
CLIENT_CERTIFICATE_HEADER = variables.CLIENT_CERTIFICATE_HEADER.read()  # as deploy/nginx sets it; or none
TRUSTED_PROXIES = variables.TRUSTED_PROXIES.read()  # addresses, or unix, whose headers are believed
RATE_LIMIT_PER_MINUTE = variables.RATE_LIMIT.read()
RATE_LIMIT_SHARED_SECONDS = 1.0  # how often workers tell one another what they counted; 0: never
TOKENS_PER_MINUTE = variables.TOKENS_PER_MINUTE.read()  # a client needs one in ten minutes
FAILURES_PER_MINUTE = 30  # from one address; then what fails again is answered 429
REQUEST_BYTES_MAX = 8 * 1024 * 1024  # a full batch of 500 is about 2 MB
DATA_UPLOAD_MAX_MEMORY_SIZE = REQUEST_BYTES_MAX
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["agencies.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["agencies.permissions.DenyAll"],
    "DEFAULT_THROTTLE_CLASSES": ["agencies.throttling.PerClient"],
    "DEFAULT_PARSER_CLASSES": ["api_schema.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "api_schema.hooks.Schema",
    "EXCEPTION_HANDLER": "api_schema.problems.answer",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "DATETIME_FORMAT": "iso-8601",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Udvej",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "api_schema.hooks.DESCRIPTION",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "Status": "referrals.serializers.STATUSES",
        "Move": "referrals.serializers.MOVES",
        "Mode": "referrals.serializers.MODES",
        "Urgency": "referrals.bodies.URGENCIES",
        "Screening": "referrals.bodies.SCREENING",
        "Need": "referrals.sections.NEEDS",
        "Milieu": "referrals.sections.MILIEUS",
        "ConsentMethod": "consent.serializers.METHODS",
        "ConsentDecision": "consent.serializers.DECISIONS",
        "PartyRole": "consent.shown.PARTY_ROLES",
        "Category": "consent.categories.NAMES",
        "ContentCategory": "consent.categories.CONTENT_NAMES",
        "Channel": "referrals.bodies.CHANNELS",
        "ContactChannel": "referrals.sections.CONTACT_CHANNELS",
        "OutcomeCode": "referrals.bodies.OUTCOMES",
        "EntryOutcome": "referrals.inspection_serializers.OUTCOMES",
        "AgencyKind": "agencies.models.LISTED_KINDS",
        "ConsentKind": "consent.serializers.KINDS",
        "StatementKind": "referrals.sections.STATEMENT_KINDS",
        "MessageKind": "referrals.bodies.MESSAGE_KINDS",
        "MessageKindEnum": "referrals.serializers.SAYING",
        "MediaType": "referrals.file_types.MEDIA_TYPES",
        "ScanState": "referrals.attachments_serializers.SCAN_STATES",
        "Purpose": "agencies.acting.PURPOSES",
        "AuditReason": "referrals.inspection.REASONS",
        "ClaimState": "agencies.self_governing.STATES",
        "WithdrawalReason": "agencies.self_governing_serializers.REASONS",
        "ConsentPurpose": "consent.serializers.PURPOSES",
        "ConsentState": "consent.shown.SHOWN_STATES",
        "ConsentUse": "consent.law.USES",
        "ConsentEntity": "consent.serializers.ENTITIES",
        "NoticeLanguage": "consent.serializers.LANGUAGES",
        "TaskKind": "referrals.tasks_serializers.KINDS",
        "GlassState": "referrals.break_glass_serializers.STATES",
        "FlaggedState": "referrals.serializers.FLAGGED",
        "Verdict": "referrals.break_glass_serializers.VERDICTS",
        "TaskState": "referrals.tasks_serializers.STATES",
        "EventType": "agencies.notifications.serializers.TYPES",
        "EndpointState": "agencies.notifications.serializers.ENDPOINT_STATES",
        "DeliveryState": "agencies.notifications.serializers.DELIVERY_STATES",
        "DisabledBecause": "agencies.notifications.serializers.DISABLED_BECAUSE",
    },
    "WEBHOOKS": ["agencies.notifications.contract.event"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SORT_OPERATIONS": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "api_schema.hooks.complete"],
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "displayOperationId": False},
}

# --- Content at rest ---------------------------------------------------------------------------------------------
KEY_ENCRYPTION = "consent.keystore.FileKeyEncryption"  # or a key-management service of the same shape
KEY_STORE = "consent.keystore.FileKeyStore"  # outside the database, so that no dump of it opens anything

# --- Files -------------------------------------------------------------------------------------------------------
ATTACHMENT_BYTES_MAX = 5 * 1024 * 1024  # before base64, which has to fit into REQUEST_BYTES_MAX
CLAMAV = variables.CLAMAV.read()
ATTACHMENTS_UNSCANNED = variables.ATTACHMENTS_UNSCANNED.read()

# --- The log over the ledger: who signs it, and what it remembers outside the database ------------------------------
LEDGER_ORIGIN = variables.LEDGER_ORIGIN.read()
LEDGER_SIGNER = "audit.signing.FileSigners"  # or a key service of the same shape
LEDGER_KEYS_DIR = variables.LEDGER_KEYS_DIR.read() if variables.LEDGER_KEYS_DIR.said() else KEYS_DIR / "log"
LEDGER_MEMORY = variables.LEDGER_MEMORY.read()
LEDGER_POLICY = variables.LEDGER_POLICY.read()  # a C2SP tlog-policy file
LEDGER_SECONDS = variables.LEDGER_SECONDS.read()
LEDGER_ALARM_SECONDS = 10  # how long an entry may wait for its checkpoint before /health/ready says so
LEDGER_WITNESS_ALARM_SECONDS = 60  # and a checkpoint for its quorum of witnesses

# --- Events: the feed, and webhooks, which a worker beside the server delivers -------------------------------------
EVENTS_SEATS = max(1, variables.THREADS.read() // 2)  # how many requests a process lets wait for an event at a time
WEBHOOKS_ALARM_SECONDS = 120  # how long a call may wait for a worker before /health/ready says so
WEBHOOKS_INSIDE = False  # whether loopback addresses may be called, over http; for development alone
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
PROCRASTINATE_IMPORT_PATHS = ["agencies.notifications.delivering"]
PROCRASTINATE_WORKER_DEFAULTS = {"concurrency": 6, "delete_jobs": "successful"}

# --- What operators watch ----------------------------------------------------------------------------------------
METRICS_TOKEN = variables.METRICS_TOKEN.read()
METRICS_OPEN = False

# --- The ledger and what happens around it -----------------------------------------------------------------------
AUDITLOG_DISABLE_REMOTE_ADDR = True
DATABASE_ROUTERS = ["config.routers.OwnerMigrates"]
CONSENT_ENDED = [
    "referrals.actions.stop_on_ended_consent"
]  # who is told, in the same transaction, that a consent ended

# --- Whom the exchange tells that something waits ------------------------------------------------------------------
globals().update(email(variables.EMAIL_URL.read()))  # smtp://user:password@host:587?tls=starttls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = variables.EMAIL_FROM.read()
DUTY_SIGN_IN = variables.BASE_URL.read()  # the address that the mails name
DUTY_ALARM_SECONDS = 3600  # how long a mail to a duty contact may wait before /health/ready says so

# --- Languages ---------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "da"
LANGUAGES = [("da", "Dansk"), ("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True

# --- Logs: one JSON object a line, names and codes only ----------------------------------------------------------
_SHARED = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": _SHARED,
        }
    },
    "filters": {"names_only": {"()": "config.logs.NamesOnly"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["names_only"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "CRITICAL"},  # api_schema.headers writes one line a request, without its path
        "django.security": {"level": "ERROR"},
        "oauth2_provider": {"level": "WARNING"},
        "oauthlib": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],  # type: ignore[list-item]
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
