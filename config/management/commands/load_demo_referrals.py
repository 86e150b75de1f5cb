"""
`manage.py load_demo_referrals --base-url URL`: send the synthetic referrals through the API, as case systems would.

It writes nothing itself: each municipality's own client posts batches, so the demo data has passed every rule that
real data does. It can be run again: a sender whose last referral is there is left alone, and a broken-off one goes on.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import variables
from config.demo.client import Answer, Client, ClientError
from config.env import BASE_DIR

REFERRALS = BASE_DIR / "config" / "demo" / "referrals.json"
BATCH = 100
OK, CREATED = HTTPStatus.OK, HTTPStatus.CREATED
PURPOSE = "exit_support"
GIVEN_AT = time(9, tzinfo=UTC)
SAID_MAX = 10
"""So many refused items are named in an error; more would only repeat the fault."""


class Command(BaseCommand):
    help = "Send the synthetic demo referrals through the API of a running server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", help="Where the exchange answers; the demo file's own unless given.")

    def handle(self, *args: Any, **options: Any) -> None:
        demo = _demo()
        data = json.loads(REFERRALS.read_text(encoding="utf-8"))
        anchor = date.fromisoformat(demo.get("demo_anchor") or datetime.now(UTC).date().isoformat())
        senders = {agency["code"]: agency for agency in demo["agencies"] if agency["kind"] == "municipality"}
        try:
            for code in dict.fromkeys(item["sender"] for item in data["items"]):
                if code not in senders:
                    raise CommandError(f"The demo file names no municipality {code}. Run load_demo first.")
                items = [item for item in data["items"] if item["sender"] == code]
                client = _client(senders[code], options["base_url"] or demo["base_url"])
                said = _load(client, items, key=f"demo-{data['version']}-{code}", anchor=anchor)
                self.stdout.write(f"{code} {senders[code]['name']}: {said}")
        except ClientError as error:
            raise CommandError(str(error)) from error


def recipient_codes(items: list[dict[str, Any]]) -> set[str]:
    """Return the codes of every agency that the items or their consents name as a recipient."""
    bodies = [item["body"] for item in items]
    consents = [body.get("basis", {}).get("consent", {}) for body in bodies]
    named = {code for consent in consents for code in consent.get("recipients", ())}
    return named | {body["recipient"] for body in bodies if "recipient" in body}


def ready_body(body: Mapping[str, Any], *, agency_ids: Mapping[str, str], anchor: date) -> dict[str, Any]:
    """
    Return an item's body as the API takes it: agency codes as ids, and days before the anchor as instants.

    The same anchor gives the same body, which a replay under the same Idempotency-Key must be.
    """
    ready = dict(body)
    if "recipient" in body:
        ready["recipient"] = agency_ids[body["recipient"]]
    if "consent" in body.get("basis", {}):
        consent = dict(body["basis"]["consent"])
        given = datetime.combine(anchor - timedelta(days=consent.pop("given_days_ago")), GIVEN_AT)
        consent["given_at"] = given.isoformat().replace("+00:00", "Z")
        consent["recipients"] = [agency_ids[code] for code in consent["recipients"]]
        ready["basis"] = {**body["basis"], "consent": consent}
    return ready


def _demo() -> dict[str, Any]:
    path = variables.DEMO_FILE.read()
    if not path.exists():
        raise CommandError(f"There is no demo file at {path}. Run load_demo first.")
    demo: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return demo


def _client(sender: Mapping[str, str], base_url: str) -> Client:
    return Client(
        base_url,
        client_id=sender["client_id"],
        client_secret=sender["client_secret"],
        on_behalf_of=sender["caseworker_id"],
        purpose=PURPOSE,
    )


def _load(client: Client, items: list[dict[str, Any]], *, key: str, anchor: date) -> str:
    """Send one sender's items in batches and return what came of it. Raises `CommandError` where one is refused."""
    if _already_sent(client, items[-1]):
        return "already there"
    agency_ids = {code: _agency_id(client, code) for code in sorted(recipient_codes(items))}
    bodies = [ready_body(item["body"], agency_ids=agency_ids, anchor=anchor) for item in items]
    created = 0
    for number, start in enumerate(range(0, len(bodies), BATCH)):
        batch = bodies[start : start + BATCH]
        headers = {"Idempotency-Key": f"{key}-{number}"}
        answer = client.post("/api/v1/referrals/batch", {"items": batch}, headers=headers)
        results = _listed(answer, "POST /api/v1/referrals/batch")
        refused = [_refusal(result) for result in results if result["status"] not in (OK, CREATED)]
        if refused or len(results) != len(batch):
            counts = f"{len(batch)} sent, {len(results)} answered, {len(refused)} refused"
            raise CommandError(f"{key}-{number}: {counts}. {'; '.join(refused[:SAID_MAX])}")
        created += sum(result["status"] == CREATED for result in results)
    return f"{created} created" + (f", {len(items) - created} were there" if created < len(items) else "")


def _already_sent(client: Client, last: Mapping[str, Any]) -> bool:
    query = {"role": "sent", "external_reference": last["body"]["external_reference"], "limit": "1"}
    return bool(_listed(client.get("/api/v1/referrals", query=query), "GET /api/v1/referrals"))


def _agency_id(client: Client, code: str) -> str:
    found = _listed(client.get("/api/v1/agencies", query={"code": code}), "GET /api/v1/agencies")
    if len(found) != 1:
        raise CommandError(f"GET /api/v1/agencies knows {len(found)} agencies of the code {code}, not one.")
    return str(found[0]["id"])


def _listed(answer: Answer, request: str) -> list[dict[str, Any]]:
    body = answer.json if isinstance(answer.json, dict) else {}
    if answer.status != OK or not isinstance(body.get("results"), list):
        raise CommandError(f"{request} answered {answer.status} {' '.join(_faults(body))}".rstrip() + ".")
    return list(body["results"])


def _refusal(result: Mapping[str, Any]) -> str:
    return f"item {result['index']}: {result['status']} {' '.join(_faults(result.get('problem', {})))}".rstrip()


def _faults(problem: Mapping[str, Any]) -> Iterator[str]:
    """Yield a problem's code, then each error's place and code; never its sentences."""
    yield str(problem.get("code", ""))
    for error in problem.get("errors", ()):
        yield f"{error.get('pointer', '')} ({error.get('code', '')})"
