"""Clients that public generators make of the contract compile, and play the main job against a real server."""

import subprocess
import sys

import pytest

from clients.run import LANGUAGES, missing_tools
from config.env import BASE_DIR

pytestmark = [
    pytest.mark.no_database,
    pytest.mark.clients,
    pytest.mark.skipif(bool(missing_tools()), reason="the clients need node, npm and a JDK"),
]


def test_clients_in_three_languages_are_generated_compiled_and_play_the_main_job() -> None:
    played = subprocess.run(
        [sys.executable, "-m", "clients.run"], cwd=BASE_DIR, capture_output=True, text=True, check=False, timeout=900
    )
    assert played.returncode == 0, played.stdout[-2000:] + played.stderr[-4000:]
    assert played.stdout.count("The job went as told.") == len(LANGUAGES) == 3
    assert played.stdout.rstrip().endswith("All three clients played the job.")
