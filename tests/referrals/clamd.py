"""
A scanner that speaks as clamd does over a real socket, as far as INSTREAM goes (clamd(8)).

It knows one signature. What it answers instead, or doesn't, is up to the test.
"""

import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.referrals.files import EICAR

FOUND, OK = b"stream: Eicar-Test-Signature FOUND\0", b"stream: OK\0"
Answering = Callable[[socket.socket, bytes], None]


def as_clamd_does(caller: socket.socket, content: bytes) -> None:
    caller.sendall(FOUND if EICAR in content else OK)


@dataclass
class Listening:
    """A scanner that is there: at which address, and what it was sent."""

    address: str
    received: list[bytes] = field(default_factory=list)


@contextmanager
def clamd(answer: Answering = as_clamd_does, *, over: str = "unix", reads: bool = True) -> Iterator[Listening]:
    """Listen on a socket of this test's own; `reads=False` answers before anything was read."""
    folder = Path(tempfile.mkdtemp(prefix="clamd-"))
    listener = socket.socket(socket.AF_UNIX if over == "unix" else socket.AF_INET)
    listener.bind(str(folder / "socket") if over == "unix" else ("127.0.0.1", 0))
    listener.listen()
    place = f"unix:{folder / 'socket'}" if over == "unix" else f"tcp:127.0.0.1:{listener.getsockname()[1]}"
    listening = Listening(place)

    def serve() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                try:
                    content = _stream(caller) if reads else b""
                    listening.received.append(content)
                    answer(caller, content)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        shutil.rmtree(folder)


def _stream(caller: socket.socket) -> bytes:
    """Return what an INSTREAM command brings; fails where it is not one."""
    assert _exactly(caller, 10) == b"zINSTREAM\0"
    content = b""
    while length := struct.unpack("!I", _exactly(caller, 4))[0]:
        content += _exactly(caller, length)
    return content


def _exactly(caller: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        more = caller.recv(length - len(received))
        if not more:
            raise ConnectionError("cut off")
        received += more
    return received
