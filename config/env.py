"""What the settings make of the environment that `variables` declares: a URL becomes a connection, or a mail server."""

from urllib.parse import parse_qsl, unquote, urlsplit

from config.variables import BASE_DIR, env

__all__ = ["BASE_DIR", "database", "env"]

type_error = "DATABASE_URL has to look like postgresql://role:password@host:5432/database"


def database(url: str) -> dict[str, object]:
    """
    Return Django's connection settings for a ``postgresql://`` URL.

    Query parameters are passed to libpq, so a socket folder is written ``?host=/run/postgresql``.
    Raises ValueError, saying the expected form, for any other scheme or for a URL without a database name.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ValueError(type_error)
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", None) or unquote(parts.hostname or "")
    guards = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
    # PostgreSQL's default, 4, is a spinning disk's; by it, it would rather read all and sort than read in order.
    costs = "-c random_page_cost=1.1"
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**query, "options": f"{guards} {costs}"},
    }


email_error = "UDVEJ_EMAIL_URL has to look like smtp://user:password@host:587?tls=starttls, or console:"


def email(url: str) -> dict[str, object]:
    """
    Return Django's mail settings for an ``smtp://`` URL, or for ``console:``, which only writes them out.

    ``tls`` is ``starttls`` unless the URL says ``implicit`` (RFC 8314) or ``none``. Raises ValueError for any other
    form.
    """
    parts = urlsplit(url)
    if url == "console:":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    tls = dict(parse_qsl(parts.query)).get("tls", "starttls")
    if parts.scheme != "smtp" or not parts.hostname or tls not in {"starttls", "implicit", "none"}:
        raise ValueError(email_error)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if tls == "implicit" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": tls == "starttls",
        "EMAIL_USE_SSL": tls == "implicit",
    }
