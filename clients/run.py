"""
`make clients`: generates clients from the committed contract with public generators, compiles them, and lets each play
the main job against a server of its own.

Python by openapi-python-client (checked by mypy), TypeScript by openapi-typescript and openapi-fetch (tsc, strict), and
Java by openapi-generator (javac). What is generated is under var/clients/ and is not committed; what plays is.
"""

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from config.embedded_postgres import CHECKOUT, ClusterError
from config.serving import Server, ServingError, serving

NAME = "clients"
HERE = CHECKOUT / "clients"
CONTRACT = CHECKOUT / "api_schema" / "openapi.yaml"
BUILD = CHECKOUT / "var" / "clients"
ENVIRONMENT = CHECKOUT / ".venv-clients"
LOCK = CHECKOUT / "requirements" / "clients.txt"
PYTHON = ENVIRONMENT / "bin" / "python"
TOOLS = ("node", "npm", "java", "javac")
NODE_OPTIONS = ("--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
JAVA_OPTIONS = (
    *("library=native", "openApiNullable=false", "useJakartaEe=false", "hideGenerationTimestamp=true"),
    *("invokerPackage=udvej.client", "apiPackage=udvej.client.api", "modelPackage=udvej.client.model"),
)
NO_MORE_THAN_THE_CLIENT = "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"


class ClientsError(RuntimeError):
    """A client could not be generated, compiled or run; the sentence says which step, and what it said."""


def main() -> int:
    """Make the clients and let them play; return the exit code."""
    if missing := missing_tools():
        sys.stderr.write(f"The clients need {', '.join(missing)}: node 18 and JDK 17, or newer.\n")
        return 3
    try:
        install()
        players = {name: timed(name, make) for name, make in LANGUAGES.items()}
        sys.stdout.write("Starting a server for them.\n")
        with serving(0, name=NAME, fresh=True, durable=False) as server:
            for name, player in players.items():
                play(name, player, server)
    except (ClientsError, ServingError, ClusterError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    sys.stdout.write("\nAll three clients played the job.\n")
    return 0


def missing_tools() -> list[str]:
    """Return the programs that this machine lacks."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def install() -> None:
    """Install the generators: hashed locks, into .venv-clients and var/clients/typescript."""
    stamp = ENVIRONMENT / "installed"
    if not (stamp.exists() and stamp.read_bytes() == LOCK.read_bytes()):
        sys.stdout.write("Installing the generators.\n")
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
        run("pip", [str(PYTHON), "-m", "pip", "install", *quiet, "--require-hashes", "-r", str(LOCK)])
        stamp.write_bytes(LOCK.read_bytes())
    folder = BUILD / "typescript"
    lock, installed = HERE / "typescript" / "package-lock.json", folder / "installed-lock.json"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        shutil.copy(HERE / "typescript" / name, folder)
    if not (installed.exists() and installed.read_bytes() == lock.read_bytes()):
        run("npm", ["npm", "ci", *NODE_OPTIONS], folder)
        installed.write_bytes(lock.read_bytes())


def python() -> list[str]:
    """Generate the Python client, and check it and its program with mypy; return the command that plays."""
    folder = emptied(BUILD / "python")
    generate = [str(ENVIRONMENT / "bin" / "openapi-python-client"), "generate", "--path", str(CONTRACT)]
    generate += ["--config", str(HERE / "python" / "generate.yaml"), "--meta", "none", "--fail-on-warning"]
    run("openapi-python-client", [*generate, "--output-path", str(folder / "udvej_client")])
    shutil.copy(HERE / "python" / "play.py", folder)
    run("mypy", [str(PYTHON), "-m", "mypy", "--config-file=", "--strict", "play.py"], folder)
    run("mypy", [str(PYTHON), "-m", "mypy", "--config-file=", "-p", "udvej_client"], folder)
    return [str(PYTHON), str(folder / "play.py")]


def typescript() -> list[str]:
    """Generate the TypeScript types and compile the program; return the command that plays."""
    folder = BUILD / "typescript"
    shutil.rmtree(folder / "out", ignore_errors=True)
    shutil.copytree(HERE / "typescript" / "src", emptied(folder / "src"), dirs_exist_ok=True)
    generator = ["node", "node_modules/openapi-typescript/bin/cli.js", str(CONTRACT), "-o", "src/udvej.ts"]
    run("openapi-typescript", [*generator, "--default-non-nullable", "false"], folder)
    run("tsc", ["node", "node_modules/typescript/bin/tsc", "-p", "."], folder)
    return ["node", str(folder / "out" / "play.js")]


def java() -> list[str]:
    """Generate the Java client and compile it with the program; return the command that plays."""
    folder = emptied(BUILD / "java")
    where = (
        "import openapi_generator_cli as o, pathlib as p; print(p.Path(o.__file__).with_name('openapi-generator.jar'))"
    )
    jar = run("openapi-generator", [str(PYTHON), "-c", where]).strip()
    options = ["--additional-properties", ",".join(JAVA_OPTIONS), "--global-property", NO_MORE_THAN_THE_CLIENT]
    generate = ["java", "-jar", jar, "generate", "-g", "java", "-i", str(CONTRACT), "-o", str(folder / "generated")]
    run("openapi-generator", [*generate, *options])
    sources = [*(folder / "generated" / "src" / "main").rglob("*.java"), *(HERE / "java").rglob("*.java")]
    (folder / "sources").write_text("".join(f'"{source}"\n' for source in sources), encoding="utf-8")
    compile_it = ["javac", "-encoding", "UTF-8", "-nowarn", "-cp", jar, "-d", str(folder / "classes")]
    run("javac", [*compile_it, f"@{folder / 'sources'}"])  # the generator's jar brings the libraries it generates for
    return ["java", "-Dstdout.encoding=UTF-8", "-cp", f"{folder / 'classes'}{os.pathsep}{jar}", "Play"]


def play(name: str, player: Sequence[str], server: Server) -> None:
    """Let a client play the job. Raises `ClientsError` unless it says to the end that all went as told."""
    said = run(f"The {name} client", [*player, server.base_url, str(server.demo_file)])
    if said.rstrip().splitlines()[-1:] != ["The job went as told."]:
        raise ClientsError(f"The {name} client did not come to its end:\n{said}")
    sys.stdout.write(f"\n{name}\n{said}")


LANGUAGES = {"Python": python, "TypeScript": typescript, "Java": java}


def timed(name: str, make: Callable[[], list[str]]) -> list[str]:
    """Make a client, and say how long it took."""
    started = time.monotonic()
    made = make()
    sys.stdout.write(f"The {name} client is generated and compiled ({time.monotonic() - started:.0f} s).\n")
    return made


def emptied(folder: Path) -> Path:
    """Return the folder, with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def run(what: str, command: Sequence[str], folder: Path = CHECKOUT) -> str:
    """Return what a command wrote. Raises `ClientsError` with the end of it where it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise ClientsError(f"{what} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
