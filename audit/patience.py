"""
How long the other end of a connection is waited for. A socket's own timeout starts anew with each byte; this doesn't.

It opens and closes no connection.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer


@contextmanager
def until(ends: float, sock: socket.socket) -> Iterator[None]:
    """Cut the connection at a moment of the monotonic clock, however slowly it drips. Raises TimeoutError then."""
    expired = Event()

    def cut() -> None:
        expired.set()
        with suppress(OSError):  # it may have been closed meanwhile
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS's own, which would say good-bye first

    timer = Timer(left(ends), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if expired.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if expired.is_set():
        raise TimeoutError


def left(ends: float) -> float:
    """Return the seconds left until a moment of the monotonic clock. Raises TimeoutError where there are none."""
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
