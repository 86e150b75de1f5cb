"""The local database server: it is made whole or not at all, mends itself, and lets nobody else in."""

import dataclasses
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from config import embedded_postgres, postgres_host
from config.embedded_postgres import CHECKOUT, Cluster, ClusterError

pytestmark = pytest.mark.no_database

CPR = "010190-1234"


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A folder that stands for a checkout, with a name that trips careless quoting, open to root's lesser account."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    folder = place / "Vej ud, 100% & 'æøå'"
    folder.mkdir(mode=0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres_host, "ROOTS_HOME", folder / "root's")
        yield folder
    shutil.rmtree(place)


@pytest.fixture
def cluster(checkout: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster that does not exist yet, for one test."""
    yield from _disposable(embedded_postgres.locate(request.node.name.partition("[")[0], checkout=checkout))


@pytest.fixture(scope="module")
def started(checkout: Path) -> Iterator[Cluster]:
    """A cluster that runs, for the tests that leave it as it is."""
    for cluster in _disposable(embedded_postgres.locate("started", checkout=checkout)):
        yield embedded_postgres.start(cluster, durable=False)


def _disposable(cluster: Cluster) -> Iterator[Cluster]:
    yield cluster
    cluster.stop()
    if cluster.socket_dir.is_symlink():
        cluster.socket_dir.unlink()
    shutil.rmtree(cluster.socket_dir, ignore_errors=True)


def ask(cluster: Cluster, question: str, *, role: str = "postgres", database: str = "udvej") -> list[tuple]:
    with psycopg.connect(cluster.url(role, database), autocommit=True) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


def test_a_half_made_cluster_is_never_used(cluster: Cluster, monkeypatch: pytest.MonkeyPatch):
    def die_half_way(host: postgres_host.Host, command: list[str], **_: object) -> None:
        (cluster.home / "data.half-made" / "PG_VERSION").write_text("18\n")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(postgres_host.Host, "run", die_half_way)
        with pytest.raises(KeyboardInterrupt):
            embedded_postgres.start(cluster, durable=False)
    assert not cluster.data.exists()

    embedded_postgres.start(cluster, durable=False)
    assert ask(cluster, "SELECT 1", role="udvej_app") == [(1,)]
    assert not (cluster.home / "data.half-made").exists()


def test_data_of_a_checkout_that_is_gone_is_set_aside_and_the_checkouts_own_is_kept(cluster: Cluster, tmp_path: Path):
    """Root's data lies outside the checkout: a new clone in the same place would find it without the keys to it."""
    cluster = dataclasses.replace(cluster, mark=tmp_path / "marks" / "here.mark")
    for gone, kept in ((False, False), (False, True), (True, False)):
        if gone:
            shutil.rmtree(tmp_path / "marks")
        embedded_postgres.start(cluster, durable=False)
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as opened:
            found = opened.execute("SELECT to_regclass('public.left_behind') IS NOT NULL").fetchone()
            opened.execute("CREATE TABLE IF NOT EXISTS public.left_behind ()")
        cluster.stop()
        assert found == (kept,)
    assert len(list(cluster.home.glob("data-of-a-checkout-that-is-gone-*"))) == 1


def test_a_killed_postmaster_is_healed(cluster: Cluster):
    embedded_postgres.start(cluster)
    ask(cluster, "CREATE TABLE kept AS SELECT 42 AS answer")
    pid_file, lock_file = cluster.data / "postmaster.pid", cluster.socket_dir / f"{postgres_host.SOCKET_NAME}.lock"
    os.kill(int(pid_file.read_text().split("\n")[0]), signal.SIGKILL)
    with subprocess.Popen(["/bin/true"], user=cluster.data.stat().st_uid) as zombie:
        for left_over in (pid_file, lock_file):  # the number has gone to a zombie meanwhile
            left_over.write_text("\n".join([str(zombie.pid), *left_over.read_text().split("\n")[1:]]))

        embedded_postgres.start(cluster)

    assert ask(cluster, "SELECT answer FROM kept") == [(42,)]


def test_parallel_starts_make_one_cluster(cluster: Cluster, checkout: Path):
    program = """
import sys, pathlib, psycopg
from config import embedded_postgres, postgres_host
postgres_host.ROOTS_HOME = pathlib.Path(sys.argv[3])
with embedded_postgres.running(sys.argv[1], durable=False, checkout=pathlib.Path(sys.argv[2])) as cluster:
    with psycopg.connect(cluster.url("postgres")) as connection:
        identity = "SELECT system_identifier, pg_postmaster_start_time() FROM pg_control_system()"
        print(connection.execute(identity).fetchone())
    print("ready", flush=True)
    sys.stdin.readline()
"""
    arguments = [cluster.home.name, str(checkout), str(postgres_host.ROOTS_HOME)]
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers = set()
    for starter in starters:
        assert starter.stdout is not None
        answers.add(starter.stdout.readline())
        assert starter.stdout.readline() == "ready\n"
    assert len(answers) == 1

    for starter in starters:
        assert cluster.alive()
        starter.communicate("\n")
    assert not cluster.alive(), "the last one to leave stops it"


def test_the_last_block_that_needs_it_stops_it(cluster: Cluster, checkout: Path):
    with embedded_postgres.running(cluster.home.name, durable=False, checkout=checkout):
        with embedded_postgres.running(cluster.home.name, durable=False, checkout=checkout):
            pass
        assert ask(cluster, "SELECT 1") == [(1,)]
    assert not cluster.alive()


@pytest.mark.parametrize("whose", ["a link's", "open to all", "someone else's"])
def test_the_socket_folder_of_someone_else_is_refused(cluster: Cluster, tmp_path: Path, whose: str):
    if whose == "a link's":
        cluster.socket_dir.symlink_to(tmp_path)
    else:
        cluster.socket_dir.mkdir(mode=0o700)
    if whose == "open to all":
        cluster.socket_dir.chmod(0o777)
    if whose == "someone else's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(cluster.socket_dir, 54321, 54321)

    with pytest.raises(ClusterError, match="not a folder that only this account may enter"):
        embedded_postgres.start(cluster)
    assert not cluster.data.exists()


def test_it_runs_from_a_folder_with_spaces_and_danish_letters(started: Cluster, checkout: Path):
    assert started.home.is_relative_to(checkout)
    assert ask(started, "SHOW data_directory") == [(str(started.data),)]


def test_the_socket_path_is_short_wherever_the_checkout_is():
    cluster = embedded_postgres.locate(checkout=Path("/") / ("very long " * 20))
    assert len(os.fsencode(cluster.socket_dir / postgres_host.SOCKET_NAME)) <= postgres_host.SOCKET_PATH_MAX


def test_it_listens_on_a_socket_that_nobody_else_can_reach(started: Cluster):
    assert ask(started, "SHOW listen_addresses") == [("",)]
    assert stat.S_IMODE(started.socket_dir.stat().st_mode) == 0o700


def test_it_never_runs_as_root(started: Cluster):
    owner = int((started.data / "postmaster.pid").stat().st_uid)
    assert owner != 0
    assert owner == started.socket_dir.stat().st_uid


def test_a_url_names_role_database_and_socket_whatever_they_are_called(tmp_path: Path):
    url = urlsplit(Cluster(home=tmp_path, socket_dir=tmp_path / "å & ?").url("a@b", "c/d"))
    assert (url.username, url.path) == ("a%40b", "/c%2Fd")
    assert parse_qs(url.query)["host"] == [str(tmp_path / "å & ?")]


def test_data_of_another_major_version_is_refused_with_a_sentence(cluster: Cluster):
    cluster.data.mkdir(parents=True)
    (cluster.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(ClusterError, match="was made by PostgreSQL 12"):
        embedded_postgres.start(cluster)


def test_a_failing_initdb_is_quoted(cluster: Cluster, monkeypatch: pytest.MonkeyPatch):
    said = "creating directory\ninitdb: error: could not write: No space left on device\n"
    monkeypatch.setattr(
        postgres_host.Host, "run", lambda *_, **__: subprocess.CompletedProcess([], returncode=1, stdout=said)
    )
    with pytest.raises(ClusterError, match="No space left on device"):
        embedded_postgres.start(cluster)
    assert not cluster.data.exists()


def test_the_log_quotes_no_values(started: Cluster):
    for question in (f"SELECT '{CPR}'::integer", f'SELECT 1/0 AS "{CPR}"', f"DO $$BEGIN RAISE WARNING '{CPR}'; END$$"):
        with psycopg.connect(started.url("udvej_app")) as connection:
            try:
                connection.execute(question.encode())
            except psycopg.Error:
                connection.rollback()
    assert CPR not in started.log.read_text()


def test_a_role_can_do_no_more_than_its_job(started: Cluster):
    flags = "rolsuper OR rolcreatedb OR rolcreaterole OR rolinherit OR rolreplication OR rolbypassrls"
    assert ask(started, f"SELECT rolname, rolcanlogin, {flags} FROM pg_roles WHERE rolname ^@ 'udvej_' ORDER BY 1") == [
        (role, True, False) for role in ("udvej_app", "udvej_owner", "udvej_reader", "udvej_sealer")
    ]
    for role in ("udvej_app", "udvej_sealer", "udvej_reader"):
        for forbidden in ("CREATE TABLE public.mine ()", "CREATE TEMPORARY TABLE mine ()", "SET ROLE udvej_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ask(started, forbidden, role=role)


def test_roles_that_drifted_are_put_right_by_the_next_start(started: Cluster):
    ask(started, "GRANT udvej_owner TO udvej_app WITH ADMIN OPTION")
    ask(started, "GRANT udvej_owner TO udvej_reader", role="udvej_app")
    ask(started, "ALTER ROLE udvej_app SUPERUSER INHERIT")
    embedded_postgres.start(started)
    assert ask(started, "SELECT rolsuper FROM pg_roles WHERE rolname = 'udvej_app'") == [(False,)]
    assert ask(started, "SELECT FROM pg_auth_members WHERE member::regrole::text ^@ 'udvej_'") == []


def test_a_database_for_a_test_is_the_owners_and_can_be_thrown_away(started: Cluster):
    embedded_postgres.create_database(started, "én til")
    ask(started, "CREATE TABLE mine ()", role="udvej_owner", database="én til")
    embedded_postgres.drop_database(started, "én til")
    embedded_postgres.drop_database(started, "én til")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        ask(started, "SELECT 1", database="én til")
