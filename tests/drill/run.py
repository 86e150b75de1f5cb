"""
`python -m tests.drill.run`: a disaster, and the way back, as docs/backup.md describes it. `make drill` is this.

The demo exchange is served, written to, sealed and witnessed; copied; written to again; and destroyed, but for what
lies elsewhere: the copies, what the sealer remembers, the witness, and the receipts that agencies keep. It is restored
on a server of its own. Each step is checked and timed, and the first that is otherwise ends the drill with 1.
"""

import argparse
import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from config import backup, embedded_postgres, postgres_host, serving
from config.demo.client import Client, ClientError
from config.embedded_postgres import CHECKOUT, Cluster, ClusterError
from config.serving import ServingError, manage

NAME, RESTORED = "drill", "drill-restored"
HERE = CHECKOUT / "var" / NAME
NEW_ORIGIN = "udvej.example/ledger-2"
PATIENCE = 60
SECTIONS = {"reason": {"summary": "Testperson vil ud.", "subject_aware": "yes"}}


class NotAsItShouldBe(Exception):  # noqa: N818 - says what is the matter
    """A step went otherwise than it should; the sentence says how."""


@dataclass
class Drill:
    """A drill under way: what each step took, and what agencies hold of acts that were acknowledged."""

    say: Callable[[str], None]
    took: dict[str, float] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    referral: str = ""

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """Say what is done, and how long it took."""
        started = time.monotonic()
        yield
        self.took[words] = time.monotonic() - started
        self.say(f"{self.took[words]:7.2f} s  {words}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; return 0 where every step was as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill.run")
    parser.add_argument("--referrals", type=int, default=20, help="how many are sent before the copies, and after")
    asked = parser.parse_args(arguments)
    try:
        drill(referrals=asked.referrals, say=lambda words: print(words, flush=True))
    except (NotAsItShouldBe, ServingError, ClusterError, ClientError, backup.BackupError) as error:
        sys.stderr.write(f"The drill broke off: {error}\n")
        return 1
    return 0


def drill(*, referrals: int, say: Callable[[str], None]) -> Drill:
    """Go through the disaster and back; return what was measured. Raises NotAsItShouldBe at the first surprise."""
    under_way = Drill(say=say)
    started = time.monotonic()
    shutil.rmtree(HERE, ignore_errors=True)
    copies, keys = HERE / "copies", HERE / "keys"
    copies.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}
    os.environ["UDVEJ_KEYS_DIR"] = str(keys)
    try:
        with serving.serving(0, name=NAME, fresh=True, durable=False) as server:
            assert server.cluster is not None
            programs = _programs(server.cluster)
            owner = server.cluster.url("udvej_owner")
            sender = _sender(server.demo_file, server.base_url)
            with under_way.step(f"{referrals} referrals sent and witnessed"):
                under_way.before = _send(sender, referrals, under_way)
                first = _final(sender)
            with under_way.step("the database copied (pg_dump)"):
                manifest = backup.database(copies / "database", url=owner, programs=programs)
            with under_way.step("the keys copied, apart"):
                backup.keys(copies / "keys", folder=keys)
            with under_way.step(f"{referrals} more sent, acknowledged and witnessed, that are in no copy"):
                under_way.after = _send(sender, referrals, under_way)
                last = _final(sender)
        _expect(first <= manifest.sealed < last, f"the copy has {manifest.sealed} leaves of {first} to {last}")
        with under_way.step("the exchange destroyed: the database and its keys"):
            shutil.rmtree(server.cluster.home)
            shutil.rmtree(keys / "subjects")
            for file in keys.glob("*"):
                if file.is_file():
                    file.unlink()
            keys.rmdir()
        _come_back(under_way, copies, keys, first=first, lost=last - manifest.sealed)
    finally:
        os.environ.clear()
        os.environ.update(kept)
        for name in (NAME, RESTORED):
            with suppress(ClusterError):
                embedded_postgres.locate(name).stop()
    under_way.took["all"] = time.monotonic() - started
    say(f"{under_way.took['all']:7.2f} s  all of it: the exchange is back, and says what it lost")
    return under_way


def _come_back(under_way: Drill, copies: Path, keys: Path, *, first: int, lost: int) -> None:
    shutil.rmtree(embedded_postgres.locate(RESTORED).home, ignore_errors=True)
    ledger = HERE / "ledger"
    with embedded_postgres.running(RESTORED, durable=False) as cluster:
        world = _world(cluster, keys, ledger)
        with under_way.step("the database restored into an empty one (pg_restore)"):
            backup.restore(copies / "database", url=cluster.url("udvej_owner"), programs=_programs(cluster))
        with under_way.step("the keys put back"):
            backup.put_back(copies / "keys", folder=keys)
        with under_way.step("its guards are as committed"):
            manage(["check", "--database", "default"], world("udvej_app"))
        with under_way.step("the persons and their keys belong together"):
            said = manage(["reconcile_keys"], world("udvej_app"))
            _expect("0 persons are erased" in said and "0 persons are not erased" in said, said)
        with under_way.step("the restored log verifies, up to a checkpoint that was witnessed"):
            said = manage(["audit_verify", "--memory", str(HERE / "none")], world("udvej_reader"))
            _expect("Verified" in said, said)
            _expect(_final_size(cluster) >= first, "the witnessed checkpoint is not there")
        with under_way.step("the sealer refuses to sign on, and audit_verify says what was rolled back"):
            _refused(["audit_seal"], world("udvej_sealer"), "it was rolled back")
            _refused(["audit_verify"], world("udvej_reader"), "rolled back")
        with (
            under_way.step("nor is its memory written anew: the witness saw more than the database holds"),
            serving._witness(ledger, world("udvej_sealer"), HERE / "witness.log"),
        ):
            _refused(["audit_remember"], world("udvej_sealer"), "leaves was signed, and the database holds")
        with under_way.step("what was acknowledged after the copy is named as missing, and only that"):
            (HERE / "receipts").write_text("\n".join([*under_way.before, *under_way.after]) + "\n")
            said = _refused(["check_receipts", str(HERE / "receipts")], world("udvej_app"), "is lost")
            _expect(said.count("missing  ") == len(under_way.after), said)
            (HERE / "receipts").write_text("\n".join(under_way.before) + "\n")
            manage(["check_receipts", str(HERE / "receipts")], world("udvej_app"))
        with under_way.step("the old log ended with a signed statement, and a new one begun"):
            said = manage(
                [
                    *("audit_begin_again", "--origin", NEW_ORIGIN, "--keys", str(HERE / "new-keys")),
                    *("--kept", str(HERE / "kept")),
                ],
                world("udvej_sealer", OWNER_DATABASE_URL=cluster.url("udvej_owner")),
            )
            _expect(f"{lost} that were signed for are gone" in said, said)
        _go_on(under_way, cluster, keys)


def _go_on(under_way: Drill, cluster: Cluster, keys: Path) -> None:
    """Seal, witness and serve under the new name, and read what was sent before the disaster."""
    ledger, port = HERE / "ledger-2", serving._free_port(0)
    base_url = f"http://{serving.ADDRESS}:{port}"
    world = _world(cluster, keys, ledger, origin=NEW_ORIGIN, log_keys=HERE / "new-keys", port=port)
    with (
        under_way.step("the new log sealed, witnessed and verified; the exchange serves what it served"),
        serving._witness(ledger, world("udvej_sealer"), HERE / "witness.log"),
        serving.running_process(["manage.py", "audit_seal"], world("udvej_sealer"), HERE / "sealer.log"),
        serving.running_process(_gunicorn(port), world("udvej_app"), HERE / "server.log"),
    ):
        _until(lambda: serving._ready(port), "the restored exchange does not get ready")
        sender = _sender(HERE / "demo.json", base_url)
        answer = sender.get(f"/api/v1/referrals/{under_way.referral}")
        _expect(answer.status == 200, f"the referral answers {answer.status}")
        _expect(bool(answer.json["sections"]["reason"]), "its content does not open")
        _until(lambda: _final_of(sender) > 0, "the new log is not witnessed")
        _expect("Verified" in manage(["audit_verify"], world("udvej_reader")), "the new log does not verify")


def _gunicorn(port: int) -> list[str]:
    return ["-m", "gunicorn", "-c", "config/gunicorn.py", "--bind", f"{serving.ADDRESS}:{port}", "config.wsgi"]


def _world(
    cluster: Cluster, keys: Path, ledger: Path, *, origin: str = "", log_keys: Path | None = None, port: int = 0
) -> Callable[..., dict[str, str]]:
    """Return what a process of the restored exchange sees, by the role that it connects as."""

    def environment(role: str, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}
        policy = ledger / "policy"
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
            "DATABASE_URL": cluster.url(role),
            "UDVEJ_KEYS_DIR": str(keys),
            "UDVEJ_LEDGER_MEMORY": str(ledger / "signed-last.json"),
            "UDVEJ_LEDGER_POLICY": str(policy) if policy.exists() else "",
            "PORT": str(port or 8000),
            **({"UDVEJ_LEDGER_ORIGIN": origin} if origin else {}),
            "UDVEJ_LEDGER_KEYS_DIR": str(log_keys or ledger / "keys"),  # the sealer's host, which stands elsewhere
            **more,
        }

    return environment


def _programs(cluster: Cluster) -> str:
    return f"{postgres_host.find_host(cluster.data).programs}/"


def _sender(demo_file: Path, base_url: str) -> Client:
    agency = next(each for each in json.loads(demo_file.read_text())["agencies"] if each["code"] == "0101")
    return Client(
        base_url,
        client_id=agency["client_id"],
        client_secret=agency["client_secret"],
        on_behalf_of=agency["caseworker_id"],
        purpose="exit_support",
    )


def _send(sender: Client, many: int, under_way: Drill) -> list[str]:
    """Send drafts, and return their receipts."""
    receipts = []
    for _ in range(many):
        answer = sender.post(
            "/api/v1/referrals",
            {"subject": {"mode": "identified"}, "sections": SECTIONS},
            headers={"Idempotency-Key": str(uuid4())},
        )
        _expect(answer.status == 201, f"a referral is answered {answer.status}: {answer.json}")
        receipts.append(str(answer.headers["Receipt"]))
        under_way.referral = under_way.referral or answer.json["id"]
    return receipts


def _final(client: Client) -> int:
    """Wait until all that is sealed now is witnessed, and return how much that is."""
    time.sleep(1)  # the sealer's next look
    size = _size_of(client, "")
    _until(lambda: _final_of(client) >= size, "the checkpoint is not witnessed")
    return _final_of(client)


def _final_of(client: Client) -> int:
    return _size_of(client, "?final=true")


def _size_of(client: Client, query: str) -> int:
    request = urllib.request.Request(
        f"{client.base_url}/api/v1/audit/checkpoint{query}", headers={"Authorization": f"Bearer {client.token()}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.read().decode().split("\n")[1])
    except OSError:
        return 0


def _final_size(cluster: Cluster) -> int:
    """Return how many leaves the newest checkpoint in the restored database has that a witness cosigned."""
    with psycopg.connect(cluster.url("udvej_reader")) as connection:
        found = connection.execute(
            "SELECT coalesce(max(size), 0) FROM audit_checkpoint "
            "WHERE number IN (SELECT checkpoint FROM audit_cosignature)"
        ).fetchone()
    return int(found[0]) if found else 0


def _refused(command: list[str], environment: dict[str, str], words: str) -> str:
    try:
        said = manage(command, environment)
    except ServingError as error:
        _expect(words in str(error), str(error))
        return str(error)
    raise NotAsItShouldBe(f"{command[0]} did not refuse: {said}")


def _until(holds: Callable[[], Any], words: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise NotAsItShouldBe(words)
        time.sleep(0.1)


def _expect(holds: bool, words: str) -> None:
    if not holds:
        raise NotAsItShouldBe(words)


if __name__ == "__main__":
    sys.exit(main())
