"""
Sends what the contract allows, and what it forbids, to a running server as each role, and checks every answer against
the contract: `python -m tests.journeys.fuzzing [--examples N] [--phases ...] [role ...]`. `make fuzz` is the long run.

Schemathesis makes the requests, with all of its checks, and follows the contract's links from what one answer names to
the next request. A seed makes a run repeatable as far as the server's own ids allow.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from api_schema.drift import COMMITTED
from config.serving import Server, serving

NAME = "fuzzing"
SEED = 20261102
FEW = 10
TOKEN_SECONDS = 590
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
ROLES = {
    "caseworker": ("0101", "kk-sb-1"),
    "coordinator": ("0101", "kk-ko-1"),
    "centre's coordinator": ("exit-comeback", "cb-ko-1"),
    "centre's counsellor": ("exit-comeback", "cb-ra-1"),
    "prevention unit": ("1470", "kp-sb-1"),
    "auditor": ("tilsyn-demo", "ti-au-1"),
    "administrator": ("tilsyn-demo", "ti-ad-1"),
    "police": ("politi-demo", "ef-sb-1"),
    "nobody": ("", ""),
}
"""Who asks: an agency of the demo by its code, and its member."""

NEVER_WRONG = {"Accept-Language"}
"""Headers that no answer depends on being right: a language that nobody knows is Danish (RFC 9110 section 12.5.4)."""

ALLOWED = ["2xx", 401, 403, 404, 409, 412, 422]
"""What a request that fits the schema may meet: it may still ask for what is not there, not his, or makes no sense."""

REFUSED = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]
"""What a request that does not fit meets. One that also names an old version may be told of that first."""

MEANT_FOR_EACH_OTHER = {"GET /api/v1/audit/proofs/consistency", "GET /api/v1/audit/proofs/inclusion"}
"""Where parameters that fit one by one may not fit together, which is malformed."""


@dataclass(frozen=True)
class Run:
    """What came of one role's run."""

    role: str
    passed: bool
    said: str


@cache
def committed() -> dict[str, Any]:
    """Return the committed contract."""
    contract: dict[str, Any] = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    return contract


def contract_to_fuzz() -> dict[str, Any]:
    """Return the committed contract without the token endpoint and without headers that are never wrong."""
    contract = deepcopy(committed())
    del contract["paths"]["/oauth/token"]
    for path in contract["paths"].values():
        for described in path.values():
            described["parameters"] = [each for each in described["parameters"] if each["name"] not in NEVER_WRONG]
            for each in described["parameters"]:
                if each["name"] == "cursor":  # one that is far too long makes an address that gunicorn itself refuses
                    each["schema"] = {"type": "string"}
    return contract


def settings_for(contract: dict[str, Any]) -> str:
    """Return Schemathesis's configuration, as TOML."""
    checks = {
        "positive_data_acceptance": ALLOWED,
        "negative_data_rejection": REFUSED,
        "missing_required_header": REFUSED,
    }
    lines = [line for name, codes in checks.items() for line in (f"[checks.{name}]", f"expected-statuses = {codes}")]
    for path, methods in contract["paths"].items():
        for method, described in methods.items():
            operation = f"{method.upper()} {path}"
            sent = json.dumps(described.get("requestBody", {}))
            by_cursor = "cursor" in {each["name"] for each in described["parameters"]} or "SearchRequest" in sent
            if by_cursor or operation in MEANT_FOR_EACH_OTHER:  # only the server makes cursors, each for one list
                lines += ["[[operations]]", f'include-name = "{operation}"']
                lines += [f"checks.positive_data_acceptance.expected-statuses = {[*ALLOWED, 400]}"]
    return "\n".join(lines) + "\n"


def headers_of(role: str, server: Server) -> dict[str, str]:
    """Return the headers that give every request this role's token and name."""
    if role == "nobody":
        return {}
    agency_code, staff = ROLES[role]
    demo = json.loads(server.demo_file.read_text(encoding="utf-8"))
    agencies = {agency["code"]: agency for agency in (*demo["agencies"], demo["auditor"])}
    agency = agencies[agency_code]
    credentials = base64.b64encode(f"{agency['client_id']}:{agency['client_secret']}".encode()).decode()
    asked = urllib.request.Request(
        f"{server.base_url}/oauth/token", b"grant_type=client_credentials", {"Authorization": f"Basic {credentials}"}
    )
    with urllib.request.urlopen(asked) as answer:
        token = json.load(answer)["access_token"]
    named = {"Authorization": f"Bearer {token}", "On-Behalf-Of": staff}
    if role == "auditor":
        named["Audit-Case"] = "2026-0042"
    return named


def arguments(headers: Mapping[str, str]) -> list[str]:
    """Return headers as Schemathesis takes them."""
    return [argument for name, value in headers.items() for argument in ("--header", f"{name}: {value}")]


def fuzz(
    role: str, server: Server, *, examples: int, phases: Sequence[str], contract: dict[str, Any] | None = None
) -> Run:
    """Run Schemathesis as one role against the server, by the committed contract or another."""
    contract, headers = contract or contract_to_fuzz(), headers_of(role, server)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "openapi.json").write_text(json.dumps(contract), encoding="utf-8")  # far faster to read
        (Path(folder) / "schemathesis.toml").write_text(settings_for(contract), encoding="utf-8")
        command = [str(SCHEMATHESIS), "--config-file", "schemathesis.toml", "run", "openapi.json"]
        command += ["--url", server.base_url, "--phases", ",".join(phases), "--checks", "all"]
        command += ["--max-examples", str(examples), "--seed", str(SEED), "--generation-database", "none"]
        command += ["--generation-allow-x00", "false"]  # no text may hold NUL, which no schema can say
        command += ["--workers", "1", "--no-shrink", "--continue-on-failure", "--no-color", "--warnings", "off"]
        command += ["--suppress-health-check", "all", *arguments(headers)]
        started = time.monotonic()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    late = bool(headers) and time.monotonic() - started > TOKEN_SECONDS
    said = done.stdout + done.stderr + ("The token ended before the run did: ask for fewer examples.\n" if late else "")
    return Run(role, done.returncode == 0 and not late, said)


def fuzz_all(roles: Iterable[str], server: Server, *, examples: int, phases: Sequence[str]) -> list[Run]:
    """Run as each of these roles, two at a time; each phase of its own, with a token of its own, where it is long."""
    parts = [[phase] for phase in phases] if examples > FEW else [list(phases)]

    def run(role: str) -> Run:
        runs = [fuzz(role, server, examples=examples, phases=part) for part in parts]
        return Run(role, all(each.passed for each in runs), "\n".join(each.said for each in runs))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, roles))


@contextmanager
def a_server() -> Iterator[Server]:
    """Serve a fresh exchange that holds nobody to a number of requests a minute."""
    unbounded = patch.dict(os.environ, {"UDVEJ_RATE_LIMIT_PER_MINUTE": "1000000"})
    with unbounded, serving(0, name=NAME, fresh=True, durable=False) as server:
        yield server


def main() -> int:
    """Run the roles that are named, or all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("roles", nargs="*")
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    asked = parser.parse_args()
    with a_server() as server:
        runs = fuzz_all(asked.roles or ROLES, server, examples=asked.examples, phases=asked.phases.split(","))
    for run in runs:
        sys.stdout.write(f"\n=== {run.role}: {'as the contract says' if run.passed else 'FAILED'}\n{run.said}\n")
    return int(not all(run.passed for run in runs))


if __name__ == "__main__":
    sys.exit(main())
