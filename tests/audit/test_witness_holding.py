"""What a witness remembers holds: against kill -9, races, a second process, a lost key and a damaged folder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Event

import httpx
import pytest

from audit import witness_folder
from audit.notes import Checkpoint, Note, VerifierKey, signed
from audit.submission import Submission
from audit.witness import HttpWitness, WitnessHolds, WitnessUnreachable
from audit.witness_folder import Folder, FolderError
from audit.witnessing import Witnessing
from config.env import BASE_DIR
from tests.audit.running import NAME, NOW, witness_running
from tests.audit.signers import LOG, WITNESS, Held
from tests.audit.trees import LEAVES, Tree

pytestmark = pytest.mark.no_database
HONEST, OTHER_LOG = Tree(), Held("other.example/log")
NO_DATABASE = {"PATH": os.environ["PATH"], "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}


def command(folder: Path, *more: str) -> list[str]:
    manage = [sys.executable, "manage.py", "audit_witness", "--folder", str(folder)]
    return [*manage, "--name", NAME, "--log", str(LOG.key), *more]


def ran(folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(folder, *more), cwd=BASE_DIR, env=NO_DATABASE, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def process(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The witness as an agency runs it, in a process of its own."""
    with subprocess.Popen(
        command(folder, "--listen", "127.0.0.1:0"),
        cwd=BASE_DIR,
        env=NO_DATABASE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        try:
            assert running.stdout
            yield running, f"http://127.0.0.1:{int(running.stdout.readline())}"
        finally:
            running.kill()


def witnessing(folder: Path, **more) -> Witnessing:
    held = Folder(folder)
    return Witnessing(held, signer=held.signer(NAME), logs=[LOG.key], **more)


# --- Crashes ----------------------------------------------------------------------------------------------------------
def test_what_was_cosigned_survives_kill_9(tmp_path: Path) -> None:
    shown = ran(tmp_path, "--show-key")
    key = VerifierKey.parse(shown.stdout.strip())
    assert (shown.returncode, key.name, key.kind) == (0, NAME, 4)
    acknowledged = 0
    for wait in (0.0, 0.02, 0.05):  # the later ones die in the midst of answering
        with process(tmp_path) as (running, url), closing(HttpWitness(key, url)) as asked:
            held = grown_by_one(asked, acknowledged)
            with ThreadPoolExecutor(1) as pool:
                growing = pool.submit(grown, asked, held)
                time.sleep(wait)
                os.kill(running.pid, signal.SIGKILL)
            acknowledged = growing.result()
    with process(tmp_path) as (running, url):
        served = httpx.get(f"{url}/{HONEST.hash}/checkpoint").content
        head = Checkpoint.parse(Note.parse(served).text)
        assert acknowledged <= head.size <= acknowledged + 1
        refused = httpx.post(f"{url}/add-checkpoint", content=HONEST.submission(0, LEAVES))
        assert (refused.status_code, refused.text) == (409, f"{head.size}\n")
        running.terminate()
        assert running.wait(timeout=10) == 0


def grown_by_one(asked: HttpWitness, acknowledged: int) -> int:
    """Have the next leaf cosigned; the witness may have cosigned it already, and been killed before it said so."""
    new = acknowledged + 1
    for old in (acknowledged, new):
        with suppress(WitnessHolds):
            asked.ask(HONEST.checkpoint(new), old=old, path=HONEST.path(old, new))
            return new
    pytest.fail("the witness holds neither what it acknowledged nor one leaf more")


def grown(asked: HttpWitness, size: int) -> int:
    """Have leaf after leaf cosigned until the witness dies. Return the last size that it answered for."""
    while size < LEAVES:
        try:
            asked.ask(HONEST.checkpoint(size + 1), old=size, path=HONEST.path(size, size + 1))
        except WitnessUnreachable:
            break
        size += 1
    return size


def test_the_disk_has_a_checkpoint_before_its_cosignature_is_made_known(tmp_path: Path, monkeypatch) -> None:
    """The file is synced under another name and takes its place, the folder is synced; only then is there an answer."""
    judge = witnessing(tmp_path)
    judge.add_checkpoint(HONEST.submission(0, 3))
    seen: list[str] = []
    true_fsync, true_replace = os.fsync, Path.replace

    def fsync(opened: int) -> None:
        seen.append(f"sync {Path(f'/proc/self/fd/{opened}').readlink().name}")
        true_fsync(opened)

    def replace(self: Path, target: Path) -> Path:
        seen.append(f"replace {target.name}")
        return true_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    answer = judge.add_checkpoint(HONEST.submission(3, 5))
    assert answer.status == 200
    assert seen == ["sync .checkpoint.new", "replace checkpoint", f"sync {HONEST.hash}"]


def test_where_the_disk_takes_nothing_nothing_is_cosigned(tmp_path: Path, monkeypatch) -> None:
    with witness_running(tmp_path) as witness:
        post = f"{witness.url}/add-checkpoint"
        assert httpx.post(post, content=HONEST.submission(0, 3)).status_code == 200

        def full(opened: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            refused = httpx.post(post, content=HONEST.submission(3, 5))
            assert refused.status_code == 500
            assert "—" not in refused.text
        assert httpx.post(post, content=HONEST.submission(3, 5)).status_code == 200


# --- Races ------------------------------------------------------------------------------------------------------------
def test_a_smaller_checkpoint_checked_first_does_not_roll_back_a_larger_one(tmp_path: Path) -> None:
    """The specification's race: A of size 5 is checked, B of size 9 arrives; A is held up before it is written."""
    checked, let_go = Event(), Event()

    def clock() -> float:  # asked between the check and the writing
        if not checked.is_set():
            checked.set()
            let_go.wait(0.5)
        return NOW

    judge = witnessing(tmp_path, clock=clock)
    with ThreadPoolExecutor(2) as pool:
        smaller = pool.submit(judge.add_checkpoint, HONEST.submission(0, 5))
        checked.wait(5)
        larger = pool.submit(judge.add_checkpoint, HONEST.submission(0, 9))
        assert larger.exception(5) is None
        let_go.set()
        answers = [smaller.result(), larger.result()]
    assert [answer.status for answer in answers] == [200, 409]
    assert answers[1].body == b"5\n"
    assert judge.add_checkpoint(HONEST.submission(5, 9)).status == 200
    head = Checkpoint.parse(Note.parse(judge.checkpoint(HONEST.hash).body).text)
    assert head.size == 9


def test_of_many_at_once_the_largest_is_left(tmp_path: Path) -> None:
    with witness_running(tmp_path) as witness:
        sizes = [7, 63, 12, 40, 3, 21, 55, 30]

        def submit(new: int) -> int | None:
            old = 0
            with closing(witness.client()) as asked:
                while old <= new:
                    try:
                        asked.ask(HONEST.checkpoint(new), old=old, path=HONEST.path(old, new))
                    except WitnessHolds as told:
                        old = told.size
                    else:
                        return new
            return None

        with ThreadPoolExecutor(len(sizes)) as pool:
            done = [size for size in pool.map(submit, sizes) if size]
        assert 63 in done
        head = Checkpoint.parse(Note.parse(witness.witnessing.checkpoint(HONEST.hash).body).text)
        assert head.size == 63
        assert set(witness.refused) <= {"smaller"}  # those that came too late, and nothing worse


def test_a_second_process_on_the_same_folder_refuses(tmp_path: Path) -> None:
    with process(tmp_path):
        second = ran(tmp_path, "--listen", "127.0.0.1:0")
        assert second.returncode != 0
        assert (second.stdout, "one witness, one process" in second.stderr) == ("", True)
        assert ran(tmp_path, "--show-key").returncode == 0
        with pytest.raises(FolderError, match="another process"):
            witnessing(tmp_path)


# --- Keys and folders -------------------------------------------------------------------------------------------------
def test_the_key_and_the_folder_are_their_owners_alone(tmp_path: Path) -> None:
    judge = witnessing(tmp_path / "w")
    judge.add_checkpoint(HONEST.submission(0, 5))
    judge.add_checkpoint(Tree(fork=2).submission(5, 5))
    found = list((tmp_path / "w").rglob("*"))
    assert {"key.pem", "vkey", "lock", "checkpoint", "submitted", "held"} <= {each.name for each in found}
    for each in [tmp_path / "w", *(each for each in found if each.is_file())]:
        assert each.stat().st_mode & 0o077 == 0, each


def test_the_key_is_made_once_and_bound_to_the_name(tmp_path: Path) -> None:
    key = Folder(tmp_path).signer(NAME).key
    assert Folder(tmp_path).signer(NAME).key == key
    assert (tmp_path / "vkey").read_text() == f"{key}\n"
    with pytest.raises(FolderError, match="another name"):
        Folder(tmp_path).signer("witness.example/w2")


def test_a_lost_key_is_not_silently_made_anew(tmp_path: Path) -> None:
    witnessing(tmp_path).add_checkpoint(HONEST.submission(0, 5))
    (tmp_path / "key.pem").unlink()
    with pytest.raises(FolderError, match="put the key back"):
        Folder(tmp_path).signer(NAME)


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    Folder(tmp_path).signer(NAME)
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(FolderError, match="damaged"):
        Folder(tmp_path).signer(NAME)


@pytest.mark.parametrize("by", ["nobody", "the log alone", "another witness", "another log"])
def test_a_checkpoint_that_this_witness_did_not_cosign_stops_it(tmp_path: Path, by: str) -> None:
    """A folder put in order by hand is no memory: it neither starts with it nor goes on with it."""
    held = Folder(tmp_path)
    judge = Witnessing(held, signer=held.signer(NAME), logs=[LOG.key])
    judge.add_checkpoint(HONEST.submission(0, 5))
    own = (tmp_path / HONEST.hash / "checkpoint").read_text()
    other = str(signed(HONEST.checkpoint(3).text, by=[LOG, WITNESS]))
    put = {"nobody": "", "the log alone": str(HONEST.checkpoint(3)), "another witness": other, "another log": own}[by]
    origin = VerifierKey("other.example", LOG.kind, LOG.key.public) if by == "another log" else LOG.key
    place = sha256(origin.name.encode()).hexdigest()
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "checkpoint").write_text(put)
    if origin == LOG.key:
        with pytest.raises(FolderError, match="remembered checkpoint"):
            judge.add_checkpoint(HONEST.submission(0, 5))
    held.leave()
    with pytest.raises(FolderError, match="remembered checkpoint"):
        Witnessing(held, signer=held.signer(NAME), logs=[LOG.key, origin])
    held.take()  # it was left when the start failed


def test_what_is_kept_as_evidence_is_bounded_and_a_fork_has_room_of_its_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(witness_folder, "REFUSED_MAX", 3)
    judge = witnessing(tmp_path)
    judge.add_checkpoint(HONEST.submission(0, 20))
    for new in range(1, 15):  # old checkpoints are public: anybody can send them in again
        assert judge.add_checkpoint(HONEST.submission(0, new)).status == 409
    assert judge.add_checkpoint(Tree(fork=2).submission(20, 20)).status == 422
    kept = sorted(each.name.split("-")[0] for each in tmp_path.glob("refused/*/*"))
    assert kept == ["fork", "smaller", "smaller", "smaller"]


def test_an_interrupted_keeping_of_evidence_leaves_no_trace_and_is_done_again(tmp_path: Path) -> None:
    judge = witnessing(tmp_path)
    judge.add_checkpoint(HONEST.submission(0, 5))
    half = tmp_path / "refused" / HONEST.hash / ".new"
    half.mkdir(parents=True)
    (half / "submitted").write_text("ha")
    judge.add_checkpoint(Tree(fork=2).submission(5, 5))
    (kept,) = half.parent.iterdir()
    assert Submission.parse((kept / "submitted").read_bytes()).checkpoint.size == 5


# --- The command ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--log", "log.example+0"], "a verifier key is name+id+key"),
        (["--log", str(WITNESS.key)], "type 1"),
        (["--listen", "9901"], "host:port"),
        (["--listen", "127.0.0.1:99999"], "host:port"),
        (["--name", "a b"], "name"),
    ],
)
def test_a_wrong_argument_is_answered_with_a_sentence(tmp_path: Path, more: list[str], said: str) -> None:
    failed = ran(tmp_path, *more)
    assert failed.returncode != 0
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr


def test_several_logs_are_kept_apart(tmp_path: Path) -> None:
    held = Folder(tmp_path)
    others = Tree(by=OTHER_LOG)
    judge = Witnessing(held, signer=held.signer(NAME), logs=[LOG.key, OTHER_LOG.key])
    assert judge.add_checkpoint(HONEST.submission(0, 5)).status == 200
    assert judge.add_checkpoint(others.submission(0, 9)).status == 200
    assert judge.add_checkpoint(HONEST.submission(5, 6)).status == 200
    foreign = signed(HONEST.checkpoint(7).text, by=[OTHER_LOG])
    body = str(Submission(6, tuple(HONEST.path(6, 7)), foreign, Checkpoint.parse(foreign.text)))
    assert judge.add_checkpoint(body.encode()).status == 403
