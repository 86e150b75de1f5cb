"""
`make demo`: one referral's whole story over HTTP, against a server and database of its own, told as it happens.

Every step says what is expected and checks it; the first that is otherwise ends the story with exit code 1.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from config.demo.client import Answer, Client, ClientError
from config.embedded_postgres import ClusterError
from config.serving import Server, ServingError, serving

NAME = "demo"
CASE = {"Audit-Case": "2026-0042"}


class NotAsItShouldBe(Exception):  # noqa: N818 - says what is the matter
    """A step of the story went otherwise than told; the sentence says which and how."""


@dataclass
class Story:
    """The cast, and the referral the story is about."""

    municipality: Client
    stranger: Client
    centre: Client
    counsellor: Client
    other_counsellor: Client
    auditor: Client
    centre_id: str
    counsellor_id: str
    referral: str = ""
    step: int = 0

    def tell(self, words: str, answer: Answer, status: int, *seen: tuple[str, object, object]) -> Answer:
        """Print one step, and check its status and what was seen. Raises `NotAsItShouldBe`."""
        self.step += 1
        sys.stdout.write(f"{self.step:3}. {words}\n")
        if answer.status != status:
            code = answer.json.get("code", "") if isinstance(answer.json, dict) else ""
            raise NotAsItShouldBe(f"step {self.step}: expected {status}, got {answer.status} {code}")
        details = [f"{answer.status}"]
        for name, got, expected in seen:
            if got != expected:
                raise NotAsItShouldBe(f"step {self.step}: {name} is {got!r}, expected {expected!r}")
            details.append(f"{name}: {_short(got)}")
        sys.stdout.write(f"     {'; '.join(details)}\n")
        return answer

    def read(self, who: Client, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return who.get(f"/api/v1/referrals/{self.referral}", headers=sent)

    def move(self, who: Client, move: str, body: Mapping[str, Any] | None = None) -> Answer:
        seen = self.read(who).headers.get("ETag") or '"0"'
        return who.post(f"/api/v1/referrals/{self.referral}/{move}", body or {}, headers={"If-Match": seen})


def main() -> int:
    """Play the story; return the exit code."""
    try:
        with serving(0, name=NAME, fresh=True, durable=False, say=print) as server:
            story = cast(server)
            sys.stdout.write("\nA referral from København to Exit-Comeback and back, as each of them sees it.\n\n")
            send(story)
            work_on_it(story)
            look_at_who_saw_it(story)
    except (NotAsItShouldBe, ClientError, ServingError, ClusterError) as error:
        sys.stderr.write(f"\nThe story broke off: {error}\n")
        return 1
    sys.stdout.write(f"\nThe story went as told: {story.step} steps.\n")
    return 0


def cast(server: Server) -> Story:
    """Return the story's cast, from the demo credentials of the server."""
    demo = json.loads(server.demo_file.read_text(encoding="utf-8"))
    agencies = {agency["code"]: agency for agency in demo["agencies"]}

    def client(agency: Mapping[str, Any], staff_id: str = "") -> Client:
        return Client(
            server.base_url,
            client_id=agency["client_id"],
            client_secret=agency["client_secret"],
            on_behalf_of=staff_id or agency["caseworker_id"],
        )

    centre = agencies["exit-comeback"]
    return Story(
        municipality=client(agencies["0101"]),
        stranger=client(agencies["0751"]),
        centre=client(centre),
        counsellor=client(centre, "cb-ra-1"),
        other_counsellor=client(centre, "cb-ra-2"),
        auditor=client(demo["auditor"]),
        centre_id=centre["agency_id"],
        counsellor_id="cb-ra-1",
    )


def referral_body(centre_id: str) -> dict[str, Any]:
    """Return a referral on a recorded consent that covers reason, contact and needs, and the way back."""
    given_at = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    return {
        "recipient": centre_id,
        "external_reference": f"KK-DEMO-{uuid4().hex[:6]}",
        "subject": {"mode": "pseudonymous"},
        "basis": {
            "code": "SAMTYKKE-TAVSHED",
            "consent": {
                "kind": "CONFIDENTIALITY_WAIVER",
                "recipients": [centre_id],
                "purposes": ["exit_support"],
                "categories": ["reason", "contact", "needs"],
                "given_at": given_at,
                "method": "written",
                "report_back": True,
            },
        },
        "sections": {
            "reason": {"summary": "Ønsker hjælp til at komme ud af et miljø.", "subject_aware": "yes"},
            "contact": {"methods": [{"channel": "phone", "hours": "hverdage 10-14"}], "avoid_words": ["exit"]},
            "needs": {"codes": ["housing", "new_network"]},
        },
    }


def send(story: Story) -> None:
    """The municipality writes, edits and sends; nobody else learns that there is anything."""
    body, key = referral_body(story.centre_id), {"Idempotency-Key": str(uuid4())}
    made = story.municipality.post("/api/v1/referrals", body, headers=key)
    story.referral = made.json.get("id", "")
    story.tell(
        "København's case system writes a draft for a caseworker.",
        made,
        201,
        ("status", made.json.get("status"), "draft"),
    )
    again = story.municipality.post("/api/v1/referrals", body, headers=key)
    story.tell(
        "The line drops, so it sends the same again: the same draft, not a second one.",
        again,
        201,
        ("the same id", again.json.get("id") == story.referral, True),
        ("Idempotency-Replayed", again.headers.get("Idempotency-Replayed"), "true"),
    )
    story.tell("Comeback can't see a draft: as far as it knows, there is nothing.", story.read(story.centre), 404)
    edited = story.municipality.patch(
        f"/api/v1/referrals/{story.referral}", {"urgency": "soon"}, headers={"If-Match": again.headers["ETag"]}
    )
    story.tell("The caseworker makes it urgent.", edited, 200, ("urgency", edited.json.get("urgency"), "soon"))
    stale = story.municipality.patch(
        f"/api/v1/referrals/{story.referral}", {"urgency": "routine"}, headers={"If-Match": again.headers["ETag"]}
    )
    story.tell("A colleague with an old copy can't overwrite it.", stale, 412)
    sent = story.move(story.municipality, "submit")
    story.tell(
        "She submits it to Comeback, on the person's recorded consent.",
        sent,
        200,
        ("status", sent.json.get("status"), "submitted"),
        ("basis", (sent.json.get("basis") or {}).get("code"), "SAMTYKKE-TAVSHED"),
    )
    story.tell(
        "Aarhus has nothing to do with it and gets the same 404 as for nothing.", story.read(story.stranger), 404
    )


def work_on_it(story: Story) -> None:
    """Comeback receives, reads, assigns, accepts and works; the sender follows the status and learns the outcome."""
    inbox = story.centre.get("/api/v1/referrals", query={"role": "received", "limit": "1"})
    row = inbox.json["results"][0] if inbox.json.get("results") else {}
    story.tell(
        "Comeback's inbox shows a summary with no personal section.",
        inbox,
        200,
        ("newest is ours", row.get("id") == story.referral, True),
        ("has sections", "sections" in row, False),
    )
    early = story.move(story.centre, "accept")
    story.tell(
        "Accepting before receiving is refused, with the moves that are possible.",
        early,
        409,
        ("allowed", early.json.get("allowed_actions"), ["receive", "request_info", "reject", "redirect"]),
    )
    story.tell("The coordinator receives it.", story.move(story.centre, "receive"), 200)
    read = story.read(story.centre)
    story.tell(
        "She reads what the consent covers. The ledger has the entry before she has the text.",
        read,
        200,
        ("sections", sorted(read.json.get("sections", {})), ["contact", "needs", "reason"]),
        ("signed receipt", bool(read.headers.get("Receipt")), True),
    )
    story.tell(
        "Reading it for an investigation is refused, and recorded.",
        story.read(story.centre, Purpose="investigation"),
        403,
    )
    story.tell(
        "She assigns a counsellor.", story.move(story.centre, "assign", {"assignees": [story.counsellor_id]}), 200
    )
    other = story.read(story.other_counsellor)
    story.tell(
        "A colleague who is not assigned no longer sees the sections.",
        other,
        200,
        ("sections", other.json.get("sections"), {}),
    )
    accepted = story.move(story.counsellor, "accept")
    story.tell(
        "The counsellor accepts; the responsibility moves.",
        accepted,
        200,
        ("responsible", accepted.json["responsible"]["name"], "Exit-Comeback"),
    )
    for move, body, words in [
        ("start", {}, "The work starts."),
        ("hold", {"reason": "agreed_pause"}, "It rests for a while, as agreed."),
        ("resume", {}, "It goes on."),
        (
            "complete",
            {"reason": "goals_reached", "outcome": "out_of_milieu", "comment": "Et godt forløb."},
            "It is completed.",
        ),
    ]:
        story.tell(words, story.move(story.counsellor, move, body), 200)
    back = story.read(story.municipality)
    outcome = back.json.get("sections", {}).get("outcome", {}).get("entries", [{}])[0].get("outcome")
    story.tell(
        "København sees how it went, since the person agreed to that.",
        back,
        200,
        ("status", back.json.get("status"), "completed"),
        ("outcome", outcome, "out_of_milieu"),
    )


def look_at_who_saw_it(story: Story) -> None:
    """The auditor lists who did and saw what; the look is recorded as well."""
    query = {"referral": story.referral, "limit": "200"}
    story.tell("An auditor without a case is refused.", story.auditor.get("/api/v1/audit/entries", query=query), 403)
    trail = story.auditor.get("/api/v1/audit/entries", query=query, headers=CASE)
    entries = trail.json.get("results", [])
    told = {(entry["action"], entry["outcome"]) for entry in entries}
    wanted = {
        ("referral.submit", "done"),
        ("referral.list", "done"),
        ("referral.disclose", "done"),
        ("referral.disclose", "refused"),
        ("referral.accept", "done"),
        ("referral.accept", "refused"),
    }
    story.tell("With a case number she lists all of it.", trail, 200, ("nothing is missing", wanted <= told, True))
    _print_entries(entries)


def _print_entries(entries: list[dict[str, Any]]) -> None:
    row = "     {:<8}  {:<17}  {:<19}  {:<8}  {:<13}  {:<16}  {}\n"
    titles = ("time", "action", "outcome", "for", "purpose", "basis", "categories")
    sys.stdout.write("\n" + row.format(*titles))
    for entry in reversed(entries):
        sys.stdout.write(
            row.format(
                entry["at"][11:19],
                entry["action"],
                "done" if entry["outcome"] == "done" else f"({entry['refusal']})",
                entry["on_behalf_of"],
                entry["purpose"],
                (entry["basis"] or {}).get("code", ""),
                ", ".join(entry["categories"]),
            )
        )


def _short(value: object) -> str:
    return (
        "yes"
        if value is True
        else "no"
        if value is False
        else ", ".join(value)
        if isinstance(value, list)
        else str(value)
    )


if __name__ == "__main__":
    sys.exit(main())
