"""Histories made by hand: operations, their entries, and rows, each whole unless a test says otherwise."""

import base64
import json
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.canonical import entry_bytes, leaf_hash
from tests.crash.checker import Violation, violations
from tests.crash.final import Final
from tests.crash.history import OK, Op

SENDER, RECIPIENT, STRANGER = (str(uuid4()) for _ in range(3))


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Made:
    """A run by hand. Each operation takes one second, and comes after the one before unless told its time."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.ops: list[Op] = []
        self.entries: dict[str, dict[str, Any]] = {}
        self.referrals: dict[str, dict[str, Any]] = {}
        self.consents: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def entry(self, **columns: Any) -> dict[str, Any]:
        """Put an entry into the ledger, with bytes and hash that follow from its columns."""
        entry: dict[str, Any] = {
            "id": uuid4(),
            "xid": 7,
            "at": datetime(2026, 11, 2, 9, tzinfo=UTC),
            "db_user": "udvej_app",
            "action": "referral.disclose",
            "actor_agency": None,
            **dict.fromkeys(("actor_client", "actor_user", "on_behalf_of", "role", "subject_kind", "subject_id"), ""),
            **dict.fromkeys(("purpose", "basis", "refusal", "criterion", "request_id", "changes"), ""),
            **dict.fromkeys(("basis_version", "consent", "consent_version")),
            "categories": [],
            "outcome": "done",
            "result_ids": [],
            "correlation": uuid4(),
            "detail": {},
            **columns,
        }
        entry["canonical"] = entry_bytes(entry)
        entry["leaf_hash"] = leaf_hash(entry["canonical"])
        self.entries[str(entry["id"])] = entry
        return entry

    def receipt(self, entry: dict[str, Any], **said: str) -> str:
        """Return the signed receipt of an entry."""
        payload = {"entry": str(entry["id"]), "leaf": bytes(entry["leaf_hash"]).hex(), **said}
        signing = f"{encoded(b'{}')}.{encoded(json.dumps(payload).encode())}"
        return f"{signing}.{encoded(self.key.sign(signing.encode()))}"

    def op(self, kind: str, *, by: str = RECIPIENT, outcome: str = OK, at: Any = 0, **facts: Any) -> Op:
        """Add an operation; `told` says what it was told besides. What succeeded has an entry, and a receipt of it."""
        n = next(self._numbers)
        told: dict[str, Any] = dict(facts.pop("told", {}))
        asked = {"agency": by, "staff": "staff-1", "request": str(uuid4()), **facts}
        if outcome == OK and "receipt" not in told:
            told["receipt"] = self.receipt(self._entry_of(asked, told))
        made = Op(
            n=n,
            client="c",
            kind=kind,
            invoked=at or n * 10,
            ended=(at or n * 10) + 1,
            outcome=outcome,
            asked=asked,
            told=told,
        )
        self.ops.append(made)
        return made

    def _entry_of(self, asked: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        return self.entry(
            action=asked.get("writes", "referral.disclose"),
            actor_agency=asked["agency"],
            on_behalf_of=asked["staff"],
            request_id=asked["request"],
            subject_id=told.get("id") or asked.get("referral") or asked.get("consent", ""),
            consent=told.get("rests_on"),
            categories=sorted(told.get("shown", [])),
        )

    # --- What happens in most histories --------------------------------------------------------------------------

    def submitted(self, consent: str, *, key: str = "k") -> str:
        """A referral is submitted on a consent that comes with it; return its id."""
        id_ = str(uuid4())
        facts = {"key": key, "statement_key": f"with {key}", "writes": "referral.submit"}
        self.op("submit", by=SENDER, told={"id": id_, "version": 2, "rests_on": consent}, **facts)
        self.referrals[id_] = {"sender": SENDER, "key": key, "version": 2, "status": "submitted", "consent": consent}
        row = {"registered_by": SENDER, "key": f"with {key}", "version": 1, "events": ["given"]}
        self.consents.setdefault(consent, row)
        return id_

    def withdrawn(self, consent: str, **how: Any) -> Op:
        """A consent is withdrawn."""
        facts = {"consent": consent, "writes": "consent.withdraw", "told": {"id": consent, "version": 2}}
        op = self.op("withdraw", by=SENDER, **{**facts, **how})
        if op.outcome == OK:
            self.consents[consent]["events"].append("withdrawn")
            self.consents[consent]["version"] += 1
        return op

    def shown(self, referral: str, consent: str | None, **how: Any) -> Op:
        """The recipient is shown a referral's reason, on the consent that the answer names."""
        told = {"shown": ["reason"], **({"rests_on": consent} if consent else {})}
        return self.op("read", referral=referral, **{"told": told, **how})

    # --- The verdict ---------------------------------------------------------------------------------------------

    def final(self) -> Final:
        public = self.key.public_key().public_bytes_raw()
        return Final(
            entries=self.entries,
            pending={id_: bytes(entry["leaf_hash"]) for id_, entry in self.entries.items()},
            referrals=self.referrals,
            consents=self.consents,
            keys={"keys": [{"x": encoded(public)}]},
        )

    def judged(self) -> list[Violation]:
        return violations(self.ops, self.final())

    def kinds(self) -> set[str]:
        """Return the kinds of what the checker names."""
        return {violation.kind for violation in self.judged()}
