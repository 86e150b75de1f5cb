"""
`python -m api_schema.drift`: fails where the committed contract is not what the views say. `--write` writes it anew.

No database is needed: the contract is drawn from code.
"""

import difflib
import io
import os
import sys
from pathlib import Path

import django

COMMITTED = Path(__file__).with_name("openapi.yaml")


def drawn() -> str:
    """Return the contract as the code draws it now, YAML. Raises CommandError on any of drf-spectacular's warnings."""
    from django.core.management import call_command
    from django.utils.translation import override

    out = io.StringIO()
    with override("en"):
        call_command("spectacular", "--fail-on-warn", "--validate", stdout=out)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    """Return the exit code: 0 where committed and drawn contract agree."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    now = drawn()
    if "--write" in arguments:
        COMMITTED.write_text(now, encoding="utf-8")
        return 0
    committed = COMMITTED.read_text(encoding="utf-8") if COMMITTED.exists() else ""
    if committed == now:
        sys.stdout.write("The committed contract is what the code says.\n")
        return 0
    changes = difflib.unified_diff(committed.splitlines(), now.splitlines(), "api_schema/openapi.yaml", "code", n=1)
    sys.stdout.write("\n".join(list(changes)[:60]) + "\n")
    sys.stdout.write("The contract has drifted. Write it anew with: .venv/bin/python -m api_schema.drift --write\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
