"""
What it costs to show nothing before a signed checkpoint covers its entry, beside showing it once that is committed.

    .venv/bin/python -m bench.strength [--seconds 10] [--rounds 3] [--clients 8]

A real server with its sealer and witness (config.serving), on a database of its own that is emptied first. The exit
centre reads one referral over HTTP, again and again, from several threads. The two strengths take turns, so that a busy
machine slows both. One table is printed, and var/bench/strength.json written. It says nothing of other machines.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from config.demo.client import Client
from config.embedded_postgres import CHECKOUT
from config.serving import Server, serving

RESULTS = Path(__file__).resolve().parent.parent / "var" / "bench"
STRENGTHS = ("committed", "sealed")
SEAL_EVERY = "0.02"
"""Seconds between the sealer's looks: as short as the stronger promise wants it."""


def main() -> int:
    """Measure, print and write; return the exit code: 1 where a read was not answered with 200."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().split("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    asked = parser.parse_args()
    os.environ.update({"UDVEJ_LEDGER_SECONDS": SEAL_EVERY, "UDVEJ_RATE_LIMIT_PER_MINUTE": "100000000"})
    took: dict[str, list[float]] = {strength: [] for strength in STRENGTHS}
    rates: dict[str, list[float]] = {strength: [] for strength in STRENGTHS}
    with serving(0, name="bench-strength", fresh=True) as server:
        path, headers = a_read(server)
        for _ in range(asked.rounds):
            for strength in STRENGTHS:
                choose(strength, server)
                each = reads(server.base_url, path, headers, clients=asked.clients, seconds=asked.seconds)
                took[strength] += each
                rates[strength].append(len(each) / asked.seconds)
    told = {strength: figures(took[strength], rates[strength]) for strength in STRENGTHS}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "strength.json").write_text(json.dumps({"clients": asked.clients, **told}, indent=1) + "\n")
    sys.stdout.write(f"{asked.clients} clients, {asked.rounds} rounds of {asked.seconds:g} s each, in turn\n")
    sys.stdout.write("| strength | reads/s | p50 ms | p99 ms |\n|---|---|---|---|\n")
    for strength, said in told.items():
        sys.stdout.write(f"| {strength} | {said['per_second']:.0f} | {said['p50']:.1f} | {said['p99']:.1f} |\n")
    return 0


def a_read(server: Server) -> tuple[str, dict[str, str]]:
    """Return the address of a demo referral, and the headers with which the exit centre reads it."""
    demo = json.loads(server.demo_file.read_text(encoding="utf-8"))
    centre = next(agency for agency in demo["agencies"] if agency["code"] == "exit-comeback")
    client = Client(
        server.base_url,
        client_id=centre["client_id"],
        client_secret=centre["client_secret"],
        on_behalf_of=centre["caseworker_id"],
    )
    received = client.get("/api/v1/referrals?role=received").json["results"]
    headers = {"Authorization": f"Bearer {client.token()}", "On-Behalf-Of": centre["caseworker_id"]}
    return f"/api/v1/referrals/{received[0]['id']}", headers


def choose(strength: str, server: Server) -> None:
    """Choose a strength as the operator does: by the owner's command."""
    if server.cluster is None:
        raise SystemExit("this measures on the embedded database alone")
    urls = {"DATABASE_URL": server.cluster.url("udvej_app"), "OWNER_DATABASE_URL": server.cluster.url("udvej_owner")}
    command = [sys.executable, "manage.py", "audit_strength", strength]
    subprocess.run(command, cwd=CHECKOUT, env=os.environ | urls, check=True, stdout=subprocess.DEVNULL)


def reads(base_url: str, path: str, headers: dict[str, str], *, clients: int, seconds: float) -> list[float]:
    """Return how long each read took, in milliseconds, from so many threads for so many seconds."""
    address, ends, took = urlsplit(base_url), time.monotonic() + seconds, []
    failures: list[int] = []

    def read() -> None:
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        while time.monotonic() < ends:
            started = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                failures.append(answer.status)
                return
            took.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=read) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"reads were answered with {sorted(set(failures))}")
    return took


def figures(took: Sequence[float], rates: Sequence[float]) -> dict[str, float]:
    """Return reads a second, and the median and the 99th percentile of their milliseconds."""
    return {"per_second": median(rates), "p50": median(took), "p99": quantiles(took, n=100)[98]}


if __name__ == "__main__":
    sys.exit(main())
