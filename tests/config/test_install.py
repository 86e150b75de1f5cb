"""Finding a Python and making .venv: candidates are executed, what is broken is made anew, what is done stays done."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded_postgres import CHECKOUT

pytestmark = pytest.mark.no_database

DEAD_SHIM = "#!/bin/sh\necho 'version manager: command not found' >&2\nexit 127\n"
PYTHON = f"""#!/bin/sh
case "$*" in *"-m venv "*) exec {shlex.quote(sys.executable)} -I -m venv --without-pip .venv ;; esac
exec {shlex.quote(sys.executable)} "$@"
"""
TOO_OLD = PYTHON.replace("#!/bin/sh\n", '#!/bin/sh\ncase "$*" in *version_info*) exit 1 ;; esac\n')
INCOMPLETE = PYTHON.replace("#!/bin/sh\n", '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\n')
UV = """#!/bin/sh
echo "$*" >>"$UV_CALLS"
[ "$1" = --version ] || [ ! -e "$UV_CALLS.fail" ]
"""


class Checkout:
    """A folder with the install script and empty locks, on a PATH where the newer Pythons are dead shims."""

    def __init__(self, place: Path):
        self.folder = place / "vej ud æøå"
        self.programs = place / "bin"
        self.uv_calls = place / "uv-calls"
        (self.folder / "requirements").mkdir(parents=True)
        shutil.copy(CHECKOUT / "requirements" / "install.sh", self.folder / "requirements")
        for kind in ("run", "dev"):
            (self.folder / "requirements" / f"{kind}.txt").write_text(f"# {kind}\n")
        self.programs.mkdir()
        for name in ("python3.14", "python3.13", "python3.12"):
            self.program(name, DEAD_SHIM)
        self.program("python3.11", PYTHON)
        self.program("uv", UV)

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def install(self, kind: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.programs}:/usr/bin:/bin"
        return subprocess.run(
            ["sh", "requirements/install.sh", kind],
            check=False,
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder), "UV_CALLS": str(self.uv_calls)},
            capture_output=True,
            text=True,
        )

    def installs(self) -> list[str]:
        return [call for call in self.uv_calls.read_text().split("\n") if call.startswith("pip install")]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize("candidate", [DEAD_SHIM, TOO_OLD, INCOMPLETE], ids=["dead shim", "too old", "incomplete"])
def test_a_python_that_will_not_do_is_passed_over(checkout: Checkout, candidate: str):
    checkout.program("python3.14", candidate)
    done = checkout.install("run")
    assert done.returncode == 0, done.stderr
    assert str(checkout.programs / "python3.14") not in done.stdout
    assert "version manager" not in done.stdout + done.stderr
    version = subprocess.run([checkout.folder / ".venv/bin/python", "-V"], check=True, capture_output=True, text=True)
    assert version.stdout.startswith("Python 3.1")


def test_packages_are_installed_by_their_hashes(checkout: Checkout):
    checkout.install("run")
    assert len(checkout.installs()) == 1
    assert "--require-hashes -r requirements/run.txt" in checkout.installs()[0]


def test_a_second_install_does_nothing(checkout: Checkout):
    checkout.install("run")
    second = checkout.install("run")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert len(checkout.installs()) == 1


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Checkout):
    checkout.install("run")
    (checkout.folder / "requirements" / "run.txt").write_text("# another\n")
    assert "Making .venv" not in checkout.install("run").stdout
    assert len(checkout.installs()) == 2


def test_what_dev_installs_serves_run_too(checkout: Checkout):
    checkout.install("dev")
    assert checkout.install("run").stdout == ""
    assert len(checkout.installs()) == 1


def test_what_run_installs_does_not_serve_dev(checkout: Checkout):
    checkout.install("run")
    checkout.install("dev")
    assert "dev.txt" in checkout.installs()[1]


def test_an_interrupted_install_is_made_anew(checkout: Checkout):
    lock, failing = checkout.folder / "requirements" / "run.txt", checkout.uv_calls.with_suffix(".fail")
    lock.write_text("without-a-hash\n")
    failing.touch()
    failed = checkout.install("run")
    assert failed.returncode == 1
    assert "could not be installed" in failed.stderr
    lock.write_text("# run\n")
    failing.unlink()

    healed = checkout.install("run")
    assert healed.returncode == 0, healed.stderr
    assert "Making .venv" in healed.stdout


def test_an_environment_that_was_moved_is_made_anew(checkout: Checkout):
    checkout.install("run")
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("flyttet"))
    assert "Making .venv" in checkout.install("run").stdout
    assert checkout.install("run").stdout == ""


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout):
    checkout.install("run")
    for name in ("python", "python3"):
        link = checkout.folder / ".venv" / "bin" / name
        if link.is_symlink():
            link.unlink()
            link.symlink_to("/nonexistent/python")
    assert "Making .venv" in checkout.install("run").stdout


def test_another_kind_is_refused(checkout: Checkout):
    assert checkout.install("production").returncode == 2
