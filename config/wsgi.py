"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from api_schema.chunked import reading_chunks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
application = reading_chunks(get_wsgi_application(), most=settings.REQUEST_BYTES_MAX)
