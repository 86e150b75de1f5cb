#!/bin/sh
# Makes .venv and installs a hashed lock into it: requirements/install.sh run|dev
#
# Says one line per phase; a second call with the same lock is instant, and what "dev" installs serves "run" too.
# An environment that was left unfinished, or that was moved or copied from another folder, is made anew.
set -eu
unset CDPATH PYTHONHOME PYTHONPATH
kind=${1:-}
case $kind in
run | dev) ;;
*)
    echo "usage: requirements/install.sh run|dev" >&2
    exit 2
    ;;
esac
cd -- "$(dirname -- "$0")/.."
here=$(pwd -P)
python=.venv/bin/python
works_as_python='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))'

fail() {
    echo "$1" >&2
    exit 1
}

# What .venv/installed holds when that kind is installed: where, with which Python, and from which lock.
stamp() {
    echo "$1"
    echo "$here"
    "$python" -I -c "import sys; print(sys.version); $works_as_python" || echo "no working Python"
    cksum <"requirements/$1.txt"
}

installed() {
    [ -x "$python" ] && [ -f .venv/installed ] && [ "$(stamp "$1" 2>/dev/null)" = "$(cat .venv/installed)" ]
}

enough() {
    installed dev || { [ "$kind" = run ] && installed run; }
}

# One install at a time. flock lets go however the process ends; without it, a folder with the holder's number.
lock() {
    mkdir -p var
    if command -v flock >/dev/null 2>&1; then
        exec 9>var/install.lock
        flock 9
        return
    fi
    tries=0
    until mkdir var/install.lock.d 2>/dev/null; do
        holder=$(cat var/install.lock.d/holder 2>/dev/null || :)
        tries=$((tries + 1))
        if [ -z "$holder" ] && [ "$tries" -gt 5 ] || { [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; }; then
            rm -rf var/install.lock.d
        else
            sleep 1
        fi
    done
    trap 'rm -rf var/install.lock.d' EXIT
    trap 'exit 130' INT TERM HUP
    echo $$ >var/install.lock.d/holder
}

# Names on PATH prove nothing (version managers leave shims that only print an error), so each candidate is executed.
candidates() {
    for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
        IFS=:
        for folder in ${PATH:-} /usr/local/bin /opt/homebrew/bin /usr/bin; do
            echo "${folder:-.}/$name"
        done
        unset IFS
    done
    for found in "${HOME:-/nonexistent}"/.pyenv/versions/*/bin/python3; do
        echo "$found"
    done
}

# Sets $base to a Python that can make environments, or leaves it empty with $incomplete at the best that can't.
find_python() {
    base='' incomplete=''
    while IFS= read -r candidate; do
        case $candidate in "$here"/.venv/*) continue ;; esac
        [ -x "$candidate" ] && [ ! -d "$candidate" ] || continue
        "$candidate" -I -c "$works_as_python" </dev/null >/dev/null 2>&1 || continue
        if "$candidate" -I -c 'import ensurepip, venv' </dev/null >/dev/null 2>&1; then
            base=$candidate
            return
        fi
        incomplete=${incomplete:-$candidate}
    done <<END
$(candidates)
END
}

has_uv() {
    uv --version >/dev/null 2>&1
}

make_environment() {
    find_python
    rm -rf .venv
    if [ -n "$base" ]; then
        echo "Making .venv with $("$base" -I -V) of $base."
        "$base" -I -m venv .venv >&2 || fail "$base could not make .venv; the lines above say why."
    elif has_uv; then
        echo "Making .venv with uv."
        uv venv --quiet --python "${incomplete:->=3.11,<3.15}" .venv || fail "uv could not make .venv."
    elif [ -n "$incomplete" ]; then
        fail "$incomplete lacks the modules venv and ensurepip. Install them (Debian, Ubuntu: apt install python3-venv) and try again."
    else
        fail "No Python from 3.11 to 3.14 was found. Install one (Debian, Ubuntu: apt install python3 python3-venv) and try again."
    fi
    echo "$here" >.venv/made-in
}

install_packages() {
    lock_file=requirements/$kind.txt
    log=.venv/install.log
    if has_uv && uv pip install --quiet --python "$python" --require-hashes -r "$lock_file" >"$log" 2>&1; then
        return
    fi
    "$python" -I -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$lock_file" \
        >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "The packages of $lock_file could not be installed; the lines above are the end of $log."
    }
}

if enough; then exit 0; fi
lock
if enough; then exit 0; fi # another call has just done it

if [ -f .venv/unfinished ] || [ "$(cat .venv/made-in 2>/dev/null || :)" != "$here" ] ||
    ! "$python" -I -c "$works_as_python" >/dev/null 2>&1; then
    make_environment
fi
echo "Installing the packages of requirements/$kind.txt; the first time takes a minute or so."
rm -f .venv/installed
: >.venv/unfinished
install_packages
rm -f .venv/unfinished
stamp "$kind" >.venv/installed.new
mv .venv/installed.new .venv/installed
