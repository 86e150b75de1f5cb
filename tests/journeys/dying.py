"""The product's WSGI application in a process that, when asked to, is killed after its work and before its answer."""

import os
import signal
from collections.abc import Iterable
from typing import Any

from config.wsgi import application as product


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Serve as the product does; with the header Die-Before-Answer, die as by kill -9 once the view has returned."""
    answered: list[tuple[Any, ...]] = []
    body: Iterable[bytes] = product(environ, lambda *start: answered.append(start))  # type: ignore[arg-type]
    if environ.get("HTTP_DIE_BEFORE_ANSWER"):
        os.kill(os.getpid(), signal.SIGKILL)
    start_response(*answered[0])
    return body
