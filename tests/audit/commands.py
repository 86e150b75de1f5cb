"""The product's own commands, run as an operator runs them: in a process of their own, against a log of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from config.env import BASE_DIR
from tests.audit.logs import SEALER, Log


def environment_of(log: Log, *, role: str = SEALER, policy: str = "", **more: str) -> dict[str, str]:
    """Return what a process sees that works on this log."""
    (log.folder / "policy").write_text(policy or "quorum none\n", encoding="utf-8")
    return {
        **{name: value for name, value in os.environ.items() if "DATABASE_URL" not in name},
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": log.url(role),
        "UDVEJ_KEYS_DIR": str(BASE_DIR / "var" / "test-keys"),
        "UDVEJ_LEDGER_ORIGIN": log.origin,
        "UDVEJ_LEDGER_KEYS_DIR": str(log.folder / "keys"),
        "UDVEJ_LEDGER_MEMORY": str(log.memory.file),
        "UDVEJ_LEDGER_POLICY": str(log.folder / "policy"),
        "UDVEJ_LEDGER_SECONDS": "0.02",
        **more,
    }


def run(log: Log, *command: str, role: str = SEALER, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end, and return what it said and its exit code."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=BASE_DIR,
        env=environment_of(log, role=role, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@contextmanager
def sealing(log: Log, *, policy: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Let the product's own sealer run for the block."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "audit_seal"],
        cwd=BASE_DIR,
        env=environment_of(log, policy=policy),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)
