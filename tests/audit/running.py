"""A witness that runs in this process, behind real HTTP."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from audit.notes import VerifierKey
from audit.witness import HttpWitness
from audit.witness_folder import Folder
from audit.witness_server import Server
from audit.witnessing import Witnessing
from tests.audit.signers import LOG

NAME = "witness.example/w1"
NOW = 1_790_000_000.0


@dataclass
class Running:
    """A witness that runs in this process."""

    folder: Path
    url: str
    key: VerifierKey
    witnessing: Witnessing

    def client(self) -> HttpWitness:
        return HttpWitness(self.key, self.url, seconds=5)

    @property
    def refused(self) -> list[str]:
        """The reasons for which checkpoints are kept as evidence."""
        return sorted(each.name.split("-")[0] for each in self.folder.glob("refused/*/*"))


@contextmanager
def witness_running(
    folder: Path,
    *,
    patience: float = 10.0,
    clock: Callable[[], float] = lambda: NOW,
    logs: Sequence[VerifierKey] = (LOG.key,),
) -> Iterator[Running]:
    """Run a witness over a folder: of the tests' log, unless others are named."""
    held = Folder(folder)
    signer = held.signer(NAME)
    witnessing = Witnessing(held, signer=signer, logs=list(logs), clock=clock)
    server = Server(("127.0.0.1", 0), witnessing, patience=patience)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Running(folder, f"http://127.0.0.1:{server.port}", signer.key, witnessing)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        held.leave()
