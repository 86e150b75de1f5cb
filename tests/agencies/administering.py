"""Whoever administers the exchange, with an account and a browser of their own."""

from uuid import uuid4

from django.test import Client as Browser

from agencies.models import User
from audit import log
from audit.facts import SYSTEM, Subject


def administrator(*, password: str = "") -> User:
    """Make an administrator whom no other test knows, with this password or one that nobody does."""
    with log.act("test.enrol", by=SYSTEM, about=Subject("user")):
        return User.objects.create_superuser(f"admin-{uuid4().hex[:8]}", password=password or uuid4().hex)


def browser_of(user: User) -> Browser:
    """Return a browser in which somebody has signed in with a password."""
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser
