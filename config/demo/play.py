"""
`make play SCRIPT=accepts`: asks the other side of the running demo exchange to play, and tells what it does.

For whoever has no program yet. A program of one's own asks at `/sandbox/answers`, as this does.
"""

import json
import os
import sys
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

from config.demo.client import Answer, Client, ClientError
from config.demo.plays import PLAYED, SENDS, STOPPED
from config.demo.scripts import SCRIPTS, SENDER
from config.embedded_postgres import CHECKOUT

DEMO_FILE = CHECKOUT / "var" / "demo.json"


class NotPlayed(Exception):  # noqa: N818 - says what came of it
    """Nothing could be played; the sentence says why."""


def main(demo_file: Path = DEMO_FILE) -> int:
    """Ask for one play, follow it to its end, and return the exit code."""
    try:
        _play(demo_file, os.environ.get("SCRIPT", ""))
    except (NotPlayed, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _play(demo_file: Path, script: str) -> None:
    if script != SENDS and script not in SCRIPTS:
        raise NotPlayed(_usage())
    if not demo_file.exists():
        raise NotPlayed("No demo exchange is there. Start one with `make run`, and ask again in another terminal.")
    demo = json.loads(demo_file.read_text(encoding="utf-8"))
    recipients_system = script == SENDS or SCRIPTS[script].side == SENDER
    code = os.environ.get("AS") or ("exit-comeback" if recipients_system else "0101")
    client = _client(demo, code)
    wait = {"after_seconds": float(os.environ.get("AFTER") or 2)}
    if script == SENDS:
        asked = client.post("/sandbox/referrals", wait)
    else:
        referral = os.environ.get("REFERRAL") or _newest(client, received=recipients_system)
        asked = client.post("/sandbox/answers", {"referral": referral, "script": script, **wait})
    _follow(client, _held(asked, HTTPStatus.ACCEPTED, "the sandbox"))


def _client(demo: dict[str, Any], code: str) -> Client:
    agency = next((each for each in demo["agencies"] if each["code"] == code), None)
    if agency is None:
        raise NotPlayed(f"The demo knows no agency {code}. AS=0101 make play …")
    return Client(
        demo["base_url"],
        client_id=agency["client_id"],
        client_secret=agency["client_secret"],
        on_behalf_of=agency["caseworker_id"],
        purpose="crime_prevention" if agency["kind"] == "police_prevention" else "exit_support",
    )


def _newest(client: Client, *, received: bool) -> str:
    query = {"role": "received" if received else "sent", "limit": "50"}
    rows = _held(client.get("/api/v1/referrals", query=query), HTTPStatus.OK, "the list")["results"]
    open_ones = [row for row in rows if row["submitted_at"] and set(row["allowed_actions"]) - {"mark_in_error"}]
    if not open_ones:
        raise NotPlayed("There is no open referral to play on. Submit one, or name one: REFERRAL=… make play …")
    return str(open_ones[0]["id"])


def _follow(client: Client, play: dict[str, Any]) -> None:
    sys.stdout.write(f"referral {play['referral'] or '(about to be made)'}: {play['script']}\n")
    told = 0
    while True:
        for step in play["steps"][told:]:
            what = {0: "not now, or done before"}.get(step["status"], str(step["status"]))
            sys.stdout.write(f"  {step['at'][11:19]}  {step['move']:<16} {what} {step['code']}".rstrip() + "\n")
            sys.stdout.flush()
        told = len(play["steps"])
        if play["state"] in (PLAYED, STOPPED):
            break
        time.sleep(0.3)
        play = _held(client.get(f"/sandbox/plays/{play['id']}"), HTTPStatus.OK, "the sandbox")
    sys.stdout.write(f"{play['state']}: {play['referral']}\n")


def _held(answer: Answer, status: int, what: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json if isinstance(answer.json, dict) else {}
    if answer.status != status:
        errors = "; ".join(f"{error['pointer']}: {error['message']}" for error in body.get("errors", ()))
        raise NotPlayed(f"{what} answered {answer.status} {body.get('code', '')}. {errors or body.get('detail', '')}")
    return body


def _usage() -> str:
    scripts = "\n".join(f"  {name:<18} the {each.side} {each.words}" for name, each in SCRIPTS.items())
    return (
        "Which script?  make play SCRIPT=accepts\n\n"
        f"{scripts}\n  {SENDS:<18} København sends Comeback a new referral\n\n"
        "REFERRAL=… names a referral; without it, the newest open one is played on. AFTER=5 waits five seconds before\n"
        "each step. AS=0751 asks as another agency of var/demo.json."
    )


if __name__ == "__main__":
    sys.exit(main())
