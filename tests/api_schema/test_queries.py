"""Query parameters are read strictly: what could not be meant is refused, and nothing fails on it."""

import pytest

from tests.exchange import Caller, Exchange


@pytest.fixture(scope="module")
def caller(django_db_setup: None) -> Caller:
    return Exchange().municipality.as_("caseworker")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("referrals?updated_since=2026-11-01T08:00:00Z", 200),
        ("referrals?updated_since=2026-11-01T08:00:00%2B22:55", 200),
        ("referrals?updated_since=2026-11-01T08:00:00-23:59", 200),
        ("referrals?updated_since=0001-01-01T00:00:00%2B01:00", 400),
        ("referrals?updated_since=9999-12-31T23:59:59-01:00", 400),
        ("referrals?updated_since=2026-11-01T08:00:00", 400),
        ("referrals?updated_since=", 400),
        ("referrals?role=", 400),
        ("referrals?status=", 200),
        ("consents?subject=", 400),
        ("consents?state=", 400),
        ("audit/proofs/consistency?old_size=", 400),
    ],
)
def test_a_parameter_is_read_or_refused(caller: Caller, query: str, status: int) -> None:
    answer = caller.get(query)
    assert answer.status == status, answer
