"""
`manage.py audit_witness`: be a witness of a log, on a machine of its own; docs/witness.md says how.

It needs a folder and the log's key, and no database.
"""

import signal
from argparse import ArgumentTypeError
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.notes import ED25519, NoteError, VerifierKey
from audit.witness_folder import Folder, FolderError
from audit.witness_server import Server
from audit.witnessing import Witnessing


class Command(BaseCommand):
    help = "Cosign a log's checkpoints, as long as each extends the one before."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--folder", type=Path, required=True, help="the witness's own folder, made on first use")
        parser.add_argument("--name", required=True, help="the witness's name, such as witness.example/w1")
        parser.add_argument("--log", type=_log, action="append", default=[], help="a log's verifier key; repeatable")
        parser.add_argument("--listen", type=_address, default=("127.0.0.1", 9901), help="host:port; port 0 takes any")
        parser.add_argument("--show-key", action="store_true", help="print the witness's verifier key and end")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            folder = Folder(options["folder"])
            signer = folder.signer(options["name"])
            if options["show_key"]:
                self.stdout.write(str(signer.key))
                return
            if not options["log"]:
                raise CommandError("a witness knows one log at least: --log VKEY")
            server = Server(options["listen"], Witnessing(folder, signer=signer, logs=options["log"]))
        except (FolderError, NoteError, OSError) as error:
            raise CommandError(str(error)) from error
        signal.signal(signal.SIGTERM, _end)
        self.stdout.write(str(server.port))
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal's shape
    raise KeyboardInterrupt


def _log(vkey: str) -> VerifierKey:
    try:
        key = VerifierKey.parse(vkey)
    except NoteError as error:
        raise ArgumentTypeError(str(error)) from error
    if key.kind != ED25519:
        raise ArgumentTypeError("a log signs with a key of type 1")
    return key


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise ArgumentTypeError("an address is host:port, such as 127.0.0.1:9901")
    return host.strip("[]"), int(port)
