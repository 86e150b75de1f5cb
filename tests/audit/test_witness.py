"""A witness behind HTTP: what it cosigns, and each status that C2SP's tlog-witness asks for."""

import json
import socket
import time
from base64 import b64encode
from contextlib import ExitStack, suppress
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from audit.notes import Checkpoint, Note, Signature, signed
from audit.submission import PATH_MAX, SUBMISSION_BYTES_MAX, Submission, SubmissionError
from audit.witness import HttpWitness, WitnessHolds, WitnessRefused
from tests.audit.c2sp_examples import ADD_CHECKPOINT
from tests.audit.running import NAME, NOW, Running, witness_running
from tests.audit.signers import LOG, WITNESS, Held
from tests.audit.trees import Tree

pytestmark = pytest.mark.no_database
HONEST = Tree()


def post(witness: Running, body: bytes) -> httpx.Response:
    return httpx.post(f"{witness.url}/add-checkpoint", content=body, verify=False)  # no certificates to be read


def connected(witness: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(witness.url.rsplit(":", 1)[1])), timeout=5)


def held(witness: Running) -> Checkpoint:
    raw = (witness.folder / HONEST.hash / "checkpoint").read_bytes()
    return Checkpoint.parse(Note.parse(raw).text)


# --- The published body -----------------------------------------------------------------------------------------------
def test_the_published_submission_is_read_and_written_as_it_stands() -> None:
    submission = Submission.parse(ADD_CHECKPOINT.encode())
    assert (submission.old, submission.checkpoint.size, len(submission.path)) == (20852014, 20852163, 4)
    assert b64encode(submission.path[0]).decode() == "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw="
    assert [each.name for each in submission.note.signatures] == ["example.com/behind-the-sofa"] * 2
    assert str(submission) == ADD_CHECKPOINT


# --- 200 --------------------------------------------------------------------------------------------------------------
def test_a_growing_log_is_cosigned_step_by_step(witness: Running, asked: HttpWitness) -> None:
    old = 0
    for new in (1, 2, 2, 7, 8, 33, 64):
        note = HONEST.checkpoint(new)
        (line,) = asked.ask(note, old=old, path=HONEST.path(old, new))
        checked = Note(note.text, (*note.signatures, line)).verified([LOG.key, witness.key])
        assert [(each.key, each.time) for each in checked] == [(LOG.key, None), (witness.key, int(NOW))]
        assert held(witness).size == new
        old = new
    assert witness.refused == []


def test_the_answer_is_signature_lines_and_nothing_else(witness: Running) -> None:
    answer = post(witness, HONEST.submission(0, 5))
    assert answer.status_code == 200
    line = answer.text
    assert line.startswith(f"— {NAME} ")
    assert line.endswith("\n")
    assert line.count("\n") == 1


def test_an_empty_tree_is_cosigned_and_grows(asked: HttpWitness) -> None:
    assert asked.ask(HONEST.checkpoint(0), old=0, path=[])
    assert asked.ask(HONEST.checkpoint(0), old=0, path=[])
    assert asked.ask(HONEST.checkpoint(5), old=0, path=[])


def test_extension_lines_are_part_of_what_is_cosigned(asked: HttpWitness) -> None:
    assert asked.ask(HONEST.checkpoint(5, extension=("more",)), old=0, path=[])
    assert asked.ask(HONEST.checkpoint(6), old=5, path=HONEST.path(5, 6))


def test_monitors_get_the_newest_checkpoint_with_both_signatures(witness: Running) -> None:
    stranger = Signature("stranger.example", b"\1\2\3\4", bytes(64))
    note = HONEST.checkpoint(5)
    several = Note(note.text, (stranger, *note.signatures, *note.signatures))
    answered = post(witness, str(Submission(0, (), several, Checkpoint.parse(note.text))).encode()).text
    found = httpx.get(f"{witness.url}/{sha256(LOG.name.encode()).hexdigest()}/checkpoint")
    assert (found.status_code, found.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert found.text == str(note) + answered


@pytest.mark.parametrize(
    "path", ["/checkpoint", "/{hash}", "/{hash}/", "/{HASH}/checkpoint", "/../{hash}/checkpoint", "/"]
)
def test_there_is_nothing_at_other_addresses(witness: Running, path: str) -> None:
    post(witness, HONEST.submission(0, 5))
    with connected(witness) as raw:
        target = path.format(hash=HONEST.hash, HASH=HONEST.hash.upper())
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n".encode())
        assert raw.makefile("rb").readline() == b"HTTP/1.1 404 Not Found\r\n"


def test_a_log_never_cosigned_has_no_checkpoint(witness: Running) -> None:
    assert httpx.get(f"{witness.url}/{HONEST.hash}/checkpoint").status_code == 404


# --- 400 --------------------------------------------------------------------------------------------------------------
BODY = HONEST.submission(0, 5)
NEXT = HONEST.submission(5, 6)
MALFORMED = {
    "nothing": b"",
    "no old size": BODY.removeprefix(b"old 0\n"),
    "no checkpoint": b"old 0\n\n",
    "no empty line": BODY.replace(b"old 0\n\n", b"old 0\n"),
    "an old size in words": BODY.replace(b"old 0", b"old none"),
    "a zero before the old size": BODY.replace(b"old 0", b"old 00"),
    "a negative old size": BODY.replace(b"old 0", b"old -1"),
    "two spaces": BODY.replace(b"old 0", b"old  0"),
    "a tab": BODY.replace(b"old 0", b"old\t0"),
    "a capital": BODY.replace(b"old 0", b"Old 0"),
    "an old size beyond all": BODY.replace(b"old 0", b"old " + b"9" * 30),
    "an old size above the checkpoint's": BODY.replace(b"old 0", b"old 6"),
    "a hash of 31 bytes": NEXT.replace(b"\n\n", b"\n" + b64encode(bytes(31)) + b"\n\n", 1),
    "a hash not in base64": NEXT.replace(b"\n\n", b"\n" + b"!" * 44 + b"\n\n", 1),
    "sixty-four hashes": b"old 5\n" + (b64encode(bytes(32)) + b"\n") * 64 + b"\n" + str(HONEST.checkpoint(6)).encode(),
    "carriage returns": BODY.replace(b"\n", b"\r\n"),
    "no signature": BODY[: BODY.index("—".encode())],
    "a checkpoint without a root": b"old 0\n\n" + str(signed(f"{LOG.name}\n5\n", by=[LOG])).encode(),
    "a byte that is not UTF-8": BODY.replace(b"log.example", b"log\xe9example"),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_a_bad_request(witness: Running, body: bytes) -> None:
    assert post(witness, body).status_code == 400
    assert not (witness.folder / HONEST.hash).exists()


def test_sixty_three_hashes_are_not_malformed(witness: Running) -> None:
    note = HONEST.checkpoint(6)
    submission = Submission(0, (bytes(32),) * PATH_MAX, note, Checkpoint.parse(note.text))
    assert post(witness, str(submission).encode()).status_code == 422
    with pytest.raises(SubmissionError, match="too large"):
        Submission.parse(b"x" * (SUBMISSION_BYTES_MAX + 1))


# --- 403 and 404 ------------------------------------------------------------------------------------------------------
def test_an_unknown_log_is_not_found(witness: Running) -> None:
    other = Tree(by=Held("other.example/log"))
    assert post(witness, other.submission(0, 5)).status_code == 404


def forged() -> dict[str, Note]:
    note, other = HONEST.checkpoint(5), HONEST.checkpoint(6)
    line = note.signatures[0]
    impostor = Tree(by=Held(LOG.name)).checkpoint(5)
    under_its_id = Signature(LOG.name, LOG.key.id, impostor.signatures[0].signature)
    return {
        "another key of that name": impostor,
        "another key under the log's id": Note(note.text, (under_its_id,)),
        "a true one and a false one": Note(note.text, (line, under_its_id)),
        "another checkpoint's signature": Note(note.text, other.signatures),
        "a witness's own key": signed(note.text, by=[WITNESS]),
    }


@pytest.mark.parametrize("name", forged().keys())
def test_what_the_log_did_not_sign_is_forbidden(witness: Running, name: str) -> None:
    note = forged()[name]
    body = str(Submission(0, (), note, Checkpoint.parse(note.text))).encode()
    assert post(witness, body).status_code == 403
    assert witness.refused == []


# --- 409 --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("old", "new"), [(0, 9), (4, 9), (6, 9), (0, 5), (3, 5)])
def test_another_old_size_is_answered_with_the_one_that_is_held(witness: Running, old: int, new: int) -> None:
    post(witness, HONEST.submission(0, 5))
    answer = post(witness, HONEST.submission(old, new))
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (409, "text/x.tlog.size", "5\n")
    assert witness.refused == []


def test_the_client_is_told_from_which_size_to_prove(witness: Running, asked: HttpWitness) -> None:
    with pytest.raises(WitnessHolds) as told:
        asked.ask(HONEST.checkpoint(9), old=3, path=HONEST.path(3, 9))
    assert told.value.size == 0
    asked.ask(HONEST.checkpoint(9), old=0, path=[])
    with pytest.raises(WitnessHolds) as told:
        asked.ask(HONEST.checkpoint(20), old=0, path=[])
    asked.ask(HONEST.checkpoint(20), old=told.value.size, path=HONEST.path(told.value.size, 20))
    assert held(witness).size == 20


# --- 422, and what is kept --------------------------------------------------------------------------------------------
LYING = Tree(fork=3)


def test_two_trees_of_one_size_are_a_fork(witness: Running) -> None:
    post(witness, HONEST.submission(0, 5))
    assert post(witness, LYING.submission(5, 5)).status_code == 422
    assert witness.refused == ["fork"]
    assert held(witness).root == Checkpoint.parse(HONEST.checkpoint(5).text).root


def test_a_fork_is_kept_whatever_old_size_comes_with_it(witness: Running) -> None:
    post(witness, HONEST.submission(0, 5))
    assert post(witness, LYING.submission(0, 5)).status_code == 409
    assert witness.refused == ["fork"]


def test_the_two_signed_checkpoints_of_a_fork_prove_it_to_anybody(witness: Running) -> None:
    post(witness, HONEST.submission(0, 5))
    post(witness, LYING.submission(5, 5))
    (kept,) = witness.folder.glob("refused/*/*")
    submitted = Submission.parse((kept / "submitted").read_bytes())
    known = Note.parse((kept / "held").read_bytes())
    heads = []
    for note in (submitted.note, known):
        assert LOG.key in {each.key for each in note.verified([LOG.key])}
        heads.append(Checkpoint.parse(note.text))
    assert heads[0].size == heads[1].size
    assert heads[0].root != heads[1].root


def test_a_tree_that_does_not_extend_the_known_one_is_refused(witness: Running) -> None:
    post(witness, HONEST.submission(0, 5))
    answer = post(witness, LYING.submission(5, 9))
    assert (answer.status_code, witness.refused) == (422, ["unproven"])
    assert post(witness, HONEST.submission(5, 9)).status_code == 200


def test_a_fork_beyond_what_is_known_is_no_contradiction(witness: Running) -> None:
    post(witness, HONEST.submission(0, 3))
    assert post(witness, LYING.submission(3, 9)).status_code == 200
    assert post(witness, HONEST.submission(9, 10)).status_code == 422


def test_a_tree_that_was_rolled_back_is_refused(witness: Running) -> None:
    post(witness, HONEST.submission(0, 9))
    for old in (0, 5, 7):
        answer = post(witness, HONEST.submission(old, 7))
        assert (answer.status_code, answer.text) == (409, "9\n")
    assert post(witness, HONEST.submission(9, 9)).status_code == 200
    assert witness.refused == ["smaller"]  # the same checkpoint three times, kept once


def test_a_proof_for_the_empty_tree_is_refused(witness: Running) -> None:
    note = HONEST.checkpoint(5)
    body = str(Submission(0, (bytes(32),), note, Checkpoint.parse(note.text))).encode()
    assert (post(witness, body).status_code, witness.refused) == (422, ["unproven"])


def test_a_proof_between_trees_of_one_size_is_refused(witness: Running) -> None:
    post(witness, HONEST.submission(0, 5))
    note = HONEST.checkpoint(5)
    body = str(Submission(5, (bytes(32),), note, Checkpoint.parse(note.text))).encode()
    assert post(witness, body).status_code == 422


def test_an_empty_tree_has_the_root_of_nothing(witness: Running) -> None:
    note = signed(str(Checkpoint(LOG.name, 0, bytes(32))), by=[LOG])
    body = str(Submission(0, (), note, Checkpoint.parse(note.text))).encode()
    assert (post(witness, body).status_code, witness.refused) == (422, ["fork"])
    assert not (witness.folder / HONEST.hash).exists()


@pytest.mark.parametrize("spoilt", ["shorter", "longer", "other", "swapped"])
def test_a_spoilt_proof_is_refused(witness: Running, asked: HttpWitness, spoilt: str) -> None:
    post(witness, HONEST.submission(0, 5))
    path = HONEST.path(5, 9)
    spoilt_path = {
        "shorter": path[:-1],
        "longer": [*path, bytes(32)],
        "other": [bytes(32), *path[1:]],
        "swapped": [path[1], path[0], *path[2:]],
    }[spoilt]
    with pytest.raises(WitnessRefused, match="422"):
        asked.ask(HONEST.checkpoint(9), old=5, path=spoilt_path)


def test_the_log_says_what_was_refused_and_where_it_is_kept(witness: Running, caplog: pytest.LogCaptureFixture) -> None:
    post(witness, HONEST.submission(0, 5))
    post(witness, LYING.submission(5, 5))
    said = [record.msg for record in caplog.records if record.levelname == "ERROR"]
    (line,) = [each if isinstance(each, dict) else json.loads(each) for each in said]
    assert (line["event"], line["why"], line["origin"]) == ("witness_refused", "fork", LOG.name)
    assert (line["size"], line["held"]) == (5, 5)
    assert (witness.folder / line["kept"] / "submitted").exists()


# --- What strangers may send ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [SUBMISSION_BYTES_MAX + 1, 3_000_000])
def test_an_oversized_body_is_refused(witness: Running, size: int) -> None:
    assert post(witness, b"x" * size).status_code == 400


def test_an_oversized_body_is_not_waited_for(witness: Running) -> None:
    with connected(witness) as raw:
        raw.sendall(f"POST /add-checkpoint HTTP/1.1\r\nContent-Length: {SUBMISSION_BYTES_MAX + 1}\r\n\r\n".encode())
        assert raw.recv(12) == b"HTTP/1.1 400"


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ],
)
def test_a_body_of_doubtful_length_is_refused_and_the_connection_closed(witness: Running, headers: str) -> None:
    with connected(witness) as raw:
        raw.sendall(
            f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n{headers}\r\n".encode() + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
        )
        raw.shutdown(socket.SHUT_WR)
        answers = raw.makefile("rb").read()
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1") == 1


def test_a_body_under_a_question_is_not_taken_for_the_next_request(witness: Running) -> None:
    with connected(witness) as raw:
        raw.sendall(b"GET /x HTTP/1.1\r\nHost: w\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        raw.shutdown(socket.SHUT_WR)
        assert raw.makefile("rb").read().count(b"HTTP/1.1") == 1


def dripped(connection: socket.socket, *, seconds: float) -> None:
    """Send a byte now and then, which buys no more time."""
    for _ in range(int(seconds / 0.05)):
        connection.sendall(b"x")
        time.sleep(0.05)


def test_a_slow_client_holds_nobody_up_and_is_cut_off(tmp_path: Path) -> None:
    with witness_running(tmp_path, patience=2.0) as witness, ExitStack() as stack:
        slow = [stack.enter_context(connected(witness)) for _ in range(20)]
        for each in slow:
            each.sendall(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1000\r\n\r\nold")
        assert post(witness, HONEST.submission(0, 5)).status_code == 200
        slow[1].setblocking(False)
        with pytest.raises(BlockingIOError):  # they are being waited for still
            slow[1].recv(1)
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, as the machine likes
            dripped(slow[0], seconds=6.0)


def test_a_client_too_many_is_turned_away_and_room_comes_back(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("audit.witness_server.CONNECTIONS_MAX", 2)
    with witness_running(tmp_path) as witness:
        with connected(witness), connected(witness), pytest.raises(httpx.TransportError):
            post(witness, HONEST.submission(0, 5))
        for _ in range(100):
            with suppress(httpx.TransportError):
                assert post(witness, HONEST.submission(0, 5)).status_code == 200
                return
            time.sleep(0.05)
        pytest.fail("no room came back")
