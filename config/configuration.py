"""
`python -m config.configuration [--write]`: docs/configuration.md, from the variables that are declared.

Without `--write` it says whether the committed page is what the code says, and ends with 1 where it is not.
"""

import sys
from pathlib import Path

from config import variables
from config.variables import BASE_DIR, Process, Variable

PAGE = BASE_DIR / "docs" / "configuration.md"
HEAD = """# Configuration

<!-- Written by `python -m config.configuration --write` from config/variables.py. Change it there. -->

All of it comes from the environment. A variable marked *secret* may lie in a file of its own name instead, in the
folder that `CREDENTIALS_DIRECTORY` names: systemd's `LoadCredential=` sets that by itself, and for a container you set
it to `/run/secrets`. What the environment itself says comes first.

Production settings refuse to start where one that is *needed in production* is not set, and where
`manage.py check --deploy --database default` finds an error ([operations](operations.md), "Refusals at start").
"""
COLUMNS = "| variable | what | unless it is set | |\n|---|---|---|---|"
SECTIONS = (
    (Process.ALL, "Every process"),
    (Process.SERVE, "The server"),
    (Process.SEAL, "The sealer"),
    (Process.MIGRATE, "Migrations alone"),
    (Process.TRIAL, "Trials and tests alone"),
)


def page() -> str:
    """Return the page as the code says it has to be."""
    parts = [HEAD]
    for process, title in SECTIONS:
        rows = [_row(each) for each in variables.declared() if process in each.where]
        parts.append(f"## {title}\n\n{COLUMNS}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(variable: Variable[object]) -> str:
    marks = [
        *(["**needed in production**"] if variable.needed else []),
        *(["secret"] if variable.secret else []),
        variable.kind,
    ]
    return f"| `{variable.name}` | {variable.meaning} | {_default(variable)} | {', '.join(marks)} |"


def _default(variable: Variable[object]) -> str:
    if variable.shown:
        return variable.shown
    default = variable.default
    if isinstance(default, Path):
        return f"`{default.relative_to(BASE_DIR)}`"
    return f"`{default}`" if default not in ("", []) else "nothing"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it; return 0 where it is as the code says."""
    if arguments == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write("docs/configuration.md is not what the code says: python -m config.configuration --write\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
