"""
How the ledger behaves when it is large: written, sealed, proven, checked and searched, all in one run.

    make bench-ledger                       # a million entries
    ENTRIES=10000000 make bench-ledger      # ten million: about 25 GB of disk while it runs

It has a database server of its own, emptied first and removed afterwards (`--keep` leaves it, and `--reuse` measures
again what one left). It prints one table, and writes var/bench/ledger-<entries>.json. What each line says about this
machine is nothing about others; the ratios say more.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import embedded_postgres, postgres_host
from config.embedded_postgres import DATABASE, Cluster
from config.serving import VAR, manage

NAME = "bench"
RESULTS = VAR / "bench"


def main() -> int:
    """Measure, print the table and write it down."""
    asked = argparse.ArgumentParser(description="How the ledger behaves when it is large.")
    asked.add_argument("--entries", type=int, default=1_000_000)
    asked.add_argument("--keep", action="store_true", help="Leave the database for another run with --reuse.")
    asked.add_argument("--reuse", action="store_true", help="Measure a database that --keep left, without filling it.")
    asked.add_argument("--only", default="", help="The parts to measure, with commas between; all unless told.")
    options = asked.parse_args()
    with _server(empty=not options.reuse, keep=options.keep) as (cluster, environment):
        os.environ.update(environment)
        import django

        django.setup()
        from bench.ledger_parts import measure  # it needs Django set up

        measure(cluster, environment, entries=options.entries, fill=not options.reuse, only=options.only)
    return 0


@contextmanager
def _server(*, empty: bool, keep: bool) -> Iterator[tuple[Cluster, dict[str, str]]]:
    """Run the database server of this measurement alone, migrated, and give the environment of whoever uses it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    lock = postgres_host.try_lock(RESULTS / "ledger.lock")
    if lock is None:
        sys.exit("Another measurement of this checkout runs. Wait for it to end.")
    cluster = embedded_postgres.locate(NAME)
    try:
        with embedded_postgres.running(NAME, durable=True):
            if empty:
                embedded_postgres.drop_database(cluster, DATABASE)
                embedded_postgres.create_database(cluster, DATABASE)
                shutil.rmtree(RESULTS / "ledger", ignore_errors=True)
            environment = _environment(cluster, RESULTS / "ledger")
            owners = environment | {"OWNER_DATABASE_URL": cluster.url("udvej_owner")}
            manage(["migrate", "--database", "owner", "--no-input"], owners)
            manage(["load_reference"], environment)
            yield cluster, environment
    finally:
        if not keep:
            cluster.stop()
            shutil.rmtree(cluster.home, ignore_errors=True)
        os.close(lock)


def _environment(cluster: Cluster, ledger: Path) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL")} | {
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
        "DATABASE_URL": cluster.url("udvej_app"),
        "UDVEJ_LEDGER_KEYS_DIR": str(ledger / "keys"),
        "UDVEJ_LEDGER_MEMORY": str(ledger / "signed-last.json"),
    }


if __name__ == "__main__":
    sys.exit(main())
