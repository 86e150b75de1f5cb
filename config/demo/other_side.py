"""
Plays the other side of a referral in the demo exchange, on request: Comeback, another agency, or a municipality.

It is a client like any other: it has the demo agencies' credentials, uses the public HTTP API, and is recorded and
refused as they are. It takes up what `config.demo.plays` holds; who may ask for it is the door's to say.
"""

import json
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

from config.demo.client import Answer, Client, ClientError
from config.demo.plays import PLAYED, PLAYING, SENDS, STOPPED, WAITING, Play, Plays
from config.demo.scripts import AWAIT_ANSWER, SCRIPTS, Step
from config.demo.story import referral_body

LOOK_SECONDS = 0.2
AT_ONCE = 16
ANSWER_PATIENCE_SECONDS = 15 * 60
PURPOSES = {"police_prevention": "crime_prevention"}
PATHS = {
    "request_info": "messages",
    "answer_info": "messages",
    "decline_info": "messages",
    "withdraw_consent": "consents/{consent}/withdraw",
}
MESSAGES = {
    "request_info": "information_request",
    "answer_info": "information_answer",
    "decline_info": "information_declined",
}


class OtherSide:
    """Whoever plays: one agency of the demo, as one of its people, on one referral or about to make it."""

    def __init__(self, demo: Mapping[str, Any], play: Play, plays: Plays) -> None:
        self._agencies = {agency["agency_id"]: agency for agency in demo["agencies"]}
        self._own = self._agencies[play.played_by]
        self._plays, self._play = plays, play
        self._client = Client(
            demo["base_url"],
            client_id=self._own["client_id"],
            client_secret=self._own["client_secret"],
            on_behalf_of=_member(self._own, "coordinator"),
            purpose=PURPOSES.get(self._own["kind"], "exit_support"),
        )

    def play(self) -> None:
        """Play to the end, keeping what was done. What the exchange refuses ends the play, with its code."""
        self._keep(replace(self._play, state=PLAYING))
        whole = False
        try:
            whole = self._sends() if self._play.script == SENDS else self._follows()
        except ClientError as error:
            sys.stderr.write(f"{self._play.id}: {error}\n")
        finally:
            self._keep(replace(self._play, state=PLAYED if whole else STOPPED))

    def _keep(self, play: Play) -> None:
        self._play = self._plays.put(play)

    def _follows(self) -> bool:
        for step in SCRIPTS[self._play.script].steps:
            time.sleep(self._play.after_seconds)
            if not (self._waits() if step.move == AWAIT_ANSWER else self._takes(step)):
                return False
        return True

    def _takes(self, step: Step) -> bool:
        """Take one step. One that is not allowed now is told and passed over: it may have been taken before."""
        seen = self._read()
        allowed = seen.json.get("allowed_actions", ()) if seen.status == HTTPStatus.OK else ()
        if step.move not in allowed and step.move != "withdraw_consent":
            self._keep(self._play.did(step.move, 0, "not-now" if allowed else _code(seen) or "not-now"))
            return seen.status == HTTPStatus.OK
        answer = self._client.post(
            self._path(step.move, seen),
            self._body(step),
            headers={"If-Match": self._version(step.move, seen), "Idempotency-Key": str(uuid4())},
        )
        self._keep(self._play.did(step.move, answer.status, _code(answer)))
        return answer.status in (HTTPStatus.OK, HTTPStatus.CREATED)

    def _waits(self) -> bool:
        deadline = time.monotonic() + ANSWER_PATIENCE_SECONDS
        while time.monotonic() < deadline:
            seen = self._read()
            if seen.status != HTTPStatus.OK:
                return False
            if seen.json["status"] != "info_requested":
                return True
            time.sleep(1)
        return False

    def _sends(self) -> bool:
        time.sleep(self._play.after_seconds)
        body = {**referral_body(self._play.asked_by), "urgency": self._play.urgency, "submit": True}
        made = self._client.post("/api/v1/referrals", body, headers={"Idempotency-Key": self._play.id})
        self._keep(self._play.did("submit", made.status, _code(made)))
        if made.status != HTTPStatus.CREATED:
            return False
        self._keep(replace(self._play, referral=made.json["id"]))
        return True

    def _read(self) -> Answer:
        return self._client.get(f"/api/v1/referrals/{self._play.referral}")

    def _path(self, move: str, seen: Answer) -> str:
        if move == "withdraw_consent":
            return f"/api/v1/{PATHS[move].format(consent=_consent(seen))}"
        return f"/api/v1/referrals/{self._play.referral}/{PATHS.get(move, move)}"

    def _version(self, move: str, seen: Answer) -> str:
        if move == "withdraw_consent":
            seen = self._client.get(f"/api/v1/consents/{_consent(seen)}")
        return seen.headers.get("ETag") or '"0"'

    def _body(self, step: Step) -> dict[str, Any]:
        body = dict(step.body)
        if step.move in MESSAGES:
            body["kind"] = MESSAGES[step.move]
        elif step.move == "assign":
            body["assignees"] = [_member(self._own, "counsellor", "caseworker")]
        elif step.move == "redirect":
            fitting = (each for each in self._agencies.values() if each["kind"] == self._own["kind"])
            body["recipient"] = next(each["agency_id"] for each in fitting if each is not self._own)
        return body


def _member(agency: Mapping[str, Any], *roles: str) -> str:
    """Return the agency's first member with one of these roles, in the order of the roles."""
    staff: dict[str, str] = agency["staff"]
    return next(staff_id for role in roles for staff_id, has in staff.items() if has == role)


def _consent(seen: Answer) -> str:
    return str(((seen.json or {}).get("basis") or {}).get("consent_id") or "")


def _code(answer: Answer) -> str:
    return str(answer.json.get("code", "")) if isinstance(answer.json, dict) else ""


def main(arguments: list[str]) -> int:
    """Play whatever is asked for, until told to stop. Return the exit code."""
    parser = ArgumentParser(description="Play the other side in the demo exchange.")
    parser.add_argument("--demo-file", type=Path, required=True)
    parser.add_argument("--plays", type=Path, required=True)
    options = parser.parse_args(arguments)
    plays, stop = Plays(options.plays), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    for play in plays.in_state(PLAYING):  # an earlier player was stopped in the middle of it
        plays.put(replace(play, state=STOPPED))
    pool = ThreadPoolExecutor(AT_ONCE)
    taken: set[str] = set()
    while not stop.wait(LOOK_SECONDS):
        for play in plays.in_state(WAITING):
            if play.id not in taken:
                taken.add(play.id)
                demo = json.loads(options.demo_file.read_text(encoding="utf-8"))
                pool.submit(OtherSide(demo, play, plays).play)
    pool.shutdown(wait=False, cancel_futures=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
