"""What is checked by others has to run without us: the pure rooms import nothing but the standard library."""

import subprocess
import sys

import pytest

from config.env import BASE_DIR

PURE = ["audit.canonical", "referrals.lifecycle", "consent.categories", "consent.coverage"]


@pytest.mark.no_database
@pytest.mark.parametrize("module", PURE)
def test_a_pure_room_imports_no_framework(module: str) -> None:
    """Imported alone in a fresh interpreter, it brings in nothing from outside but the other pure rooms."""
    program = (
        f"import sys; sys.path.insert(0, {str(BASE_DIR)!r}); known = set(sys.modules); import {module}; "
        "ours = {'audit', 'referrals', 'consent'}; "
        "names = {name.partition('.')[0] for name in set(sys.modules) - known} - ours; "
        "print(sorted(name for name in names if name not in sys.stdlib_module_names))"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "[]"


@pytest.mark.no_database
def test_a_verifier_needs_nothing_but_these_lines_to_recompute_an_entry() -> None:
    """No settings, no clock and no environment: the bytes of the same columns are the same anywhere."""
    program = (
        f"import sys; sys.path.insert(0, {str(BASE_DIR)!r}); from audit.canonical import jcs, leaf_hash; "
        "print(leaf_hash(jcs({'b': ['é', None], 'a': 1})).hex())"
    )
    ran = {
        subprocess.run(
            [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=30, env=env
        ).stdout.strip()
        for env in ({}, {"LC_ALL": "C", "TZ": "America/New_York", "PYTHONHASHSEED": "7"})
    }
    assert len(ran) == 1
    assert len(ran.pop()) == 64
