"""
`make reset`: the demo exchange emptied and loaded anew, whether or not `make run` is serving it.

A running one is asked to do it itself, and goes on serving at the same address. Only the embedded database is ever
emptied: one of your own, named by DATABASE_URL, is yours to empty.
"""

import os
import sys
import time

from config.embedded_postgres import ClusterError
from config.resetting import DONE, REFUSED, Post
from config.serving import ServingError, files_of, serving

PATIENCE_SECONDS = 300.0
NOT_YOURS = (
    "DATABASE_URL names a database of your own, and `make reset` empties the embedded one alone. Unset it to reset "
    "the demo exchange; or drop and make your own database anew."
)
STOPPED = "The exchange stopped before it was loaded anew; its own terminal says why. Start it with `make run`."


def main(*, name: str = "udvej") -> int:
    """Empty the exchange and load it anew; return 0 then, and 1, after a sentence on why, where it can't be done."""
    if os.environ.get("DATABASE_URL"):
        return _fail(NOT_YOURS)
    post = Post(files_of(name))
    held = post.serving(alone=True)
    if held is None:
        return _asked(post)
    with held:
        _say("No exchange is running. Emptying its database and its ledger, and loading the demo data anew.")
        try:
            with serving(0, name=name, fresh=True, say=_say):
                pass
        except (ServingError, ClusterError) as error:
            return _fail(str(error))
    _say("Done. Start it with `make run`: the credentials in var/demo.json are as before, the agencies' ids are new.")
    return 0


def _asked(post: Post) -> int:
    """Ask the running exchange, and wait until it says that it is done."""
    asked, said, deadline = post.ask(), "", time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answered = post.answered(asked)
        if answered and answered.words != said:
            said = answered.words
            if answered.state == REFUSED:
                return _fail(said)
            _say(said)
            if answered.state == DONE:
                return 0
        if (nobody := post.serving(alone=True)) is not None:
            with nobody:
                post.forget()
            return _fail(STOPPED)
        time.sleep(0.2)
    post.forget()
    return _fail(f"The running exchange has not answered for {PATIENCE_SECONDS:.0f} seconds. Look at its terminal.")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _fail(words: str) -> int:
    sys.stderr.write(f"{words}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
