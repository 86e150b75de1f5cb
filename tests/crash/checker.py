"""
Holds a history against what is left when all is quiet, and names every promise that was broken. Pure.

An unknown outcome may have happened or not, and accuses nobody. What was acknowledged has to be true: what was shown
has its entry, what was withdrawn is shown no more, what was written is there. docs/ledger.md says what an entry is.
"""

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.canonical import entry_bytes, leaf_hash
from tests.crash import consents
from tests.crash.final import Final
from tests.crash.history import FAIL, OK, UNKNOWN, Op

RESTS_ON_NOTHING = {"status", "outcome"}
"""The categories that a recipient is shown without the other side's consent: its own words, and the status."""

Verifies = Callable[[], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken promise: its kind, and a sentence on what it was broken by."""

    kind: str
    says: str


def violations(ops: Sequence[Op], final: Final, *, ledger_verifies: Verifies | None = None) -> list[Violation]:
    """
    Return every broken promise of a run.

    `ledger_verifies` verifies the sealed log and returns a sentence for each fault; without it nothing is sealed, so
    every entry still has to be queued.
    """
    checks = (shown_with_entry, shown_to_nobody_else, shown_after_withdrawal, nothing_lost, made_once, refused_not_done)
    found = [violation for check in checks for violation in check(ops, final)]
    found += [*receipts_hold(ops, final), *entries_hold(final), *versions_are_counted(ops, final)]
    if ledger_verifies is None:
        found += [_broken("entry_not_queued", f"entry {id_}") for id_ in final.entries.keys() - final.pending.keys()]
    else:
        found += [_broken("entry_not_sealed", f"entry {id_}") for id_ in final.pending]
        found += [_broken("ledger_does_not_verify", fault) for fault in ledger_verifies()]
    return found


def shown_with_entry(ops: Sequence[Op], final: Final) -> Iterator[Violation]:
    """Every acknowledged answer has its entry, with the receipt's leaf hash, naming who was shown which categories."""
    for op in _answered(ops):
        receipt = receipt_of(op)
        entry = final.entries.get(receipt.get("entry", "")) if receipt else None
        if receipt is None or entry is None:
            yield _broken("shown_without_entry", f"{op.says()} was answered, and no entry tells of it")
            continue
        if receipt["leaf"] != bytes(entry["leaf_hash"]).hex():
            yield _broken("entry_differs", f"{op.says()} holds a receipt with another leaf hash than its entry has")
        said = {
            "actor_agency": op.asked["agency"],
            "on_behalf_of": op.asked["staff"],
            "request_id": op.asked["request"],
        }
        wrong = [name for name, value in said.items() if str(entry[name]) != value]
        if wrong or entry["outcome"] != "done":
            yield _broken(
                "entry_differs", f"{op.says()}: its entry is of another act ({', '.join(wrong) or 'refused'})"
            )
        unnamed = set(op.told.get("shown", ())) - set(entry["categories"])
        if unnamed:
            yield _broken("entry_names_less", f"{op.says()} was shown {sorted(unnamed)}, which its entry does not name")


def shown_to_nobody_else(ops: Sequence[Op], final: Final) -> Iterator[Violation]:
    """What a referral says is seen in answers about that referral, and by its two agencies; an attack is refused."""
    said_in = {op.asked["mark"]: op for op in ops if "mark" in op.asked}
    for op in ops:
        expected = op.asked.get("expects")
        if expected and op.outcome != UNKNOWN and op.told.get("status") not in expected:
            yield _broken("let_in", f"{op.says()} was answered {op.told.get('status')}, not {expected}")
        if expected and op.told.get("marks"):
            yield _broken("shown_elsewhere", f"{op.says()} was to be refused, and was shown content")
        for mark in op.told.get("marks", ()):
            origin = said_in.get(mark)
            about = op.asked.get("referral") or op.told.get("id")
            if origin and origin.outcome == OK and about != origin.told["id"]:
                yield _broken("shown_elsewhere", f"{op.says()} was shown what {origin.says()} wrote")


def shown_after_withdrawal(ops: Sequence[Op], final: Final) -> Iterator[Violation]:
    """Nothing that rested on a consent is shown by what was asked after its withdrawal was acknowledged."""
    known = consents.Known(ops, final)
    for op in ops:
        rested = set(op.told.get("shown", ())) - RESTS_ON_NOTHING or op.told.get("marks")
        referral = op.asked.get("referral")
        if not rested or referral is None or op.asked["agency"] == known.sender_of(referral):
            continue
        receipt = receipt_of(op)
        entry = final.entries.get(receipt["entry"], {}) if receipt else {}
        named = {str(one) for one in (op.told.get("rests_on"), entry.get("consent")) if one}
        ended = [consent for consent in named if not known.may_stand(consent, op)]
        stated = known.stated(referral, op)
        if ended:
            yield _broken("shown_after_withdrawal", f"{op.says()} was shown what rested on {ended[0]}, then withdrawn")
        elif stated and not any(known.may_stand(consent, op) for consent in stated):
            yield _broken("shown_after_withdrawal", f"{op.says()} was shown {referral}, whose every consent had ended")


def nothing_lost(ops: Sequence[Op], final: Final) -> Iterator[Violation]:
    """What was acknowledged is there at the end: its row, and the one entry of its act."""
    acts = _acts(final)
    heard = {mark for op in ops if op.kind.startswith("final") for mark in op.told.get("marks", ())}
    acknowledged = {op.told["id"] for op in ops if op.kind == "submit" and op.outcome == OK}
    for op in ops:
        if op.asked.get("referral") in acknowledged and op.told.get("status") == 404 and "expects" not in op.asked:
            yield _broken("write_lost", f"{op.says()}: a referral that was acknowledged is not there")
        if op.outcome == FAIL and op.told.get("status") == 401 and "expects" not in op.asked:
            yield _broken("write_lost", f"{op.says()}: a token that was given is not valid")
        action = op.asked.get("writes")
        if action is None or op.outcome != OK:
            continue
        rows = final.referrals if action.startswith("referral.") else final.consents
        row = rows.get(op.told.get("id") or op.asked.get("referral") or op.asked.get("consent", ""))
        if row is None or row["version"] < op.told.get("version", 0):
            yield _broken("write_lost", f"{op.says()} was acknowledged, and is not in the rows")
        expected = f"{action.partition('.')[0]}.replay" if op.told.get("replayed") else action
        if acts[op.asked["request"], expected] != 1:
            yield _broken("write_lost", f"{op.says()} was acknowledged, and has {expected} not once in the ledger")
        if action in consents.ENDING and row and row["events"][-1] not in consents.ENDED:
            yield _broken("write_lost", f"{op.says()} was acknowledged, and the consent has not ended")
        if "word" in op.asked and heard and op.asked["word"] not in heard:
            yield _broken("write_lost", f"{op.says()} was acknowledged, and nobody reads what it said")


def made_once(ops: Sequence[Op], final: Final) -> Iterator[Violation]:
    """One key makes one thing, whoever asks how often; and nothing is there that nobody asked for."""
    told: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    tried: set[tuple[str, str]] = set()
    for op in ops:
        if "key" in op.asked:
            tried.add((op.asked["agency"], op.asked["key"]))
            if op.outcome == OK:
                told[op.asked["agency"], op.asked["key"], op.asked["writes"]].add(op.told["id"])
    for (agency, key, action), ids in told.items():
        rows, owner = (final.referrals, "sender") if action == "referral.submit" else (final.consents, "registered_by")
        made = {id_ for id_, row in rows.items() if (row[owner], row["key"]) == (agency, key)}
        if len(ids) > 1 or len(made) > 1:
            yield _broken("made_twice", f"{action} under key {key} made {sorted(ids | made)}")
        elif made != ids:
            yield _broken(
                "write_lost", f"{action} under key {key} was acknowledged as {sorted(ids)}, not {sorted(made)}"
            )
    agencies = {agency for agency, _ in tried}
    for id_, row in final.referrals.items():
        if row["sender"] in agencies and (row["sender"], row["key"]) not in tried:
            yield _broken("made_of_nothing", f"referral {id_} was asked for by nobody")


def refused_not_done(ops: Sequence[Op], final: Final) -> Iterator[Violation]:
    """What was refused is not done: no entry of its request says that it was."""
    acts = _acts(final)
    for op in ops:
        if op.outcome == FAIL and "writes" in op.asked and acts[op.asked["request"], op.asked["writes"]]:
            yield _broken("refused_but_done", f"{op.says()} was answered {op.told.get('status')}, and is done")


def versions_are_counted(ops: Sequence[Op], final: Final) -> Iterator[Violation]:
    """A referral's version is the number of acts that changed it: none was lost under another, none is unrecorded."""
    ours = {op.asked["referral"] for op in ops if "referral" in op.asked and "writes" in op.asked}
    writing = {op.asked["writes"] for op in ops if "writes" in op.asked}
    changed: Counter[str] = Counter()
    for entry in final.entries.values():
        if entry["outcome"] == "done" and entry["action"] in writing:
            changed[entry["subject_id"]] += 1
            changed.update(str(id_) for id_ in entry["result_ids"] if entry["action"] in consents.ENDING)
    for id_ in ours & final.referrals.keys():
        if final.referrals[id_]["version"] != 1 + changed[id_]:
            version = final.referrals[id_]["version"]
            yield _broken("version_not_counted", f"referral {id_} has version {version} after {changed[id_]} acts")


def receipts_hold(ops: Sequence[Op], final: Final) -> Iterator[Violation]:
    """Every receipt is signed by the published key, and no two answers hold a receipt of the same entry."""
    held: dict[str, Op] = {}
    for op in _answered(ops):
        compact, receipt = op.told.get("receipt", ""), receipt_of(op)
        if not compact or receipt is None:
            continue
        if not signed(compact, final.keys):
            yield _broken("receipt_not_signed", f"the receipt of {op.says()} is not signed by the exchange")
        first = held.setdefault(receipt["entry"], op)
        if first is not op:
            yield _broken("receipt_twice", f"{op.says()} holds a receipt of the entry of {first.says()}")


def entries_hold(final: Final) -> Iterator[Violation]:
    """Every entry's bytes and hash follow from its columns, and what waits for sealing is an entry."""
    for id_, entry in final.entries.items():
        written = bytes(entry["canonical"])
        if entry_bytes(entry) != written:
            yield _broken("entry_bytes_differ", f"the bytes of entry {id_} are not those of its columns")
        if leaf_hash(written) != bytes(entry["leaf_hash"]):
            yield _broken("entry_bytes_differ", f"the leaf hash of entry {id_} is not that of its bytes")
    for id_, leaf in final.pending.items():
        if id_ not in final.entries or bytes(final.entries[id_]["leaf_hash"]) != leaf:
            yield _broken("entry_bytes_differ", f"what waits for sealing as {id_} is not that entry")


def unavailable_but_done(ops: Sequence[Op], final: Final) -> list[Op]:
    """Return the writes that were answered with a 5xx and are done all the same: unknown, and no violation."""
    acts = _acts(final)
    told = [op for op in ops if op.outcome == UNKNOWN and op.told.get("status") and "writes" in op.asked]
    return [op for op in told if acts[op.asked["request"], op.asked["writes"]]]


def receipt_of(op: Op) -> dict[str, str] | None:
    """Return what an answer's receipt says, unverified, or None where there is none to read."""
    try:
        read = json.loads(_decoded(op.told["receipt"].split(".")[1]))
    except (KeyError, IndexError, ValueError):
        return None
    return read if isinstance(read, dict) and {"entry", "leaf"} <= read.keys() else None


def signed(compact: str, keys: Mapping[str, Any]) -> bool:
    """Say whether one of a JWK set's Ed25519 keys (RFC 8037) signed a compact JWS (RFC 7515)."""
    content, _, signature = compact.rpartition(".")
    for key in keys.get("keys", ()):
        try:
            Ed25519PublicKey.from_public_bytes(_decoded(key["x"])).verify(_decoded(signature), content.encode())
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def _answered(ops: Iterable[Op]) -> list[Op]:
    """Return what was answered with something that has to be recorded: all that succeeded."""
    return [op for op in ops if op.outcome == OK]


def _acts(final: Final) -> Counter[tuple[str, str]]:
    done = [entry for entry in final.entries.values() if entry["outcome"] == "done"]
    return Counter((entry["request_id"], entry["action"]) for entry in done)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _broken(kind: str, says: str) -> Violation:
    return Violation(kind=kind, says=says)
