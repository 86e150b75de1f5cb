"""The contract passes a public lint, Spectral's OpenAPI and OWASP rule sets, and the lint catches what breaks it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from api_schema.drift import COMMITTED

LINT = COMMITTED.parent / "lint"
pytestmark = [
    pytest.mark.no_database,
    pytest.mark.skipif(shutil.which("npm") is None, reason="the public lint needs node and npm"),
]


def lint(file: Path = COMMITTED) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(LINT / "run.sh"), str(file)], capture_output=True, text=True, check=False, timeout=300
    )


def test_the_committed_contract_passes_without_errors_or_warnings() -> None:
    done = lint()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def unbounded(contract: dict[str, Any]) -> None:
    del contract["components"]["schemas"]["ReferralBodyRequest"]["properties"]["external_reference"]["maxLength"]


def unnamed(contract: dict[str, Any]) -> None:
    del contract["paths"]["/api/v1/referrals"]["get"]["operationId"]


def open_to_all(contract: dict[str, Any]) -> None:
    contract["paths"]["/api/v1/referrals"]["post"]["security"] = []


def without_401(contract: dict[str, Any]) -> None:
    del contract["paths"]["/api/v1/referrals"]["get"]["responses"]["401"]


def wrong_example(contract: dict[str, Any]) -> None:
    sent = contract["paths"]["/api/v1/referrals"]["post"]["requestBody"]["content"]["application/json"]
    sent["examples"]["Request"]["value"]["urgency"] = "whenever"


def basic_elsewhere(contract: dict[str, Any]) -> None:
    contract["components"]["securitySchemes"]["other"] = {"type": "http", "scheme": "basic", "description": "No."}


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        (unbounded, "owasp:api4:2023-string-limit"),
        (unnamed, "operation-operationId"),
        (open_to_all, "owasp:api2:2023-write-restricted"),
        (without_401, "owasp:api8:2023-define-error-responses-401"),
        (wrong_example, "oas3-valid-media-example"),
        (basic_elsewhere, "owasp:api2:2023-no-http-basic"),
    ],
)
def test_a_broken_contract_is_caught(tmp_path: Path, break_it: Any, rule: str) -> None:
    contract = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    break_it(contract)
    broken = tmp_path / "openapi.yaml"
    broken.write_text(yaml.safe_dump(contract), encoding="utf-8")
    done = lint(broken)
    assert done.returncode == 1
    assert rule in done.stdout


def test_the_lock_names_no_registry_and_pins_by_hash() -> None:
    lock = json.loads((LINT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 100
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if not package.get("integrity", "").startswith("sha512-")] == []


def test_each_rule_that_is_off_has_its_reason_above_it() -> None:
    lines = (LINT / "ruleset.yaml").read_text(encoding="utf-8").splitlines()
    off = [number for number, line in enumerate(lines) if re.search(r": off$", line)]
    assert len(off) == 5
    for number in off:
        above = [line.strip() for line in lines[max(0, number - 4) : number]]
        assert any(line.startswith("#") for line in above), lines[number]
