"""
`python -m tests.crash.run --seconds 300`: clients, kills, and then the verdict. `make crash` is this.

Prints one summary line, writes the history as JSON lines under var/crash/, and exits with 1 where a promise was broken.
A seed chooses the kills and what the clients try; what the machine makes of it differs from run to run.
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from config.embedded_postgres import CHECKOUT, ClusterError
from tests.crash import checker, clients, hostile, sealing
from tests.crash.asking import Client
from tests.crash.checker import Violation
from tests.crash.clients import Board
from tests.crash.final import Final, read_final
from tests.crash.history import OK, History, Op, operations
from tests.crash.killer import Killer
from tests.crash.world import Served, WorldError, serving, world

PAIRS = 2
FINISH_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What came of a run."""

    seed: int
    ops: list[Op]
    final: Final
    violations: list[Violation]
    kills: Counter[str]

    def acknowledged(self, *kinds: str) -> int:
        """Return how many operations of these kinds were acknowledged."""
        return sum(op.outcome == OK and op.kind in kinds for op in self.ops)

    def disclosures(self) -> int:
        """Return how many acknowledged answers showed content."""
        return sum(op.outcome == OK and bool(op.told.get("shown")) for op in self.ops)

    def summary(self) -> str:
        """Return the run in one line."""
        kills = ", ".join(f"{kind} {number}" for kind, number in sorted(self.kills.items()))
        outcomes = Counter(op.outcome for op in self.ops)
        moved = self.acknowledged(*clients.MOVES)
        return (
            f"seed {self.seed}: {self.disclosures()} acknowledged disclosures, "
            f"{self.acknowledged('withdraw', 'invalidate')} withdrawals, {self.acknowledged('record', 'renew')} "
            f"consents recorded or renewed, {self.acknowledged('submit')} submissions, {moved} moves and messages; "
            f"{outcomes['fail']} refused, {outcomes['unknown']} unknown "
            f"({len(checker.unavailable_but_done(self.ops, self.final))} answered 5xx and done all the same); "
            f"kills: {kills or 'none'}; {len(self.final.entries)} entries; {len(self.violations)} violations"
        )


Enough = Callable[[list[dict[str, Any]], Counter[str]], bool]
"""Whether enough has happened for a verdict, from the events so far and the kills."""


def run(
    served: Served,
    cast: dict[str, Any],
    *,
    seconds: float,
    seed: int,
    kinds: Collection[str] | None = None,
    path: Path | None = None,
    enough: Enough | None = None,
    most: float = 0,
) -> Ran:
    """
    Let the clients and the killer loose for so long, and return what came of it, judged.

    `kinds` names what is killed: everything unless told, nothing where it is empty. Goes on past `seconds`, to at most
    `most`, until there is `enough` for a verdict.
    """
    history = History(path)
    board = Board(sender=cast["sender"], recipient=cast["recipient"], stranger=cast["stranger"])
    killer = Killer(served, history, seed=seed, kinds=kinds)
    started = time.monotonic()
    try:
        with _staff(served, board, history, seed=seed) as (threads, sender):
            try:
                if kinds is None or kinds:
                    killer.start()
                while not board.faults and (
                    time.monotonic() < started + seconds
                    or (enough and time.monotonic() < started + most and not enough(history.events, killer.kills))
                ):
                    time.sleep(0.1)
            finally:
                killer.stop()
                board.over.set()
            for thread in threads:
                thread.join(FINISH_SECONDS)
            if board.faults:
                raise board.faults[0]
            served.await_ready()
            _listen(sender, board)
        keys = httpx.get(f"{served.base_url}/.well-known/jwks.json", timeout=30).raise_for_status().json()
    finally:
        history.close()
    sealing.settle(served.world)
    served.stop()  # what a request under way may yet do is done, or is not, before the rows are read
    final = read_final(served.world.cluster.url("postgres"), keys=keys)
    ops = operations(history.events)
    found = checker.violations(ops, final, ledger_verifies=lambda: sealing.verify(served.world))
    return Ran(seed=seed, ops=ops, final=final, violations=found, kills=killer.kills)


@contextmanager
def _staff(
    served: Served, board: Board, history: History, *, seed: int
) -> Iterator[tuple[list[threading.Thread], Client]]:
    """Prepare the referrals, and let each client act in a thread of its own until the board says that it is over."""
    with ExitStack() as stack:

        def client(name: str, party: dict[str, Any], role: str) -> Client:
            made = Client(name, party, role, base_url=served.base_url, history=history)
            stack.callback(made.close)
            return made

        first = client("preparing", board.sender, "caseworker-1")
        clients.prepare(first, board, pairs=PAIRS, random_=random.Random(seed))
        acts: list[tuple[str, Callable[[random.Random], None]]] = []

        def add(name: str, act: Callable[..., None], *people: Client) -> None:
            acts.append((name, lambda random_: act(*people, board, random_)))

        for number, role in enumerate(("coordinator-1", "counsellor-1", "counsellor-1", "coordinator-1"), 1):
            add(f"reader-{number}", clients.reading, client(f"reader-{number}", board.recipient, role))
        for name, act in (("keeper-1", clients.keeping), ("keeper-2", clients.keeping), ("talker", clients.talking)):
            both = (client(name, board.sender, "caseworker-1"), client(name, board.recipient, "coordinator-1"))
            add(name, act, *both)
        add("submitter", clients.submitting, client("submitter", board.sender, "caseworker-1"))
        people = [(board.stranger, "caseworker-1"), (board.sender, "caseworker-1"), (board.recipient, "coordinator-1")]
        add("hostile", hostile.attacking, *(client("hostile", party, role) for party, role in people))

        threads = [
            threading.Thread(target=_act, args=(act, board, f"{seed} {name}"), name=name, daemon=True)
            for name, act in acts
        ]
        for thread in threads:
            thread.start()
        try:
            yield threads, first
        finally:
            board.over.set()
            for thread in threads:
                thread.join(FINISH_SECONDS)


def _act(act: Callable[[random.Random], None], board: Board, seed: str) -> None:
    random_ = random.Random(seed)
    try:
        while not board.over.is_set():
            act(random_)
            time.sleep(random_.uniform(0, 0.03))
    except Exception as error:  # noqa: BLE001 - raised again by the thread that waits for this one
        board.faults.append(error)


def _listen(sender: Client, board: Board) -> None:
    """Read, when all is quiet, everything that was said on the referrals that were fought over."""
    for sent in board.hot:
        for part in ("", "/messages", "/amendments"):
            read = clients.insist(lambda sent=sent, part=part: sender.read(sent.id, kind="final", part=part))  # type: ignore[misc]
            assert read is not None, "the exchange does not come back"


def main(arguments: Sequence[str]) -> int:
    """Run as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is stopped then, too
    seed = given.seed if given.seed is not None else int.from_bytes(os.urandom(4))
    folder = CHECKOUT / "var" / "crash"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seed}.jsonl"
    try:
        with world("crash-world") as made, serving(made) as served:
            ran = run(served, made.casts[0], seconds=given.seconds, seed=seed, path=path)
    except (WorldError, ClusterError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(ran.summary() + "\n")
    for violation in ran.violations:
        sys.stdout.write(f"  {violation.kind}: {violation.says}\n")
    sys.stdout.write(f"The history is in {path.relative_to(CHECKOUT)}\n")
    return 1 if ran.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
