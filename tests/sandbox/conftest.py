"""One real server for everything that is tried as an integrator would: the demo exchange, freshly loaded."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest

from config.demo.client import Answer, Client
from config.demo.story import referral_body
from config.serving import Server, serving


@dataclass(frozen=True)
class Demo:
    """A demo exchange that serves, and whoever asks it something."""

    server: Server

    @property
    def told(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.server.demo_file.read_text(encoding="utf-8"))
        return content

    def agency(self, code: str) -> dict[str, Any]:
        told = self.told
        return next(each for each in [*told["agencies"], *told["auditors"]] if each["code"] == code)

    def system(self, code: str, staff_id: str = "", purpose: str = "exit_support") -> Client:
        """One agency's system, as set up from the demo's credentials."""
        agency = self.agency(code)
        return Client(
            self.server.base_url,
            client_id=agency["client_id"],
            client_secret=agency["client_secret"],
            on_behalf_of=staff_id or agency["caseworker_id"],
            purpose=purpose,
        )

    def submitted(self, sender: Client, to: str = "exit-comeback") -> str:
        """A referral that the sender has just submitted; its id."""
        body = {**referral_body(self.agency(to)["agency_id"]), "submit": True}
        made = sender.post("/api/v1/referrals", body, headers={"Idempotency-Key": str(uuid4())})
        assert made.status == 201, made.json
        return str(made.json["id"])

    def ask(self, asker: Client, referral: str, script: str, after: float = 0.0) -> Answer:
        return asker.post("/sandbox/answers", {"referral": referral, "script": script, "after_seconds": after})

    def played(self, asker: Client, asked: Answer, seconds: float = 60.0) -> dict[str, Any]:
        """What became of something that was asked for, when it is over."""
        assert asked.status == 202, (asked.status, asked.json)
        address, over = asked.headers["Location"], ("played", "stopped")
        return self.until(lambda: asker.get(address).json, lambda play: play["state"] in over, seconds)

    def until(self, look: Callable[[], Any], is_so: Callable[[Any], bool], seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while not is_so(seen := look()):
            assert time.monotonic() < deadline, seen
            time.sleep(0.1)
        return seen


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Without the limits of a minute: all tests ask as the same few clients, and a fast run would meet them."""
    limits = {"UDVEJ_RATE_LIMIT_PER_MINUTE": "1000000", "UDVEJ_TOKENS_PER_MINUTE": "1000000"}
    with patch.dict(os.environ, limits), serving(0, name="sandbox-test", fresh=True, durable=False) as server:
        yield Demo(server)
