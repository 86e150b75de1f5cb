"""The ids that the database gives to rows. Apart, so that every room's rows may have them, whichever is read first."""

from django.db import models
from django.db.models import Func


class UUIDv7(Func):
    """PostgreSQL's time-ordered UUID (RFC 9562 section 5.7); chosen by the database, never by a caller."""

    function = "uuidv7"
    template = "%(function)s()"
    output_field = models.UUIDField()
