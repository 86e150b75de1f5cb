"""A library that discovers how to get a token finds the sandbox itself, wherever it listens (RFC 8414)."""

import httpx
import pytest

from tests.sandbox.conftest import Demo

pytestmark = pytest.mark.no_database


def test_the_token_endpoint_that_is_discovered_gives_a_token(demo: Demo) -> None:
    base, agency = demo.server.base_url, demo.agency("0101")
    said = httpx.get(f"{base}/.well-known/oauth-authorization-server").json()
    assert said["issuer"] == base
    got = httpx.post(
        said["token_endpoint"],
        data={"grant_type": "client_credentials"},
        auth=(agency["client_id"], agency["client_secret"]),
    )
    assert got.status_code == 200
    asked = httpx.get(f"{base}/api/v1/agencies", headers={"Authorization": f"Bearer {got.json()['access_token']}"})
    assert asked.status_code == 200
