"""
Which consents a referral may have rested on, and which of them may have stood, while something was shown. Pure.

Told by the history; what it leaves unknown is taken as possible, unless the rows at the end say otherwise.
"""

from collections import defaultdict
from collections.abc import Sequence

from tests.crash.final import Final
from tests.crash.history import FAIL, OK, Op

GIVING = {"consent.record", "consent.renew"}
ENDING = {"consent.withdraw", "consent.invalidate"}
GIVES = {"given", "renewed"}
ENDED = {"withdrawn", "revoked", "refused", "invalidated"}


class Known:
    """What a run's operations tell of consents."""

    def __init__(self, ops: Sequence[Op], final: Final) -> None:
        self._final = final
        self._by_key = {(row["registered_by"], row["key"]): id_ for id_, row in final.consents.items()}
        self._senders = {op.told["id"]: op.asked["agency"] for op in ops if op.kind == "submit" and op.outcome == OK}
        self._given: dict[str, list[Op]] = defaultdict(list)
        self._ended: dict[str, list[Op]] = defaultdict(list)
        self._stated: dict[str, list[tuple[Op, str]]] = defaultdict(list)
        for op in ops:
            if op.outcome != FAIL:
                self._note(op)

    def sender_of(self, referral: str) -> str | None:
        """Return the agency that wrote a referral, and so is shown its own words whatever the consent."""
        row = self._final.referrals.get(referral)
        return self._senders.get(referral) or (row["sender"] if row else None)

    def stated(self, referral: str, shown: Op) -> set[str]:
        """Return the consents that a referral may have rested on by the time that something of it was shown."""
        return {consent for op, consent in self._stated[referral] if op.invoked < shown.ended}

    def may_stand(self, consent: str, shown: Op) -> bool:
        """Say whether a consent may have stood at some moment while something was asked for and shown."""
        ends = [op for op in self._ended[consent] if op.outcome == OK and op.ended < shown.invoked]
        if not ends:
            return True
        row = self._final.consents.get(consent)
        if row is not None and not _given_again(row["events"]):
            return False
        last = max(ends, key=lambda op: op.ended)
        return any(op.invoked < shown.ended and op.done > last.invoked for op in self._given[consent])

    def _note(self, op: Op) -> None:
        action = op.asked.get("writes")
        consent = self._consent(op)
        if consent is None:
            return
        if action in GIVING or action == "referral.submit":
            self._given[consent].append(op)
        elif action in ENDING:
            self._ended[consent].append(op)
        if "statement" in op.asked or "statement_key" in op.asked:
            referral = op.asked.get("referral") or op.told.get("id")
            if referral:
                self._stated[referral].append((op, consent))

    def _consent(self, op: Op) -> str | None:
        """Return the consent that an operation is about: named, told with a key, or made by it."""
        if "consent" in op.asked or "statement" in op.asked:
            named: str = op.asked.get("consent") or op.asked["statement"]
            return named
        if "statement_key" in op.asked:
            return self._by_key.get((op.asked["agency"], op.asked["statement_key"])) or op.told.get("rests_on")
        return op.told.get("id") if op.asked.get("writes") == "consent.record" else None


def _given_again(events: Sequence[str]) -> bool:
    """Say whether a consent was given or renewed after it had ended."""
    ends = [place for place, kind in enumerate(events) if kind in ENDED]
    return bool(ends) and any(kind in GIVES for kind in events[ends[0] :])
