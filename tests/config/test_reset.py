"""What is done to a whole demo exchange: `make reset` begins anew, `make later` lets deadlines come; nowhere else."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config import embedded_postgres, reset
from config.demo.client import Client
from config.demo.story import referral_body
from config.embedded_postgres import CHECKOUT
from config.resetting import ACCEPTED, DONE, REFUSED, Held, Post
from config.run import _supervise
from config.serving import Server, ServingError, files_of

pytestmark = pytest.mark.no_database
NAME = "reset-test"
PATIENCE = 300.0


def main_of(module: str, arguments: str) -> list[str]:
    return [sys.executable, "-c", f"import sys; from config.{module} import main; sys.exit(main({arguments}))"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An exchange that serves on a terminal of its own; the file that it writes there."""
    said = tmp_path_factory.mktemp("run") / "terminal"
    with said.open("wb") as terminal:
        process = subprocess.Popen(
            main_of("run", f"name={NAME!r}, port=0"), cwd=CHECKOUT, stdout=terminal, stderr=terminal
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while "Udvej is serving" not in said.read_text():
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < deadline, said.read_text()
                time.sleep(0.2)
            yield said
        finally:
            process.terminate()
            assert process.wait(60) == 0, said.read_text()
    assert "Stopped." in said.read_text()


def demo() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((files_of(NAME) / "demo.json").read_text(encoding="utf-8"))
    return content


def municipality(told: dict[str, Any]) -> Client:
    """The system of an integrator, who has set up address, id and secret once."""
    agency = told["agencies"][0]
    return Client(
        told["base_url"],
        client_id=agency["client_id"],
        client_secret=agency["client_secret"],
        on_behalf_of=agency["caseworker_id"],
        purpose="exit_support",
    )


def sent_under(reference: str, client: Client) -> list[Any]:
    query = {"role": "sent", "external_reference": reference}
    found: list[Any] = client.get("/api/v1/referrals", query=query).json["results"]
    return found


def log_key() -> str:
    return (files_of(NAME) / "ledger" / "policy").read_text().splitlines()[0]


def test_a_running_exchange_begins_anew_at_the_same_address_with_the_same_credentials(run: Path) -> None:
    before, key = demo(), log_key()
    integrator = municipality(before)
    made = integrator.post(
        "/api/v1/referrals",
        {"subject": {"mode": "anonymous"}, "external_reference": "MINE-1"},
        headers={"Idempotency-Key": "mine-1"},
    )
    assert (made.status, len(sent_under("MINE-1", integrator))) == (201, 1)

    asked = subprocess.run(
        main_of("reset", f"name={NAME!r}"), cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.splitlines()[-1] == f"Done: emptied and loaded anew, at {before['base_url']} as before."
    assert "as `make reset` asked" in run.read_text()

    after = demo()
    assert after["base_url"] == before["base_url"]
    integrator = municipality(before)  # nobody has to be set up anew
    assert integrator.get(f"/api/v1/referrals/{made.json['id']}").status == 404
    assert sent_under("MINE-1", integrator) == []
    assert len(sent_under("KK-2026-00314", integrator)) == 1
    assert {agency["agency_id"] for agency in before["agencies"]}.isdisjoint(
        agency["agency_id"] for agency in after["agencies"]
    )
    # The ledger is another log, and not a fork of the one before: who remembers that one's checkpoints is not deceived.
    assert log_key() != key
    ready = integrator.get("/health/ready")
    assert (ready.status, ready.json["alarms"]) == (200, [])
    for log in (files_of(NAME) / "log").glob("*.log"):
        assert "RolledBack" not in log.read_text(errors="replace"), log.name


def test_while_it_is_served_nobody_empties_it_behind_its_back(run: Path) -> None:
    assert Post(files_of(NAME)).serving(alone=True) is None


def test_a_database_of_ones_own_is_never_emptied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://udvej_app@db.example/udvej")
    assert reset.main(name=NAME) == 1
    assert capsys.readouterr().err == f"{reset.NOT_YOURS}\n"


# --- make later ---------------------------------------------------------------------------------------------------


def later(hours: str) -> subprocess.CompletedProcess[str]:
    url = embedded_postgres.locate(NAME).url("udvej_app")
    return subprocess.run(
        [sys.executable, "manage.py", "demo_later", "--hours", hours],
        cwd=CHECKOUT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.local", "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_silence_is_escalated_and_expires_after_the_grace(run: Path) -> None:
    integrator = municipality(demo())
    centre = next(agency["agency_id"] for agency in demo()["agencies"] if agency["code"] == "exit-comeback")
    body = {**referral_body(centre), "submit": True}
    made = integrator.post("/api/v1/referrals", body, headers={"Idempotency-Key": "silence"})
    assert (made.status, made.json["escalated"]) == (201, False)

    assert later("960").returncode == 0
    seen = integrator.get(f"/api/v1/referrals/{made.json['id']}").json
    assert (seen["status"], seen["escalated"]) == ("submitted", True)

    assert later("1800").returncode == 0
    assert integrator.get(f"/api/v1/referrals/{made.json['id']}").json["status"] == "expired"


@pytest.mark.parametrize("hours", ["0", "-1", "1000000", "nan"])
def test_time_goes_forwards_and_not_for_ever(run: Path, hours: str) -> None:
    done = later(hours)
    assert done.returncode == 1
    assert "make later HOURS=480" in done.stderr


def test_with_other_settings_no_time_is_moved() -> None:
    with pytest.raises(CommandError, match="the demo exchange alone"):
        call_command("demo_later", "--hours", "480")


# --- What the supervisor says to whom -----------------------------------------------------------------------------


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as sleeping:
        yield sleeping
        sleeping.kill()


def supervised(post: Post, process: subprocess.Popen[bytes], tmp_path: Path, *, held: Held, yours: bool) -> list[str]:
    """Ask the supervisor of a server whose one part is that process; return what it said to whoever asked."""
    log = tmp_path / "log"
    log.touch()
    server = Server(base_url="", port=0, demo_file=log, log=log, process=process, beside=(), cluster=None)
    ends: list[object] = []

    def supervise() -> None:
        try:
            ends.append(_supervise(server, post, held, yours=yours))
        except ServingError as error:
            ends.append(error)

    thread = threading.Thread(target=supervise)
    thread.start()
    asked = post.ask()
    deadline = time.monotonic() + 10
    while (answered := post.answered(asked)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    thread.join(10)
    assert (ends == [asked]) is (answered.state == ACCEPTED)
    return [answered.state, answered.words]


def test_the_supervisor_goes_to_begin_anew_when_asked(
    post: Post, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with post.serving(alone=False) as held:  # type: ignore[union-attr]
        assert supervised(post, process, tmp_path, held=held, yours=False)[0] == ACCEPTED


def test_the_supervisor_of_a_database_of_ones_own_refuses(
    post: Post, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with post.serving(alone=False) as held:  # type: ignore[union-attr]
        state, words = supervised(post, process, tmp_path, held=held, yours=True)
    assert (state, "yours to empty" in words) == (REFUSED, True)


def test_where_two_serve_one_database_neither_empties_it(
    post: Post, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with post.serving(alone=False) as held, Post(tmp_path).serving(alone=False) as other:  # type: ignore[union-attr]
        assert other is not None
        state, words = supervised(post, process, tmp_path, held=held, yours=False)
    assert (state, words.startswith("More than one")) == (REFUSED, True)


def test_an_answer_is_for_whoever_asked_and_a_request_is_taken_once(post: Post) -> None:
    asked = post.ask()
    assert post.taken() == asked
    assert post.taken() is None
    post.answer(asked, DONE, "Done.")
    assert post.answered("another") is None
    answered = post.answered(asked)
    assert answered is not None
    assert answered.words == "Done."


def test_a_request_left_for_a_supervisor_that_is_gone_asks_nobody(post: Post) -> None:
    post.ask()
    post.forget()
    assert post.taken() is None
