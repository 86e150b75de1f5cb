"""
`python -m config.with_database PROGRAM [ARGUMENT ...]`: a Python program, given an empty database of its own.

For the gates that only ask Django whether its database agrees with its models; nothing they do is kept.
"""

import os
import subprocess
import sys

from config.embedded_postgres import ClusterError, running


def main(program: list[str]) -> int:
    """Run the program with DATABASE_URL and OWNER_DATABASE_URL set; return its exit code."""
    try:
        with running("check", durable=False) as cluster:
            urls = {"DATABASE_URL": cluster.url("udvej_app"), "OWNER_DATABASE_URL": cluster.url("udvej_owner")}
            return subprocess.run([sys.executable, *program], check=False, env=os.environ | urls).returncode
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
