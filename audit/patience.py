"""
How long the other end of a connection is waited for. A socket's own timeout starts anew with each byte; this doesn't.

It sends nothing, and closes no connection but one that it could not open whole.
"""

import http.client
import socket
import ssl
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


def connected(
    host: str, port: int, *, ends: float, tls: ssl.SSLContext | None, address: str = ""
) -> http.client.HTTPConnection:
    """
    Return a connection to a host, open and by then within its time; at one address of it, where that is given.

    The certificate has to be the host's either way. Raises OSError, ssl.SSLError and TimeoutError among them.
    """
    connection: http.client.HTTPConnection
    sock = socket.create_connection((address or host, port), timeout=left(ends))
    try:
        if tls is None:
            connection = http.client.HTTPConnection(host, port)
        else:
            connection = http.client.HTTPSConnection(host, port, context=tls)
            sock = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            with until(ends, sock):
                sock.do_handshake()
    except BaseException:
        sock.close()
        raise
    connection.sock, connection.auto_open = sock, 0
    return connection


def left(ends: float) -> float:
    """Return the seconds left until a moment of the monotonic clock. Raises TimeoutError where there are none."""
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
