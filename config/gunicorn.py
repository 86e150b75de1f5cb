"""How gunicorn serves: threads over persistent connections, no access log (paths name referrals), a bounded request."""

import os

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("UDVEJ_WORKERS", "2"))
threads = int(os.environ.get("UDVEJ_THREADS", "8"))
timeout = 60
graceful_timeout = 20
keepalive = 15
limit_request_line = 2048
limit_request_fields = 50
limit_request_field_size = 4096
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True


def on_starting(server: object) -> None:  # noqa: ARG001 - gunicorn's shape
    """Refuse to serve on a database whose ledger is not guarded. Raises SystemCheckError, naming what is missing."""
    import django
    from django.core.management import call_command
    from django.db import connections

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    call_command("check", "--database", "default", verbosity=0)
    connections.close_all()
