"""
How `make reset` and a running `make run` meet: a lock that says who serves, and two small files beside it.

The supervisor holds the lock for as long as it serves, and looks for a request. It answers in a file, so that whoever
asked sees on another terminal what came of it. Nothing here touches the data.
"""

import contextlib
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from config import postgres_host

ACCEPTED, REFUSED, DONE = "accepted", "refused", "done"


@dataclass(frozen=True, slots=True)
class Answered:
    """What the supervisor says to a request: a state, and a sentence for whoever waits."""

    state: str
    words: str


class Post:
    """The meeting place of one exchange: the folder that holds its files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = folder / "serving.lock"
        self._request = folder / "reset-asked.json"
        self._answer = folder / "reset-answered.json"

    def ask(self) -> str:
        """Leave a request for the supervisor, and return its id."""
        asked = uuid4().hex
        _put(self._request, {"asked": asked})
        return asked

    def taken(self) -> str | None:
        """Take the request that lies there, if any, and return its id. What lies there twice is one request."""
        content = _read(self._request)
        self.forget()
        return content["asked"] if content else None

    def forget(self) -> None:
        """Throw away a request that lies there: one that was left for a supervisor that is gone asks nobody."""
        self._request.unlink(missing_ok=True)

    def answer(self, asked: str, state: str, words: str) -> None:
        """Say what came of a request."""
        _put(self._answer, {"asked": asked, "state": state, "words": words})

    def answered(self, asked: str) -> Answered | None:
        """Return what was said to this request, or None where nothing was yet."""
        content = _read(self._answer)
        return Answered(content["state"], content["words"]) if content and content["asked"] == asked else None

    def serving(self, *, alone: bool) -> "Held | None":
        """Return the lock, held for serving or, `alone`, for emptying; None where another process is in the way."""
        descriptor = postgres_host.open_lock(self._lock)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return Held(descriptor)


class Held:
    """A lock that is held until the block ends, or the process does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def alone(self) -> bool:
        """Say whether no other process serves, by asking for the lock alone for a moment."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        return True

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._descriptor)


def _put(path: Path, content: dict[str, str]) -> None:
    made = path.with_suffix(f".{os.getpid()}")
    made.write_text(json.dumps(content), encoding="utf-8")
    made.replace(path)


def _read(path: Path) -> dict[str, str] | None:
    with contextlib.suppress(OSError, ValueError):
        content: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return content
    return None
