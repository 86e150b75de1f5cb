"""
What the other side was asked to play, as one small file each: who asked for it, which script, and how far it is.

The door writes them and the player takes them up. They hold ids and codes, and nothing that a referral says.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

WAITING, PLAYING, PLAYED, STOPPED = "waiting", "playing", "played", "stopped"
SENDS = "sends"
"""The script of a play that begins without a referral: the other side makes one and sends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that the player did: when, which move, and the HTTP status; 0 where it was not the moment for it."""

    at: str
    move: str
    status: int
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One thing to play. `asked_by` and `played_by` are agencies' ids; `referral` is empty until there is one."""

    asked_by: str
    played_by: str
    script: str
    referral: str = ""
    urgency: str = "soon"
    after_seconds: float = 2.0
    id: str = field(default_factory=lambda: str(uuid4()))
    state: str = WAITING
    steps: tuple[Told, ...] = ()

    def did(self, move: str, status: int, code: str = "") -> "Play":
        """Return the play with one more thing that was done."""
        told = Told(at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), move=move, status=status, code=code)
        return replace(self, steps=(*self.steps, told))


@dataclass(frozen=True, slots=True)
class Plays:
    """The folder of all plays."""

    folder: Path

    def put(self, play: Play) -> Play:
        """Keep the play as it is now, and return it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self.folder / f".{play.id}.{os.getpid()}"
        made.write_text(json.dumps(asdict(play)), encoding="utf-8")
        made.replace(self._file(play.id))
        return play

    def get(self, play_id: UUID | str) -> Play | None:
        """Return the play of this id, or None."""
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads(self._file(str(UUID(str(play_id)))).read_text(encoding="utf-8"))
            return Play(**{**kept, "steps": tuple(Told(**told) for told in kept["steps"])})
        return None

    def in_state(self, state: str) -> list[Play]:
        """Return every play that is in this state."""
        ids = [file.stem for file in self.folder.glob("*.json")] if self.folder.is_dir() else []
        plays = (self.get(play_id) for play_id in ids)
        return [play for play in plays if play is not None and play.state == state]

    def _file(self, play_id: str) -> Path:
        return self.folder / f"{play_id}.json"
