"""
The parts of the measurement in their order, the table that is printed, and the JSON that is written.

Nothing here measures.
"""

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connections

from bench import ledger_filling, ledger_proofs, ledger_sealing, ledger_search, ledger_world
from bench.ledger_plans import SLOW_MS, Timed
from config.embedded_postgres import Cluster
from config.serving import VAR

RESULTS = VAR / "bench"
LEAVES = ("audit_leaf", "audit_tile", "audit_checkpoint", "audit_pending")
FIGURES: dict[str, Any] = {}


def measure(cluster: Cluster, environment: Mapping[str, str], *, entries: int, fill: bool, only: str) -> None:
    """Measure each part that is asked for, print what it found, and write all of it down after each."""
    connections.databases["reader"] = {**connections.databases["default"], "USER": "udvej_reader"}
    written = RESULTS / f"ledger-{entries}.json"
    print(f"# {entries:,} entries, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {_load()}")
    if not fill and written.exists():
        FIGURES.update(json.loads(written.read_text(encoding="utf-8")))
    for name, part in _parts(cluster, environment, entries=entries, fill=fill).items():
        if only and name not in only.split(","):
            continue
        FIGURES[name] = part()
        FIGURES["machine"] = {"cores": os.cpu_count(), "python": platform.python_version(), "load": _load()}
        written.write_text(json.dumps(FIGURES, indent=1, default=_plain) + "\n", encoding="utf-8")
    print(f"# {written.relative_to(VAR.parent)}; {_load()}")


def _parts(
    cluster: Cluster, environment: Mapping[str, str], *, entries: int, fill: bool
) -> dict[str, Callable[[], Any]]:
    superuser = cluster.url("postgres")
    place = ledger_sealing.Place(
        app=cluster.url("udvej_app"),
        reader=cluster.url("udvej_reader"),
        sealer=cluster.url("udvej_sealer"),
        environment=environment,
        log=RESULTS / "audit_seal.log",
    )
    memory = Path(environment["UDVEJ_LEDGER_MEMORY"])
    made: dict[str, Callable[[], Any]] = {}
    if fill:
        made["writing"] = lambda: _written(cluster, entries)
        made["sealing"] = lambda: _sealed(place, superuser, entries)
    return made | {
        "delay": lambda: _delayed(place),
        "proofs": _proofs,
        "search": lambda: _looked(ledger_search.searches(ledger_search.country())),
        "findings": lambda: _looked(ledger_search.findings(ledger_search.country())),
        "check": lambda: _checked(memory),
    }


def _written(cluster: Cluster, entries: int) -> ledger_filling.Filled:
    superuser = cluster.url("postgres")
    referrals = ledger_world.make(superuser, entries=entries)
    filled = ledger_filling.fill(cluster.url("udvej_app"), superuser, entries=entries, referrals=referrals)
    _say("written, by 2 sessions in batches of 10,000", f"{filled.entries / filled.seconds:,.0f} entries/s")
    _say("bytes an entry, all", f"{sum(filled.bytes.values()) / entries:,.0f}")
    for table, size in filled.bytes.items():
        _say(f"  {table}", f"{size / entries:,.0f}")
    return filled


def _sealed(place: ledger_sealing.Place, superuser: str, entries: int) -> dict[str, Any]:
    sealed = ledger_sealing.seal(place)
    ledger_filling.vacuum(superuser)
    sizes = ledger_filling.sizes(superuser, *LEAVES)
    _say("sealed and signed", f"{sealed.entries / sealed.seconds:,.0f} entries/s")
    _say("bytes an entry, tree", f"{sum(sizes.values()) / entries:,.0f}")
    return {**asdict(sealed), "bytes": sizes}


def _delayed(place: ledger_sealing.Place) -> ledger_sealing.Delay:
    found = ledger_sealing.delay(place)
    _say("insert to signed checkpoint, s", f"p50 {found.p50:.2f}  p99 {found.p99:.2f}  most {found.most:.2f}")
    alone, sealing = (" ".join(f"{each:,.0f}" for each in rounds) for rounds in (found.alone, found.sealing))
    _say("commits/s by 4 writers", f"{alone} without the sealer; {sealing} with it; ratio {found.ratio:.2f}")
    return found


def _proofs() -> list[ledger_proofs.Proofs]:
    found = ledger_proofs.proofs()
    for each in found:
        _say(f"proof of {each.name}, ms", f"p50 {each.p50:.2f}  p99 {each.p99:.2f}  hashes <= {each.hashes}")
    return found


def _checked(memory: Path) -> dict[str, Any]:
    found = ledger_proofs.verified(memory)
    shares = {clock: found.share(clock) for clock in ("wall", "cpu")}
    rate = found.checked.entries / found.took.wall
    _say("live check", f"{rate:,.0f} entries/s; of raw SHA-256: wall {shares['wall']:.0%}, CPU {shares['cpu']:.0%}")
    return {"took": found.took._asdict(), "raw": [each._asdict() for each in found.raw], "shares": shares}


def _looked(asked: Iterable[Timed]) -> list[Timed]:
    found = []
    for each in asked:
        flag = "CUT " if each.cut else f"> {SLOW_MS} ms " if each.slow else ""
        whole = f"; end to end: {', '.join(each.whole)}" if each.whole else ""
        figures = f"p50 {each.p50:8.1f}  p99 {each.p99:8.1f} ms  {each.read:>9,} read  {flag}[{each.ways}{whole}]"
        _say(each.name, figures)
        found.append(each)
    return found


def _say(what: str, figures: str) -> None:
    print(f"{what:46} {figures}", flush=True)


def _load() -> str:
    return "load " + " ".join(f"{each:.1f}" for each in os.getloadavg())


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
