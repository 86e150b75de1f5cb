"""What a setting in the environment means, and that a mistaken one is said at once."""

import pytest

from config import env

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("url", "port", "tls", "implicit"),
    [
        ("smtp://user:p%40ss@mail.example", 587, True, False),
        ("smtp://user:p%40ss@mail.example:2525?tls=starttls", 2525, True, False),
        ("smtp://user:p%40ss@mail.example?tls=implicit", 465, False, True),
        ("smtp://user:p%40ss@mail.example:25?tls=none", 25, False, False),
    ],
)
def test_a_mail_server_is_named_by_a_url(url: str, port: int, tls: bool, implicit: bool) -> None:
    assert env.email(url) == {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "mail.example",
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": "user",
        "EMAIL_HOST_PASSWORD": "p@ss",
        "EMAIL_USE_TLS": tls,
        "EMAIL_USE_SSL": implicit,
    }


def test_without_a_server_a_mail_is_written_out() -> None:
    assert env.email("console:") == {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}


@pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://mail.example?tls=maybe"])
def test_a_url_that_names_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="UDVEJ_EMAIL_URL has to look like") as refused:
        env.email(url)
    assert not url or url not in str(refused.value) or url == "smtp://"
