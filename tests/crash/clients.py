"""
What the clients of a crash run do: a few referrals that many read while their consents are withdrawn, renewed and
recorded anew, new referrals under keys that are tried again, and messages and moves in between.

Each client is a thread with a random of its own, seeded; the order in which threads come to act is the machine's.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.crash.asking import Client, Reply, marked

BASIS = "SAMTYKKE-TAVSHED"
CATEGORIES = ["contact", "identity", "reason", "needs"]
TRIES = 40
"""How often something is tried again, half a second apart at most, before it stays unknown."""

MOVES: dict[str, tuple[str, dict[str, Any]]] = {
    "receive": ("receive", {}),
    "accept": ("accept", {}),
    "start": ("start", {}),
    "hold": ("hold", {"reason": "agreed_pause"}),
    "resume": ("resume", {}),
    "request_info": ("messages", {"kind": "information_request", "reason": "contact_unclear"}),
    "answer_info": ("messages", {"kind": "information_answer"}),
    "amend": ("amendments", {"sections": {"needs": {"codes": ["work"]}}, "reason": "corrected"}),
}
"""The moves that never end a referral: its address and body."""

SAYING = {"request_info", "answer_info", "amend"}
SENDERS = {"answer_info", "amend"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A referral that was acknowledged: its id, its subject, and the one that rests on the same consent, if any."""

    id: str
    subject: str
    sibling: str = ""


@dataclass
class Board:
    """What the clients share: the referrals they fight over, the keys used, the end, and what failed in a client."""

    sender: dict[str, Any]
    recipient: dict[str, Any]
    stranger: dict[str, Any]
    over: threading.Event = field(default_factory=threading.Event)
    hot: list[Sent] = field(default_factory=list)
    keys: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)


def consent_body(to: str) -> dict[str, Any]:
    """Return a consent that carries all that the clients write."""
    given = datetime.now(UTC) - timedelta(days=2)
    return {
        "kind": "CONFIDENTIALITY_WAIVER",
        "recipients": [to],
        "purposes": ["exit_support"],
        "categories": CATEGORIES,
        "given_at": given.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "method": "written",
    }


def referral_body(to: str, mark: str, **changes: Any) -> dict[str, Any]:
    """Return a referral whose content carries a mark."""
    return {
        "recipient": to,
        "subject": {"mode": "identified"},
        "basis": {"code": BASIS, "consent": consent_body(to)},
        "sections": {
            "reason": {"summary": f"Ønsker hjælp: {mark}", "subject_aware": "yes"},
            "identity": {"name": f"Testperson Prøvesen {mark}", "cpr": "6101901234"},
            "contact": {"methods": [{"channel": "phone", "value": "00 00 00 00"}]},
            "needs": {"codes": ["housing"]},
        },
        "submit": True,
        **changes,
    }


def key_of(random_: random.Random) -> str:
    """Return a key that the seed chooses, so that two runs of a seed ask the same."""
    return str(UUID(int=random_.getrandbits(128), version=4))


def insist(do: Callable[[], Reply | None], over: Callable[[], bool] = lambda: False) -> Reply | None:
    """Ask the same until the answer is definite; None where it never was."""
    for attempt in range(TRIES):
        answer = do()
        if answer is not None or (over() and attempt >= TRIES // 2):
            return answer
        time.sleep(min(0.5, 0.02 * 2**attempt))
    return None


def submit(client: Client, board: Board, *, key: str, **changes: Any) -> Sent | None:
    """Submit a referral, again under the same key until that is answered; return it where it was acknowledged."""
    mark = marked("mark")
    body = referral_body(board.recipient["id"], mark, **changes)
    stated = {"statement": changes["basis"]["consent_id"]} if "basis" in changes else {"statement_key": f"with {key}"}
    facts = {"mark": mark, "writes": "referral.submit", **stated}
    made = insist(lambda: client.create("submit", "referrals", body, key=key, **facts))
    if made is None or not made.ok:
        return None
    board.keys.append((key, body))
    return Sent(id=made.body["id"], subject=made.body["subject"]["id"])


def prepare(client: Client, board: Board, *, pairs: int, random_: random.Random) -> None:
    """Submit the referrals that are fought over, two on each consent; before anything is killed."""
    for _ in range(pairs):
        first = submit(client, board, key=key_of(random_))
        read = client.read(first.id) if first else None
        assert first is not None, "nothing can be submitted"
        assert read is not None, "nothing can be read"
        rests = {"code": BASIS, "consent_id": read.body["basis"]["consent_id"]}
        second = submit(client, board, key=key_of(random_), subject={"id": first.subject}, basis=rests)
        assert second is not None, "a second referral can't rest on the same consent"
        board.hot += [
            Sent(id=first.id, subject=first.subject, sibling=second.id),
            Sent(id=second.id, subject=first.subject, sibling=first.id),
        ]


def reading(client: Client, board: Board, random_: random.Random) -> None:
    """Read, mostly whole, sometimes a part, the list or the consent."""
    referral = random_.choice(board.hot).id
    match random_.choices(["whole", "messages", "amendments", "list", "consent"], [70, 12, 6, 4, 8])[0]:
        case "whole":
            client.read(referral)
        case "list":
            client.ask("list", "GET", "referrals?role=received")
        case "consent":
            seen = client.read(referral)
            if seen and seen.ok and seen.body["basis"]:
                client.ask("read-consent", "GET", f"consents/{seen.body['basis']['consent_id']}")
        case part:
            client.read(referral, kind=f"read-{part}", part=f"/{part}")


def keeping(sender: Client, recipient: Client, board: Board, random_: random.Random) -> None:
    """Withdraw, renew or invalidate the consent of a referral; where it has ended, record another and go on with it."""
    chosen = random_.choice(board.hot)
    seen = sender.read(chosen.id)
    if seen is None or not seen.ok:
        return
    if seen.body["status"] == "consent_withdrawn":
        _restate(sender, chosen, seen, board, random_)
        return
    consent = seen.body["basis"]["consent_id"]
    what = random_.choices(["withdraw", "renew", "invalidate"], [60, 30, 10])[0]
    by = recipient if what == "withdraw" and random_.random() < 0.5 else sender
    record = by.ask("read-consent", "GET", f"consents/{consent}")
    if record is None or not record.ok:
        return
    body: dict[str, Any] = {"reason": "not_informed"} if what == "invalidate" else {"method": "written"}
    headers = {"If-Match": record.etag}
    facts = {"consent": consent, "writes": f"consent.{what}"}
    by.ask(what, "POST", f"consents/{consent}/{what}", body, headers=headers, **facts)


def _restate(sender: Client, chosen: Sent, seen: Reply, board: Board, random_: random.Random) -> None:
    body = {"subject": chosen.subject, **consent_body(board.recipient["id"])}
    key = key_of(random_)
    facts = {"writes": "consent.record"}
    made = insist(lambda: sender.create("record", "consents", body, key=key, **facts), board.over.is_set)
    if made is None or not made.ok:
        return
    consent = made.body["id"]
    for referral, shown in ((chosen.id, seen), (chosen.sibling, sender.read(chosen.sibling))):
        if shown and shown.ok and shown.body["status"] == "consent_withdrawn":
            basis = {"basis": {"code": BASIS, "consent_id": consent}}
            sender.step(referral, "resume", "resume", basis, seen=shown.etag, statement=consent)


def submitting(client: Client, board: Board, random_: random.Random) -> None:
    """Submit a new referral; now and then say an earlier one again, and be told of the same one."""
    submit(client, board, key=key_of(random_))
    if random_.random() < 0.3:
        key, body = random_.choice(board.keys)
        client.create("submit", "referrals", body, key=key, writes="referral.submit")


def talking(sender: Client, recipient: Client, board: Board, random_: random.Random) -> None:
    """Take one of the steps that are open to the sender or the recipient, with a word where it says something."""
    referral = random_.choice(board.hot).id
    by = random_.choice([sender, recipient])
    seen = by.read(referral)
    if seen is None or not seen.ok or seen.body["status"] == "consent_withdrawn":
        return
    theirs = SENDERS if by is sender else set(MOVES) - SENDERS
    open_ = [move for move in seen.body["allowed_actions"] if move in theirs]
    if not open_:
        return
    move = random_.choice(open_)
    path, body = MOVES[move]
    word = {"word": marked("word")} if move in SAYING else {}
    if word:
        body = {**body, "comment": f"Sagt: {word['word']}"}
    by.step(referral, move, path, body, seen=seen.etag, **word)
