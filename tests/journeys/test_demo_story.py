"""The demo's story goes as told against a server of its own, and breaks off with words where a step is otherwise."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.demo.client import Answer, Client
from config.demo.story import NotAsItShouldBe, Story

ROOT = Path(__file__).resolve().parents[2]
NOBODY = Client("http://127.0.0.1:9", client_id="nobody", client_secret="")


@pytest.fixture
def story() -> Story:
    return Story(NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, NOBODY, centre_id="", counsellor_id="")


@pytest.mark.no_database
def test_the_story_is_told_to_its_end() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "config.demo.story"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr[-2000:]
    assert told.stdout.rstrip().splitlines()[-1].startswith("The story went as told: 22 steps")
    assert "Error" not in told.stderr


@pytest.mark.no_database
def test_a_step_with_another_status_breaks_the_story_off(story: Story) -> None:
    with pytest.raises(NotAsItShouldBe, match="expected 200, got 404 not-found"):
        story.tell("She reads it.", Answer(404, {}, {"code": "not-found"}), 200)


@pytest.mark.no_database
def test_a_step_that_shows_something_else_breaks_the_story_off(story: Story) -> None:
    with pytest.raises(NotAsItShouldBe, match="status is 'draft', expected 'submitted'"):
        story.tell("She submits it.", Answer(200, {}, {}), 200, ("status", "draft", "submitted"))
