#!/bin/sh
# Lints the committed contract, or the file that is named, with Spectral's OpenAPI and OWASP rule sets (ruleset.yaml).
#
# Ends with 0 where there is neither an error nor a warning. Needs node 18 or newer and npm; without them it says that
# it was skipped and ends with 0, or with 3 where LINT_API=required. The linter is installed in var/lint/.
set -eu
file=${1:-}
case $file in '' | /*) ;; *) file=$PWD/$file ;; esac
cd -- "$(dirname -- "$0")/../.."
from=api_schema/lint to=$PWD/var/lint  # the trap below is told the whole path: by then we are in the folder

major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
if [ "${major:-0}" -lt 18 ] || ! command -v npm >/dev/null 2>&1; then
    echo "SKIPPED: the public lint of the contract needs node 18 or newer and npm, and this machine lacks them." >&2
    [ "${LINT_API:-}" = required ] && exit 3
    exit 0
fi
mkdir -p "$to"
if ! cmp -s "$from/package-lock.json" "$to/installed-lock.json"; then
    echo "Installing the linter."
    cp "$from/package.json" "$from/package-lock.json" "$to/"
    (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --silent)
    cp "$from/package-lock.json" "$to/installed-lock.json"
fi
folder=$(mktemp -d "$to/run.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cp "$from/ruleset.yaml" "$folder/"
cp "${file:-api_schema/openapi.yaml}" "$folder/openapi.yaml"
cd "$folder"
node ../node_modules/@stoplight/spectral-cli/dist/index.js lint --fail-severity=warn --ruleset ruleset.yaml openapi.yaml
