"""
How many requests somebody made in this minute, counted in each worker and shared between them once a second.

A request is counted in memory and costs no statement. A thread beside the requests tells the other workers, over one
row for each asker and minute in an UNLOGGED table, and learns what they counted; so a limit holds over all workers, but
for what they let through in the last second. Where the database can't be asked, each worker counts on by itself.
"""

import hashlib
from collections import Counter
from threading import Event, Lock, Thread
from time import sleep
from time import time as seconds

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from audit.hashing import keyed

log = structlog.get_logger(__name__)
WINDOW_SECONDS = 60
ASKERS_MOST = 10_000
KEPT_MINUTES = 2
TELL = (
    "INSERT INTO agencies_requestcount (who, minute, used) SELECT who, %s, used FROM unnest(%s::text[], %s::bigint[]) "
    "AS told (who, used) ON CONFLICT (who, minute) DO UPDATE SET used = agencies_requestcount.used + excluded.used "
    "RETURNING who, used"
)
FORGET = "DELETE FROM agencies_requestcount WHERE minute < %s"


def client(client_id: str) -> str:
    """Return the name under which a client's requests are counted."""
    return hashlib.sha256(f"client:{client_id}".encode()).hexdigest()


def tokens_of(client_id: str) -> str:
    """Return the name under which the tokens that a client gets are counted."""
    return hashlib.sha256(f"tokens:{client_id}".encode()).hexdigest()


def failures_from(address: str, *, about: str = "", minute: int) -> str:
    """Return the name of what fails from an address in one minute: another one each minute, and the address of none."""
    return keyed("failures-from", f"{minute}:{address}:{about}".encode())


class Counts:
    """What one worker knows: what it counted itself and has not told yet, and the sum when it last told."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._minute = 0
        self._known: dict[str, int] = {}
        self._untold: Counter[str] = Counter()
        self._thread: Thread | None = None
        self._counted = Event()
        self._stopped = False

    def count(self, who: str, *, minute: int, more: int = 1) -> int:
        """Count so many more requests of an asker in this minute, or none, and return how many there are."""
        with self._lock:
            if minute != self._minute or len(self._known) + len(self._untold) > ASKERS_MOST:
                self._minute, self._known, self._untold = minute, {}, Counter()
            self._untold[who] += more
            used = self._known.get(who, 0) + self._untold[who]
        if settings.RATE_LIMIT_SHARED_SECONDS > 0:
            self._tell_in_a_moment()
        return used

    def share(self) -> None:
        """Tell the others what was counted here, and learn what they counted. One statement; raises DatabaseError."""
        with self._lock:
            minute, telling = self._minute, sorted((who, used) for who, used in self._untold.items() if used)
        if not telling:
            return
        with connection.cursor() as cursor:  # in one order, so that no two workers wait for each other
            cursor.execute(TELL, [minute, [who for who, _ in telling], [used for _, used in telling]])
            learnt = dict(cursor.fetchall())
        with self._lock:
            if minute != self._minute:
                return
            self._known |= learnt
            self._untold -= Counter(dict(telling))

    def stop(self) -> None:
        """End the thread, if there is one; for tests."""
        self._stopped = True
        while self._thread is not None and self._thread.is_alive():
            self._counted.set()
            self._thread.join(0.1)

    def _tell_in_a_moment(self) -> None:
        self._counted.set()
        if self._thread is None or not self._thread.is_alive():  # a thread does not outlive a fork
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = Thread(target=self._keep_sharing, name="rate-limits", daemon=True)
                    self._thread.start()

    def _keep_sharing(self) -> None:
        swept = 0
        while True:
            self._counted.wait()
            sleep(settings.RATE_LIMIT_SHARED_SECONDS)
            self._counted.clear()
            if self._stopped:
                connection.close()
                return
            close_old_connections()
            try:
                self.share()
                minute = int(seconds() // WINDOW_SECONDS)
                if minute > swept:
                    with connection.cursor() as cursor:
                        cursor.execute(FORGET, [minute - KEPT_MINUTES])
                    swept = minute
            except DatabaseError as error:
                log.warning("rate_limits_not_shared", kind=type(error).__name__)
                connection.close()


requests = Counts()
"""This worker's count of requests and tokens, by client."""

failures = Counts()
"""This worker's count of what failed to prove itself, by address: apart, so that a flood of those forgets no client."""
