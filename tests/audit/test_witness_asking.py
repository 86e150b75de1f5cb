"""Asking a witness: what is taken for its cosignature, and what the asking does with every other answer."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.notes import COSIGNATURE, ED25519, Signature, cosigned
from audit.submission import Submission
from audit.witness import ANSWER_BYTES_MAX, HttpWitness, NotCosigned, WitnessHolds, WitnessRefused, WitnessUnreachable
from tests.audit.running import NAME, Running
from tests.audit.signers import LOG, WITNESS, Held
from tests.audit.trees import Tree

pytestmark = pytest.mark.no_database
HONEST = Tree()
NOTE = HONEST.checkpoint(9)
GOOD = cosigned(NOTE.text, by=WITNESS, at=1_790_000_000)


def answer(body: bytes | str, *, status: str = "200 OK", more: str = "") -> bytes:
    raw = body if isinstance(body, bytes) else body.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(raw)}\r\n{more}\r\n".encode() + raw


@contextmanager
def saying(*answers: bytes, drip: float = 0.0, wrap: Callable | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A witness that says what it is told to, one answer a connection; yields its address and what it hears."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for said in answers:
            with suppress(OSError):
                plain, _ = listening.accept()
                with wrap(plain) if wrap else plain as connection:
                    connection.settimeout(5)
                    heard.append(request(connection))
                    whole = said.index(b"\r\n\r\n") + 4 if drip else len(said)
                    for part in [said[:whole], *(said[at : at + 1] for at in range(whole, len(said)))]:
                        connection.sendall(part)
                        time.sleep(drip)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def request(connection: socket.socket) -> bytes:
    """Read one request to its end."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = read.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def ask(url: str, *, seconds: float = 5.0, tls: ssl.SSLContext | None = None) -> tuple[Signature, ...]:
    with closing(HttpWitness(WITNESS.key, url, seconds=seconds, tls=tls)) as asked:
        return asked.ask(NOTE, old=4, path=HONEST.path(4, 9))


# --- What is sent, and what is taken ----------------------------------------------------------------------------------
def test_the_request_is_the_one_of_the_specification() -> None:
    with saying(answer(f"{GOOD}\n")) as (url, heard):
        assert ask(f"{url}/agency/witness/") == (GOOD,)
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /agency/witness/add-checkpoint HTTP/1.1\r\n")
    assert Submission.parse(body).old == 4
    assert body == HONEST.submission(4, 9)
    assert body.split(b"\n\n", 1)[1] == str(NOTE).encode()


def test_lines_of_other_keys_are_passed_over() -> None:
    other = cosigned(NOTE.text, by=Held("w2.example", COSIGNATURE), at=1)
    same_name = cosigned(NOTE.text, by=Held(WITNESS.name, COSIGNATURE), at=1)
    same_id = Signature("w3.example", WITNESS.key.id, bytes(72))
    long = Signature("quantum.example", b"\1\2\3\4", bytes(2428))
    lines = "".join(f"{each}\n" for each in (other, same_name, GOOD, same_id, long))
    with saying(answer(lines)) as (url, _):
        assert ask(url) == (GOOD,)


def test_an_answer_without_a_length_ends_where_it_ends() -> None:
    with saying(b"HTTP/1.1 200 OK\r\n\r\n" + f"{GOOD}\n".encode()) as (url, _):
        assert ask(url) == (GOOD,)


def told(at: int) -> Signature:
    return cosigned(NOTE.text, by=WITNESS, at=at)


NOT_COSIGNED = {
    "nothing": "",
    "a line without its end": str(GOOD),
    "another key's line alone": f"{cosigned(NOTE.text, by=Held('w2.example', COSIGNATURE), at=1)}\n",
    "its name under another key": f"{cosigned(NOTE.text, by=Held(WITNESS.name, COSIGNATURE), at=1)}\n",
    "another checkpoint's cosignature": f"{cosigned(HONEST.checkpoint(8).text, by=WITNESS, at=1)}\n",
    "a true line and a false one": f"{GOOD}\n{Signature(WITNESS.name, WITNESS.key.id, bytes(72))}\n",
    "no time": f"{told(0)}\n",
    "a time beyond all": f"{told(2**63)}\n",
    "a signature of the checkpoint itself": f"{Signature(WITNESS.name, WITNESS.key.id, WITNESS.sign(b'x'))}\n",
    "an empty line at the end": f"{GOOD}\n\n",
    "a whole note": f"{NOTE}{GOOD}\n",
    "JSON": '{"signature": "yes"}',
    "bytes that are no text": b"\xff\xfe\n",
}


@pytest.mark.parametrize("body", NOT_COSIGNED.values(), ids=NOT_COSIGNED.keys())
def test_what_is_not_its_cosignature_is_a_refusal(body: bytes | str) -> None:
    with saying(answer(body)) as (url, _), pytest.raises(WitnessRefused):
        ask(url)


@pytest.mark.parametrize(
    "status", ["202 Yes", "301 There", "307 There", "400 No", "403 No", "404 No", "422 No", "500 Oh"]
)
def test_every_other_status_is_a_refusal_and_no_redirect_is_followed(status: str) -> None:
    with saying(answer("a", status=status, more="Location: /x\r\n"), answer(f"{GOOD}\n")) as (url, heard):
        with pytest.raises(WitnessRefused, match=status[:3]):
            ask(url)
        assert len(heard) == 1


# --- 409 --------------------------------------------------------------------------------------------------------------
SIZED = "Content-Type: text/x.tlog.size\r\n"


@pytest.mark.parametrize("size", [0, 7, 9, 10, 2**63 - 1])
def test_a_conflict_tells_the_size(size: int) -> None:
    said = answer(f"{size}\n", status="409 Conflict", more=SIZED)
    with saying(said) as (url, _), pytest.raises(WitnessHolds) as told:
        ask(url)
    assert told.value.size == size


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("7\n", ""),
        ("7\n", "Content-Type: text/plain\r\n"),
        ("7", SIZED),
        ("", SIZED),
        ("\n", SIZED),
        ("07\n", SIZED),
        ("-7\n", SIZED),
        ("7\n\n", SIZED),
        ("7\nmore\n", SIZED),
        ("٧\n", SIZED),
        (f"{2**63}\n", SIZED),
        ("9" * 5000 + "\n", SIZED),
    ],
)
def test_a_conflict_without_a_size_is_a_refusal(body: str, more: str) -> None:
    with saying(answer(body, status="409 Conflict", more=more)) as (url, _), pytest.raises(WitnessRefused, match="409"):
        ask(url)


# --- No whole answer --------------------------------------------------------------------------------------------------
BROKEN = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half an answer": answer(f"{GOOD}\n")[:-9],
    "too much": answer(b"x" * (ANSWER_BYTES_MAX + 1)),
    "too much and no length": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (ANSWER_BYTES_MAX + 1),
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200,
    "a length that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_is_none(raw: bytes) -> None:
    with saying(raw) as (url, _), pytest.raises(WitnessUnreachable):
        ask(url)


def test_where_nobody_listens_nobody_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(WitnessUnreachable, match="ConnectionRefusedError"):
        ask(url)


@pytest.mark.parametrize("more", ["Content-Type: text/plain\r\n", ""])
def test_a_witness_that_drips_is_waited_for_no_longer_than_one_that_is_silent(more: str) -> None:
    """A byte every tenth of a second would take a minute; what came so far is no answer, even where it could be one."""
    said = answer("9" * 600, status="409 Conflict", more=more)
    with saying(said if more else said.replace(b"Content-Length: 600\r\n", b""), drip=0.1) as (url, _):
        began = time.monotonic()
        with pytest.raises(WitnessUnreachable, match="TimeoutError"):
            ask(url, seconds=0.5)
        assert time.monotonic() - began < 5


def test_no_words_of_the_witness_are_repeated() -> None:
    said = answer("CPR 610190-1234", status="400 CPR 610190-1234")
    with saying(said) as (url, _), pytest.raises(NotCosigned) as told:
        ask(url)
    assert "CPR" not in str(told.value)


# --- The connection ---------------------------------------------------------------------------------------------------
def test_the_connection_is_kept_for_the_next_question(witness: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    true_connect = socket.create_connection

    def connect(*given: Any, **more: Any) -> socket.socket:
        opened.append(given)
        return true_connect(*given, **more)

    monkeypatch.setattr(socket, "create_connection", connect)
    with closing(witness.client()) as asked:
        for old, new in ((0, 3), (3, 5), (5, 9)):
            asked.ask(HONEST.checkpoint(new), old=old, path=HONEST.path(old, new))
    assert len(opened) == 1


def test_a_connection_closed_while_idle_is_no_failure() -> None:
    good = answer(f"{GOOD}\n")
    with saying(good, good, b"") as (url, heard), closing(HttpWitness(WITNESS.key, url, seconds=5)) as asked:
        for _ in range(2):
            assert asked.ask(NOTE, old=4, path=HONEST.path(4, 9)) == (GOOD,)
            time.sleep(0.1)
        with pytest.raises(WitnessUnreachable):
            asked.ask(NOTE, old=4, path=HONEST.path(4, 9))
    assert len(heard) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://witness.example/",
        "http://192.0.2.1/",
        "http://127.0.0.1.witness.example/",
        "http://0.0.0.0/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "witness.example",
        "https://",
        "https://user:secret@witness.example/",
        "https://witness.example/?x=1",
        "https://witness.example/#x",
        "https://witness.example:99999/",
    ],
)
def test_an_address_that_is_not_https_or_loopback_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the port's sentence is Python's own
        HttpWitness(WITNESS.key, url)


@pytest.mark.parametrize(
    "url", ["https://witness.example/w", "http://127.8.9.1:99", "http://[::1]:99/", "http://localhost"]
)
def test_https_and_loopback_are_taken(url: str) -> None:
    assert HttpWitness(WITNESS.key, url).key == WITNESS.key


def test_a_logs_key_is_no_witnesss() -> None:
    assert LOG.kind == ED25519
    with pytest.raises(ValueError, match="type 4"):
        HttpWitness(LOG.key, "https://witness.example/")


# --- TLS --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server that shows a certificate for 127.0.0.1, and a client that trusts just this one."""
    key, name = Ed25519PrivateKey.generate(), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .sign(key, None)
    )
    pem = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=pem)


def test_a_witness_is_asked_over_tls(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = certificate
    with saying(answer(f"{GOOD}\n"), wrap=lambda plain: server.wrap_socket(plain, server_side=True)) as (url, heard):
        assert ask(url.replace("http:", "https:"), tls=client) == (GOOD,)
    assert b"Host: 127.0.0.1:" in heard[0]


def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, _ = certificate
    with saying(answer(f"{GOOD}\n"), wrap=lambda plain: server.wrap_socket(plain, server_side=True)) as (url, heard):
        with pytest.raises(WitnessUnreachable, match="SSLCertVerificationError"):
            ask(url.replace("http:", "https:"))
        assert heard == []


def test_a_witness_that_never_shakes_hands_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(WitnessUnreachable, match="TimeoutError"):
            ask(url, seconds=0.5)


def test_the_name_that_signs_is_the_name_that_was_asked(witness: Running) -> None:
    with closing(witness.client()) as asked:
        (line,) = asked.ask(NOTE, old=0, path=[])
    assert line.name == NAME
