"""
The whole exchange in one terminal: `make run`. Starts it, says where it is, and stops it in order on Ctrl-C.

Asked by `make reset` on another terminal, it stops all its parts, and starts them again on an emptied database.

It supervises and explains; what is started, and in which order, stands in `config.serving`.
"""

import contextlib
import json
import os
import shlex
import signal
import sys
import time
from types import FrameType

from config.embedded_postgres import CHECKOUT, ClusterError
from config.resetting import ACCEPTED, DONE, REFUSED, Held, Post
from config.serving import Databases, Server, ServingError, files_of, serving

DEFAULT_PORT = 8000
PORT_MAX = 65535
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(*, name: str = "udvej", port: int | None = None) -> int:
    """Serve until told to stop; return 0 then, and 1, after a sentence on why, when the exchange can't be served."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asked to outlive the terminal
        signal.signal(signal.SIGHUP, _stop)
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        _serve(name, _wanted_port() if port is None else port)
    except KeyboardInterrupt:
        _say("Stopped.")
    except (ServingError, ClusterError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, signal.SIG_IGN)  # once is enough: stopping in order must not be cut short
    raise KeyboardInterrupt


def _wanted_port() -> int:
    port = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= PORT_MAX):
        raise ServingError(f"PORT is {port!r}, and has to be a number from 1 to {PORT_MAX}: PORT=8001 make run")
    return int(port)


def _named_databases() -> Databases | None:
    """Return the databases that the environment names, or None for the embedded one."""
    app, owner, sealer = (
        os.environ.get(name) for name in ("DATABASE_URL", "OWNER_DATABASE_URL", "SEALER_DATABASE_URL")
    )
    if not app:
        return None
    if not owner or not sealer:
        raise ServingError(
            "DATABASE_URL names a database of your own, and other roles than the one that serves make its tables and "
            "seal its ledger. Set OWNER_DATABASE_URL and SEALER_DATABASE_URL too: the same database as udvej_owner and "
            "as udvej_sealer (config/roles.sql makes the roles)."
        )
    return Databases(app=app, owner=owner, sealer=sealer)


def _serve(name: str, port: int) -> None:
    """Serve again and again: each time but the first on an emptied database, because a reset was asked for."""
    databases, post = _named_databases(), Post(files_of(name))
    post.forget()
    held = post.serving(alone=False)
    if held is None:
        raise ServingError("The exchange is being emptied by `make reset`. Start it again when that is done.")
    asked = None
    with held:
        while True:
            with serving(port, name=name, databases=databases, fresh=asked is not None, say=_say) as server:
                if asked is not None:
                    post.answer(asked, DONE, f"Done: emptied and loaded anew, at {server.base_url} as before.")
                _say(_closing_words(server))
                asked = _supervise(server, post, held, yours=databases is not None)
                port = server.port
            _say("Emptying the database and the ledger, as `make reset` asked. The credentials stay as they are.")


def _supervise(server: Server, post: Post, held: Held, *, yours: bool) -> str:
    """Watch over the parts until a reset is asked for, and return its id. Raises ServingError where a part stops."""
    try:
        while (fault := server.fault()) is None:
            asked = post.taken()
            if asked and yours:
                post.answer(asked, REFUSED, "The running exchange uses a database of your own: that is yours to empty.")
            elif asked and not held.alone():
                post.answer(asked, REFUSED, "More than one `make run` serves this database. Stop all but one first.")
            elif asked:
                post.answer(asked, ACCEPTED, "The running exchange stops, empties its database, and loads it anew.")
                return asked
            time.sleep(0.5)
    except KeyboardInterrupt:
        _say("\nStopping.")
        raise
    raise ServingError(fault)


def _closing_words(server: Server) -> str:
    """Return what to do next, with a first request that works when pasted into any shell."""
    demo_file = server.demo_file.relative_to(CHECKOUT)
    try:
        agency = json.loads(server.demo_file.read_bytes())["agencies"][0]
        name, client_id, caseworker_id = agency["name"], agency["client_id"], agency["caseworker_id"]
    except (OSError, ValueError, LookupError) as error:
        raise ServingError(f"{demo_file} does not tell who the demo agencies are: {error!r}") from error
    # The secret stays in its file: neither the terminal nor the shell's history gets to keep it.
    secret = f"tr ',{{}}' '\\n' < {demo_file} | sed -n 's/ *\"client_secret\": *\"\\(.*\\)\".*/\\1/p' | head -n 1"
    return f"""
Udvej is serving at {server.base_url}

  The docs: begin here    {server.base_url}/docs/
  The API, page by page   {server.base_url}/api/docs
  Demo credentials        {demo_file}
  The server's log        {server.log.relative_to(CHECKOUT)}

A first request, for {name}; paste it into another terminal:

  cd {shlex.quote(str(CHECKOUT))}
  SECRET=$({secret})
  TOKEN=$(curl -s -u "{client_id}:$SECRET" -d grant_type=client_credentials {server.base_url}/oauth/token \
| sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
  curl -s -H "Authorization: Bearer $TOKEN" -H "On-Behalf-Of: {caseworker_id}" \
"{server.base_url}/api/v1/referrals?role=sent"

In another terminal, `make play` lets the other side of a referral act, and `make reset` begins anew.
Ctrl-C stops everything; the next `make run` keeps the data.
"""


def _say(words: str) -> None:
    with contextlib.suppress(OSError):  # a closed terminal must not keep us from stopping in order
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
