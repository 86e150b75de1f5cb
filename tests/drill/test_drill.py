"""A disaster and the way back, short: the same drill as `make drill`, with fewer referrals."""

import pytest

from tests.drill.run import drill

pytestmark = [pytest.mark.no_database, pytest.mark.crash]


def test_the_exchange_comes_back_and_says_what_it_lost(capsys: pytest.CaptureFixture[str]) -> None:
    ran = drill(referrals=3, say=print)
    assert (len(ran.before), len(ran.after)) == (3, 3)
    assert "the exchange is back, and says what it lost" in capsys.readouterr().out
